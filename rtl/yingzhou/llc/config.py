# SPDX-License-Identifier: Apache-2.0
"""Configuration of the last-level cache and the numbers that follow from it (docs/llc.md)."""

from dataclasses import dataclass
from typing import Final

from amaranth.utils import ceil_log2, exact_log2

from yingzhou.errors import power_of_two, require
from yingzhou.geometry import LINE_BYTES, LINE_LOG, PAGE_LINES, PAGE_LOG

FREE_WAYS: Final = 2
"""Ways of every set that are never locked."""
DOMAINS_MAX: Final = 15
REPLACEMENTS: Final = ("plru", "random")


@dataclass(frozen=True, kw_only=True)
class LlcConfig:
    """What can be chosen about a last-level cache.

    Parameters
    ----------
    size_bytes : int
        Bytes of data, a power of two: at least two sets of lines of 64 bytes, at most 2^24.
    ways : int
        Ways of a set: 2, 4, 8 or 16. With 2 no line can be locked.
    mshrs : int
        Misses under way at once: 2, 4, 8 or 16.
    replacement : str
        ``plru`` (tree) or ``random``.
    addr_width : int
        Width of physical byte addresses in bits, the protection bit included, 16 to 64.
    id_width : int
        Width of AXI identifiers on both sides in bits, 1 to 16.
    domains : int
        Domains that may own locked lines, 1 to 15; they are numbered from 1.
    parity : bool
        A parity bit in each tag entry.
    cacheable : tuple of (int, int) or None
        Ranges of byte addresses that are memory, each as first and one past the last, multiples of a page; a request
        elsewhere is answered with an error. None: everything that the address reaches.
    way_masks : bool
        Way partitioning, to compare locks with: each user's misses may only take the ways that a port says. No line can
        be locked then. Only for the core and its bench; the block for other systems refuses it.
    """

    size_bytes: int = 128 << 10
    ways: int = 8
    mshrs: int = 4
    replacement: str = "plru"
    addr_width: int = 32
    id_width: int = 4
    domains: int = 8
    parity: bool = False
    cacheable: tuple[tuple[int, int], ...] | None = None
    way_masks: bool = False

    def __post_init__(self) -> None:
        require(self.ways in (2, 4, 8, 16), f"ways is {self.ways}; accepted are 2, 4, 8, 16")
        least = 2 * self.ways * LINE_BYTES
        require(
            power_of_two(self.size_bytes) and least <= self.size_bytes <= 1 << 24,
            f"size_bytes is {self.size_bytes}; accepted with {self.ways} ways are powers of two from {least} "
            f"(two sets) to {1 << 24}",
        )
        require(self.mshrs in (2, 4, 8, 16), f"mshrs is {self.mshrs}; accepted are 2, 4, 8, 16")
        require(
            self.replacement in REPLACEMENTS,
            f"replacement is {self.replacement!r}; accepted are {', '.join(REPLACEMENTS)}",
        )
        require(16 <= self.addr_width <= 64, f"addr_width is {self.addr_width}; accepted are 16 to 64")
        require(
            self.line_bits > self.set_bits,
            f"addr_width is {self.addr_width}; accepted with {self.sets} sets are {LINE_LOG + self.set_bits + 1} to 64",
        )
        require(1 <= self.id_width <= 16, f"id_width is {self.id_width}; accepted are 1 to 16")
        require(1 <= self.domains <= DOMAINS_MAX, f"domains is {self.domains}; accepted are 1 to {DOMAINS_MAX}")
        page = (1 << PAGE_LOG) - 1
        for first, end in self.ranges:
            require(
                0 <= first < end <= 1 << self.addr_width and not (first | end) & page,
                f"cacheable range is {first:#x} to {end:#x}; accepted are multiples of {page + 1:#x}, the first below "
                f"the second, up to {1 << self.addr_width:#x}",
            )

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Cacheable ranges of byte addresses: first, one past the last."""
        return ((0, 1 << self.addr_width),) if self.cacheable is None else self.cacheable

    # Addresses. A line number is the physical address / 64.

    @property
    def line_bits(self) -> int:
        """Width of a line number."""
        return self.addr_width - LINE_LOG

    @property
    def set_bits(self) -> int:
        """Width of a set number: the low bits of a line number."""
        return exact_log2(self.sets)

    @property
    def tag_bits(self) -> int:
        """Width of a tag: the rest of a line number."""
        return self.line_bits - self.set_bits

    # Geometry

    @property
    def lines(self) -> int:
        """Lines that the cache holds."""
        return self.size_bytes // LINE_BYTES

    @property
    def sets(self) -> int:
        """Sets of ``ways`` lines."""
        return self.lines // self.ways

    @property
    def way_bits(self) -> int:
        """Width of a way number."""
        return exact_log2(self.ways)

    @property
    def mshr_bits(self) -> int:
        """Width of an MSHR number."""
        return exact_log2(self.mshrs)

    @property
    def domain_bits(self) -> int:
        """Width of a domain number, 0 (nobody) included."""
        return ceil_log2(self.domains + 1)

    @property
    def count_bits(self) -> int:
        """Width of a number of lines of the cache, all of them included."""
        return exact_log2(self.lines) + 1

    @property
    def lockable_ways(self) -> int:
        """Ways of a set that may be locked."""
        return 0 if self.way_masks else self.ways - FREE_WAYS

    @property
    def page_fits(self) -> bool:
        """Whether a locked page fits beside the ways that are never locked."""
        return -(-PAGE_LINES // self.sets) <= self.lockable_ways

    # What the AXI4 units of the bus call the place of lines among addresses: all of the address counts.

    @property
    def memory_base(self) -> int:
        """First byte of memory; line numbers count from it."""
        return 0

    @property
    def protection_bit(self) -> None:
        """No bit of an address is left out of line numbers."""
        return None
