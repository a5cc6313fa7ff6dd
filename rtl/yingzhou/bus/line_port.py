# SPDX-License-Identifier: Apache-2.0
"""From the hart's Wishbone ports to a line-oriented AXI4 memory path. The last-level cache will stand here."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import BEAT_BITS, LINE_LOG

from . import axi4, wishbone
from .line_buffer import BYTE_ADDR_WIDTH, LineBuffer, line_fill_request
from .write_gather import LINE_ADDR_WIDTH, WriteGather

INSTR_ID, DATA_ID = 0, 1
"""AXI identifiers of the two readers."""


class LinePort(wiring.Component):
    """Two Wishbone slaves on one AXI4 master: line buffers for reads, posted writes gathered by line.

    A write is acknowledged when :class:`WriteGather` takes it. A line is fetched only when every write that has left
    for memory is answered and the line is not the one being gathered, hence reads always see earlier writes. Only the
    data port writes. When memory refuses a write, all buffered lines are dropped: what they hold may not be in memory.

    Parameters
    ----------
    instr_lines, data_lines : int
        Lines of 64 bytes buffered for each port, powers of two.
    alias_bit : int
        Position of the protection bit: addresses that differ in it name the same DRAM.
    write_depth : int
        Writes that may be under way, a power of two.

    Ports
    -----
    instr, data : Wishbone slaves, 32-bit byte addresses, decoded to DRAM before.
    mem         : AXI4 master, 128-bit; reads are WRAP bursts of one line, writes INCR bursts inside one line, ``id`` 0
                  fetch and 1 data.
    drain       : all writes are to reach memory now. Idle: 0.
    drained     : no write is held or unanswered.
    line_fill, line_write : 1 for the cycle in which a read or a write request is handed to ``mem``. Idle: 0.
    write_error : 1 for the cycle in which memory answers a posted write with an error. Idle: 0.
    write_error_line : line address (byte address / 64) of that write.
    """

    def __init__(self, *, instr_lines: int, data_lines: int, alias_bit: int, write_depth: int = 8):
        self._instr_lines, self._data_lines, self._alias_bit = instr_lines, data_lines, alias_bit
        self._write_depth = write_depth
        port = In(wishbone.Signature(BYTE_ADDR_WIDTH - 2))
        super().__init__(
            {
                "instr": port,
                "data": port,
                "mem": Out(axi4.Signature(BYTE_ADDR_WIDTH, BEAT_BITS)),
                "drain": In(1),
                "drained": Out(1),
                "line_fill": Out(1),
                "line_write": Out(1),
                "write_error": Out(1),
                "write_error_line": Out(LINE_ADDR_WIDTH),
            }
        )

    def elaborate(self, platform):
        m = Module()
        buffers = {
            INSTR_ID: LineBuffer(lines=self._instr_lines, alias_bit=self._alias_bit, update=False),
            DATA_ID: LineBuffer(lines=self._data_lines, alias_bit=self._alias_bit, update=True),
        }
        m.submodules.instr_buffer, m.submodules.data_buffer = buffers[INSTR_ID], buffers[DATA_ID]
        m.submodules.gather = gather = WriteGather(alias_bit=self._alias_bit, depth=self._write_depth)
        for ident, port in ((INSTR_ID, self.instr), (DATA_ID, self.data)):
            bus = buffers[ident].bus
            m.d.comb += [bus.cyc.eq(port.cyc), bus.stb.eq(port.stb & ~port.we), bus.adr.eq(port.adr)]
            m.d.comb += [port.ack.eq(bus.ack), port.err.eq(bus.err), port.dat_r.eq(bus.dat_r)]
        with m.If(self.instr.we):
            m.d.comb += self.instr.err.eq(self.instr.cyc & self.instr.stb)

        self._writes(m, gather, buffers)
        self._reads(m, buffers)
        return m

    def _writes(self, m: Module, gather: WriteGather, buffers: dict[int, LineBuffer]) -> None:
        """Give writes of the data port to ``gather``; keep the buffers in step with them."""
        mem = self.mem
        m.d.comb += [
            gather.store.eq(self.data.cyc & self.data.stb & self.data.we & buffers[DATA_ID].idle),
            gather.adr.eq(self.data.adr),
            gather.data.eq(self.data.dat_w),
            gather.sel.eq(self.data.sel),
            gather.ident.eq(DATA_ID),
            gather.busy.eq(Cat(~buffer.idle for buffer in buffers.values()).any()),
            gather.drain.eq(self.drain),
            self.drained.eq(~gather.open & ~gather.under_way),
            self.line_write.eq(gather.sent),
            self.write_error.eq(gather.failed),
            self.write_error_line.eq(gather.failed_line),
        ]
        for name, member in mem.signature.members.items():
            if name.startswith(("aw", "w", "b")):
                outside, inside = getattr(mem, name), getattr(gather, f"mem_{name}")
                m.d.comb += outside.eq(inside) if member.flow == Out else inside.eq(outside)
        with m.If(gather.taken):
            m.d.comb += self.data.ack.eq(1)

        window = 1 << (self._alias_bit - LINE_LOG)
        for ident, buffer in buffers.items():
            held = Signal(name=f"held_{ident}")
            m.d.comb += [
                held.eq(gather.open & ((gather.line | window) == (buffer.fill_addr[LINE_LOG:] | window))),
                buffer.may_fill.eq(~gather.under_way & ~held),
                buffer.drop.eq(gather.failed),
                buffer.write.eq(gather.taken),
                buffer.write_adr.eq(self.data.adr),
                buffer.write_data.eq(self.data.dat_w),
                buffer.write_sel.eq(self.data.sel),
            ]
            with m.If(buffer.waiting & held):
                m.d.comb += gather.conflict.eq(1)

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
