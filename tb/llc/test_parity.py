# SPDX-License-Identifier: Apache-2.0
"""A tag entry of which a bit has flipped stops the cache (docs/llc.md, "Parity"): no lock is lost in silence."""

from typing import Any

import pytest
from amaranth.hdl import ClockDomain, Module, Value
from amaranth.sim import Simulator

from yingzhou.llc.config import LlcConfig
from yingzhou.llc.core import LlcCore
from yingzhou.llc.signature import Failure, Op, Result, Scope

CONFIG = LlcConfig(size_bytes=512, ways=4, mshrs=2, addr_width=16, domains=1, parity=True)
LOCKED = 4
"""A line of set 0; it goes into way 0."""
LIMIT = 100


class Rig:
    """The core with one user, and a memory that answers each read with the line's number."""

    def __init__(self, ctx: Any, core: LlcCore, rst: Any):
        self.ctx, self.core, self.rst = ctx, core, rst

    async def tick(self) -> None:
        await self.ctx.tick()

    async def reset(self) -> None:
        self.ctx.set(self.rst, 1)
        await self.tick()
        self.ctx.set(self.rst, 0)
        while not self.ctx.get(self.core.ready):
            await self.tick()

    async def memory(self) -> None:
        """Answer the read that waits, if there is one."""
        ctx, memory = self.ctx, self.core.memory
        if not ctx.get(memory.read.valid):
            return
        line = ctx.get(memory.read.payload)
        ctx.set(memory.read.ready, 1)
        await self.tick()
        ctx.set(memory.read.ready, 0)
        ctx.set(memory.beat, 1)
        for beat in range(4):
            ctx.set(memory.beat_index, beat)
            ctx.set(memory.beat_data, line)
            await self.tick()
        ctx.set(memory.beat, 0)

    async def read(self, line: int) -> tuple[bool, int]:
        """Return error and data."""
        ctx, user = self.ctx, self.core.user0
        ctx.set(user.request.p, {"line": line})
        ctx.set(user.request.valid, 1)
        while not ctx.get(user.request.ready):
            await self.tick()
        await self.tick()
        ctx.set(user.request.valid, 0)
        for _ in range(LIMIT):
            if ctx.get(user.answer):
                return bool(ctx.get(user.answer_error)), ctx.get(user.answer_data)
            await self.memory()
            await self.tick()
        raise AssertionError(f"line {line} is never answered")

    async def operate(self, op: Op, line: int) -> Result:
        ctx, operation = self.ctx, self.core.operation
        ctx.set(operation.request.p, {"op": op.value, "scope": Scope.LINE.value, "domain": 1, "address": 64 * line})
        ctx.set(operation.request.valid, 1)
        while not ctx.get(operation.request.ready):
            await self.tick()
        await self.tick()
        ctx.set(operation.request.valid, 0)
        for _ in range(LIMIT):
            if ctx.get(operation.done):
                return Result(ctx.get(operation.result))
            await self.memory()
            await self.tick()
        raise AssertionError(f"{op.name} never ends")


def play(scenario: Any) -> None:
    """Run ``scenario(rig)``."""
    m = Module()
    m.domains.sync = domain = ClockDomain()
    m.submodules.core = core = LlcCore(CONFIG, users=1, tag_bits=1)

    async def testbench(ctx: Any) -> None:
        await scenario(Rig(ctx, core, domain.rst))

    sim = Simulator(m)
    sim.add_clock(1e-6)
    sim.add_testbench(testbench)
    sim.run()


@pytest.mark.parametrize("met_by", ("request", "operation"))
def test_a_flipped_bit_of_a_locked_line_stops_the_cache(met_by: str):
    """Valid, dirty, lock, owner, tag or the parity bit itself: never served as if it were unlocked. threat: C19"""

    async def scenario(rig: Rig) -> None:
        ctx, core = rig.ctx, rig.core
        entry = core.tags.memories[0].data[0]
        width = len(Value.cast(entry))
        ctx.set(core.quota.quota, [2])
        for bit in (0, 1, 2, 3, 4, width - 2, width - 1):
            await rig.reset()
            assert await rig.operate(Op.LOCK, LOCKED) is Result.DONE
            assert await rig.read(LOCKED + 1) == (False, (LOCKED + 1) * ((1 << 512) - 1) // ((1 << 128) - 1))
            assert ctx.get(core.quota.count)[0] == 1 and not ctx.get(core.stopped)
            ctx.set(entry, ctx.get(entry) ^ 1 << bit)
            if met_by == "request":
                # Another line of the set: a miss, which would have looked for a victim.
                assert await rig.read(LOCKED + 2) == (True, 0), f"bit {bit}"
            else:
                assert await rig.operate(Op.FLUSH, LOCKED) is Result.MEMORY_ERROR, f"bit {bit}"
            assert ctx.get(core.stopped)
            # All sets are closed, hits and misses alike, and memory is left alone.
            for line in (LOCKED, LOCKED + 1, LOCKED + 3):
                assert await rig.read(line) == (True, 0)
            assert await rig.operate(Op.UNLOCK, LOCKED) is Result.MEMORY_ERROR
            assert not ctx.get(core.memory.read.valid) and not ctx.get(core.memory.write.valid)

    play(scenario)


def test_the_record_names_the_access_that_met_it():
    """One pulse, PARITY, with the line of the request."""

    async def scenario(rig: Rig) -> None:
        ctx, core = rig.ctx, rig.core
        ctx.set(core.quota.quota, [2])
        await rig.reset()
        assert await rig.operate(Op.LOCK, LOCKED) is Result.DONE
        entry = core.tags.memories[0].data[0]
        ctx.set(entry, ctx.get(entry) ^ 4)
        ctx.set(core.user0.request.p, {"line": LOCKED + 6})
        ctx.set(core.user0.request.valid, 1)
        seen = []
        for _ in range(12):
            if ctx.get(core.failure.valid):
                seen.append((Failure(ctx.get(core.failure.kind)), ctx.get(core.failure.line)))
            await rig.tick()
        assert seen == [(Failure.PARITY, LOCKED + 6)]

    play(scenario)
