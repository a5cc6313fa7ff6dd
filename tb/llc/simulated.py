# SPDX-License-Identifier: Apache-2.0
"""The core in Amaranth's own simulator: for what is run a few times only, as a mutant is. Nothing is compiled.

A cycle takes a hundred times as long as in the native library, but that takes most of a minute to build.
"""

from typing import Any

from amaranth import ClockDomain, Module
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.sim import Simulator

from yingzhou.llc.config import LlcConfig
from yingzhou.llc.core import LlcCore

from .emit import Top


class SimulatedCore:
    """Stands for :class:`tb.llc.library.Core`, with the same calls."""

    def __init__(self, config: LlcConfig, users: int, tag_bits: int):
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.submodules.top = top = Top(LlcCore(config, users=users, tag_bits=tag_bits))
        self.inputs: dict[str, Value] = {"rst": domain.rst}
        self.outputs: dict[str, Value] = {}
        signature: Any = top.signature
        for path, member, signal in signature.flatten(top):
            value = Value.cast(signal)
            if len(value):
                half = self.inputs if member.flow is wiring.In else self.outputs
                half["__".join(str(part) for part in path)] = value
        self._driven = dict.fromkeys(self.inputs, 0)
        self._changed: set[str] = set()
        self._seen = dict.fromkeys(self.outputs, 0)
        self._cycles = 0
        self._simulator = Simulator(m)
        self._simulator.add_clock(1e-6)
        self._simulator.add_testbench(self._play, background=True)

    async def _play(self, ctx: Any) -> None:
        """Each cycle: inputs, outputs as they are before the clock's edge, the edge."""
        while True:
            for name in sorted(self._changed):
                ctx.set(self.inputs[name], self._driven[name])
            self._changed.clear()
            for name, value in self.outputs.items():
                self._seen[name] = ctx.get(value)
            await ctx.tick()
            self._cycles += 1
            # Whoever calls sees the cycle over, and says what the next one is driven with.
            await ctx.delay(0.1e-6)

    def set(self, name: str, value: int) -> None:
        """Drive an input."""
        assert 0 <= value < 1 << len(self.inputs[name]), f"{name} is not wide enough for {value:#x}"
        if self._driven[name] != value:
            self._driven[name] = int(value)
            self._changed.add(name)

    def get(self, name: str) -> int:
        """Return an output."""
        return self._seen[name]

    def bytes_of(self, name: str) -> bytes:
        """Return an output as bytes, the lowest first."""
        return self._seen[name].to_bytes(len(self.outputs[name]) // 8, "little")

    def driven(self, name: str) -> int:
        """Return an input as it is driven."""
        return self._driven[name]

    def cycle(self) -> None:
        """Let a clock cycle pass."""
        end = self._cycles + 1
        while self._cycles < end:
            self._simulator.advance()

    def copy_inputs(self, other: "SimulatedCore") -> None:
        """Drive the inputs that another core of the same configuration is driven with."""
        for name, value in other._driven.items():
            self.set(name, value)

    def same_outputs(self, other: "SimulatedCore") -> bool:
        """Return whether all outputs are the same."""
        return self._seen == other._seen
