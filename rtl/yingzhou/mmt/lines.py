# SPDX-License-Identifier: Apache-2.0
"""The fast path of the memory engine: many operations on lines at once, each under a counter that Tree vouches for."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from yingzhou.line.read_order import ReadOrder
from yingzhou.line.signature import LineOps, MemoryClient
from yingzhou.parts.queue import Picker, Queue

from .config import MmtConfig
from .dispatch import Dispatch
from .hash import HashKeys, HashTest
from .line_accept import LineAccept
from .line_answer import LineAnswer
from .line_data import LineData
from .line_memory import LineMemory, read_request
from .line_read import LineRead
from .line_write import LineWrite
from .mac_cache import MacCache, entry_bits
from .pads import AES_TAG_BITS, Pads
from .seeds import Seeds
from .signature import (
    AesClient,
    Events,
    FailureSignature,
    JobKind,
    JobSignature,
    Kind,
    LookupSignature,
    ServiceSignature,
)
from .slots import COUNTED, Slots, State, in_state


class Lines(wiring.Component):
    """Reads and writes lines, verified and encrypted, several at a time (docs/mmt-format.md, sections 4 and 5).

    An operation takes a slot and asks for its counter. A read asks for its ciphertext at once, whatever the counter
    will be; with the counter, pads and the line of MACs are asked for as well (that line already when Tree has to fetch
    the counter and knows the place). When all three are here the MAC is compared, and only then anything leaves. A
    write is encrypted under its new counter; it ends when the line is in DRAM and the MAC in its cache. A write of a
    part of a line is a read and, once that is verified, a write.

    Order: an operation begins when none on the same line is under way; otherwise operations overtake each other, but
    reads of one identifier are answered in order. Tree's jobs come first, and one slot is theirs alone, so an operation
    that waits for Tree never holds up what Tree waits for.

    Timing, everything at hand: operation to read of DRAM 1 cycle; last beat to answer ``HashUnit.LATENCY`` + 1. A line
    every 5 cycles (its AES blocks), writes too. A failure shows after the same time wherever the wrong bit is.

    Parameters
    ----------
    config : MmtConfig
    tag_bits : int
        Width of Front's tags in bits.

    Ports
    -----
    ops, lookup, service, jobs, memory, failure : see ``signature.py``. ``aes`` has tags of ``AES_TAG_BITS``.
    hash_keys : constant while ``active``.
    hash_test0, hash_test1 : self-test of the two hash units, before ``active``; unconnected where there is none.
    active    : 0: every operation that begins is refused.
    busy      : level: an operation is under way. Idle: 0.
    events    : leaf_hit, leaf_miss: the first lookup found the leaf, or not; mac_hit, mac_miss: a line of MACs was here
                or on the way, or is fetched. Others 0.
    """

    def __init__(self, config: MmtConfig, tag_bits: int):
        self._config, self._tag_bits = config, tag_bits
        super().__init__(
            {
                "ops": In(LineOps(config, tag_bits)),
                "lookup": Out(LookupSignature(config)),
                "service": Out(ServiceSignature(config)),
                "jobs": In(JobSignature(config)),
                "aes": Out(AesClient(AES_TAG_BITS)),
                "memory": Out(MemoryClient(config)),
                "failure": Out(FailureSignature(config)),
                "hash_keys": In(HashKeys),
                "hash_test0": In(HashTest()),
                "hash_test1": In(HashTest()),
                "active": In(1),
                "busy": Out(1),
                "events": Out(Events),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.slots = self._slots = Slots(config)
        m.submodules.accept = self._accept = LineAccept(config, self._tag_bits)
        m.submodules.dispatch = self._dispatch = Dispatch(config)
        m.submodules.seeds = self._seeds = Seeds(config)
        m.submodules.pads = self._pads = Pads(config)
        m.submodules.macs = self._macs = MacCache(config)
        m.submodules.memory = self._memory = LineMemory(config, entry_bits(config))
        m.submodules.reader = self._reader = LineRead(config)
        m.submodules.writer = self._writer = LineWrite(config)
        m.submodules.content = self._content = LineData(config)
        m.submodules.answers = self._answers = LineAnswer(config, self._tag_bits)
        m.submodules.order = self._order = ReadOrder(config.slots, config.id_width)
        self._table = self._slots.table
        connect(m, flipped(self.ops.op), self._accept.op)
        connect(m, flipped(self.jobs.request), self._accept.job)
        connect(m, self._dispatch.lookup, flipped(self.lookup))
        connect(m, self._dispatch.service, flipped(self.service))
        connect(m, self._seeds.request, self._pads.request)
        connect(m, self._pads.aes, flipped(self.aes))
        connect(m, self._memory.memory, flipped(self.memory))
        connect(m, self._answers.read, flipped(self.ops.read))
        connect(m, flipped(self.hash_test0), self._reader.test)
        connect(m, flipped(self.hash_test1), self._writer.test)

        self._begin(m)
        self._count(m)
        self._fetch(m)
        self._find_macs(m)
        self._check(m)
        self._combine(m)
        self._store(m)
        self._finish(m)
        self._busy(m)
        return m

    def _is(self, *states: State) -> Value:
        return in_state(self._table, self._config.slots, *states)

    def _all(self, *fields: str) -> Value:
        """Return for each slot whether it has all of ``fields``."""
        return Cat(Cat(*self._at(number, *fields)).all() for number in range(self._config.slots))

    def _at(self, number: Value | int, *fields: str) -> list[Value]:
        """Return ``fields`` of slot ``number``."""
        slot = self._table[number]
        return [slot[field] if field in slot.shape().members else slot.start[field] for field in fields]

    def _begin(self, m: Module) -> None:
        """An operation or job takes a slot."""
        accept, op, job = self._accept, self.ops.op.p, self.jobs.request.p
        new = accept.accepted
        connect(m, accept.accepted, self._slots.accepted)
        connect(m, accept.sweep, self._macs.sweep)
        m.d.comb += [
            accept.table.eq(self._table),
            accept.active.eq(self.active),
            accept.wait.eq(self._content.merge),
            # A job brings its counters, and they go the way of those from a lookup.
            accept.wait_job.eq(self._dispatch.done),
            self._slots.staled.eq(accept.staled),
            self._content.take.eq(new.valid),
            self._content.take_slot.eq(new.slot),
            self._content.data.eq(Mux(new.start.job, Mux(job.kind == JobKind.RECRYPT, 0, job.data), op.data)),
            self._content.strobe.eq(Mux(new.start.job, 0, op.strobe)),
            self._answers.take.eq(new.valid),
            self._answers.take_slot.eq(new.slot),
            self._answers.id.eq(op.id),
            self._answers.tag.eq(op.tag),
            self._order.accepted.eq(new.valid & ~new.start.job & ~op.write),
            self._order.accepted_slot.eq(new.slot),
            self._order.accepted_id.eq(op.id),
            self._dispatch.want.valid.eq(new.valid & (new.start.state == State.LOOKUP)),
            self._dispatch.want.p.slot.eq(new.slot),
            self._dispatch.want.p.line.eq(new.start.line),
            self._dispatch.want.p.write.eq(new.start.writes),
        ]

    def _count(self, m: Module) -> None:
        """Counters are known, from Tree or with a job: ask for pads and for the line of MACs."""
        dispatch, slots, seeds, macs = self._dispatch, self._slots, self._seeds, self._macs.want
        answer, job, new = dispatch.answer, self.jobs.request.p, self._accept.accepted
        virgin = answer.old.low == 0
        m.d.comb += [
            slots.counted.valid.eq(dispatch.done),
            slots.counted.slot.eq(dispatch.asked.slot),
            slots.counted.virgin.eq(virgin),
            slots.counted.tree.eq(answer.tree),
            slots.refused.valid.eq(dispatch.refused),
            slots.refused.slot.eq(dispatch.asked.slot),
            slots.unserved.valid.eq(dispatch.failed),
            slots.unserved.slot.eq(dispatch.failed_slot),
            self.events.leaf_hit.eq(dispatch.done & dispatch.first),
            self.events.leaf_miss.eq(dispatch.missed & dispatch.first),
            macs.p.slot.eq(seeds.slot),
        ]
        with m.If(dispatch.done):
            reads, writes = self._at(dispatch.asked.slot, "reads", "writes")
            m.d.comb += [
                seeds.begin.eq(1),
                seeds.slot.eq(dispatch.asked.slot),
                seeds.line.eq(dispatch.asked.line),
                seeds.first.eq(Mux(reads, answer.old, answer.new)),
                seeds.second.eq(answer.new),
                seeds.pads.eq(Mux(reads, ~virgin, writes)),
                macs.valid.eq(writes | (reads & ~virgin)),
                macs.p.tree.eq(answer.tree),
                macs.p.line.eq(answer.mac_line),
            ]
        with m.Else():
            m.d.comb += [
                seeds.begin.eq(new.valid & new.start.job),
                seeds.slot.eq(new.slot),
                seeds.root.eq(job.root),
                seeds.line.eq(job.seed_line),
                seeds.first.eq(Mux(new.start.fetching, job.old, job.new)),
                seeds.second.eq(job.new),
                seeds.pads.eq(new.start.writes | new.start.fetching),
                macs.valid.eq(seeds.begin & seeds.pads),
                macs.p.tree.eq(job.tree),
                macs.p.line.eq(job.mac_line),
            ]
            # The line of MACs comes while Tree fetches the leaf. A job's goes before.
            with m.If(dispatch.nearby & ~seeds.begin):
                m.d.comb += [
                    macs.valid.eq(1),
                    macs.p.early.eq(1),
                    macs.p.tree.eq(answer.tree),
                    macs.p.line.eq(answer.mac_line),
                ]

    def _fetch(self, m: Module) -> None:
        """Lines are asked for: at once, and once more when a job has written them since."""
        config, slots, memory, reader = self._config, self._slots, self._memory, self._reader
        new = self._accept.accepted
        m.submodules.fetches = fetches = Queue(read_request(config, config.slot_bits), config.slots)
        read = memory.data_read
        m.submodules.refetch = refetch = Picker(config.slots)
        wanted = Signal()
        again, again_line = refetch.index, self._at(refetch.index, "line")[0]
        m.d.comb += [
            refetch.requests.eq(self._is(State.CHECK) & self._all("stale") & ~self._all("fetching")),
            wanted.eq(1),
            fetches.i.p.owner.eq(new.slot),
            fetches.i.p.line.eq(new.start.line),
            # An empty queue is passed by.
            fetches.i.valid.eq(wanted & (fetches.o.valid | ~read.ready)),
            fetches.o.ready.eq(read.ready),
            read.valid.eq(fetches.o.valid | wanted),
            read.p.eq(Mux(fetches.o.valid, fetches.o.p, fetches.i.p)),
        ]
        with m.If(~(new.valid & new.start.fetching)):
            m.d.comb += [
                wanted.eq(refetch.any),
                fetches.i.p.owner.eq(again),
                fetches.i.p.line.eq(again_line),
                slots.refetched.valid.eq(refetch.any),
                refetch.taken.eq(refetch.any),
            ]
        m.d.comb += [
            slots.refetched.slot.eq(again),
            reader.beat.eq(memory.data_beat),
            reader.index.eq(memory.index),
            reader.data.eq(memory.beat),
            reader.slot.eq(memory.slot),
            reader.error.eq(memory.error),
            reader.keys.eq(self.hash_keys),
            slots.arrived.valid.eq(reader.arrived),
            slots.arrived.slot.eq(reader.arrived_slot),
            slots.arrived.failed.eq(reader.arrived_error),
            slots.padded.valid.eq(self._pads.done),
            slots.padded.slot.eq(self._pads.done_slot),
        ]

    def _find_macs(self, m: Module) -> None:
        """The MAC cache tells where a slot's MAC is, and fetches what it lacks."""
        macs, memory, slots = self._macs, self._memory, self._slots
        connect(m, macs.fill, memory.mac_read)
        connect(m, macs.write, memory.mac_write)
        m.d.comb += [
            slots.mac_found.valid.eq(macs.found),
            slots.mac_found.slot.eq(macs.found_slot),
            slots.mac_found.entry.eq(macs.found_entry),
            slots.mac_found.present.eq(macs.found_ready),
            slots.mac_found.bad.eq(macs.found_failed),
            slots.mac_filled.valid.eq(macs.filled),
            slots.mac_filled.entry.eq(macs.filled_entry),
            slots.mac_filled.bad.eq(macs.failed),
            macs.held.eq(self._all("held")),
            macs.beat.eq(memory.mac_beat),
            macs.beat_entry.eq(memory.entry),
            macs.beat_index.eq(memory.index),
            macs.beat_data.eq(memory.beat),
            macs.beat_error.eq(memory.error),
            macs.written.eq(memory.mac_written),
            macs.write_error.eq(memory.write_error),
            self.events.mac_hit.eq(macs.hit),
            self.events.mac_miss.eq(macs.miss),
        ]
        m.d.comb += [macs.entries[number].eq(self._table[number].entry) for number in range(self._config.slots)]

    def _check(self, m: Module) -> None:
        """Ciphertext, pads and MAC are together: compare. A line whose hash is about to arrive comes first."""
        slots, reader, macs = self._slots, self._reader, self._macs
        checking, slot, near = Signal(), Signal(self._config.slot_bits), Signal()
        m.submodules.checks = checks = Picker(self._config.slots)
        in_check = Signal(self._config.slots)
        m.d.comb += in_check.eq(checking << slot)
        whole = self._all("padded", "present")
        bad = self._all("mac_bad")
        ready = self._is(State.CHECK) & whole & ~self._all("stale")
        m.d.comb += [
            # A write without its line of MACs ends here as well.
            checks.requests.eq(~in_check & ((ready & self._all("hashed")) | (self._is(State.ENCRYPT) & whole & bad))),
            reader.check_near.eq(reader.near & ready.bit_select(reader.near_slot, 1)),
            reader.check_slot.eq(Mux(reader.check_near, reader.near_slot, checks.index)),
            checks.taken.eq(~reader.check_near & checks.any),
            self._pads.mask_slot[0].eq(reader.check_slot),
            Cat(macs.read_entry, macs.read_word).eq(Cat(*self._at(reader.check_slot, "entry", "word"))),
            reader.mask.eq(self._pads.masks[0]),
            reader.mac.eq(macs.mac),
        ]
        m.d.sync += [
            checking.eq(reader.check_near | checks.any),
            slot.eq(reader.check_slot),
            near.eq(reader.check_near),
        ]

        mac_bad, fetch_bad = self._at(slot, "mac_bad", "fetch_bad")
        memory_bad = Signal()
        checked = slots.checked
        self._checked = checked
        m.d.comb += [
            memory_bad.eq(mac_bad | Mux(near, reader.arrived_error, fetch_bad)),
            # One failure is reported at a time; DRAM's write errors cannot wait.
            checked.valid.eq(checking & ~self._memory.write_error),
            checked.slot.eq(slot),
            checked.ok.eq(reader.matches & ~memory_bad),
            checked.kind.eq(Mux(checked.ok, Kind.NONE, Mux(memory_bad, Kind.MEMORY_ERROR, Kind.LINE_MAC))),
        ]
        failure = self.failure.failure
        line, tree, root = self._at(slot, "line", "tree", "root")
        written = self._memory.written
        m.d.sync += [
            self.failure.valid.eq(self._memory.write_error | (checked.valid & ~checked.ok)),
            failure.kind.eq(Mux(self._memory.write_error, Kind.MEMORY_ERROR, checked.kind)),
            failure.line.eq(Mux(self._memory.write_error, written.line, line)),
            failure.root.eq(Mux(self._memory.write_error, written.root, root)),
            failure.tree.eq(Mux(self._memory.write_error, written.tree, tree)),
        ]

    def _combine(self, m: Module) -> None:
        """One slot's ciphertext, pads and data at a time: to answer a read, to encrypt, to merge."""
        config, slots, content, checked = self._config, self._slots, self._content, self._checked
        answers, writer = self._answers, self._writer
        m.submodules.reads = reads = Picker(config.slots)
        m.submodules.encrypts = encrypts = Picker(config.slots)
        m.submodules.merges = merges = Picker(config.slots)
        blocked, jobs = self._order.blocked, self._all("job")
        open_to_ops = ~blocked & answers.room.replicate(config.slots)
        at_once, answering, encrypting, merging = (
            Signal(name=n) for n in ("at_once", "answering", "encrypting", "merging")
        )
        writes, job = self._at(checked.slot, "writes", "job")
        m.d.comb += [
            reads.requests.eq(self._is(State.ANSWER) & (jobs | open_to_ops)),
            # A line that is being checked in this cycle need not wait for its turn when nobody else is there.
            at_once.eq(checked.valid & ~reads.any & ~writes & (job | open_to_ops.bit_select(checked.slot, 1))),
            answering.eq(reads.any | at_once),
            reads.taken.eq(reads.any),
            encrypts.requests.eq(self._is(State.ENCRYPT) & self._all("padded", "present") & ~self._all("mac_bad")),
            encrypting.eq(encrypts.any & writer.ready & ~answering),
            encrypts.taken.eq(encrypting),
            merges.requests.eq(self._is(State.MERGE)),
            merging.eq(merges.any & self._seeds.room & ~answering & ~encrypting),
            merges.taken.eq(merging),
        ]
        slot = Signal(config.slot_bits)
        with m.If(answering):
            m.d.comb += slot.eq(Mux(reads.any, reads.index, checked.slot))
        with m.Else():
            m.d.comb += slot.eq(Mux(encrypting, encrypts.index, merges.index))
        failed, kind, virgin, for_job = self._at(slot, "failed", "kind", "virgin", "job")
        m.d.comb += [
            slots.answered.valid.eq(answering),
            slots.encrypted.valid.eq(encrypting),
            slots.merged.valid.eq(merging),
            *(event.slot.eq(slot) for event in (slots.answered, slots.encrypted, slots.merged)),
            self._order.answered.eq(answering & ~for_job),
            self._order.answered_slot.eq(slot),
            self._reader.read_slot.eq(slot),
            self._pads.slot.eq(slot),
            content.slot.eq(slot),
            answers.read_slot.eq(slot),
            self._seeds.again_slot.eq(slot),
        ]

        # One cycle later: it is all here.
        now = Signal(config.slot_bits)
        answer, answer_job, error, kind_now = Signal(), Signal(), Signal(), Signal(Kind)
        refused = Mux(reads.any, failed, ~checked.ok)
        about = writer.about
        m.d.sync += [
            now.eq(slot),
            answer.eq(answering & ~for_job),
            answer_job.eq(answering & for_job),
            error.eq(answering & refused),
            kind_now.eq(Mux(reads.any, kind, checked.kind)),
            # countermeasure: MMT.VERDICT_FIRST
            content.zero.eq(virgin | (answering & refused)),
            writer.load.eq(encrypting),
            content.merge.eq(merging),
        ]
        m.d.comb += [
            content.cipher.eq(self._reader.cipher),
            content.pads.eq(self._pads.pads),
            answers.answer.eq(answer),
            answers.data.eq(content.plain),
            answers.error.eq(error),
            self._seeds.again.eq(content.merge),
            writer.cipher.eq(content.sealed),
            about.slot.eq(now),
            Cat(about.line, about.tree, about.root).eq(Cat(*self._at(now, "line", "tree", "root"))),
        ]
        self._job_read, self._job_read_kind = Signal(), Signal(Kind)
        m.d.sync += [self._job_read.eq(answer_job), self._job_read_kind.eq(kind_now)]
        with m.If(answer_job):
            m.d.sync += self.jobs.data.eq(content.plain)

    def _store(self, m: Module) -> None:
        """A line is encrypted: it goes to DRAM, its MAC to the cache."""
        slots, writer, memory, macs = self._slots, self._writer, self._memory, self._macs
        connect(m, writer.write, memory.data_write)
        mac, store = writer.mac, macs.store
        m.d.comb += [
            writer.keys.eq(self.hash_keys),
            self._pads.mask_slot[1].eq(writer.mask_slot),
            writer.mask.eq(self._pads.masks[1]),
            store.valid.eq(mac.valid),
            Cat(store.p.entry, store.p.word).eq(Cat(*self._at(mac.p.slot, "entry", "word"))),
            store.p.mac.eq(mac.p.mac),
            mac.ready.eq(store.ready),
            slots.mac_stored.valid.eq(mac.valid & mac.ready),
            slots.mac_stored.slot.eq(mac.p.slot),
            slots.written.valid.eq(memory.data_written),
            slots.written.slot.eq(memory.written.slot),
            slots.written.failed.eq(memory.write_error),
        ]

    def _finish(self, m: Module) -> None:
        """Ends of writes and jobs."""
        config, slots, jobs, macs = self._config, self._slots, self.jobs, self._macs
        m.submodules.ends = ends = Picker(config.slots)
        m.d.comb += [
            ends.requests.eq(self._is(State.DONE) | (self._is(State.STORE) & self._all("mac_stored", "written"))),
            ends.taken.eq(ends.any),
            slots.finished.valid.eq(ends.any),
            slots.finished.slot.eq(ends.index),
            self._answers.write_slot.eq(ends.index),
        ]
        for_job, failed, kind = self._at(ends.index, "job", "failed", "kind")
        job_done, job_kind = Signal(), Signal(Kind)
        m.d.sync += [
            self.ops.write_done.eq(ends.any & ~for_job),
            self.ops.write_error.eq(ends.any & ~for_job & failed),
            job_done.eq(ends.any & for_job),
            job_kind.eq(Mux(ends.any & failed, kind, Kind.NONE)),
        ]
        m.d.comb += [
            self.ops.write_tag.eq(Mux(self.ops.write_done, self._answers.write_tag, 0)),
            jobs.done.eq(job_done | self._job_read | macs.swept),
            jobs.kind.eq(
                Mux(
                    macs.swept,
                    Mux(macs.sweep_failed, Kind.MEMORY_ERROR, Kind.NONE),
                    Mux(self._job_read, self._job_read_kind, job_kind),
                )
            ),
            jobs.ok.eq(jobs.done & (jobs.kind == Kind.NONE)),
        ]

    def _busy(self, m: Module) -> None:
        """Which leaves and trees have a counter in use, also one that comes in this cycle."""
        config, jobs, dispatch = self._config, self.jobs, self._dispatch
        leaf_log = exact_log2(config.arity(1))
        counted = self._is(*COUNTED)
        in_leaf, in_tree = Signal(config.slots), Signal(config.slots)
        for number in range(config.slots):
            op = self._table[number].start
            m.d.comb += [
                in_leaf[number].eq(~op.root & (op.line[leaf_log:] == jobs.query_leaf)),
                in_tree[number].eq(op.tree == jobs.query_tree),
            ]
        m.d.comb += [
            self.busy.eq(~self._is(State.FREE).all()),
            jobs.leaf_busy.eq(
                (counted & in_leaf).any() | (dispatch.done & (dispatch.asked.line[leaf_log:] == jobs.query_leaf))
            ),
            jobs.tree_busy.eq((counted & in_tree).any() | (dispatch.done & (dispatch.answer.tree == jobs.query_tree))),
        ]
