# SPDX-License-Identifier: Apache-2.0
"""The operations under way: what each has and what it waits for."""

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from .config import MmtConfig
from .mac_cache import entry_bits
from .signature import Kind


class State(enum.Enum, shape=4):
    """Where an operation stands. Reading comes before writing; an operation may do one, both or neither."""

    FREE = 0
    LOOKUP = 1
    """Its counter is not known."""
    CHECK = 2
    """Waits for ciphertext, pads and MAC, to be compared."""
    MERGE = 3
    """Its old content is known (or is zeros) and not yet joined with what is written."""
    ENCRYPT = 4
    """Waits for pads and for its line of MACs."""
    STORE = 5
    """On its way to DRAM and to the MAC cache."""
    ANSWER = 6
    """A read with its verdict."""
    DONE = 7
    """Any other operation with its result."""
    DRAIN = 8
    """Answered; a line it asked for is still to come, for nobody."""


UNDER_WAY = (State.LOOKUP, State.CHECK, State.MERGE, State.ENCRYPT, State.STORE)
"""The operation may still touch its line."""
COUNTED = (State.CHECK, State.MERGE, State.ENCRYPT, State.STORE)
"""The operation uses a counter that Tree gave."""


def start(config: MmtConfig) -> data.StructLayout:
    """What is known of an operation at its beginning.

    ``job``     : of Tree.
    ``reads``   : has its line read and verified.
    ``writes``  : has its line written. Both: a part of a line, or RECRYPT. Neither: a write of no bytes.
    ``virgin``  : reads as zeros. For an operation of Front known after the lookup.
    ``failed``  : ends with an error.
    ``fetching`` : the line is asked for.
    ``line``, ``tree``, ``root`` : as in ``signature.job``; ``word``: which MAC of its line of MACs.
    """
    return data.StructLayout(
        {
            "state": State,
            "job": 1,
            "reads": 1,
            "writes": 1,
            "virgin": 1,
            "failed": 1,
            "fetching": 1,
            "line": config.line_bits,
            "tree": config.tree_bits,
            "root": 1,
            "word": 3,
        }
    )


def slot(config: MmtConfig) -> data.StructLayout:
    """What is known of an operation.

    ``start``     : see :func:`start`.
    ``kind``      : why a line that was read or written failed.
    ``stale``     : a job wrote the line after it was asked for.
    ``hashed``    : line and hash are here; ``fetch_bad``: DRAM failed.
    ``padded``    : pads and mask are here.
    ``held``      : ``entry`` is its line of MACs; ``present``: here; ``mac_bad``: DRAM failed.
    ``mac_stored``, ``written`` : the two ends of STORE.
    """
    return data.StructLayout(
        {
            "start": start(config),
            "kind": Kind,
            "stale": 1,
            "hashed": 1,
            "fetch_bad": 1,
            "padded": 1,
            "held": 1,
            "entry": entry_bits(config),
            "present": 1,
            "mac_bad": 1,
            "mac_stored": 1,
            "written": 1,
        }
    )


def _event(config: MmtConfig, **more) -> wiring.Signature:
    """A pulse about a slot."""
    return wiring.Signature({"valid": Out(1), "slot": Out(config.slot_bits), **{k: Out(v) for k, v in more.items()}})


class Accepted(wiring.Signature):
    """An operation begins in a free slot."""

    def __init__(self, config: MmtConfig):
        super().__init__({"valid": Out(1), "slot": Out(config.slot_bits), "start": Out(start(config))})


def in_state(table, slots: int, *states: State) -> Value:
    """Return a bit for each slot of ``table``: it is in one of ``states``."""
    return Cat(Cat(table[number].start.state == state for state in states).any() for number in range(slots))


class Slots(wiring.Component):
    """The table of operations. Every port but ``table`` tells it what has happened, with effect in the next cycle.

    Ports
    -----
    table     : what is known, from registers.
    accepted  : an operation begins in a free slot.
    staled    : for each slot: its line is now being written by a job.
    refetched : a stale line is asked for again.
    counted   : Tree gave the counter.
    refused, unserved : Tree did not.
    arrived   : line and hash are here.
    padded    : pads and mask are here.
    mac_found, mac_filled : from the MAC cache.
    checked   : the comparison was made; ``ok``, or the ``kind`` of failure.
    merged    : old and new content are joined; new pads are asked for.
    encrypted : the line is on its way.
    mac_stored, written : the MAC is in the cache; the line is in DRAM (or ``failed``).
    answered, finished : the operation has its answer, one as a read and one otherwise.
    """

    def __init__(self, config: MmtConfig):
        self._config = config
        slot_event = In(_event(config))
        super().__init__(
            {
                "table": Out(data.ArrayLayout(slot(config), config.slots)),
                "accepted": In(Accepted(config)),
                "staled": In(config.slots),
                "refetched": slot_event,
                "counted": In(_event(config, virgin=1, tree=config.tree_bits)),
                "refused": slot_event,
                "unserved": slot_event,
                "arrived": In(_event(config, failed=1)),
                "padded": slot_event,
                "mac_found": In(_event(config, entry=entry_bits(config), present=1, bad=1)),
                "mac_filled": In(wiring.Signature({"valid": Out(1), "entry": Out(entry_bits(config)), "bad": Out(1)})),
                "checked": In(_event(config, ok=1, kind=Kind)),
                "merged": slot_event,
                "encrypted": slot_event,
                "mac_stored": slot_event,
                "written": In(_event(config, failed=1)),
                "answered": slot_event,
                "finished": slot_event,
            }
        )

    def elaborate(self, platform):
        m = Module()
        for number in range(self._config.slots):
            self._slot(m, number)
        return m

    def _slot(self, m: Module, number: int) -> None:
        me = self.table[number]
        op = me.start

        def on(event):
            return m.If(event.valid & (event.slot == number))

        with m.If(op.state == State.DRAIN):
            with m.If(~op.fetching):
                m.d.sync += op.state.eq(State.FREE)
        with m.If(self.staled[number]):
            m.d.sync += me.stale.eq(1)
        with on(self.arrived):
            m.d.sync += [op.fetching.eq(0), me.hashed.eq(1), me.fetch_bad.eq(self.arrived.failed)]
        with on(self.refetched):
            m.d.sync += [op.fetching.eq(1), me.hashed.eq(0), me.stale.eq(0)]
        with on(self.padded):
            m.d.sync += me.padded.eq(1)
        with on(self.mac_found):
            m.d.sync += [
                me.held.eq(1),
                me.entry.eq(self.mac_found.entry),
                me.present.eq(self.mac_found.present),
                me.mac_bad.eq(self.mac_found.bad),
            ]
        with m.If(self.mac_filled.valid & me.held & ~me.present & (self.mac_filled.entry == me.entry)):
            m.d.sync += [me.present.eq(1), me.mac_bad.eq(self.mac_filled.bad)]

        with on(self.counted):
            m.d.sync += [op.virgin.eq(self.counted.virgin), op.tree.eq(self.counted.tree)]
            with m.If(op.reads):
                with m.If(~self.counted.virgin):
                    m.d.sync += op.state.eq(State.CHECK)
                with m.Else():
                    m.d.sync += op.state.eq(Mux(op.writes, State.MERGE, State.ANSWER))
            with m.Else():
                m.d.sync += op.state.eq(Mux(op.writes, State.ENCRYPT, State.DONE))
        for event in (self.refused, self.unserved):
            with on(event):
                m.d.sync += [op.failed.eq(1), op.state.eq(Mux(op.reads & ~op.writes, State.ANSWER, State.DONE))]
        with on(self.checked):
            with m.If(op.writes & self.checked.ok):
                m.d.sync += op.state.eq(State.MERGE)
            with m.Else():
                m.d.sync += [
                    me.held.eq(0),
                    op.failed.eq(~self.checked.ok),
                    me.kind.eq(self.checked.kind),
                    op.state.eq(Mux(op.writes, State.DONE, State.ANSWER)),
                ]
        with on(self.merged):
            m.d.sync += [op.state.eq(State.ENCRYPT), me.padded.eq(0)]
        with on(self.encrypted):
            m.d.sync += op.state.eq(State.STORE)
        with on(self.mac_stored):
            m.d.sync += [me.mac_stored.eq(1), me.held.eq(0)]
        with on(self.written):
            m.d.sync += me.written.eq(1)
            with m.If(self.written.failed):
                m.d.sync += [op.failed.eq(1), me.kind.eq(Kind.MEMORY_ERROR)]
        for event in (self.answered, self.finished):
            with on(event):
                arrives = self.arrived.valid & (self.arrived.slot == number)
                m.d.sync += op.state.eq(Mux(op.fetching & ~arrives, State.DRAIN, State.FREE))
        with on(self.accepted):
            m.d.sync += [me.eq(0), op.eq(self.accepted.start)]
