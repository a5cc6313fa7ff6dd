# SPDX-License-Identifier: Apache-2.0
"""AXI4 bursts as runs of beats within one line (Arm IHI 0022H, A3.4.1).

A *chunk* is the longest run of consecutive beats of a burst that lie in one line; it becomes one operation on the line.
The beats of a chunk walk through the line by one rule for all burst types, :func:`next_offset`.
"""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.bus import axi4
from yingzhou.geometry import LINE_LOG, PAGE_LOG, LineSpace

from .signature import TAG_BITS_FOR_READ

SIZE_MAX = 4
"""AxSIZE of a beat over all 16 lanes."""

Tag = data.StructLayout({"offset": LINE_LOG, "beats": LINE_LOG, "size": 3, "burst": axi4.Burst, "last": 1})
"""How to play the line of a read: offset of the first byte, beats less one, size, burst type within the line, and
whether the burst ends with it."""

assert Tag.size == TAG_BITS_FOR_READ


def address(config: LineSpace) -> data.StructLayout:
    """Payload of AXI's AW and AR channels."""
    return data.StructLayout({"id": config.id_width, "addr": config.addr_width, "len": 8, "size": 3, "burst": 2})


def burst(config: LineSpace) -> data.StructLayout:
    """A burst, or what is left of it.

    ``line``, ``outside``, ``offset`` : where its next beat begins.
    ``left``        : beats left, less one.
    ``kind``        : type within a line: WRAP only when the whole burst lies in one line.
    ``span``        : WRAP: mask of the offset bits that move.
    ``line_span``   : mask of the line number bits that move from chunk to chunk. A burst never leaves its page of
                      4 KiB: one that would, against A3.4.1, goes on at the page's start.
    """
    return data.StructLayout(
        {
            "id": config.id_width,
            "outside": 1,
            "line": config.line_bits,
            "offset": LINE_LOG,
            "left": 8,
            "size": 3,
            "kind": axi4.Burst,
            "span": LINE_LOG,
            "line_span": min(PAGE_LOG - LINE_LOG, config.line_bits),
        }
    )


def _size_mask(size):
    """Offset bits below a beat's size."""
    return ((1 << size) - 1)[:LINE_LOG]


def span_of(kind, size, beats):
    """Return the mask of offset bits that move from beat to beat, of a chunk with ``beats`` beats less one."""
    wrap = (beats << size)[:LINE_LOG] | _size_mask(size)
    return Mux(kind == axi4.Burst.INCR, (1 << LINE_LOG) - 1, Mux(kind == axi4.Burst.WRAP, wrap, 0))


def next_offset(offset, size, span):
    """Return the offset of the beat after the one at ``offset``."""
    step = ((offset | _size_mask(size)) + 1)[:LINE_LOG]
    return (offset & ~span) | (step & span)


def beats_to_end(offset, size):
    """Return the beats of an INCR run from ``offset`` to the end of the line, less one."""
    return (~offset)[:LINE_LOG] >> size


class Decode(wiring.Component):
    """An AXI address as a burst, combinational.

    What A3.4.1 forbids is given a meaning, so that nothing hangs: a size above 16 bytes is 16 bytes; WRAP of other than
    2, 4, 8 or 16 beats and the reserved type are INCR; the start of a WRAP is aligned to its size.

    Parameters
    ----------
    config : LineSpace

    Ports
    -----
    i : payload of AW or AR.
    o : the burst.
    """

    def __init__(self, config: LineSpace):
        self._config = config
        super().__init__({"i": In(address(config)), "o": Out(burst(config))})

    def elaborate(self, platform):
        m = Module()
        config, i, o = self._config, self.i, self.o
        line_end = LINE_LOG + config.line_bits
        size = Signal(3)
        wrap, wrap_lines = Signal(), Signal(2)
        m.d.comb += [
            size.eq(Mux(i.size > SIZE_MAX, SIZE_MAX, i.size)),
            wrap.eq((i.burst == axi4.Burst.WRAP) & ((i.len == 1) | (i.len == 3) | (i.len == 7) | (i.len == 15))),
            # Bytes of the container less one, in lines: 0, 1 or 3.
            wrap_lines.eq(((i.len[:4] << size) | _size_mask(size)) >> LINE_LOG),
            o.id.eq(i.id),
            o.line.eq(i.addr[LINE_LOG:line_end]),
            o.offset.eq(i.addr[:LINE_LOG] & ~Mux(wrap, _size_mask(size), 0)),
            o.left.eq(i.len),
            o.size.eq(size),
            o.kind.eq(axi4.Burst.INCR),
            o.line_span.eq(~0),
        ]
        with m.If(wrap & (wrap_lines == 0)):
            m.d.comb += [o.kind.eq(axi4.Burst.WRAP), o.line_span.eq(0)]
        with m.Elif(wrap):
            m.d.comb += o.line_span.eq(wrap_lines)
        with m.Elif(i.burst == axi4.Burst.FIXED):
            m.d.comb += [o.kind.eq(axi4.Burst.FIXED), o.line_span.eq(0)]
        m.d.comb += o.span.eq(span_of(o.kind, size, i.len[:LINE_LOG]))
        # Above memory only the protection bit may differ from the base.
        above = [bit for bit in range(line_end, config.addr_width) if bit != config.protection_bit]
        m.d.comb += o.outside.eq(Cat(i.addr[bit] != config.memory_base >> bit & 1 for bit in above).any())
        return m


def next_line(state):
    """Return the line number after the line of ``state``, a :func:`burst`."""
    low = len(state.line_span)
    moved = (state.line[:low] & ~state.line_span) | ((state.line[:low] + 1)[:low] & state.line_span)
    return Cat(moved, state.line[low:])


class BurstQueue(wiring.Component):
    """Up to two bursts; the first is worked on in place.

    Parameters
    ----------
    config : LineSpace

    Ports
    -----
    i       : stream of AXI addresses. ``ready`` comes from a register.
    valid   : there is a burst; one cycle after it was taken when none was before it.
    burst   : the first burst, what is left of it.
    advance : pulse: ``burst`` becomes ``rest``, or leaves the queue with ``ended``.
    """

    def __init__(self, config: LineSpace):
        self._config = config
        shape = burst(config)
        super().__init__(
            {
                "i": In(stream.Signature(address(config))),
                "valid": Out(1),
                "burst": Out(shape),
                "advance": In(1),
                "ended": In(1),
                "rest": In(shape),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.decode = decode = Decode(self._config)
        spare_full, spare = Signal(), Signal.like(self.burst)
        m.d.comb += [decode.i.eq(self.i.p), self.i.ready.eq(~spare_full)]
        with m.If(~self.valid | (self.advance & self.ended)):
            m.d.sync += [
                self.valid.eq(spare_full | self.i.valid),
                self.burst.eq(Mux(spare_full, spare, decode.o)),
                spare_full.eq(0),
            ]
        with m.Else():
            with m.If(self.advance):
                m.d.sync += self.burst.eq(self.rest)
            with m.If(self.i.valid & self.i.ready):
                m.d.sync += [spare_full.eq(1), spare.eq(decode.o)]
        return m
