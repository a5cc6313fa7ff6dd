# SPDX-License-Identifier: Apache-2.0
"""What reaches the two failure records: integrity failures of two units, and refused accesses."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import MmtConfig
from .signature import INTEGRITY_KINDS, FailureSignature, Kind, Verdict, lookup_answer


class FailureMerge(wiring.Component):
    """Passes failures of two units to one record; when both come in one cycle the second follows a cycle later.

    Failures of other kinds than :data:`~yingzhou.mmt.signature.INTEGRITY_KINDS` are dropped here.

    Ports
    -----
    first, second : pulses in. ``second`` comes at most every other cycle.
    out           : pulses out, in the same cycle or one later.
    """

    def __init__(self, config: MmtConfig):
        port = FailureSignature(config)
        super().__init__({"first": In(port), "second": In(port), "out": Out(port)})

    def elaborate(self, platform):
        m = Module()
        kept, held = Signal(), Signal.like(self.second.failure)

        def integrity(port) -> Value:
            return port.valid & Cat(port.failure.kind == kind for kind in INTEGRITY_KINDS).any()

        first, second = Signal(), Signal()
        m.d.comb += [first.eq(integrity(self.first)), second.eq(integrity(self.second))]
        with m.If(first):
            m.d.comb += [self.out.valid.eq(1), self.out.failure.eq(self.first.failure)]
            with m.If(second):
                m.d.sync += [kept.eq(1), held.eq(self.second.failure)]
        with m.Elif(kept):
            m.d.comb += [self.out.valid.eq(1), self.out.failure.eq(held)]
            m.d.sync += kept.eq(second)
            with m.If(second):
                m.d.sync += held.eq(self.second.failure)
        with m.Elif(second):
            m.d.comb += [self.out.valid.eq(1), self.out.failure.eq(self.second.failure)]
        return m


class Denials(wiring.Component):
    """Watches the seams for accesses that are refused without a failed check, and reports each as a pulse.

    When two are refused in one cycle, one is reported: the record keeps the first, and the count may be low by one.

    Ports
    -----
    op_valid, op_line, op_outside : an operation of the front is taken in this cycle.
    active                        : level, see :func:`yingzhou.mmt.signature.settings`.
    lookup_valid, lookup_line     : a lookup is taken in this cycle.
    lookup_done, lookup_answer    : its answer.
    service_valid, service_line   : a service is taken in this cycle.
    service_failed, service_kind  : it ends without success.
    out                           : pulses out, same cycle.
    """

    def __init__(self, config: MmtConfig):
        super().__init__(
            {
                "op_valid": In(1),
                "op_line": In(config.line_bits),
                "op_outside": In(1),
                "active": In(1),
                "lookup_valid": In(1),
                "lookup_line": In(config.line_bits),
                "lookup_done": In(1),
                "lookup_answer": In(lookup_answer(config)),
                "service_valid": In(1),
                "service_line": In(config.line_bits),
                "service_failed": In(1),
                "service_kind": In(Kind),
                "out": Out(FailureSignature(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lookup_line, service_line = Signal.like(self.lookup_line), Signal.like(self.service_line)
        with m.If(self.lookup_valid):
            m.d.sync += lookup_line.eq(self.lookup_line)
        with m.If(self.service_valid):
            m.d.sync += service_line.eq(self.service_line)
        integrity = Cat(self.service_kind == kind for kind in INTEGRITY_KINDS).any()
        with m.If(self.service_failed & ~integrity):
            self._refuse(m, self.service_kind, service_line)
        with m.Elif(self.lookup_done & (self.lookup_answer.verdict == Verdict.DENIED)):
            self._refuse(m, self.lookup_answer.kind, lookup_line)
        with m.Elif(self.op_valid & (self.op_outside | ~self.active)):
            self._refuse(m, Mux(self.active, Kind.OUTSIDE, Kind.NOT_READY), self.op_line)
        return m

    def _refuse(self, m: Module, kind: Value, line: Value) -> None:
        """Report; what a refusal does not have (level, root, tree) is 0."""
        m.d.comb += [self.out.valid.eq(1), self.out.failure.as_value().eq(Cat(kind, line))]
