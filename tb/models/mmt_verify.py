# SPDX-License-Identifier: Apache-2.0
"""Reads everything that an image holds, from nothing but the keys and the root tree's root counter.

A second reading of docs/mmt-format.md that shares with the model only the cipher and the places: counters come out of
the bytes alone. :exc:`Tampered` says what did not verify.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from yingzhou.mmt.config import MmtConfig

from .mmt_crypto import Counter, Crypto, Keys
from .mmt_layout import ROOT, Shape, TreeLayout


class Tampered(Exception):
    """A MAC does not fit. ``level`` 0 is a line; ``tree`` a subtree, or ``ROOT``."""

    def __init__(self, tree: int, level: int, index: int):
        super().__init__(f"tree {tree}, level {level}, index {index}")
        self.tree, self.level, self.index = tree, level, index


@dataclass
class Contents:
    """What an image holds: plaintext by line number, root entries as their five fields, and the lines consulted."""

    lines: dict[int, bytes] = field(default_factory=dict)
    entries: dict[int, dict[str, int]] = field(default_factory=dict)
    consulted: set[tuple[int, int]] = field(default_factory=set)
    """Line number and byte of everything that the result depends on."""


class Verifier:
    """Walks one image."""

    def __init__(self, config: MmtConfig, keys: Keys, root_page: int, image: Mapping[int, bytes]):
        self.config, self.shape, self.crypto = config, Shape(config, root_page), Crypto(keys)
        self.image, self.contents = image, Contents()

    def read(self, root_counter: int) -> Contents:
        """Return everything, or raise :exc:`Tampered`."""
        table = self._tree(self.shape.root, 0, root_counter)
        for index, plain in table.items():
            for place in range(4):
                self._entry(4 * index + place, int.from_bytes(plain[16 * place : 16 * place + 16], "little"))
        return self.contents

    def _entry(self, number: int, value: int) -> None:
        if value == 0:
            return
        entry = {
            "counter": value % 2**64,
            "valid": value >> 64 & 1,
            "locked": value >> 65 & 1,
            "page": value >> 72 & 0xFFFFFFFF,
            "generation": value >> 104,
        }
        assert value >> 66 & 0x3F == 0 and number < self.shape.subtrees
        self.contents.entries[number] = entry
        if entry["valid"]:
            layout = self.shape.subtree(number, entry["page"])
            for index, plain in self._tree(layout, entry["generation"], entry["counter"]).items():
                self.contents.lines[layout.first_line + index] = plain

    def _bytes(self, line: int, start: int, count: int) -> bytes:
        self.contents.consulted |= {(line, byte) for byte in range(start, start + count)}
        return self.image.get(line, bytes(64))[start : start + count]

    def _tree(self, layout: TreeLayout, generation: int, root_counter: int) -> dict[int, bytes]:
        """Return the lines of a tree that were ever written."""
        lines: dict[int, bytes] = {}
        below = {0: root_counter}
        for level in range(self.shape.levels, 0, -1):
            held: dict[int, int] = {}
            for index, low in below.items():
                for child, counter in self._node(layout, level, index, Counter(generation, low)).items():
                    held[child] = counter
            below = {child: low for child, low in held.items() if low}
        for index, low in below.items():
            lines[index] = self._line(layout, index, Counter(generation, low))
        return lines

    def _node(self, layout: TreeLayout, level: int, index: int, counter: Counter) -> dict[int, int]:
        """Return the low counters of a node's children."""
        if counter.low == 0:
            return {}
        stored = self._bytes(layout.first_node[level] + index, 0, 64)
        content = stored[:56]
        mac = self.crypto.node_mac(layout.node_name(level, index), counter, content)
        if mac != int.from_bytes(stored[56:], "little"):
            raise Tampered(layout.tree, level, index)
        value, arity = int.from_bytes(content, "little"), self.shape.arity[level]
        if self.shape.split:
            width, high = 384 // arity, value % 2**40 << 24
            assert value >> 40 & 2**24 - 1 == counter.generation
            value >>= 64
        else:
            width, high = 56, 0
        counters = [value >> width * child & 2**width - 1 | high for child in range(arity)]
        existing = layout.children(level, index)
        return {child: counters[child - index * arity] for child in existing}

    def _line(self, layout: TreeLayout, index: int, counter: Counter) -> bytes:
        cipher = self._bytes(layout.first_line + index, 0, 64)
        mac = self._bytes(layout.first_meta + index // 8, 8 * (index % 8), 8)
        if self.crypto.line_mac(layout.line_name(index), counter, cipher) != int.from_bytes(mac, "little"):
            raise Tampered(layout.tree, 0, index)
        return self.crypto.pad(layout.line_name(index), counter, cipher)


def verify(config: MmtConfig, keys: Keys, root_page: int, image: Mapping[int, bytes], root_counter: int) -> Contents:
    """Return what ``image`` holds."""
    return Verifier(config, keys, root_page, image).read(root_counter)


__all__ = ["ROOT", "Contents", "Tampered", "Verifier", "verify"]
