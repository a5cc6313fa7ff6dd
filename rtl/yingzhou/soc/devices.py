# SPDX-License-Identifier: Apache-2.0
"""The small devices: console, simulation exit and events, system information."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from yingzhou.bus import register_bus
from yingzhou.bus.write_gather import LINE_ADDR_WIDTH
from yingzhou.geometry import LINE_BYTES
from yingzhou.regs import RegisterBlock, load

from .config import SocConfig
from .memory_map import PAGE_BYTES, PROTECTION_BIT

EVENT_ARGS = 4


def _register_port(block: RegisterBlock):
    return In(register_bus.Signature(block.bus.signature.addr_width))


class Uart(wiring.Component):
    """Console without serialisation: a byte written is a byte sent, in the same cycle.

    Ports
    -----
    bus      : register bus (uart.rdl).
    tx_valid, tx_data : a byte is sent in this cycle; always taken. Idle: 0.
    rx_valid, rx_data : a received byte waits. rx_take: it is taken in this cycle. Idle: 0.
    """

    def __init__(self):
        self._block = RegisterBlock(load("uart"))
        super().__init__(
            {
                "bus": _register_port(self._block),
                "tx_valid": Out(1),
                "tx_data": Out(8),
                "rx_valid": In(1),
                "rx_data": In(8),
                "rx_take": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = block = self._block
        connect(m, flipped(self.bus), block.bus)
        tx, rx = block.field("tx.data"), block.field("rx.data")
        m.d.comb += [
            self.tx_valid.eq(tx.swmod),
            self.tx_data.eq(tx.written),
            rx.next.eq(Mux(self.rx_valid, self.rx_data, 0)),
            self.rx_take.eq(rx.swacc & self.rx_valid),
            block.field("status.tx_ready").next.eq(1),
            block.field("status.rx_valid").next.eq(self.rx_valid),
        ]
        return m


class SimulationDevice(wiring.Component):
    """Ends a run and reports events to the harness.

    Ports
    -----
    bus         : register bus (sim.rdl).
    cycle, retired : counters that software reads.
    exit_valid, exit_code   : the program ends the run in this cycle. Idle: 0.
    event_valid, event_code, event_arg0.. : an event is reported in this cycle. Idle: 0.
    """

    def __init__(self):
        self._block = RegisterBlock(load("sim"))
        super().__init__(
            {
                "bus": _register_port(self._block),
                "cycle": In(64),
                "retired": In(64),
                "exit_valid": Out(1),
                "exit_code": Out(32),
                "event_valid": Out(1),
                "event_code": Out(32),
                **{f"event_arg{i}": Out(32) for i in range(EVENT_ARGS)},
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = block = self._block
        connect(m, flipped(self.bus), block.bus)
        leave, event = block.field("exit.code"), block.field("event.code")
        m.d.comb += [
            self.exit_valid.eq(leave.swmod),
            self.exit_code.eq(leave.written),
            self.event_valid.eq(event.swmod),
            self.event_code.eq(event.written),
        ]
        for i in range(EVENT_ARGS):
            m.d.comb += getattr(self, f"event_arg{i}").eq(block.field(f"arg[{i}].value").value)
        for name, source in (("cycle", self.cycle), ("instret", self.retired)):
            m.d.comb += block.field(f"{name}_lo.value").next.eq(source[:32])
            m.d.comb += block.field(f"{name}_hi.value").next.eq(source[32:])
        return m


COUNTERS = (
    "walks",
    "walk_cycles",
    "walk_reads",
    "data_reads",
    "data_writes",
    "instr_reads",
    "line_fills",
    "dram_writes",
)
"""Performance counters of sysinfo.rdl; each has an input of the same name."""


class SystemInformation(wiring.Component):
    """Constants of the configuration and performance counters.

    Ports
    -----
    bus : register bus (sysinfo.rdl).
    write_error, write_error_line : memory refused a posted write to this line (byte address / 64) in this cycle.
        Idle: 0.
    write_error_recorded : level: such a write is recorded. Idle: 0.
    <a name of COUNTERS> : 1 for each cycle in which that counter counts. Idle: 0.
    """

    def __init__(self, config: SocConfig):
        self._config = config
        self._block = RegisterBlock(load("sysinfo"))
        super().__init__(
            {
                "bus": _register_port(self._block),
                "write_error": In(1),
                "write_error_line": In(LINE_ADDR_WIDTH),
                "write_error_recorded": Out(1),
                **{name: In(1) for name in COUNTERS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = block = self._block
        connect(m, flipped(self.bus), block.bus)
        m.d.comb += [
            block.field("dram_pages.count").next.eq(self._config.dram_bytes // PAGE_BYTES),
            block.field("features.checker").next.eq(self._config.checker_code),
            block.field("features.memory").next.eq(self._config.memory_code),
            block.field("features.cache").next.eq(self._config.cache_code),
            block.field("features.protection_bit").next.eq(PROTECTION_BIT),
        ]
        for name in COUNTERS:
            m.d.comb += block.field(f"{name}.count").incr.eq(getattr(self, name))
        recorded, address = block.field("write_error.valid"), block.field("write_error_address.address")
        m.d.comb += [
            self.write_error_recorded.eq(recorded.value),
            recorded.next.eq(1),
            recorded.we.eq(self.write_error),
            address.next.eq(self.write_error_line << exact_log2(LINE_BYTES)),
            address.we.eq(self.write_error & ~recorded.value),
            block.field("write_errors.count").incr.eq(self.write_error),
        ]
        return m
