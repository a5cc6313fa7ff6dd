# SPDX-License-Identifier: Apache-2.0
"""The environment: agents at every port, scoreboard and coverage, connected."""

from random import Random
from typing import Any

from cocotb.triggers import RisingEdge
from pyuvm import ConfigDB, uvm_env

from yingzhou.mmt.config import MmtConfig

from .agents import AxiAgent, Pace
from .board import EngineScoreboard
from .coverage import Watcher
from .harness import channels
from .memory_agent import Memory, MemoryAgent
from .nonces import NonceChecker
from .pins import Port
from .register_agent import Adapter, MmtRegisters, RegisterAgent
from .side_agents import EntropyAgent, InterruptMonitor


class MmtEnv(uvm_env):
    """Everything round the block. ConfigDB: ``DUT``, ``CONFIG``, ``COVERAGE``, ``SEED``."""

    def build_phase(self):
        db: Any = ConfigDB()
        dut: Any = db.get(self, "", "DUT")
        self.config: MmtConfig = db.get(self, "", "CONFIG")
        seed: int = db.get(self, "", "SEED")
        self.dut, self.rng, self.memory = dut, Random(seed), Memory(seed)
        self.paces = {name: Pace() for name in ("cpu", "dram", "registers")}
        self.ports = {
            name: Port(dut, channels(self.config, port), port)
            for name, port in (("cpu", "s_axi"), ("dram", "m_axi"), ("registers", "s_axil"))
        }
        db.set(self, "*", "MEMORY", self.memory)
        db.set(self, "entropy.*", "RNG", Random(seed + 4))
        for number, (name, port) in enumerate(self.ports.items()):
            db.set(self, f"{name}.*", "PORT", port)
            db.set(self, f"{name}.*", "PACE", self.paces[name])
            db.set(self, f"{name}.*", "RNG", Random(seed + number + 1))
        self.cpu = AxiAgent("cpu", self)
        self.dram = MemoryAgent("dram", self)
        self.registers = RegisterAgent("registers", self)
        self.entropy = EntropyAgent("entropy", self)
        self.interrupt = InterruptMonitor("interrupt", self)
        self.board = EngineScoreboard("board", self)
        db.set(self, "nonces", "PORT", self.ports["dram"])
        self.nonces = NonceChecker("nonces", self)

    def connect_phase(self):
        taps = self.board.taps
        self.cpu.monitor.ap.connect(taps["cpu"].analysis_export)
        self.dram.monitor.ap.connect(taps["dram"].analysis_export)
        self.registers.monitor.ap.connect(taps["lite"].analysis_export)
        self.entropy.monitor.ap.connect(taps["entropy"].analysis_export)
        self.interrupt.ap.connect(taps["irq"].analysis_export)
        coverage: Any = ConfigDB().get(self, "", "COVERAGE")
        self.watcher = Watcher(coverage, self.board)
        self.board.watchers.append(self.watcher)
        self.nonces.told = self.watcher.written
        self.registers_model = MmtRegisters()
        self.registers_model.map.set_sequencer(self.registers.sequencer, Adapter("adapter"))

    async def run_phase(self):
        """One coroutine for all ports: waking one for each driver and monitor costs more than what they do."""
        edge, ports = RisingEdge(self.dut.clk), tuple(self.ports.values())
        while True:
            await edge
            for port in ports:
                port.step()

    def check_phase(self):
        """Nothing is left over at any port."""
        for agent in (self.cpu, self.dram, self.registers):
            checker = agent.monitor.checker
            checker.rest()
            if agent is not self.registers:
                self.watcher.stalls(checker.port, checker.stalls)


__all__ = ["MmtEnv"]
