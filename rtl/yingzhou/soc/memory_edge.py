# SPDX-License-Identifier: Apache-2.0
"""The last stage before DRAM: the memory engine, or nothing."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.bus import axi4, register_bus

from .config import SocConfig

DRAM_ID_WIDTH = 2
"""Width of identifiers towards DRAM in bits: the engine tells raw from protected traffic by one more bit."""
MMT_ADDR_WIDTH = 12


class PlainMemory(wiring.Component):
    """Maps both windows onto the same DRAM: clears the protection bit and passes everything else.

    It neither encrypts nor verifies; it is what the memory engine is compared with, and has the engine's ports.

    Parameters
    ----------
    addr_width, data_width : int
        Widths of the AXI4 ports in bits.
    protection_bit : int
        Position of the bit that selects the protected window.

    Ports
    -----
    cpu  : AXI4 slave, addresses of both windows.
    dram : AXI4 master, addresses of the raw window.
    bus  : register bus; every access answers ``err``.
    entropy, test_keys : not used; no word is taken.
    irq, busy : always 0.
    """

    def __init__(self, *, addr_width: int, data_width: int, protection_bit: int):
        self._protection_bit = protection_bit
        super().__init__(
            {
                "cpu": In(axi4.Signature(addr_width, data_width)),
                "dram": Out(axi4.Signature(addr_width, data_width, DRAM_ID_WIDTH)),
                "bus": In(register_bus.Signature(MMT_ADDR_WIDTH)),
                "entropy": In(stream.Signature(32)),
                "test_keys": In(1),
                "irq": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        for name, member in self.dram.signature.members.items():
            outside, inside = getattr(self.dram, name), getattr(self.cpu, name)
            if member.flow == In:
                m.d.comb += inside.eq(outside)
            elif name in ("araddr", "awaddr"):
                m.d.comb += outside.eq(inside & ~(1 << self._protection_bit))
            else:
                m.d.comb += outside.eq(inside)
        m.d.comb += self.bus.err.eq(self.bus.r_stb | self.bus.w_stb)
        return m


def make_memory(config: SocConfig):
    """Return what the configuration has between the cache and DRAM."""
    if config.memory == "plain":
        return PlainMemory(
            addr_width=config.engine.addr_width, data_width=128, protection_bit=config.gpt.protection_bit or 0
        )
    from yingzhou.mmt.engine import MmtEngine

    return MmtEngine(config.engine)
