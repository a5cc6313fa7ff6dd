# SPDX-License-Identifier: Apache-2.0
"""Configuration of the hart."""

from dataclasses import dataclass

from yingzhou.errors import require


@dataclass(frozen=True, kw_only=True)
class HartConfig:
    """What of coreblocks can be chosen. Everything else is fixed to what the monitor relies on.

    Parameters
    ----------
    reset_pc : int
        Physical address of the first instruction, a multiple of 4.
    itlb_entries, dtlb_entries : int
        Entries of the fully associative first-level TLBs, 1 to 64.
    l2tlb_entries, l2tlb_ways : int
        Entries and ways of the shared second-level TLB; entries per way is a power of two.
    icache_sets_log, icache_ways : int
        The instruction cache holds ``2**icache_sets_log * icache_ways`` lines of 32 bytes.
    """

    reset_pc: int = 0x8000_0000
    itlb_entries: int = 16
    dtlb_entries: int = 16
    l2tlb_entries: int = 128
    l2tlb_ways: int = 8
    icache_sets_log: int = 7
    icache_ways: int = 2

    def __post_init__(self) -> None:
        require(
            0 <= self.reset_pc < 1 << 32 and self.reset_pc % 4 == 0,
            f"reset_pc is {self.reset_pc:#x}; it must be a 32-bit address and a multiple of 4",
        )
        for name in ("itlb_entries", "dtlb_entries"):
            value = getattr(self, name)
            require(1 <= value <= 64, f"{name} is {value}; accepted are 1 to 64")
        sets = self.l2tlb_entries / self.l2tlb_ways if self.l2tlb_ways > 0 else 0
        require(
            sets >= 2 and sets == int(sets) and int(sets) & (int(sets) - 1) == 0,
            f"l2tlb_entries={self.l2tlb_entries} and l2tlb_ways={self.l2tlb_ways}; entries per way must be "
            "a power of two, at least 2",
        )
        require(4 <= self.icache_sets_log <= 10, f"icache_sets_log is {self.icache_sets_log}; accepted are 4 to 10")
        require(1 <= self.icache_ways <= 8, f"icache_ways is {self.icache_ways}; accepted are 1 to 8")
