# SPDX-License-Identifier: Apache-2.0
"""What every test of the environment begins and ends with."""

import json

import cocotb

from tb.uvm.base import BlockTest
from tb.uvm.coverage import Coverage
from yingzhou.mmt.config import MmtConfig

from . import plan
from .env import MmtEnv
from .host import Host


class EngineTest(BlockTest):
    """A test of the engine."""

    env_class, host_class = MmtEnv, Host
    config: MmtConfig
    env: MmtEnv
    started = True
    """Whether the block is reset, given keys and enabled before the body."""
    quiet = True
    """Whether the block serves at the end, so that its memory is flushed and compared."""

    @staticmethod
    def configuration_of(text: str) -> MmtConfig:
        values = json.loads(text)
        return MmtConfig(**{**values, "arities": tuple(values["arities"])})

    @staticmethod
    def coverage_of(config: MmtConfig) -> Coverage:
        excluded = {cross: rule for cross, rule in plan.crosses(config).items() if rule is not None}
        return Coverage("mmt.plan", plan.points(config), excluded=excluded)

    def build_phase(self):
        for name in ("entropy_valid", "entropy_data", "test_keys"):
            getattr(cocotb.top, name).value = 0
        super().build_phase()

    async def begin(self, host: Host) -> None:
        self.sample = self.env.watcher.sample
        if self.started:
            await host.start()

    async def end(self, host: Host) -> None:
        if self.quiet:
            await host.flush_all()
            assert host.board.irq == 0 and await host.record("failure") is None, "a failure without a reason"


__all__ = ["EngineTest"]
