# SPDX-License-Identifier: Apache-2.0
"""The last-level cache as a block for somebody else's system: flat ports, named as Verilog tools infer them."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from yingzhou.bus import axi4
from yingzhou.bus.axi4lite_regs import Axi4LiteRegisters
from yingzhou.errors import require

from .axi_port import AxiPort, tag_bits_of
from .config import LlcConfig
from .llc import Llc
from .signature import REGISTER_ADDR_WIDTH


class LlcIp(wiring.Component):
    """The last-level cache between one AXI4 master and memory, with AXI4-Lite registers (docs/llc.md).

    Parameters
    ----------
    config : LlcConfig
        Size, ways, misses under way, replacement, domains, addresses.

    Ports
    -----
    s_axi_*  : AXI4 slave, 128-bit data, ``addr_width`` address, ``id_width`` identifiers. Any burst. A line that cannot
               be fetched, or is not cacheable, answers SLVERR, a read with zero data. Reads of one identifier are
               answered in order, those of others as soon as their line is there, interleaved between lines. Twice as
               many lines of reads are under way as misses, and at least 8.
    m_axi_*  : AXI4 master, 128-bit data: to memory. INCR bursts of one line, identifier 0.
    s_axil_* : AXI4-Lite slave, 32-bit data, 4 KiB of address (rdl/llc.rdl). Keep it closed to all but machine mode.
    irq      : level, a failure is recorded and not yet cleared. Idle: 0.
    """

    def __init__(self, config: LlcConfig):
        require(not config.way_masks, "way_masks is True; accepted by the block with AXI4 ports is False")
        self.config = config
        self.llc = Llc(config, 1, tag_bits_of(config))
        self._port = AxiPort(config)
        slave = axi4.Signature(config.addr_width, 128, config.id_width)
        lite = axi4.LiteSignature(REGISTER_ADDR_WIDTH)
        super().__init__(
            {
                **{f"s_axi_{name}": member.flip() for name, member in slave.members.items()},
                **{f"m_axi_{name}": member for name, member in slave.members.items()},
                **{f"s_axil_{name}": member.flip() for name, member in lite.members.items()},
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.llc, m.submodules.port = llc, port = self.llc, self._port
        m.submodules.axil = axil = Axi4LiteRegisters(REGISTER_ADDR_WIDTH)
        connect(m, axil.regs, llc.bus)
        connect(m, port.user, llc.user0)
        for prefix, inner in (("s_axi", port.s_axi), ("m_axi", llc.m_axi), ("s_axil", axil.s_axi)):
            self._wire(m, prefix, inner)
        m.d.comb += self.irq.eq(llc.irq)
        return m

    def _wire(self, m: Module, prefix: str, port) -> None:
        """Connect flat ports to an interface inside: each in its own direction."""
        for name, member in self.signature.members.items():
            if name.startswith(prefix + "_"):
                outer, inner = getattr(self, name), getattr(port, name.removeprefix(prefix + "_"))
                m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
