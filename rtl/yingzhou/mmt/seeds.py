# SPDX-License-Identifier: Apache-2.0
"""Which counters the slots' pads are made from: the first at once, for some a second later."""

from amaranth import *
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import MmtConfig
from .pads import pad_request
from .signature import Counter


class Seeds(wiring.Component):
    """Asks for pads: under ``first`` when an operation's counters are known, under ``second`` when it goes on to write.

    Ports
    -----
    begin, slot, root, line, first, second : pulse: the counters of ``slot`` are known. ``pads``: ask under ``first``.
    again_slot : whose second counter is wanted in the next cycle.
    again      : in that next cycle, pulse: ask under it. Only when ``room`` was 1 in the cycle before.
    request    : stream to Pads, which is always ready.
    """

    def __init__(self, config: MmtConfig):
        self._config = config
        super().__init__(
            {
                "begin": In(1),
                "slot": In(config.slot_bits),
                "root": In(1),
                "line": In(config.line_bits),
                "first": In(Counter),
                "second": In(Counter),
                "pads": In(1),
                "again_slot": In(config.slot_bits),
                "again": In(1),
                "room": Out(1),
                "request": Out(stream.Signature(pad_request(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.kept = seeds = memory.Memory(shape=pad_request(self._config), depth=self._config.slots, init=[])
        write, read = seeds.write_port(), seeds.read_port()
        begun = Signal(pad_request(self._config))
        waiting, waits = Signal(pad_request(self._config)), Signal()
        m.d.comb += [
            begun.slot.eq(self.slot),
            begun.root.eq(self.root),
            begun.line.eq(self.line),
            begun.counter.eq(self.first),
            write.addr.eq(self.slot),
            write.data.eq(begun),
            write.data.counter.eq(self.second),
            write.en.eq(self.begin),
            read.addr.eq(self.again_slot),
            self.room.eq(~self.again & ~waits),
            self.request.valid.eq(waits | (self.begin & self.pads)),
            self.request.p.eq(Mux(self.begin, begun.as_value(), waiting.as_value())),
        ]
        with m.If(self.begin):
            m.d.comb += self.request.valid.eq(self.pads)
        with m.Else():
            m.d.sync += waits.eq(0)
        with m.If(self.again):
            m.d.sync += [waits.eq(1), waiting.eq(read.data)]
        return m
