# SPDX-License-Identifier: Apache-2.0
"""The memory engine as a block for somebody else's system: flat ports, named as Verilog tools infer them."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from yingzhou.bus import axi4
from yingzhou.bus.axi4lite_regs import Axi4LiteRegisters

from .config import MmtConfig
from .engine import MmtEngine
from .registers import ADDR_WIDTH


class MmtIp(wiring.Component):
    """The memory engine with AXI4-Lite registers (docs/mmt.md, Integration guide).

    Parameters
    ----------
    config : MmtConfig
        Geometry, caches, AES cores, addresses.

    Ports
    -----
    s_axi_*       : AXI4 slave, 128-bit data, ``addr_width`` address, ``id_width`` identifiers: from the last cache. Any
                    burst. An access that fails answers SLVERR, a read with zero data.
    m_axi_*       : AXI4 master, 128-bit data, same addresses without the protection bit: to DRAM. Bursts of one line
                    from the engine; with a protection bit, unprotected accesses as they came, and identifiers one bit
                    wider.
    s_axil_*      : AXI4-Lite slave, 32-bit data, 4 KiB of address (rdl/mmt.rdl). Keep it closed to all but the monitor.
    entropy_valid : a random word is offered.
    entropy_data  : 32 random bits. Valid with ``entropy_valid``.
    entropy_ready : the word is taken in this cycle if it is offered. 12 words at reset. Idle: 0.
    test_keys     : strap, constant: 1 uses known keys. For bring-up only; tie to 0.
    irq           : level, an integrity failure is recorded and not yet cleared, or it could not start. Idle: 0.
    """

    def __init__(self, config: MmtConfig):
        self.config = config
        self.engine = MmtEngine(config)
        slave, master, lite = self.engine.cpu_axi, self.engine.dram_axi, axi4.LiteSignature(ADDR_WIDTH)
        super().__init__(
            {
                **{f"s_axi_{name}": member.flip() for name, member in slave.members.items()},
                **{f"m_axi_{name}": member for name, member in master.members.items()},
                **{f"s_axil_{name}": member.flip() for name, member in lite.members.items()},
                "entropy_valid": In(1),
                "entropy_ready": Out(1),
                "entropy_data": In(32),
                "test_keys": In(1),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine = engine = self.engine
        m.submodules.axil = axil = Axi4LiteRegisters(ADDR_WIDTH)
        connect(m, axil.regs, engine.bus)
        for prefix, port in (("s_axi", engine.cpu), ("m_axi", engine.dram), ("s_axil", axil.s_axi)):
            self._wire(m, prefix, port)
        m.d.comb += [
            engine.entropy.valid.eq(self.entropy_valid),
            engine.entropy.payload.eq(self.entropy_data),
            self.entropy_ready.eq(engine.entropy.ready),
            engine.test_keys.eq(self.test_keys),
            self.irq.eq(engine.irq),
        ]
        return m

    def _wire(self, m: Module, prefix: str, port) -> None:
        """Connect flat ports to an interface inside: each in its own direction."""
        for name, member in self.signature.members.items():
            if name.startswith(prefix + "_"):
                outer, inner = getattr(self, name), getattr(port, name.removeprefix(prefix + "_"))
                m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
