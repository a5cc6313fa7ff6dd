# SPDX-License-Identifier: Apache-2.0
"""The walk checker that the GPT guard is compared with: one ownership bit a page, looked up in memory."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import connect, flipped
from amaranth.utils import exact_log2

from yingzhou.errors import power_of_two, require
from yingzhou.regs import RegisterBlock, load

from .check import is_leaf, is_pointer, leaf_offset_mask
from .config import PAGE_LOG, GptConfig
from .signature import ADDR_WIDTH, WalkCheckerSignature
from .walk_level import WalkLevel

GROUP_LOG = 5
"""A 32-bit word of the bitmap covers 32 pages."""


class BitmapChecker(wiring.Component):
    """Refuses host leaves whose pages the ownership bitmap calls secure (rdl/bitmap.rdl). For Sv32.

    1. Until enabled, every read is refused.
    2. Pointers, invalid PTEs and the leaves of an enclave pass in the cycle in which they come.
    3. The answer to a host leaf is held back while the word of its page is looked up: one cycle when the word is
       cached, one read of ``mem`` when not. A superpage looks up every word of its range, until one is not 0.
    4. The protection bit does not count: both windows of a page share its bit. Pages outside the bitmap are nobody's.
    5. The bitmap is judged as it was when its word was read: software writes ``flush`` after each change.

    Parameters
    ----------
    config : GptConfig
        Mode must be ``sv32``; only ``protection_bit`` and ``pa_width`` matter otherwise.
    cache_words : int
        Bitmap words cached, direct mapped: a power of two, 1 to 64.

    Ports: see :class:`yingzhou.gpt.signature.WalkCheckerSignature`.
    """

    def __init__(self, config: GptConfig, cache_words: int = 8):
        require(config.mode == "sv32", f"mode is {config.mode!r}; the 32-bit walker port accepts sv32")
        require(
            1 <= cache_words <= 64 and power_of_two(cache_words),
            f"cache_words is {cache_words}; accepted are powers of two from 1 to 64",
        )
        self.config, self.cache_words = config, cache_words
        super().__init__(dict(WalkCheckerSignature().members))

    def elaborate(self, platform):
        m = Module()
        config, hart, mem = self.config, self.hart, self.mem
        m.submodules.block = block = RegisterBlock(load("bitmap"), addr_width=ADDR_WIDTH)
        connect(m, flipped(self.regs), block.bus)
        for name in ("base", "first_page", "page_count"):
            block.lock(name, block.field("control.lock").value)
        m.submodules.walk_level = walk_level = WalkLevel(config)

        request, refuse, answer = Signal(), Signal(), Signal()
        pte = Signal(32)  # the leaf that waits for its lookup
        group = Signal(config.pte_ppn_bits - GROUP_LOG)  # the 32 pages that are looked up
        left = Signal(config.vpn_bits - GROUP_LOG)  # groups of the superpage still to come
        lookup = Lookup(m, block, self.cache_words, group)
        superpage = Signal()
        secure = Mux(superpage, lookup.word.any(), lookup.word.bit_select(pte[10 : 10 + GROUP_LOG], 1))

        found = Signal()
        m.d.comb += [
            request.eq(hart.cyc & hart.stb),
            mem.sel.eq(0b1111),
            mem.adr.eq(hart.adr),
            mem.stb.eq(mem.cyc),
            answer.eq(request & mem.ack & ~mem.err),
            hart.err.eq(refuse),
        ]
        looked_up = ~block.field("world.world").value & is_leaf(mem.dat_r)
        ppn = mem.dat_r[10:] & ~leaf_offset_mask(config, mem.dat_r, walk_level.level)
        if config.protection_bit is not None:
            ppn = ppn & ~(1 << config.protection_bit - PAGE_LOG)
        wrong = ~block.field("control.enable").value | hart.we | (walk_level.level == config.no_level)

        def judge():
            """Add to an FSM state: with the word at hand, refuse, go on to the next word, or let the leaf pass."""
            m.d.comb += found.eq(1)
            with m.If(secure | wrong):
                m.d.comb += refuse.eq(1)
                m.next = "pass"
            with m.Elif(left != 0):
                m.d.sync += [left.eq(left - 1), group.eq(group + 1)]
                m.next = "lookup"
            with m.Else():
                m.d.comb += [hart.ack.eq(1), hart.dat_r.eq(pte)]
                m.next = "pass"

        with m.FSM():
            with m.State("pass"):
                with m.If(request & wrong & ~walk_level.pending):
                    m.d.comb += refuse.eq(1)
                with m.Elif(request):
                    m.d.comb += mem.cyc.eq(1)
                    with m.If(mem.err | (answer & wrong)):
                        m.d.comb += refuse.eq(1)
                    with m.Elif(answer & looked_up):
                        m.d.sync += [
                            pte.eq(mem.dat_r),
                            group.eq(ppn[GROUP_LOG:]),
                            superpage.eq(walk_level.level != 0),
                            left.eq(Mux(walk_level.level != 0, -1, 0)),
                        ]
                        m.next = "lookup"
                    with m.Elif(answer):
                        m.d.comb += [hart.ack.eq(1), hart.dat_r.eq(mem.dat_r)]
            with m.State("lookup"):
                m.d.comb += lookup.start.eq(request)
                with m.If(~request):
                    m.next = "pass"
                with m.Elif(lookup.cached | ~lookup.covered):
                    judge()
                with m.Else():
                    m.next = "read"
            with m.State("read"):
                m.d.comb += [mem.cyc.eq(request), mem.adr.eq(lookup.address)]
                with m.If(~request):
                    m.next = "pass"
                with m.Elif(mem.err):
                    m.d.comb += refuse.eq(1)
                    m.next = "pass"
                with m.Elif(mem.ack):
                    m.d.comb += [lookup.fill.eq(1), lookup.fill_word.eq(mem.dat_r)]
                    judge()
        recorded = block.field("fault_status.valid")
        m.d.comb += [
            walk_level.walk_start.eq(self.walk_start),
            walk_level.request.eq(request),
            walk_level.ended.eq(hart.ack | hart.err),
            walk_level.pointer.eq(hart.ack & is_pointer(hart.dat_r)),
            self.world.eq(block.field("world.world").value),
            self.fault.eq(recorded.value),
            recorded.next.eq(1),
            recorded.we.eq(found & secure),
            block.field("fault_page.ppn").next.eq(Cat(Mux(superpage, 0, pte[10 : 10 + GROUP_LOG]), group)),
            block.field("fault_page.ppn").we.eq(found & secure & ~recorded.value),
            block.field("capabilities.cache_words").next.eq(self.cache_words),
            block.field("capabilities.protection_bit").next.eq(config.protection_bit or 0),
            block.field("count_allowed.count").incr.eq(hart.ack),
            block.field("count_refused.count").incr.eq(refuse & ~mem.err),
        ]
        return m


class Lookup:
    """Address of a bitmap word, and the cache of words: direct mapped, filled on a miss, emptied by ``flush``.

    Attributes
    ----------
    covered : the bitmap has a word for ``group``.
    cached  : that word is in the cache.
    word    : the word, 0 when not covered. Valid with ``cached``, with ``fill``, and when not covered.
    address : Wishbone word address of the word in memory.
    start   : drive 1 for a cycle in which a lookup begins, to be counted. Idle: 0.
    fill, fill_word : drive 1 with the word from memory. Idle: 0.
    """

    def __init__(self, m: Module, block: RegisterBlock, cache_words: int, group: Value):
        index_bits = exact_log2(cache_words)
        relative = Signal(len(group) + 1)
        self.covered, self.cached, self.start, self.fill = Signal(), Signal(), Signal(), Signal()
        self.word, self.fill_word, self.address = Signal(32), Signal(32), Signal(32)
        entry_layout = data.StructLayout({"valid": 1, "tag": len(group) - index_bits, "word": 32})
        entries = Signal(data.ArrayLayout(entry_layout, cache_words))
        entry = entries[relative[:index_bits]] if index_bits else entries[0]
        tag = relative[index_bits : len(group)]
        m.d.comb += [
            relative.eq(group - block.field("first_page.group").value),
            # Below the first page the difference wraps to a number above any count.
            self.covered.eq(relative < block.field("page_count.groups").value),
            self.cached.eq(self.covered & entry.valid & (entry.tag == tag)),
            self.word.eq(Mux(self.fill, self.fill_word, Mux(self.cached, entry.word, 0))),
            self.address.eq((block.field("base.ppn").value << PAGE_LOG - 2) + relative),
            block.field("count_lookups.count").incr.eq(self.start & self.covered),
            block.field("count_hits.count").incr.eq(self.start & self.cached),
        ]
        flushed = Signal()  # a word on its way was read before the flush: it must not be kept
        flush = block.field("flush.flush")
        with m.If(self.fill & ~flushed):
            m.d.sync += entry.eq(entry_layout.const({"valid": 1, "tag": 0, "word": 0}))
            m.d.sync += [entry.tag.eq(tag), entry.word.eq(self.fill_word)]
        with m.If(self.start):
            m.d.sync += flushed.eq(0)
        with m.If(flush.swmod & flush.value):
            m.d.sync += flushed.eq(1)
            for number in range(cache_words):
                m.d.sync += entries[number].valid.eq(0)
