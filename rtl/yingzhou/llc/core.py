# SPDX-License-Identifier: Apache-2.0
"""The cache itself: a pipeline of three cycles that never stops, and what waits beside it."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import connect, flipped
from amaranth.utils import ceil_log2

from yingzhou.errors import require
from yingzhou.geometry import LINE_BITS
from yingzhou.parts.queue import Picker

from .config import LlcConfig
from .decide import Decide
from .items import Kind, Source, item
from .mshr import Mshrs
from .operations import Operations, Step
from .quota import Quota
from .replacement import Draw, Trees
from .signature import CoreSignature, Failure
from .tags import Tags
from .waiting import Waiting, parked
from .write_back import Why, WriteBack

USERS_MAX = 8


class LlcCore(wiring.Component):
    """One item a cycle goes through: a request, a line that is put in, or a step of an operation.

    ::

        cycle 0  choose: replay, fill, operation, first of the waiting queue, a user's request; read tags and tree
        cycle 1  decide (:class:`yingzhou.llc.decide.Decide`); write tags and tree; access the data array
        cycle 2  answer; or hand a line that was read to the write-back queue

    What an item decides is seen by the next one: whatever is written in cycle 1 is written before the next item's
    cycle 1. A request that can be neither served nor fetched for leaves the pipeline for the waiting queue, so nothing
    in the pipeline ever stands still, and the cycle in which a request is accepted depends on which users ask and on
    what is under way.

    Timing: a hit is answered two cycles after it was accepted. A miss asks memory two cycles after it was accepted, and
    is answered four cycles after the last beat.

    Parameters
    ----------
    config : LlcConfig
    users : int
        Who use the cache, 1 to 8.
    tag_bits : int
        Width of their tags in bits, at least 1.

    Ports
    -----
    See :class:`yingzhou.llc.signature.CoreSignature`.
    """

    def __init__(self, config: LlcConfig, users: int, tag_bits: int):
        require(1 <= users <= USERS_MAX, f"users is {users}; accepted are 1 to {USERS_MAX}")
        require(1 <= tag_bits <= 64, f"tag_bits is {tag_bits}; accepted are 1 to 64")
        self.config, self._users, self._tag_bits = config, users, tag_bits
        self._user_bits = max(1, ceil_log2(users))
        self.tags = Tags(config)
        super().__init__(dict(CoreSignature(config, users, tag_bits).flip().members.items()))

    def elaborate(self, platform):
        m = Module()
        config = self.config
        shape = parked(self._tag_bits, self._user_bits)
        m.submodules.tags = self._tags = self.tags
        m.submodules.trees = self._trees = Trees(config.sets, config.ways)
        m.submodules.mshrs = self._mshrs = Mshrs(config, shape)
        m.submodules.waiting = self._waiting = Waiting(config, shape)
        m.submodules.write_back = self._write_back = WriteBack(config)
        m.submodules.operations = self._operations = Operations(config)
        m.submodules.quota = quota = Quota(config)
        m.submodules.decide = self._decide = Decide(config, self._tag_bits, self._user_bits, quota)
        connect(m, flipped(self.operation), self._operations.operation)
        connect(m, flipped(self.quota), quota.quota)
        m.d.comb += self.ready.eq(self._tags.ready)

        layout = item(config, self._tag_bits, self._user_bits)
        self._chosen, self._chosen_valid = Signal(layout), Signal()
        self._chosen_data = Signal(LINE_BITS)
        self._item, self._valid, self._data = Signal(layout), Signal(), Signal(LINE_BITS)
        m.d.sync += [
            self._item.eq(self._chosen),
            self._valid.eq(self._chosen_valid),
            self._data.eq(self._chosen_data),
        ]
        self._choose(m)
        self._connect_decide(m)
        self._connect_memory(m)
        self._data_array(m)
        self._report(m)
        return m

    def _choose(self, m: Module) -> None:
        """Cycle 0."""
        mshrs, waiting, steps, chosen = self._mshrs, self._waiting, self._operations.steps, self._chosen
        new_in_cycle_1 = self._valid & (self._item.kind == Kind.REQUEST) & (self._item.source == Source.NEW)
        m.d.comb += waiting.coming.eq(new_in_cycle_1)
        m.submodules.turns = turns = Picker(self._users)
        users = [getattr(self, f"user{n}") for n in range(self._users)]
        m.d.comb += turns.requests.eq(Cat(user.request.valid for user in users))
        with m.If(mshrs.replay):
            self._request(m, mshrs.replay_park, mshrs.replay_line, Source.PARKED)
            m.d.comb += [
                chosen.kind.eq(Mux(mshrs.replay_park.operation, Kind.LINE, Kind.REQUEST)),
                chosen.index.eq(mshrs.replay_index),
                chosen.error.eq(mshrs.replay_error),
            ]
        with m.Elif(mshrs.fill):
            m.d.comb += [
                self._chosen_valid.eq(1),
                self._chosen_data.eq(mshrs.fill_data),
                chosen.kind.eq(Kind.FILL),
                chosen.line.eq(mshrs.fill_line),
                chosen.way.eq(mshrs.fill_way),
                chosen.error.eq(mshrs.fill_error),
                chosen.fetched.eq(mshrs.fill_fetched),
                mshrs.fill_taken.eq(1),
            ]
        with m.Elif(~self.ready):
            pass
        with m.Elif(steps.valid):
            m.d.comb += [
                self._chosen_valid.eq(1),
                steps.ready.eq(1),
                chosen.line.eq(steps.p.line),
                chosen.way.eq(steps.p.way),
            ]
            with m.Switch(steps.p.step):
                with m.Case(Step.LINE):
                    m.d.comb += chosen.kind.eq(Kind.LINE)
                with m.Case(Step.ENTRY):
                    m.d.comb += chosen.kind.eq(Kind.ENTRY)
                with m.Case(Step.FINISH):
                    held = self._decide.held
                    m.d.comb += [chosen.kind.eq(Kind.FINISH), chosen.line.eq(held.line), chosen.way.eq(held.way)]
        with m.Elif(waiting.try_first):
            m.d.comb += waiting.tried.eq(1)
            self._request(m, waiting.first_request, waiting.first_line, Source.WAITED)
        with m.Elif(turns.any & waiting.room):
            m.d.comb += turns.taken.eq(1)
            with m.Switch(turns.index):
                for n, user in enumerate(users):
                    with m.Case(n):
                        request = user.request.p
                        self._request(m, request, request.line, Source.NEW, user=n)
                        m.d.comb += user.request.ready.eq(1)
        m.d.comb += [
            self._tags.read_set.eq(chosen.line[: self.config.set_bits]),
            self._trees.read_set.eq(chosen.line[: self.config.set_bits]),
        ]

    def _request(self, m: Module, request, line, source: Source, user: int | None = None) -> None:
        chosen = self._chosen
        m.d.comb += [
            self._chosen_valid.eq(1),
            self._chosen_data.eq(request.data),
            chosen.kind.eq(Kind.REQUEST),
            chosen.source.eq(source),
            chosen.line.eq(line),
            chosen.write.eq(request.write),
            chosen.strobe.eq(request.strobe),
            chosen.tag.eq(request.tag),
            chosen.user.eq(request.user if user is None else user),
        ]

    def _connect_decide(self, m: Module) -> None:
        """Cycle 1."""
        decide, mshrs, waiting, operations = self._decide, self._mshrs, self._waiting, self._operations
        tags, trees, write_back = self._tags, self._trees, self._write_back
        set_number = self._item.line[: self.config.set_bits]
        m.submodules.draw = draw = Draw()
        if self.config.way_masks:
            m.d.comb += decide.allowed.eq(self.way_masks[self._item.user])
        change = decide.release | decide.let_go | write_back.done
        park = mshrs.park
        m.d.comb += [
            decide.valid.eq(self._valid),
            decide.item.eq(self._item),
            decide.entries.eq(tags.entries),
            decide.bad.eq(tags.bad),
            decide.tree.eq(trees.tree),
            decide.draw.eq(draw.value),
            # What stands against it
            mshrs.query_line.eq(self._item.line),
            waiting.line.eq(self._item.line),
            write_back.line.eq(Mux(self._item.kind == Kind.ENTRY, decide.held_line, self._item.line)),
            decide.under_way.eq(mshrs.same),
            decide.reserved.eq(mshrs.reserved),
            decide.mshr_free.eq(mshrs.free),
            decide.waits_here.eq(waiting.same),
            decide.starving.eq(waiting.starving),
            decide.being_written.eq(write_back.busy),
            decide.room.eq(write_back.room),
            # The operation
            decide.op.eq(operations.op),
            decide.scope.eq(operations.scope),
            decide.domain.eq(operations.domain),
            decide.undo.eq(operations.undo),
            decide.keep.eq(operations.keep),
            decide.operation_starving.eq(operations.starving),
            decide.operation_lets_go.eq(operations.let_go),
            operations.decided.eq(decide.decided),
            operations.outcome.eq(decide.outcome),
            operations.change.eq(change),
            # What comes of it
            tags.write.eq(decide.tags_write),
            tags.write_set.eq(set_number),
            tags.write_entry.eq(decide.tags_entry),
            trees.write.eq(decide.touch | ~tags.ready),
            trees.write_set.eq(Mux(tags.ready, set_number, tags.sweep_set)),
            trees.write_tree.eq(Mux(tags.ready, decide.tree_touched, 0)),
            mshrs.allocate.eq(decide.allocate),
            mshrs.line.eq(self._item.line),
            mshrs.way.eq(decide.way),
            mshrs.fetch.eq(~decide.whole),
            mshrs.release.eq(decide.release),
            mshrs.release_index.eq(self._item.index),
            park.operation.eq(self._item.kind == Kind.LINE),
            park.write.eq(self._item.write),
            park.strobe.eq(self._item.strobe),
            park.data.eq(self._data),
            park.tag.eq(self._item.tag),
            park.user.eq(self._item.user),
            waiting.push.eq(decide.wait),
            waiting.push_line.eq(self._item.line),
            waiting.push_request.eq(park),
            waiting.push_starved.eq(decide.starved),
            waiting.pop.eq(decide.waited_done),
            waiting.starved.eq(decide.waited_starved),
            # An operation that gives up a resource it had waited for is a change too.
            waiting.change.eq(change | decide.decided | decide.stopped),
            mshrs.first_line.eq(waiting.first_line),
            waiting.blocked.eq(mshrs.first_same | (decide.held.valid & (decide.held.line == waiting.first_line))),
            write_back.push.eq(decide.write_back),
            write_back.push_line.eq(decide.held_line),
            write_back.push_why.eq(decide.why),
        ]

    def _connect_memory(self, m: Module) -> None:
        mshrs, write_back, memory_side = self._mshrs, self._write_back, self.memory
        connect(m, mshrs.read, flipped(memory_side.read))
        connect(m, write_back.write, flipped(memory_side.write))
        done = write_back.done & (write_back.done_why != Why.VICTIM)
        m.d.comb += [
            *(getattr(mshrs, name).eq(getattr(memory_side, name)) for name in ("beat", "beat_index", "beat_data")),
            mshrs.beat_error.eq(memory_side.beat_error),
            write_back.fetch_line.eq(mshrs.read.p),
            mshrs.read_hold.eq(write_back.fetch_busy),
            write_back.answer.eq(memory_side.write_done),
            write_back.answer_error.eq(memory_side.write_error),
            self._operations.written.eq(done),
            self._operations.written_error.eq(write_back.done_error),
            self._operations.left.eq(write_back.left),
            self._operations.done.eq(write_back.done),
        ]

    def _data_array(self, m: Module) -> None:
        """Cycles 1 and 2: one access a cycle, a whole line wide."""
        config, decide = self.config, self._decide
        m.submodules.lines = lines = memory.Memory(shape=LINE_BITS, depth=config.lines, init=[])
        read, write = lines.read_port(), lines.write_port(granularity=8)
        address = Cat(decide.way, self._item.line[: config.set_bits])
        m.d.comb += [
            read.addr.eq(address),
            read.en.eq(decide.read),
            write.addr.eq(address),
            write.en.eq(decide.write_bytes),
            write.data.eq(self._data),
            self._write_back.data.eq(read.data),
        ]
        serves, error, of_write = Signal(), Signal(), Signal()
        tag, user = Signal(self._tag_bits), Signal(self._user_bits)
        m.d.sync += [
            serves.eq(decide.serve),
            error.eq(decide.serve_error),
            of_write.eq(self._item.write),
            tag.eq(self._item.tag),
            user.eq(self._item.user),
        ]
        for n in range(self._users):
            port = getattr(self, f"user{n}")
            mine = serves & (user == n)
            m.d.comb += [
                port.answer.eq(mine),
                port.answer_tag.eq(Mux(mine, tag, 0)),
                port.answer_write.eq(mine & of_write),
                port.answer_error.eq(mine & error),
                port.answer_data.eq(Mux(mine & ~of_write & ~error, read.data, 0)),
            ]

    def _report(self, m: Module) -> None:
        decide, write_back = self._decide, self._write_back
        lost = write_back.done & write_back.done_error & (write_back.done_why != Why.OPERATION)
        m.d.comb += [
            self.stopped.eq(decide.stopped),
            self.drained.eq(write_back.left == 0),
            self.failure.valid.eq(lost | decide.stops),
            self.failure.kind.eq(Mux(decide.stops, Failure.PARITY, Failure.WRITE_BACK)),
            self.failure.line.eq(Mux(decide.stops, self._item.line, write_back.done_line)),
            self.events.hit.eq(decide.count_hit),
            self.events.miss.eq(decide.allocate & (self._item.kind == Kind.REQUEST)),
            self.events.write_back.eq(write_back.done & ~write_back.done_error),
            self.events.lock.eq(decide.lock),
            self.trace.eq(decide.trace),
        ]
