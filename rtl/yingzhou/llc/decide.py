# SPDX-License-Identifier: Apache-2.0
"""Cycle 1 of the pipeline: what becomes of an item."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import LINE_BYTES

from .command import cacheable
from .config import LlcConfig
from .items import Kind, Source, item
from .lookup import Lookup
from .operations import outcome
from .quota import Quota
from .replacement import DRAW_BITS
from .signature import Op, Result, Scope, trace
from .tags import tag_entry
from .visit import Action, Visit
from .write_back import Why


class Decide(wiring.Component):
    """Combinational, but for the line that an operation holds and for having stopped.

    Ports
    -----
    valid, item  : what is in cycle 1.
    entries, bad, tree, draw : tag entries of its set, one does not fit its parity, replacement state, LFSR.
    allowed      : only with ``way_masks``: a bit a way: the item's user may have a new line there.
    under_way    : a bit an MSHR: it is about the item's line. ``reserved``: a bit a way of its set.
    mshr_free, room : an MSHR, and a place in the write-back queue, are free.
    waits_here   : a request to its line is in the waiting queue. ``starving``: one there needs a resource.
    being_written : a write-back of its line is not answered.
    op, scope, domain, undo, keep, operation_starving, operation_lets_go : of ``Operations``.
    decided, outcome : to ``Operations``.
    held         : the line that an operation holds, from registers.
    let_go       : pulse: it does not any more.
    tags_write, tags_entry : a bit a way; the entry to write.
    touch, tree_touched : write the replacement state.
    way          : of the data array, and of the MSHR.
    read         : read the data array. ``write_bytes``: write these bytes of it.
    serve, serve_error : the request is answered in the next cycle.
    allocate     : an MSHR takes the item. ``whole``: it needs no fetch.
    release      : the item's MSHR is free again.
    wait, starved : the request goes to the waiting queue, for a resource.
    waited_done, waited_starved : of the first in the waiting queue.
    write_back, held_line, why : the line that is read goes to memory.
    lock         : a line is locked.
    stops        : pulse: parity; ``stopped``: from a register, since.
    count_hit, trace : for counters and test benches.
    """

    def __init__(self, config: LlcConfig, tag_bits: int, user_bits: int, quota: Quota):
        self._config, self._quota = config, quota
        held = data.StructLayout({"valid": 1, "line": config.line_bits, "way": config.way_bits})
        super().__init__(
            {
                "valid": In(1),
                "item": In(item(config, tag_bits, user_bits)),
                "entries": In(data.ArrayLayout(tag_entry(config), config.ways)),
                "bad": In(1),
                "tree": In(config.ways - 1),
                "draw": In(DRAW_BITS),
                "under_way": In(config.mshrs),
                "reserved": In(config.ways),
                **({"allowed": In(config.ways)} if config.way_masks else {}),
                "mshr_free": In(1),
                "room": In(1),
                "waits_here": In(1),
                "starving": In(1),
                "being_written": In(1),
                "op": In(Op),
                "scope": In(Scope),
                "domain": In(config.domain_bits),
                "undo": In(1),
                "keep": In(1),
                "operation_starving": In(1),
                "operation_lets_go": In(1),
                "decided": Out(1),
                "outcome": Out(outcome(config)),
                "held": Out(held),
                "let_go": Out(1),
                "tags_write": Out(config.ways),
                "tags_entry": Out(tag_entry(config)),
                "touch": Out(1),
                "tree_touched": Out(config.ways - 1),
                "way": Out(config.way_bits),
                "read": Out(1),
                "write_bytes": Out(LINE_BYTES),
                "serve": Out(1),
                "serve_error": Out(1),
                "allocate": Out(1),
                "whole": Out(1),
                "release": Out(1),
                "wait": Out(1),
                "starved": Out(1),
                "waited_done": Out(1),
                "waited_starved": Out(1),
                "write_back": Out(1),
                "held_line": Out(config.line_bits),
                "why": Out(Why),
                "lock": Out(1),
                "stops": Out(1),
                "stopped": Out(1),
                "count_hit": Out(1),
                "trace": Out(trace(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, i = self._config, self.item
        m.submodules.lookup = self._found = found = Lookup(config)
        m.submodules.visit = self._visit = Visit(config)
        self._stop = Signal()
        is_held_set = self.held.valid & (self.held.line[: config.set_bits] == i.line[: config.set_bits])
        self._held_here = self.held.valid & (self.held.line == i.line)
        m.d.comb += [
            found.entries.eq(self.entries),
            found.line.eq(i.line),
            found.by_way.eq((i.kind == Kind.FILL) | (i.kind == Kind.ENTRY) | (i.kind == Kind.FINISH)),
            found.given.eq(i.way),
            found.reserved.eq(self.reserved | (is_held_set << self.held.way)),
            found.tree.eq(self.tree),
            found.draw.eq(self.draw),
            self.way.eq(found.way),
            self.held_line.eq(found.held_line),
            self.tree_touched.eq(found.tree_touched),
            # Nothing is believed from the entry that does not fit its parity on.
            self.stops.eq(self.valid & self.bad & ~self.stopped),
            self._stop.eq(self.stopped | self.stops),
            self.release.eq(self.valid & (i.source == Source.PARKED)),
        ]
        if config.way_masks:
            m.d.comb += found.allowed.eq(self.allowed)
        with m.If(self.stops):
            m.d.sync += self.stopped.eq(1)
        with m.If(self.operation_lets_go):
            m.d.comb += self.let_go.eq(1)

        # A new line needs an MSHR, a way, and a place for what must leave.
        victim_dirty = found.entry.valid & found.entry.dirty
        self._can_fetch = Signal()
        m.d.comb += self._can_fetch.eq(self.mshr_free & found.victim & (~victim_dirty | self.room))
        with m.If(self.allocate & found.entry.valid):
            m.d.comb += [
                self._write_way(found.way),
                self.read.eq(victim_dirty),
                self.write_back.eq(victim_dirty),
                self.why.eq(Why.VICTIM),
            ]

        with m.If(self.valid):
            with m.Switch(i.kind):
                with m.Case(Kind.REQUEST):
                    self._request(m)
                with m.Case(Kind.FILL):
                    self._fill(m)
                with m.Case(Kind.LINE, Kind.ENTRY):
                    self._operation(m)
                with m.Case(Kind.FINISH):
                    self._finish(m)
        with m.If(self.let_go):
            m.d.sync += self.held.valid.eq(0)
        self._trace(m)
        return m

    def _write_way(self, way):
        return self.tags_write.eq(1 << way)

    def _request(self, m: Module) -> None:
        i, found = self.item, self._found
        # The MSHR that it was parked in does not stand in its own way.
        own = Mux(i.source == Source.PARKED, 1 << i.index, 0)
        nothing, blocked, may_take, hit = Signal(), Signal(), Signal(), Signal()
        new, waited = i.source == Source.NEW, i.source == Source.WAITED
        m.d.comb += [
            self.whole.eq(i.write & i.strobe.all()),
            nothing.eq(~cacheable(self._config, i.line) | (i.write & ~i.strobe.any())),
            blocked.eq((self.under_way & ~own).any() | self._held_here | (new & self.waits_here)),
            hit.eq(found.hit & ~blocked & ~nothing & ~i.error & ~self._stop),
            self.serve_error.eq(self._stop | i.error | ~cacheable(self._config, i.line)),
            self.serve.eq(self._stop | nothing | i.error | hit),
            # Who waits for a resource has it first.
            may_take.eq(~self.operation_starving & ~(new & self.starving)),
            self.allocate.eq(~self.serve & ~blocked & self._can_fetch & may_take),
            self.wait.eq(new & ~self.serve & ~self.allocate),
            self.starved.eq(~blocked),
            self.waited_done.eq(waited & (self.serve | self.allocate)),
            self.waited_starved.eq(waited & ~self.serve & ~self.allocate & ~blocked),
            self.count_hit.eq(hit & (i.source != Source.PARKED)),
        ]
        with m.If(hit):
            m.d.comb += [
                self.read.eq(~i.write),
                self.write_bytes.eq(Mux(i.write, i.strobe, 0)),
                # countermeasure: LLC.LOCK_SILENT
                # A locked line is dirty already and is not noted as used: a hit on it changes its bytes and no more.
                self.touch.eq(~found.entry.locked),
            ]
            with m.If(i.write & ~found.entry.dirty):
                m.d.comb += [self._write_way(found.way), self.tags_entry.eq(found.entry), self.tags_entry.dirty.eq(1)]

    def _fill(self, m: Module) -> None:
        i = self.item
        with m.If(~i.error & ~self._stop):
            m.d.comb += [
                self.write_bytes.eq(Mux(i.fetched, ~0, 0)),
                self._write_way(i.way),
                self.tags_entry.valid.eq(1),
                self.tags_entry.tag.eq(i.line[self._config.set_bits :]),
                self.touch.eq(1),
            ]

    def _operation(self, m: Module) -> None:
        """LINE and ENTRY."""
        i, found, visit, out, quota = self.item, self._found, self._visit, self.outcome, self._quota
        parked = i.source == Source.PARKED
        by_way = i.kind == Kind.ENTRY
        own = Mux(parked, 1 << i.index, 0)
        busy, lacking, unlocks = Signal(), Signal(), Signal()
        m.d.comb += [
            visit.op.eq(self.op),
            visit.scope.eq(self.scope),
            visit.domain.eq(self.domain),
            visit.undo.eq(self.undo),
            visit.present.eq(found.hit),
            visit.entry.eq(found.entry),
            visit.locked.eq(found.locked),
            visit.may_lock.eq(quota.may_lock),
            quota.domain.eq(self.domain),
            busy.eq(
                Mux(
                    by_way,
                    self.reserved.bit_select(i.way, 1) | (found.hit & self.being_written),
                    (self.under_way & ~own).any() | self.being_written,
                )
            ),
            lacking.eq(
                ((visit.action == Action.FETCH) & ~self._can_fetch) | ((visit.action == Action.WRITE) & ~self.room)
            ),
            self.decided.eq(1),
            out.status.eq(visit.status),
            out.result.eq(visit.result),
            out.line.eq(Mux(by_way, found.held_line, i.line)),
        ]
        with m.If(self._stop | (parked & i.error)):
            m.d.comb += [out.action.eq(Action.REFUSE), out.result.eq(Result.MEMORY_ERROR)]
        with m.Elif(busy | lacking):
            m.d.comb += [out.action.eq(Action.AGAIN), out.starved.eq(~busy)]
        with m.Else():
            m.d.comb += out.action.eq(visit.action)
        with m.Switch(out.action):
            with m.Case(Action.FETCH):
                m.d.comb += self.allocate.eq(1)
            with m.Case(Action.LOCK):
                m.d.comb += [
                    self._write_way(found.way),
                    self.tags_entry.eq(found.entry),
                    self.tags_entry.locked.eq(1),
                    self.tags_entry.dirty.eq(1),
                    self.tags_entry.owner.eq(self.domain),
                    self.lock.eq(1),
                    quota.lock.eq(1),
                ]
            with m.Case(Action.DROP):
                m.d.comb += [self._write_way(found.way), unlocks.eq(found.entry.locked)]
            with m.Case(Action.WRITE):
                m.d.comb += [
                    self.read.eq(1),
                    self.write_back.eq(1),
                    self.why.eq(Mux(self.undo, Why.UNDO, Why.OPERATION)),
                ]
                m.d.sync += [
                    self.held.valid.eq(1),
                    self.held.line.eq(found.held_line),
                    self.held.way.eq(found.way),
                ]
        with m.If(unlocks):
            m.d.comb += [quota.unlock.eq(1), quota.owner.eq(found.entry.owner)]

    def _finish(self, m: Module) -> None:
        found, quota = self._found, self._quota
        m.d.comb += [self.decided.eq(1), self.let_go.eq(1), self.outcome.line.eq(self.item.line)]
        with m.If(self._stop):
            m.d.comb += [self.outcome.action.eq(Action.REFUSE), self.outcome.result.eq(Result.MEMORY_ERROR)]
        with m.Else():
            m.d.comb += self._write_way(self.item.way)
            with m.If(self.keep):
                m.d.comb += [self.tags_entry.eq(found.entry), self.tags_entry.dirty.eq(found.entry.locked)]
            with m.Elif(found.entry.locked):
                m.d.comb += [quota.unlock.eq(1), quota.owner.eq(found.entry.owner)]

    def _trace(self, m: Module) -> None:
        i, seen = self.item, self.trace
        visits = (self.outcome.action != Action.AGAIN) & ~self._stop
        m.d.comb += [
            seen.reserve.eq(self.allocate),
            seen.lock.eq(i.kind == Kind.LINE),
            seen.put_in.eq(self.valid & (i.kind == Kind.FILL) & ~self._stop),
            seen.error.eq(i.error),
            seen.visit.eq(self.valid & visits & ((i.kind == Kind.LINE) | ((i.kind == Kind.ENTRY) & self._found.hit))),
            seen.finish.eq(self.valid & (i.kind == Kind.FINISH) & ~self._stop),
            seen.serve.eq(self.serve),
            seen.port.eq(i.user),
            seen.line.eq(Mux(i.kind == Kind.ENTRY, self.held_line, i.line)),
            seen.way.eq(self.way),
            seen.draw.eq(self.draw),
        ]
