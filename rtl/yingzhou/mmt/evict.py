# SPDX-License-Identifier: Apache-2.0
"""Writes a node back, and with it all its siblings when its parent's counter overflows (docs/mmt-format.md, 5)."""

from amaranth import *
from amaranth.utils import exact_log2

from .chain import Chain
from .config import LOW_BITS
from .node import virgin_node
from .node_cache import Find
from .place import node_name
from .seal import Seal
from .signature import Kind
from .tree_parts import TreeParts


class Evict:
    """Writes the node of a way back when it is dirty, then gives the way up when ``drop`` is 1.

    Give ``way`` and ``drop``, ``discard`` (do not write), with ``start``. ``done`` pulses with ``ok``; ``ok`` 0: a
    counter is used up, the failure has been reported, and the node stays, stuck and dirty: its content is in no other
    place, and dropping it would bring pairs of before back. ``overflowed`` pulses at an overflow, to be counted.

    The parent is cached, so nothing is fetched unless its counter overflows. A sibling that then fails its check is
    left as it is: under its new pair it will never verify.
    """

    def __init__(self, parts: TreeParts, chain: Chain, seal: Seal):
        m, config, places, table, cache, port, report = parts
        way_bits = exact_log2(config.node_cache_lines)
        self.start, self.done, self.ok, self.drop, self.discard, self.overflowed = (
            Signal(name=f"evict_{n}") for n in ("start", "done", "ok", "drop_in", "discard_in", "overflowed")
        )
        self.way = Signal(way_bits, name="evict_way_in")
        way, drop, discard = Signal(way_bits, name="evict_way"), Signal(name="evict_drop"), Signal(name="evict_discard")
        name = Signal(node_name(config), name="evict_name")
        state, tree = cache.at(way), table.at(name.tree)
        low, top = Signal(LOW_BITS, name="evict_low"), Signal(name="evict_top")
        parent, parent_level = Signal(way_bits, name="evict_parent"), Signal.like(name.level, name="evict_parent_level")
        number = Signal(places.child_bits, name="evict_number")
        m.d.comb += [
            top.eq(name.level == config.levels),
            parent_level.eq(name.level + 1),
            number.eq(places.child_number(name.place, name.level)),
        ]
        counters = port.counters

        # The children of an overflowing parent, one after the other.
        child, each = Signal(places.child_bits, name="evict_child"), Signal(node_name(config), name="evict_each")
        mine, cached = Signal(name="evict_mine"), Signal(name="evict_cached")
        sibling_way = Signal(way_bits, name="evict_sibling")
        m.d.comb += [
            each.tree.eq(name.tree),
            each.level.eq(name.level),
            each.place.eq(places.child_place(name.place, parent_level, child)),
            mine.eq(child == number),
            seal.name.eq(each),
            seal.low.eq(low),
        ]
        found = Find(m, cache, "evict_find", each.as_value())
        is_root = table.is_root(name.tree)
        exists = ~is_root | places.root_node_exists(each.place, each.level)

        def read(of: Value, then: str) -> None:
            m.d.comb += [cache.read.eq(1), cache.read_way.eq(of)]
            with m.If(cache.read_go):
                m.next = then

        def load(then: str) -> None:
            m.d.comb += port.load.eq(1)
            m.next = then

        with m.FSM(name="evict"):
            with m.State("idle"):
                m.d.sync += [way.eq(self.way), drop.eq(self.drop), discard.eq(self.discard)]
                with m.If(self.start):
                    m.d.comb += [cache.seen_way.eq(self.way), cache.hide.eq(1)]
                    m.next = "hidden"
            with m.State("hidden"):
                # A lookup that saw the leaf before it was hidden makes its increment in this cycle.
                m.d.sync += [name.eq(state.name), parent.eq(state.parent)]
                m.next = "judge"
            with m.State("judge"):
                with m.If(~state.dirty | discard):
                    m.next = "leave"
                with m.Elif(top):
                    m.next = "root"
                with m.Else():
                    read(parent, "parent")
            with m.State("root"):
                with m.If(tree.counter.all()):
                    m.next = "exhausted"
                with m.Else():
                    # countermeasure: MMT.FRESH
                    m.d.sync += [low.eq(tree.counter + 1), tree.counter.eq(tree.counter + 1), tree.dirty.eq(1)]
                    m.next = "fetch own"
            with m.State("parent"):
                load("move")
            with m.State("move"):
                port.select(m, parent_level, number)
                m.d.sync += [low.eq(counters.next_low), child.eq(0)]
                m.d.comb += [
                    cache.write_way.eq(parent),
                    cache.write_data.eq(counters.next_node),
                    cache.mark_way.eq(parent),
                ]
                with m.If(counters.exhausted):
                    m.next = "exhausted"
                with m.Elif(counters.overflows):
                    m.d.comb += self.overflowed.eq(1)
                    m.next = "each"
                with m.Else():
                    m.d.comb += [cache.write.eq(1), cache.soil.eq(cache.write_go)]
                    with m.If(cache.write_go):
                        m.next = "fetch own"
            with m.State("fetch own"):
                m.d.sync += child.eq(number)
                read(way, "own")
            with m.State("own"):
                load("seal own")
            with m.State("seal own"):
                m.d.comb += seal.start.eq(1)
                m.next = "sealing own"
            with m.State("sealing own"):
                m.d.comb += [cache.mark_way.eq(way), cache.clean.eq(seal.done)]
                with m.If(seal.done):
                    m.next = "leave"
            with m.State("leave"):
                m.d.comb += [
                    cache.remove.eq(drop),
                    cache.remove_way.eq(way),
                    cache.seen_way.eq(way),
                    cache.show.eq(~drop),
                    self.done.eq(1),
                    self.ok.eq(1),
                ]
                m.next = "idle"
            with m.State("exhausted"):
                m.d.comb += [cache.mark_way.eq(way), cache.jam.eq(1), cache.seen_way.eq(way), cache.show.eq(1)]
                line = places.node_line(is_root, table.page(name.tree), name.place, name.level)
                report.raise_(m, Kind.EXHAUSTED, line, name.level, is_root, name.tree)
                m.d.comb += self.done.eq(1)
                m.next = "idle"

            # Overflow: the parent in the cache stays as it was until every child is written under (major + 1, 0).
            with m.State("each"):
                m.d.sync += [sibling_way.eq(found.way), cached.eq(found.hit)]
                m.d.comb += [cache.seen_way.eq(found.way), cache.hide.eq(found.hit & exists)]
                with m.If(exists):
                    m.next = "each parent"
                with m.Else():
                    m.next = "turn"
            with m.State("each parent"):
                read(parent, "each load")
            with m.State("each load"):
                load("each pair")
            with m.State("each pair"):
                port.select(m, parent_level, child)
                m.d.sync += low.eq(counters.turned_low)
                m.d.comb += [
                    chain.tree.eq(name.tree),
                    chain.place.eq(each.place),
                    chain.first.eq(name.level),
                    chain.last.eq(name.level),
                    chain.low.eq(counters.low),
                    chain.bare.eq(1),
                ]
                with m.If(cached):
                    m.next = "each cached"
                with m.Elif(counters.low == 0):
                    m.d.sync += port.node.eq(virgin_node(config, tree.generation))
                    m.next = "each seal"
                with m.Else():
                    m.d.comb += chain.start.eq(1)
                    m.next = "each fetch"
            with m.State("each cached"):
                read(sibling_way, "each own")
            with m.State("each own"):
                load("each seal")
            with m.State("each fetch"):
                with m.If(chain.done):
                    m.next = "each next"
                    with m.If(chain.ok):
                        m.next = "each seal"
            with m.State("each seal"):
                m.d.comb += seal.start.eq(1)
                m.next = "each sealing"
            with m.State("each sealing"):
                m.d.comb += [
                    cache.mark_way.eq(sibling_way),
                    cache.clean.eq(seal.done & cached),
                    cache.seen_way.eq(sibling_way),
                    cache.show.eq(seal.done & cached & ~mine),
                ]
                with m.If(seal.done):
                    m.next = "each next"
            with m.State("each next"):
                m.d.sync += child.eq(child + 1)
                m.next = "each"
                with m.If(child == places.last_child(parent_level)):
                    m.next = "turn"
            with m.State("turn"):
                read(parent, "turn load")
            with m.State("turn load"):
                load("turned")
            with m.State("turned"):
                port.select(m, parent_level, number)
                m.d.comb += [
                    cache.write.eq(1),
                    cache.write_way.eq(parent),
                    cache.write_data.eq(counters.turned_node),
                    cache.mark_way.eq(parent),
                    cache.soil.eq(cache.write_go),
                ]
                with m.If(cache.write_go):
                    m.next = "leave"
