# SPDX-License-Identifier: Apache-2.0
"""Address decoding on Wishbone: one master, several slaves, everything else refused."""

from collections.abc import Mapping

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from . import wishbone


class WishboneDecode(wiring.Component):
    """Routes a transfer to the slave whose range holds its address; answers ``err`` when there is none.

    Adds no cycle. Ranges are compared over the full address width, so that no address aliases into a range.

    Parameters
    ----------
    addr_width : int
        Width of the word addresses in bits.
    ranges : mapping of str to list of (int, int)
        For each slave port its ranges of byte addresses, first byte and first byte after; multiples of 4, disjoint.

    Ports
    -----
    master     : slave towards the master.
    <a name>   : master towards that slave, one for each key of ``ranges``.
    """

    def __init__(self, addr_width: int, ranges: Mapping[str, list[tuple[int, int]]]):
        self._ranges = dict(ranges)
        sig = wishbone.Signature(addr_width)
        super().__init__({"master": In(sig), **{name: Out(sig) for name in ranges}})

    def elaborate(self, platform):
        m = Module()
        hit_any = Signal()
        for name, ranges in self._ranges.items():
            slave = getattr(self, name)
            hit = Signal(name=f"hit_{name}")
            m.d.comb += hit.eq(
                Cat((self.master.adr >= lo // 4) & (self.master.adr < hi // 4) for lo, hi in ranges).any()
            )
            for field in ("we", "adr", "sel", "dat_w"):
                m.d.comb += getattr(slave, field).eq(getattr(self.master, field))
            m.d.comb += [slave.cyc.eq(self.master.cyc & hit), slave.stb.eq(self.master.stb & hit)]
            with m.If(hit):
                m.d.comb += [
                    hit_any.eq(1),
                    self.master.ack.eq(slave.ack),
                    self.master.err.eq(slave.err),
                    self.master.dat_r.eq(slave.dat_r),
                ]
        with m.If(~hit_any):
            m.d.comb += self.master.err.eq(self.master.cyc & self.master.stb)
        return m
