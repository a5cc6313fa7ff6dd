# SPDX-License-Identifier: Apache-2.0
"""What a test does with any block: reset, bursts and register accesses, as sequences on the agents' sequencers."""

from collections.abc import Iterable
from typing import Any

from cocotb.triggers import ClockCycles
from pyuvm import uvm_sequence, uvm_status_e

from tb.bus.bursts import Burst

from .agents import AxiItem, Pace
from .env import BlockEnv
from .register_agent import LiteItem


class Items(uvm_sequence):
    """Sends items."""

    def __init__(self, items: Iterable[Any]):
        super().__init__("items")
        self.items = items

    async def body(self):
        for item in self.items:
            await self.start_item(item)
            await self.finish_item(item)


class BlockHost[Env: BlockEnv]:
    """One user of the block, from reset on."""

    def __init__(self, env: Env):
        self.env, self.config, self.rng = env, env.config, env.rng
        self.board, self.memory = env.board, env.memory
        self.dut: Any = env.dut

    # Reset and pace

    async def cycles(self, count: int) -> None:
        await ClockCycles(self.dut.clk, count)

    async def reset(self, cycles: int = 3) -> None:
        """Reset: everything under way is lost."""
        self.dut.rst.value = 1
        await self.cycles(cycles)
        self.dut.rst.value = 0
        await self.cycles(1)

    def pace(self, cpu: Pace, dram: Pace | None = None, registers: Pace | None = None) -> None:
        """Change how willing the sides are."""
        self.env.paces["cpu"].set(cpu)
        self.env.paces["dram"].set(dram or cpu)
        self.env.paces["registers"].set(registers or Pace())

    # Bursts

    async def issue(self, bursts: Iterable[Burst]) -> list[AxiItem]:
        """Queue bursts; return their items, which end some time."""
        items = [AxiItem(burst) for burst in bursts]
        await Items(items).start(self.env.cpu.sequencer)
        return items

    async def do(self, bursts: Iterable[Burst]) -> list[AxiItem]:
        """Queue bursts and wait until all are answered."""
        items = await self.issue(bursts)
        for item in items:
            await item.done.wait()
        return items

    # Registers

    def _register(self, path: str) -> Any:
        return self.env.registers_model.by_path[path]

    async def read_register(self, path: str) -> int:
        """Return a register's word."""
        status, value = await self._register(path).read()
        assert status == uvm_status_e.UVM_IS_OK, f"read of {path} is refused"
        return value

    async def write_register(self, path: str, value: int) -> bool:
        """Write a register; return whether that was accepted."""
        status = await self._register(path).write(value)
        return status == uvm_status_e.UVM_IS_OK

    async def access(self, write: bool, addr: int, value: int = 0, strobe: int = 15) -> LiteItem:
        """Make a register access that the register model knows nothing of."""
        item = LiteItem(write, addr, value, strobe)
        await Items([item]).start(self.env.registers.sequencer)
        return item


__all__ = ["BlockHost", "Items"]
