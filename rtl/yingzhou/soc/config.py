# SPDX-License-Identifier: Apache-2.0
"""Configuration of the default machine, in one frozen dataclass."""

from dataclasses import dataclass, field
from typing import Final

from yingzhou.errors import require
from yingzhou.gpt.config import GptConfig
from yingzhou.hart.config import HartConfig

from .memory_map import DRAM_MAX_BYTES, MMIO_BASE, PROTECTION_BIT

CHECKERS: Final = ("none", "gpt", "bitmap")
"""Walk checkers by name; the position is the code in ``sysinfo.features.checker``."""


def _is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


@dataclass(frozen=True, kw_only=True)
class SocConfig:
    """Everything that is chosen when the machine is generated.

    DRAM timing is not here: it belongs to the memory outside the chip and is given to the simulator.

    Parameters
    ----------
    checker : str
        What judges page walks: ``gpt``, or for comparison ``none`` or ``bitmap``.
    dram_bytes : int
        Size of DRAM in bytes, a power of two from 16 MiB to 512 MiB.
    hart : HartConfig
        The hart.
    gpt : GptConfig
        The guard; its mode must be ``sv32`` and its protection bit that of the memory map.
    bitmap_cache_words : int
        Words of ownership bits cached by the ``bitmap`` checker, a power of two from 1 to 64.
    instr_lines, data_lines : int
        64-byte lines buffered at the fetch and the data port, powers of two from 1 to 64.
    """

    checker: str = "gpt"
    dram_bytes: int = 256 << 20
    hart: HartConfig = field(default_factory=HartConfig)
    gpt: GptConfig = field(default_factory=lambda: GptConfig(device_region=(MMIO_BASE, 1 << 32)))
    bitmap_cache_words: int = 8
    instr_lines: int = 4
    data_lines: int = 16

    def __post_init__(self) -> None:
        require(self.checker in CHECKERS, f"checker is {self.checker!r}; accepted are {', '.join(CHECKERS)}")
        require(
            _is_power_of_two(self.dram_bytes) and 16 << 20 <= self.dram_bytes <= DRAM_MAX_BYTES,
            f"dram_bytes is {self.dram_bytes}; accepted are powers of two from {16 << 20} (16 MiB) "
            f"to {DRAM_MAX_BYTES} (512 MiB)",
        )
        require(self.gpt.mode == "sv32", f"gpt.mode is {self.gpt.mode!r}; this machine's hart has 'sv32' only")
        require(
            self.gpt.protection_bit == PROTECTION_BIT,
            f"gpt.protection_bit is {self.gpt.protection_bit}; this machine's memory map has it at {PROTECTION_BIT}",
        )
        for name in ("bitmap_cache_words", "instr_lines", "data_lines"):
            value = getattr(self, name)
            require(
                _is_power_of_two(value) and value <= 64, f"{name} is {value}; accepted are powers of two from 1 to 64"
            )

    @property
    def checker_code(self) -> int:
        """Value of ``sysinfo.features.checker``."""
        return CHECKERS.index(self.checker)
