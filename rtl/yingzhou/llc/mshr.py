# SPDX-License-Identifier: Apache-2.0
"""Misses under way: for each the request that waits for it, and the way it will be put in."""

from amaranth import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import BEAT_BITS, BEATS, LINE_BITS

from .config import LlcConfig
from .replacement import lowest


class Mshrs(wiring.Component):
    """Fetches lines in the order of the misses, and has each put in and its request made again in the cycle after.

    A line that came is kept until the next has come, four cycles at least. A miss that needs no fetch (a whole line is
    written) is put in when no line has come.

    Parameters
    ----------
    config : LlcConfig
    shape : StructLayout
        What is parked with a miss.

    Ports
    -----
    free       : a miss may begin.
    allocate   : pulse: a miss begins: ``line``, ``way`` and ``park``. ``fetch`` 0: the whole line is written.
    query_line : a line number; ``same``: same cycle: a bit for each MSHR that is about it. ``reserved``: a bit for each
                 way of its set that is reserved.
    first_line : another line number; ``first_same``: an MSHR is about it.
    read       : stream of lines to fetch. ``read_hold``: the one that is offered must wait.
    beat, beat_index, beat_data, beat_error : as in :class:`yingzhou.line.signature.MemoryClient`.
    fill       : a line is to be put in: ``fill_line``, ``fill_way``; ``fill_error``: it is not, its fetch failed.
                 ``fill_fetched``: ``fill_data`` came from memory. ``fill_taken``: it is, in this cycle.
    replay     : the cycle after: the request is to be made again in this cycle: ``replay_index``, ``replay_line``,
                 ``replay_park``; ``replay_error``: to be answered with an error.
    release    : pulse: the miss ``release_index`` is over.
    """

    def __init__(self, config: LlcConfig, shape: data.StructLayout):
        self._config, self._shape = config, shape
        line, way, index = config.line_bits, config.way_bits, config.mshr_bits
        super().__init__(
            {
                "free": Out(1),
                "allocate": In(1),
                "line": In(line),
                "way": In(way),
                "fetch": In(1),
                "park": In(shape),
                "query_line": In(line),
                "same": Out(config.mshrs),
                "reserved": Out(config.ways),
                "first_line": In(line),
                "first_same": Out(1),
                "read": Out(stream.Signature(line)),
                "read_hold": In(1),
                "beat": In(1),
                "beat_index": In(2),
                "beat_data": In(BEAT_BITS),
                "beat_error": In(1),
                "fill": Out(1),
                "fill_line": Out(line),
                "fill_way": Out(way),
                "fill_error": Out(1),
                "fill_fetched": Out(1),
                "fill_data": Out(LINE_BITS),
                "fill_taken": In(1),
                "replay": Out(1),
                "replay_index": Out(index),
                "replay_line": Out(line),
                "replay_park": Out(shape),
                "replay_error": Out(1),
                "release": In(1),
                "release_index": In(index),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        self._lines = [Signal(config.line_bits, name=f"line_{n}") for n in range(config.mshrs)]
        self._ways = [Signal(config.way_bits, name=f"way_{n}") for n in range(config.mshrs)]
        self._used, self._ready = Signal(config.mshrs), Signal(config.mshrs)
        """Under way; needs no fetch and is not put in yet."""
        self._place = Signal(config.mshr_bits)
        m.d.comb += [self.free.eq(~self._used.all()), self._place.eq(lowest(~self._used))]
        self._queries(m)
        self._fetches(m)
        self._fills(m)
        for n in range(config.mshrs):
            with m.If(self.release & (self.release_index == n)):
                m.d.sync += self._used[n].eq(0)
            with m.If(self.allocate & (self._place == n)):
                m.d.sync += [
                    self._used[n].eq(1),
                    self._ready[n].eq(~self.fetch),
                    self._lines[n].eq(self.line),
                    self._ways[n].eq(self.way),
                ]
        return m

    def _queries(self, m: Module) -> None:
        sets = self._config.set_bits
        for n, line in enumerate(self._lines):
            used = self._used[n]
            m.d.comb += self.same[n].eq(used & (line == self.query_line))
            with m.If(used & (line == self.first_line)):
                m.d.comb += self.first_same.eq(1)
            with m.If(used & (line[:sets] == self.query_line[:sets])):
                m.d.comb += self.reserved.bit_select(self._ways[n], 1).eq(1)

    def _fetches(self, m: Module) -> None:
        """Ask for lines in the order of the misses, and put beats together; answers come in the same order."""
        config = self._config
        order = Array(Signal(config.mshr_bits, name=f"order_{n}") for n in range(config.mshrs))
        newest, asked, come = (Signal(config.mshr_bits, name=name) for name in ("newest", "asked", "come"))
        to_ask = Signal(range(config.mshrs + 1))
        begins, taken = Signal(), Signal()
        m.d.comb += [
            begins.eq(self.allocate & self.fetch),
            taken.eq(self.read.valid & self.read.ready),
            self.read.valid.eq((to_ask != 0) & ~self.read_hold),
            self.read.p.eq(Array(self._lines)[order[asked]]),
        ]
        m.d.sync += [to_ask.eq(to_ask + begins - taken), newest.eq(newest + begins), asked.eq(asked + taken)]
        with m.If(begins):
            m.d.sync += order[newest].eq(self._place)

        self._arrived, self._arrived_index = Signal(), Signal(config.mshr_bits)
        self._arrived_error = Signal()
        parts = Signal(BEAT_BITS * (BEATS - 1))
        failed = Signal()
        with m.If(self.fill_taken):
            m.d.sync += self._arrived.eq(0)
        with m.If(self.beat):
            m.d.sync += failed.eq((failed & (self.beat_index != 0)) | self.beat_error)
            for n in range(BEATS - 1):
                with m.If(self.beat_index == n):
                    m.d.sync += parts.word_select(n, BEAT_BITS).eq(self.beat_data)
            with m.If(self.beat_index == BEATS - 1):
                m.d.sync += [
                    self._arrived.eq(1),
                    self._arrived_index.eq(order[come]),
                    self._arrived_error.eq(failed | self.beat_error),
                    self.fill_data.eq(Cat(parts, self.beat_data)),
                    come.eq(come + 1),
                ]

    def _fills(self, m: Module) -> None:
        config = self._config
        m.submodules.parked = parked = memory.Memory(shape=self._shape, depth=config.mshrs, init=[])
        write, read = parked.write_port(), parked.read_port()
        index = Signal(config.mshr_bits)
        m.d.comb += [
            index.eq(Mux(self._arrived, self._arrived_index, lowest(self._ready))),
            write.addr.eq(self._place),
            write.data.eq(self.park),
            write.en.eq(self.allocate),
            read.addr.eq(index),
            self.fill.eq((self._arrived | self._ready.any()) & ~self.replay),
            self.fill_line.eq(Array(self._lines)[index]),
            self.fill_way.eq(Array(self._ways)[index]),
            self.fill_fetched.eq(self._arrived),
            self.fill_error.eq(self._arrived & self._arrived_error),
            self.replay_line.eq(Array(self._lines)[self.replay_index]),
            self.replay_park.eq(read.data),
        ]
        m.d.sync += [
            self.replay.eq(self.fill_taken),
            self.replay_index.eq(index),
            self.replay_error.eq(self.fill_error),
        ]
        with m.If(self.fill_taken & ~self._arrived):
            m.d.sync += self._ready.bit_select(index, 1).eq(0)
