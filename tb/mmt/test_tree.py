# SPDX-License-Identifier: Apache-2.0
"""Tree against memory, AES and a plain Lines in Python: what it writes, what it refuses, what it detects.

covers: MMT.NODE_MAC, MMT.FRESH, MMT.VIRGIN, MMT.EXHAUSTED, MMT.LOCK, MMT.MOUNT_ONCE, MMT.ROOT_TREE
(Every bench compares every write with ``tb/models/mmt_observer.py``, where a pair used twice is an error.)
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tb.mmt.tree_bench import Bench, Op
from yingzhou.mmt.config import MmtConfig
from yingzhou.mmt.signature import Command, Kind, Result


@dataclass(frozen=True)
class Place:
    """A geometry, and pages for metadata and for the meta zone."""

    config: MmtConfig
    root_page: int
    pages: tuple[int, ...]


def small(**changes) -> MmtConfig:
    return MmtConfig(**{"addr_width": 19, "mount_entries": 2, "node_cache_lines": 8, **changes})


PLACES = {
    "16": Place(
        small(addr_width=16, arities=(16,), mount_entries=1, node_cache_lines=4, major_bits=2), 15, (12, 13, 14)
    ),
    "16-32": Place(small(arities=(16, 32)), 120, (100, 104, 108)),
    "flat": Place(small(addr_width=16, memory_bytes=1 << 14, arities=(2, 2, 2)), 3, (1, 2)),
    "4-8": Place(small(addr_width=16, arities=(4, 8), mount_entries=1), 12, (13, 14, 15)),
}
WIDE = Place(small(addr_width=20, arities=(64, 64), node_cache_lines=16, major_bits=1), 255, (200, 215))


def bench(place: Place, body: Callable, **settings) -> Bench:
    made = Bench(place.config, place.root_page, **settings)
    made.run(body)
    return made


async def must(bench: Bench, op: Command, subtree: int = 0, page: int = 0) -> None:
    answer = await bench.do(op, subtree, page)
    assert answer.result is Result.OK, (op, answer)


@pytest.mark.parametrize("name", PLACES)
def test_random_traffic(name):
    """Reads, writes and commands at once; every write is one the format allows; the image verifies at the end."""
    place = PLACES[name]

    async def body(b: Bench) -> None:
        lines = place.config.subtree_lines
        numbers = range(min(len(place.pages), 2))
        for number in numbers:
            await must(b, Command.ALLOC, number, place.pages[number])
        for _ in range(3):
            ops = []
            for _ in range(24):
                line = b.rng.choice(numbers) * lines + b.rng.randrange(lines)
                ops.append(Op(line, b.rng.randbytes(64) if b.rng.random() < 0.6 else None))
            b.ops.extend(ops)
            answer = await b.do(b.rng.choice((Command.FLUSH, Command.UNMOUNT, Command.MOUNT, Command.STATUS)), 0)
            assert answer.result in (Result.OK, Result.NOT_MOUNTED, Result.ALREADY_MOUNTED)
            await b.until(lambda ops=ops: all(op.state == "done" for op in ops))
            assert {op.kind for op in ops} == {Kind.NONE}
        await b.check_image()
        await must(b, Command.FREE, 0)
        # MMT.VIRGIN: a new life reads zeros, whatever memory holds.
        await must(b, Command.ALLOC, 0, place.pages[0])
        op = await b.read(b.rng.randrange(lines))
        assert op.kind is Kind.NONE and op.answer == bytes(64)
        await b.check_image()

    assert bench(place, body, seed=len(name)).failures == []


def test_overflow_of_leaf_and_node_and_exhaustion():
    """6-bit minors on both levels: they overflow once, and are refused when the major is used up (MMT.EXHAUSTED)."""

    async def body(b: Bench) -> None:
        await must(b, Command.ALLOC, 0, WIDE.pages[0])
        for _ in range(70):
            assert (await b.write(3)).kind is Kind.NONE
        await b.check_image()
        # A leaf that is written back 64 times has its parent's counters overflow.
        for _ in range(66):
            assert (await b.write(64 + 5)).kind is Kind.NONE
            await must(b, Command.FLUSH, 0)
        await b.check_image()
        kinds = [(await b.write(3)).kind for _ in range(63)]
        assert kinds == [Kind.NONE] * (126 - 70) + [Kind.EXHAUSTED] + [Kind.LOCKED] * 6
        assert b.failures == [(Kind.EXHAUSTED, 3, 0, 0)]

    bench(WIDE, body, latency=4)


@pytest.mark.parametrize("level", [1, 2])
def test_tampered_replayed_and_swapped_nodes_are_found(level):
    """MMT.NODE_MAC, MMT.LOCK: any changed bit of a node, an older node, another node: refused, locked, and named."""
    place = PLACES["16-32"]
    config = place.config

    async def body(b: Bench) -> None:
        await must(b, Command.ALLOC, 0, place.pages[0])
        node = place.pages[0] * 64 + config.node_offset(level) // 64
        await b.access(Op(0, b.rng.randbytes(64)), Op(40, b.rng.randbytes(64)))
        await must(b, Command.UNMOUNT)
        old = b.memory[node]
        await b.access(Op(0, b.rng.randbytes(64)))
        await must(b, Command.UNMOUNT)
        good = b.memory[node]
        wrong = [
            (int.from_bytes(good, "little") ^ 1 << bit).to_bytes(64, "little") for bit in (0, 40, 63, 64, 447, 448, 511)
        ]
        wrong += [old, bytes(64), b.memory[node + 1] if level == 1 else good[::-1]]
        for content in wrong:
            assert content != good
            b.memory[node] = content
            assert (await b.read(0)).kind is Kind.NODE_MAC
            assert b.failures.pop() == (Kind.NODE_MAC, node, level, 0)
            assert (await b.read(40)).kind is Kind.LOCKED
            b.memory[node] = good
            await must(b, Command.UNMOUNT)
            # The lock is kept in the root entry.
            assert (await b.read(0)).kind is Kind.LOCKED
            await must(b, Command.MOUNT)
            await must(b, Command.UNLOCK)
            assert (await b.read(0)).kind is Kind.NONE
            await must(b, Command.UNMOUNT)
        b.bad_reads.add(node)
        assert (await b.read(0)).kind is Kind.MEMORY_ERROR
        b.bad_reads.clear()
        assert b.failures == [(Kind.MEMORY_ERROR, node, level, 0)]

    bench(place, body, latency=4)


@pytest.mark.parametrize("what", ["table", "leaf", "replay"])
def test_tampered_root_tree_is_found(what):
    """MMT.ROOT_TREE: a changed or older root table or root tree refuses every mount until reset; mounted trees live."""
    place = PLACES["16-32"]
    config = place.config

    async def body(b: Bench) -> None:
        await must(b, Command.ALLOC, 0, place.pages[0])
        await must(b, Command.ALLOC, 4, place.pages[1])
        await b.write(0)
        await must(b, Command.UNMOUNT, 0)
        await must(b, Command.FLUSH_ALL)
        await b.rest()
        zone = place.root_page * 64
        before = dict(b.memory)
        line = zone if what == "table" else zone + config.root_node_offset(1) // 64
        if what != "table":
            # Push the root tree's nodes out of the cache.
            if what == "replay":
                await b.write(0)
                await must(b, Command.UNMOUNT, 0)
                await must(b, Command.FLUSH_ALL)
            for number in range(200):
                if not b.cached(config.root_tree, 1):
                    break
                await b.read(4 * config.subtree_lines + 32 * (number % 16))
                await b.write(4 * config.subtree_lines + 32 * (number % 16))
            assert not b.cached(config.root_tree, 1)
            await b.rest()
        flipped = (int.from_bytes(b.memory[line], "little") ^ 1 << 77).to_bytes(64, "little")
        b.memory[line] = before[line] if what == "replay" else flipped
        assert (await b.read(0)).kind in (Kind.NODE_MAC, Kind.LINE_MAC)
        assert b.failures[-1][3] == 1
        assert (await b.read(0)).kind is Kind.LOCKED
        assert (await b.do(Command.MOUNT, 0)).result is Result.LOCKED
        assert (await b.read(4 * config.subtree_lines)).kind is Kind.NONE

    bench(place, body, latency=4)


def test_refusals():
    """Every refusal of a command, with nothing changed; MMT.MOUNT_ONCE."""
    place = PLACES["4-8"]
    config = place.config

    async def body(b: Bench) -> None:
        async def refused(op: Command, subtree: int, result: Result, page: int = 13) -> None:
            answer = await b.do(op, subtree, page)
            assert answer.result is result, (op, subtree, page, answer)

        assert (await b.read(0)).kind is Kind.NOT_ALLOCATED
        assert (await b.read(12 * 64)).kind is Kind.OUTSIDE
        await refused(Command.ALLOC, config.subtrees, Result.BAD_ADDRESS)
        await refused(Command.ALLOC, 0, Result.BAD_ADDRESS, page=16)
        await refused(Command.ALLOC, 0, Result.OVERLAP, page=0)  # its own lines
        await refused(Command.ALLOC, 0, Result.OVERLAP, page=12)  # the meta zone
        await refused(Command.ALLOC, 24, Result.OVERLAP, page=14)  # its lines are the meta zone
        for op in (Command.UNMOUNT, Command.FLUSH, Command.UNLOCK, Command.PIN, Command.UNPIN):
            await refused(op, 0, Result.NOT_MOUNTED)
        for op in (Command.MOUNT, Command.FREE):
            await refused(op, 0, Result.NOT_ALLOCATED)
        await must(b, Command.ALLOC, 0, 13)
        await must(b, Command.PIN, 0)
        await refused(Command.ALLOC, 0, Result.ALREADY_ALLOCATED)
        await refused(Command.MOUNT, 0, Result.ALREADY_MOUNTED)
        await refused(Command.ALLOC, 1, Result.OVERLAP, page=13)
        await refused(Command.ALLOC, 1, Result.TABLE_FULL, page=14)
        assert (await b.read(config.subtree_lines)).kind is Kind.NOT_ALLOCATED
        for op in (Command.UNMOUNT, Command.FREE):
            await refused(op, 0, Result.PINNED)
        await must(b, Command.UNPIN, 0)
        await must(b, Command.ALLOC, 1, 14)
        await refused(Command.ALLOC, 0, Result.ALREADY_ALLOCATED)
        b.ctx.set(b.dut.settings.active, 0)
        await refused(Command.STATUS, 0, Result.NOT_READY)
        assert (await b.read(0)).kind is Kind.NOT_READY
        b.ctx.set(b.dut.settings.active, 1)
        await b.check_image()

    bench(place, body, latency=4)


def test_cycles():
    """What the slow path costs with memory of 40 cycles: alloc and mount at most 300, a missing leaf 40 + 4 + few."""
    config = MmtConfig(addr_width=24, mount_entries=2, node_cache_lines=16)
    place = Place(config, 1024, (2048, 2300))

    async def body(b: Bench) -> None:
        answer = await b.do(Command.ALLOC, 0, 2048)
        assert answer.result is Result.OK and answer.cycles <= 300
        assert b.counts == {}, "a fresh subtree needs no memory"
        alloc = answer.cycles
        await b.write(0)
        await b.write(64)
        await must(b, Command.UNMOUNT, 0)
        mount = await b.do(Command.MOUNT, 0)
        assert mount.cycles <= 300
        await b.read(0)
        await b.read(64)
        missing = b.counts["service"]
        print(f"alloc {alloc}, mount {mount.cycles}, leaf missing and parent cached {missing} cycles")
        assert missing <= 40 + 4 + 14

    bench(place, body, latency=40)
