# SPDX-License-Identifier: Apache-2.0
"""The environment of a block: agents at its ports and at its interrupt, connected to its scoreboard."""

from collections.abc import Callable
from random import Random
from typing import Any

from cocotb.triggers import RisingEdge
from pyuvm import ConfigDB, uvm_env

from .agents import AxiAgent, Pace
from .board import BlockScoreboard
from .coverage import Coverage
from .harness import Widths, channels_of
from .interrupt_monitor import InterruptMonitor
from .memory_agent import Memory, MemoryAgent
from .pins import Port
from .register_agent import Adapter, RegisterAgent, Registers


class BlockEnv(uvm_env):
    """Everything round a block. ConfigDB: ``DUT``, ``CONFIG``, ``COVERAGE``, ``SEED``.

    Agents: ``cpu`` at ``s_axi``, ``dram`` at ``m_axi``, ``registers`` at ``s_axil``. A subclass says what the block's
    ports and registers are, and adds ``board`` when it is built. ``steps`` are called at every clock edge, in order.
    """

    board: BlockScoreboard

    def widths(self) -> Widths:
        """Return the ports of the block."""
        raise NotImplementedError

    def register_model(self) -> Registers:
        """Return a model of the block's registers."""
        raise NotImplementedError

    def build_phase(self):
        db: Any = ConfigDB()
        self.dut: Any = db.get(self, "", "DUT")
        self.config: Any = db.get(self, "", "CONFIG")
        self.coverage: Coverage = db.get(self, "", "COVERAGE")
        self.seed: int = db.get(self, "", "SEED")
        self.rng, self.memory, self.registers_model = Random(self.seed), Memory(self.seed), self.register_model()
        self.paces = {name: Pace() for name in ("cpu", "dram", "registers")}
        widths = self.widths()
        self.ports = {
            name: Port(self.dut, channels_of(widths, port), port)
            for name, port in (("cpu", "s_axi"), ("dram", "m_axi"), ("registers", "s_axil"))
        }
        self.steps: list[Callable[[], None]] = [port.step for port in self.ports.values()]
        db.set(self, "*", "MEMORY", self.memory)
        db.set(self, "*", "REGISTERS", self.registers_model)
        for number, (name, port) in enumerate(self.ports.items()):
            db.set(self, f"{name}.*", "PORT", port)
            db.set(self, f"{name}.*", "PACE", self.paces[name])
            db.set(self, f"{name}.*", "RNG", Random(self.seed + number + 1))
        self.cpu = AxiAgent("cpu", self)
        self.dram = MemoryAgent("dram", self)
        self.registers = RegisterAgent("registers", self)
        self.interrupt = InterruptMonitor("interrupt", self)

    def connect_phase(self):
        taps = self.board.taps
        self.cpu.monitor.ap.connect(taps["cpu"].analysis_export)
        self.dram.monitor.ap.connect(taps["dram"].analysis_export)
        self.registers.monitor.ap.connect(taps["lite"].analysis_export)
        self.interrupt.ap.connect(taps["irq"].analysis_export)
        self.registers_model.map.set_sequencer(self.registers.sequencer, Adapter("adapter"))

    async def run_phase(self):
        """One coroutine for all ports: waking one for each driver and monitor costs more than what they do."""
        edge, steps = RisingEdge(self.dut.clk), tuple(self.steps)
        while True:
            await edge
            for step in steps:
                step()

    def check_phase(self):
        """Nothing is left over at any port."""
        for agent in (self.cpu, self.dram, self.registers):
            checker = agent.monitor.checker
            checker.rest()
            if agent is not self.registers:
                self.coverage.stalls(checker.port, checker.stalls)


__all__ = ["BlockEnv"]
