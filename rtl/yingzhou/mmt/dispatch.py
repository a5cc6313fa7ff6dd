# SPDX-License-Identifier: Apache-2.0
"""Finds the counters of lines: a lookup for each, the slow path for those that Tree does not have at hand."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.parts.queue import Queue

from .config import MmtConfig
from .signature import LookupSignature, ServiceSignature, Verdict, lookup_answer


def wanted_counter(config: MmtConfig) -> data.StructLayout:
    """A slot that wants the counter of ``line``, to ``write`` it or not."""
    return data.StructLayout({"slot": config.slot_bits, "line": config.line_bits, "write": 1})


class Dispatch(wiring.Component):
    """Lookups in order, misses in order, one miss at a time; lookups go on while a miss is serviced.

    Ports
    -----
    want           : stream of :func:`wanted_counter`. Always ready for one of each slot.
    lookup, service : to Tree. A lookup that Tree has not taken gives way to one that ends a service.
    done           : pulse: Tree said READY; ``asked`` is who asked, ``answer`` what it said.
    refused        : pulse: Tree said DENIED to ``asked``.
    failed         : pulse: Tree could not serve ``failed_slot``.
    missed         : pulse: Tree said MISS to ``asked``.
    nearby         : with missed: ``answer`` tells the line of MACs.
    first          : with done or missed: first lookup of this operation.
    """

    def __init__(self, config: MmtConfig):
        self._config = config
        super().__init__(
            {
                "want": In(stream.Signature(wanted_counter(config))),
                "lookup": Out(LookupSignature(config)),
                "service": Out(ServiceSignature(config)),
                "done": Out(1),
                "asked": Out(wanted_counter(config)),
                "answer": Out(lookup_answer(config)),
                "first": Out(1),
                "refused": Out(1),
                "missed": Out(1),
                "nearby": Out(1),
                "failed": Out(1),
                "failed_slot": Out(config.slot_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = Queue(wanted_counter(self._config), self._config.slots)
        m.submodules.misses = misses = Queue(wanted_counter(self._config), self._config.slots)
        wiring.connect(m, wiring.flipped(self.want), queue.i)
        lookup, service = self.lookup, self.service
        busy = Signal()
        """A lookup is with Tree."""
        served = Signal()
        """Tree is through with the oldest miss and waits for its lookup."""
        waiting = Signal()
        """The oldest miss is with Tree."""
        serving = Signal()
        """The next lookup is the oldest miss's."""

        now = Mux(serving, misses.o.p.as_value(), queue.o.p.as_value())
        asking = data.View(wanted_counter(self._config), now)
        m.d.comb += [
            serving.eq(served | (waiting & service.done & service.ok)),
            lookup.request.valid.eq(~busy & (serving | queue.o.valid)),
            lookup.request.p.line.eq(asking.line),
            lookup.request.p.write.eq(asking.write),
            lookup.request.p.serviced.eq(serving),
            queue.o.ready.eq(lookup.request.ready & ~busy & ~serving),
        ]
        m.d.sync += served.eq(serving)
        with m.If(lookup.request.valid & lookup.request.ready):
            m.d.sync += [busy.eq(1), self.asked.eq(asking), self.first.eq(~serving), served.eq(0)]
            m.d.comb += misses.o.ready.eq(serving)
        m.d.comb += [
            self.answer.eq(lookup.answer),
            self.done.eq(lookup.done & (lookup.answer.verdict == Verdict.READY)),
            self.missed.eq(lookup.done & (lookup.answer.verdict == Verdict.MISS)),
            self.nearby.eq(self.missed & lookup.answer.nearby),
            self.refused.eq(lookup.done & ~self.done & ~self.missed),
            misses.i.valid.eq(self.missed),
            misses.i.p.eq(self.asked),
        ]
        with m.If(lookup.done):
            m.d.sync += busy.eq(0)

        m.d.comb += [
            service.request.valid.eq(misses.o.valid & ~waiting & ~served),
            service.request.p.line.eq(misses.o.p.line),
            service.request.p.write.eq(misses.o.p.write),
            self.failed_slot.eq(misses.o.p.slot),
        ]
        with m.If(service.request.valid & service.request.ready):
            m.d.sync += waiting.eq(1)
        with m.If(waiting & service.done):
            m.d.sync += waiting.eq(0)
            m.d.comb += self.failed.eq(~service.ok)
            with m.If(~service.ok):
                m.d.comb += misses.o.ready.eq(1)
        return m
