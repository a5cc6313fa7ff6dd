# SPDX-License-Identifier: Apache-2.0
"""Counters of lines whose leaf is cached: the part of Tree that the fast path uses."""

from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.utils import exact_log2

from yingzhou.geometry import LINE_BITS, LINE_LOG

from .config import MmtConfig
from .mount_table import Match, MountTable
from .node import Counters
from .node_cache import Find, NodeCache
from .place import LEVEL_BITS, Places, node_name
from .signature import Kind, Verdict, lookup_answer


def in_meta_zone(config: MmtConfig, places: Places, root_page: Value, line: Value) -> Value:
    """Return whether a line of memory belongs to the root table or the root tree."""
    return (line - places.first_line(root_page))[: config.line_bits] < config.root_bytes >> LINE_LOG


class Lookup:
    """Answers two cycles after a request was taken, whatever the slow path does: taken (mount table), then found (node
    cache), then read and stepped. One more cycle passes when a node from memory enters the cache just then.

    Attributes
    ----------
    leaf_missed, leaf_line : pulse: the first lookup of a line did not find this line of memory, its leaf.
    only_serviced : drive 1: only a lookup with ``serviced`` is taken. Idle: 0.
    answered      : pulse: a lookup with ``serviced`` was answered.
    """

    def __init__(self, m: Module, config: MmtConfig, places: Places, table: MountTable, cache: NodeCache, port: Any):
        self.only_serviced, self.answered, self.stall = (
            Signal(name=f"lookup_{n}") for n in ("only_serviced", "answered", "stall")
        )
        self.leaf_missed = Signal(name="lookup_leaf_missed")
        self.leaf_line = Signal(config.line_bits, name="lookup_leaf_line")
        self.hit, self.miss = Signal(name="lookup_hit"), Signal(name="lookup_miss")
        request = port.request.payload
        found = Match(m, table, "lookup_mount", places.subtree(request.line))

        # Taken.
        valid, line = Signal(name="lookup_valid"), Signal(config.line_bits, name="lookup_line")
        write, serviced, mounted = (Signal(name=f"lookup_{n}") for n in ("write", "serviced", "mounted"))
        tree, go = Signal(config.tree_bits, name="lookup_tree"), Signal(name="lookup_go")
        m.d.comb += [
            port.request.ready.eq(~valid & (~self.only_serviced | request.serviced)),
            go.eq(valid & ~self.stall),
        ]
        with m.If(port.request.valid & port.request.ready):
            m.d.sync += [
                valid.eq(1),
                line.eq(request.line),
                write.eq(request.write),
                serviced.eq(request.serviced),
                mounted.eq(found.hit),
                tree.eq(found.tree),
            ]
        with m.Elif(go):
            m.d.sync += valid.eq(0)

        # Found. All state is looked at in this one cycle: what is hidden or locked in it is not used.
        state, settings = table.at(tree), table.settings
        wanted = Signal(node_name(config), name="lookup_wanted")
        m.d.comb += [wanted.tree.eq(tree), wanted.level.eq(1), wanted.place.eq(places.leaf(places.line_in_tree(line)))]
        leaf = Find(m, cache, "lookup_find", wanted.as_value(), usable=True)
        kind, seen = Signal(Kind, name="lookup_kind"), Signal(name="lookup_seen")
        m.d.comb += seen.eq(mounted & ~state.hidden)
        # A locked subtree serves nobody (MMT.LOCK); no match means no counter.
        with m.If(~settings.active):
            m.d.comb += kind.eq(Kind.NOT_READY)
        with m.Elif(in_meta_zone(config, places, settings.root_page, line)):
            m.d.comb += kind.eq(Kind.OUTSIDE)
        with m.Elif(seen & ~state.valid):
            m.d.comb += kind.eq(Kind.NOT_ALLOCATED)
        with m.Elif(seen & state.locked):
            m.d.comb += kind.eq(Kind.LOCKED)
        m.d.comb += [
            cache.lookup_read.eq(go & leaf.hit),
            cache.lookup_read_way.eq(leaf.way),
            table.use.eq(go & mounted),
            table.use_tree.eq(tree),
        ]

        # Read and stepped.
        late = Signal(
            data.StructLayout(
                {
                    "valid": 1,
                    "write": 1,
                    "serviced": 1,
                    "seen": 1,
                    "hit": 1,
                    "kind": Kind,
                    "way": exact_log2(config.node_cache_lines),
                    "child": places.leaf_log,
                    "tree": config.tree_bits,
                    "generation": len(state.generation),
                    "mac_line": config.line_bits,
                    "leaf_line": config.line_bits,
                }
            ),
            name="lookup_late",
        )
        m.d.sync += [
            late.valid.eq(go),
            late.write.eq(write),
            late.serviced.eq(serviced),
            late.seen.eq(seen),
            late.hit.eq(seen & leaf.hit & (kind == Kind.NONE)),
            late.kind.eq(kind),
            late.way.eq(leaf.way),
            late.child.eq(places.line_child(line)),
            late.tree.eq(tree),
            late.generation.eq(state.generation),
            late.mac_line.eq(places.mac_line(Const(0, 1), state.page, places.line_in_tree(line))),
            late.leaf_line.eq(places.node_line(Const(0, 1), state.page, wanted.place, Const(1, LEVEL_BITS))),
        ]
        content = Signal(LINE_BITS, name="lookup_content")
        m.d.comb += content.eq(cache.data)
        counters = Counters(m, config, "lookup", content, 1, late.child)
        blocked = late.write & (counters.overflows | counters.exhausted)
        answer = Signal(lookup_answer(config), name="lookup_answer")
        m.d.comb += [
            answer.kind.eq(late.kind),
            answer.tree.eq(late.tree),
            answer.mac_line.eq(late.mac_line),
            answer.nearby.eq(late.seen),
            answer.old.low.eq(counters.low),
            answer.old.generation.eq(late.generation),
            answer.new.low.eq(Mux(late.write, counters.next_low, counters.low)),
            answer.new.generation.eq(late.generation),
            answer.verdict.eq(Verdict.MISS),
            self.answered.eq(late.valid & late.serviced),
            port.done.eq(late.valid),
        ]
        with m.If(late.kind != Kind.NONE):
            m.d.comb += answer.verdict.eq(Verdict.DENIED)
        with m.Elif(late.hit & ~blocked):
            m.d.comb += answer.verdict.eq(Verdict.READY)
        with m.If(late.valid):
            m.d.comb += port.answer.eq(answer)
        ready = late.valid & (answer.verdict == Verdict.READY)
        m.d.comb += [
            cache.lookup_write.eq(ready & late.write),
            cache.lookup_write_way.eq(late.way),
            cache.lookup_data.eq(counters.next_node),
            self.hit.eq(ready & ~late.serviced),
            self.leaf_missed.eq(late.valid & late.seen & ~late.hit & ~late.serviced & (late.kind == Kind.NONE)),
            self.leaf_line.eq(late.leaf_line),
            self.miss.eq(late.valid & (answer.verdict == Verdict.MISS)),
        ]
