# SPDX-License-Identifier: Apache-2.0
"""One set of the last-level cache: its ways, who may be a victim, and who is (docs/llc.md, "Victims" and "Locks")."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

LINE_BYTES: Final = 64
PAGE_LINES: Final = 64
"""Lines in a page of 4 KiB."""
FREE_WAYS: Final = 2
"""Ways of a set that are never locked (rule 16)."""
ZEROS: Final = bytes(LINE_BYTES)


class Replacement(Enum):
    PLRU = "plru"
    RANDOM = "random"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Numbers of a cache that its behaviour depends on.

    ways, sets   powers of two.
    domains      highest domain that may own a locked line.
    mshrs        misses that may be under way.
    free_ways    ways of a set that are never locked.
    cacheable    whether a line (physical address / 64, protection bit included) is in the cacheable range.
    """

    ways: int = 4
    sets: int = 4
    domains: int = 3
    mshrs: int = 4
    replacement: Replacement = Replacement.PLRU
    free_ways: int = FREE_WAYS
    cacheable: Callable[[int], bool] = lambda line: 0 <= line < 1 << 26

    def set_of(self, line: int) -> int:
        """Return the set that a line belongs to: its lowest address bits."""
        return line % self.sets

    @property
    def page_fits(self) -> bool:
        """Whether the cache could hold a locked page beside the ways that are never locked (rule 21)."""
        return -(-PAGE_LINES // self.sets) <= self.ways - self.free_ways


class Tree:
    """Tree-PLRU over ``ways`` (rule 10). ``bits[1]`` is the root, node n has the children 2n and 2n + 1."""

    def __init__(self, ways: int):
        self.ways = ways
        self.bits = [0] * ways

    def touch(self, way: int) -> None:
        """Have every bit on the path to a way point away from it."""
        node = self.ways + way
        while node > 1:
            self.bits[node // 2] = 1 - node % 2
            node //= 2

    def victim(self, candidates: Collection[int]) -> int:
        """Return the way that the bits lead to, among those that are candidates."""
        assert candidates

        def leaves(node: int) -> Iterable[int]:
            return (node - self.ways,) if node >= self.ways else (*leaves(2 * node), *leaves(2 * node + 1))

        node = 1
        while node < self.ways:
            pointed = 2 * node + self.bits[node]
            node = pointed if any(way in candidates for way in leaves(pointed)) else pointed ^ 1
        return node - self.ways


def circular(draw: int, candidates: Collection[int], ways: int) -> int:
    """Return the first candidate at or after way ``draw`` mod ``ways`` (rule 11)."""
    return min(candidates, key=lambda way: (way - draw) % ways)


@dataclass
class Way:
    """One line's place. ``line`` None: invalid. ``owner`` 0: not locked. ``reserved``: a miss will fill it."""

    line: int | None = None
    data: bytes = ZEROS
    dirty: bool = False
    owner: int = 0
    reserved: bool = False

    def clear(self) -> None:
        """Make the way invalid and unlocked; a reservation stays."""
        self.line, self.data, self.dirty, self.owner = None, ZEROS, False, 0


@dataclass
class CacheSet:
    """The ways of one set and their replacement state."""

    shape: Shape
    ways: list[Way] = field(init=False)
    tree: Tree = field(init=False)

    def __post_init__(self) -> None:
        self.ways = [Way() for _ in range(self.shape.ways)]
        self.tree = Tree(self.shape.ways)

    def find(self, line: int) -> int | None:
        """Return the way that holds a line."""
        found = [number for number, way in enumerate(self.ways) if way.line == line]
        assert len(found) <= 1, f"line {line:#x} is in ways {found}"
        return found[0] if found else None

    def empty(self, among: int = -1) -> list[int]:
        """Return the ways that are invalid and not reserved, of those whose bit in ``among`` is 1."""
        return [
            number
            for number, way in enumerate(self.ways)
            if among >> number & 1 and way.line is None and not way.reserved
        ]

    def candidates(self, held: Collection[int] = (), among: int = -1) -> list[int]:
        """Return the ways that replacement may take: valid, not locked, not reserved; not ``held`` by an operation."""
        return [
            number
            for number, way in enumerate(self.ways)
            if among >> number & 1
            and way.line is not None
            and not way.owner
            and not way.reserved
            and way.line not in held
        ]

    def victim(self, draw: int, held: Collection[int] = (), among: int = -1) -> int | None:
        """Return the way of the next miss, or None when it must wait (rule 9).

        ``draw``: the LFSR, when random. ``among``: a bit for each way that may be taken, when not all may.
        """
        if empty := self.empty(among):
            return empty[0]
        candidates = self.candidates(held, among)
        if not candidates:
            return None
        if self.shape.replacement is Replacement.RANDOM:
            return circular(draw, candidates, self.shape.ways)
        return self.tree.victim(candidates)

    def touch(self, number: int) -> None:
        """Note the use of a way; of a locked one nothing is noted (rules 10 and 15)."""
        if not self.ways[number].owner:
            self.tree.touch(number)

    def unlocked(self) -> int:
        """Return how many ways are not locked."""
        return sum(not way.owner for way in self.ways)
