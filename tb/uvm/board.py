# SPDX-License-Identifier: Apache-2.0
"""What scoreboards of blocks share: ears at the monitors, names of registers, and those who are told."""

from collections.abc import Callable
from typing import Any

from pyuvm import ConfigDB, uvm_component, uvm_subscriber

from .memory_agent import Memory
from .register_agent import Registers


class Tap(uvm_subscriber):
    """Hands what a monitor publishes to a function."""

    def __init__(self, name: str, parent: uvm_component, handler: Callable[[Any], None]):
        super().__init__(name, parent)
        self.handler = handler

    def write(self, item):
        self.handler(item)


class BlockScoreboard(uvm_component):
    """Hears each of ``monitors`` with its method ``on_MONITOR``. ConfigDB: ``CONFIG``, ``MEMORY``, ``REGISTERS``.

    ``name_of``: path of a register by its offset. ``watchers`` are told of what was understood (coverage).
    """

    monitors = ("cpu", "dram", "lite", "irq")

    def build_phase(self):
        db: Any = ConfigDB()
        self.config: Any = db.get(self, "", "CONFIG")
        self.memory: Memory = db.get(self, "", "MEMORY")
        registers: Registers = db.get(self, "", "REGISTERS")
        self.name_of = {offset: path for path, offset in registers.offset.items()}
        self.taps = {name: Tap(name, self, getattr(self, f"on_{name}")) for name in self.monitors}
        self.watchers: list[Any] = []

    def tell(self, what: str, **details: Any) -> None:
        """Tell watchers."""
        for watcher in self.watchers:
            getattr(watcher, what)(**details)


__all__ = ["BlockScoreboard", "Tap"]
