# SPDX-License-Identifier: Apache-2.0
"""Executable specification of the memory engine, written from docs/mmt-format.md alone; bit exact in memory.

:class:`Mmt` holds the truth: trees, root entries, and ``image``, the lines of memory as the engine has written them.
It does not choose which nodes leave a cache: whoever uses it says so (:meth:`Mmt.evict`). Every operation appends the
writes that it must cause to ``log``. :mod:`tb.models.mmt_observer` follows an engine's own writes with the same state;
:mod:`tb.models.mmt_verify` reads an image with nothing but the keys and the root counter.
"""

from dataclasses import dataclass, field, replace

from yingzhou.mmt.config import MmtConfig

from .mmt_crypto import Crypto, Keys
from .mmt_layout import ROOT, Place, Shape
from .mmt_tree import Line, Move, Tree

ZERO_LINE = bytes(64)
GENERATION_MAX = 2**24 - 1


class Refused(Exception):
    """The engine refuses; nothing has changed. ``reason`` is the name of a result or a kind of failure."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class RootEntry:
    """What is known of a subtree: ``page`` is that of its metadata, counted from the start of memory."""

    counter: int = 0
    valid: bool = False
    locked: bool = False
    page: int = 0
    generation: int = 0

    def encode(self) -> bytes:
        value = self.counter | self.valid << 64 | self.locked << 65 | self.page << 72 | self.generation << 104
        return value.to_bytes(16, "little")

    @classmethod
    def decode(cls, data: bytes) -> "RootEntry":
        value = int.from_bytes(data, "little")
        flags = bool(value >> 64 & 1), bool(value >> 65 & 1)
        return cls(value & 2**64 - 1, *flags, value >> 72 & 2**32 - 1, value >> 104)


def merge(old: bytes, data: bytes, strobe: int) -> bytes:
    """Return ``old`` with the bytes of ``data`` that ``strobe`` selects, one bit a byte."""
    if strobe == 2**64 - 1:
        return data
    return bytes(data[i] if strobe >> i & 1 else old[i] for i in range(64))


@dataclass
class Subtree:
    """A subtree that was touched: its root entry as it is, as memory has it, and its tree when allocated."""

    entry: RootEntry = RootEntry()
    stored: RootEntry = RootEntry()
    tree: Tree | None = None
    mounted: bool = False


@dataclass
class Mmt:
    """The engine from one reset to the next.

    Parameters
    ----------
    config : MmtConfig
        Geometry; nothing else of it is used.
    keys : Keys
    root_page : int
        Page of the meta zone, counted from the start of memory.
    """

    config: MmtConfig
    keys: Keys
    root_page: int = 0
    image: dict[int, bytes] = field(default_factory=dict)
    log: list[tuple[int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.crypto = Crypto(self.keys)
        self.shape = Shape(self.config, self.root_page)
        self.root = Tree(self.shape.root)
        self.subtrees: dict[int, Subtree] = {}

    # State

    def subtree(self, number: int) -> Subtree:
        """Return a subtree's record."""
        assert 0 <= number < self.shape.subtrees
        return self.subtrees.setdefault(number, Subtree())

    def tree(self, number: int) -> Tree:
        """Return the tree of an allocated subtree, or the root tree."""
        if number == ROOT:
            return self.root
        tree = self.subtree(number).tree
        if tree is None:
            raise Refused("NOT_ALLOCATED")
        return tree

    def entry(self, number: int) -> RootEntry:
        """Return the root entry as it is now, wherever it is kept."""
        at = self.subtree(number)
        return at.entry if at.tree is None else replace(at.entry, counter=at.tree.root_counter)

    def set_entry(self, number: int, entry: RootEntry) -> None:
        """Replace a root entry; a tree begins or ends with ``valid``, and with every new generation."""
        at = self.subtree(number)
        if not entry.valid:
            at.tree = None
        elif at.tree is None or at.entry.generation != entry.generation:
            at.tree = Tree(self.shape.subtree(number, entry.page), entry.generation, entry.counter)
        at.entry = entry

    def classify(self, line: int) -> Place | None:
        """Return what a line number is: metadata of the root tree or of an allocated subtree, or a line of one."""
        layout = self.shape.root
        if layout.first_line <= line < layout.first_meta:
            return Place(ROOT, "line", 0, line - layout.first_line)
        for at in (self.root, *(at.tree for at in self.subtrees.values() if at.tree is not None)):
            place = at.layout.meta_place(line)
            if place is not None:
                return place
        number = line // self.shape.subtree_lines
        at = self.subtrees.get(number)
        if at is None or at.tree is None:
            return None
        return Place(number, "line", 0, line % self.shape.subtree_lines)

    def expected_line(self, line: int) -> bytes:
        """Return the plaintext of a line of an allocated subtree."""
        number, index = divmod(line, self.shape.subtree_lines)
        held = self.tree(number).lines.get(index)
        return ZERO_LINE if held is None else held.plain

    # Writes that follow from the state

    def _emit(self, line: int, data: bytes) -> None:
        self.image[line] = data
        self.log.append((line, data))

    def emit_line(self, tree: Tree, index: int, plain: bytes) -> None:
        """Write a line under its present counter."""
        name, counter = tree.layout.line_name(index), tree.counter(0, index)
        cipher = self.crypto.pad(name, counter, plain)
        tree.lines[index] = Line(plain, self.crypto.line_mac(name, counter, cipher))
        tree.dirty_macs.add(index // 8)
        self._emit(tree.layout.first_line + index, cipher)

    def emit_node(self, tree: Tree, level: int, index: int) -> None:
        """Write a node with a MAC under its present counter."""
        content = tree.content(level, index)
        mac = self.crypto.node_mac(tree.layout.node_name(level, index), tree.counter(level, index), content)
        tree.node(level, index).dirty = False
        self._emit(tree.layout.first_node[level] + index, content + mac.to_bytes(8, "little"))

    def mac_line(self, tree: Tree, group: int) -> bytes:
        """Return a MAC line; the MACs of virgin lines are whatever memory has there."""
        line = tree.layout.first_meta + group
        words = [self.image.get(line, ZERO_LINE)[8 * i : 8 * i + 8] for i in range(8)]
        for place in range(8):
            held = tree.lines.get(8 * group + place)
            if held is not None:
                words[place] = held.mac.to_bytes(8, "little")
        return b"".join(words)

    def evict_macs(self, number: int, group: int) -> None:
        """Write a MAC line back when it is dirty."""
        tree = self.tree(number)
        if group in tree.dirty_macs:
            tree.dirty_macs.discard(group)
            self._emit(tree.layout.first_meta + group, self.mac_line(tree, group))

    # Movement

    def _overflow(self, tree: Tree, level: int, index: int) -> None:
        """Move a node's major and write every child under it."""
        node = tree.overflow(level, index)
        for child in sorted(node.left):
            if level == 1:
                held = tree.lines.get(child)
                self.emit_line(tree, child, ZERO_LINE if held is None else held.plain)
            else:
                self.emit_node(tree, level - 1, child)
        node.left.clear()

    def _advance(self, tree: Tree, level: int, index: int) -> bool:
        """Move the counter of a child; True when an overflow has rewritten it on the way."""
        move, _ = tree.peek(level, index)
        if move is Move.EXHAUSTED:
            self.lock(tree.layout.tree)
            raise Refused("EXHAUSTED")
        if move is Move.OVERFLOW:
            self._overflow(tree, level + 1, index // self.shape.arity[level + 1])
            return True
        tree.step(level, index)
        return False

    def evict(self, number: int, level: int, index: int) -> None:
        """A node leaves the cache, or is flushed: written back when dirty."""
        tree = self.tree(number)
        if tree.node(level, index).dirty and not self._advance(tree, level, index):
            self.emit_node(tree, level, index)

    def lock(self, number: int) -> None:
        """A check has failed or a counter is used up: the subtree is locked. (The root tree's lock is on chip.)"""
        if number != ROOT:
            at = self.subtree(number)
            at.entry = replace(at.entry, locked=True)

    def unlock(self, number: int) -> None:
        """Let a locked subtree be used again."""
        at = self.subtree(number)
        at.entry = replace(at.entry, locked=False)

    # Operations

    def alloc(self, number: int, page: int) -> None:
        """A new life of a subtree, with metadata at ``page``."""
        entry = self.entry(number)
        if entry.valid:
            raise Refused("ALREADY_ALLOCATED")
        if entry.generation == GENERATION_MAX:
            raise Refused("EXHAUSTED")
        self.set_entry(number, self.allocated(number, page))
        self.subtree(number).mounted = True

    def allocated(self, number: int, page: int) -> RootEntry:
        """Return the root entry that alloc makes."""
        return RootEntry(valid=True, page=page, generation=self.subtree(number).entry.generation)

    def freed(self, number: int) -> RootEntry:
        """Return the root entry that free makes."""
        return RootEntry(generation=self.subtree(number).entry.generation + 1)

    def free(self, number: int) -> None:
        """A subtree's life ends; nothing of it is written but its root entry."""
        if not self.entry(number).valid:
            raise Refused("NOT_ALLOCATED")
        self.set_entry(number, self.freed(number))
        self._store_entry(number)
        self.subtree(number).mounted = False

    def write(self, line: int, data: bytes, strobe: int = 2**64 - 1) -> None:
        """Write bytes of a line; a write of none changes nothing."""
        number, index = divmod(line, self.shape.subtree_lines)
        tree = self._open(number)
        if strobe == 0:
            return
        plain = merge(self.expected_line(line), data, strobe)
        if self._advance(tree, 0, index):
            tree.step(0, index)
        self.emit_line(tree, index, plain)

    def read(self, line: int) -> bytes:
        """Read a line."""
        self._open(line // self.shape.subtree_lines)
        return self.expected_line(line)

    def _open(self, number: int) -> Tree:
        tree = self.tree(number)
        if self.entry(number).locked:
            raise Refused("LOCKED")
        self.mount(number)
        return tree

    def mount(self, number: int) -> None:
        """Hold a subtree's root on chip."""
        self.tree(number)
        self.subtree(number).mounted = True

    def flush(self, number: int) -> None:
        """Write back what is dirty of a subtree, then its root entry; or of the root tree."""
        tree = self.tree(number)
        for group in sorted(tree.dirty_macs):
            self.evict_macs(number, group)
        for level in range(1, self.shape.levels + 1):
            for index in tree.dirty_nodes(level):
                self.evict(number, level, index)
        if number != ROOT:
            self._store_entry(number)

    def unmount(self, number: int) -> None:
        """Flush a subtree and let it leave the chip."""
        self.flush(number)
        self.subtree(number).mounted = False

    def flush_all(self) -> None:
        """Flush every subtree, the root tree last."""
        for number, at in sorted(self.subtrees.items()):
            if at.tree is not None:
                self.flush(number)
            else:
                self._store_entry(number)
        self.flush(ROOT)

    def _store_entry(self, number: int) -> None:
        at, entry = self.subtree(number), self.entry(number)
        if entry == at.stored:
            return
        index = number // 4
        if self._advance(self.root, 0, index):
            self.root.step(0, index)
        at.stored = entry
        self.emit_line(self.root, index, self.table_line(index))

    def table_line(self, index: int) -> bytes:
        """Return a line of the root table as memory has it, decrypted."""
        return b"".join(self.subtrees.get(4 * index + i, Subtree()).stored.encode() for i in range(4))

    # For tests: states that no reasonable number of operations reaches

    def forge(self, number: int, level: int, index: int, counters: list[int], major: int = 0) -> None:
        """Give a node that is in memory other counters, and rewrite it and its children as if they had always been so.

        The tree must be clean and the node not virgin. Children that have been written keep a counter above 0.
        """
        tree = self.tree(number)
        assert not any(node.dirty for node in tree.nodes.values()) and tree.counter(level, index).low
        node = tree.node(level, index)
        node.counters, node.major = list(counters), major
        self.emit_node(tree, level, index)
        for child in tree.layout.children(level, index):
            if tree.counter(level - 1, child).low:
                if level == 1:
                    held = tree.lines.get(child)
                    self.emit_line(tree, child, ZERO_LINE if held is None else held.plain)
                else:
                    self.emit_node(tree, level - 1, child)
        for group in sorted(tree.dirty_macs):
            self.evict_macs(number, group)

    def forge_entry(self, number: int, entry: RootEntry) -> None:
        """Give a root entry that is in memory other contents, and rewrite the top node to fit. The trees are clean."""
        at, index = self.subtree(number), number // 4
        assert self.entry(number) == at.stored and self.root.counter(0, index).low
        at.entry = at.stored = entry
        if at.tree is not None:
            at.tree.root_counter = entry.counter
            self.emit_node(at.tree, self.shape.levels, 0)
        self.emit_line(self.root, index, self.table_line(index))
        self.evict_macs(ROOT, index // 8)

    def expected_image(self) -> dict[int, bytes]:
        """Return the lines that memory must hold after a flush of everything; the rest is not the engine's."""
        return dict(self.image)
