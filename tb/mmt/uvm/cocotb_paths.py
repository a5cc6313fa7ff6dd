# SPDX-License-Identifier: Apache-2.0
"""Accesses to protected memory: ways through the caches, and what overflows on them.

Run by ``test_uvm.py``.
"""

from itertools import product

import pyuvm

from tb.bus.bursts import line_read, line_write
from tb.uvm.agents import FAST
from tb.uvm.base import TIMEOUT_MS

from ..bench import Op, Record
from . import plan
from .base import EngineTest
from .host import Host

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
        self.host.forge(self.a, 1, leaf, [plan.MINOR_MAX], major)

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
        for item in await host.do([line_write(0, addr, b"same" * 16) for _ in range(plan.MINOR_MAX - 1)]):
            assert item.ok
        for _ in range(3):
            assert await host.write(self.first, b"same" * 16)
        # And one more of the re-encryption, which is the overflow's.
        assert len(seen) == len(set(seen)) == plan.MINOR_MAX + 3, "a ciphertext came twice"
        for item in await host.do([line_read(child % 8, addr + 64 * child) for child in range(64)]):
            assert item.ok

    async def line(self, operation: str) -> None:
        """A line's counter, forged to its end."""
        host, first = self.host, self.first
        host.forge(self.number, 1, 0, [plan.MINOR_MAX, 5, 0, 1], 1)
        assert await host.operate(operation, first)
        for child in (0, 1, 7, 40):
            assert await host.read(first + child)
        await self.settle()
        host.forge(self.number, 1, 0, [plan.MINOR_MAX, 5], 3)
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
