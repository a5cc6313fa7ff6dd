# SPDX-License-Identifier: Apache-2.0
"""Counters of one tree and how they move (docs/mmt-format.md, sections 2 and 5)."""

from dataclasses import dataclass, field
from enum import Enum

from .mmt_crypto import Counter
from .mmt_layout import TreeLayout

ROOT_MAX = 2**64 - 1


class Move(Enum):
    """What a step of a counter comes to."""

    MOVED = 0
    OVERFLOW = 1
    EXHAUSTED = 2


@dataclass
class Node:
    """Counters of one node: ``major`` is 0 with flat counters.

    ``dirty``: differs from what was last written to memory. ``left``: children that an overflow has yet to rewrite.
    """

    counters: list[int]
    major: int = 0
    dirty: bool = False
    left: set[int] = field(default_factory=set)


@dataclass
class Line:
    """A line that was written in this life: its plaintext and its MAC."""

    plain: bytes
    mac: int


class Tree:
    """Counters, lines and MACs of a subtree's present life, or of the root tree: the truth, wherever it is kept."""

    def __init__(self, layout: TreeLayout, generation: int = 0, root_counter: int = 0):
        self.layout, self.generation, self.root_counter = layout, generation, root_counter
        self.shape = layout.shape
        self.nodes: dict[tuple[int, int], Node] = {}
        self.lines: dict[int, Line] = {}
        self.dirty_macs: set[int] = set()

    def node(self, level: int, index: int) -> Node:
        """Return a node; a virgin one when it was never touched."""
        return self.nodes.setdefault((level, index), Node([0] * self.shape.arity[level]))

    def counter(self, level: int, index: int) -> Counter:
        """Return the counter that the parent of a node of ``level``, or of a line (0), holds for it."""
        if level == self.shape.levels:
            return Counter(self.generation, self.root_counter)
        arity = self.shape.arity[level + 1]
        node = self.nodes.get((level + 1, index // arity))
        return Counter(self.generation, 0 if node is None else self._low(node, index % arity))

    def _low(self, node: Node, child: int) -> int:
        return node.major << 24 | node.counters[child]

    def peek(self, level: int, index: int) -> tuple[Move, Counter]:
        """Return what the next step of a child's counter comes to, and the counter after it."""
        shape, now = self.shape, self.counter(level, index)
        if level == shape.levels:
            if now.low == ROOT_MAX:
                return Move.EXHAUSTED, now
            return Move.MOVED, Counter(now.generation, now.low + 1)
        arity = shape.arity[level + 1]
        node = self.node(level + 1, index // arity)
        if node.counters[index % arity] < 2 ** shape.counter_bits[level + 1] - 1:
            return Move.MOVED, Counter(now.generation, now.low + 1)
        if not shape.split or node.major == shape.major_max:
            return Move.EXHAUSTED, now
        return Move.OVERFLOW, self.after_overflow(level + 1, index // arity)

    def after_overflow(self, level: int, index: int) -> Counter:
        """Return the counter of every child of a node whose major moves next."""
        return Counter(self.generation, self.node(level, index).major + 1 << 24)

    def step(self, level: int, index: int) -> None:
        """Move a child's counter one up; not for an overflow."""
        move, _ = self.peek(level, index)
        assert move is Move.MOVED
        if level == self.shape.levels:
            self.root_counter += 1
            return
        arity = self.shape.arity[level + 1]
        node = self.node(level + 1, index // arity)
        node.counters[index % arity] += 1
        node.dirty = True

    def overflow(self, level: int, index: int) -> Node:
        """Move the major of a node; every child is left to be rewritten."""
        node = self.node(level, index)
        assert self.shape.split and node.major < self.shape.major_max and not node.left
        node.major += 1
        node.counters = [0] * self.shape.arity[level]
        node.left = set(self.layout.children(level, index))
        node.dirty = True
        return node

    def content(self, level: int, index: int) -> bytes:
        """Return the 56 bytes of counters of a node."""
        node = self.nodes.get((level, index)) or Node([0] * self.shape.arity[level])
        bits = self.shape.counter_bits[level]
        packed = sum(value << bits * child for child, value in enumerate(node.counters))
        if self.shape.split:
            packed = packed << 64 | self.generation << 40 | node.major
        return packed.to_bytes(56, "little")

    def decode(self, level: int, content: bytes) -> Node:
        """Return the node that 56 bytes mean. Not every content is a node: compare ``content`` of what results."""
        packed = int.from_bytes(content, "little")
        bits, arity = self.shape.counter_bits[level], self.shape.arity[level]
        major = packed & (1 << 40) - 1 if self.shape.split else 0
        if self.shape.split:
            packed >>= 64
        return Node([packed >> bits * child & (1 << bits) - 1 for child in range(arity)], major)

    def dirty_nodes(self, level: int) -> list[int]:
        """Return the indices of the nodes of a level that must be written back."""
        return sorted(index for (at, index), node in self.nodes.items() if at == level and node.dirty)

    def ancestors(self, line: int) -> list[tuple[int, int]]:
        """Return level and index of the nodes over a line, leaf first."""
        return [(level, line // self.shape.span[level]) for level in range(1, self.shape.levels + 1)]
