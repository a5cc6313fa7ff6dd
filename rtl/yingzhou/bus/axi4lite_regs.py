# SPDX-License-Identifier: Apache-2.0
"""AXI4-Lite slave in front of a register block."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from . import axi4, register_bus


class Axi4LiteRegisters(wiring.Component):
    """Turns AXI4-Lite transfers into accesses of a register block (Arm IHI 0022H, chapter B1).

    Write address and write data are taken in either order, each held in one slot; the block is written when both are
    there and the last response was taken. A read waits only for a write of the same cycle. Back to back: one write and
    one read every two cycles. Every ready and valid comes from a register, so no path leads from an input to an output.

    Parameters
    ----------
    addr_width : int
        Width of the addresses in bits. The lowest two are not looked at: lanes are chosen by ``wstrb``.

    Ports
    -----
    s_axi : AXI4-Lite slave. SLVERR where the register block says ``err``; ``rdata`` is then 0. ``awprot`` and
            ``arprot`` are not looked at: who may reach the block is the interconnect's matter.
    regs  : register bus, initiator.
    """

    def __init__(self, addr_width: int):
        super().__init__({"s_axi": In(axi4.LiteSignature(addr_width)), "regs": Out(register_bus.Signature(addr_width))})

    def elaborate(self, platform):
        m = Module()
        axi, regs = self.s_axi, self.regs
        addr_width = len(axi.awaddr)
        aw_full, w_full, ar_full = Signal(), Signal(), Signal()
        awaddr, araddr = Signal(addr_width), Signal(addr_width)
        wdata, wstrb = Signal(32), Signal(4)

        m.d.comb += [axi.awready.eq(~aw_full), axi.wready.eq(~w_full), axi.arready.eq(~ar_full)]
        with m.If(axi.awvalid & axi.awready):
            m.d.sync += [aw_full.eq(1), awaddr.eq(axi.awaddr)]
        with m.If(axi.wvalid & axi.wready):
            m.d.sync += [w_full.eq(1), wdata.eq(axi.wdata), wstrb.eq(axi.wstrb)]
        with m.If(axi.arvalid & axi.arready):
            m.d.sync += [ar_full.eq(1), araddr.eq(axi.araddr)]

        m.d.comb += [
            # A response still waiting keeps its slot, so the register is not touched before its answer can be given.
            regs.w_stb.eq(aw_full & w_full & (~axi.bvalid | axi.bready)),
            regs.r_stb.eq(ar_full & ~regs.w_stb & (~axi.rvalid | axi.rready)),
            regs.addr[2:].eq(Mux(regs.w_stb, awaddr[2:], araddr[2:])),
            regs.w_data.eq(wdata),
            regs.w_mask.eq(wstrb),
        ]
        response = Mux(regs.err, axi4.Resp.SLVERR, axi4.Resp.OKAY)
        with m.If(axi.bvalid & axi.bready):
            m.d.sync += axi.bvalid.eq(0)
        with m.If(regs.w_stb):
            m.d.sync += [aw_full.eq(0), w_full.eq(0), axi.bvalid.eq(1), axi.bresp.eq(response)]
        with m.If(axi.rvalid & axi.rready):
            m.d.sync += axi.rvalid.eq(0)
        with m.If(regs.r_stb):
            m.d.sync += [ar_full.eq(0), axi.rvalid.eq(1), axi.rdata.eq(regs.r_data), axi.rresp.eq(response)]
        return m
