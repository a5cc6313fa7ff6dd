# SPDX-License-Identifier: Apache-2.0
"""What the slow path asks of Lines: jobs, and the overflow of a leaf, which moves all its lines."""

from typing import Any

from amaranth import *
from amaranth.hdl import ValueLike
from amaranth.utils import exact_log2

from .config import MmtConfig
from .mount_table import MountTable
from .place import Places
from .signature import JobKind, Kind
from .tree_parts import TreeParts


class Jobs:
    """The request of a job, filled in from a tree on chip and a line in it."""

    def __init__(self, m: Module, config: MmtConfig, places: Places, table: MountTable, port: Any):
        self.config, self.places, self.table, self.port = config, places, table, port

    def request(self, m: Module, kind: ValueLike, tree: Value, line_in_tree: Value | None = None) -> Value:
        """Add to a state: ask for a job; return whether it is taken in this cycle."""
        config, places, table, payload = self.config, self.places, self.table, self.port.request.payload
        m.d.comb += [self.port.request.valid.eq(1), payload.kind.eq(kind), payload.tree.eq(tree)]
        if line_in_tree is not None:
            root, state, page = table.is_root(tree), table.at(tree), table.page(tree)
            low = line_in_tree[: config.subtree_line_bits]
            seed_line = Mux(root, low, Cat(low, state.subtree))[: config.line_bits]
            m.d.comb += [
                payload.root.eq(root),
                payload.seed_line.eq(seed_line),
                payload.line.eq(Mux(root, places.first_line(page) + low, seed_line)),
                payload.mac_line.eq(places.mac_line(root, page, low)),
                payload.old.generation.eq(Mux(root, 0, state.generation)),
                payload.new.generation.eq(Mux(root, 0, state.generation)),
            ]
        return self.port.request.ready


class Recrypt:
    """Overflow of a leaf: hides it, waits until no line operation holds one of its counters, has every line brought to
    (major + 1, 0), several at a time, and moves the major. Lines that never were become zeros; lines beyond the end of
    the root table do not exist.

    Give ``tree``, ``way`` and ``place`` of the leaf with ``start``. ``done`` pulses with ``ok``, ``kind``: a line that
    fails is left as it is, and under its new pair it will never verify; Lines has reported it.
    """

    def __init__(self, parts: TreeParts, jobs: Jobs):
        m, config, places, table, cache, port, _ = parts
        self.start, self.done, self.ok = (Signal(name=f"recrypt_{n}") for n in ("start", "done", "ok"))
        self.kind = Signal(Kind, name="recrypt_kind")
        way_bits = exact_log2(config.node_cache_lines)
        self.tree, self.way = Signal(config.tree_bits, name="recrypt_tree_in"), Signal(way_bits, name="recrypt_way_in")
        self.place = Signal(places.place_bits, name="recrypt_place_in")
        tree, way = Signal(config.tree_bits, name="recrypt_tree"), Signal(way_bits, name="recrypt_way")
        place = Signal(places.place_bits, name="recrypt_place")
        child, under_way = Signal(places.leaf_log, name="recrypt_child"), Signal(range(config.arity(1) + 1))
        line = Cat(child, place)[: config.subtree_line_bits]
        issued = Signal(name="recrypt_issued")
        exists = ~table.is_root(tree) | places.root_line_exists(line)
        leaf = Cat(place[: config.subtree_line_bits - places.leaf_log], table.at(tree).subtree)
        m.d.comb += jobs.port.query_leaf.eq(leaf)

        with m.FSM(name="recrypt"):
            with m.State("idle"):
                m.d.sync += [tree.eq(self.tree), way.eq(self.way), place.eq(self.place), child.eq(0)]
                m.d.sync += [under_way.eq(0), self.kind.eq(Kind.NONE)]
                with m.If(self.start):
                    m.d.comb += [cache.seen_way.eq(self.way), cache.hide.eq(1)]
                    m.next = "wait"
            with m.State("wait"):
                with m.If(~jobs.port.leaf_busy | table.is_root(tree)):
                    m.next = "read"
            with m.State("read"):
                m.d.comb += [cache.read.eq(1), cache.read_way.eq(way)]
                with m.If(cache.read_go):
                    m.next = "load"
            with m.State("load"):
                m.d.comb += port.load.eq(1)
                m.next = "lines"
            with m.State("lines"):
                port.select(m, 1, child)
                payload = jobs.port.request.payload
                with m.If(exists):
                    taken = jobs.request(m, JobKind.RECRYPT, tree, line)
                    m.d.comb += [
                        payload.old.low.eq(port.counters.low),
                        payload.new.low.eq(port.counters.turned_low),
                        issued.eq(taken),
                    ]
                with m.If(issued | ~exists):
                    m.d.sync += child.eq(child + 1)
                    with m.If(child.all()):
                        m.next = "drain"
            with m.State("drain"):
                with m.If(under_way == 0):
                    m.next = "turn"
            with m.State("turn"):
                port.select(m, 1, 0)
                m.d.comb += [
                    cache.write.eq(1),
                    cache.write_way.eq(way),
                    cache.write_data.eq(port.counters.turned_node),
                    cache.mark_way.eq(way),
                    cache.seen_way.eq(way),
                ]
                with m.If(cache.write_go):
                    m.d.comb += [
                        cache.soil.eq(1),
                        cache.show.eq(1),
                        self.done.eq(1),
                        self.ok.eq(self.kind == Kind.NONE),
                    ]
                    m.next = "idle"
        finished = jobs.port.done
        with m.If(issued | finished):
            m.d.sync += under_way.eq(under_way + issued - finished)
        with m.If(finished & ~jobs.port.ok):
            m.d.sync += self.kind.eq(jobs.port.kind)
