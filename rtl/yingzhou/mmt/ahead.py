# SPDX-License-Identifier: Apache-2.0
"""Leaves that lookups missed, asked for before the slow path gets to them."""

from typing import Any, Final

from amaranth import *
from amaranth.lib import data, memory

from yingzhou.geometry import BEAT_BITS, BEATS
from yingzhou.line.signature import MemoryClient

from .config import MmtConfig

ENTRIES: Final = 4
ORDER: Final = 16
"""Reads under way: a path and all entries fit."""


class Ahead:
    """Stands between :class:`Chain` and the memory port. What it holds is what memory answered, not verified.

    A leaf is asked for with ``want`` and ``line``; if all entries are in use it is not. When the chain reads that line,
    it gets what came (or comes) for it, once. A chain reads a leaf last, so it has at most one such line, after all
    others. Misses are serviced in the order in which they wanted their leaves, so when an entry is used those before it
    are given up; the oldest is also when a service used none. An entry whose line is written since is thrown away, and
    all of them when ``quiet``.

    Attributes
    ----------
    want, line : pulse: ``line`` will probably be read.
    served     : pulse: a service is done.
    quiet      : nothing that was wanted is wanted any more; what was wanted in this cycle is.
    chain      : the reading half of a :class:`MemoryClient`, for the chain.
    """

    def __init__(self, m: Module, config: MmtConfig, port: Any):
        self._config, self._port = config, port
        self.chain: Any = MemoryClient(config).create(path=("ahead_chain",))
        self.want, self.quiet = Signal(name="ahead_want"), Signal(name="ahead_quiet")
        self.served = Signal(name="ahead_served")
        self.line = Signal(config.line_bits, name="ahead_line")
        entry = data.StructLayout({"taken": 1, "here": 1, "dead": 1, "error": 1, "line": config.line_bits})
        self._entries = [Signal(entry, name=f"ahead_entry_{n}") for n in range(ENTRIES)]
        self._at = Array(self._entries)
        self._claimed, self._claim = Signal(name="ahead_claimed"), Signal(range(ENTRIES), name="ahead_claim")
        """The chain waits for, or is given, the entry ``claim``."""
        self._direct = Signal(range(ORDER + 1), name="ahead_direct")
        self._own = Signal(name="ahead_own")
        """Reads of the chain's own under way, and one more."""
        self._ends = Signal(name="ahead_ends")
        """The last beat of the claimed entry."""
        self._requests(m)
        self._answers(m)

    def _written(self, line: Value) -> Value:
        """Return whether this line is being written: what a read of before answers is no longer what is there."""
        write = self._port.write
        return write.valid & write.ready & (write.p.line == line)

    def _requests(self, m: Module) -> None:
        port, chain = self._port, self.chain
        # What is wanted waits here until memory takes it.
        waits, line = Signal(name="ahead_waits"), Signal(self._config.line_bits, name="ahead_wanted_line")
        offered, offered_early = Signal(name="ahead_offered"), Signal(name="ahead_offered_early")
        place = Signal(range(ENTRIES), name="ahead_place")
        self._order = Array(Signal(range(ENTRIES + 1), name=f"ahead_owner_{n}") for n in range(ORDER))
        """Whose the reads under way are: an entry's, or the chain's."""
        newest, self._oldest = Signal(range(ORDER), name="ahead_newest"), Signal(range(ORDER), name="ahead_oldest")
        under_way, self._read_done = Signal(range(ORDER + 1), name="ahead_under_way"), Signal(name="ahead_read_done")

        matches = Signal(ENTRIES, name="ahead_matches")
        hit, hit_entry = Signal(name="ahead_hit"), Signal(range(ENTRIES), name="ahead_hit_entry")
        known = Cat(e.taken & ~e.dead & (e.line == self.line) for e in self._entries).any()
        m.d.comb += [
            matches.eq(Cat(e.taken & ~e.dead & (e.line == chain.read.payload) for e in self._entries)),
            hit.eq(matches.any()),
        ]
        for number in range(ENTRIES):
            with m.If(matches[number]):
                m.d.comb += hit_entry.eq(number)

        early, room, taken = Signal(name="ahead_early"), Signal(name="ahead_room"), Signal(name="ahead_taken")
        asks = chain.read.valid & ~hit
        m.d.comb += [
            room.eq(under_way != ORDER),
            early.eq(Mux(offered, offered_early, ~asks)),  # what was offered stays until it is taken
            port.read.valid.eq(room & Mux(early, waits, asks)),
            port.read.payload.eq(Mux(early, line, chain.read.payload)),
            taken.eq(port.read.valid & port.read.ready),
            self._own.eq(taken & ~early),
            chain.read.ready.eq(hit | (taken & ~early)),
        ]
        m.d.sync += [
            offered.eq(port.read.valid & ~port.read.ready),
            offered_early.eq(early),
            under_way.eq(under_way + taken - self._read_done),
        ]
        claims, used = Signal(name="ahead_claims"), Signal(name="ahead_used")
        m.d.comb += claims.eq(chain.read.valid & hit)
        with m.If(claims):
            m.d.sync += [self._claimed.eq(1), self._claim.eq(hit_entry), used.eq(1)]
        with m.Elif(self.served):
            m.d.sync += used.eq(0)
        with m.If(taken):
            m.d.sync += [newest.eq(newest + 1), self._order[newest].eq(Mux(early, place, ENTRIES))]

        hit_age = Signal(range(ENTRIES), name="ahead_hit_age")
        m.d.comb += hit_age.eq(hit_entry - place)
        for number, entry in enumerate(self._entries):
            in_flight = entry.taken & ~entry.here
            claimed = self._claimed & (self._claim == number)
            # ``place`` is the oldest when all are in use.
            age = Signal(range(ENTRIES), name=f"ahead_age_{number}")
            m.d.comb += age.eq(number - place)
            passed = (claims & (age < hit_age)) | (self.served & ~used & (place == number))
            with m.If(entry.taken & (self.quiet | passed | self._written(entry.line)) & ~claimed):
                m.d.sync += [entry.dead.eq(1), entry.taken.eq(in_flight)]
            with m.If(taken & early & (place == number)):
                m.d.sync += [
                    entry.taken.eq(1),
                    entry.here.eq(0),
                    entry.error.eq(0),
                    entry.line.eq(line),
                    # A read and a write of one line in the same cycle have no order.
                    entry.dead.eq(self._written(line)),
                ]
        with m.If(taken & early):
            m.d.sync += [waits.eq(0), place.eq(place + 1)]
        with m.Elif(self.quiet & ~offered):
            m.d.sync += waits.eq(0)
        now = self._at[place]
        with m.If(self.want & ~waits & ~known & ~now.taken):
            m.d.sync += [waits.eq(1), line.eq(self.line)]

    def _answers(self, m: Module) -> None:
        port, chain = self._port, self.chain
        claimed, claim = self._claimed, self._claim
        m.submodules.ahead_lines = lines = memory.Memory(shape=BEAT_BITS, depth=ENTRIES * BEATS, init=[])
        write, read = lines.write_port(), lines.read_port()
        owner = Signal(range(ENTRIES + 1), name="ahead_owner")
        mine, through, begun = Signal(name="ahead_mine"), Signal(name="ahead_through"), Signal(name="ahead_begun")
        last = port.beat & (port.beat_index == BEATS - 1)
        m.d.comb += [
            owner.eq(self._order[self._oldest]),
            mine.eq(owner == ENTRIES),
            self._read_done.eq(last),
            write.addr.eq(Cat(port.beat_index, owner[: len(claim)])),
            write.data.eq(port.beat_data),
            write.en.eq(port.beat & ~mine),
            # What the chain waits for, and for nothing else before it, goes through as it comes.
            through.eq(
                ~mine & claimed & (claim == owner) & Mux(port.beat_index == 0, self._direct == 0, begun),
            ),
        ]
        with m.If(port.beat):
            m.d.sync += begun.eq(through)
        with m.If(last):
            m.d.sync += self._oldest.eq(self._oldest + 1)
        m.d.sync += self._direct.eq(self._direct + self._own - (last & mine))
        at = self._at[owner[: len(claim)]]
        failed = Signal(name="ahead_failed")
        is_claimed = claimed & (claim == owner)
        with m.If(port.beat & ~mine):
            m.d.sync += failed.eq(~last & (failed | port.beat_error))
        with m.If(last & ~mine):
            m.d.sync += [at.here.eq(1), at.error.eq(failed | port.beat_error)]
            # What nobody waits for is not kept when memory failed, nor when it was written since.
            with m.If((at.dead | failed | port.beat_error) & ~is_claimed):
                m.d.sync += at.taken.eq(0)

        # What came before it was waited for is played.
        playing, index = Signal(name="ahead_playing"), Signal(range(BEATS), name="ahead_index")
        held = self._at[claim]
        with m.If(playing):
            m.d.sync += [index.eq(index + 1), playing.eq(index != BEATS - 1)]
        with m.Elif(claimed & held.here & (self._direct == 0)):
            m.d.sync += [index.eq(0), playing.eq(1)]
        m.d.comb += [
            read.addr.eq(Cat(Mux(playing, index + 1, 0)[: len(index)], claim)),
            self._ends.eq((playing & (index == BEATS - 1)) | (through & last)),
            chain.beat.eq((port.beat & (mine | through)) | playing),
            chain.beat_index.eq(Mux(playing, index, port.beat_index)),
            chain.beat_data.eq(Mux(playing, read.data, port.beat_data)),
            chain.beat_error.eq(Mux(playing, held.error, port.beat_error)),
        ]
        with m.If(self._ends):
            m.d.sync += [claimed.eq(0), self._at[claim].taken.eq(0)]
