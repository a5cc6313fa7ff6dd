# SPDX-License-Identifier: Apache-2.0
"""An AXI4 slave in front of the cache: bursts to line requests."""

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from yingzhou.bus import axi4
from yingzhou.mmt.front import Front
from yingzhou.mmt.signature import TAG_BITS_FOR_READ

from .config import BEAT_BITS, LINE_BITS, LlcConfig
from .signature import RequestSignature

READS = 8
"""Lines of read bursts under way at once, a power of two."""
WRITE_BURSTS = 8
"""Write bursts under way at once, a power of two."""
TAG_BITS = max(exact_log2(READS), exact_log2(WRITE_BURSTS))
"""Width of a tag in bits: a read's place, or a write's burst."""


class AxiPort(wiring.Component):
    """Any AXI4 burst (:class:`yingzhou.mmt.front.Front`) as requests of lines.

    The cache answers reads in any order; they leave in the order they came, so those of one identifier are in order.
    A read takes a place before it is asked, hence the cache's answers always have room.

    Timing: AR to first beat 6 cycles when the line is a hit; a line every four cycles each way.

    Parameters
    ----------
    config : LlcConfig

    Ports
    -----
    s_axi : AXI4 slave, 128-bit data.
    user  : the cache; tags of :data:`TAG_BITS` bits.
    """

    def __init__(self, config: LlcConfig):
        self._config = config
        super().__init__(
            {
                "s_axi": In(axi4.Signature(config.addr_width, BEAT_BITS, config.id_width)),
                "user": Out(RequestSignature(config, TAG_BITS)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.front = front = Front(self._config, WRITE_BURSTS)
        connect(m, flipped(self.s_axi), front.s_axi)
        op, user = front.lines.op, self.user
        place_bits = exact_log2(READS)
        named = data.StructLayout({"id": self._config.id_width, "tag": TAG_BITS_FOR_READ})
        answered = data.StructLayout({"error": 1, "data": LINE_BITS})
        m.submodules.names = names = memory.Memory(shape=named, depth=READS, init=[])
        m.submodules.lines = lines = memory.Memory(shape=answered, depth=READS, init=[])
        name_write, line_write = names.write_port(), lines.write_port()
        name_read, line_read = names.read_port(), lines.read_port()
        newest, oldest, after = Signal(place_bits), Signal(place_bits), Signal(place_bits)
        used, here = Signal(range(READS + 1)), Signal(READS)
        begins, ends, room = Signal(), Signal(), Signal()
        valid = Signal()
        m.d.comb += [
            room.eq(op.p.write | (used != READS)),
            user.request.valid.eq(op.valid & room),
            op.ready.eq(user.request.ready & room),
            user.request.p.line.eq(op.p.line),
            user.request.p.write.eq(op.p.write),
            user.request.p.strobe.eq(op.p.strobe),
            user.request.p.data.eq(op.p.data),
            user.request.p.tag.eq(Mux(op.p.write, op.p.tag, newest)),
            begins.eq(op.valid & op.ready & ~op.p.write),
            name_write.addr.eq(newest),
            name_write.data.id.eq(op.p.id),
            name_write.data.tag.eq(op.p.tag),
            name_write.en.eq(begins),
            line_write.addr.eq(user.answer_tag),
            line_write.data.error.eq(user.answer_error),
            line_write.data.data.eq(user.answer_data),
            line_write.en.eq(user.answer & ~user.answer_write),
            # Answers leave in their order; the one shown was read a cycle ago.
            ends.eq(valid & front.lines.read.ready),
            after.eq(oldest + ends),
            name_read.addr.eq(after),
            line_read.addr.eq(after),
            front.lines.read.valid.eq(valid),
            front.lines.read.p.id.eq(name_read.data.id),
            front.lines.read.p.tag.eq(name_read.data.tag),
            front.lines.read.p.error.eq(line_read.data.error),
            front.lines.read.p.data.eq(line_read.data.data),
            front.lines.write_done.eq(user.answer & user.answer_write),
            front.lines.write_tag.eq(user.answer_tag),
            front.lines.write_error.eq(user.answer_error),
        ]
        m.d.sync += [
            newest.eq(newest + begins),
            oldest.eq(after),
            used.eq(used + begins - ends),
            valid.eq(here.bit_select(after, 1)),
        ]
        with m.If(ends):
            m.d.sync += here.bit_select(oldest, 1).eq(0)
        with m.If(line_write.en):
            m.d.sync += here.bit_select(user.answer_tag[:place_bits], 1).eq(1)
        return m
