# SPDX-License-Identifier: Apache-2.0
"""Wishbone B4 classic slave in front of a register block."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from . import register_bus, wishbone


class WishboneRegisters(wiring.Component):
    """Turns one Wishbone transfer into one access of a register block (Wishbone B4, chapter 3.2: classic single
    cycles).

    The block is accessed in the first cycle of a transfer and answered in the second, from registers, so neither the
    decoder nor the block is in the path from ``stb`` to ``ack``. An access happens exactly once however long the master
    takes.

    Parameters
    ----------
    addr_width : int
        Width of ``bus.adr`` in bits, counting words.
    regs_addr_width : int
        Width of ``regs.addr`` in bits, counting bytes. Higher bits of ``bus.adr`` are not looked at: the decoder did.

    Ports
    -----
    bus  : Wishbone slave. ``err`` where the register block says so; ``dat_r`` is then 0.
    regs : register bus, initiator.
    """

    def __init__(self, addr_width: int, regs_addr_width: int):
        super().__init__(
            {"bus": In(wishbone.Signature(addr_width)), "regs": Out(register_bus.Signature(regs_addr_width))}
        )

    def elaborate(self, platform):
        m = Module()
        bus, regs = self.bus, self.regs
        access, answered, failed = Signal(), Signal(), Signal()
        data = Signal(wishbone.DATA_WIDTH)
        m.d.comb += [
            access.eq(bus.cyc & bus.stb & ~answered),
            regs.addr.eq(Cat(Const(0, 2), bus.adr)),
            regs.r_stb.eq(access & ~bus.we),
            regs.w_stb.eq(access & bus.we),
            regs.w_data.eq(bus.dat_w),
            regs.w_mask.eq(bus.sel),
            bus.ack.eq(answered & ~failed & bus.cyc & bus.stb),
            bus.err.eq(answered & failed & bus.cyc & bus.stb),
            bus.dat_r.eq(Mux(bus.ack, data, 0)),
        ]
        m.d.sync += [
            answered.eq(access),
            failed.eq(regs.err),
            data.eq(regs.r_data),
        ]
        return m
