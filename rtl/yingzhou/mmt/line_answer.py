# SPDX-License-Identifier: Apache-2.0
"""Answers to Front: lines that were read, and ends of writes."""

from amaranth import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import LINE_BITS
from yingzhou.line.signature import read_answer

from .config import MmtConfig


class LineAnswer(wiring.Component):
    """Gives each slot's answer the identifier and tag of its operation.

    Ports
    -----
    take, take_slot, id, tag : pulse: an operation begins.
    room        : a read may be answered in this cycle.
    read_slot   : whose read to answer in the next cycle.
    answer      : in that next cycle, pulse: ``data`` and ``error`` are the answer to it.
    read        : stream of answers. An answer is there in the cycle of ``answer``, and stays.
    write_slot  : whose write to answer in the next cycle; ``write_tag`` has its tag then.
    """

    def __init__(self, config: MmtConfig, tag_bits: int):
        self._config, self._tag_bits = config, tag_bits
        super().__init__(
            {
                "take": In(1),
                "take_slot": In(config.slot_bits),
                "id": In(config.id_width),
                "tag": In(tag_bits),
                "room": Out(1),
                "read_slot": In(config.slot_bits),
                "answer": In(1),
                "data": In(LINE_BITS),
                "error": In(1),
                "read": Out(stream.Signature(read_answer(config, tag_bits))),
                "write_slot": In(config.slot_bits),
                "write_tag": Out(tag_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        shape = data.StructLayout({"id": self._config.id_width, "tag": self._tag_bits})
        m.submodules.names = names = memory.Memory(shape=shape, depth=self._config.slots, init=[])
        write, of_read, of_write = names.write_port(), names.read_port(), names.read_port()
        fresh = Signal(read_answer(self._config, self._tag_bits))
        kept, full = Signal(read_answer(self._config, self._tag_bits)), Signal()
        m.d.comb += [
            write.addr.eq(self.take_slot),
            write.data.id.eq(self.id),
            write.data.tag.eq(self.tag),
            write.en.eq(self.take),
            of_read.addr.eq(self.read_slot),
            of_write.addr.eq(self.write_slot),
            self.write_tag.eq(of_write.data.tag),
            fresh.id.eq(of_read.data.id),
            fresh.tag.eq(of_read.data.tag),
            fresh.error.eq(self.error),
            fresh.data.eq(self.data),
            # Whether this cycle's answer is taken at once is not waited for: the next comes two cycles later.
            self.room.eq(~self.answer & ~full),
            self.read.valid.eq(self.answer | full),
            self.read.p.eq(Mux(full, kept.as_value(), fresh.as_value())),
        ]
        m.d.sync += full.eq(self.read.valid & ~self.read.ready)
        with m.If(self.answer):
            m.d.sync += kept.eq(fresh)
        return m
