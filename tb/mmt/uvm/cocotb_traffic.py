# SPDX-License-Identifier: Apache-2.0
"""Random traffic, and resets in the middle of it.

Run by ``test_uvm.py``.
"""

from itertools import product

import pyuvm

from tb.bus.bursts import FULL, Burst, draw, line_read, line_write
from tb.uvm.agents import FAST, Pace, rough
from tb.uvm.base import TIMEOUT_MS

from ..bench import Op
from . import plan
from .base import EngineTest
from .host import Host


def burst_of(host: Host, way: str, kind: int, size: int, addr: int, id: int) -> Burst:
    """Return a burst of a given shape."""
    beats = {0: 3, 1: 5, 2: 4}[kind]
    burst = Burst(way == "write", id, addr >> size << size, beats, size, kind)
    if way == "read":
        return burst
    strobes = tuple(sum(1 << lane for lane in burst.lanes(number)) for number in range(beats))
    data = tuple(host.rng.randbytes(16) for _ in range(beats))
    return Burst(**{**burst.__dict__, "data": data, "strobes": strobes})


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class RandomTest(EngineTest):
    """Bursts of every shape, many at once, more subtrees than fit, commands beside them, pauses on every channel.

    covers: MMT.LINE_ORDER MMT.VERDICT_FIRST

    threat: M24 M25 M39
    """

    async def body(self, host: Host) -> None:
        config, rng = host.config, host.rng
        self.host, self.numbers = host, range(config.subtrees - 5, config.subtrees)
        await host.alloc(*self.numbers)
        await self.together()
        await self.shapes()
        commands = (Op.FLUSH, Op.UNMOUNT, Op.MOUNT, Op.FLUSH_ALL, Op.STATUS)
        for _ in range(6 * self.length):
            host.pace(rough(rng), rough(rng))
            items = await host.issue([self.burst() for _ in range(rng.choice((4, 12, 30)))])
            if rng.random() < 0.6:
                await host.command(rng.choice(commands), rng.choice(self.numbers))
            for item in items:
                await item.done.wait()
            assert all(item.ok for item in items)
            if rng.random() < 0.2:
                number = rng.choice(self.numbers)
                await host.expect(Op.FREE, number)
                await host.alloc(number)
                assert await host.read(number * host.lines)
        host.pace(FAST)

    async def together(self) -> None:
        """Writes of different lines under one node at once, whose leaf is cached, or not: each is counted, once. M25"""
        host, number = self.host, self.numbers[-1]
        tree, first = host.model.tree(number), number * host.lines
        for cached in (False, True):
            for stride in [host.config.node_lines(level) for level in range(host.config.levels)]:
                indices = [stride * turn for turn in range(6)]
                before = [tree.counter(0, index).low for index in indices]
                if not cached:
                    await host.expect(Op.UNMOUNT, number)
                bursts = [
                    line_write(turn, host.addr(first + i), host.rng.randbytes(64)) for turn, i in enumerate(indices)
                ]
                assert all(item.ok for item in await host.do(bursts))
                assert [tree.counter(0, index).low for index in indices] == [low + 1 for low in before]

    async def shapes(self) -> None:
        """Each type and size, with neighbours on the same lines."""
        host = self.host
        first = host.addr(self.numbers[0] * host.lines)
        host.pace(Pace(0.3, 0.3, 0.3, 0.3, 0.3, lead=True, latency=(0, 20), mix=True))
        for way, kind, size in product(("write", "read"), plan.KINDS, range(5)):
            bursts = [burst_of(host, way, kind, size, first + 48 + 20 * turn, turn) for turn in range(3)]
            assert all(item.ok for item in await host.do(bursts))
        for item in await host.do([line_read(id, first + 64 * (id % 4)) for id in range(12)]):
            assert item.ok

    def burst(self) -> Burst:
        """Draw a burst: half of them on a few lines."""
        host, rng = self.host, self.host.rng
        number = rng.choice(self.numbers)
        hot = rng.choice((0, 1, 2, 63, 64, host.lines - 1))
        line = number * host.lines + (hot if rng.random() < 0.6 else rng.randrange(host.lines))
        id, write = rng.randrange(2**host.config.id_width), rng.random() < 0.5
        if rng.random() < 0.6:
            strobe = FULL if rng.random() < 0.6 else rng.getrandbits(64)
            return (
                line_write(id, host.addr(line), rng.randbytes(64), strobe) if write else line_read(id, host.addr(line))
            )
        return draw(rng, host.addr(line), id, write)


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class ResetTest(EngineTest):
    """Reset at any beat: nothing of before is served, and the next life begins with zeros.

    threat: M13 M33 M34 M36
    """

    async def body(self, host: Host) -> None:
        self.host, self.numbers = host, range(host.config.subtrees - 3, host.config.subtrees)
        self.sample("reset/idle")
        await host.alloc(*self.numbers)
        wanted = {"write under way", "read under way", "memory write", "memory read", "command", "re-encryption"}
        for turn in range(2 + 4 * self.length):
            await self.interrupt(turn, wanted)
            await self.afterwards()

    async def interrupt(self, turn: int, wanted: set[str]) -> None:
        """Begin something, and reset at some beat of it."""
        host, rng = self.host, self.host.rng
        host.pace(rough(rng), rough(rng))
        lines = [number * host.lines + child for number in self.numbers for child in (0, 1, 70)]
        if turn % 3 == 0:
            # Right before an overflow: the reset falls into the re-encryption (M13).
            number = self.numbers[0]
            assert await host.write(number * host.lines)
            await host.flush_all()
            await host.expect(Op.UNMOUNT, number)
            host.forge(number, 1, 0, [plan.MINOR_MAX], 0)
            lines = [number * host.lines]
        bursts = []
        for _ in range(8):
            line = rng.choice(lines)
            strobe = rng.choice((FULL, 0xFF))
            write = line_write(rng.randrange(8), host.addr(line), rng.randbytes(64), strobe)
            bursts.append(write if rng.random() < 0.7 else line_read(rng.randrange(8), host.addr(line)))
        await host.issue(bursts)
        if turn % 3 == 1:
            await host.start_command(rng.choice((Op.FLUSH, Op.UNMOUNT, Op.FLUSH_ALL)), self.numbers[0])
        driver = self.env.dram.driver
        if turn % 3 == 0:
            for _ in range(20_000):
                await host.cycles(1)
                if self.rewriting():
                    break
        # Of a line of the re-encryption there are six.
        beats = driver.transfers + rng.randrange(6 * 60 if turn % 3 == 0 else 60)
        for _ in range(20_000):
            await host.cycles(1)
            if driver.transfers >= beats:
                break
        interrupted = self.seen()
        await host.reset(rng.choice((1, 2, 5)))
        for what in interrupted & wanted:
            self.sample(f"reset/{what}")

    def seen(self) -> set[str]:
        """Return what is under way at this moment."""
        env = self.env
        found = {"command"} if env.watcher.running else set()
        if self.rewriting():
            found.add("re-encryption")
        for entry in env.watcher.under_way.values():
            found.add("write under way" if entry.burst.write else "read under way")
        for write in env.dram.monitor.checker.kinds_under_way():
            found.add("memory write" if write else "memory read")
        return found

    def rewriting(self) -> bool:
        """Return whether some but not all lines of a leaf were brought to its next major."""
        nodes = self.host.model.tree(self.numbers[0]).nodes
        return any(node.left for (level, _), node in nodes.items() if level == 1)

    async def afterwards(self) -> None:
        """The block starts as after the first reset, with the memory of before."""
        host = self.host
        host.pace(FAST)
        await host.offer()
        assert await host.ready() & 0xF01 == 1
        for path in ("failure.state", "denied.state", "answer.state", "counts.mount", "control"):
            assert await host.read_register(path) == 0, f"{path} survives a reset"
        await host.enable()
        line = self.numbers[0] * host.lines
        assert await host.each(line) == [False] * 3, "a subtree of before the reset is served"
        await host.alloc(*self.numbers)
        for number in self.numbers:
            (item,) = await host.do([line_read(0, host.addr(number * host.lines))])
            assert item.ok and not any(map(any, item.data))
        assert await host.each(line) == [True] * 3
        await host.record("denied")
