# SPDX-License-Identifier: Apache-2.0
"""AXI4 slave in front of the line engine."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.bus import axi4
from yingzhou.geometry import BEAT_BITS, LineSpace

from .front_read import FrontRead
from .front_write import FrontWrite
from .signature import TAG_BITS_FOR_READ, LineOps


class Front(wiring.Component):
    """Turns every burst of AXI4 (Arm IHI 0022H, chapter A3) into operations on lines, and their answers back.

    All burst types, lengths and sizes up to 16 bytes, unaligned starts, any strobes; what AXI4 forbids is answered too
    (see ``chunks.Decode``). Consecutive beats in one line are one operation. Reads and writes take turns when both have
    one; nothing orders them among each other but the order in which the operations leave. Every ready and valid of
    ``s_axi`` comes from registers, so no path leads from an input to an output of it.

    Timing: AR to operation 1 cycle, answer to first beat 1, then a beat a cycle; last beat of a chunk to operation 1,
    a line of four beats every 4 cycles; last completion to B 2.

    Parameters
    ----------
    config : LineSpace
        ``protection_bit`` is not part of an address; an address that is otherwise not in memory is ``outside``.
    write_bursts : int
        Write bursts under way, a power of two from 2 to 64.

    Ports
    -----
    s_axi : AXI4 slave, 128-bit data. Read data of different identifiers may interleave between lines.
    lines : operations on lines. ``tag`` of a read is a ``chunks.Tag``, of a write the number of its burst.
    """

    def __init__(self, config: LineSpace, write_bursts: int = 8):
        self._write = FrontWrite(config, TAG_BITS_FOR_READ, write_bursts)
        self._read = FrontRead(config, TAG_BITS_FOR_READ)
        super().__init__(
            {
                "s_axi": In(axi4.Signature(config.addr_width, BEAT_BITS, config.id_width)),
                "lines": Out(LineOps(config, TAG_BITS_FOR_READ)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        axi, lines = self.s_axi, self.lines
        m.submodules.read, m.submodules.write = read, write = self._read, self._write
        for half, port in (("ar", read.ar), ("aw", write.aw)):
            for name in ("id", "addr", "len", "size", "burst"):
                m.d.comb += port.p[name].eq(getattr(axi, half + name))
            m.d.comb += [port.valid.eq(getattr(axi, half + "valid")), getattr(axi, half + "ready").eq(port.ready)]
        m.d.comb += [
            write.w.valid.eq(axi.wvalid),
            axi.wready.eq(write.w.ready),
            write.w.p.data.eq(axi.wdata),
            write.w.p.strb.eq(axi.wstrb),
            axi.bvalid.eq(write.b.valid),
            write.b.ready.eq(axi.bready),
            axi.bid.eq(write.b.p.id),
            axi.bresp.eq(write.b.p.resp),
            axi.rvalid.eq(read.r.valid),
            read.r.ready.eq(axi.rready),
            axi.rid.eq(read.r.p.id),
            axi.rdata.eq(read.r.p.data),
            axi.rresp.eq(read.r.p.resp),
            axi.rlast.eq(read.r.p.last),
            write.done.eq(lines.write_done),
            write.done_tag.eq(lines.write_tag),
            write.done_error.eq(lines.write_error),
        ]
        wiring.connect(m, read.answer, wiring.flipped(lines.read))
        self._take_turns(m, read.op, write.op)
        return m

    def _take_turns(self, m: Module, read, write) -> None:
        """Let one of two streams of operations through; one that was offered stays until it is taken."""
        op = self.lines.op
        offered, offered_write, last_write = Signal(), Signal(), Signal()
        use_write = Signal()
        m.d.comb += [
            use_write.eq(Mux(offered, offered_write, write.valid & ~(read.valid & last_write))),
            op.valid.eq(read.valid | write.valid),
            op.p.eq(Mux(use_write, write.p, read.p)),
            read.ready.eq(op.ready & ~use_write),
            write.ready.eq(op.ready & use_write),
        ]
        m.d.sync += [offered.eq(op.valid & ~op.ready), offered_write.eq(use_write)]
        with m.If(op.valid & op.ready):
            m.d.sync += last_write.eq(use_write)
