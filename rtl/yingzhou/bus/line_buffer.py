# SPDX-License-Identifier: Apache-2.0
"""A few 64-byte lines in front of a line-oriented memory: the read half of one Wishbone port."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from yingzhou.geometry import BEAT_BITS, BEAT_BYTES, BEATS, LINE_BYTES

from . import axi4, wishbone

BYTE_ADDR_WIDTH = 32


class LineBuffer(wiring.Component):
    """Direct-mapped read buffer of 64-byte lines, filled critical word first.

    A hit is answered two cycles after the request is seen; a miss in the cycle of the first beat. A line with an error
    in any beat is never kept, and the access that saw the error gets ``err``.

    Parameters
    ----------
    lines : int
        Number of lines, a power of two.
    update : bool
        Whether a write updates a held line (the writer's own port) or drops it. With ``update``, ``write`` needs
        ``idle``.
    alias_bit : int
        Bit of the byte address in which two addresses of the same DRAM may differ (the protection bit). A write through
        one of them drops the line held under the other.

    Ports
    -----
    bus          : Wishbone slave; only reads arrive here. Addresses are 32-bit byte addresses.
    write        : a write of ``write_sel`` bytes of ``write_data`` at word address ``write_adr`` happens in this cycle:
                   the line is updated if held (``update``) or dropped. Idle: 0.
    drop         : all lines held are forgotten; one being filled is answered but not kept. Idle: 0.
    waiting      : a read waits for its line to be requested. Idle: 0.
    may_fill     : 1 when earlier writes have reached memory, so that a fill reads what was written.
    fill_valid, fill_ready, fill_addr : request for a line, 16-byte aligned address of the critical beat; WRAP burst of
                                        4.
    beat_valid, beat_data, beat_error, beat_last : the beats of the line, always taken.
    idle         : 1 when no line is being filled and no read is being answered.
    """

    def __init__(self, *, lines: int, alias_bit: int, update: bool):
        self._lines, self._alias_bit, self._update = lines, alias_bit, update
        word_addr_width = BYTE_ADDR_WIDTH - 2
        super().__init__(
            {
                "bus": In(wishbone.Signature(word_addr_width)),
                "write": In(1),
                "write_adr": In(word_addr_width),
                "write_data": In(32),
                "write_sel": In(4),
                "drop": In(1),
                "waiting": Out(1),
                "may_fill": In(1),
                "fill_valid": Out(1),
                "fill_ready": In(1),
                "fill_addr": Out(BYTE_ADDR_WIDTH),
                "beat_valid": In(1),
                "beat_data": In(BEAT_BITS),
                "beat_error": In(1),
                "beat_last": In(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        index_bits = exact_log2(self._lines)
        line_shift = exact_log2(LINE_BYTES // 4)
        tag_bits = BYTE_ADDR_WIDTH - 2 - line_shift - index_bits
        alias_mask = 1 << (self._alias_bit - 2 - line_shift - index_bits)

        m.submodules.store = store = memory.Memory(shape=BEAT_BITS, depth=self._lines * BEATS, init=[])
        read, write = store.read_port(), store.write_port(granularity=8)
        valid = Signal(self._lines)
        tags = Array(Signal(tag_bits, name=f"tag_{i}") for i in range(self._lines))

        def split(adr):
            return adr[2:line_shift], adr[line_shift : line_shift + index_bits], adr[line_shift + index_bits :]

        beat, index, tag = split(self.bus.adr)
        request = self.bus.cyc & self.bus.stb
        hit = Signal()
        m.d.comb += [
            hit.eq(valid.bit_select(index, 1) & (tags[index] == tag)),
            read.addr.eq(Cat(beat, index)),
            self.fill_addr.eq(Cat(C(0, 4), beat, index, tag)),
        ]

        # The line being filled outlives the request that asked for it; a write to it from then on makes the fill stale.
        fill_index = Signal(index_bits)
        fill_tag = Signal(tag_bits)
        fill_beat = Signal(2)
        fill_failed = Signal()
        fill_stale = Signal()
        word = self.bus.adr[:2]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.idle.eq(1)
                m.d.sync += [fill_failed.eq(0), fill_stale.eq(0), fill_beat.eq(beat)]
                with m.If(request & hit):
                    m.next = "HIT"
                with m.Elif(request):
                    m.d.sync += [fill_index.eq(index), fill_tag.eq(tag)]
                    m.next = "REQUEST"
            with m.State("HIT"):
                m.d.comb += [self.bus.ack.eq(1), self.bus.dat_r.eq(read.data.word_select(word, 32))]
                m.next = "IDLE"
            with m.State("REQUEST"):
                m.d.comb += [self.waiting.eq(1), self.fill_valid.eq(self.may_fill)]
                m.d.sync += valid.bit_select(index, 1).eq(0)
                m.d.sync += tags[index].eq(tag)
                with m.If(self.fill_valid & self.fill_ready):
                    m.next = "FIRST"
            with m.State("FIRST"):
                with m.If(self.beat_valid):
                    m.d.comb += [
                        self.bus.ack.eq(~self.beat_error),
                        self.bus.err.eq(self.beat_error),
                        self.bus.dat_r.eq(Mux(self.beat_error, 0, self.beat_data.word_select(word, 32))),
                    ]
                    m.next = "REST"
            with m.State("REST"):
                with m.If(self.beat_valid & self.beat_last):
                    m.next = "IDLE"

        with m.If(self.beat_valid):
            m.d.comb += [write.addr.eq(Cat(fill_beat, fill_index)), write.data.eq(self.beat_data), write.en.eq(~0)]
            m.d.sync += [fill_beat.eq(fill_beat + 1), fill_failed.eq(fill_failed | self.beat_error)]
            with m.If(self.beat_last & ~fill_failed & ~self.beat_error & ~fill_stale):
                m.d.sync += valid.bit_select(fill_index, 1).eq(1)

        w_beat, w_index, w_tag = split(self.write_adr)
        same = Signal()
        alias = Signal()
        m.d.comb += [
            same.eq(tags[w_index] == w_tag),
            alias.eq((tags[w_index] ^ w_tag) == alias_mask),
        ]
        with m.If(self.write):
            with m.If((fill_index == w_index) & ((fill_tag | alias_mask) == (w_tag | alias_mask))):
                m.d.sync += fill_stale.eq(1)
            if self._update:
                with m.If(same & valid.bit_select(w_index, 1)):
                    m.d.comb += [
                        write.addr.eq(Cat(w_beat, w_index)),
                        write.data.eq(self.write_data.replicate(4)),
                        write.en.eq(self.write_sel << Cat(C(0, 2), self.write_adr[:2])),
                    ]
                with m.If(alias):
                    m.d.sync += valid.bit_select(w_index, 1).eq(0)
            else:
                with m.If(same | alias):
                    m.d.sync += valid.bit_select(w_index, 1).eq(0)
        with m.If(self.drop):
            m.d.sync += [valid.eq(0), fill_stale.eq(1)]
        return m


def line_fill_request(port) -> list:
    """Give the constant fields of a read address channel that asks for one line as a WRAP burst."""
    return [
        port.arlen.eq(BEATS - 1),
        port.arsize.eq(exact_log2(BEAT_BYTES)),
        port.arburst.eq(axi4.Burst.WRAP),
    ]
