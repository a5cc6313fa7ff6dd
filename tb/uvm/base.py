# SPDX-License-Identifier: Apache-2.0
"""What every test of an environment begins and ends with.

The environment variables ``UVM_CONFIG`` (JSON), ``UVM_SEED``, ``UVM_LENGTH`` and ``UVM_COVERAGE`` come from run.py.
"""

import os
import zlib
from pathlib import Path
from typing import Any, Final

import cocotb
from cocotb.clock import Clock
from pyuvm import ConfigDB, uvm_test

from .coverage import Coverage
from .env import BlockEnv
from .host import BlockHost

TIMEOUT_MS: Final = 50
"""Of a test, in simulated time: 5 million cycles."""
_coverage: list[Coverage] = []
"""The one that all tests of a run add to, once there is any."""


class BlockTest(uvm_test):
    """A test: ``body`` runs with clock and environment; afterwards nothing may be left over at any port.

    A subclass says which environment and host it has, how its configuration is read, and what is covered. ``begin`` and
    ``end`` are before and after every body.
    """

    env_class: type[BlockEnv]
    host_class: type[BlockHost]

    @staticmethod
    def configuration_of(text: str) -> Any:
        """Return the block's configuration from JSON."""
        raise NotImplementedError

    @staticmethod
    def coverage_of(config: Any) -> Coverage:
        """Return the coverage of the plan for a configuration."""
        raise NotImplementedError

    def build_phase(self):
        dut = cocotb.top
        self.config = self.configuration_of(os.environ["UVM_CONFIG"])
        if not _coverage:
            _coverage.append(self.coverage_of(self.config))
        # Another one for each test of a run: a block may refuse the keys of the test before.
        seed = zlib.crc32(f"{type(self).__name__} {os.environ['UVM_SEED']}".encode())
        self.length = int(os.environ["UVM_LENGTH"])
        for name, value in {"DUT": dut, "CONFIG": self.config, "COVERAGE": _coverage[0], "SEED": seed}.items():
            ConfigDB().set(None, "*", name, value)
        dut.rst.value = 1
        self.env = self.env_class("env", self)

    async def run_phase(self):
        self.raise_objection()
        Clock(cocotb.top.clk, 10, unit="ns").start()
        host = self.host_class(self.env)
        await self.begin(host)
        await self.body(host)
        await self.end(host)
        await host.cycles(8)
        self.drop_objection()

    async def begin(self, host: Any) -> None:
        """Bring the block to where the body begins."""
        raise NotImplementedError

    async def body(self, host: Any) -> None:
        """Do what the test is about."""
        raise NotImplementedError

    async def end(self, host: Any) -> None:
        """Look at what the body has left."""
        raise NotImplementedError

    def report_phase(self):
        _coverage[0].write(Path(os.environ["UVM_COVERAGE"]))


__all__ = ["TIMEOUT_MS", "BlockTest"]
