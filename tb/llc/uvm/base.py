# SPDX-License-Identifier: Apache-2.0
"""What every test of the environment begins and ends with.

The environment variables ``LLC_CONFIG`` (JSON), ``LLC_SEED``, ``LLC_LENGTH`` and ``LLC_COVERAGE`` come from
test_uvm.py.
"""

import os
import zlib
from pathlib import Path
from typing import Final

import cocotb
from cocotb.clock import Clock
from pyuvm import ConfigDB, uvm_test

from .coverage import Coverage
from .env import LlcEnv
from .host import Host
from .probe import configuration

TIMEOUT_MS: Final = 50
"""Of a test, in simulated time: 5 million cycles."""
_coverage: list[Coverage] = []


def coverage() -> Coverage:
    """Return the coverage that all tests of a run add to."""
    if not _coverage:
        _coverage.append(Coverage(configuration(os.environ["LLC_CONFIG"])))
    return _coverage[0]


class LlcTest(uvm_test):
    """A test: ``body`` runs with clock and environment; afterwards nothing may be left over at any port."""

    def build_phase(self):
        self.config = configuration(os.environ["LLC_CONFIG"])
        seed = zlib.crc32(f"{type(self).__name__} {os.environ['LLC_SEED']}".encode())
        self.length = int(os.environ["LLC_LENGTH"])
        dut = cocotb.top
        for name, value in {"DUT": dut, "CONFIG": self.config, "COVERAGE": coverage(), "SEED": seed}.items():
            ConfigDB().set(None, "*", name, value)
        dut.rst.value = 1
        self.env = LlcEnv("env", self)

    async def run_phase(self):
        self.raise_objection()
        Clock(cocotb.top.clk, 10, unit="ns").start()
        host = Host(self.env)
        await host.reset()
        await self.body(host)
        await host.flush_all()
        for name, count in self.env.watcher.counted.items():
            assert await host.read_register(f"counts.{name}") == count, f"counter of {name}"
        await host.cycles(8)
        self.drop_objection()

    async def body(self, host: Host) -> None:
        """Do what the test is about."""
        raise NotImplementedError

    def report_phase(self):
        coverage().write(Path(os.environ["LLC_COVERAGE"]))


__all__ = ["TIMEOUT_MS", "LlcTest", "coverage"]
