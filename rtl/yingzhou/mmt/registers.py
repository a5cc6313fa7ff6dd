# SPDX-License-Identifier: Apache-2.0
"""Registers of the memory engine (rdl/mmt.rdl) as hardware: settings and commands out, states and records in."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from yingzhou.bus import register_bus
from yingzhou.geometry import LINE_LOG, PAGE_LOG
from yingzhou.regs import RegisterBlock, load

from .config import MmtConfig
from .signature import CommandSignature, Events, FailureSignature, settings

ADDR_WIDTH = 12
"""Width of the register bus address: one page."""
PPN_BITS = 52
"""Width of a page number in the registers."""


class MmtRegisters(wiring.Component):
    """Meta zone, commands, failure records and counters of one engine.

    Page numbers of the registers are physical; those inside the engine count from the start of memory. A write to the
    command register while a command runs, and a write to the meta zone's page once enabled, answers ``err`` and changes
    nothing.

    Ports
    -----
    bus       : register bus (rdl/mmt.rdl).
    settings  : what the engine works by; ``active`` falls for good when fatal mode stops it.
    commands  : to the tree, see :class:`yingzhou.mmt.signature.CommandSignature`.
    ready     : keys are loaded and the self-test passed. Level.
    failed    : reason why there will be no keys, 0 while none. Level.
    test_keys : the test keys are in use. Level.
    failure   : integrity failures, pulses; the first is recorded.
    denied    : refused accesses, pulses; the first is recorded.
    events    : pulses that are counted.
    irq       : level: an integrity failure is recorded and not cleared, or it could not start. Idle: 0.
    """

    def __init__(self, config: MmtConfig):
        self.config = config
        self.block = RegisterBlock(load("mmt"), addr_width=ADDR_WIDTH)
        super().__init__(
            {
                "bus": In(register_bus.Signature(ADDR_WIDTH)),
                "settings": Out(settings(config)),
                "commands": Out(CommandSignature(config)),
                "ready": In(1),
                "failed": In(4),
                "test_keys": In(1),
                "failure": In(FailureSignature(config)),
                "denied": In(FailureSignature(config)),
                "events": In(Events),
                "busy": Out(1),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.block = block = self.block
        connect(m, flipped(self.bus), block.bus)
        self._constants(m)
        self._state(m)
        self._commands(m)
        for name in ("failure", "denied"):
            self._record(m, name, getattr(self, name))
        for name in Events.members:
            m.d.comb += block.field(f"counts.{name}.count").incr.eq(getattr(self.events, name))
        return m

    def _inside(self, ppn: Value) -> Value:
        """Return the page number counted from the start of memory, one bit wider; that bit set when outside."""
        bits, base = self.config.page_bits, self.config.memory_base >> PAGE_LOG
        return Cat(ppn[:bits], ppn[bits:] != base >> bits)

    def _page(self, path: str) -> Value:
        return Cat(self.block.field(f"{path}_lo.page").value, self.block.field(f"{path}_hi.page").value)

    def _constants(self, m: Module) -> None:
        config = self.config
        values = {
            "capabilities.levels": config.levels,
            "capabilities.split": config.split,
            "capabilities.mount_entries": config.mount_entries,
            "capabilities.subtree_log": exact_log2(config.subtree_bytes),
            "capabilities.memory_log": exact_log2(config.size),
            "metadata_pages.pages": config.metadata_pages,
            "root_bytes.bytes": config.root_bytes,
        }
        for path, value in values.items():
            m.d.comb += self.block.field(path).next.eq(value)

    def _state(self, m: Module) -> None:
        config, field = self.config, self.block.field
        enable = field("control.enable").value
        stopped, root_valid = Signal(), Signal()
        root = Signal(config.page_bits + 1)
        last = (config.size - config.root_bytes) >> PAGE_LOG
        m.d.comb += [root.eq(self._inside(self._page("root_page"))), root_valid.eq(root <= last)]
        # countermeasure: MMT.CONFIG_LOCK
        for path in ("root_page_lo", "root_page_hi"):
            self.block.lock(path, enable)
        # countermeasure: MMT.FATAL
        with m.If(self.failure.valid & field("control.fatal").value):
            m.d.sync += stopped.eq(1)
        values = {
            "ready": self.ready,
            "active": self.settings.active,
            "stopped": stopped,
            "test_keys": self.test_keys,
            "failed": self.failed,
            "root_valid": root_valid,
        }
        for name, value in values.items():
            m.d.comb += field(f"status.{name}").next.eq(value)
        m.d.comb += [
            self.settings.active.eq(enable & self.ready & root_valid & ~stopped),
            self.settings.root_page.eq(root[: config.page_bits]),
            self.irq.eq(field("failure.state.valid").value | self.failed.any()),
        ]

    def _commands(self, m: Module) -> None:
        config, field, commands = self.config, self.block.field, self.commands
        busy = Signal()
        start = field("command.op.op").swmod
        subtree = field("command.subtree.index").value
        low = min(config.subtree_bits, len(subtree))
        for path in ("command.op", "command.subtree", "command.page_lo", "command.page_hi"):
            self.block.lock(path, busy | start)
        with m.If(start):
            m.d.sync += [busy.eq(1), commands.request.valid.eq(1)]
        with m.If(commands.request.valid & commands.request.ready):
            m.d.sync += commands.request.valid.eq(0)
        result = Signal.like(commands.result)
        status = Signal.like(commands.status)
        page = Signal.like(commands.page)
        with m.If(commands.done):
            m.d.sync += [busy.eq(0), result.eq(commands.result), status.eq(commands.status), page.eq(commands.page)]
        op = commands.request.p.op
        m.d.comb += [
            op.as_value().eq(field("command.op.op").value),
            commands.request.p.subtree.eq(Cat(subtree[:low], Const(0, config.subtree_bits - low), subtree[low:].any())),
            commands.request.p.page.eq(self._inside(self._page("command.page"))),
            self.busy.eq(busy),
            field("answer.state.busy").next.eq(busy | start),
            field("answer.state.result").next.eq(result),
            field("answer.generation.generation").next.eq(status.generation),
        ]
        for name in ("mounted", "valid", "locked", "dirty", "pinned"):
            m.d.comb += field(f"answer.state.{name}").next.eq(getattr(status, name))
        ppn = Signal(PPN_BITS)
        m.d.comb += [
            ppn.eq(page + (config.memory_base >> PAGE_LOG)),
            field("answer.page_lo.page").next.eq(ppn[:32]),
            field("answer.page_hi.page").next.eq(ppn[32:]),
        ]

    def _record(self, m: Module, name: str, source) -> None:
        """Keep the first: the record takes one only while it is empty."""
        field, config = self.block.field, self.config
        address = Signal(64)
        m.d.comb += address.eq((source.failure.line << LINE_LOG) + config.memory_base)
        values = {
            "state.valid": 1,
            "state.root": source.failure.root,
            "state.level": source.failure.level,
            "state.kind": source.failure.kind,
            "address_lo.address": address[:32],
            "address_hi.address": address[32:],
        }
        for path, value in values.items():
            m.d.comb += field(f"{name}.{path}").next.eq(value)
            m.d.comb += field(f"{name}.{path}").we.eq(source.valid & ~field(f"{name}.state.valid").value)
        m.d.comb += field(f"counts.{name}.count").incr.eq(source.valid)
