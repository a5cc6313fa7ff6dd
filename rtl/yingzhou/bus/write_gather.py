# SPDX-License-Identifier: Apache-2.0
"""Posted stores gathered by line: the write half of the line port."""

from amaranth import *
from amaranth.lib import fifo, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from yingzhou.geometry import BEAT_BITS, BEAT_BYTES, BEATS, LINE_BYTES, LINE_LOG

from . import axi4
from .line_buffer import BYTE_ADDR_WIDTH

WORDS = LINE_BYTES // 4
WORDS_PER_BEAT = BEAT_BYTES // 4
LINE_ADDR_WIDTH = BYTE_ADDR_WIDTH - LINE_LOG
_WRITE_CHANNELS = {
    name: member
    for name, member in axi4.Signature(BYTE_ADDR_WIDTH, BEAT_BITS).members.items()
    if name.startswith(("aw", "w", "b"))
}


class WriteGather(wiring.Component):
    """Gathers consecutive stores to one line and sends each line as one burst with strobes.

    A store is taken into the open line, or it closes the open line and opens its own. The open line leaves when it is
    complete, when a store to another line comes, on ``drain``, when ``conflict`` says that somebody waits for it, or
    after ``idle_cycles`` in a row in which nothing happened. So stores that fill a line, with neither loads of that
    line nor device accesses between them, leave as one full-line write whatever else is fetched or loaded meanwhile. A
    memory that encrypts whole lines need not read such a line first, and the monitor's zeroing of pages relies on it.

    Bursts under way at the same time are all of one window, so writes to one DRAM line stay in order in whatever stands
    behind the port.

    Parameters
    ----------
    alias_bit : int
        Position of the protection bit in byte addresses.
    depth : int
        Bursts that may be under way, a power of two.
    idle_cycles : int
        The open line leaves after this many cycles without a store or ``busy``.

    Ports
    -----
    store       : a store is offered. Idle: 0.
    adr, data, sel : its word address, data and byte lanes. Valid with ``store``.
    taken       : the offered store is taken in this cycle.
    busy        : 1 while a line is being fetched: the idle time begins anew.
    conflict    : the open line must leave: a fetch of ``line`` waits for it.
    drain       : the open line must leave.
    open        : a line is open; ``line`` is its line address (byte address / 64).
    under_way   : bursts are on their way or unanswered.
    mem_*       : write channels of an AXI4 master; INCR bursts inside one line, one identifier.
    ident       : the identifier to use.
    sent        : 1 for the cycle in which a burst's address is taken. Idle: 0.
    failed      : 1 for the cycle in which memory answers a burst with an error; ``failed_line`` is its line address.
    """

    def __init__(self, *, alias_bit: int, depth: int = 8, idle_cycles: int = 64):
        self._window_bit = alias_bit - LINE_LOG
        self._depth, self._idle_cycles = depth, idle_cycles
        super().__init__(
            {
                "store": In(1),
                "adr": In(BYTE_ADDR_WIDTH - 2),
                "data": In(32),
                "sel": In(4),
                "taken": Out(1),
                "busy": In(1),
                "conflict": In(1),
                "drain": In(1),
                "open": Out(1),
                "line": Out(LINE_ADDR_WIDTH),
                "under_way": Out(1),
                **{f"mem_{name}": member for name, member in _WRITE_CHANNELS.items()},
                "ident": In(1),
                "sent": Out(1),
                "failed": Out(1),
                "failed_line": Out(LINE_ADDR_WIDTH),
            }
        )

    def elaborate(self, platform):
        m = Module()
        words = [Signal(32, name=f"word_{i}") for i in range(WORDS)]
        strobes = [Signal(4, name=f"strobes_{i}") for i in range(WORDS)]
        sending, leave, same = Signal(), Signal(), Signal()
        self._pending = Signal(range(self._depth + 1))
        self._window = Signal()
        place, line = self.adr[: exact_log2(WORDS)], self.adr[exact_log2(WORDS) :]
        idle = Signal(range(self._idle_cycles + 1))
        window = self.line[self._window_bit]
        wanted = Signal()
        m.d.comb += [
            same.eq(self.line == line),
            wanted.eq(
                Cat(*strobes).all() | (self.store & ~same) | self.conflict | self.drain | (idle == self._idle_cycles)
            ),
            leave.eq(
                self.open
                & wanted
                & ~sending
                & (self._pending != self._depth)
                & ((self._pending == 0) | (self._window == window))
            ),
            self.taken.eq(self.store & (~self.open | same | leave)),
            self.under_way.eq(sending | (self._pending != 0)),
        ]
        with m.If(self.store | self.busy):
            m.d.sync += idle.eq(0)
        with m.Elif(idle != self._idle_cycles):
            m.d.sync += idle.eq(idle + 1)
        with m.If(leave):
            m.d.sync += self.open.eq(0)
            for strobe in strobes:
                m.d.sync += strobe.eq(0)
        with m.If(self.taken):
            m.d.sync += [self.open.eq(1), self.line.eq(line)]
        for i in range(WORDS):
            with m.If(self.taken & (place == i)):
                m.d.sync += strobes[i].eq(Mux(leave, 0, strobes[i]) | self.sel)
                for lane in range(4):
                    with m.If(self.sel[lane]):
                        m.d.sync += words[i].word_select(lane, 8).eq(self.data.word_select(lane, 8))
        self._send(m, Cat(*words), Cat(*strobes), leave, sending)
        return m

    def _send(self, m: Module, words: Value, strobes: Value, leave: Signal, sending: Signal) -> None:
        """Send the line that left, from a copy, from its first beat with a strobe to its last."""
        data, strobe = Signal(8 * LINE_BYTES), Signal(LINE_BYTES)
        line = Signal(LINE_ADDR_WIDTH)
        beat, first, last = Signal(2), Signal(2), Signal(2)
        address_done, data_done = Signal(), Signal()
        used = Cat(strobes.word_select(i, BEAT_BYTES).any() for i in range(BEATS))
        new_first, new_last = Signal(2), Signal(2)
        for i in range(BEATS):
            with m.If(used[i]):
                m.d.comb += new_last.eq(i)
            with m.If(used[BEATS - 1 - i]):
                m.d.comb += new_first.eq(BEATS - 1 - i)

        address_now = address_done | (self.mem_awvalid & self.mem_awready)
        data_now = data_done | (self.mem_wvalid & self.mem_wready & self.mem_wlast)
        m.d.comb += [
            self.mem_awvalid.eq(sending & ~address_done),
            self.mem_awid.eq(self.ident),
            self.mem_awaddr.eq(Cat(C(0, exact_log2(BEAT_BYTES)), first, line)),
            self.mem_awlen.eq(last - first),
            self.mem_awsize.eq(exact_log2(BEAT_BYTES)),
            self.mem_awburst.eq(axi4.Burst.INCR),
            self.mem_wvalid.eq(sending & ~data_done),
            self.mem_wdata.eq(data.word_select(beat, BEAT_BITS)),
            self.mem_wstrb.eq(strobe.word_select(beat, BEAT_BYTES)),
            self.mem_wlast.eq(beat == last),
            self.mem_bready.eq(1),
            self.sent.eq(self.mem_awvalid & self.mem_awready),
        ]
        with m.If(leave):
            m.d.sync += [
                sending.eq(1),
                address_done.eq(0),
                data_done.eq(0),
                line.eq(self.line),
                data.eq(words),
                strobe.eq(strobes),
                first.eq(new_first),
                beat.eq(new_first),
                last.eq(new_last),
                self._window.eq(self.line[self._window_bit]),
            ]
        with m.Elif(sending):
            m.d.sync += [sending.eq(~(address_now & data_now)), address_done.eq(address_now), data_done.eq(data_now)]
            with m.If(self.mem_wvalid & self.mem_wready):
                m.d.sync += beat.eq(beat + 1)

        # Answers to one identifier come in order, so the oldest line is the one that is answered.
        m.submodules.lines = lines = fifo.SyncFIFOBuffered(width=LINE_ADDR_WIDTH, depth=self._depth)
        answered = self.mem_bvalid & self.mem_bready
        m.d.comb += [
            lines.w_en.eq(leave),
            lines.w_data.eq(self.line),
            lines.r_en.eq(answered),
            self.failed.eq(answered & self.mem_bresp[1]),
            self.failed_line.eq(lines.r_data),
        ]
        m.d.sync += self._pending.eq(self._pending + leave - answered)
