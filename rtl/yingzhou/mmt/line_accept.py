# SPDX-License-Identifier: Apache-2.0
"""Where operations begin: a slot for each, and none beside another on the same line."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.line.signature import line_op
from yingzhou.parts.queue import Picker

from .config import MmtConfig
from .mac_cache import sweep
from .signature import JobKind, job
from .slots import UNDER_WAY, Accepted, State, in_state, slot


class LineAccept(wiring.Component):
    """Takes jobs before operations, one a cycle.

    The last slot is for jobs alone, and they take it first. A job may begin beside an operation that still waits for
    the counter of the same line; what that has read of it is then stale.

    Ports
    -----
    op       : stream of operations from Front.
    job      : stream of jobs from Tree.
    table    : of ``Slots``.
    active   : 0: operations are refused.
    wait     : begin nothing in this cycle.
    wait_job : begin no job in this cycle.
    accepted : to ``Slots``: an operation or job begins.
    staled   : to ``Slots``: for each slot: a job begins to write the line that it waits to use.
    sweep    : stream of sweeps to the MAC cache.
    """

    def __init__(self, config: MmtConfig, tag_bits: int):
        self._config = config
        super().__init__(
            {
                "op": In(stream.Signature(line_op(config, tag_bits))),
                "job": In(stream.Signature(job(config))),
                "table": In(data.ArrayLayout(slot(config), config.slots)),
                "active": In(1),
                "wait": In(1),
                "wait_job": In(1),
                "accepted": Out(Accepted(config)),
                "staled": Out(config.slots),
                "sweep": Out(stream.Signature(sweep(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        slots, job, op, table = self._config.slots, self.job, self.op, self.table
        line = Signal(self._config.line_bits)
        same = Signal(slots)
        m.d.comb += [
            line.eq(Mux(job.valid, job.p.line, op.p.line)),
            same.eq(Cat(table[number].start.line == line for number in range(slots))),
        ]

        free = Signal(slots)
        reserved = 1 << slots - 1
        m.submodules.places = places = Picker(slots)
        m.d.comb += [
            free.eq(in_state(table, slots, State.FREE)),
            places.requests.eq(Mux(job.valid & free[-1], reserved, free & (reserved - 1))),
        ]
        is_sweep = Signal()
        m.d.comb += [
            is_sweep.eq(job.p.kind.as_value() >= JobKind.FLUSH_MACS.value),
            self.sweep.valid.eq(job.valid & is_sweep),
            self.sweep.p.kind.eq(job.p.kind),
            self.sweep.p.tree.eq(job.p.tree),
            job.ready.eq(Mux(is_sweep, self.sweep.ready, places.any & ~self.wait & ~self.wait_job)),
            # countermeasure: MMT.LINE_ORDER
            op.ready.eq(~job.valid & places.any & ~self.wait & ~(same & in_state(table, slots, *UNDER_WAY)).any()),
            places.taken.eq(self.accepted.valid),
        ]

        accepted, new = self.accepted, self.accepted.start
        refused = ~self.active | op.p.outside
        bytes_written = op.p.write & op.p.strobe.any()
        m.d.comb += [accepted.slot.eq(places.index), new.job.eq(job.valid), new.line.eq(line)]
        with m.If(job.valid):
            m.d.comb += [
                accepted.valid.eq(job.ready & ~is_sweep),
                new.reads.eq(job.p.kind != JobKind.WRITE),
                new.writes.eq(job.p.kind != JobKind.READ),
                new.virgin.eq(job.p.old.low == 0),
                new.fetching.eq(new.reads & ~new.virgin),
                new.tree.eq(job.p.tree),
                new.root.eq(job.p.root),
                new.word.eq(job.p.seed_line),
                # A virgin line that is brought to a counter is a whole line of zeros.
                new.state.eq(Mux(new.fetching, State.CHECK, Mux(new.writes, State.ENCRYPT, State.ANSWER))),
            ]
            with m.If(accepted.valid & new.writes):
                m.d.comb += self.staled.eq(same & in_state(table, slots, State.LOOKUP))
        with m.Else():
            m.d.comb += [
                accepted.valid.eq(op.valid & op.ready),
                new.reads.eq(~op.p.write | (bytes_written & ~op.p.strobe.all())),
                new.writes.eq(bytes_written),
                new.fetching.eq(new.reads & ~refused),
                new.failed.eq(refused),
                new.word.eq(line),
                new.state.eq(Mux(refused, Mux(op.p.write, State.DONE, State.ANSWER), State.LOOKUP)),
            ]
        return m
