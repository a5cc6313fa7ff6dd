# SPDX-License-Identifier: Apache-2.0
"""Verified nodes on chip, of all trees.

The cache is closed under parents: the parent of a cached node is cached, a top node's is the root counter. So a walk
that climbs to the first cached ancestor starts from verified content, and writing a node back never needs a fetch.
"""

from amaranth import *
from amaranth.lib import data, memory
from amaranth.utils import exact_log2

from yingzhou.geometry import LINE_BITS
from yingzhou.parts.first_set import FirstSet, OneHot

from .config import MmtConfig
from .place import Places, node_name


def way_state(config: MmtConfig) -> data.StructLayout:
    """What is held of a way beside the node's content.

    ``taken``   : not free. Its content may still be unverified.
    ``present`` : it holds the verified node ``name``.
    ``usable``  : a leaf that lookups see.
    ``dirty``   : the node in memory, where it has a MAC, is older.
    ``stuck``   : it cannot be written back because a counter is used up.
    ``used``    : looked up or walked over since the bits were last cleared.
    ``parent``  : way of its parent (a top node has none).
    ``children``: how many of its children are present.
    """
    way_bits = exact_log2(config.node_cache_lines)
    return data.StructLayout(
        {
            "taken": 1,
            "present": 1,
            "usable": 1,
            "dirty": 1,
            "stuck": 1,
            "used": 1,
            "name": node_name(config),
            "parent": way_bits,
            "children": way_bits,
        }
    )


class Find:
    """Which way holds a node. Combinational.

    Attributes
    ----------
    hit, way : whether one does, and which.
    """

    def __init__(self, m: Module, cache: "NodeCache", name: str, wanted: Value, usable: bool = False):
        found = OneHot(
            m,
            name,
            [(way.usable if usable else way.present) & (way.name.as_value() == wanted) for way in cache.ways],
        )
        self.hit, self.way = found.any, found.index


class NodeCache:
    """Ways, their contents, and what may be done with them in a cycle.

    Contents have one read and one write port. Lookups have precedence on both; the slow path asks with ``read`` or
    ``write`` and has it in the cycle in which ``read_go`` or ``write_go`` is 1. Data is on ``data`` a cycle after
    ``read_go``. What is written in the cycle of a read is seen by it. All inputs idle at 0.

    Attributes
    ----------
    ways         : one signal a way.
    free, free_count : :class:`FirstSet` of the free ways, and their number.
    victim, victim_any : the way to give up next: without children, not ``keep``, not used lately, not stuck.
    keep, keep_any : a way that is no victim.
    forget       : a victim is taken: when every candidate was used, a new round begins.
    take         : ``free.index`` is taken.
    release      : ``release_way``, taken but never inserted, is free again.
    insert       : ``insert_way`` holds the node ``insert_name`` with the parent ``insert_parent``.
    remove       : the node of ``remove_way`` is given up.
    hide, show   : ``seen_way``'s leaf becomes invisible, or visible, to lookups.
    soil, clean  : ``mark_way`` becomes dirty, or clean.
    jam          : ``mark_way`` cannot be written back.
    lookup_read, lookup_read_way, lookup_write, lookup_write_way, lookup_data : the lookups' side.
    """

    def __init__(self, m: Module, config: MmtConfig, places: Places):
        self.config = config
        count = config.node_cache_lines
        bits = exact_log2(count)
        layout = way_state(config)
        self.ways = [Signal(layout, name=f"way_{number}") for number in range(count)]
        self._array = Array(self.ways)

        m.submodules.nodes = nodes = memory.Memory(shape=LINE_BITS, depth=count, init=[])
        write_port = nodes.write_port()
        read_port = nodes.read_port(transparent_for=[write_port])
        self.data = read_port.data
        one = ("read", "read_go", "write", "write_go", "lookup_read", "lookup_write", "keep_any", "forget", "take")
        one += ("release", "insert", "remove", "hide", "show", "soil", "clean", "jam")
        for name in one:
            setattr(self, name, Signal(name=f"node_{name}"))
        for name in ("read", "write", "lookup_read", "lookup_write", "keep", "release", "insert", "remove"):
            setattr(self, f"{name}_way" if name != "keep" else "keep", Signal(bits, name=f"node_{name}_way"))
        self.seen_way, self.mark_way = Signal(bits, name="node_seen_way"), Signal(bits, name="node_mark_way")
        self.insert_parent = Signal(bits, name="node_insert_parent")
        self.insert_name = Signal(node_name(config), name="node_insert_name")
        self.write_data, self.lookup_data = (Signal(LINE_BITS, name=f"node_{n}") for n in ("write_data", "lookup_data"))
        m.d.comb += [
            self.read_go.eq(self.read & ~self.lookup_read),
            self.write_go.eq(self.write & ~self.lookup_write),
            read_port.en.eq(self.read | self.lookup_read),
            read_port.addr.eq(Mux(self.lookup_read, self.lookup_read_way, self.read_way)),
            write_port.en.eq(self.write | self.lookup_write),
            write_port.addr.eq(Mux(self.lookup_write, self.lookup_write_way, self.write_way)),
            write_port.data.eq(Mux(self.lookup_write, self.lookup_data, self.write_data)),
        ]

        self.free = FirstSet(m, "free_way", [~way.taken for way in self.ways])
        self.free_count = Signal(range(count + 1), init=count, name="free_ways")
        m.d.sync += self.free_count.eq(self.free_count - self.take + self.release + self.remove)
        able = [
            way.present & (way.children == 0) & ~way.stuck & ~(self.keep_any & (self.keep == number))
            for number, way in enumerate(self.ways)
        ]
        idle = FirstSet(m, "idle_way", [able[number] & ~way.used for number, way in enumerate(self.ways)])
        some = FirstSet(m, "able_way", able)
        self.victim_any = some.any
        self.victim = Mux(idle.any, idle.index, some.index)

        top = self.insert_name.level == config.levels
        leaf = (self.insert_name.level == 1) & (self.insert_name.tree != config.root_tree)
        left = self.at(self.remove_way)
        left_top = Signal(name="node_remove_top")
        left_parent = Signal(bits, name="node_remove_parent")
        m.d.comb += [left_top.eq(left.name.level == config.levels), left_parent.eq(left.parent)]
        for number, way in enumerate(self.ways):
            with m.If(self.forget & ~idle.any):
                m.d.sync += way.used.eq(0)
            with m.If(self.lookup_read & (self.lookup_read_way == number)):
                m.d.sync += way.used.eq(1)
            with m.If(self.take & (self.free.index == number)):
                m.d.sync += way.taken.eq(1)
            with m.If(self.release & (self.release_way == number)):
                m.d.sync += way.taken.eq(0)
            with m.If(self.insert & (self.insert_way == number)):
                m.d.sync += [
                    way.taken.eq(1),
                    way.present.eq(1),
                    way.usable.eq(leaf),
                    way.dirty.eq(0),
                    way.stuck.eq(0),
                    way.used.eq(1),
                    way.name.eq(self.insert_name),
                    way.parent.eq(self.insert_parent),
                    way.children.eq(0),
                ]
            more = self.insert & ~top & (self.insert_parent == number)
            less = self.remove & ~left_top & (left_parent == number)
            with m.If(more | less):
                m.d.sync += way.children.eq(way.children + more - less)
            with m.If(self.hide & (self.seen_way == number)):
                m.d.sync += way.usable.eq(0)
            with m.If(self.show & (self.seen_way == number)):
                m.d.sync += way.usable.eq((way.name.level == 1) & (way.name.tree != config.root_tree))
            with m.If(self.clean & (self.mark_way == number)):
                m.d.sync += way.dirty.eq(0)
            with m.If(self.soil & (self.mark_way == number)):
                m.d.sync += way.dirty.eq(1)
            with m.If(self.jam & (self.mark_way == number)):
                m.d.sync += way.stuck.eq(1)
            with m.If(self.lookup_write & (self.lookup_write_way == number)):
                m.d.sync += way.dirty.eq(1)
            with m.If(self.remove & (self.remove_way == number)):
                m.d.sync += [way.taken.eq(0), way.present.eq(0), way.usable.eq(0), way.dirty.eq(0), way.stuck.eq(0)]

    def at(self, way: Value):
        """Return the state of a way."""
        return self._array[way]
