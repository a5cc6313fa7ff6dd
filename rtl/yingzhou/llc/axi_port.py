# SPDX-License-Identifier: Apache-2.0
"""An AXI4 slave in front of the cache: bursts to line requests."""

from typing import Final

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from yingzhou.bus import axi4
from yingzhou.geometry import BEAT_BITS, LINE_BITS
from yingzhou.line.front import Front
from yingzhou.line.read_order import ReadOrder
from yingzhou.line.signature import TAG_BITS_FOR_READ
from yingzhou.parts.first_set import FirstSet
from yingzhou.parts.queue import Picker

from .config import LlcConfig
from .signature import RequestSignature

READS_MIN: Final = 8
WRITE_BURSTS: Final = 8
"""Write bursts under way at once, a power of two."""


def reads_of(config: LlcConfig) -> int:
    """Return how many lines of read bursts are under way at once, a power of two.

    All misses that the cache can have, and as many hits that pass them.
    """
    return max(READS_MIN, 2 * config.mshrs)


def tag_bits_of(config: LlcConfig) -> int:
    """Return the width of a tag in bits: a read's place, or a write's burst."""
    return exact_log2(max(reads_of(config), WRITE_BURSTS))


class AxiPort(wiring.Component):
    """Any AXI4 burst (:class:`yingzhou.line.front.Front`) as requests of lines.

    The cache answers reads in any order. Those of one identifier leave in the order they came, those of different
    identifiers as soon as their lines are there, so a hit passes misses. A read takes a place before it is asked, hence
    the cache's answers always have room. Of several lines that may leave, the next one around does (round robin by
    place): no place has its turn twice while another's line may leave.

    Timing: AR to first beat 6 cycles when the line is a hit; a line every four cycles each way.

    Parameters
    ----------
    config : LlcConfig

    Ports
    -----
    s_axi : AXI4 slave, 128-bit data. Read data of different identifiers may interleave between lines.
    user  : the cache; tags of :func:`tag_bits_of` bits. :func:`reads_of` reads are under way.
    """

    def __init__(self, config: LlcConfig):
        self._config = config
        super().__init__(
            {
                "s_axi": In(axi4.Signature(config.addr_width, BEAT_BITS, config.id_width)),
                "user": Out(RequestSignature(config, tag_bits_of(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, reads = self._config, reads_of(self._config)
        m.submodules.front = self._front = Front(config, WRITE_BURSTS)
        m.submodules.order = self._order = ReadOrder(reads, config.id_width)
        connect(m, flipped(self.s_axi), self._front.s_axi)
        named = data.StructLayout({"id": config.id_width, "tag": TAG_BITS_FOR_READ})
        answered = data.StructLayout({"error": 1, "data": LINE_BITS})
        m.submodules.names = self._names = memory.Memory(shape=named, depth=reads, init=[])
        m.submodules.lines = self._lines = memory.Memory(shape=answered, depth=reads, init=[])
        self._taken, self._here = Signal(reads), Signal(reads)
        """Places of reads that have not left, and of those among them whose lines are there."""
        self._ask(m)
        self._answer(m)
        return m

    def _ask(self, m: Module) -> None:
        """An operation goes to the cache; a read takes a place."""
        op, request, order, name = self._front.lines.op, self.user.request, self._order, self._names.write_port()
        free = FirstSet(m, "free", list(~self._taken))
        room, begins = Signal(), Signal()
        m.d.comb += [
            room.eq(op.p.write | free.any),
            request.valid.eq(op.valid & room),
            op.ready.eq(request.ready & room),
            request.p.line.eq(op.p.line),
            request.p.write.eq(op.p.write),
            request.p.strobe.eq(op.p.strobe),
            request.p.data.eq(op.p.data),
            request.p.tag.eq(Mux(op.p.write, op.p.tag, free.index)),
            begins.eq(op.valid & op.ready & ~op.p.write),
            name.addr.eq(free.index),
            name.data.id.eq(op.p.id),
            name.data.tag.eq(op.p.tag),
            name.en.eq(begins),
            order.accepted.eq(begins),
            order.accepted_slot.eq(free.index),
            order.accepted_id.eq(op.p.id),
        ]
        with m.If(begins):
            m.d.sync += self._taken.bit_select(free.index, 1).eq(1)

    def _answer(self, m: Module) -> None:
        """Lines come from the cache, and leave; the one shown to the front was read a cycle ago and has no place."""
        answers, user, order = self._front.lines, self.user, self._order
        line_write = self._lines.write_port()
        line, name = self._lines.read_port(), self._names.read_port()
        m.submodules.turns = turns = Picker(len(self._here))
        shown, room, leaves = Signal(), Signal(), Signal()
        m.d.comb += [
            line_write.addr.eq(user.answer_tag),
            line_write.data.error.eq(user.answer_error),
            line_write.data.data.eq(user.answer_data),
            line_write.en.eq(user.answer & ~user.answer_write),
            turns.requests.eq(self._here & ~order.blocked),
            room.eq(~shown | answers.read.ready),
            leaves.eq(turns.any & room),
            turns.taken.eq(leaves),
            order.answered.eq(leaves),
            order.answered_slot.eq(turns.index),
            *(port.addr.eq(turns.index) for port in (line, name)),
            *(port.en.eq(room) for port in (line, name)),
            answers.read.valid.eq(shown),
            answers.read.p.id.eq(name.data.id),
            answers.read.p.tag.eq(name.data.tag),
            answers.read.p.error.eq(line.data.error),
            answers.read.p.data.eq(line.data.data),
            answers.write_done.eq(user.answer & user.answer_write),
            answers.write_tag.eq(user.answer_tag),
            answers.write_error.eq(user.answer_error),
        ]
        with m.If(room):
            m.d.sync += shown.eq(turns.any)
        with m.If(leaves):
            m.d.sync += [self._taken.bit_select(turns.index, 1).eq(0), self._here.bit_select(turns.index, 1).eq(0)]
        with m.If(line_write.en):
            m.d.sync += self._here.bit_select(user.answer_tag[: len(turns.index)], 1).eq(1)
