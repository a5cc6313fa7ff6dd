# SPDX-License-Identifier: Apache-2.0
"""What is changed in DRAM, and what memory refuses: nothing of it is served.

Run by ``test_uvm.py``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product

import pyuvm

from tb.bus.bursts import line_read
from tb.models.mmt_layout import ROOT
from tb.uvm.base import TIMEOUT_MS

from ..bench import Op, Record
from . import plan
from .base import EngineTest
from .host import Host


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
