# SPDX-License-Identifier: Apache-2.0
"""Whole lines from several clients to one AXI4 master."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from yingzhou.bus import axi4
from yingzhou.errors import power_of_two, require
from yingzhou.geometry import BEAT_BITS, BEAT_BYTES, BEATS, LINE_BITS, LINE_LOG, LineSpace
from yingzhou.parts.stream_buffer import StreamBuffer

from .signature import MemoryClient

BEAT_SIZE = exact_log2(BEAT_BYTES)


class MemoryPort(wiring.Component):
    """Reads and writes of lines as INCR bursts of four beats, all with identifier 0 (Arm IHI 0022H, chapter A3).

    The last client goes first, then the one before it, and so on. A read of a line that is being written waits, before
    it is accepted, until memory has answered the write; reads of other clients pass it. A read and a write of one line
    accepted in the same cycle have no order, nor has a write accepted while a read of its line is under way.

    An answer that AXI4 does not allow (RLAST at another beat than the fourth, another identifier, a beat or a B that
    nobody asked for) means that answers can no longer be told apart. From then until reset every read is answered with
    errors and zeros, one beat a cycle without waiting for memory, and every write with an error.

    Timing: read accepted to ARVALID 1 cycle, R beat to client 0; write accepted to AWVALID and WVALID 1 cycle, B to
    client 0. A line every 4 cycles each way.

    Parameters
    ----------
    config : LineSpace
    clients : int
        Number of clients, at least 1.
    reads, writes : int
        Lines under way each way, powers of two from 2.

    Ports
    -----
    client* : the clients, numbered from 0. ``beat_data`` with ``beat_error`` is what memory answered, or zeros once
              answers can no longer be told apart.
    m_axi   : AXI4 master, 128-bit data. ``rready`` and ``bready`` are always 1.
    """

    def __init__(self, config: LineSpace, clients: int, reads: int = 32, writes: int = 8):
        require(clients >= 1, f"clients is {clients}; accepted are 1 and more")
        for name, value in (("reads", reads), ("writes", writes)):
            require(
                2 <= value <= 256 and power_of_two(value),
                f"{name} is {value}; accepted are powers of two, 2 to 256",
            )
        self._config, self._clients, self._reads, self._writes = config, clients, reads, writes
        super().__init__(
            {
                **{f"client{n}": In(MemoryClient(config)) for n in range(clients)},
                "m_axi": Out(axi4.Signature(config.addr_width, BEAT_BITS, config.id_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._users = [getattr(self, f"client{n}") for n in range(self._clients)]
        self._broken = broken = Signal()
        self._bad_beat, self._bad_b = Signal(), Signal()
        with m.If(self._bad_beat | self._bad_b):
            m.d.sync += broken.eq(1)
        # The lines that are being written, in a ring: memory answers in order.
        self._writing = Signal(self._writes)
        self._written_lines = [Signal(self._config.line_bits, name=f"written_line_{n}") for n in range(self._writes)]
        self._read_requests(m)
        self._read_answers(m)
        self._write_requests(m)
        self._write_answers(m)
        return m

    def _address(self, line) -> Value:
        """Return the byte address of a line."""
        below = LINE_LOG + self._config.line_bits
        return Cat(C(0, LINE_LOG), line, C(self._config.memory_base >> below, self._config.addr_width - below))

    def _channel(self, m: Module, half: str) -> StreamBuffer:
        """Make an address channel; return the buffer that takes line numbers for it."""
        axi = self.m_axi
        m.submodules[half] = channel = StreamBuffer(self._config.line_bits)
        values = {"id": 0, "len": BEATS - 1, "size": BEAT_SIZE, "burst": axi4.Burst.INCR}
        m.d.comb += [getattr(axi, half + name).eq(value) for name, value in values.items()]
        m.d.comb += [
            getattr(axi, half + "valid").eq(channel.o.valid),
            getattr(axi, half + "addr").eq(self._address(channel.o.p)),
            channel.o.ready.eq(getattr(axi, half + "ready")),
        ]
        return channel

    def _read_requests(self, m: Module) -> None:
        ar = self._channel(m, "ar")
        # Whose the lines under way are, in the order of the answers.
        self._readers = Array(Signal(range(max(2, self._clients)), name=f"reader_{n}") for n in range(self._reads))
        self._reads_left, newest = Signal(range(self._reads + 1)), Signal(range(self._reads))
        self._read_done = Signal()
        free = (self._reads_left != self._reads) & (ar.i.ready | self._broken)
        wanted, hazard = Signal(self._clients), Signal(self._clients)
        for n, client in enumerate(self._users):
            same = [line == client.read.p for line in self._written_lines]
            m.d.comb += [
                hazard[n].eq((self._writing & Cat(same)).any()),
                wanted[n].eq(client.read.valid & ~hazard[n]),
                client.read.ready.eq(free & wanted[n] & ~wanted[n + 1 :].any()),
            ]
            # A later client overrides those before it.
            with m.If(wanted[n]):
                m.d.comb += ar.i.p.eq(client.read.p)
                with m.If(free):
                    m.d.sync += self._readers[newest].eq(n)
        accepted = free & wanted.any()
        m.d.comb += ar.i.valid.eq(accepted & ~self._broken)
        m.d.sync += [
            newest.eq(newest + accepted),
            self._reads_left.eq(self._reads_left + accepted - self._read_done),
        ]

    def _read_answers(self, m: Module) -> None:
        axi, broken = self.m_axi, self._broken
        oldest, index = Signal(range(self._reads)), Signal(range(BEATS))
        beat, error = Signal(), Signal()
        asked = self._reads_left != 0
        m.d.comb += [
            axi.rready.eq(1),
            self._bad_beat.eq(axi.rvalid & (~asked | (axi.rid != 0) | (axi.rlast != (index == BEATS - 1)))),
            beat.eq(asked & (axi.rvalid | broken)),
            error.eq(broken | self._bad_beat | (axi.rresp != axi4.Resp.OKAY)),
            self._read_done.eq(beat & (index == BEATS - 1)),
        ]
        m.d.sync += [index.eq(index + beat), oldest.eq(oldest + self._read_done)]
        for n, client in enumerate(self._users):
            m.d.comb += [
                client.beat.eq(beat & (self._readers[oldest] == n)),
                client.beat_index.eq(index),
                client.beat_data.eq(Mux(broken, 0, axi.rdata)),
                client.beat_error.eq(error),
            ]

    def _write_requests(self, m: Module) -> None:
        axi = self.m_axi
        aw = self._channel(m, "aw")
        self._writers = Array(Signal(range(max(2, self._clients)), name=f"writer_{n}") for n in range(self._writes))
        newest = Signal(range(self._writes))
        line, index, busy = Signal(LINE_BITS), Signal(range(BEATS)), Signal()
        m.d.comb += [
            axi.wvalid.eq(busy),
            axi.wdata.eq(line.word_select(index, BEAT_BITS)),
            axi.wstrb.eq(~0),
            axi.wlast.eq(index == BEATS - 1),
        ]
        sent = axi.wvalid & axi.wready
        free = aw.i.ready & ~self._writing.bit_select(newest, 1) & (~busy | (sent & axi.wlast))
        wanted = Cat(client.write.valid for client in self._users)
        accepted = free & wanted.any()
        m.d.sync += index.eq(index + sent)
        with m.If(sent & axi.wlast):
            m.d.sync += busy.eq(0)
        with m.If(accepted):
            m.d.sync += [busy.eq(1), newest.eq(newest + 1), self._writing.bit_select(newest, 1).eq(1)]
        m.d.comb += aw.i.valid.eq(accepted)
        for n, client in enumerate(self._users):
            m.d.comb += client.write.ready.eq(free & client.write.valid & ~wanted[n + 1 :].any())
            # A later client overrides those before it.
            with m.If(client.write.valid):
                m.d.comb += aw.i.p.eq(client.write.p.line)
                with m.If(free):
                    m.d.sync += [line.eq(client.write.p.data), self._writers[newest].eq(n)]
        for n, written in enumerate(self._written_lines):
            with m.If(accepted & (newest == n)):
                m.d.sync += written.eq(aw.i.p)

    def _write_answers(self, m: Module) -> None:
        axi = self.m_axi
        oldest = Signal(range(self._writes))
        asked = self._writing.bit_select(oldest, 1)
        done = axi.bvalid & asked
        m.d.comb += [axi.bready.eq(1), self._bad_b.eq(axi.bvalid & (~asked | (axi.bid != 0)))]
        with m.If(done):
            m.d.sync += [oldest.eq(oldest + 1), self._writing.bit_select(oldest, 1).eq(0)]
        for n, client in enumerate(self._users):
            m.d.comb += [
                client.write_done.eq(done & (self._writers[oldest] == n)),
                client.write_error.eq(self._broken | self._bad_b | (axi.bresp != axi4.Resp.OKAY)),
            ]
