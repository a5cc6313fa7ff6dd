# SPDX-License-Identifier: Apache-2.0
"""Lines on their way to memory."""

from amaranth import *
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from yingzhou.geometry import LINE_BITS
from yingzhou.parts.queue import Queue

from .config import LlcConfig

DEPTH = 8
"""Lines under way to memory at once, a power of two."""


class Why(enum.Enum, shape=2):
    """Why a line is written back: who wants to know how it went."""

    VICTIM = 0
    OPERATION = 1
    UNDO = 2
    """An operation that was refused gives back what it had locked."""


class WriteBack(wiring.Component):
    """Hands lines to memory in their order, and knows them until memory has answered.

    Ports
    -----
    room       : one more line may be announced. From registers.
    push       : pulse: ``push_line`` is being read from the cache, ``push_why``; its data comes in the next cycle.
    data       : the 512 bits of the line that was announced in the cycle before.
    line       : a line number; ``busy``: same cycle: memory has not answered all its writes.
    fetch_line : another one, with ``fetch_busy``.
    write      : stream of lines to memory, as in :class:`yingzhou.line.signature.MemoryClient`.
    answer     : pulse: memory answered the oldest; ``answer_error``.
    done       : the same pulse, for those inside: ``done_line``, ``done_why``, ``done_error``.
    left       : lines announced and not answered.
    """

    def __init__(self, config: LlcConfig):
        self._config = config
        line = config.line_bits
        super().__init__(
            {
                "room": Out(1),
                "push": In(1),
                "push_line": In(line),
                "push_why": In(Why),
                "data": In(LINE_BITS),
                "line": In(line),
                "busy": Out(1),
                "fetch_line": In(line),
                "fetch_busy": Out(1),
                "write": Out(stream.Signature(data.StructLayout({"line": line, "data": LINE_BITS}))),
                "answer": In(1),
                "answer_error": In(1),
                "done": Out(1),
                "done_line": Out(line),
                "done_why": Out(Why),
                "done_error": Out(1),
                "left": Out(range(DEPTH + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        slot = data.StructLayout({"line": self._config.line_bits, "why": Why})
        slots = [Signal(slot, name=f"slot_{n}") for n in range(DEPTH)]
        used = Signal(DEPTH)
        newest, sent, oldest = (Signal(exact_log2(DEPTH), name=name) for name in ("newest", "sent", "oldest"))
        arrives = Signal()
        m.submodules.lines = lines = Queue(LINE_BITS, DEPTH)
        m.d.sync += arrives.eq(self.push)
        m.d.comb += [
            self.room.eq(~used.all()),
            lines.i.valid.eq(arrives),
            lines.i.p.eq(self.data),
            self.write.valid.eq(lines.o.valid),
            self.write.p.data.eq(lines.o.p),
            self.write.p.line.eq(Array(slots)[sent].line),
            lines.o.ready.eq(self.write.ready),
            self.done.eq(self.answer),
            self.done_line.eq(Array(slots)[oldest].line),
            self.done_why.eq(Array(slots)[oldest].why),
            self.done_error.eq(self.answer_error),
            self.busy.eq(Cat(used[n] & (slots[n].line == self.line) for n in range(DEPTH)).any()),
            self.fetch_busy.eq(Cat(used[n] & (slots[n].line == self.fetch_line) for n in range(DEPTH)).any()),
        ]
        m.d.sync += [
            newest.eq(newest + self.push),
            sent.eq(sent + (self.write.valid & self.write.ready)),
            oldest.eq(oldest + self.answer),
            self.left.eq(self.left + self.push - self.answer),
        ]
        for n in range(DEPTH):
            with m.If(self.answer & (oldest == n)):
                m.d.sync += used[n].eq(0)
            with m.If(self.push & (newest == n)):
                m.d.sync += [used[n].eq(1), slots[n].line.eq(self.push_line), slots[n].why.eq(self.push_why)]
        return m
