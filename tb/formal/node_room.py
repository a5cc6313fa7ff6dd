# SPDX-License-Identifier: Apache-2.0
"""The part of Tree that nodes leave the chip through, alone: cache, Evict, Sweep, Seal, lookups."""

from typing import Any

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from yingzhou.geometry import LINE_BITS
from yingzhou.line.signature import MemoryClient
from yingzhou.mmt.config import MmtConfig
from yingzhou.mmt.evict import Evict
from yingzhou.mmt.lookup import Lookup
from yingzhou.mmt.mount_table import MountTable, tree_state
from yingzhou.mmt.node_cache import Find, NodeCache
from yingzhou.mmt.node_port import NodePort
from yingzhou.mmt.place import LEVEL_BITS, Places, node_name
from yingzhou.mmt.recrypt import Jobs
from yingzhou.mmt.report import Report
from yingzhou.mmt.seal import Seal
from yingzhou.mmt.signature import AesClient, FailureSignature, JobSignature, LookupSignature, settings
from yingzhou.mmt.sweep import Sweep, SweepKind
from yingzhou.mmt.tree_parts import TreeParts


class Act(enum.Enum, shape=4):
    """What the rest of the slow path does in a cycle in which neither Evict nor Sweep is at work."""

    REST = 0
    SWEEP = 1
    EVICT = 2
    TAKE = 3
    RELEASE = 4
    FILL = 5
    INSERT = 6
    CHANGE = 7
    HIDE = 8
    SHOW = 9
    MOUNT = 10


class _Fetch:
    """Stands for :class:`Chain` in bare fetches of Evict: the node register holds anything until the fetch ends."""

    def __init__(self, m: Module, config: MmtConfig, places: Places, port: NodePort, acts: Any):
        way_bits = exact_log2(config.node_cache_lines)
        self.start, self.done, self.ok, self.bare = (Signal(name=f"fetch_{n}") for n in ("start", "done", "ok", "bare"))
        self.tree, self.place = Signal(config.tree_bits), Signal(places.place_bits)
        self.first, self.last, self.low = Signal(LEVEL_BITS), Signal(LEVEL_BITS), Signal(64)
        self.parent, active = Signal(way_bits), Signal(name="fetch_active")
        m.d.comb += [self.done.eq(active & acts.fetched), self.ok.eq(acts.fetch_ok)]
        with m.If(active):
            m.d.sync += [port.node.eq(acts.content), active.eq(~acts.fetched)]
        with m.Elif(self.start):
            m.d.sync += active.eq(1)


class NodeRoom(wiring.Component):
    """Units of Tree as they are, and in place of the others what ``acts`` says, as far as the others' rules allow it.

    Ports
    -----
    acts : what is done when neither Evict nor Sweep is at work, and what a fetch brings. Free in every cycle.
    lookup, jobs, failure, settings, aes, memory : as those of Tree.
    """

    def __init__(self, config: MmtConfig):
        self.config = config
        acts = {
            "act": Act,
            "way": exact_log2(config.node_cache_lines),
            "parent": exact_log2(config.node_cache_lines),
            "drop": 1,
            "name": node_name(config),
            "tree": config.tree_bits,
            "what": SweepKind,
            "entry": tree_state(config),
            "content": LINE_BITS,
            "fetched": 1,
            "fetch_ok": 1,
            "stall": 1,
        }
        super().__init__(
            {
                "acts": In(data.StructLayout(acts)),
                "lookup": In(LookupSignature(config)),
                "jobs": Out(JobSignature(config)),
                "failure": Out(FailureSignature(config)),
                "settings": In(settings(config)),
                "aes": Out(AesClient(1)),
                "memory": Out(MemoryClient(config)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, acts = self.config, self.acts
        places = Places(config)
        table = MountTable(m, config, self.settings)
        report = Report(m, config, table, self.failure)
        cache = NodeCache(m, config, places)
        port = NodePort(m, config, cache, Const(0, 512))
        parts = TreeParts(m, config, places, table, cache, port, report)
        fetch: Any = _Fetch(m, config, places, port, acts)
        seal = Seal(parts, self.memory, self.aes)
        lookup = Lookup(m, config, places, table, cache, self.lookup)
        evict = Evict(parts, fetch, seal)
        jobs = Jobs(m, config, places, table, self.jobs)
        sweep = Sweep(m, config, cache, evict, seal, jobs)
        m.d.comb += lookup.stall.eq(acts.stall)
        evicting, sweeping = Signal(name="evicting"), Signal(name="sweeping")
        for active, unit in ((evicting, evict), (sweeping, sweep)):
            m.d.sync += active.eq((active | unit.start) & ~unit.done)
        with m.If(~evicting & ~sweeping):
            self._rest(m, places, table, cache, evict, sweep)
        table.finish()
        return m

    def _rest(self, m: Module, places: Places, table: MountTable, cache: NodeCache, evict: Evict, sweep: Sweep) -> None:
        """Add what walks, root entries and overflows of leaves do, each under the conditions under which they do it."""
        config, acts = self.config, self.acts
        way, name = cache.at(acts.way), acts.name
        arriving = way.taken & ~way.present
        root = table.is_root(name.tree)
        above = Signal(node_name(config), name="act_above")
        m.d.comb += [
            above.tree.eq(name.tree),
            above.level.eq(name.level + 1),
            above.place.eq(places.ancestor(name.place, name.level + 1)),
        ]
        parent: Any = cache.at(acts.parent)
        known = Find(m, cache, "act_known", name.as_value())
        fits = (
            (name.level >= 1)
            & (name.level <= config.levels)
            & (name.tree <= config.root_tree)
            & (name.place == places.ancestor(name.place, name.level))
            & (~root | places.root_node_exists(name.place, name.level))
            & ((name.level == config.levels) | (parent.present & (parent.name.as_value() == above.as_value())))
            & ~known.hit
        )
        with m.Switch(acts.act):
            with m.Case(Act.SWEEP):
                m.d.comb += [sweep.start.eq(1), sweep.tree.eq(acts.tree), sweep.what.eq(acts.what)]
            with m.Case(Act.EVICT):
                with m.If(way.present & ((way.children == 0) | ~acts.drop)):
                    m.d.comb += [evict.start.eq(1), evict.way.eq(acts.way), evict.drop.eq(acts.drop)]
            with m.Case(Act.TAKE):
                m.d.comb += cache.take.eq(cache.free.any)
            with m.Case(Act.RELEASE):
                m.d.comb += [cache.release.eq(arriving), cache.release_way.eq(acts.way)]
            with m.Case(Act.FILL):
                m.d.comb += [
                    cache.write.eq(arriving),
                    cache.write_way.eq(acts.way),
                    cache.write_data.eq(acts.content),
                ]
            with m.Case(Act.INSERT):
                m.d.comb += [
                    cache.insert.eq(arriving & fits),
                    cache.insert_way.eq(acts.way),
                    cache.insert_name.eq(name),
                    cache.insert_parent.eq(acts.parent),
                ]
            with m.Case(Act.CHANGE):
                m.d.comb += [
                    cache.write.eq(way.present),
                    cache.write_way.eq(acts.way),
                    cache.write_data.eq(acts.content),
                    cache.mark_way.eq(acts.way),
                    cache.soil.eq(cache.write_go),
                ]
            with m.Case(Act.HIDE):
                m.d.comb += [cache.hide.eq(way.present), cache.seen_way.eq(acts.way)]
            with m.Case(Act.SHOW):
                m.d.comb += [cache.show.eq(way.present), cache.seen_way.eq(acts.way)]
            with m.Case(Act.MOUNT):
                # An entry is filled when nothing of its tree is on chip.
                for number, entry in enumerate(table.entries):
                    there = Cat(each.present & (each.name.tree == number) for each in cache.ways).any()
                    with m.If((acts.tree == number) & ~there):
                        m.d.sync += entry.eq(acts.entry)
