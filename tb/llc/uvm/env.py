# SPDX-License-Identifier: Apache-2.0
"""The environment: the memory engine's agents at the cache's ports, scoreboard and coverage, connected."""

from random import Random
from typing import Any

from cocotb.triggers import RisingEdge
from pyuvm import ConfigDB, uvm_env

from tb.mmt.uvm.agents import AxiAgent, Pace
from tb.mmt.uvm.harness import channels_of
from tb.mmt.uvm.memory_agent import Memory, MemoryAgent
from tb.mmt.uvm.pins import Port
from tb.mmt.uvm.register_agent import Adapter, RegisterAgent, Registers
from tb.mmt.uvm.side_agents import InterruptMonitor
from yingzhou.llc.config import LlcConfig

from .board import LlcScoreboard
from .coverage import Watcher
from .probe import widths


class LlcEnv(uvm_env):
    """Everything round the block. ConfigDB: ``DUT``, ``CONFIG``, ``COVERAGE``, ``SEED``."""

    def build_phase(self):
        db: Any = ConfigDB()
        dut: Any = db.get(self, "", "DUT")
        self.config: LlcConfig = db.get(self, "", "CONFIG")
        seed: int = db.get(self, "", "SEED")
        self.dut, self.rng, self.memory = dut, Random(seed), Memory(seed)
        self.paces = {name: Pace() for name in ("cpu", "dram", "registers")}
        self.ports = {
            name: Port(dut, channels_of(widths(self.config), port), port)
            for name, port in (("cpu", "s_axi"), ("dram", "m_axi"), ("registers", "s_axil"))
        }
        db.set(self, "*", "MEMORY", self.memory)
        for number, (name, port) in enumerate(self.ports.items()):
            db.set(self, f"{name}.*", "PORT", port)
            db.set(self, f"{name}.*", "PACE", self.paces[name])
            db.set(self, f"{name}.*", "RNG", Random(seed + number + 1))
        self.cpu = AxiAgent("cpu", self)
        self.dram = MemoryAgent("dram", self)
        self.registers = RegisterAgent("registers", self)
        self.interrupt = InterruptMonitor("interrupt", self)
        self.board = LlcScoreboard("board", self)

    def connect_phase(self):
        taps = self.board.taps
        self.cpu.monitor.ap.connect(taps["cpu"].analysis_export)
        self.dram.monitor.ap.connect(taps["dram"].analysis_export)
        self.registers.monitor.ap.connect(taps["lite"].analysis_export)
        self.interrupt.ap.connect(taps["irq"].analysis_export)
        coverage: Any = ConfigDB().get(self, "", "COVERAGE")
        self.watcher = Watcher(coverage, self.board, self.dut, self.ports["dram"])
        self.board.watchers.append(self.watcher)
        self.board.still_locked = lambda line: line in self.watcher.locked
        self.registers_model = Registers("llc", "llc", DOMAINS=self.config.domains)
        self.registers_model.map.set_sequencer(self.registers.sequencer, Adapter("adapter"))

    async def run_phase(self):
        """One coroutine for all ports: waking one for each driver and monitor costs more than what they do."""
        edge, ports = RisingEdge(self.dut.clk), tuple(self.ports.values())
        while True:
            await edge
            self.board.step()
            for port in ports:
                port.step()

    def check_phase(self):
        """Nothing is left over at any port."""
        for agent in (self.cpu, self.dram, self.registers):
            checker = agent.monitor.checker
            checker.rest()
            if agent is not self.registers:
                self.watcher.stalls(checker.port, checker.stalls)


__all__ = ["LlcEnv"]
