# SPDX-License-Identifier: Apache-2.0
"""Requests that can neither be served nor fetched for at once."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import LINE_BITS, LINE_BYTES
from yingzhou.parts.queue import Queue

from .config import LlcConfig


def parked(tag_bits: int, user_bits: int) -> data.StructLayout:
    """A request that is kept, all but its line. ``user``: whose it is; ``operation``: it is a LOCK's instead."""
    return data.StructLayout(
        {"operation": 1, "write": 1, "strobe": LINE_BYTES, "data": LINE_BITS, "tag": tag_bits, "user": user_bits}
    )


class Waiting(wiring.Component):
    """Requests in their order. The first is made again as soon as what it waited for may have come.

    A request waits here for a line that is under way or held by an operation, or for an MSHR, a way or a place in the
    write-back queue.

    Parameters
    ----------
    config : LlcConfig
        As many wait as there are MSHRs.
    shape : StructLayout
        :func:`parked`.

    Ports
    -----
    room       : requests that are not yet decided on: 1 while one more than ``coming`` fits.
    coming     : a request is being decided on in this cycle, and may have to wait.
    push       : pulse: ``push_line`` and ``push_request`` wait. ``push_starved``: for a resource.
    line       : a line number; ``same``: same cycle: a request to it waits here.
    first      : there is one; ``first_line`` and ``first_request`` are its own.
    blocked    : the line of the first is under way or held.
    try_first  : the first should be made again. ``tried``: it is, in this cycle.
    pop        : pulse, one cycle after ``tried``: it went well.
    starved    : pulse in its place: it needs a resource. Neither pulse: it goes on waiting for its line.
    change     : pulse: a resource became free.
    starving   : the first waits for a resource: nobody behind it may take one.
    """

    def __init__(self, config: LlcConfig, shape: data.StructLayout):
        self._config, self._shape, self._depth = config, shape, config.mshrs
        line = config.line_bits
        super().__init__(
            {
                "room": Out(1),
                "coming": In(1),
                "push": In(1),
                "push_line": In(line),
                "push_request": In(shape),
                "push_starved": In(1),
                "line": In(line),
                "same": Out(1),
                "first": Out(1),
                "first_line": Out(line),
                "first_request": Out(shape),
                "blocked": In(1),
                "try_first": Out(1),
                "tried": In(1),
                "pop": In(1),
                "starved": In(1),
                "change": In(1),
                "starving": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        depth = self._depth
        m.submodules.requests = requests = Queue(self._shape, depth)
        lines = [Signal(self._config.line_bits, name=f"line_{n}") for n in range(depth)]
        used = Signal(depth)
        first, last = Signal(range(depth)), Signal(range(depth))
        level = Signal(range(depth + 1))
        stuck, trying = Signal(), Signal()
        m.d.comb += [
            self.room.eq(level + self.coming < depth),
            requests.i.valid.eq(self.push),
            requests.i.p.eq(self.push_request),
            requests.o.ready.eq(self.pop),
            self.same.eq(Cat(used[n] & (lines[n] == self.line) for n in range(depth)).any()),
            self.first.eq(level != 0),
            self.first_line.eq(Array(lines)[first]),
            self.first_request.eq(requests.o.p),
            self.try_first.eq(self.first & ~self.blocked & ~stuck & ~trying),
        ]
        m.d.sync += [
            trying.eq(self.tried),
            level.eq(level + self.push - self.pop),
            first.eq(first + self.pop),
            last.eq(last + self.push),
        ]
        for n in range(depth):
            with m.If(self.pop & (first == n)):
                m.d.sync += used[n].eq(0)
            with m.If(self.push & (last == n)):
                m.d.sync += [used[n].eq(1), lines[n].eq(self.push_line)]
        with m.If(self.pop):
            m.d.sync += [self.starving.eq(0), stuck.eq(0)]
        with m.If(self.starved | (self.push & self.push_starved & (level == 0))):
            m.d.sync += [self.starving.eq(1), stuck.eq(1)]
        with m.If(self.change):
            m.d.sync += stuck.eq(0)
        return m
