# SPDX-License-Identifier: Apache-2.0
"""The environment: the shared agents at the cache's ports, scoreboard and coverage, connected."""

from tb.uvm.env import BlockEnv
from tb.uvm.harness import Widths
from tb.uvm.register_agent import Registers
from yingzhou.llc.config import LlcConfig

from .board import LlcScoreboard
from .coverage import Watcher
from .probe import widths


class LlcEnv(BlockEnv):
    """Everything round the block."""

    config: LlcConfig
    board: LlcScoreboard

    def widths(self) -> Widths:
        return widths(self.config)

    def register_model(self) -> Registers:
        return Registers("llc", "llc", DOMAINS=self.config.domains)

    def build_phase(self):
        super().build_phase()
        self.board = LlcScoreboard("board", self)
        self.steps.insert(0, self.board.step)

    def connect_phase(self):
        super().connect_phase()
        self.watcher = Watcher(self.coverage, self.board, self.dut, self.ports["dram"])
        self.board.watchers.append(self.watcher)
        self.board.still_locked = lambda line: line in self.watcher.locked


__all__ = ["LlcEnv"]
