# SPDX-License-Identifier: Apache-2.0
"""Accesses to protected memory: ways through the caches, overflows, failures, random traffic, resets.

Run by ``test_uvm.py``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product

import pyuvm

from tb.bus.bursts import FULL, Burst, draw, line_read, line_write
from tb.models.mmt_layout import ROOT
from tb.uvm.agents import FAST, Pace, rough
from tb.uvm.base import TIMEOUT_MS

from ..bench import Op, Record
from . import plan
from .base import EngineTest
from .host import Host

MINOR_MAX = 63
"""Of a leaf of 64."""
LINE_0, VIRGIN = 0, 15
"""Lines of a leaf: one that the tests write in every leaf that they use, and one that they never write. Their MAC lines
are in different sets of the cache."""
AGED = 9
"""The first of the leaves whose counters are brought to their ends; none before it is one of these."""
CROWD = (0, 24, 32, 56)
"""Lines of a leaf whose MAC lines are in the set of that of ``LINE_0``: as many as it has ways."""


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class PathTest(EngineTest):
    """Each operation with each way through the caches: where nodes and MACs are, and whether there are any.

    What one subtree's access fetches never belongs to another subtree (coverage.py). Lines at the ends of the subtree
    and of its nodes have the right nodes over them, which the model knows.

    threat: M11 M31 M39 M45
    """

    async def body(self, host: Host) -> None:
        self.host = host
        self.a, self.b = host.config.subtrees - 2, host.config.subtrees - 1
        await self.virgins()
        for parent, leaf in [*((0, leaf) for leaf in range(9)), *((parent, 0) for parent in range(1, 7))]:
            for number in (self.a, self.b):
                assert await host.write(self.line(number, parent, leaf, LINE_0))
        for child in CROWD:
            assert await host.write(self.line(self.a, 0, 0, child))
        await host.flush_all()
        target = self.line(self.a, 0, 0, LINE_0)
        for operation, nodes, hit in product(plan.OPERATIONS, ("hit", *plan.levels(host.config)), (True, False)):
            assert await host.read(target)
            await self.push_out(nodes, hit)
            assert await host.operate(operation, target)
        for operation in plan.OPERATIONS:
            await host.expect(Op.UNMOUNT, self.a)
            assert await host.operate(operation, target)
        assert await host.write(target, strobe=0)
        for operation in plan.OPERATIONS:
            assert not await host.operate(operation, 0), "a subtree that is not allocated is served"
        assert await host.record("denied") == Record("NOT_ALLOCATED", 0, False, 0)
        for index in plan.edges(host.config):
            assert await host.each(self.a * host.lines + index) == [True] * 3
        await self.overflows()
        await self.refusals()

    async def overflows(self) -> None:
        """The same ways with a counter that is all ones: a leaf overflows, each as often as it has majors."""
        host = self.host
        ways = [(nodes, keep) for nodes in ("hit", *plan.levels(host.config)) for keep in (True, False)]
        every = [*product(plan.OPERATIONS[1:], ways), *product(plan.OPERATIONS[1:], [None])]
        majors = 2**host.config.major_bits - 1
        for turn, (operation, way) in enumerate(every):
            leaf, major = AGED + turn // majors, turn % majors
            target = self.line(self.a, 0, leaf, LINE_0)
            await self.age(target, leaf, major)
            if way is not None:
                assert await host.read(target)
                await self.push_out(*way)
            assert await host.operate(operation, target)
            assert host.model.tree(self.a).node(1, leaf).major == major + 1

    async def refusals(self) -> None:
        """No major is left: refused at the leaf, wherever it comes from."""
        host = self.host
        leaf = 15
        target = self.line(self.a, 0, leaf, LINE_0)
        await self.age(target, leaf, 2**host.config.major_bits - 1)
        for operation, nodes in product(plan.OPERATIONS[1:], ("hit", *plan.levels(host.config), None)):
            if nodes is None:
                await host.expect(Op.UNMOUNT, self.a)
            else:
                assert await host.read(target)
                await self.push_out(nodes, keep_mac=nodes == "hit")
            host.board.suspect.add(self.a)
            assert not await host.operate(operation, target), "a counter wrapped"
            assert await host.failure() == Record("EXHAUSTED", 0, False, target)
            self.env.watcher.exhausted()
            await host.expect(Op.UNLOCK, self.a)
            host.board.suspect.discard(self.a)

    async def age(self, target: int, leaf: int, major: int) -> None:
        """Give a line a counter that is all ones, under a major; its subtree is not mounted then."""
        if self.host.model.tree(self.a).node(1, leaf).major == 0:
            assert await self.host.write(target)
        await self.host.expect(Op.UNMOUNT, self.a)
        self.host.forge(self.a, 1, leaf, [MINOR_MAX], major)

    def line(self, number: int, parent: int, leaf: int, child: int) -> int:
        """Return the line that is a child of a leaf under a parent."""
        return number * self.host.lines + (parent * 16 + leaf) * 64 + child

    async def push_out(self, nodes: str, keep_mac: bool) -> None:
        """Have all nodes up to ``nodes`` over the target leave the cache, its MAC too or not.

        Lines that were never written need their leaf and no MAC.
        """
        child = VIRGIN if keep_mac else LINE_0
        places = {
            "hit": [] if keep_mac else [(self.a, 0, *place) for place in product((0, 1), CROWD) if any(place)],
            "leaf": [(self.a, 0, leaf, child) for leaf in range(1, 9)],
            "parent": [(self.a, parent, 0, child) for parent in range(1, 6)],
            "top": [(self.b, parent, 0, child) for parent in range(6)],
        }[nodes]
        for place in places:
            assert await self.host.read(self.line(*place))

    async def virgins(self) -> None:
        """Lines and nodes that were never written, in memory full of somebody else's bytes."""
        host = self.host
        for operation in plan.OPERATIONS:
            await host.alloc(self.a)
            assert await host.operate(operation, self.line(self.a, 3, 3, 5))
            assert await host.write(self.line(self.a, 0, 0, 0))
            await host.expect(Op.FLUSH, self.a)
            for place in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
                assert await host.operate(operation, self.line(self.a, *place))
            await host.expect(Op.FREE, self.a)
        await host.alloc(self.a, self.b)


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class OverflowTest(EngineTest):
    """Counters that are all ones: of lines and of nodes; with majors left, and without.

    covers: MMT.FRESH MMT.EXHAUSTED

    threat: M12 M14 M15
    """

    async def body(self, host: Host) -> None:
        self.host, self.number = host, host.config.subtrees - 1
        self.first = self.number * host.lines
        await host.alloc(self.number)
        await self.honest()
        await host.flush_all()
        await host.expect(Op.UNMOUNT, self.number)
        shape = host.model.shape
        for operation in plan.OPERATIONS[1:]:
            await self.line(operation)
        for level in range(1, shape.levels):
            await self.node(level)

    async def honest(self) -> None:
        """As many writes as it takes; the other lines of the leaf are as before."""
        host = self.host
        host.pace(FAST)
        for child in (1, 7, 40):
            assert await host.write(self.first + child)
        seen = []
        self.env.board.stored_line = lambda line, data: seen.append(data) if line == self.first else None
        addr = host.addr(self.first)
        for item in await host.do([line_write(0, addr, b"same" * 16) for _ in range(MINOR_MAX - 1)]):
            assert item.ok
        for _ in range(3):
            assert await host.write(self.first, b"same" * 16)
        # And one more of the re-encryption, which is the overflow's.
        assert len(seen) == len(set(seen)) == MINOR_MAX + 3, "a ciphertext came twice"
        for item in await host.do([line_read(child % 8, addr + 64 * child) for child in range(64)]):
            assert item.ok

    async def line(self, operation: str) -> None:
        """A line's counter, forged to its end."""
        host, first = self.host, self.first
        host.forge(self.number, 1, 0, [MINOR_MAX, 5, 0, 1], 1)
        assert await host.operate(operation, first)
        for child in (0, 1, 7, 40):
            assert await host.read(first + child)
        await self.settle()
        host.forge(self.number, 1, 0, [MINOR_MAX, 5], 3)
        host.board.suspect.add(self.number)
        assert not await host.operate(operation, first), "a counter wrapped"
        assert await host.failure() == Record("EXHAUSTED", 0, False, first)
        self.sample(f"overflow/{operation}/refused")
        await self.again()

    async def node(self, level: int) -> None:
        """A node's counter in its parent, forged to its end: met when the node is written back."""
        host, first = self.host, self.first
        name = plan.level_name(host.config, level)
        last = 2 ** host.model.shape.counter_bits[level + 1] - 1
        place = host.node_place(first, level)
        host.forge(self.number, level + 1, 0, [last, 3], 1)
        for line in (first, first + 64, first + 16 * 64):
            assert await host.write(line)
        await self.settle()
        host.forge(self.number, level + 1, 0, [last, 3], 3)
        assert await host.write(first)
        host.board.suspect.add(self.number)
        assert (await host.command(Op.UNMOUNT, self.number)).result == "INTEGRITY"
        assert await host.failure() == Record("EXHAUSTED", level, False, place)
        self.sample(f"overflow/write-back of {name}/refused")
        await self.again()

    async def settle(self) -> None:
        await self.host.flush_all()
        await self.host.expect(Op.UNMOUNT, self.number)

    async def again(self) -> None:
        """End the subtree's life and begin the next, with lines in every place that the tests use."""
        host = self.host
        assert await host.each(self.first) == [False] * 3, "served after a counter was used up"
        await host.record("denied")
        await host.expect(Op.FREE, self.number)
        await host.alloc(self.number)
        for child in (0, 1, 3, 7, 40, 64, 16 * 64):
            assert await host.write(self.first + child)
        await self.settle()


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class FailureTest(EngineTest):
    """What is changed in memory is noticed by each operation, recorded once, kept until cleared, and locks its subtree.

    covers: MMT.LINE_MAC MMT.NODE_MAC MMT.ROOT_TREE MMT.LOCK MMT.FATAL

    threat: M01 M02 M03 M04 M19 M20 M35 M36 M43
    """

    quiet = False

    async def body(self, host: Host) -> None:
        self.host = host
        self.a, self.b = host.config.subtrees - 2, host.config.subtrees - 1
        self.target, self.other = self.a * host.lines + 5, self.b * host.lines
        await self.prepare()
        for operation in plan.OPERATIONS:
            for level in range(1, host.model.shape.levels + 1):
                await self.node(operation, level)
            await self.memory_error(operation)
        for operation, what in product(("read", "partial write"), ("line", "MAC")):
            await self.line(operation, what)
        await self.next_life()
        await self.sticky()
        await host.flush_all()
        await self.stale_root()
        for operation in (*plan.OPERATIONS, "MOUNT"):
            await self.root_entry(operation)
        await self.fatal()

    async def prepare(self) -> None:
        await self.host.alloc(self.a, self.b)
        for line in (self.target, self.target + 1, self.other):
            assert await self.host.write(line)
        await self.host.flush_all()
        for number in (self.a, self.b):
            await self.host.expect(Op.UNMOUNT, number)

    @asynccontextmanager
    async def tampered(self, place: int, bit: int) -> AsyncIterator[None]:
        """A bit of memory is the other way round; undone at the end, and the subtree opened again."""
        host = self.host
        before = host.peek(place)
        host.flip(place, bit)
        host.board.suspect.add(self.a)
        yield
        host.poke(place, before)
        await self.unlock()

    async def unlock(self) -> None:
        host = self.host
        await host.record("denied")
        await host.expect(Op.UNLOCK, self.a)
        host.board.suspect.discard(self.a)
        assert await host.write(self.target)
        assert await host.read(self.target) and await host.read(self.target + 1)
        await host.expect(Op.UNMOUNT, self.a)

    async def fails(self, operation: str, expected: Record) -> None:
        """An access fails as it should; the subtree is locked then, the other not."""
        host = self.host
        before = await host.read_register("counts.failure")
        assert not await host.operate(operation, self.target), f"{operation} of what was tampered with went well"
        await host.cycles(2)
        assert host.board.irq, "no interrupt"
        failure = await host.failure()
        assert failure == expected, f"recorded {failure}, not {expected}"
        assert await host.read_register("counts.failure") == before + 1
        assert await host.each(self.target + 1) == [False] * 3, "the subtree is not locked"
        assert await host.record("denied") == Record("LOCKED", 0, False, self.target + 1)
        assert (await host.expect(Op.STATUS, self.a)).locked
        assert await host.read(self.other), "the other subtree is refused"

    async def node(self, operation: str, level: int) -> None:
        place = self.host.node_place(self.target, level)
        async with self.tampered(place, self.host.rng.randrange(512)):
            await self.fails(operation, Record("NODE_MAC", level, False, place))
        self.sample(f"failure/{operation}/{plan.level_name(self.host.config, level)}")

    async def line(self, operation: str, what: str) -> None:
        line, first = self.host.mac_place(self.target)
        place = self.target if what == "line" else line
        bit = self.host.rng.randrange(512) if what == "line" else first + self.host.rng.randrange(64)
        image = self.host.peek(self.target)
        async with self.tampered(place, bit):
            tampered = self.host.peek(self.target)
            await self.fails(operation, Record("LINE_MAC", 0, False, self.target))
            assert self.host.peek(self.target) == tampered and len(image) == 64, "a refused write reached memory"
        self.sample(f"failure/{operation}/{what}")

    async def memory_error(self, operation: str) -> None:
        memory, line = self.host.memory, self.target + self.host.base_line
        self.host.board.suspect.add(self.a)
        memory.faults[line] = "writes" if operation == "full write" else "reads"
        await self.fails(operation, Record("MEMORY_ERROR", 0, False, self.target))
        memory.faults.clear()
        await self.unlock()
        self.sample(f"failure/{operation}/memory error")

    async def next_life(self) -> None:
        """A freed subtree's lines, MACs and nodes are put back under the next one's, at the same places. M36"""
        host = self.host
        assert await host.read(self.target)
        await host.expect(Op.UNMOUNT, self.a)
        old = dict(host.memory.lines)
        layout = host.model.tree(self.a).layout
        await host.expect(Op.FREE, self.a)
        await host.alloc(self.a)
        assert host.model.tree(self.a).layout.first_meta == layout.first_meta
        for line in (self.target, self.target + 1):
            (item,) = await host.do([line_read(0, host.addr(line))])
            assert item.ok and not any(map(any, item.data)), "the next life does not begin with zeros"
            assert await host.write(line)
        await host.expect(Op.UNMOUNT, self.a)
        now = {line: host.memory.lines[line] for line in old}
        places = [*range(layout.first_line, layout.first_line + 64), *range(layout.first_meta, layout.end_meta)]
        for place in places:
            if place in old:
                host.poke(place, old[place])
        host.board.suspect.add(self.a)
        top = host.node_place(self.target, host.model.shape.levels)
        await self.fails("read", Record("NODE_MAC", host.model.shape.levels, False, top))
        for place in places:
            if place in old:
                host.poke(place, now[place])
        await self.unlock()

    async def stale_root(self) -> None:
        """The meta zone of an earlier unmount is put back, whole, after a later one. M35"""
        host = self.host
        zone = host.model.shape.root
        await host.expect(Op.FLUSH_ALL)
        old = {line: host.peek(line) for line in range(zone.first_line, zone.end_meta)}
        assert await host.write(self.target)
        await host.expect(Op.UNMOUNT, self.a)
        await host.expect(Op.FLUSH_ALL)
        changed = [line for line, data in old.items() if host.peek(line) != data]
        assert len(changed) > host.config.levels, "the meta zone has not moved on"
        for line, data in old.items():
            host.poke(line, data)
        host.board.suspect |= {self.a, ROOT}
        assert not await host.read(self.target), "an old root entry is taken"
        failure = await host.failure()
        assert failure is not None and failure.root
        await host.start()
        await self.prepare()

    async def sticky(self) -> None:
        """The first failure stays recorded, however many come; the interrupt with it."""
        host = self.host
        images = {line: host.peek(line) for line in (self.target, self.other)}
        await host.expect(Op.UNMOUNT, self.b)
        host.board.suspect |= {self.a, self.b}
        for line in images:
            host.flip(line, 100)
        first = await host.read_register("counts.failure")
        assert not await host.read(self.target) and not await host.read(self.other)
        assert await host.read_register("counts.failure") == first + 2
        assert await host.write_register("failure.state", 0), "writing 0 is refused"
        await host.cycles(20)
        assert host.board.irq
        # The failure of B is not recorded, for A's still is; but B is locked.
        host.board.failed(self.other)
        assert await host.failure() == Record("LINE_MAC", 0, False, self.target)
        assert await host.failure() is None
        assert not await host.read(self.other)
        for line, data in images.items():
            host.poke(line, data)
        for number in (self.a, self.b):
            await host.expect(Op.UNLOCK, number)
        host.board.suspect.clear()
        assert await host.read(self.target) and await host.read(self.other)
        await host.record("denied")
        await host.expect(Op.UNMOUNT, self.a)

    async def root_entry(self, operation: str) -> None:
        """A changed root table is found by whatever mounts; then nothing can be mounted until reset."""
        host = self.host
        assert await host.read(self.other)
        entry = host.entry_place(self.a)
        host.flip(entry, 128 * (self.a % 4) + 10)
        host.board.suspect |= {self.a, ROOT}
        if operation == "MOUNT":
            await host.expect(Op.MOUNT, self.a, result="INTEGRITY")
        else:
            assert not await host.operate(operation, self.target)
            self.sample(f"failure/{operation}/root entry")
        assert await host.failure() == Record("LINE_MAC", 0, True, entry)
        await host.expect(Op.MOUNT, self.a, result="LOCKED")
        assert await host.read(self.other), "a mounted subtree does not live on"
        await host.start()
        await self.prepare()

    async def fatal(self) -> None:
        """In fatal mode the first failure stops everything until reset."""
        host = self.host
        assert await host.write_register("control", 2)
        assert await host.read(self.other)
        host.flip(self.target, 3)
        host.board.suspect.add(self.a)
        assert not await host.read(self.target)
        host.board.everything = True
        assert await host.read_register("status") & 6 == 4
        assert await host.each(self.other) == [False] * 3, "served after a failure in fatal mode"
        await host.write_register("failure.state", 1)
        await host.write_register("control", 1)
        assert await host.read_register("status") & 6 == 4, "alive again without a reset"
        assert not await host.read(self.other)
        await host.start()
        await self.prepare()
        assert await host.read(self.other)
        await host.flush_all()


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
            host.forge(number, 1, 0, [MINOR_MAX], 0)
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
