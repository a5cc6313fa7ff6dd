# SPDX-License-Identifier: Apache-2.0
"""Follows an engine by its writes to memory: each must be one that docs/mmt-format.md allows, bit for bit.

The bench announces what was asked of the engine (:meth:`Observer.announce`, :meth:`Observer.intend`), hands over every
write that reaches memory (:meth:`Observer.check_write`) and says how operations ended. Counters move with what is seen:
a data line is one step of its leaf, a node is one step of its parent, and so on up to the root counter on chip.

Writes of different lines may overtake each other on their way out of the engine, so one that cannot be explained yet
waits until others have been seen; at most ``WINDOW`` may wait, and at rest none (:meth:`Observer.check_quiet`).
"""

import copy
from dataclasses import dataclass, field, replace
from typing import Final

from .mmt import ZERO_LINE, Mmt, RootEntry, Subtree, merge
from .mmt_crypto import Counter
from .mmt_layout import ROOT, Place
from .mmt_tree import Line, Tree

WINDOW: Final = 64


class Unexplained(AssertionError):
    """The engine wrote something to memory that no rule allows."""


@dataclass
class Pending:
    """A write of a line that was asked for and has not been seen in memory.

    ``failed``: it was answered with an error; its counter may have moved all the same, its data is never written.
    """

    data: bytes
    strobe: int
    failed: bool = False


@dataclass
class Follow:
    """What the observer keeps beside a tree.

    ``pending`` by line; ``macs``: MACs of a line since its MAC line was last written, that one first (None: never).
    ``stored``: major and counters of each leaf as last written; a leaf may be written before the lines that it counts.
    """

    pending: dict[int, list[Pending]] = field(default_factory=dict)
    macs: dict[int, list[int | None]] = field(default_factory=dict)
    stored: dict[int, tuple[int, list[int]]] = field(default_factory=dict)


class Observer(Mmt):
    """The model, moved by what an engine does. ``image`` is what the engine wrote, without what attackers did."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._follow: dict[int, tuple[Tree, Follow]] = {}
        self._waiting: list[tuple[int, bytes]] = []
        self._intended: dict[int, list[RootEntry]] = {}
        self._raw: list[tuple[int, bytes]] = []
        self.alien: dict[int, list[bytes]] = {}
        self.seen_names: dict[tuple[bool, int], tuple[int, int]] = {}
        self.counts: dict[str, int] = {}
        self._touched: set[int] = set()
        self.tainted: set[int] = set()
        """Trees of which memory loses writes, or whose counters end: what is written of them is not explained any more.
        A subtree's next life is whole again."""

    # What the bench announces

    def announce(self, line: int, data: bytes, strobe: int) -> Pending:
        """A write of a line is asked for, in the order in which the engine takes them."""
        number, index = divmod(line, self.shape.subtree_lines)
        pending = Pending(data, strobe)
        at = self.subtrees.get(number)
        if at is not None and at.tree is not None and strobe:  # A write of no bytes moves nothing.
            self.follow(at.tree).pending.setdefault(index, []).append(pending)
        return pending

    def announce_raw(self, line: int, data: bytes) -> None:
        """A write that passes the engine untouched will give ``line`` this content."""
        self._raw.append((line, data))

    def failed(self, pending: Pending) -> None:
        """A write that was announced has been answered with an error."""
        pending.failed = True

    def adopt(self, other: Mmt) -> None:
        """Begin where a flushed model is: memory has been given its image and an engine its root counters."""
        state = copy.deepcopy((other.root, other.subtrees, other.image))
        self.root, self.subtrees, self.image = state
        for tree in (self.root, *(at.tree for at in self.subtrees.values() if at.tree is not None)):
            self._begin_here(tree)

    def _begin_here(self, tree: Tree) -> None:
        """Memory has what the tree has."""
        follow = self.follow(tree)
        follow.macs = {index: [line.mac] for index, line in tree.lines.items()}
        leaves = [(index, node) for (level, index), node in tree.nodes.items() if level == 1]
        follow.stored = {index: (node.major, list(node.counters)) for index, node in leaves}

    def forge(self, number: int, level: int, index: int, counters: list[int], major: int = 0) -> None:
        super().forge(number, level, index, counters, major)
        self._begin_here(self.tree(number))

    def forge_entry(self, number: int, entry: RootEntry) -> None:
        super().forge_entry(number, entry)
        self._begin_here(self.root)

    def set_entry(self, number: int, entry: RootEntry) -> None:
        super().set_entry(number, entry)
        if not entry.valid and number in self.tainted:
            self.tainted.discard(number)
            self._follow.pop(number, None)

    def intend(self, number: int, *entries: RootEntry) -> None:
        """From now on the root entry of a subtree may also be stored as one of ``entries``: a command is under way."""
        self._intended[number] = list(entries)

    def tampered(self, line: int, data: bytes) -> None:
        """An attacker has put ``data`` into memory. The engine may carry MACs that it does not look at along."""
        self.alien.setdefault(line, []).append(data)

    def follow(self, tree: Tree) -> Follow:
        """Return what is kept beside a tree."""
        number = tree.layout.tree
        held = self._follow.get(number)
        if held is None or held[0] is not tree:
            held = self._follow[number] = (tree, Follow())
        return held[1]

    def lock(self, number: int) -> None:
        """As the model's; and the entry may be stored, even when it is opened again before."""
        super().lock(number)
        self._touched.add(number)

    def unlock(self, number: int) -> None:
        """As the model's; and the entry may be stored."""
        super().unlock(number)
        self._touched.add(number)

    # What the engine does

    def check_write(self, line: int, data: bytes) -> None:
        """A line was written to memory."""
        self._waiting.append((line, bytes(data)))
        self.settle()
        if len(self._waiting) > WINDOW:
            self._complain("too many writes wait for an explanation")

    def settle(self) -> None:
        """Explain what waits, as far as possible."""
        moved = True
        while moved and self._waiting:
            moved = False
            blocked: set[int] = set()
            for item in list(self._waiting):
                if item[0] in blocked:
                    continue
                if self._explain(*item) is None:
                    self._waiting.remove(item)
                    self.image[item[0]] = item[1]
                    moved = True
                else:
                    blocked.add(item[0])

    def check_quiet(self) -> None:
        """Nothing is under way: every write was explained, and every write that was asked for was seen or failed."""
        self.settle()
        if self._waiting:
            self._complain("a write was never explained")
        for number, (tree, follow) in self._follow.items():
            if number in self.tainted:
                continue
            for index, pending in follow.pending.items():
                missing = [item for item in pending if not item.failed]
                assert not missing, f"{len(missing)} writes of line {index} of tree {tree.layout.tree} never came out"
            for leaf in follow.stored:
                self._catch_up(tree, leaf)
            for (level, index), node in tree.nodes.items():
                assert not node.left, f"overflow of node {level}/{index} of {tree.layout.tree} is not complete: {node}"

    def check_flushed(self, number: int) -> None:
        """A flush of a subtree, or of the root tree, is done and nothing is under way."""
        self.check_quiet()
        if number in self.tainted:
            return
        tree = self.root if number == ROOT else self.subtree(number).tree
        if tree is not None:
            dirty = [place for place, node in tree.nodes.items() if node.dirty]
            assert not dirty, f"nodes {dirty} of tree {number} were not written back"
            stale = sorted(index for index, macs in self.follow(tree).macs.items() if len(macs) > 1)
            assert not stale, f"MACs of lines {stale} of tree {number} were not written back"
        if number != ROOT:
            stored, now = self.subtree(number).stored, self.entry(number)
            assert stored == now, f"root entry of {number} in memory is {stored}, not {now}"

    def check_flushed_all(self) -> None:
        """A flush of everything is done and nothing is under way."""
        for number in (*self.subtrees, ROOT):
            self.check_flushed(number)

    def _complain(self, why: str) -> None:
        lines = [
            f"  line {line:#x} ({self.classify(line)}) = {data[::-1].hex()}: {self._explain(line, data)}"
            for line, data in self._waiting[:4]
        ]
        raise Unexplained("\n".join([f"{why} ({len(self._waiting)}):", *lines]))

    # Explanations: None when a write is one, else why it is not

    def _explain(self, line: int, data: bytes) -> str | None:
        if (line, data) in self._raw:
            self._raw.remove((line, data))
            return None
        place = self.classify(line)
        if place is None:
            return "neither metadata nor a line of an allocated subtree"
        if place.tree in self.tainted:
            return None
        tree = self.tree(place.tree)
        self.counts[place.kind] = self.counts.get(place.kind, 0) + 1
        match place.kind:
            case "line":
                return self._line(tree, place.index, data)
            case "macs":
                return self._macs(tree, place, line, data)
        return self._node(tree, place.level, place.index, data)

    def _accept_line(self, tree: Tree, index: int, counter: Counter, plain: bytes, data: bytes) -> None:
        name = tree.layout.line_name(index)
        last, now = self.seen_names.get((name.root, name.number)), (counter.generation, counter.low)
        if last is not None and last >= now:
            raise Unexplained(f"{name} was encrypted under {last} and then under {now}")
        self.seen_names[(name.root, name.number)] = now
        line = Line(plain, self.crypto.line_mac(name, counter, data))
        tree.lines[index] = line
        self.follow(tree).macs.setdefault(index, [None]).append(line.mac)

    def _line(self, tree: Tree, index: int, data: bytes) -> str | None:
        arity, name = self.shape.arity[1], tree.layout.line_name(index)
        leaf, child = tree.node(1, index // arity), index % arity
        present = tree.lines[index].plain if index in tree.lines else ZERO_LINE
        if leaf.left:
            if index not in leaf.left:
                return "its leaf overflows and other lines of it are not yet rewritten"
            counter = tree.counter(0, index)
            if self.crypto.pad(name, counter, data) != present:
                return f"not the present content under {counter}"
            leaf.left.discard(index)
            self._accept_line(tree, index, counter, present, data)
            return None
        pending = self.follow(tree).pending.get(index, [])
        skipped = 0
        top = 2 ** self.shape.counter_bits[1] - 1
        for used, item in enumerate(pending or [None] if tree.layout.tree == ROOT else pending, 1):
            for step in range(1, skipped + 2):
                if leaf.counters[child] + step > top:
                    break
                counter = Counter(tree.generation, tree.counter(0, index).low + step)
                plain = self.crypto.pad(name, counter, data)
                if self._table(index, plain) if item is None else self._wanted(item, present, plain):
                    leaf.counters[child] += step
                    leaf.dirty = self._unstored(tree, index // arity)
                    del pending[:used]
                    if item is None:
                        self._store(index, plain)
                    self._accept_line(tree, index, counter, plain, data)
                    return None
            if item is None or not item.failed:
                break
            skipped += 1
        return self._line_overflow(tree, index, data, present)

    @staticmethod
    def _wanted(item: Pending, present: bytes, plain: bytes) -> bool:
        return not item.failed and plain == merge(present, item.data, item.strobe)

    def _line_overflow(self, tree: Tree, index: int, data: bytes, present: bytes) -> str | None:
        """A line may also be the first that an overflow of its leaf rewrites."""
        arity = self.shape.arity[1]
        leaf = index // arity
        node, top = tree.node(1, leaf), 2 ** self.shape.counter_bits[1] - 1
        expected = f"expected the next content under {tree.counter(0, index).low:#x} + 1"
        if not self.shape.split or node.major == self.shape.major_max:
            return expected
        pending = self.follow(tree).pending
        if not any(
            (tree.layout.tree == ROOT and node.counters[child] == top)
            or (pending.get(leaf * arity + child) and node.counters[child] + len(pending[leaf * arity + child]) > top)
            for child in range(arity)
        ):
            return expected
        counter = tree.after_overflow(1, leaf)
        if self.crypto.pad(tree.layout.line_name(index), counter, data) != present:
            return f"{expected}, or the present content under {counter}"
        tree.overflow(1, leaf).left.discard(index)
        self._accept_line(tree, index, counter, present, data)
        return None

    def _table(self, index: int, plain: bytes) -> bool:
        """Return whether ``plain`` is a line of the root table in which something has changed, if only there and back.

        Of each entry it has what is stored, what is so now, or what a command under way means.
        """
        if plain == self.table_line(index) and not (self._touched | self.tainted) & set(
            range(4 * index, 4 * index + 4)
        ):
            return False
        for place in range(4):
            number = 4 * index + place
            entry = RootEntry.decode(plain[16 * place : 16 * place + 16])
            if entry.encode() != plain[16 * place : 16 * place + 16]:
                return False
            if number >= self.shape.subtrees:
                if entry != RootEntry():
                    return False
                continue
            at = self.subtrees.get(number, Subtree())
            if entry in (at.stored, self.entry(number), *self._intended.get(number, ())):
                continue
            if number not in self.tainted or replace(entry, counter=0, locked=False) != replace(
                at.entry, counter=0, locked=False
            ):
                return False
        return True

    def _store(self, index: int, plain: bytes) -> None:
        if plain == self.table_line(index):
            touched = self._touched & set(range(4 * index, 4 * index + 4))
            self._touched.discard(min(touched, default=-1))
        for place in range(4):
            if 4 * index + place < self.shape.subtrees:
                entry = RootEntry.decode(plain[16 * place : 16 * place + 16])
                if entry != RootEntry() or 4 * index + place in self.subtrees:
                    at = self.subtree(4 * index + place)
                    if at.stored != entry:
                        self._touched.discard(4 * index + place)
                    at.stored = entry

    def _macs(self, tree: Tree, place: Place, line: int, data: bytes) -> str | None:
        macs = self.follow(tree).macs
        before = [self.image.get(line, ZERO_LINE), ZERO_LINE, *self.alien.get(line, ())]
        found: dict[int, int] = {}
        for word in range(8):
            index, bytes_ = 8 * place.index + word, slice(8 * word, 8 * word + 8)
            value = int.from_bytes(data[bytes_], "little")
            if index in macs and value in macs[index]:
                found[index] = macs[index].index(value)
                continue
            # A flush may come between the first write of a line and its MAC.
            virgin = index not in tree.lines or macs.get(index, [0])[0] is None
            if not (virgin and data[bytes_] in [old[bytes_] for old in before]) and not any(
                data[bytes_] == old[bytes_] for old in self.alien.get(line, ())
            ):
                return f"word {word} is no MAC of line {index}" + (", which is virgin" if virgin else "")
        for index, position in found.items():
            del macs[index][:position]
        return None

    def _node(self, tree: Tree, level: int, index: int, data: bytes) -> str | None:
        node = tree.node(level, index)
        if node.left:
            return "it overflows and its children are not all rewritten"
        content, mac = data[:56], int.from_bytes(data[56:], "little")
        if content != tree.content(level, index) and not (level == 1 and self._ahead(tree, index, content)):
            return f"content is not {tree.content(level, index)[::-1].hex()}"
        name = tree.layout.node_name(level, index)
        if level < self.shape.levels:
            arity = self.shape.arity[level + 1]
            parent, child = tree.node(level + 1, index // arity), index % arity
            if parent.left:
                counter = tree.counter(level, index)
                if index not in parent.left or self.crypto.node_mac(name, counter, content) != mac:
                    return f"its parent overflows; not the node under {counter}"
                parent.left.discard(index)
                self._accept_node(tree, level, index, content)
                return None
            full = 2 ** self.shape.counter_bits[level + 1] - 1
            if self.shape.split and parent.major < self.shape.major_max:
                wrapping = any(
                    parent.counters[at % arity] == full and self._maybe_dirty(tree, level, at)
                    for at in tree.layout.children(level + 1, index // arity)
                )
                counter = tree.after_overflow(level + 1, index // arity)
                if wrapping and self.crypto.node_mac(name, counter, content) == mac:
                    tree.overflow(level + 1, index // arity).left.discard(index)
                    self._accept_node(tree, level, index, content)
                    return None
            if parent.counters[child] == full:
                return "its pair is used up and this is no overflow"
        if not node.dirty and content == tree.content(level, index):
            return "it is clean"
        counter = Counter(tree.generation, tree.counter(level, index).low + 1)
        if self.crypto.node_mac(name, counter, content) != mac:
            return f"MAC is not that under {counter}"
        tree.step(level, index)
        self._accept_node(tree, level, index, content)
        return None

    def _accept_node(self, tree: Tree, level: int, index: int, content: bytes) -> None:
        node = tree.node(level, index)
        node.dirty = False
        if level == 1:
            held = tree.decode(1, content)
            self.follow(tree).stored[index] = (held.major, held.counters)
            node.dirty = self._unstored(tree, index)

    def _unstored(self, tree: Tree, leaf: int) -> bool:
        """Return whether a leaf in memory lacks something that its lines have."""
        node = tree.node(1, leaf)
        major, counters = self.follow(tree).stored.get(leaf, (0, [0] * len(node.counters)))
        return major != node.major or any(has > kept for has, kept in zip(node.counters, counters, strict=True))

    def _maybe_dirty(self, tree: Tree, level: int, index: int) -> bool:
        """Return whether the engine may have changed a node since it wrote it."""
        pending = self.follow(tree).pending
        waits = level == 1 and any(pending.get(line) for line in tree.layout.children(1, index))
        return tree.node(level, index).dirty or waits

    def _ahead(self, tree: Tree, index: int, content: bytes) -> bool:
        """Return whether a leaf is ahead of what was seen, by writes that are on their way or failed."""
        held, node, follow = tree.decode(1, content), tree.node(1, index), self.follow(tree)
        if held.major != node.major:
            return False
        major, stored = follow.stored.get(index, (0, node.counters))
        first = index * self.shape.arity[1]
        for child, value in enumerate(held.counters):
            least = node.counters[child] if major != node.major else max(node.counters[child], stored[child])
            if not least <= value <= node.counters[child] + len(follow.pending.get(first + child, ())):
                return False
        before, node.counters = node.counters, held.counters
        same = tree.content(1, index) == content
        node.counters = before
        return same

    def _catch_up(self, tree: Tree, leaf: int) -> None:
        """Nothing is under way: what a leaf in memory is ahead, writes that failed have moved."""
        follow, node = self.follow(tree), tree.node(1, leaf)
        major, stored = follow.stored[leaf]
        for child, value in enumerate(stored) if major == node.major else ():
            moved = value - node.counters[child]
            if moved > 0:
                failed = follow.pending.get(leaf * self.shape.arity[1] + child, [])
                assert len(failed) >= moved, f"leaf {leaf} of tree {tree.layout.tree} counts a write that never was"
                del failed[:moved]
                node.counters[child] = value
