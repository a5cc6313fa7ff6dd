# SPDX-License-Identifier: Apache-2.0
"""Root counters on chip: one entry a mounted subtree, and the root tree as the last."""

from amaranth import *
from amaranth.lib import data

from yingzhou.parts.first_set import FirstSet, OneHot

from .config import GENERATION_BITS, LOW_BITS, MmtConfig
from .signature import settings


def tree_state(config: MmtConfig) -> data.StructLayout:
    """What is held of a tree.

    ``mounted`` : the entry is in use; always of the root tree.
    ``hidden``  : it is being unmounted: lookups do not see it.
    ``valid``   : the subtree is allocated.
    ``locked``  : a check failed.
    ``dirty``   : the root entry in memory is not this.
    ``pinned``  : never unmounted to make room.
    ``stuck``   : could not be unmounted: a counter is used up, or its root entry could not be stored.
    ``subtree``, ``generation``, ``page``, ``counter``: number, generation, base, root counter.
    """
    return data.StructLayout(
        {
            "mounted": 1,
            "hidden": 1,
            "valid": 1,
            "locked": 1,
            "dirty": 1,
            "pinned": 1,
            "stuck": 1,
            "subtree": config.subtree_bits,
            "generation": GENERATION_BITS,
            "page": config.page_bits,
            "counter": LOW_BITS,
        }
    )


class Match:
    """Which entry holds a subtree. Combinational.

    Attributes
    ----------
    hit, tree, state : whether one does (hidden or not), its number, and what is held of it.
    """

    def __init__(self, m: Module, table: "MountTable", name: str, subtree: Value):
        # countermeasure: MMT.MOUNT_ONCE
        # A subtree is mounted only when this finds no entry, so that at most one holds it; see also overlap.py.
        found = OneHot(m, name, [entry.mounted & (entry.subtree == subtree) for entry in table.entries[:-1]])
        self.hit = found.any
        self.tree = Signal(table.config.tree_bits, name=f"{name}_tree")
        m.d.comb += self.tree.eq(found.index)
        self.state = table.at(found.index)


class MountTable:
    """State of the trees on chip.

    Attributes
    ----------
    entries    : one signal a tree; the root tree's is the last.
    root       : the root tree's.
    used       : one bit an entry: looked up since the bits were last cleared.
    use        : drive 1 to set the bit of ``use_tree``. Idle: 0.
    free       : :class:`FirstSet` of the entries not in use.
    victim     : number of the entry to unmount for another, valid with ``victim_any``.
    forget     : drive 1 when a victim is taken, to begin a new round when every entry was used. Idle: 0.
    locks      : list of (pulse, tree): the tree is locked. Add before :meth:`finish`.
    """

    def __init__(self, m: Module, config: MmtConfig, chosen: Value):
        self.m, self.config = m, config
        self.settings = data.View(settings(config), chosen)
        layout = tree_state(config)
        self.entries = [Signal(layout, name=f"tree_{number}") for number in range(config.mount_entries)]
        self.root = Signal(layout, init={"mounted": 1, "valid": 1}, name="root_tree")
        self.entries.append(self.root)
        self._array = Array(self.entries)
        self.locks: list[tuple[Value, Value]] = []

        subtrees = self.entries[:-1]
        self.used = Signal(config.mount_entries, name="tree_used")
        self.use, self.use_tree = Signal(name="use_tree"), Signal(config.tree_bits, name="use_tree_number")
        self.forget = Signal(name="forget_used")
        self.free = FirstSet(m, "free_tree", [~entry.mounted for entry in subtrees])
        able = [entry.mounted & ~entry.pinned & ~entry.stuck for entry in subtrees]
        idle = FirstSet(m, "idle_tree", [able[number] & ~self.used[number] for number in range(len(able))])
        some = FirstSet(m, "able_tree", able)
        self.victim_any = some.any
        self.victim = Mux(idle.any, idle.index, some.index)
        with m.If(self.forget & ~idle.any):
            m.d.sync += self.used.eq(0)
        with m.If(self.use):
            for number in range(config.mount_entries):
                with m.If(self.use_tree == number):
                    m.d.sync += self.used[number].eq(1)

    def at(self, tree: Value):
        """Return the entry of a tree."""
        return self._array[tree]

    def is_root(self, tree: Value) -> Value:
        return tree == self.config.root_tree

    def page(self, tree: Value) -> Value:
        """Return the base page of a tree: its metadata's, or the meta zone's."""
        return Mux(self.is_root(tree), self.settings.root_page, self.at(tree).page)

    def finish(self) -> None:
        """Add what has precedence over everything else: locks."""
        # countermeasure: MMT.LOCK
        for number, entry in enumerate(self.entries):
            hits = [pulse & (tree == number) for pulse, tree in self.locks]
            with self.m.If(Cat(*hits).any() & ~entry.locked):
                self.m.d.sync += [entry.locked.eq(1), entry.dirty.eq(1)]
