# SPDX-License-Identifier: Apache-2.0
"""Two Wishbone masters on one slave."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from . import wishbone


class WishboneJoin(wiring.Component):
    """Joins two masters without adding a cycle; ``first`` wins when both start together.

    A transfer that has begun keeps the slave until ``ack`` or ``err``.

    Parameters
    ----------
    addr_width : int
        Width of the word addresses in bits.

    Ports
    -----
    first, second : slaves towards the two masters.
    out           : master towards the shared slave.
    """

    def __init__(self, addr_width: int):
        sig = wishbone.Signature(addr_width)
        super().__init__({"first": In(sig), "second": In(sig), "out": Out(sig)})

    def elaborate(self, platform):
        m = Module()
        held = Signal()
        held_second = Signal()
        use_second = Signal()
        m.d.comb += use_second.eq(Mux(held, held_second, ~(self.first.cyc & self.first.stb)))
        with m.If(self.out.cyc & self.out.stb):
            m.d.sync += [held.eq(~(self.out.ack | self.out.err)), held_second.eq(use_second)]
        with m.If(use_second):
            m.d.comb += wishbone.forward(self.second, self.out)
        with m.Else():
            m.d.comb += wishbone.forward(self.first, self.out)
        return m
