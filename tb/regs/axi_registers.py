# SPDX-License-Identifier: Apache-2.0
"""``every_property.rdl`` on AXI4-Lite: the block that the cocotb test drives as generated Verilog."""

from dataclasses import dataclass
from pathlib import Path

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from yingzhou.bus import axi4
from yingzhou.bus.axi4lite_regs import Axi4LiteRegisters
from yingzhou.regs import RegisterBlock, load

RDL = Path(__file__).parent / "every_property.rdl"
ADDR_WIDTH = 8


@dataclass(frozen=True)
class Configuration:
    """What the manifest says about this block."""

    addr_width: int = ADDR_WIDTH


class AxiRegisters(wiring.Component):
    """Register block behind the AXI4-Lite adapter.

    Ports
    -----
    s_axi : AXI4-Lite slave.
    value : what field ``plain.across`` holds.
    changes : writes and reads that reached field ``plain.low`` since reset: swmod and swacc pulses, 16 bits each.
    """

    s_axi: In(axi4.LiteSignature(ADDR_WIDTH))
    value: Out(16)
    changes: Out(32)

    def elaborate(self, platform):
        m = Module()
        m.submodules.axi = axi = Axi4LiteRegisters(ADDR_WIDTH)
        m.submodules.block = block = RegisterBlock(load(RDL), addr_width=ADDR_WIDTH)
        block.lock("entry[0]", block.field("entry[0].ctrl.lock").value)
        connect(m, flipped(self.s_axi), axi.s_axi)
        connect(m, axi.regs, block.bus)
        low = block.field("plain.low")
        m.d.comb += self.value.eq(block.field("plain.across").value)
        with m.If(low.swmod):
            m.d.sync += self.changes[:16].eq(self.changes[:16] + 1)
        with m.If(low.swacc):
            m.d.sync += self.changes[16:].eq(self.changes[16:] + 1)
        return m
