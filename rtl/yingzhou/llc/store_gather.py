# SPDX-License-Identifier: Apache-2.0
"""Stores that fill a line from its first word on, gathered to one request."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.bus import wishbone
from yingzhou.geometry import LINE_BITS, LINE_BYTES, LINE_LOG

from .config import LlcConfig
from .signature import RequestSignature
from .word_port import WORD_BYTES, WORD_LOG

WORDS = LINE_BYTES // WORD_BYTES


class StoreGather(wiring.Component):
    """Stands before a :class:`yingzhou.llc.word_port.WordPort` and keeps stores of whole words that begin at a line's
    first word and go on word by word. A line that becomes full is one write of a whole line, for which the cache
    fetches nothing: so memory can be overwritten that could not be read. All other accesses pass, without a cycle.

    A gathered store is acknowledged at once: it is *posted*. One line is gathered at a time. It leaves, full or not,
    when it is full, when another one begins, when anything else than its next word is accessed in it or it is fetched
    (they wait until the cache has answered), and on ``drain``. Accesses to other lines leave it alone.

    Parameters
    ----------
    config : LlcConfig
    tag_bits : int
        Width of the tags of the cache's users in bits; they are not used.

    Ports
    -----
    bus        : Wishbone slave, word addresses, decoded to memory before.
    out        : Wishbone master: what is not gathered.
    user       : the cache; writes only.
    fetch      : somebody else reads ``fetch_line`` (a line number) in this cycle; ``fetch_held``, same cycle: he has to
                 wait. Idle: 0.
    drain      : the line is to leave now. Idle: 0.
    drained    : nothing is gathered or unanswered. Level.
    failed     : pulse: the cache refused a gathered line, ``failed_line``: memory could not be read, or is none.
    """

    def __init__(self, config: LlcConfig, tag_bits: int):
        self._config = config
        port = wishbone.Signature(config.addr_width - WORD_LOG)
        super().__init__(
            {
                "bus": In(port),
                "out": Out(port),
                "user": Out(RequestSignature(config, tag_bits)),
                "fetch": In(1),
                "fetch_line": In(config.line_bits),
                "fetch_held": Out(1),
                "drain": In(1),
                "drained": Out(1),
                "failed": Out(1),
                "failed_line": Out(config.line_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bus, out, user = self.bus, self.out, self.user
        word_bits = LINE_LOG - WORD_LOG
        words = Signal(LINE_BITS)
        count, line, leaves = Signal(range(WORDS + 1)), Signal(self._config.line_bits), Signal()
        sent_line, sent = Signal(self._config.line_bits), Signal()
        offered, store, gathered, here, on_way = Signal(), Signal(), Signal(), Signal(), Signal()
        held, begins, goes_on, passes = Signal(), Signal(), Signal(), Signal()
        place, wanted = bus.adr[:word_bits], bus.adr[word_bits:]
        opened = count != 0
        m.d.comb += [
            offered.eq(bus.cyc & bus.stb),
            store.eq(offered & bus.we & bus.sel.all()),
            here.eq(opened & (wanted == line)),
            on_way.eq(sent & (wanted == sent_line)),
            goes_on.eq(store & here & ~leaves & (place == count)),
            begins.eq(store & ~here & (place == 0)),
            held.eq(here | on_way),
            passes.eq(offered & ~begins & ~held),
            gathered.eq(goes_on | (begins & ~opened)),
            self.fetch_held.eq((opened & (self.fetch_line == line)) | (sent & (self.fetch_line == sent_line))),
            self.drained.eq(~opened & ~sent),
            self.failed.eq(sent & user.answer & user.answer_error),
            self.failed_line.eq(sent_line),
            # Towards the cache
            user.request.valid.eq(leaves & ~sent),
            user.request.p.line.eq(line),
            user.request.p.write.eq(1),
            user.request.p.data.eq(words),
        ]
        for n in range(WORDS):
            m.d.comb += user.request.p.strobe.word_select(n, WORD_BYTES).eq((count > n).replicate(WORD_BYTES))
        for name in ("we", "adr", "sel", "dat_w"):
            m.d.comb += getattr(out, name).eq(getattr(bus, name))
        m.d.comb += [
            out.cyc.eq(passes),
            out.stb.eq(passes),
            bus.ack.eq(gathered | (passes & out.ack)),
            bus.err.eq(passes & out.err),
            bus.dat_r.eq(out.dat_r),
        ]

        with m.If(gathered):
            m.d.sync += [
                count.eq(place + 1),
                line.eq(wanted),
                words.word_select(place, wishbone.DATA_WIDTH).eq(bus.dat_w),
            ]
        full = gathered & (place == WORDS - 1)
        with m.If(
            full | (opened & (self.drain | begins | (offered & here & ~goes_on) | (self.fetch & self.fetch_held)))
        ):
            m.d.sync += leaves.eq(1)
        with m.If(user.answer):
            m.d.sync += sent.eq(0)
        with m.If(user.request.valid & user.request.ready):
            m.d.sync += [leaves.eq(0), count.eq(0), sent.eq(1), sent_line.eq(line)]
        return m
