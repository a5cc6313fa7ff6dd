# SPDX-License-Identifier: Apache-2.0
"""The last-level cache behind the two Wishbone ports of a hart."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from yingzhou.bus import axi4, register_bus, wishbone
from yingzhou.geometry import BEAT_BITS, LINE_LOG

from .config import LlcConfig
from .llc import Llc
from .signature import REGISTER_ADDR_WIDTH
from .store_gather import StoreGather
from .word_port import WORD_LOG, WordPort

TAG_BITS = 1
"""Width of the users' tags in bits; a word port has one request under way and needs none."""


class WishboneLlc(wiring.Component):
    """Two Wishbone slaves on the cache, its registers, and an AXI4 master.

    When a store is acknowledged every later load of either port sees it. Without ``gather`` nothing is posted on the
    way in: the store is in the cache.

    Parameters
    ----------
    config : LlcConfig
    gather : bool
        Stores that fill a line from its first word on are posted and written at once, without fetching the line
        (:class:`yingzhou.llc.store_gather.StoreGather`).

    Ports
    -----
    instr, data : Wishbone slaves, word addresses of ``addr_width - 2`` bits, decoded to memory before. ``instr``
                  refuses writes. ``err``: the line cannot be had, or is not cacheable.
    mem         : AXI4 master, 128-bit; bursts of one line.
    bus         : register bus (rdl/llc.rdl).
    irq         : level: a failure is recorded and not cleared. Idle: 0.
    drain       : what is gathered is to go to the cache now. Idle: 0.
    drained     : level: nothing is gathered, and no line is on its way to memory.
    failed      : pulse: the cache refused what was gathered for ``failed_line``. Idle: 0.
    """

    def __init__(self, config: LlcConfig, gather: bool = False):
        self.config, self._gather = config, gather
        self.llc = Llc(config, 3 if gather else 2, TAG_BITS)
        port = In(wishbone.Signature(config.addr_width - WORD_LOG))
        super().__init__(
            {
                "instr": port,
                "data": port,
                "mem": Out(axi4.Signature(config.addr_width, BEAT_BITS, config.id_width)),
                "bus": In(register_bus.Signature(REGISTER_ADDR_WIDTH)),
                "irq": Out(1),
                "drain": In(1),
                "drained": Out(1),
                "failed": Out(1),
                "failed_line": Out(config.line_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.llc = llc = self.llc
        m.submodules.instr = instr = WordPort(self.config, TAG_BITS, writable=False)
        m.submodules.data = data = WordPort(self.config, TAG_BITS)
        m.d.comb += wishbone.forward(self.instr, instr.bus)
        if self._gather:
            self._add_gather(m, instr.bus, data)
        else:
            connect(m, flipped(self.data), data.bus)
            m.d.comb += self.drained.eq(llc.drained)
        connect(m, instr.user, llc.user0)
        connect(m, data.user, llc.user1)
        connect(m, llc.m_axi, flipped(self.mem))
        connect(m, flipped(self.bus), llc.bus)
        m.d.comb += self.irq.eq(llc.irq)
        return m

    def _add_gather(self, m: Module, fetch, data: WordPort) -> None:
        """Put the gather before the data port; a fetch of the line that it keeps waits until the cache has it."""
        m.submodules.gather = gather = StoreGather(self.config, TAG_BITS)
        connect(m, flipped(self.data), gather.bus)
        connect(m, gather.out, data.bus)
        connect(m, gather.user, self.llc.user2)
        held = gather.fetch_held
        m.d.comb += [
            gather.fetch.eq(self.instr.cyc & self.instr.stb),
            gather.fetch_line.eq(self.instr.adr[LINE_LOG - WORD_LOG :]),
            fetch.stb.eq(self.instr.stb & ~held),
            gather.drain.eq(self.drain),
            self.drained.eq(gather.drained & self.llc.drained),
            self.failed.eq(gather.failed),
            self.failed_line.eq(gather.failed_line),
        ]
