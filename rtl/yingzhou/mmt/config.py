# SPDX-License-Identifier: Apache-2.0
"""Configuration of the memory engine and the numbers that follow from it (docs/mmt-format.md)."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Final

from amaranth.utils import ceil_log2, exact_log2

from yingzhou.errors import power_of_two, require
from yingzhou.geometry import LINE_BYTES, LINE_LOG, PAGE_LOG

ADDR_WIDTH_LEAST: Final = 16
MACS_PER_LINE_LOG: Final = 3
ENTRIES_PER_LINE_LOG: Final = 2
"""Root entries in a line of the root table, as a logarithm."""
MINOR_AREA_BITS: Final = 384
FLAT_BITS: Final = 56
MINOR_MAX_BITS: Final = 24
GENERATION_BITS: Final = 24
MAJOR_MAX_BITS: Final = 40
LOW_BITS: Final = 64
MAC_BITS: Final = 64
LEVELS_MAX: Final = 12
LINE_BITS_MAX: Final = 35

SPLIT_ARITIES: Final = (16, 32, 64)
FLAT_ARITIES: Final = (2, 4, 8)
AES_KINDS: Final = ("pipelined", "iterative")


@dataclass(frozen=True, kw_only=True)
class MmtConfig:
    """What can be chosen about a memory engine.

    Parameters
    ----------
    addr_width : int
        Width of physical byte addresses in bits, 16 to 64.
    protection_bit : int or None
        Bit of a physical address that selects protected memory; addresses without it pass through untouched. None:
        every address is protected.
    memory_base, memory_bytes : int
        The DRAM: size in bytes, a power of two up to 2^41 with room for one subtree, its metadata and the meta zone
        beside each other, and first byte, a multiple of the size. None as size: all of 2^addr_width (without the
        protection bit).
    arities : tuple of int
        Children of a node, top level first. All of 16, 32, 64 (split counters) or all of 2, 4, 8 (56-bit counters).
    major_bits : int
        Bits of a major counter that are used, 1 to 40. Fewer than 40 serve tests of exhaustion.
    mount_entries : int
        Subtrees whose roots are held on chip, 1 to 64.
    node_cache_lines, mac_cache_lines : int
        Nodes and MAC lines held on chip, powers of two: nodes at least 4 and more than twice the levels, up to 512; MAC
        lines 2 to 512.
    slots : int
        Line operations under way at once, a power of two from 2 to 32.
    aes : str
        ``pipelined`` (a block a cycle a core) or ``iterative`` (a round a cycle a core).
    aes_cores : int
        AES cores, 1 to 8.
    id_width : int
        Width of AXI identifiers on both sides in bits, 1 to 16.
    """

    addr_width: int = 39
    protection_bit: int | None = None
    memory_base: int = 0
    memory_bytes: int | None = None
    arities: tuple[int, ...] = (32, 32, 64)
    major_bits: int = MAJOR_MAX_BITS
    mount_entries: int = 32
    node_cache_lines: int = 64
    mac_cache_lines: int = 64
    slots: int = 16
    aes: str = "pipelined"
    aes_cores: int = 1
    id_width: int = 4

    def __post_init__(self) -> None:
        require(
            ADDR_WIDTH_LEAST <= self.addr_width <= 64,
            f"addr_width is {self.addr_width}; accepted are {ADDR_WIDTH_LEAST} to 64",
        )
        require(
            self.protection_bit is None or PAGE_LOG <= self.protection_bit < self.addr_width,
            f"protection_bit is {self.protection_bit}; accepted are {PAGE_LOG} to {self.addr_width - 1}, or none",
        )
        require(
            1 <= len(self.arities) <= LEVELS_MAX
            and (all(a in SPLIT_ARITIES for a in self.arities) or all(a in FLAT_ARITIES for a in self.arities)),
            f"arities are {self._arities}; accepted are 1 to {LEVELS_MAX} levels, all of 16, 32, 64 or all of 2, 4, 8",
        )
        require(
            self.subtree_lines >= 1 << MACS_PER_LINE_LOG,
            f"arities are {self._arities}; accepted are subtrees of at least {1 << MACS_PER_LINE_LOG} lines",
        )
        most = 1 << LINE_BITS_MAX + LINE_LOG
        require(self.subtree_bytes < most, f"arities are {self._arities}; accepted are subtrees below {most} bytes")
        require(power_of_two(self.size) and self._least_size <= self.size <= most, self._wrong_size(most))
        most = self.subtree_bytes * (self.subtree_lines << ENTRIES_PER_LINE_LOG)
        require(self.size <= most, self._wrong_size(most) + ": one tree of this geometry covers the root table")
        require(
            self.memory_base % self.size == 0 and self.memory_base + self.size <= 1 << self.addr_width,
            f"memory_base is {self.memory_base:#x}; accepted are multiples of memory_bytes ({self.size:#x}) with all "
            f"of memory within {self.addr_width} address bits",
        )
        bit = self.protection_bit
        require(
            bit is None or (bit >= exact_log2(self.size) and not self.memory_base >> bit & 1),
            f"protection_bit {bit} lies inside memory ({self.memory_base:#x}, {self.size:#x} bytes); accepted are bits "
            "above it that are 0 in memory_base",
        )
        require(
            1 <= self.major_bits <= MAJOR_MAX_BITS,
            f"major_bits is {self.major_bits}; accepted are 1 to {MAJOR_MAX_BITS}",
        )
        require(1 <= self.mount_entries <= 64, f"mount_entries is {self.mount_entries}; accepted are 1 to 64")
        least = 1 << ceil_log2(max(4, 2 * self.levels + 1))
        require(
            power_of_two(self.node_cache_lines) and least <= self.node_cache_lines <= 512,
            f"node_cache_lines is {self.node_cache_lines}; accepted are powers of two from {least} to 512",
        )
        require(
            power_of_two(self.mac_cache_lines) and 2 <= self.mac_cache_lines <= 512,
            f"mac_cache_lines is {self.mac_cache_lines}; accepted are powers of two from 2 to 512",
        )
        require(
            power_of_two(self.slots) and 2 <= self.slots <= 32,
            f"slots is {self.slots}; accepted are powers of two from 2 to 32",
        )
        require(self.aes in AES_KINDS, f"aes is {self.aes!r}; accepted are {', '.join(AES_KINDS)}")
        require(1 <= self.aes_cores <= 8, f"aes_cores is {self.aes_cores}; accepted are 1 to 8")
        require(1 <= self.id_width <= 16, f"id_width is {self.id_width}; accepted are 1 to 16")

    def _wrong_size(self, most: int) -> str:
        """Say which sizes up to ``most`` bytes are accepted, in terms of what decided the size."""
        least = self._least_size
        if self.memory_bytes is not None:
            return (
                f"memory_bytes is {self.size}; accepted with arities {self._arities} are powers of two from {least} "
                f"(room for one subtree, its metadata and the meta zone) to {most}"
            )
        name = "addr_width" if self.protection_bit is None else "protection_bit"
        first = max(exact_log2(least), ADDR_WIDTH_LEAST if name == "addr_width" else PAGE_LOG)
        return (
            f"{name} is {getattr(self, name)}; accepted with arities {self._arities}, when memory_bytes is not given, "
            f"are {first} to {exact_log2(most)}"
        )

    @property
    def _arities(self) -> str:
        """The arities as the command line takes them."""
        return "/".join(map(str, self.arities))

    @cached_property
    def _least_size(self) -> int:
        """Bytes of the smallest memory that can hold a subtree in use."""
        size = self.subtree_bytes
        while self._needed(size) > size:
            size *= 2
        return size

    def _needed(self, size: int) -> int:
        """Return how much of ``size`` bytes one subtree, its metadata and the meta zone take, packed as well as can be.

        Metadata and meta zone begin at pages, the subtree at a multiple of its size: it lies between them or last.
        """

        def up(value: int, unit: int) -> int:
            return -(-value // unit) * unit

        page, lines = 1 << PAGE_LOG, self.subtree_bytes
        zone = self._root_bytes(size)
        ends = []
        for first, second in ((zone, self.metadata_bytes), (self.metadata_bytes, zone)):
            ends.append(up(up(first, lines) + lines, page) + second)
            ends.append(up(up(first, page) + second, lines) + lines)
        return min(ends)

    def _root_bytes(self, size: int) -> int:
        """Return the bytes of the meta zone of a memory of ``size`` bytes: table, MACs, nodes of every level."""
        table = -(-(size // self.subtree_bytes) >> ENTRIES_PER_LINE_LOG)
        nodes = sum(-(-table // self.node_lines(level)) for level in range(1, self.levels + 1))
        return (table + -(-table >> MACS_PER_LINE_LOG) + nodes) * LINE_BYTES

    # Memory

    @cached_property
    def size(self) -> int:
        """Bytes of memory."""
        if self.memory_bytes is not None:
            return self.memory_bytes
        return 1 << (self.addr_width if self.protection_bit is None else self.protection_bit)

    @property
    def line_bits(self) -> int:
        """Width of a line number."""
        return exact_log2(self.size) - LINE_LOG

    @property
    def page_bits(self) -> int:
        """Width of a page number counted from the start of memory."""
        return exact_log2(self.size) - PAGE_LOG

    # Tree

    @property
    def levels(self) -> int:
        """Levels of nodes of a subtree; level 1 is the leaf, level ``levels`` the top."""
        return len(self.arities)

    @property
    def split(self) -> bool:
        """Whether counters are a major and minors (arity 16 and more)."""
        return self.arities[0] in SPLIT_ARITIES

    def arity(self, level: int) -> int:
        """Children of a node of ``level`` (1 is the leaf)."""
        return self.arities[-level]

    def minor_bits(self, level: int) -> int:
        """Width of the counter that a node of ``level`` holds for one child alone."""
        return MINOR_AREA_BITS // self.arity(level) if self.split else FLAT_BITS

    def node_lines(self, level: int) -> int:
        """Lines under one node of ``level``; level 0 is a line."""
        return prod(self.arities[self.levels - level :]) if level else 1

    @cached_property
    def subtree_lines(self) -> int:
        """Lines of a subtree."""
        return prod(self.arities)

    @property
    def subtree_line_bits(self) -> int:
        """Width of a line number inside a subtree."""
        return exact_log2(self.subtree_lines)

    @property
    def subtree_bytes(self) -> int:
        """Bytes of a subtree."""
        return self.subtree_lines * LINE_BYTES

    @property
    def subtrees(self) -> int:
        """Subtrees of memory."""
        return self.size // self.subtree_bytes

    @property
    def subtree_bits(self) -> int:
        """Width of a subtree number, at least 1."""
        return max(1, exact_log2(self.subtrees))

    def nodes(self, level: int) -> int:
        """Nodes of ``level`` in a subtree."""
        return self.subtree_lines // self.node_lines(level)

    # Layout of a subtree's metadata: byte offsets from its base

    def node_offset(self, level: int) -> int:
        """Offset of the first node of ``level`` in a subtree's metadata, in bytes."""
        return self.subtree_lines * 8 + sum(self.nodes(n) for n in range(1, level)) * LINE_BYTES

    @cached_property
    def metadata_bytes(self) -> int:
        """Bytes of a subtree's MACs and nodes."""
        return self.node_offset(self.levels + 1)

    @property
    def metadata_pages(self) -> int:
        """Pages of 4 KiB that a subtree's metadata touches."""
        return -(-self.metadata_bytes >> PAGE_LOG)

    # Layout of the meta zone: byte offsets from its base

    @property
    def root_lines(self) -> int:
        """Lines of the root table."""
        return -(-self.subtrees >> ENTRIES_PER_LINE_LOG)

    @property
    def root_mac_offset(self) -> int:
        """Offset of the MAC lines of the root table, in bytes."""
        return self.root_lines * LINE_BYTES

    def root_nodes(self, level: int) -> int:
        """Nodes of ``level`` in the root tree."""
        return -(-self.root_lines // self.node_lines(level))

    def root_node_offset(self, level: int) -> int:
        """Offset of the first node of ``level`` of the root tree, in bytes."""
        macs = -(-self.root_lines >> MACS_PER_LINE_LOG)
        return self.root_mac_offset + (macs + sum(self.root_nodes(n) for n in range(1, level))) * LINE_BYTES

    @cached_property
    def root_bytes(self) -> int:
        """Bytes of the meta zone."""
        return self._root_bytes(self.size)

    # On-chip names

    @property
    def trees(self) -> int:
        """Trees on chip: mount table entries, and the root tree as the last."""
        return self.mount_entries + 1

    @property
    def root_tree(self) -> int:
        """Index of the root tree among the trees on chip."""
        return self.mount_entries

    @property
    def tree_bits(self) -> int:
        """Width of an index of a tree on chip."""
        return ceil_log2(self.trees)

    @property
    def slot_bits(self) -> int:
        """Width of a slot number."""
        return exact_log2(self.slots)


def _eight_ary(size: int) -> tuple[int, ...]:
    """Return 8-ary levels over ``size`` bytes, the top one narrower when needed."""
    bits = exact_log2(size) - LINE_LOG
    top, rest = bits % 3, bits // 3
    return ((1 << top,) if top else ()) + (8,) * rest


PRESETS: Final = ("paper", "vault", "sgx", "small")
"""``paper``: 32/32/64, 4 MiB subtrees. ``vault``: 16/32/64, 2 MiB; its root tree covers 2^38 bytes of memory, which is
its default. ``sgx``: one 8-ary tree of 56-bit counters over half of memory, never unmounted; the other half has room
for its nodes and MACs. ``small``: the paper's geometry with few slots, small caches and iterative AES, for FPGAs."""


def _sgx_bytes(overrides: dict[str, Any]) -> int:
    """Return the size of memory that ``overrides`` ask for."""
    least_log, most_log = 14, 39  # half of less has no room for the other half's nodes and MACs, and the meta zone
    size, bit = overrides.get("memory_bytes"), overrides.get("protection_bit")
    if size is None:
        name = "addr_width" if bit is None else "protection_bit"
        least_log = ADDR_WIDTH_LEAST if bit is None else least_log
        log = overrides.get(name, MmtConfig.addr_width)
        require(
            least_log <= log <= most_log,
            f"{name} is {log}; accepted with sgx, when memory_bytes is not given, are {least_log} to {most_log}",
        )
        return 1 << log
    require(
        power_of_two(size) and 1 << least_log <= size <= 1 << most_log,
        f"memory_bytes is {size}; accepted with sgx are powers of two from {1 << least_log} to {1 << most_log}",
    )
    return size


def preset(name: str, **overrides: Any) -> MmtConfig:
    """Return the configuration called ``name``, with ``overrides`` in place of its own values."""
    require(name in PRESETS, f"preset is {name!r}; accepted are {', '.join(PRESETS)}")
    chosen: dict[str, Any] = {}
    if name == "vault":
        chosen = {"arities": (16, 32, 64), "addr_width": 38}
    elif name == "small":
        chosen = {"mount_entries": 4, "node_cache_lines": 16, "mac_cache_lines": 8, "slots": 4, "aes": "iterative"}
    elif name == "sgx":
        chosen = {"arities": _eight_ary(_sgx_bytes(overrides) // 2), "mount_entries": 2}
    return MmtConfig(**{**chosen, **overrides})
