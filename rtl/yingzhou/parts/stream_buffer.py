# SPDX-License-Identifier: Apache-2.0
"""Two registers that cut a stream's paths in both directions."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class StreamBuffer(wiring.Component):
    """Hands a stream on one cycle later; neither ``valid`` nor ``ready`` passes through without a register.

    One item a cycle, in order. Two items are held at most.

    Parameters
    ----------
    shape : shape-like
        Payload.

    Ports
    -----
    i : stream in. ``ready`` is 1 after reset.
    o : stream out. ``valid`` is 0 after reset.
    """

    def __init__(self, shape):
        self._shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        first, spare = Signal(self._shape), Signal(self._shape)
        first_full, spare_full = Signal(), Signal()
        m.d.comb += [self.i.ready.eq(~spare_full), self.o.valid.eq(first_full), self.o.p.eq(first)]
        with m.If(~first_full | self.o.ready):
            m.d.sync += [
                first_full.eq(spare_full | self.i.valid),
                first.eq(Mux(spare_full, spare, self.i.p)),
                spare_full.eq(0),
            ]
        with m.Elif(self.i.valid & self.i.ready):
            m.d.sync += [spare_full.eq(1), spare.eq(self.i.p)]
        return m
