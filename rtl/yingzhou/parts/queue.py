# SPDX-License-Identifier: Apache-2.0
"""A queue on a synchronous memory, and a fair choice among requests."""

from amaranth import *
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2


class Queue(wiring.Component):
    """First in, first out. What goes in is at the output one cycle later.

    Parameters
    ----------
    shape : shape-like
        What is queued.
    depth : int
        Items held, a power of two, at least 2.

    Ports
    -----
    i : stream in. ``ready`` comes from a register.
    o : stream out. ``valid`` and payload come from registers.
    """

    def __init__(self, shape, depth: int):
        self._shape, self._depth = shape, depth
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.items = items = memory.Memory(shape=self._shape, depth=self._depth, init=[])
        write = items.write_port()
        # The next item is read in the cycle before it is shown, also when it is only now being written.
        read = items.read_port(transparent_for=[write])
        bits = exact_log2(self._depth)
        first, last = Signal(bits), Signal(bits)
        level = Signal(range(self._depth + 1))
        push, pop = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(level != self._depth),
            self.o.valid.eq(level != 0),
            self.o.payload.eq(read.data),
            push.eq(self.i.valid & self.i.ready),
            pop.eq(self.o.valid & self.o.ready),
            write.addr.eq(last),
            write.data.eq(self.i.payload),
            write.en.eq(push),
            read.addr.eq(first + pop),
        ]
        m.d.sync += [first.eq(first + pop), last.eq(last + push), level.eq(level + push - pop)]
        return m


class Picker(wiring.Component):
    """Chooses one of several requests, each in its turn.

    Ports
    -----
    requests : a bit for each.
    any      : there is one.
    index    : the first after the one that was taken last, counting around. Without request: 0.
    taken    : the choice of this cycle is used.
    """

    def __init__(self, count: int):
        self._count = count
        super().__init__(
            {"requests": In(count), "any": Out(1), "index": Out(range(max(2, count))), "taken": In(1)},
        )

    def elaborate(self, platform):
        m = Module()
        later = Signal(self._count)
        wanted = Signal(self._count)
        m.d.comb += [
            self.any.eq(self.requests.any()),
            wanted.eq(Mux((self.requests & later).any(), self.requests & later, self.requests)),
        ]
        for number in reversed(range(self._count)):
            with m.If(wanted[number]):
                m.d.comb += self.index.eq(number)
        with m.If(self.taken):
            m.d.sync += later.eq(Cat(0, *(self.index < number for number in range(1, self._count))))
        return m
