# SPDX-License-Identifier: Apache-2.0
"""The last-level cache with its registers and its way to memory."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped

from yingzhou.line.memory_port import MemoryPort

from .config import LlcConfig
from .core import LlcCore
from .registers import LlcRegisters
from .signature import LlcSignature
from .write_back import DEPTH


class Llc(wiring.Component):
    """The core (:class:`yingzhou.llc.core.LlcCore`), its registers and an AXI4 master.

    Parameters
    ----------
    config : LlcConfig
    users : int
        Who use the cache, 1 to 8.
    tag_bits : int
        Width of their tags in bits.

    Ports
    -----
    See :class:`yingzhou.llc.signature.LlcSignature`.
    """

    def __init__(self, config: LlcConfig, users: int, tag_bits: int):
        self.config, self._users = config, users
        self.core = LlcCore(config, users, tag_bits)
        self.registers = LlcRegisters(config)
        super().__init__(dict(LlcSignature(config, users, tag_bits).flip().members.items()))

    def elaborate(self, platform):
        m = Module()
        m.submodules.core, m.submodules.registers = core, registers = self.core, self.registers
        m.submodules.port = port = MemoryPort(self.config, 1, reads=self.config.mshrs, writes=DEPTH)
        for n in range(self._users):
            connect(m, flipped(getattr(self, f"user{n}")), getattr(core, f"user{n}"))
        connect(m, flipped(self.bus), registers.bus)
        connect(m, registers.operation, core.operation)
        connect(m, registers.quota, core.quota)
        connect(m, core.failure, registers.failure)
        connect(m, core.memory, port.client0)
        connect(m, port.m_axi, flipped(self.m_axi))
        m.d.comb += [
            registers.events.eq(core.events),
            registers.ready.eq(core.ready),
            registers.stopped.eq(core.stopped),
            self.irq.eq(registers.irq),
            self.drained.eq(core.drained),
            self.trace.eq(core.trace),
        ]
        if self.config.way_masks:
            m.d.comb += core.way_masks.eq(self.way_masks)
        return m
