# SPDX-License-Identifier: Apache-2.0
"""Brings the leaf over a line into the node cache, with all its ancestors."""

from amaranth import *
from amaranth.utils import exact_log2

from .chain import Chain
from .config import LOW_BITS
from .evict import Evict
from .node import virgin_node
from .node_cache import Find
from .place import LEVEL_BITS, node_name
from .signature import Kind
from .tree_parts import TreeParts


class Walk:
    """Climbs from the leaf to the first cached ancestor, makes room, and comes down.

    Room is made before any pair is read, as giving up a node may move the pairs of others (overflow). Give ``tree`` and
    ``place`` with ``start``; ``done`` pulses with ``ok`` and ``kind``; ``way``, the leaf's, holds from the cycle
    after ``done`` to the next start, and is no victim until then.
    """

    def __init__(self, parts: TreeParts, chain: Chain, evict: Evict):
        m, config, places, table, cache, port, _ = parts
        self.start, self.done, self.ok = (Signal(name=f"walk_{n}") for n in ("start", "done", "ok"))
        self.kind = Signal(Kind, name="walk_kind")
        self.tree = Signal(config.tree_bits, name="walk_tree_in")
        self.place = Signal(places.place_bits, name="walk_place_in")
        self.way = Signal(exact_log2(config.node_cache_lines), name="walk_way")
        self.kept = Signal(name="walk_kept")

        tree, place = Signal(config.tree_bits, name="walk_tree"), Signal(places.place_bits, name="walk_place")
        level, low = Signal(LEVEL_BITS, name="walk_level"), Signal(LOW_BITS, name="walk_low")
        wanted = Signal(node_name(config), name="walk_wanted")
        m.d.comb += [
            wanted.tree.eq(tree),
            wanted.level.eq(level),
            wanted.place.eq(places.ancestor(place, level)),
        ]
        found = Find(m, cache, "walk_find", wanted.as_value())
        state = table.at(tree)
        m.d.comb += [cache.keep.eq(self.way), cache.keep_any.eq(self.kept)]
        # ``level`` ends as the highest that is missing, ``way`` as the cached ancestor above it.
        below = (level - 1)[:LEVEL_BITS]
        base = Signal(LOW_BITS, name="walk_root_counter")
        m.d.comb += base.eq(state.counter)

        def go(pair: Value) -> None:
            m.d.comb += [
                chain.tree.eq(tree),
                chain.place.eq(place),
                chain.first.eq(level),
                chain.last.eq(1),
                chain.low.eq(pair),
                chain.parent.eq(self.way),
            ]
            with m.If(pair == 0):
                m.next = "virgin"
            with m.Else():
                m.d.comb += chain.start.eq(1)
                m.next = "chain"

        with m.FSM(name="walk"):
            with m.State("idle"):
                m.d.sync += level.eq(1)
                with m.If(self.start):
                    m.d.sync += [tree.eq(self.tree), place.eq(self.place), self.kept.eq(0)]
                    m.next = "climb"
            with m.State("climb"):
                m.d.comb += cache.read_way.eq(found.way)
                with m.If(found.hit):
                    m.d.sync += [self.way.eq(found.way), self.kept.eq(1)]
                    with m.If(level == 1):
                        m.d.comb += [self.done.eq(1), self.ok.eq(1)]
                        m.next = "idle"
                    with m.Else():
                        m.d.sync += level.eq(below)
                        m.d.comb += cache.read.eq(1)
                        m.next = "room"
                        with m.If(cache.read_go & (cache.free_count >= below)):
                            m.next = "load"
                with m.Elif(level == config.levels):
                    m.next = "room"
                with m.Else():
                    m.d.sync += level.eq(level + 1)
            with m.State("room"):
                m.d.comb += cache.read_way.eq(self.way)
                with m.If(cache.free_count < level):
                    with m.If(cache.victim_any):
                        m.d.comb += [
                            evict.start.eq(1),
                            evict.way.eq(cache.victim),
                            evict.drop.eq(1),
                            cache.forget.eq(1),
                        ]
                        m.next = "evict"
                    with m.Else():
                        # Every way is stuck: only an exhausted subtree that is freed gives them back.
                        m.next = "failed"
                with m.Elif(level == config.levels):
                    m.d.sync += low.eq(base)
                    m.next = "top"
                with m.Else():
                    m.d.comb += cache.read.eq(1)
                    with m.If(cache.read_go):
                        m.next = "load"
            with m.State("evict"):
                with m.If(evict.done):
                    m.next = "room"
            with m.State("load"):
                m.d.comb += port.load.eq(1)
                m.next = "pair"
            with m.State("pair"):
                port.select(m, level + 1, places.child_number(place, level))
                go(port.counters.low)
            with m.State("top"):
                go(low)
            with m.State("chain"):
                with m.If(cache.insert):
                    m.d.sync += self.way.eq(cache.insert_way)
                with m.If(chain.done):
                    m.d.comb += [self.done.eq(1), self.ok.eq(chain.ok), self.kind.eq(chain.kind)]
                    m.next = "idle"
            with m.State("virgin"):
                m.d.comb += [
                    cache.write.eq(1),
                    cache.write_way.eq(cache.free.index),
                    cache.write_data.eq(virgin_node(config, state.generation)),
                    cache.insert_way.eq(cache.free.index),
                    cache.insert_name.eq(wanted),
                    cache.insert_parent.eq(self.way),
                ]
                with m.If(cache.write_go):
                    m.d.comb += [cache.insert.eq(1), cache.take.eq(1)]
                    m.d.sync += [level.eq(below), self.way.eq(cache.free.index)]
                    with m.If(level == 1):
                        m.next = "here"
            with m.State("here"):
                m.d.comb += [self.done.eq(1), self.ok.eq(1)]
                m.next = "idle"
            with m.State("failed"):
                m.d.comb += [self.done.eq(1), self.kind.eq(Kind.EXHAUSTED)]
                m.next = "idle"
