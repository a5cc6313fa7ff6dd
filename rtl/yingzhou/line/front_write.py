# SPDX-License-Identifier: Apache-2.0
"""The write half of Front: beats to line operations, completions to answers."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from yingzhou.bus import axi4
from yingzhou.errors import power_of_two, require
from yingzhou.geometry import BEAT_BITS, BEAT_BYTES, LINE_BITS, LINE_BYTES, LineSpace

from .chunks import BurstQueue, address, beats_to_end, next_line, next_offset
from .signature import line_op


def write_beat() -> data.StructLayout:
    """Payload of AXI's W channel. Beats are counted by the length of the burst; WLAST is not looked at."""
    return data.StructLayout({"data": BEAT_BITS, "strb": BEAT_BYTES})


def write_answer(config: LineSpace) -> data.StructLayout:
    """Payload of AXI's B channel."""
    return data.StructLayout({"id": config.id_width, "resp": axi4.Resp})


class FrontWrite(wiring.Component):
    """Writes. The beats of a chunk are gathered into a line and go out as one operation; later beats win.

    A beat a cycle, whatever the chunks are: one line is gathered while another waits to leave. The operation leaves one
    cycle after the chunk's last beat. Bursts are answered in their order, two cycles after the last of their chunks was
    done; SLVERR when any chunk failed.

    Parameters
    ----------
    config : LineSpace
    tag_bits : int
        Width of the tag of an operation in bits.
    bursts : int
        Bursts whose data is taken and whose answer is not yet on its way, a power of two from 2.

    Ports
    -----
    aw   : stream of addresses. ``ready`` comes from a register.
    w    : stream of beats, taken only when their address was. ``ready`` comes from registers.
    op   : stream of line operations, all of them writes, in the order of the bursts. Bytes without a strobe are
           arbitrary. Of ``tag`` only the bits that name a burst are used.
    done : pulse, an operation is complete, in any order; ``done_tag``, ``done_error``.
    b    : stream of answers.
    """

    def __init__(self, config: LineSpace, tag_bits: int, bursts: int = 8):
        require(2 <= bursts <= 64 and power_of_two(bursts), f"bursts is {bursts}; accepted are powers of two, 2 to 64")
        self._config, self._bursts = config, bursts
        super().__init__(
            {
                "aw": In(stream.Signature(address(config))),
                "w": In(stream.Signature(write_beat())),
                "op": Out(stream.Signature(line_op(config, tag_bits))),
                "done": In(1),
                "done_tag": In(tag_bits),
                "done_error": In(1),
                "b": Out(stream.Signature(write_answer(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = BurstQueue(self._config)
        wiring.connect(m, wiring.flipped(self.aw), queue.i)
        self._burst_bits = exact_log2(self._bursts)
        self._queue = queue
        # The burst that is being gathered has number ``gathering``; it needs an entry of the table of bursts.
        self._gathering, self._room = Signal(self._burst_bits), Signal()
        self._chunk_ends, self._burst_ends = Signal(), Signal()
        self._gather(m)
        self._answers(m)
        return m

    def _gather(self, m: Module) -> None:
        now, queue = self._queue.burst, self._queue
        gathered = data.StructLayout(
            {
                "id": self._config.id_width,
                "outside": 1,
                "line": self._config.line_bits,
                "burst": self._burst_bits,
                "data": LINE_BITS,
                "strobe": LINE_BYTES,
            }
        )
        lines = [Signal(gathered, name=f"line_{n}") for n in range(2)]
        full = Signal(2)
        filling, leaving, begun = Signal(), Signal(), Signal()
        beat = self.w.valid & self.w.ready
        last, ends = Signal(), Signal()
        incr = now.kind == axi4.Burst.INCR
        m.d.comb += [
            self.w.ready.eq(queue.valid & self._room & ~full.bit_select(filling, 1)),
            last.eq(now.left == 0),
            ends.eq(last | (incr & (beats_to_end(now.offset, now.size) == 0))),
            self._chunk_ends.eq(beat & ends),
            self._burst_ends.eq(beat & last),
            queue.advance.eq(beat),
            queue.ended.eq(last),
            queue.rest.eq(now),
            queue.rest.left.eq(now.left - 1),
            queue.rest.offset.eq(next_offset(now.offset, now.size, now.span)),
        ]
        with m.If(ends):
            m.d.comb += queue.rest.line.eq(next_line(now))
        strobe = Signal(LINE_BYTES)
        m.d.comb += strobe.word_select(now.offset[4:], BEAT_BYTES).eq(self.w.p.strb)
        for n, line in enumerate(lines):
            with m.If(beat & (filling == n)):
                m.d.sync += [
                    line.id.eq(now.id),
                    line.outside.eq(now.outside),
                    line.line.eq(now.line),
                    line.burst.eq(self._gathering),
                    line.strobe.eq(Mux(begun, line.strobe, 0) | strobe),
                ]
                for byte in range(LINE_BYTES):
                    with m.If(strobe[byte]):
                        m.d.sync += line.data[8 * byte :][:8].eq(self.w.p.data.word_select(byte % BEAT_BYTES, 8))
        with m.If(beat):
            m.d.sync += begun.eq(~ends)
        with m.If(self._chunk_ends):
            m.d.sync += [full.bit_select(filling, 1).eq(1), filling.eq(~filling)]

        out = Signal(gathered)
        m.d.comb += [
            out.eq(Mux(leaving, lines[1], lines[0])),
            self.op.valid.eq(full.bit_select(leaving, 1)),
            self.op.p.write.eq(1),
            self.op.p.id.eq(out.id),
            self.op.p.outside.eq(out.outside),
            self.op.p.line.eq(out.line),
            self.op.p.data.eq(out.data),
            self.op.p.strobe.eq(out.strobe),
            self.op.p.tag.eq(out.burst),
        ]
        with m.If(self.op.valid & self.op.ready):
            m.d.sync += [full.bit_select(leaving, 1).eq(0), leaving.eq(~leaving)]

    def _answers(self, m: Module) -> None:
        # Entries from ``oldest`` up to before ``gathering`` are bursts with all their beats taken.
        closed, oldest = Signal(range(self._bursts + 1)), Signal(self._burst_bits)
        # At most 65 chunks a burst: 4 KiB from an unaligned address.
        pending = [Signal(7, name=f"pending_{n}") for n in range(self._bursts)]
        failed = Signal(self._bursts)
        idents = Array(Signal(self._config.id_width, name=f"id_{n}") for n in range(self._bursts))
        answer = Signal()
        done_burst = self.done_tag[: self._burst_bits]
        m.d.comb += [
            self._room.eq(closed != self._bursts),
            answer.eq((closed != 0) & (Array(pending)[oldest] == 0) & (~self.b.valid | self.b.ready)),
        ]
        m.d.sync += closed.eq(closed + self._burst_ends - answer)
        with m.If(self._burst_ends):
            m.d.sync += [self._gathering.eq(self._gathering + 1), idents[self._gathering].eq(self._queue.burst.id)]
        with m.If(self.b.ready):
            m.d.sync += self.b.valid.eq(0)
        with m.If(answer):
            m.d.sync += [
                self.b.valid.eq(1),
                self.b.p.id.eq(idents[oldest]),
                self.b.p.resp.eq(Mux(failed.bit_select(oldest, 1), axi4.Resp.SLVERR, axi4.Resp.OKAY)),
                failed.bit_select(oldest, 1).eq(0),
                oldest.eq(oldest + 1),
            ]
        for n, count in enumerate(pending):
            more = self._chunk_ends & (self._gathering == n)
            less = self.done & (done_burst == n)
            m.d.sync += count.eq(count + more - less)
            with m.If(less & self.done_error):
                m.d.sync += failed[n].eq(1)
