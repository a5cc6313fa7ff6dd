# SPDX-License-Identifier: Apache-2.0
"""Where a node is: in its tree, in memory, and in the seeds (docs/mmt-format.md, sections 3 and 4).

A node is named by its tree on chip, its level, and its *place*: the number, within the tree, of the first leaf under
it. The place of every node is thus of the same width, an ancestor's is the same number with low bits cleared, and a
path is named by its leaf's place.
"""

from amaranth import *
from amaranth.lib import data
from amaranth.utils import exact_log2

from yingzhou.geometry import LINE_LOG, PAGE_LOG

from .config import ENTRIES_PER_LINE_LOG, MACS_PER_LINE_LOG, MmtConfig
from .node import by_level

LEVEL_BITS = 4


class Places:
    """Functions between line numbers, places and addresses, as logic.

    Attributes
    ----------
    place_bits : width of a place, at least 1.
    child_bits : width of the number of a child in its node.
    """

    def __init__(self, config: MmtConfig):
        self.config = config
        self._log = [exact_log2(config.node_lines(level)) for level in range(config.levels + 1)]
        self.leaf_log = self._log[1]
        self.place_bits = max(1, config.subtree_line_bits - self.leaf_log)
        self.child_bits = max(exact_log2(arity) for arity in config.arities)

    def _leaves_log(self, level: int) -> int:
        """Return how many leaves are under a node of ``level``, as a logarithm."""
        return self._log[level] - self.leaf_log

    def _levels(self) -> range:
        return range(1, self.config.levels + 1)

    # Lines

    def subtree(self, line: Value) -> Value:
        """Return the subtree number of a line of memory."""
        high = line[self.config.subtree_line_bits :]
        return high if len(high) else Const(0, 1)

    def line_in_tree(self, line: Value) -> Value:
        return line[: self.config.subtree_line_bits]

    def leaf(self, line_in_tree: Value) -> Value:
        """Return the place of the leaf over a line."""
        high = line_in_tree[self.leaf_log :]
        return high if len(high) else Const(0, 1)

    def line_child(self, line_in_tree: Value) -> Value:
        """Return the number of a line in its leaf."""
        return line_in_tree[: self.leaf_log]

    # Nodes

    def ancestor(self, place: Value, level: Value) -> Value:
        """Return the place of the node of ``level`` on the path to ``place``."""
        values = []
        for at in self._levels():
            low = self._leaves_log(at)
            values.append(Cat(Const(0, low), place[low:]) if low < len(place) else Const(0, len(place)))
        return by_level(level, values)

    def index(self, place: Value, level: Value) -> Value:
        """Return the number of the node of ``level`` on the path to ``place``, in its level and tree."""
        return by_level(level, [place >> self._leaves_log(at) for at in self._levels()])

    def child_number(self, place: Value, level: Value) -> Value:
        """Return the number that the node of ``level`` on the path to ``place`` has in its parent. 0 for the top."""
        values: list[Value] = []
        for at in self._levels():
            low = self._leaves_log(at)
            width = exact_log2(self.config.arity(at + 1)) if at < self.config.levels else 0
            values.append(place[low : low + width] if width else Const(0, 1))
        return by_level(level, values)

    def child_place(self, place: Value, level: Value, child: Value) -> Value:
        """Return the place of a child (a node) of the node at ``place`` of ``level``, 2 and up."""
        values: list[Value] = [Const(0, self.place_bits)]
        for at in range(2, self.config.levels + 1):
            low, width = self._leaves_log(at - 1), exact_log2(self.config.arity(at))
            values.append(Cat(place[:low], child[:width], place[low + width :]))
        return by_level(level, values)

    def last_child(self, level: Value) -> Value:
        """Return the number of the last child of a node of ``level``."""
        return by_level(level, [Const(self.config.arity(at) - 1, self.child_bits) for at in self._levels()])

    def root_node_exists(self, place: Value, level: Value) -> Value:
        """Return whether the root tree has the node of ``level`` at ``place``: it ends with the root table."""
        return self.index(place, level) < by_level(level, [self.config.root_nodes(at) for at in self._levels()])

    def root_line_exists(self, line: Value) -> Value:
        return line < self.config.root_lines

    # Memory

    def first_line(self, page: Value) -> Value:
        """Return the line number of the first line of a page."""
        return Cat(Const(0, PAGE_LOG - LINE_LOG), page)

    def node_line(self, root: Value, page: Value, place: Value, level: Value) -> Value:
        """Return the line number in memory of a node; ``page`` is the tree's base, of the root tree the meta zone's."""
        config = self.config
        offset = [config.node_offset(at) >> LINE_LOG for at in self._levels()]
        root_offset = [config.root_node_offset(at) >> LINE_LOG for at in self._levels()]
        base = self.first_line(page) + Mux(root, by_level(level, root_offset), by_level(level, offset))
        return (base + self.index(place, level))[: config.line_bits]

    def mac_line(self, root: Value, page: Value, line_in_tree: Value) -> Value:
        """Return the line number in memory of the MAC line of a line."""
        offset = Mux(root, self.config.root_lines, 0)
        mac = line_in_tree[MACS_PER_LINE_LOG:]
        return (self.first_line(page) + offset + mac)[: self.config.line_bits]

    def node_number(self, root: Value, subtree: Value, place: Value, level: Value) -> Value:
        """Return the number of a node in the seeds."""
        leaves = self.config.subtree_line_bits - self.leaf_log
        whole = Cat(place[:leaves], Mux(root, 0, subtree))
        return by_level(level, [whole >> self._leaves_log(at) for at in self._levels()])

    def table_line(self, subtree: Value) -> Value:
        """Return the line of the root table, as a line in the root tree, that holds a subtree's entry."""
        line = subtree[ENTRIES_PER_LINE_LOG:]
        bits = self.config.subtree_line_bits
        return Cat(line, Const(0, bits))[:bits]


def node_name(config: MmtConfig) -> data.StructLayout:
    """Which node: ``tree`` on chip, ``level``, ``place``."""
    return data.StructLayout({"tree": config.tree_bits, "level": LEVEL_BITS, "place": Places(config).place_bits})
