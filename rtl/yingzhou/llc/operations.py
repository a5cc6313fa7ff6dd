# SPDX-License-Identifier: Apache-2.0
"""The sequencer of operations: which line is visited when, and how the operation ends."""

from amaranth import *
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from yingzhou.geometry import PAGE_LINES

from .command import Check
from .config import LlcConfig
from .signature import Command, Op, OperationSignature, Result, Scope, Status
from .visit import Action
from .write_back import DEPTH


class Step(enum.Enum, shape=2):
    """What an operation has the pipeline do."""

    LINE = 0
    """Visit a line by its number."""
    ENTRY = 1
    """Visit what is in a set and way."""
    FINISH = 2
    """The line that is held was written back: clean it, or make it invalid and unlocked."""


def step(config: LlcConfig) -> data.StructLayout:
    """``way`` is meant with ENTRY, whose ``line`` is the number of the set."""
    return data.StructLayout({"step": Step, "line": config.line_bits, "way": config.way_bits})


def outcome(config: LlcConfig) -> data.StructLayout:
    """What became of a step. ``starved``: AGAIN for lack of a resource. ``line``: which line it was."""
    return data.StructLayout(
        {"action": Action, "starved": 1, "result": Result, "status": Status, "line": config.line_bits}
    )


class Operations(wiring.Component):
    """One operation at a time, one line at a time.

    A step is offered two cycles after the one before it was taken, when that took no more. An operation with scope ALL
    ends when memory has answered every line that was on its way at its last visit.

    Ports
    -----
    operation : who wants operations.
    steps     : stream of :func:`step` to the pipeline.
    decided   : pulse: the step taken last came to ``outcome``. After FETCH another follows.
    written   : pulse: memory answered the write of the line that is held; ``written_error``.
    let_go    : pulse: with ``written_error`` the line is held no more. With FINISH the pipeline sees to it.
    change    : pulse: something that a step may have waited for has happened.
    starving  : a step waits for a resource: nobody else may take one.
    left, done : lines on their way to memory, and a pulse when one is answered.
    op, scope, domain, undo : to :class:`Visit`.
    keep      : what FINISH does: 1 cleans, 0 makes invalid.
    """

    def __init__(self, config: LlcConfig):
        self._config = config
        super().__init__(
            {
                "operation": In(OperationSignature(config)),
                "steps": Out(stream.Signature(step(config))),
                "decided": In(1),
                "outcome": In(outcome(config)),
                "written": In(1),
                "written_error": In(1),
                "let_go": Out(1),
                "change": In(1),
                "starving": Out(1),
                "left": In(range(DEPTH + 1)),
                "done": In(1),
                "op": Out(Op),
                "scope": Out(Scope),
                "domain": Out(config.domain_bits),
                "undo": Out(1),
                "keep": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        self._command = command = Signal(Command)
        bits = max(exact_log2(config.lines), exact_log2(PAGE_LINES))
        self._index, self._ends = Signal(bits), Signal()
        """Line of the page, or entry of the cache, that is visited; it is the last."""
        self._mine = Signal(PAGE_LINES)
        """Lines of the page that this LOCK has locked."""
        self._result = Signal(Result)
        self._unlocked, self._held_line = Signal(), Signal(config.line_bits)
        self._drain = Signal.like(self.left)
        m.d.comb += [
            self.op.as_value().eq(command.op),
            self.scope.as_value().eq(command.scope),
            self.domain.eq(command.domain),
            self.keep.eq((self.op == Op.CLEAN) & ~self.undo),
        ]
        self._walk(m)
        self._sequence(m)
        return m

    def _walk(self, m: Module) -> None:
        config, index = self._config, self._index
        page_bits, offset = exact_log2(PAGE_LINES), 6
        line = self._command.address[offset : offset + config.line_bits]
        with m.Switch(self.scope):
            with m.Case(Scope.ALL):
                m.d.comb += [
                    self.steps.p.step.eq(Step.ENTRY),
                    self.steps.p.way.eq(index),
                    self.steps.p.line.eq(index[config.way_bits : exact_log2(config.lines)]),
                    self._ends.eq(index == config.lines - 1),
                ]
            with m.Case(Scope.PAGE):
                m.d.comb += [
                    self.steps.p.line.eq(Cat(index[:page_bits], line[page_bits:])),
                    self._ends.eq(index == PAGE_LINES - 1),
                ]
            with m.Default():
                m.d.comb += [self.steps.p.line.eq(line), self._ends.eq(1)]

    def _sequence(self, m: Module) -> None:
        outcome, operation = self.outcome, self.operation
        m.submodules.check = check = Check(self._config)
        m.d.comb += check.command.eq(self._command)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += operation.request.ready.eq(1)
                m.d.sync += [
                    self._command.eq(operation.request.p),
                    self._index.eq(0),
                    self._mine.eq(0),
                    self._unlocked.eq(0),
                    self.undo.eq(0),
                    operation.line.eq(0),
                    operation.status.eq(0),
                ]
                with m.If(operation.request.valid):
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.d.sync += self._result.eq(check.result)
                m.next = "VISIT"
                with m.If(check.result != Result.DONE):
                    m.next = "ANSWER"
            with m.State("VISIT"):
                m.d.comb += self.steps.valid.eq(1)
                with m.If(self.steps.ready):
                    m.next = "DECIDE"
            with m.State("DECIDE"):
                with m.If(self.decided):
                    m.d.sync += self.starving.eq((outcome.action == Action.AGAIN) & outcome.starved)
                    self._decided(m)
            with m.State("AGAIN"):
                with m.If(self.change):
                    m.next = "VISIT"
            with m.State("WRITE"):
                with m.If(self.written):
                    m.next = "FINISH"
                    with m.If(self.written_error):
                        m.d.comb += self.let_go.eq(1)
                        self._refused(m, Result.MEMORY_ERROR, self._held_line)
            with m.State("FINISH"):
                m.d.comb += [self.steps.valid.eq(1), self.steps.p.step.eq(Step.FINISH)]
                m.d.sync += self._unlocked.eq(1)
                with m.If(self.steps.ready):
                    m.next = "FINISHED"
            with m.State("FINISHED"):
                with m.If(self.decided):
                    with m.If(outcome.action == Action.REFUSE):
                        self._refused(m, outcome.result, outcome.line)
                    with m.Else():
                        self._next(m)
            with m.State("SEEK"):
                # Undo: find the next line that this LOCK has locked.
                with m.If(self._mine.bit_select(self._index[: exact_log2(PAGE_LINES)], 1)):
                    m.next = "VISIT"
                with m.Else():
                    self._next(m)
            with m.State("DRAIN"):
                m.d.sync += self._drain.eq(self._drain - self.done)
                with m.If(self._drain == 0):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += operation.done.eq(1)
                m.next = "IDLE"
        m.d.comb += operation.result.eq(self._result)

    def _decided(self, m: Module) -> None:
        """What follows a visit."""
        outcome = self.outcome
        with m.Switch(outcome.action):
            with m.Case(Action.AGAIN):
                m.next = "AGAIN"
                with m.If(self.change):
                    m.next = "VISIT"
            with m.Case(Action.FETCH):
                pass
            with m.Case(Action.WRITE):
                m.d.sync += self._held_line.eq(outcome.line)
                m.next = "WRITE"
            with m.Case(Action.REFUSE):
                self._refused(m, outcome.result, outcome.line)
            with m.Default():
                with m.If(outcome.action == Action.LOCK):
                    m.d.sync += self._mine.bit_select(self._index[: exact_log2(PAGE_LINES)], 1).eq(1)
                m.d.sync += self.operation.status.eq(outcome.status)
                self._next(m)

    def _next(self, m: Module) -> None:
        """Go to the next line, or end."""
        m.d.sync += self._index.eq(self._index + 1)
        m.next = "VISIT"
        with m.If(self.undo):
            m.next = "SEEK"
        with m.If(self._ends):
            m.d.sync += self._drain.eq(self.left - self.done)
            m.next = "ANSWER"
            with m.If(self.scope == Scope.ALL):
                m.next = "DRAIN"
            with m.Elif((self.op == Op.UNLOCK) & ~self._unlocked & (self._result == Result.DONE)):
                m.d.sync += self._result.eq(Result.NOT_LOCKED)

    def _refused(self, m: Module, result, line) -> None:
        """End at a line; a LOCK of a page first gives back what it has locked."""
        with m.If(self.undo):
            # Recorded elsewhere; the line stays locked.
            self._next(m)
        with m.Else():
            m.d.sync += [self._result.eq(result), self.operation.line.eq(line)]
            m.next = "ANSWER"
            with m.If((self.op == Op.LOCK) & self._mine.any()):
                m.d.sync += [self.undo.eq(1), self._index.eq(0)]
                m.next = "SEEK"
