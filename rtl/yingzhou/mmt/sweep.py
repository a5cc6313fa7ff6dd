# SPDX-License-Identifier: Apache-2.0
"""All nodes of a tree at once: written back, or given up."""

from amaranth import *
from amaranth.lib import enum

from yingzhou.parts.first_set import FirstSet

from .config import MmtConfig
from .evict import Evict
from .node_cache import NodeCache
from .place import LEVEL_BITS
from .recrypt import Jobs
from .seal import Seal
from .signature import JobKind


class SweepKind(enum.Enum, shape=2):
    FLUSH = 0
    """Dirty nodes and MACs are written back, children before parents, and stay."""
    RELEASE = 1
    """The same, and all leave."""
    DISCARD = 2
    """All leave, nothing is written."""


class Sweep:
    """Give ``tree`` and ``what`` with ``start``. ``done`` pulses when memory has answered every write, with ``ok``.

    ``stuck``: a node could not be written back because a counter is used up; it is still there. ``ok``: not stuck, and
    Lines wrote every MAC line. Nodes that lookups make dirty during a flush may stay dirty.
    """

    def __init__(self, m: Module, config: MmtConfig, cache: NodeCache, evict: Evict, seal: Seal, jobs: Jobs):
        self.start, self.done, self.ok, self.stuck = (
            Signal(name=f"sweep_{n}") for n in ("start", "done", "ok", "stuck")
        )
        self.tree, self.what = Signal(config.tree_bits, name="sweep_tree_in"), Signal(SweepKind, name="sweep_what_in")
        tree, what = Signal(config.tree_bits, name="sweep_tree"), Signal(SweepKind, name="sweep_what")
        level, failed = Signal(LEVEL_BITS, name="sweep_level"), Signal(name="sweep_failed")
        stuck = Signal(name="sweep_is_stuck")
        left = Signal(config.node_cache_lines, name="sweep_left")
        next_left = FirstSet(m, "sweep_next", list(left))
        present = [way.present & (way.name.tree == tree) for way in cache.ways]
        childless = FirstSet(
            m,
            "sweep_childless",
            [
                here & (way.children == 0) & (~way.stuck | (what == SweepKind.DISCARD))
                for here, way in zip(present, cache.ways, strict=True)
            ],
        )

        with m.FSM(name="sweep"):
            with m.State("idle"):
                m.d.sync += [tree.eq(self.tree), what.eq(self.what), level.eq(1), failed.eq(0), stuck.eq(0)]
                with m.If(self.start):
                    m.next = "leaves"
                    with m.If(self.what == SweepKind.FLUSH):
                        m.next = "level"
            with m.State("level"):
                m.d.sync += left.eq(
                    Cat(
                        here & way.dirty & ~way.stuck & (way.name.level == level)
                        for here, way in zip(present, cache.ways, strict=True)
                    )
                )
                jammed = Cat(here & way.stuck for here, way in zip(present, cache.ways, strict=True)).any()
                m.d.sync += stuck.eq(stuck | jammed)
                m.next = "write"
            with m.State("write"):
                m.d.comb += evict.way.eq(next_left.index)
                with m.If(next_left.any):
                    m.d.comb += evict.start.eq(1)
                    m.d.sync += left.bit_select(next_left.index, 1).eq(0)
                    m.next = "writing"
                with m.Elif(level == config.levels):
                    m.next = "macs"
                with m.Else():
                    m.d.sync += level.eq(level + 1)
                    m.next = "level"
            with m.State("writing"):
                with m.If(evict.done):
                    m.d.sync += stuck.eq(stuck | ~evict.ok)
                    m.next = "write"
            with m.State("leaves"):
                m.d.comb += [evict.way.eq(childless.index), evict.drop.eq(1)]
                m.d.comb += evict.discard.eq(what == SweepKind.DISCARD)
                with m.If(childless.any):
                    m.d.comb += evict.start.eq(1)
                    m.next = "leaving"
                with m.Else():
                    m.d.sync += stuck.eq(stuck | Cat(*present).any())
                    m.next = "macs"
            with m.State("leaving"):
                with m.If(evict.done):
                    m.d.sync += stuck.eq(stuck | ~evict.ok)
                    m.next = "leaves"
            with m.State("macs"):
                kind = Signal(JobKind, name="sweep_job")
                with m.Switch(what):
                    with m.Case(SweepKind.FLUSH):
                        m.d.comb += kind.eq(JobKind.FLUSH_MACS)
                    with m.Case(SweepKind.RELEASE):
                        m.d.comb += kind.eq(JobKind.RELEASE_MACS)
                    with m.Default():
                        m.d.comb += kind.eq(JobKind.DROP_MACS)
                with m.If(jobs.request(m, kind, tree)):
                    m.next = "waiting"
            with m.State("waiting"):
                with m.If(jobs.port.done):
                    m.d.sync += failed.eq(failed | ~jobs.port.ok)
                    m.next = "quiet"
            with m.State("quiet"):
                with m.If(seal.quiet):
                    m.d.comb += [self.done.eq(1), self.ok.eq(~failed & ~stuck), self.stuck.eq(stuck)]
                    m.next = "idle"
