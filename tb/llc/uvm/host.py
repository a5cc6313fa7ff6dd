# SPDX-License-Identifier: Apache-2.0
"""What a test does with the block: bursts, operations and resets, as sequences on the agents' sequencers."""

from typing import Final

from tb.bus.bursts import FULL, Burst, draw, line_read, line_write
from tb.models.llc_operations import SCOPES, Op, Result, Scope
from tb.uvm.agents import Pace, rough
from tb.uvm.host import BlockHost
from yingzhou.bus.axi4 import CHANNELS
from yingzhou.llc.config import LlcConfig

from .board import LlcScoreboard
from .env import LlcEnv

POLLS: Final = 6000
"""Reads of a register after which the block is taken to hang."""


class Host(BlockHost[LlcEnv]):
    """One user of the block, from reset on, after which requests wait until every set is invalid.

    Lines are physical addresses / 64.
    """

    config: LlcConfig
    board: LlcScoreboard

    def __init__(self, env: LlcEnv):
        super().__init__(env)
        first, end = self.config.ranges[-1]
        self.first, self.end = first // 64, end // 64

    # Reset and pace

    async def ready(self) -> None:
        """Wait until every set is invalid: a cycle a set."""
        for _ in range(self.config.sets):
            if await self.read_register("status") == 1:
                return
        raise AssertionError("the cache is never ready")

    def rough(self) -> None:
        """Have pauses on every channel."""
        registers = Pace()
        for channel in CHANNELS:
            setattr(registers, channel, self.rng.choice((0.0, 0.0, 0.3)))
        self.pace(rough(self.rng), rough(self.rng), registers)

    # Lines

    def in_set(self, number: int, count: int, skip: int = 0) -> list[int]:
        """Return ``count`` lines of a set, after the first ``skip`` of them."""
        return [self.first + number + self.config.sets * n for n in range(skip, skip + count)]

    def crowd(self) -> list[int]:
        """Return twice as many lines as there are ways, of each of three sets."""
        count = 2 * self.config.ways
        return [line for number in (0, 1, self.config.sets - 1) for line in self.in_set(number, count)]

    # Bursts

    async def read(self, *lines: int) -> bool:
        """Read lines, one identifier each; return whether all went well."""
        return all(item.ok for item in await self.do(line_read(n % 8, 64 * line) for n, line in enumerate(lines)))

    async def write(self, *lines: int, strobe: int = FULL) -> bool:
        """Write lines with random bytes; return whether all went well."""
        bursts = [line_write(n % 8, 64 * line, self.rng.randbytes(64), strobe) for n, line in enumerate(lines)]
        return all(item.ok for item in await self.do(bursts))

    def burst(self, lines: list[int]) -> Burst:
        """Return some burst: mostly of one line."""
        rng = self.rng
        line, write = rng.choice(lines), rng.random() < 0.5
        if rng.random() < 0.3:
            return draw(rng, 64 * line, rng.randrange(8), write)
        if not write:
            return line_read(rng.randrange(8), 64 * line)
        strobe = rng.choice((FULL, FULL, rng.getrandbits(64), 0xFF00, 0))
        return line_write(rng.randrange(8), 64 * line, rng.randbytes(64), strobe)

    # Operations

    async def quota(self, *lines: int) -> None:
        """Set the quotas of domains 1, 2 and so on."""
        for domain, value in enumerate(lines, 1):
            assert await self.write_register(f"domain[{domain}].quota", value)

    async def start(self, op: int, domain: int, addr: int = 0, scope: int = Scope.LINE) -> None:
        """Start an operation at a byte address."""
        assert await self.write_register("operation.address_lo", addr & 0xFFFF_FFFF)
        assert await self.write_register("operation.address_hi", addr >> 32)
        assert await self.write_register("operation.domain", domain)
        assert await self.write_register("operation.op", op | scope << 4)

    async def finish(self) -> Result:
        """Wait for an operation's answer, which the scoreboard compares; and look at a domain's count."""
        for _ in range(POLLS):
            state = await self.read_register("answer.state")
            if not state & 1:
                await self.read_register("answer.address_lo")
                await self.read_register(f"domain[{self.rng.randint(1, self.config.domains)}].locked")
                return Result(state >> 4 & 15)
        raise AssertionError("the operation does not end")

    async def operate(self, op: int, domain: int, line: int = 0, scope: int = Scope.LINE) -> Result:
        """Have an operation carried out."""
        await self.start(op, domain, 64 * line, scope)
        return await self.finish()

    async def expect(self, op: int, domain: int, line: int, scope: int, result: Result) -> None:
        """Have an operation answer ``result``."""
        answer = await self.operate(op, domain, line, scope)
        assert answer is result, f"{op!r} for {domain} at {line:#x}: {answer.name}, not {result.name}"

    async def some_operation(self, lines: list[int]) -> Result:
        """Have an operation carried out that is mostly sensible."""
        rng = self.rng
        op = rng.choice([Op.LOCK] * 4 + [Op.UNLOCK] * 2 + list(Op))
        scope = rng.choice([Scope.LINE] * 6 + [scope for scope in SCOPES[op] for _ in range(1 + (scope == Scope.PAGE))])
        line = rng.choice(lines)
        if scope is Scope.PAGE:
            line -= line % 64
        return await self.operate(op, rng.randrange(1 + min(2, self.config.domains)), line, scope)

    # Ends

    async def flush_all(self) -> None:
        """Unlock and flush everything, and compare memory with what was written. Memory refuses nothing any more."""
        self.memory.faults.clear()
        for domain in range(1, self.config.domains + 1):
            await self.expect(Op.UNLOCK, domain, 0, Scope.ALL, Result.DONE)
        await self.expect(Op.FLUSH, 0, 0, Scope.ALL, Result.DONE)
        for domain in range(1, self.config.domains + 1):
            assert await self.read_register(f"domain[{domain}].locked") == 0
        self.board.check_flushed()

    async def failure(self) -> int | None:
        """Return the line of the recorded failure and clear it; a write-back was refused then, and only then."""
        state = await self.read_register("failure.state")
        assert self.board.irq == state & 1, "irq is not the record's valid bit"
        if not state & 1:
            return None
        assert state >> 4 & 3 == 1 and self.board.lost, "a failure without a refused write-back"
        line = await self.read_register("failure.address_lo") // 64
        assert await self.write_register("failure.state", 1)
        await self.cycles(4)
        assert not self.board.irq, "irq stays after the record was cleared"
        return line


__all__ = ["Host"]
