# SPDX-License-Identifier: Apache-2.0
"""What every test of the environment begins and ends with.

The environment variables ``MMT_CONFIG`` (JSON), ``MMT_SEED``, ``MMT_LENGTH`` and ``MMT_COVERAGE`` come from
test_uvm.py.
"""

import json
import os
import zlib
from pathlib import Path
from typing import Final

import cocotb
from cocotb.clock import Clock
from pyuvm import ConfigDB, uvm_test

from yingzhou.mmt.config import MmtConfig

from .coverage import Coverage
from .env import MmtEnv
from .host import Host

TIMEOUT_MS: Final = 50
"""Of a test, in simulated time: 5 million cycles."""


def configuration() -> MmtConfig:
    """Return the configuration of the block under test."""
    values = json.loads(os.environ["MMT_CONFIG"])
    return MmtConfig(**{**values, "arities": tuple(values["arities"])})


_coverage: list[Coverage] = []


def coverage() -> Coverage:
    """Return the coverage that all tests of a run add to."""
    if not _coverage:
        _coverage.append(Coverage(configuration()))
    return _coverage[0]


class EngineTest(uvm_test):
    """A test: ``body`` runs with clock and environment; afterwards nothing may be left over at any port."""

    started = True
    """Whether the block is reset, given keys and enabled before the body."""
    quiet = True
    """Whether the block serves at the end, so that its memory is flushed and compared."""

    def build_phase(self):
        dut = cocotb.top
        self.config = configuration()
        # Not the same keys in two tests of a run: the block would refuse them.
        seed = zlib.crc32(f"{type(self).__name__} {os.environ['MMT_SEED']}".encode())
        self.length = int(os.environ["MMT_LENGTH"])
        for name, value in {"DUT": dut, "CONFIG": self.config, "COVERAGE": coverage(), "SEED": seed}.items():
            ConfigDB().set(None, "*", name, value)
        for name in ("entropy_valid", "entropy_data", "test_keys"):
            getattr(dut, name).value = 0
        dut.rst.value = 1
        self.env = MmtEnv("env", self)

    async def run_phase(self):
        self.raise_objection()
        Clock(cocotb.top.clk, 10, unit="ns").start()
        host = Host(self.env)
        self.sample = self.env.watcher.sample
        if self.started:
            await host.start()
        await self.body(host)
        if self.quiet:
            await host.flush_all()
            assert host.board.irq == 0 and await host.record("failure") is None, "a failure without a reason"
        await host.cycles(8)
        self.drop_objection()

    async def body(self, host: Host) -> None:
        """Do what the test is about."""
        raise NotImplementedError

    def report_phase(self):
        coverage().write(Path(os.environ["MMT_COVERAGE"]))


__all__ = ["TIMEOUT_MS", "EngineTest", "configuration", "coverage"]
