# SPDX-License-Identifier: Apache-2.0
"""What every test of the environment begins and ends with."""

from tb.uvm.base import BlockTest
from tb.uvm.coverage import Coverage
from yingzhou.llc.config import LlcConfig

from . import plan
from .env import LlcEnv
from .host import Host
from .probe import configuration


class LlcTest(BlockTest):
    """A test of the cache, which is flushed at its end."""

    env_class, host_class = LlcEnv, Host
    configuration_of = staticmethod(configuration)
    config: LlcConfig
    env: LlcEnv

    @staticmethod
    def coverage_of(config: LlcConfig) -> Coverage:
        return Coverage("llc.plan", plan.points(config))

    async def begin(self, host: Host) -> None:
        await host.reset()

    async def end(self, host: Host) -> None:
        """Memory holds what was written, and the block has counted what the probes showed."""
        await host.flush_all()
        for name, count in self.env.watcher.counted.items():
            assert await host.read_register(f"counts.{name}") == count, f"counter of {name}"


__all__ = ["LlcTest"]
