# SPDX-License-Identifier: Apache-2.0
"""Where things lie in memory (docs/mmt-format.md, section 3), in line numbers. Levels count from the leaves, 1.

``ROOT`` in place of a subtree's number means the root tree, whose lines are those of the root table.
"""

from dataclasses import dataclass
from math import prod

from yingzhou.mmt.config import MmtConfig

from .mmt_crypto import LineName, NodeName

ROOT = -1


@dataclass(frozen=True)
class Place:
    """What a line of memory is to the tree of ``tree``: ``kind`` is ``line``, ``macs`` or ``node``.

    ``index`` counts lines, MAC lines or nodes of ``level`` within the tree.
    """

    tree: int
    kind: str
    level: int
    index: int


class TreeLayout:
    """Lines, MAC lines and nodes of one tree.

    Parameters
    ----------
    shape : Shape
    tree : int
        Number of the subtree, or ``ROOT``.
    first_line, first_meta : int
        Line numbers of its first line and of its first MAC line.
    lines : int
        Lines under the tree.
    """

    def __init__(self, shape: "Shape", tree: int, first_line: int, first_meta: int, lines: int):
        self.shape, self.tree, self.first_line, self.first_meta, self.lines = shape, tree, first_line, first_meta, lines
        self.mac_lines = -(-lines // 8)
        self.nodes = {level: -(-lines // shape.span[level]) for level in range(1, shape.levels + 1)}
        self.first_node = {}
        place = first_meta + self.mac_lines
        for level in range(1, shape.levels + 1):
            self.first_node[level] = place
            place += self.nodes[level]
        self.end_meta = place

    def children(self, level: int, index: int) -> range:
        """Return the indices of the children of a node that exist, one level below."""
        arity = self.shape.arity[level]
        count = self.lines if level == 1 else self.nodes[level - 1]
        return range(index * arity, min((index + 1) * arity, count))

    def meta_place(self, line: int) -> Place | None:
        """Return what a line number is among MAC lines and nodes."""
        if not self.first_meta <= line < self.end_meta:
            return None
        if line < self.first_meta + self.mac_lines:
            return Place(self.tree, "macs", 0, line - self.first_meta)
        level = max(level for level, first in self.first_node.items() if first <= line)
        return Place(self.tree, "node", level, line - self.first_node[level])

    def line_name(self, index: int) -> LineName:
        root = self.tree == ROOT
        return LineName(index if root else self.first_line + index, root)

    def node_name(self, level: int, index: int) -> NodeName:
        if self.tree == ROOT:
            return NodeName(level, index, True)
        return NodeName(level, self.tree * self.nodes[level] + index, False)


class Shape:
    """Numbers that follow from a configuration, computed from the document and not from the configuration's own."""

    def __init__(self, config: MmtConfig, root_page: int):
        self.split = config.arities[0] >= 16
        self.levels = len(config.arities)
        upwards = config.arities[::-1]
        self.arity = {level: upwards[level - 1] for level in range(1, self.levels + 1)}
        self.span = {level: prod(upwards[:level]) for level in range(self.levels + 1)}
        self.major_max = 2**config.major_bits - 1
        self.counter_bits = {
            level: 384 // arity if self.split else 56 for level, arity in self.arity.items()
        }  # of one child
        self.subtree_lines = self.span[self.levels]
        self.memory_lines = config.size // 64
        self.subtrees = self.memory_lines // self.subtree_lines
        self.root_lines = -(-self.subtrees // 4)
        first = root_page * 64
        self.root = TreeLayout(self, ROOT, first, first + self.root_lines, self.root_lines)

    def subtree(self, number: int, page: int) -> TreeLayout:
        """Return the layout of a subtree whose metadata begins at ``page``."""
        return TreeLayout(self, number, number * self.subtree_lines, page * 64, self.subtree_lines)
