# SPDX-License-Identifier: Apache-2.0
"""From the hart's Wishbone ports to a line-oriented AXI4 memory path. The last-level cache will stand here."""

from amaranth import *
from amaranth.lib import fifo, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from . import axi4, wishbone
from .line_buffer import BEAT_BYTES, BYTE_ADDR_WIDTH, LineBuffer, line_fill_request

INSTR_ID, DATA_ID = 0, 1
"""AXI identifiers of the two readers."""


class LinePort(wiring.Component):
    """Two Wishbone slaves on one AXI4 master: line buffers for reads, a queue of posted writes.

    A write is acknowledged when it enters the queue and goes out as one strobed beat. A line is fetched only when every
    earlier write has been answered by memory, hence reads always see earlier writes. Only the data port writes.

    Parameters
    ----------
    instr_lines, data_lines : int
        Lines of 64 bytes buffered for each port, powers of two.
    alias_bit : int
        Position of the protection bit: addresses that differ in it name the same DRAM.
    write_depth : int
        Writes that may wait or be under way, a power of two.

    Ports
    -----
    instr, data : Wishbone slaves, 32-bit byte addresses, decoded to DRAM before.
    mem         : AXI4 master, 128-bit; reads are WRAP bursts of one line, writes single beats, ``id`` 0 fetch and 1
                  data.
    line_fill, line_write : 1 for the cycle in which a read or a write request is handed to ``mem``. Idle: 0.
    write_error : 1 for the cycle in which memory answers a posted write with an error. Idle: 0.
    """

    def __init__(self, *, instr_lines: int, data_lines: int, alias_bit: int, write_depth: int = 8):
        self._instr_lines, self._data_lines, self._alias_bit = instr_lines, data_lines, alias_bit
        self._write_depth = write_depth
        port = In(wishbone.Signature(BYTE_ADDR_WIDTH - 2))
        super().__init__(
            {
                "instr": port,
                "data": port,
                "mem": Out(axi4.Signature(BYTE_ADDR_WIDTH, 8 * BEAT_BYTES)),
                "line_fill": Out(1),
                "line_write": Out(1),
                "write_error": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        buffers = {
            INSTR_ID: LineBuffer(lines=self._instr_lines, alias_bit=self._alias_bit, update=False),
            DATA_ID: LineBuffer(lines=self._data_lines, alias_bit=self._alias_bit, update=True),
        }
        m.submodules.instr_buffer, m.submodules.data_buffer = buffers[INSTR_ID], buffers[DATA_ID]
        for ident, port in ((INSTR_ID, self.instr), (DATA_ID, self.data)):
            bus = buffers[ident].bus
            m.d.comb += [bus.cyc.eq(port.cyc), bus.stb.eq(port.stb & ~port.we), bus.adr.eq(port.adr)]
            m.d.comb += [port.ack.eq(bus.ack), port.err.eq(bus.err), port.dat_r.eq(bus.dat_r)]
        with m.If(self.instr.we):
            m.d.comb += self.instr.err.eq(self.instr.cyc & self.instr.stb)

        accepted = self._writes(m, buffers[DATA_ID].idle)
        for buffer in buffers.values():
            m.d.comb += [
                buffer.write.eq(accepted),
                buffer.write_adr.eq(self.data.adr),
                buffer.write_data.eq(self.data.dat_w),
                buffer.write_sel.eq(self.data.sel),
                buffer.may_fill.eq(self._pending == 0),
            ]
        self._reads(m, buffers)
        return m

    def _writes(self, m: Module, data_idle) -> Signal:
        """Queue writes of the data port; return the strobe "a write is accepted in this cycle"."""
        mem = self.mem
        queue = fifo.SyncFIFOBuffered(width=BYTE_ADDR_WIDTH - 2 + 32 + 4, depth=self._write_depth)
        m.submodules.write_queue = queue
        self._pending = pending = Signal(range(self._write_depth + 1))
        accepted = Signal()
        answered = mem.bvalid & mem.bready
        m.d.comb += [
            accepted.eq(self.data.cyc & self.data.stb & self.data.we & data_idle & (pending != self._write_depth)),
            queue.w_en.eq(accepted),
            queue.w_data.eq(Cat(self.data.adr, self.data.dat_w, self.data.sel)),
            mem.bready.eq(1),
            self.write_error.eq(answered & mem.bresp[1]),
        ]
        with m.If(accepted):
            m.d.comb += self.data.ack.eq(1)
        m.d.sync += pending.eq(pending + accepted - answered)

        word, adr, data, sel = (
            queue.r_data[:2],
            queue.r_data[: BYTE_ADDR_WIDTH - 2],
            queue.r_data[BYTE_ADDR_WIDTH - 2 :][:32],
            queue.r_data[-4:],
        )
        aw_done, w_done = Signal(), Signal()
        m.d.comb += [
            mem.awvalid.eq(queue.r_rdy & ~aw_done),
            mem.awid.eq(DATA_ID),
            mem.awaddr.eq(Cat(C(0, 4), adr[2:])),
            mem.awlen.eq(0),
            mem.awsize.eq(exact_log2(BEAT_BYTES)),
            mem.awburst.eq(axi4.Burst.INCR),
            mem.wvalid.eq(queue.r_rdy & ~w_done),
            mem.wdata.eq(data.replicate(4)),
            mem.wstrb.eq(sel << Cat(C(0, 2), word)),
            mem.wlast.eq(1),
            self.line_write.eq(mem.awvalid & mem.awready),
        ]
        aw_now, w_now = aw_done | (mem.awvalid & mem.awready), w_done | (mem.wvalid & mem.wready)
        m.d.comb += queue.r_en.eq(queue.r_rdy & aw_now & w_now)
        with m.If(queue.r_rdy):
            m.d.sync += [aw_done.eq(aw_now & ~w_now), w_done.eq(w_now & ~aw_now)]
        return accepted

    def _reads(self, m: Module, buffers: dict[int, LineBuffer]) -> None:
        """Share the read channels: one address register, answers told apart by ``rid``."""
        mem = self.mem
        m.d.comb += [mem.rready.eq(1), *line_fill_request(mem), self.line_fill.eq(mem.arvalid & mem.arready)]
        with m.If(~mem.arvalid | mem.arready):
            m.d.sync += mem.arvalid.eq(0)
            with m.If(buffers[DATA_ID].fill_valid):
                self._take(m, buffers[DATA_ID], DATA_ID)
            with m.Elif(buffers[INSTR_ID].fill_valid):
                self._take(m, buffers[INSTR_ID], INSTR_ID)
        for ident, buffer in buffers.items():
            m.d.comb += [
                buffer.beat_valid.eq(mem.rvalid & (mem.rid == ident)),
                buffer.beat_data.eq(mem.rdata),
                buffer.beat_error.eq(mem.rresp[1]),
                buffer.beat_last.eq(mem.rlast),
            ]

    def _take(self, m: Module, buffer: LineBuffer, ident: int) -> None:
        m.d.comb += buffer.fill_ready.eq(1)
        m.d.sync += [self.mem.arvalid.eq(1), self.mem.araddr.eq(buffer.fill_addr), self.mem.arid.eq(ident)]
