# SPDX-License-Identifier: Apache-2.0
"""Nodes of a path, fetched and verified under their parents' pairs."""

from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.utils import exact_log2

from yingzhou.geometry import BEAT_BITS, BEATS

from .config import LOW_BITS, MAC_BITS
from .node import MAC_FROM, node_seed, virgin_node
from .place import LEVEL_BITS, node_name
from .signature import AesKey, Kind
from .tree_parts import TreeParts


class Chain:
    """Fetches the nodes of a path from ``first`` down to ``last`` level and verifies each.

    All reads are issued back to back and may run ahead of what is known: a node's mask is asked for as soon as its
    parent's content has come, verified or not, but a node is inserted only when it and all above it are verified. A
    node whose pair turns out to be virgin is what the rule says, whatever memory answered.

    Give ``tree``, ``place``, ``first``, ``last``, ``low`` (pair of the first), ``parent`` (way of its parent) with
    ``start``; ``bare``: one node, which is not inserted and stays in ``port.node``. ``done`` pulses at the end with
    ``ok`` and ``kind``; a failure has been reported by then.
    """

    def __init__(self, parts: TreeParts, memory: Any, aes: Any):
        m, config, places, table, cache, port, report = parts
        levels = config.levels
        way_bits = exact_log2(config.node_cache_lines)
        self.start, self.done, self.ok = (Signal(name=f"chain_{n}") for n in ("start", "done", "ok"))
        self.bare, self.active = Signal(name="chain_bare_in"), Signal(name="chain_active")
        self.kind = Signal(Kind, name="chain_kind")
        self.tree = Signal(config.tree_bits, name="chain_tree_in")
        self.place = Signal(places.place_bits, name="chain_place_in")
        self.first, self.last = Signal(LEVEL_BITS, name="chain_first_in"), Signal(LEVEL_BITS, name="chain_last_in")
        self.low, self.parent = Signal(LOW_BITS, name="chain_low_in"), Signal(way_bits, name="chain_parent_in")
        self.arriving = Signal(name="chain_arriving")

        per_level = {"low": LOW_BITS, "check": MAC_BITS, "way": way_bits, "error": 1}
        slots = [Signal(data.StructLayout(per_level), name=f"chain_level_{at}") for at in range(1, levels + 1)]
        at = Array([slots[0], *slots])
        name = Signal(node_name(config), name="chain_name")
        root, page = Signal(name="chain_root"), Signal(config.page_bits, name="chain_page")
        subtree = Signal(config.subtree_bits, name="chain_subtree")
        generation = Signal.like(table.root.generation, name="chain_generation")
        last, bare, failed = (
            Signal(LEVEL_BITS, name="chain_last"),
            Signal(name="chain_bare"),
            Signal(name="chain_failed"),
        )
        parent, virgin = Signal(way_bits, name="chain_parent"), Signal(LEVEL_BITS, name="chain_virgin")
        # Each counts levels down: the next to read, to receive, to ask a mask for, to get mask and hash of, to judge.
        reading, receiving, asking, masking, hashing, judging, known = (
            Signal(LEVEL_BITS, name=f"chain_{n}")
            for n in ("reading", "receiving", "asking", "masking", "hashing", "judging", "known")
        )
        active = self.active

        with m.If(self.start):
            m.d.sync += [
                active.eq(1),
                failed.eq(0),
                bare.eq(self.bare),
                name.tree.eq(self.tree),
                name.place.eq(self.place),
                root.eq(table.is_root(self.tree)),
                page.eq(table.page(self.tree)),
                subtree.eq(table.at(self.tree).subtree),
                generation.eq(table.at(self.tree).generation),
                last.eq(self.last),
                parent.eq(self.parent),
                virgin.eq(0),
                at[self.first].low.eq(self.low),
                self.kind.eq(Kind.NONE),
            ]
            m.d.sync += [s.eq(self.first) for s in (reading, receiving, asking, masking, hashing, judging, known)]
            for slot in slots:
                m.d.sync += [slot.check.eq(0), slot.error.eq(0)]

        # Reads, top down, each with a way for what will come.
        with m.If(active & (reading >= last)):
            m.d.comb += [
                memory.read.valid.eq(1),
                memory.read.payload.eq(places.node_line(root, page, name.place, reading)),
            ]
            with m.If(memory.read.ready):
                m.d.comb += cache.take.eq(~bare)
                m.d.sync += [at[reading].way.eq(cache.free.index), reading.eq(reading - 1)]

        # Masks, as soon as a pair is known.
        with m.If(active & (asking >= last) & (known <= asking) & (asking > virgin)):
            m.d.comb += aes.request.valid.eq(1)
            with m.If(aes.request.ready):
                m.d.sync += asking.eq(asking - 1)
        number = places.node_number(root, subtree, name.place, asking)
        with m.If(active):
            m.d.comb += [
                aes.request.payload.key.eq(AesKey.MAC),
                aes.request.payload.block.eq(node_seed(at[asking].low, generation, number, root, asking)),
            ]

        # Content.
        arrived, arrived_level = Signal(name="chain_arrived"), Signal(LEVEL_BITS, name="chain_arrived_level")
        hash_unit = port.hash
        with m.If(active & memory.beat):
            m.d.comb += [
                hash_unit.valid.eq(1),
                hash_unit.index.eq(memory.beat_index),
                hash_unit.data.eq(memory.beat_data),
                self.arriving.eq(memory.beat_index == BEATS - 1),
            ]
            m.d.sync += port.node.word_select(memory.beat_index, BEAT_BITS).eq(memory.beat_data)
            with m.If(memory.beat_error):
                m.d.sync += at[receiving].error.eq(1)
        m.d.sync += arrived.eq(self.arriving)
        with m.If(self.arriving):
            m.d.sync += [arrived_level.eq(receiving), receiving.eq(receiving - 1)]
        below = (arrived_level - 1)[:LEVEL_BITS]
        with m.If(arrived):
            port.select(m, arrived_level, places.child_number(name.place, below))
            # countermeasure: MMT.VIRGIN
            # A virgin node is made by rule; what memory answered to a read that ran ahead is thrown away.
            m.d.comb += [
                cache.write.eq(~bare),
                cache.write_way.eq(at[arrived_level].way),
                cache.write_data.eq(Mux(arrived_level <= virgin, virgin_node(config, generation), port.node)),
            ]
            with m.If(arrived_level > last):
                m.d.sync += [at[below].low.eq(port.counters.low), known.eq(below)]
                with m.If((arrived_level > virgin) & (port.counters.low == 0)):
                    m.d.sync += virgin.eq(below)

        # Verdicts, top down. Each level's check is the sum of its hash, its MAC and its mask: 0 when they fit.
        with m.If(active & hash_unit.done):
            m.d.sync += hashing.eq(hashing - 1)
        with m.If(active & aes.done):
            m.d.sync += masking.eq(masking - 1)
        for level, slot in enumerate(slots, 1):
            terms = Const(0, MAC_BITS)
            terms = terms ^ Mux(arrived & (arrived_level == level), port.node[MAC_FROM:], 0)
            terms = terms ^ Mux(hash_unit.done & (hashing == level), hash_unit.value, 0)
            terms = terms ^ Mux(aes.done & (masking == level), aes.result[:MAC_BITS], 0)
            with m.If(active):
                m.d.sync += slot.check.eq(slot.check ^ terms)
        here, judged = at[judging], Signal(name="chain_judged")
        by_rule, fits = Signal(name="chain_by_rule"), Signal(name="chain_fits")
        m.d.comb += [
            by_rule.eq(judging <= virgin),
            judged.eq(
                active
                & (judging >= last)
                & (receiving < judging)
                & ~(arrived & (arrived_level == judging))
                & (hashing < judging)
                & (by_rule | (masking < judging))
            ),
            # countermeasure: MMT.NODE_MAC
            fits.eq(by_rule | ((here.check == 0) & ~here.error)),
            cache.insert_way.eq(here.way),
            cache.insert_name.tree.eq(name.tree),
            cache.insert_name.level.eq(judging),
            cache.insert_name.place.eq(places.ancestor(name.place, judging)),
            cache.insert_parent.eq(parent),
            cache.release_way.eq(here.way),
        ]
        with m.If(judged):
            m.d.sync += [judging.eq(judging - 1), parent.eq(here.way)]
            m.d.comb += [cache.insert.eq(fits & ~failed & ~bare), cache.release.eq((~fits | failed) & ~bare)]
            with m.If(~fits & ~failed):
                kind = Mux(here.error, Kind.MEMORY_ERROR, Kind.NODE_MAC)
                m.d.sync += [failed.eq(1), self.kind.eq(kind)]
                report.raise_(m, kind, places.node_line(root, page, name.place, judging), judging, root, name.tree)
        ends = Signal(name="chain_ends")
        m.d.comb += ends.eq(judged & (judging == last) & fits & ~failed)
        with m.If(ends | (active & (judging < last))):
            m.d.comb += [self.done.eq(1), self.ok.eq(~failed)]
            m.d.sync += active.eq(0)
