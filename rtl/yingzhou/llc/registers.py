# SPDX-License-Identifier: Apache-2.0
"""Registers of the last-level cache (rdl/llc.rdl) as hardware: operations and quotas out, record and counters in."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from yingzhou.bus import register_bus
from yingzhou.geometry import LINE_LOG
from yingzhou.regs import RegisterBlock, load

from .config import LlcConfig
from .signature import (
    REGISTER_ADDR_WIDTH,
    Events,
    FailureSignature,
    OperationSignature,
    QuotaSignature,
)


class LlcRegisters(wiring.Component):
    """Operations, quotas, the failure record and counters of one cache.

    A write to a register of the operation while one runs, or to the quota of domain 0, answers ``err`` and changes
    nothing.

    Ports
    -----
    bus       : register bus (rdl/llc.rdl).
    operation : to the core.
    quota     : to the core.
    failure   : pulses; the first is recorded.
    events    : pulses that are counted.
    ready, stopped : states of the core, levels.
    irq       : level: a failure is recorded and not cleared. Idle: 0.
    """

    def __init__(self, config: LlcConfig):
        self.config = config
        self.block = RegisterBlock(load("llc", DOMAINS=config.domains), addr_width=REGISTER_ADDR_WIDTH)
        super().__init__(
            {
                "bus": In(register_bus.Signature(REGISTER_ADDR_WIDTH)),
                "operation": Out(OperationSignature(config)),
                "quota": Out(QuotaSignature(config)),
                "failure": In(FailureSignature(config)),
                "events": In(Events),
                "ready": In(1),
                "stopped": In(1),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.block = block = self.block
        connect(m, flipped(self.bus), block.bus)
        self._constants(m)
        self._operation(m)
        self._quotas(m)
        self._record(m)
        for name in Events.members:
            m.d.comb += block.field(f"counts.{name}.count").incr.eq(getattr(self.events, name))
        return m

    def _constants(self, m: Module) -> None:
        config = self.config
        values = {
            "capabilities.ways": config.ways,
            "capabilities.sets_log": config.set_bits,
            "capabilities.domains": config.domains,
            "capabilities.mshrs": config.mshrs,
            "capabilities.random": config.replacement == "random",
            "capabilities.parity": config.parity,
            "capabilities.page_fits": config.page_fits,
            "status.ready": self.ready,
            "status.stopped": self.stopped,
        }
        for path, value in values.items():
            m.d.comb += self.block.field(path).next.eq(value)

    def _operation(self, m: Module) -> None:
        field, operation = self.block.field, self.operation
        busy, start = Signal(), field("operation.op.code").swmod
        self.block.lock("operation", busy | start)
        with m.If(start):
            m.d.sync += [busy.eq(1), operation.request.valid.eq(1)]
        with m.If(operation.request.valid & operation.request.ready):
            m.d.sync += operation.request.valid.eq(0)
        result, line, status = Signal.like(operation.result), Signal.like(operation.line), Signal.like(operation.status)
        with m.If(operation.done):
            m.d.sync += [busy.eq(0), result.eq(operation.result), line.eq(operation.line), status.eq(operation.status)]
        request = operation.request.p
        address = Signal(64)
        m.d.comb += [
            request.op.eq(field("operation.op.code").value),
            request.scope.eq(field("operation.op.scope").value),
            request.domain.eq(field("operation.domain.domain").value),
            request.address.eq(
                Cat(field("operation.address_lo.address").value, field("operation.address_hi.address").value)
            ),
            address.eq(line << LINE_LOG),
            field("answer.state.busy").next.eq(busy | start),
            field("answer.state.result").next.eq(result),
            field("answer.address_lo.address").next.eq(address[:32]),
            field("answer.address_hi.address").next.eq(address[32:]),
            *(field(f"answer.state.{name}").next.eq(getattr(status, name)) for name in ("present", "locked", "owner")),
        ]

    def _quotas(self, m: Module) -> None:
        # Domain 0 is nobody: it locks nothing, whatever is written.
        self.block.lock("domain[0]", Const(1))
        bits, lines = self.config.count_bits, self.config.lines
        for n in range(self.config.domains):
            quota = self.block.field(f"domain[{n + 1}].quota.lines").value
            m.d.comb += [
                self.quota.quota[n].eq(Mux(quota > lines, lines, quota[:bits])),
                self.block.field(f"domain[{n + 1}].locked.lines").next.eq(self.quota.count[n]),
            ]

    def _record(self, m: Module) -> None:
        """Keep the first: the record takes one only while it is empty."""
        field, failure = self.block.field, self.failure
        address = Signal(64)
        m.d.comb += address.eq(failure.line << LINE_LOG)
        values = {
            "state.valid": 1,
            "state.kind": failure.kind,
            "address_lo.address": address[:32],
            "address_hi.address": address[32:],
        }
        recorded = field("failure.state.valid").value
        for path, value in values.items():
            m.d.comb += field(f"failure.{path}").next.eq(value)
            m.d.comb += field(f"failure.{path}").we.eq(failure.valid & ~recorded)
        m.d.comb += [field("counts.failure.count").incr.eq(failure.valid), self.irq.eq(recorded)]
