# SPDX-License-Identifier: Apache-2.0
"""AXI4 slave that refuses everything."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from . import axi4


class AxiRefuse(wiring.Component):
    """Answers every burst with SLVERR: as many beats of zeros as were asked for, one B after the last beat of a write.

    One burst at a time each way. The first answer comes one cycle after the address, or the last write beat.

    Parameters
    ----------
    addr_width, data_width, id_width : int
        Widths in bits.

    Ports
    -----
    s_axi : AXI4 slave. Every ready and valid comes from registers.
    """

    def __init__(self, *, addr_width: int, data_width: int, id_width: int):
        super().__init__({"s_axi": In(axi4.Signature(addr_width, data_width, id_width))})

    def elaborate(self, platform):
        m = Module()
        axi = self.s_axi
        left = Signal(8)
        m.d.comb += [axi.arready.eq(~axi.rvalid), axi.rresp.eq(axi4.Resp.SLVERR), axi.rlast.eq(left == 0)]
        with m.If(axi.arvalid & axi.arready):
            m.d.sync += [axi.rvalid.eq(1), axi.rid.eq(axi.arid), left.eq(axi.arlen)]
        with m.Elif(axi.rvalid & axi.rready):
            m.d.sync += [left.eq(left - 1), axi.rvalid.eq(~axi.rlast)]

        gathering = Signal()
        m.d.comb += [
            axi.awready.eq(~gathering & ~axi.bvalid),
            axi.wready.eq(gathering),
            axi.bresp.eq(axi4.Resp.SLVERR),
        ]
        with m.If(axi.awvalid & axi.awready):
            m.d.sync += [gathering.eq(1), axi.bid.eq(axi.awid)]
        with m.If(axi.wvalid & axi.wready & axi.wlast):
            m.d.sync += [gathering.eq(0), axi.bvalid.eq(1)]
        with m.If(axi.bvalid & axi.bready):
            m.d.sync += axi.bvalid.eq(0)
        return m
