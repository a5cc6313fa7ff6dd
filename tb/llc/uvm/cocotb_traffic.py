# SPDX-License-Identifier: Apache-2.0
"""Bursts beside operations: random, with a memory that refuses, through resets. Run by ``test_uvm.py``."""

from collections.abc import Awaitable, Callable

import cocotb
import pyuvm

from tb.models.llc_operations import Op, Result, Scope
from tb.uvm.base import TIMEOUT_MS

from .base import LlcTest
from .host import Host


async def busy(host: Host, lines: list[int], until: Callable[[], bool]) -> None:
    """Send bursts to some lines until told to stop; wait now and then until all are answered."""
    while not until():
        items = await host.issue(host.burst(lines) for _ in range(host.rng.choice((1, 2, 8, 16))))
        if host.rng.random() < 0.5:
            for item in items:
                await item.done.wait()
        await host.cycles(host.rng.choice((1, 1, 10)))


async def beside(host: Host, lines: list[int], work: Awaitable[None]) -> None:
    """Send bursts while ``work`` is done, and until the last is answered."""
    ended = False
    task = cocotb.start_soon(busy(host, lines, lambda: ended))
    await work
    ended = True
    await task
    while host.board.open or host.env.cpu.driver.under_way:
        await host.cycles(1)


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class RandomTest(LlcTest):
    """Bursts and operations on crowded sets, for several domains, with pauses on every channel.

    covers: LLC.LOCK_PINNED LLC.LOCK_QUOTA LLC.LOCK_MAINTAIN
    """

    async def body(self, host: Host) -> None:
        self.host, self.lines = host, host.crowd()
        for _ in range(3 * self.length):
            host.rough()
            await host.quota(*[host.rng.choice((0, 3, host.config.lines)) for _ in range(host.config.domains)])
            await beside(host, self.lines, self.operations())
            assert await host.failure() is None
        await host.flush_all()
        await self.kinds()

    async def operations(self) -> None:
        for _ in range(12):
            await self.host.some_operation(self.lines)

    async def kinds(self) -> None:
        """Each operation under way for long, with hits and misses of each kind beside it."""
        host = self.host
        host.rough()
        await host.quota(*[host.config.lines] * host.config.domains)
        page = host.first - host.first % 64
        for _ in range(self.length):
            await beside(host, self.lines, self.discards())
            for op in (Op.LOCK, Op.CLEAN, Op.DISCARD, Op.CLEAN, Op.LOCK, Op.FLUSH, Op.LOCK, Op.UNLOCK):
                await beside(host, self.lines, self.one(op, page))

    async def discards(self) -> None:
        """DISCARD of everything, which takes no time at a line: often, and beside lines of another domain."""
        host = self.host
        await host.operate(Op.UNLOCK, 1, 0, Scope.ALL)
        for line in self.lines[:: 2 * self.config.ways]:
            await host.operate(Op.LOCK, 2, line)
        for _ in range(6):
            await host.operate(Op.DISCARD, 1, 0, Scope.ALL)
        await host.operate(Op.UNLOCK, 2, 0, Scope.ALL)

    async def one(self, op: Op, page: int) -> None:
        if op is Op.LOCK and not self.config.page_fits:
            for line in range(page, page + 2 * self.config.sets):
                await self.host.operate(op, 1, line)
        else:
            await self.host.operate(op, 1, page, Scope.PAGE)
        if op is Op.LOCK:
            await self.host.operate(op, 2, self.lines[-1])


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class FaultTest(LlcTest):
    """The same over a memory that refuses reads of some lines and writes of others."""

    async def body(self, host: Host) -> None:
        self.host, self.lines = host, host.crowd()
        await host.quota(*[host.config.lines] * host.config.domains)
        for turn in range(2 * self.length):
            host.rough()
            for line in self.lines:
                if host.rng.random() < 0.3:
                    host.memory.faults[line] = host.rng.choice(("reads", "writes"))
            lost = host.board.lost
            await beside(host, self.lines, self.operations())
            await host.cycles(200)
            failed = await host.failure()
            assert failed is None or host.memory.fails(failed, True), f"line {failed} was not refused"
            assert failed is None or host.board.lost > lost, f"turn {turn}: a failure that never was"
            await self.certain()
            host.memory.faults.clear()

    async def operations(self) -> None:
        for _ in range(12):
            await self.host.some_operation(self.lines)

    async def certain(self) -> None:
        """A victim that memory refuses is recorded, in time, and what memory had is read."""
        host = self.host
        host.memory.faults.clear()
        for domain in range(1, host.config.domains + 1):  # A page that is still locked would have the line in it.
            assert await host.operate(Op.UNLOCK, domain, scope=Scope.ALL) is Result.DONE
        line, *others = host.in_set(2, 3 * host.config.ways)
        assert await host.write(line)
        host.memory.faults[line] = "writes"
        lost = host.board.lost
        for _ in range(20):  # A random victim may be another one for long.
            for other in others:
                assert host.board.lost > lost or await host.read(other)
        await host.cycles(200)
        assert await host.failure() == line
        host.memory.faults.clear()
        assert await host.read(line)


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class ResultTest(LlcTest):
    """Every result of every operation and scope, alone; what is refused changes nothing."""

    async def body(self, host: Host) -> None:
        self.host = host
        await self.registers()
        await self.whole()
        await self.outside()
        await self.at_lines()
        await self.one_at_a_time()
        for scope in (Scope.LINE, Scope.PAGE, Scope.ALL):
            await self.refused_writes(scope)

    async def registers(self) -> None:
        """Constants; what cannot be written; what does not exist."""
        host, config = self.host, self.config
        assert await host.read_register("id") == 0x4C4C4301
        found = await host.read_register("capabilities")
        assert (found & 31, found >> 16 & 15, found >> 20 & 31) == (config.ways, config.domains, config.mshrs)
        await host.ready()
        for write in (False, True):
            assert (await host.access(write, 0xF00)).resp
        assert not await host.write_register("domain[0].quota", 5)

    async def whole(self) -> None:
        """Refused as a whole (rule 21)."""
        host, config = self.host, self.config
        for op in Op:
            scopes = [scope for scope in Scope if not (op is Op.LOCK and scope is Scope.ALL)]
            for scope in scopes if op is not Op.STATUS else [Scope.LINE]:
                await host.start(op, config.domains + 1, 64 * host.first, scope)
                assert await host.finish() is Result.BAD_DOMAIN
                if scope is not Scope.ALL:
                    await host.start(op, 1, 64 * host.first + 4, scope)
                    assert await host.finish() is Result.BAD_ADDRESS
                    await host.start(op, 1, 1 << 40, scope)
                    assert await host.finish() is Result.BAD_ADDRESS
            await host.expect(op, 1, host.first, 3, Result.BAD_COMMAND)
        for op in (Op.LOCK, Op.UNLOCK):
            await host.expect(op, 0, host.first, Scope.LINE, Result.BAD_DOMAIN)
        for code in (0, 7):
            await host.expect(code, 1, host.first, Scope.LINE, Result.BAD_COMMAND)

    async def outside(self) -> None:
        """What is not memory is refused (rule 2), beside its neighbours."""
        if self.config.cacheable is None:
            return
        host = self.host
        for line in (0, host.first - 1, host.end):
            assert not await host.read(line) and not await host.write(line) and not await host.write(line, strobe=5)
        assert await host.write(host.first, host.end - 1) and await host.read(host.end - 1, host.first)

    async def one_at_a_time(self) -> None:
        """No register of the operation is written while one runs, and the one that runs ends as it would have."""
        host = self.host
        for path in ("op", "address_lo", "address_hi", "domain"):
            await host.start(Op.FLUSH, 0, 0, Scope.ALL)
            assert not await host.write_register(f"operation.{path}", 1), f"{path} is written while an operation runs"
            assert await host.finish() is Result.DONE

    async def at_lines(self) -> None:
        """Refused at a line (rule 22), and done; each operation at lines in every state."""
        host, config = self.host, self.config
        page = host.first - host.first % 64
        ways = config.ways
        own, others, dirty, clean = page, page + 1, page + 2, page + 3
        await host.expect(Op.LOCK, 1, own, Scope.LINE, Result.QUOTA)
        if config.page_fits:
            await host.expect(Op.LOCK, 1, page, Scope.PAGE, Result.QUOTA)
        else:
            await host.expect(Op.LOCK, 1, page, Scope.PAGE, Result.TOO_LARGE)
        await host.quota(*[config.lines] * config.domains)
        for op in (Op.STATUS, Op.CLEAN, Op.FLUSH, Op.DISCARD, Op.LOCK, Op.UNLOCK):
            await host.expect(Op.LOCK, 1, own, Scope.LINE, Result.DONE)
            await host.expect(Op.LOCK, 2, others, Scope.LINE, Result.DONE)
            assert await host.write(dirty) and await host.read(clean)
            for line in (dirty, clean):
                await host.operate(op, 1, line)
            await host.expect(op, 1, own, Scope.LINE, Result.DONE)
            refused = op in (Op.LOCK, Op.UNLOCK)
            await host.expect(op, 1, others, Scope.LINE, Result.OTHER_OWNER if refused else Result.DONE)
            await host.operate(op, 1, page + 5)
            await host.expect(Op.UNLOCK, 1, 0, Scope.ALL, Result.DONE)
            await host.expect(Op.FLUSH, 1, 0, Scope.ALL, Result.DONE)
        await host.expect(Op.UNLOCK, 1, clean, Scope.LINE, Result.NOT_LOCKED)
        await host.expect(Op.UNLOCK, 1, page, Scope.PAGE, Result.OTHER_OWNER)
        await host.expect(Op.UNLOCK, 2, page, Scope.PAGE, Result.DONE)
        await host.expect(Op.UNLOCK, 2, page, Scope.PAGE, Result.NOT_LOCKED)
        locked = host.in_set(4 % config.sets, ways - 2, 8)
        for line in locked:
            await host.expect(Op.LOCK, 2, line, Scope.LINE, Result.DONE)
        more = host.in_set(4 % config.sets, 1)[0]
        await host.expect(Op.LOCK, 1, more, Scope.LINE, Result.SET_FULL)
        if config.page_fits:
            await host.expect(Op.LOCK, 1, page, Scope.PAGE, Result.SET_FULL)
            await host.expect(Op.UNLOCK, 2, 0, Scope.ALL, Result.DONE)
            await host.expect(Op.LOCK, 2, page + 9, Scope.LINE, Result.DONE)
            await host.expect(Op.LOCK, 1, page, Scope.PAGE, Result.OTHER_OWNER)
            await host.expect(Op.UNLOCK, 2, 0, Scope.ALL, Result.DONE)
            host.memory.faults[page + 11] = "reads"
            await host.expect(Op.LOCK, 1, page, Scope.PAGE, Result.MEMORY_ERROR)
            host.memory.faults.clear()
            await host.expect(Op.LOCK, 1, page, Scope.PAGE, Result.DONE)
        await host.expect(Op.UNLOCK, 2, 0, Scope.ALL, Result.DONE)
        for op in (Op.CLEAN, Op.FLUSH, Op.DISCARD):
            for scope in (Scope.PAGE, Scope.ALL):
                await host.expect(op, 1, page, scope, Result.DONE)
        host.memory.faults[page] = "reads"
        await host.expect(Op.LOCK, 1, page, Scope.LINE, Result.MEMORY_ERROR)
        host.memory.faults.clear()

    async def refused_writes(self, scope: Scope) -> None:
        """UNLOCK, CLEAN and FLUSH of a line that memory refuses; it stays locked, with its content."""
        host = self.host
        line = host.first - host.first % 64 + 7
        at = line - line % 64 if scope is Scope.PAGE else line
        await host.expect(Op.LOCK, 1, line, Scope.LINE, Result.DONE)
        assert await host.write(line)
        host.memory.faults[line] = "writes"
        for op in (Op.UNLOCK, Op.CLEAN, Op.FLUSH):
            await host.expect(op, 1, at, scope, Result.MEMORY_ERROR)
            assert await host.read(line)
        assert await host.failure() is None, "recorded, though the operation has answered"
        host.memory.faults.clear()
        await host.expect(Op.UNLOCK, 1, line, Scope.LINE, Result.DONE)


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class ResetTest(LlcTest):
    """Resets in the middle of everything: nothing is locked, nothing cached, memory holds what had reached it."""

    async def body(self, host: Host) -> None:
        lines = host.crowd()
        for turn in range(3 + 3 * self.length):
            host.rough()
            await host.quota(*[host.config.lines] * host.config.domains)
            if turn:
                assert await host.operate(Op.LOCK, 1, lines[0]) is Result.DONE
                await host.issue(host.burst(lines) for _ in range(12))
                await host.start(host.rng.choice((Op.LOCK, Op.UNLOCK, Op.FLUSH)), 1, 64 * lines[turn % 4])
                await host.cycles(host.rng.randrange(40))
            await host.reset()
            await host.ready()
            assert await host.read_register("domain[1].locked") == 0
            await host.do(host.burst(lines) for _ in range(10))
