# SPDX-License-Identifier: Apache-2.0
"""Configuration of the default machine, in one frozen dataclass."""

from dataclasses import dataclass, field
from typing import Any, Final

from yingzhou.errors import power_of_two, require
from yingzhou.gpt.config import GptConfig
from yingzhou.hart.config import HartConfig
from yingzhou.llc.config import LlcConfig
from yingzhou.mmt.config import MmtConfig, preset

from .memory_map import DRAM_BASE, DRAM_MAX_BYTES, MMIO_BASE, PROTECTED_BASE, PROTECTION_BIT

CHECKERS: Final = ("none", "gpt", "bitmap")
"""Walk checkers by name; the position is the code in ``sysinfo.features.checker``."""
MEMORIES: Final = ("plain", "mmt")
"""What stands before DRAM, by name; the position is the code in ``sysinfo.features.memory``."""
CACHES: Final = ("lines", "llc")
"""What stands between the hart and that, by name; the position is the code in ``sysinfo.features.cache``."""


def machine_engine(dram_bytes: int, name: str = "paper", **overrides: Any) -> MmtConfig:
    """Return the preset ``name`` of the memory engine, with ``overrides``, as it fits a machine with this DRAM."""
    return preset(
        name,
        **{
            "addr_width": 32,
            "protection_bit": PROTECTION_BIT,
            "memory_base": DRAM_BASE,
            "memory_bytes": dram_bytes,
            "id_width": 1,
            **overrides,
        },
    )


def machine_cache(dram_bytes: int, **overrides: Any) -> LlcConfig:
    """Return the last-level cache, with ``overrides``, as it fits this DRAM: both windows, no devices."""
    windows = tuple((base, base + dram_bytes) for base in (DRAM_BASE, PROTECTED_BASE))
    return LlcConfig(**{"addr_width": 32, "id_width": 1, "cacheable": windows, **overrides})


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
    memory : str
        What stands before DRAM: ``mmt``, the memory engine, or for comparison ``plain``, where both windows are the
        same unprotected DRAM.
    mmt : MmtConfig or None
        The memory engine, for this machine's addresses. None: the preset ``paper`` (:func:`machine_engine`).
    cache : str
        What stands between the hart and the memory engine: ``llc``, the last-level cache, or for comparison ``lines``,
        a few line buffers and posted writes.
    llc : LlcConfig or None
        The last-level cache, for this machine's addresses. None: 128 KiB, 8 ways (:func:`machine_cache`).
    instr_lines, data_lines : int
        With ``lines``: 64-byte lines buffered at the fetch and the data port, powers of two from 1 to 64.
    """

    checker: str = "gpt"
    dram_bytes: int = 256 << 20
    hart: HartConfig = field(default_factory=HartConfig)
    gpt: GptConfig = field(default_factory=lambda: GptConfig(device_region=(MMIO_BASE, 1 << 32)))
    bitmap_cache_words: int = 8
    memory: str = "mmt"
    mmt: MmtConfig | None = None
    cache: str = "llc"
    llc: LlcConfig | None = None
    instr_lines: int = 4
    data_lines: int = 16

    def __post_init__(self) -> None:
        require(self.checker in CHECKERS, f"checker is {self.checker!r}; accepted are {', '.join(CHECKERS)}")
        require(
            power_of_two(self.dram_bytes) and 16 << 20 <= self.dram_bytes <= DRAM_MAX_BYTES,
            f"dram_bytes is {self.dram_bytes}; accepted are powers of two from {16 << 20} (16 MiB) "
            f"to {DRAM_MAX_BYTES} (512 MiB)",
        )
        require(self.gpt.mode == "sv32", f"gpt.mode is {self.gpt.mode!r}; this machine's hart has 'sv32' only")
        require(
            self.gpt.protection_bit == PROTECTION_BIT,
            f"gpt.protection_bit is {self.gpt.protection_bit}; this machine's memory map has it at {PROTECTION_BIT}",
        )
        require(self.memory in MEMORIES, f"memory is {self.memory!r}; accepted are {', '.join(MEMORIES)}")
        fixed = machine_engine(self.dram_bytes)
        for name in ("addr_width", "protection_bit", "memory_base", "memory_bytes", "id_width"):
            value, needed = getattr(self.engine, name), getattr(fixed, name)
            require(value == needed, f"mmt.{name} is {value}; this machine needs {needed}")
        require(self.cache in CACHES, f"cache is {self.cache!r}; accepted are {', '.join(CACHES)}")
        for name in ("addr_width", "id_width", "cacheable"):
            value, needed = getattr(self.last_level, name), getattr(machine_cache(self.dram_bytes), name)
            require(value == needed, f"llc.{name} is {value}; this machine needs {needed}")
        for name in ("bitmap_cache_words", "instr_lines", "data_lines"):
            value = getattr(self, name)
            require(power_of_two(value) and value <= 64, f"{name} is {value}; accepted are powers of two from 1 to 64")

    @property
    def engine(self) -> MmtConfig:
        """The memory engine that ``memory`` "mmt" has."""
        return self.mmt or machine_engine(self.dram_bytes)

    @property
    def memory_code(self) -> int:
        """Value of ``sysinfo.features.memory``."""
        return MEMORIES.index(self.memory)

    @property
    def last_level(self) -> LlcConfig:
        """The cache that ``cache`` "llc" has."""
        return self.llc or machine_cache(self.dram_bytes)

    @property
    def cache_code(self) -> int:
        """Value of ``sysinfo.features.cache``."""
        return CACHES.index(self.cache)

    @property
    def checker_code(self) -> int:
        """Value of ``sysinfo.features.checker``."""
        return CHECKERS.index(self.checker)
