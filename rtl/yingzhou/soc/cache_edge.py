# SPDX-License-Identifier: Apache-2.0
"""The first stage behind the hart: the last-level cache, or line buffers."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from yingzhou.bus import axi4, register_bus, wishbone
from yingzhou.bus.line_buffer import BYTE_ADDR_WIDTH
from yingzhou.bus.line_port import LinePort
from yingzhou.bus.write_gather import LINE_ADDR_WIDTH
from yingzhou.geometry import BEAT_BITS
from yingzhou.llc.signature import REGISTER_ADDR_WIDTH as LLC_ADDR_WIDTH
from yingzhou.llc.wishbone_llc import WishboneLlc

from .config import SocConfig
from .memory_map import PROTECTION_BIT


class CacheSignature(wiring.Signature):
    """What stands behind a hart, seen from outside.

    ``instr``, ``data`` : Wishbone slaves, 32-bit byte addresses, decoded to DRAM before.
    ``mem``   : AXI4 master, 128-bit, to the memory engine.
    ``bus``   : register bus (rdl/llc.rdl).
    ``irq``   : level: the cache has recorded a failure. Idle: 0.
    ``drain`` : stores are to leave for memory now, where they are posted. Idle: 0.
    ``drained`` : no write is unanswered by memory. What a write-back cache keeps is not on its way and does not count.
    ``line_fill``, ``line_write`` : 1 for the cycle in which a read or a write is handed to ``mem``. Idle: 0.
    ``write_error``, ``write_error_line`` : pulse: memory refused a posted store, and the line. Idle: 0.
    """

    def __init__(self):
        port = Out(wishbone.Signature(BYTE_ADDR_WIDTH - 2))
        super().__init__(
            {
                "instr": port,
                "data": port,
                "mem": In(axi4.Signature(BYTE_ADDR_WIDTH, BEAT_BITS)),
                "bus": Out(register_bus.Signature(LLC_ADDR_WIDTH)),
                "irq": In(1),
                "drain": Out(1),
                "drained": In(1),
                "line_fill": In(1),
                "line_write": In(1),
                "write_error": In(1),
                "write_error_line": In(LINE_ADDR_WIDTH),
            }
        )


class LineBuffers(wiring.Component):
    """:class:`yingzhou.bus.line_port.LinePort` in the cache's place, for comparison. It has no registers: ``err``."""

    def __init__(self, config: SocConfig):
        self._config = config
        super().__init__(dict(CacheSignature().flip().members.items()))

    def elaborate(self, platform):
        m = Module()
        m.submodules.line_port = port = LinePort(
            instr_lines=self._config.instr_lines, data_lines=self._config.data_lines, alias_bit=PROTECTION_BIT
        )
        for name in ("instr", "data", "mem"):
            connect(m, flipped(getattr(self, name)), getattr(port, name))
        m.d.comb += [
            port.drain.eq(self.drain),
            self.bus.err.eq(self.bus.r_stb | self.bus.w_stb),
            *(
                getattr(self, name).eq(getattr(port, name))
                for name in ("drained", "line_fill", "line_write", "write_error", "write_error_line")
            ),
        ]
        return m


class LastLevelCache(wiring.Component):
    """:class:`yingzhou.llc.wishbone_llc.WishboneLlc`, with gathered stores: whole lines are written unread."""

    def __init__(self, config: SocConfig):
        self._config = config
        super().__init__(dict(CacheSignature().flip().members.items()))

    def elaborate(self, platform):
        m = Module()
        m.submodules.llc = llc = WishboneLlc(self._config.last_level, gather=True)
        for name in ("instr", "data", "mem", "bus"):
            connect(m, flipped(getattr(self, name)), getattr(llc, name))
        m.d.comb += [
            self.irq.eq(llc.irq),
            llc.drain.eq(self.drain),
            self.drained.eq(llc.drained),
            self.write_error.eq(llc.failed),
            self.write_error_line.eq(llc.failed_line),
            self.line_fill.eq(self.mem.arvalid & self.mem.arready),
            self.line_write.eq(self.mem.awvalid & self.mem.awready),
        ]
        return m


def make_cache(config: SocConfig):
    """Return what the configuration has behind the hart."""
    return LastLevelCache(config) if config.cache == "llc" else LineBuffers(config)
