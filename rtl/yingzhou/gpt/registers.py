# SPDX-License-Identifier: Apache-2.0
"""Registers of the GPT guard (rdl/gpt.rdl) as hardware: settings out, faults and counts in."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from yingzhou.bus import register_bus
from yingzhou.regs import RegisterBlock, load

from .check import Rule
from .config import GptConfig
from .guard import Guard, fault_layout, settings_layout
from .signature import ADDR_WIDTH


class GptRegisters(wiring.Component):
    """Configuration, fault record and counters of one guard.

    A write that the lock refuses answers ``err`` and changes nothing. Reset is the only way out of a lock.

    Ports
    -----
    bus      : register bus (rdl/gpt.rdl).
    settings : what walks are judged by. Changes at the clock edge of a register write.
    allowed, refused, fault : from the guard, see :class:`yingzhou.gpt.guard.Guard`. Idle: 0, 0, any.
    recorded : level, a fault is recorded and not yet cleared. Idle: 0.
    """

    def __init__(self, config: GptConfig):
        self.config = config
        self.block = RegisterBlock(load("gpt", AREAS=config.areas), addr_width=ADDR_WIDTH)
        super().__init__(
            {
                "bus": In(register_bus.Signature(ADDR_WIDTH)),
                "settings": Out(settings_layout(config)),
                "allowed": In(1),
                "refused": In(len(Rule)),
                "fault": In(fault_layout(config)),
                "recorded": Out(1),
            }
        )

    def attach(self, m: Module, guard: Guard) -> None:
        """Connect these registers to ``guard``; both are submodules of ``m``."""
        m.d.comb += [
            guard.settings.eq(self.settings),
            self.allowed.eq(guard.allowed),
            self.refused.eq(guard.refused),
            self.fault.eq(guard.fault),
        ]

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.block = block = self.block
        connect(m, flipped(self.bus), block.bus)
        field = block.field

        m.d.comb += [
            field("capabilities.areas").next.eq(config.areas),
            field("capabilities.levels").next.eq(config.levels),
            field("capabilities.ppn_bits").next.eq(config.ppn_bits),
            field("capabilities.protection_bit").next.eq(config.protection_bit or 0),
            self.settings.enable.eq(field("control.enable").value),
            self.settings.world.eq(field("world.world").value),
        ]
        for index in range(config.areas):
            path, area = f"area[{index}]", self.settings.areas[index]
            # control.lock covers enable by itself (swwel in the map), and every area here.
            # countermeasure: GPT.LOCK
            block.lock(path, field("control.lock").value | field(f"{path}.attr.lock").value)
            m.d.comb += [
                area.kind.eq(field(f"{path}.attr.kind").value),
                area.levels.eq(field(f"{path}.attr.levels").value),
                area.base.eq(Cat(field(f"{path}.base_lo.ppn").value, field(f"{path}.base_hi.ppn").value)),
                area.limit.eq(Cat(field(f"{path}.limit_lo.ppn").value, field(f"{path}.limit_hi.ppn").value)),
            ]
        self._record(m, block)
        m.d.comb += field("count_allowed.count").incr.eq(self.allowed)
        for rule in Rule:
            if rule != Rule.ALLOW:
                m.d.comb += field(f"count_{rule.name.lower()}.count").incr.eq(self.refused[rule])
        return m

    def _record(self, m: Module, block: RegisterBlock) -> None:
        """Keep the first fault: the record takes one only while it is empty."""
        fault = self.fault
        address = Signal(64)
        page = Signal(64)
        m.d.comb += [
            self.recorded.eq(block.field("fault_status.valid").value),
            address.eq(fault.address),
            page.eq(fault.ppn),
        ]
        values = {
            "fault_status.valid": 1,
            "fault_status.world": fault.world,
            "fault_status.leaf": fault.leaf,
            "fault_status.level": fault.level,
            "fault_status.rule": fault.rule,
            "fault_address_lo.address": address[:32],
            "fault_address_hi.address": address[32:],
            "fault_page_lo.ppn": page[:32],
            "fault_page_hi.ppn": page[32:],
        }
        for path, value in values.items():
            m.d.comb += block.field(path).next.eq(value)
            m.d.comb += block.field(path).we.eq(self.refused.any() & ~self.recorded)
