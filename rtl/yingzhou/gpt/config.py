# SPDX-License-Identifier: Apache-2.0
"""Configuration of the GPT guard and the numbers that follow from it."""

from dataclasses import dataclass
from typing import Final

from yingzhou.errors import require

PAGE_LOG: Final = 12
"""A page is 4 KiB (Privileged ISA 12.3 and 12.4)."""

AREA_PPN_BITS: Final = 44
"""Width of the page numbers in the area registers, the same for every mode."""


@dataclass(frozen=True)
class PagingMode:
    """Constants of one paging mode (Privileged ISA, chapters 12.3 Sv32, 12.4 Sv39, 12.5 Sv48)."""

    levels: int
    vpn_bits: int
    pte_bytes: int
    pte_ppn_bits: int
    pa_width_max: int


MODES: Final = {
    "sv32": PagingMode(levels=2, vpn_bits=10, pte_bytes=4, pte_ppn_bits=22, pa_width_max=34),
    "sv39": PagingMode(levels=3, vpn_bits=9, pte_bytes=8, pte_ppn_bits=44, pa_width_max=56),
    "sv48": PagingMode(levels=4, vpn_bits=9, pte_bytes=8, pte_ppn_bits=44, pa_width_max=56),
}
"""Accepted values of ``GptConfig.mode``."""

PA_WIDTH_MIN: Final = 32
AREAS_MAX: Final = 64


@dataclass(frozen=True, kw_only=True)
class GptConfig:
    """What can be chosen about a GPT guard.

    Parameters
    ----------
    mode : str
        Paging mode of the walker: ``sv32``, ``sv39`` or ``sv48``.
    areas : int
        Number of area entries, 1 to 64.
    pa_width : int
        Width of a physical byte address in bits, as far as the system decodes it: 32 to 34 (Sv32) or 56 (Sv39, Sv48).
        Page numbers that need more bits are refused.
    protection_bit : int or None
        Bit of a physical byte address that selects the protected window, 12 to ``pa_width - 1``; None: there is none.
    device_region : (int, int) or None
        Device registers, where the protection bit is an ordinary address bit: first byte and first byte after, both
        multiples of 4096. Nothing in it may be memory. None: there is none.
    """

    mode: str = "sv32"
    areas: int = 8
    pa_width: int = 34
    protection_bit: int | None = 30
    device_region: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        require(self.mode in MODES, f"mode is {self.mode!r}; accepted are {', '.join(MODES)}")
        require(1 <= self.areas <= AREAS_MAX, f"areas is {self.areas}; accepted are 1 to {AREAS_MAX}")
        highest = MODES[self.mode].pa_width_max
        require(
            PA_WIDTH_MIN <= self.pa_width <= highest,
            f"pa_width is {self.pa_width}; accepted with {self.mode} are {PA_WIDTH_MIN} to {highest}",
        )
        require(
            self.protection_bit is None or PAGE_LOG <= self.protection_bit < self.pa_width,
            f"protection_bit is {self.protection_bit}; accepted are {PAGE_LOG} to {self.pa_width - 1}, or none",
        )
        if self.device_region is not None:
            low, high = self.device_region
            require(
                0 <= low < high <= 1 << self.pa_width and low % (1 << PAGE_LOG) == high % (1 << PAGE_LOG) == 0,
                f"device_region is {low:#x} to {high:#x}; accepted are whole pages below {1 << self.pa_width:#x}",
            )
            bit = self.protection_bit
            require(
                bit is not None and low >> bit == high - 1 >> bit and low >> bit & 1 == 1,
                f"device_region is {low:#x} to {high:#x}; accepted are pages with the protection bit ({bit}) set",
            )

    @property
    def levels(self) -> int:
        """Levels of the page table; the root is level ``levels - 1``, the last level is 0."""
        return MODES[self.mode].levels

    @property
    def vpn_bits(self) -> int:
        """Bits of the virtual page number that one level translates."""
        return MODES[self.mode].vpn_bits

    @property
    def pte_bytes(self) -> int:
        """Size of a PTE in bytes."""
        return MODES[self.mode].pte_bytes

    @property
    def pte_bits(self) -> int:
        """Size of a PTE in bits."""
        return 8 * self.pte_bytes

    @property
    def pte_ppn_bits(self) -> int:
        """Width of the page number field of a PTE in bits."""
        return MODES[self.mode].pte_ppn_bits

    @property
    def ppn_bits(self) -> int:
        """Width of an implemented physical page number in bits."""
        return self.pa_width - PAGE_LOG

    @property
    def has_napot(self) -> bool:
        """Whether a PTE has the N bit (Svnapot, Privileged ISA chapter 13)."""
        return self.pte_bytes == 8

    @property
    def no_level(self) -> int:
        """Value of a level signal outside a walk: no area holds tables of this level, so the read is refused."""
        return self.levels

    @property
    def level_bits(self) -> int:
        """Width of a level signal in bits: the levels and ``no_level``."""
        return self.no_level.bit_length()
