# SPDX-License-Identifier: Apache-2.0
"""A subtree leaves the chip."""

from amaranth import *

from .config import MmtConfig
from .mount_table import MountTable
from .recrypt import Jobs
from .root_entry import RootEntry
from .sweep import Sweep, SweepKind


class Unmount:
    """Hides the entry from lookups, waits until no line operation holds a counter of it, lets its nodes and MACs go,
    stores its root entry when that changed, and frees the entry.

    Give ``tree`` with ``start``; ``discard``: the subtree is freed, nothing but its root entry is written. ``done``
    pulses with ``ok``. ``ok`` 0: it is still mounted, because a counter is used up or because the
    root entry could not be stored; the failure has been reported, and the entry is ``stuck``: no victim any more.
    """

    def __init__(self, m: Module, config: MmtConfig, table: MountTable, sweep: Sweep, entry: RootEntry, jobs: Jobs):
        self.start, self.done, self.ok = (Signal(name=f"unmount_{n}") for n in ("start", "done", "ok"))
        self.discard = Signal(name="unmount_discard_in")
        self.tree = Signal(config.tree_bits, name="unmount_tree_in")
        tree, discard = Signal(config.tree_bits, name="unmount_tree"), Signal(name="unmount_discard")
        state = table.at(tree)
        m.d.comb += jobs.port.query_tree.eq(tree)

        with m.FSM(name="unmount"):
            with m.State("idle"):
                m.d.sync += [tree.eq(self.tree), discard.eq(self.discard)]
                with m.If(self.start):
                    m.next = "hide"
            with m.State("hide"):
                m.d.sync += state.hidden.eq(1)
                m.next = "wait"
            with m.State("wait"):
                # A lookup that saw the entry before it was hidden answers in the first cycle of this.
                with m.If(~jobs.port.tree_busy):
                    m.next = "sweep"
            with m.State("sweep"):
                m.d.comb += [
                    sweep.start.eq(1),
                    sweep.tree.eq(tree),
                    sweep.what.eq(Mux(discard, SweepKind.DISCARD, SweepKind.RELEASE)),
                ]
                m.next = "sweeping"
            with m.State("sweeping"):
                with m.If(sweep.done):
                    m.next = "store"
                    with m.If(sweep.stuck):
                        m.next = "stay"
                    with m.Elif(discard):
                        m.next = "free"
            with m.State("free"):
                # A new life gets a new generation, so that no pair of this one comes back.
                m.d.sync += [
                    state.valid.eq(0),
                    state.locked.eq(0),
                    state.page.eq(0),
                    state.counter.eq(0),
                    state.generation.eq(state.generation + 1),
                    state.dirty.eq(1),
                    state.stuck.eq(0),
                ]
                m.next = "store"
            with m.State("store"):
                m.d.comb += entry.tree.eq(tree)
                with m.If(state.dirty):
                    m.d.comb += entry.store.eq(1)
                    m.next = "storing"
                with m.Else():
                    m.next = "leave"
            with m.State("storing"):
                with m.If(entry.done):
                    m.next = "stay"
                    with m.If(entry.ok):
                        m.next = "store"
            with m.State("leave"):
                m.d.sync += [state.mounted.eq(0), state.hidden.eq(0), state.pinned.eq(0)]
                m.d.comb += [self.done.eq(1), self.ok.eq(1)]
                m.next = "idle"
            with m.State("stay"):
                m.d.sync += [state.hidden.eq(0), state.stuck.eq(1)]
                m.d.comb += self.done.eq(1)
                m.next = "idle"
