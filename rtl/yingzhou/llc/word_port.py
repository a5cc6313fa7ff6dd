# SPDX-License-Identifier: Apache-2.0
"""A Wishbone slave in front of the cache: words to line requests."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from yingzhou.bus import wishbone
from yingzhou.geometry import LINE_BYTES, LINE_LOG

from .config import LlcConfig
from .signature import RequestSignature

WORD_BYTES = wishbone.DATA_WIDTH // 8
WORD_LOG = exact_log2(WORD_BYTES)


class WordPort(wiring.Component):
    """One word at a time (Wishbone B4, chapter 3.2: classic single cycles). Nothing is posted: what is acknowledged
    is in the cache, or was refused with ``err``.

    A hit is acknowledged two cycles after the transfer was offered, when the cache takes it at once. A master that
    gives up its transfer before it is acknowledged is not told how it ended; the next one waits for that.

    Parameters
    ----------
    config : LlcConfig
    tag_bits : int
        Width of the tags of the cache's users in bits; they are not used.
    writable : bool
        0: a write is refused with ``err``, as on an instruction port.

    Ports
    -----
    bus  : Wishbone slave, word addresses of ``addr_width - 2`` bits, decoded to memory before.
    user : the cache.
    """

    def __init__(self, config: LlcConfig, tag_bits: int, writable: bool = True):
        self._writable = writable
        super().__init__(
            {
                "bus": In(wishbone.Signature(config.addr_width - WORD_LOG)),
                "user": Out(RequestSignature(config, tag_bits)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bus, user, request = self.bus, self.user, self.user.request
        word_bits = LINE_LOG - WORD_LOG
        asked, word, left = Signal(), Signal(word_bits), Signal()
        offered, refused = Signal(), Signal()
        place = bus.adr[:word_bits]
        strobe = Signal(LINE_BYTES)
        fields = {
            "line": bus.adr[word_bits:],
            "write": bus.we,
            "strobe": strobe,
            "data": bus.dat_w.replicate(LINE_BYTES // WORD_BYTES),
            "tag": Const(0, request.p.tag.shape()),
        }
        m.d.comb += [
            offered.eq(bus.cyc & bus.stb),
            refused.eq(0 if self._writable else offered & bus.we & ~asked),
            request.valid.eq(offered & ~asked & ~refused),
            strobe.word_select(place, WORD_BYTES).eq(Mux(bus.we, bus.sel, 0)),
            # In one assignment: alone, the tag's constant would be in an `always @*` that reads nothing and never runs.
            request.payload.eq(Cat(fields[name] for name in request.p.shape().members)),
            bus.dat_r.eq(Mux(bus.ack, user.answer_data.word_select(word, wishbone.DATA_WIDTH), 0)),
            bus.ack.eq(asked & user.answer & ~user.answer_error & offered & ~left),
            bus.err.eq((asked & user.answer & user.answer_error & offered & ~left) | refused),
        ]
        with m.If(asked & ~offered):
            m.d.sync += left.eq(1)
        with m.If(request.valid & request.ready):
            m.d.sync += [asked.eq(1), word.eq(place), left.eq(0)]
        with m.If(user.answer):
            m.d.sync += asked.eq(0)
        return m
