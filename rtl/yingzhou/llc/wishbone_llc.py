# SPDX-License-Identifier: Apache-2.0
"""The last-level cache behind the two Wishbone ports of a hart."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from yingzhou.bus import axi4, register_bus, wishbone

from .config import BEAT_BITS, LlcConfig
from .llc import Llc
from .signature import REGISTER_ADDR_WIDTH
from .word_port import WORD_LOG, WordPort

TAG_BITS = 1
"""Width of the users' tags in bits; a word port has one request under way and needs none."""


class WishboneLlc(wiring.Component):
    """Two Wishbone slaves on the cache, its registers, and an AXI4 master.

    Nothing is posted on the way in: when a store is acknowledged every later load of either port sees it.

    Parameters
    ----------
    config : LlcConfig

    Ports
    -----
    instr, data : Wishbone slaves, word addresses of ``addr_width - 2`` bits, decoded to memory before. ``instr``
                  refuses writes. ``err``: the line cannot be had, or is not cacheable.
    mem         : AXI4 master, 128-bit; bursts of one line.
    bus         : register bus (rdl/llc.rdl).
    irq         : level: a failure is recorded and not cleared. Idle: 0.
    drained     : level: no line is on its way to memory.
    """

    def __init__(self, config: LlcConfig):
        self.config = config
        self.llc = Llc(config, 2, TAG_BITS)
        port = In(wishbone.Signature(config.addr_width - WORD_LOG))
        super().__init__(
            {
                "instr": port,
                "data": port,
                "mem": Out(axi4.Signature(config.addr_width, BEAT_BITS, config.id_width)),
                "bus": In(register_bus.Signature(REGISTER_ADDR_WIDTH)),
                "irq": Out(1),
                "drained": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.llc = llc = self.llc
        m.submodules.instr = instr = WordPort(self.config, TAG_BITS, writable=False)
        m.submodules.data = data = WordPort(self.config, TAG_BITS)
        connect(m, flipped(self.instr), instr.bus)
        connect(m, flipped(self.data), data.bus)
        connect(m, instr.user, llc.user0)
        connect(m, data.user, llc.user1)
        connect(m, llc.m_axi, flipped(self.mem))
        connect(m, flipped(self.bus), llc.bus)
        m.d.comb += [self.irq.eq(llc.irq), self.drained.eq(llc.drained)]
        return m
