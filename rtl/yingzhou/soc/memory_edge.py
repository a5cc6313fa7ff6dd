# SPDX-License-Identifier: Apache-2.0
"""The last stage before DRAM. The memory engine will stand here."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.bus import axi4


class ProtectedPassThrough(wiring.Component):
    """Maps both windows onto the same DRAM: clears the protection bit and passes everything else.

    It neither encrypts nor verifies. The memory engine replaces it with the same two ports.

    Parameters
    ----------
    addr_width, data_width : int
        Widths of the AXI4 ports in bits.
    protection_bit : int
        Position of the bit that selects the protected window.

    Ports
    -----
    cpu  : AXI4 slave, addresses of both windows.
    dram : AXI4 master, addresses of the raw window.
    """

    def __init__(self, *, addr_width: int, data_width: int, protection_bit: int):
        self._protection_bit = protection_bit
        sig = axi4.Signature(addr_width, data_width)
        super().__init__({"cpu": In(sig), "dram": Out(sig)})

    def elaborate(self, platform):
        m = Module()
        for name, member in self.dram.signature.members.items():
            outside, inside = getattr(self.dram, name), getattr(self.cpu, name)
            if member.flow == In:
                m.d.comb += inside.eq(outside)
            elif name in ("araddr", "awaddr"):
                m.d.comb += outside.eq(inside & ~(1 << self._protection_bit))
            else:
                m.d.comb += outside.eq(inside)
        return m
