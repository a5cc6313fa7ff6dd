# SPDX-License-Identifier: Apache-2.0
"""The environment: agents at every port, scoreboard and coverage, connected."""

from random import Random
from typing import Any

from pyuvm import ConfigDB

from tb.uvm.env import BlockEnv
from tb.uvm.harness import Widths
from tb.uvm.register_agent import Registers
from yingzhou.mmt.config import MmtConfig

from .board import EngineScoreboard
from .coverage import Watcher
from .entropy_agent import EntropyAgent
from .harness import widths
from .nonces import NonceChecker


class MmtEnv(BlockEnv):
    """Everything round the block."""

    config: MmtConfig
    board: EngineScoreboard

    def widths(self) -> Widths:
        return widths(self.config)

    def register_model(self) -> Registers:
        return Registers("mmt", "mmt")

    def build_phase(self):
        super().build_phase()
        db: Any = ConfigDB()
        db.set(self, "entropy.*", "RNG", Random(self.seed + 4))
        db.set(self, "nonces", "PORT", self.ports["dram"])
        self.entropy = EntropyAgent("entropy", self)
        self.board = EngineScoreboard("board", self)
        self.nonces = NonceChecker("nonces", self)

    def connect_phase(self):
        super().connect_phase()
        self.entropy.monitor.ap.connect(self.board.taps["entropy"].analysis_export)
        self.watcher = Watcher(self.coverage, self.board)
        self.board.watchers.append(self.watcher)
        self.nonces.told = self.watcher.written


__all__ = ["MmtEnv"]
