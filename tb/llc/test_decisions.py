# SPDX-License-Identifier: Apache-2.0
"""What is decided about a line, unit by unit: lookups, visits of operations, whole commands, tags.

covers: LLC.LOCK_PINNED LLC.LOCK_QUOTA LLC.LOCK_MAINTAIN
"""

import random
from itertools import product

import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator

from tb.models.llc_sets import CacheSet, Replacement, Shape
from yingzhou.errors import ConfigError
from yingzhou.llc.command import Check
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.lookup import Lookup
from yingzhou.llc.signature import Op, Result, Scope
from yingzhou.llc.tags import Tags
from yingzhou.llc.visit import Action, Visit

CONFIG = LlcConfig(size_bytes=4 * 8 * 64, ways=8, mshrs=4, domains=3, addr_width=20)


def check(dut, steps) -> None:
    sim = Simulator(dut)
    sim.add_clock(1e-6, if_exists=True)
    sim.add_testbench(steps)
    sim.run()


# Lookup


@pytest.mark.parametrize("replacement", ("plru", "random"))
def test_hits_and_victims_of_random_sets(replacement: str):
    """The victim is never locked, never reserved, and the one that the model names."""
    config = LlcConfig(size_bytes=4 * 8 * 64, ways=8, domains=3, addr_width=20, replacement=replacement)
    dut = Lookup(config)
    rng = random.Random(5)
    shape = Shape(ways=8, sets=4, replacement=Replacement(replacement))
    seen = {"hit": 0, "empty": 0, "victim": 0, "none": 0}

    async def steps(ctx):
        for _ in range(800):
            line = rng.randrange(4) | rng.randrange(16) << 2
            tags = rng.sample(range(16), 8)
            reserved, state, draw = rng.getrandbits(8) & rng.getrandbits(8), rng.getrandbits(7), rng.getrandbits(16)
            valid = rng.choice((0xFF, 0xFF, rng.getrandbits(8))) & ~reserved
            locked = rng.choice((0, rng.getrandbits(8), 0xFF)) & valid
            model = CacheSet(shape)
            model.tree.bits[1:] = [state >> node & 1 for node in range(7)]
            for way in range(8):
                holds, lock = valid >> way & 1, locked >> way & 1
                entry = {"valid": holds, "dirty": lock, "locked": lock, "owner": lock, "tag": tags[way]}
                ctx.set(dut.entries[way], entry)
                model.ways[way].line = (tags[way] << 2 | line % 4) if holds else None
                model.ways[way].owner = lock
                model.ways[way].reserved = bool(reserved >> way & 1)
            for name, value in (("line", line), ("reserved", reserved), ("tree", state), ("draw", draw)):
                ctx.set(getattr(dut, name), value)
            assert ctx.get(dut.locked) == locked.bit_count()
            found, victim = model.find(line), model.victim(draw)
            assert ctx.get(dut.hit) == (found is not None)
            assert ctx.get(dut.victim) == (victim is not None)
            if found is not None:
                assert ctx.get(dut.way) == found
                assert ctx.get(dut.held_line) == line
                seen["hit"] += 1
            elif victim is not None:
                way = ctx.get(dut.way)
                assert way == victim
                assert not (locked | reserved) >> way & 1
                seen["victim" if valid >> way & 1 else "empty"] += 1
            else:
                seen["none"] += 1

    check(dut, steps)
    assert min(seen.values()) > 10, seen


# Visits

ABSENT, CLEAN, DIRTY, MINE, OTHERS = "absent", "clean", "dirty", "mine", "others"
NOTHING, FETCH, WRITE, DROP = (a.name for a in (Action.NOTHING, Action.FETCH, Action.WRITE, Action.DROP))
LOCK, OTHER_OWNER = "LOCK", "OTHER_OWNER"
TABLE = {
    Op.LOCK: {ABSENT: FETCH, CLEAN: LOCK, DIRTY: LOCK, MINE: NOTHING, OTHERS: OTHER_OWNER},
    Op.UNLOCK: {ABSENT: NOTHING, CLEAN: NOTHING, DIRTY: NOTHING, MINE: WRITE, OTHERS: OTHER_OWNER},
    Op.CLEAN: {ABSENT: NOTHING, CLEAN: NOTHING, DIRTY: WRITE, MINE: WRITE, OTHERS: NOTHING},
    Op.FLUSH: {ABSENT: NOTHING, CLEAN: DROP, DIRTY: WRITE, MINE: WRITE, OTHERS: NOTHING},
    Op.DISCARD: {ABSENT: NOTHING, CLEAN: DROP, DIRTY: DROP, MINE: DROP, OTHERS: NOTHING},
    Op.STATUS: dict.fromkeys((ABSENT, CLEAN, DIRTY, MINE, OTHERS), NOTHING),
}
"""The table of operations of docs/llc.md: what a visit comes to, scope LINE or PAGE."""
ENTRIES = {
    ABSENT: {"valid": 0, "dirty": 0, "locked": 0, "owner": 0, "tag": 0},
    CLEAN: {"valid": 1, "dirty": 0, "locked": 0, "owner": 0, "tag": 7},
    DIRTY: {"valid": 1, "dirty": 1, "locked": 0, "owner": 0, "tag": 7},
    MINE: {"valid": 1, "dirty": 1, "locked": 1, "owner": 2, "tag": 7},
    OTHERS: {"valid": 1, "dirty": 1, "locked": 1, "owner": 1, "tag": 7},
}


class VisitRig:
    """One visit; may lock unless told otherwise."""

    def __init__(self, ctx, dut: Visit):
        self._ctx, self._dut = ctx, dut

    def see(self, op: Op, state: str, *, scope: Scope = Scope.PAGE, domain: int = 2, undo=0, locked=0, may_lock=1):
        ctx, dut = self._ctx, self._dut
        values = {"op": op, "scope": scope, "domain": domain, "undo": undo, "locked": locked, "may_lock": may_lock}
        for name, value in {**values, "present": state != ABSENT, "entry": ENTRIES[state]}.items():
            ctx.set(getattr(dut, name), value)
        action = ctx.get(dut.action)
        return ctx.get(dut.result).name if action == Action.REFUSE else action.name


def visits(body) -> None:
    dut = Visit(CONFIG)

    async def steps(ctx):
        body(VisitRig(ctx, dut), ctx, dut)

    check(dut, steps)


def test_the_table_of_operations():
    def body(rig, ctx, dut):
        for op, state in product(TABLE, ENTRIES):
            assert rig.see(op, state) == TABLE[op][state], (op, state)
            if op is not Op.LOCK:
                # Neither quota nor set matters to anything but a LOCK.
                assert rig.see(op, state, may_lock=0, locked=6) == TABLE[op][state], (op, state)

    visits(body)


def test_over_everything_a_foreign_lock_is_passed_over():
    def body(rig, ctx, dut):
        for op in (Op.UNLOCK, Op.CLEAN, Op.FLUSH, Op.DISCARD):
            for state in ENTRIES:
                expected = NOTHING if state == OTHERS else TABLE[op][state]
                assert rig.see(op, state, scope=Scope.ALL) == expected, (op, state)
                # Nobody owns nothing.
                if state in (MINE, OTHERS) and op is not Op.UNLOCK:
                    assert rig.see(op, state, scope=Scope.ALL, domain=0) == NOTHING

    visits(body)


def test_a_lock_needs_its_quota_and_two_ways_left():
    def body(rig, ctx, dut):
        for state, allowed in ((ABSENT, FETCH), (CLEAN, LOCK), (DIRTY, LOCK)):
            for locked in range(9):
                assert rig.see(Op.LOCK, state, locked=locked) == (allowed if locked < 6 else "SET_FULL")
                assert rig.see(Op.LOCK, state, locked=locked, may_lock=0) == "QUOTA"
        assert rig.see(Op.LOCK, MINE, locked=6, may_lock=0) == NOTHING
        assert rig.see(Op.LOCK, OTHERS, locked=6, may_lock=0) == OTHER_OWNER

    visits(body)


def test_undo_unlocks():
    def body(rig, ctx, dut):
        assert rig.see(Op.LOCK, MINE, undo=1) == WRITE

    visits(body)


def test_status_tells():
    expected = {ABSENT: (0, 0, 0), CLEAN: (1, 0, 0), DIRTY: (1, 0, 0), MINE: (1, 1, 2), OTHERS: (1, 1, 1)}

    def body(rig, ctx, dut):
        for op, state in product(TABLE, ENTRIES):
            rig.see(op, state, scope=Scope.LINE)
            status = ctx.get(dut.status)
            told = (status.present, status.locked, status.owner)
            assert told == (expected[state] if op is Op.STATUS else (0, 0, 0))

    visits(body)


# Whole commands

WINDOWS = ((0x1_0000, 0x2_0000), (0x8_0000, 0x8_1000))
CASES = [
    ((Op.LOCK, Scope.LINE, 1, 0x1_0040), Result.DONE),
    ((Op.LOCK, Scope.LINE, 3, 0x1_0040), Result.DONE),
    ((Op.LOCK, Scope.LINE, 0, 0x1_0040), Result.BAD_DOMAIN),
    ((Op.LOCK, Scope.LINE, 4, 0x1_0040), Result.BAD_DOMAIN),
    ((Op.LOCK, Scope.LINE, 255, 0x1_0040), Result.BAD_DOMAIN),
    ((Op.UNLOCK, Scope.ALL, 0, 0), Result.BAD_DOMAIN),
    ((Op.CLEAN, Scope.LINE, 0, 0x1_0040), Result.DONE),
    ((Op.FLUSH, Scope.ALL, 0, 0x12345), Result.DONE),
    ((Op.DISCARD, Scope.PAGE, 0, 0x8_0000), Result.DONE),
    ((Op.STATUS, Scope.LINE, 0, 0x8_0FC0), Result.DONE),
    ((Op.LOCK, Scope.ALL, 1, 0), Result.BAD_COMMAND),
    ((Op.STATUS, Scope.PAGE, 1, 0x1_0000), Result.BAD_COMMAND),
    ((Op.CLEAN, 3, 1, 0), Result.BAD_COMMAND),
    ((0, Scope.LINE, 1, 0x1_0000), Result.BAD_COMMAND),
    ((7, Scope.LINE, 9, 1), Result.BAD_COMMAND),
    ((15, Scope.LINE, 1, 0x1_0000), Result.BAD_COMMAND),
    ((Op.CLEAN, Scope.LINE, 1, 0x1_0001), Result.BAD_ADDRESS),
    ((Op.CLEAN, Scope.LINE, 1, 0x1_0020), Result.BAD_ADDRESS),
    ((Op.CLEAN, Scope.PAGE, 1, 0x1_0040), Result.BAD_ADDRESS),
    ((Op.CLEAN, Scope.PAGE, 1, 0x1_0800), Result.BAD_ADDRESS),
    ((Op.CLEAN, Scope.LINE, 1, 0x0_FFC0), Result.BAD_ADDRESS),
    ((Op.CLEAN, Scope.LINE, 1, 0x2_0000), Result.BAD_ADDRESS),
    ((Op.CLEAN, Scope.LINE, 1, 0x1_0000 | 1 << 20), Result.BAD_ADDRESS),
    ((Op.CLEAN, Scope.LINE, 1, 0x1_0000 | 1 << 63), Result.BAD_ADDRESS),
    ((Op.LOCK, Scope.PAGE, 1, 0x1_0000), Result.TOO_LARGE),
    ((Op.LOCK, Scope.PAGE, 1, 0x1_0040), Result.BAD_ADDRESS),
    ((Op.UNLOCK, Scope.PAGE, 1, 0x1_0000), Result.DONE),
]


def test_commands_that_are_refused_as_a_whole():
    """Against small numbers of sets (a page is too large) and many (it is not)."""
    for config in (
        LlcConfig(size_bytes=4 * 8 * 64, ways=8, domains=3, addr_width=20, cacheable=WINDOWS),
        LlcConfig(size_bytes=64 * 4 * 64, ways=4, domains=3, addr_width=20, cacheable=WINDOWS),
    ):
        dut = Check(config)

        async def steps(ctx, config=config, dut=dut):
            for (op, scope, domain, address), result in CASES:
                code, number = (x if isinstance(x, int) else x.value for x in (op, scope))
                ctx.set(dut.command, {"op": code, "scope": number, "domain": domain, "address": address})
                too_large = result is Result.TOO_LARGE and config.page_fits
                assert ctx.get(dut.result) == (Result.DONE if too_large else result), (op, scope, domain, address)

        check(dut, steps)


# Tags


@pytest.mark.parametrize("parity", (False, True))
def test_tags_are_swept_then_kept(parity: bool):
    config = LlcConfig(size_bytes=4 * 4 * 64, ways=4, domains=3, addr_width=20, parity=parity)
    dut = Tags(config)
    entry = {"valid": 1, "dirty": 1, "locked": 1, "owner": 3, "tag": 0x5A5}

    async def steps(ctx):
        for memory in dut.memories:
            for n in range(config.sets):
                ctx.set(memory.data[n], 0x1FF)
        for n in range(config.sets):
            assert not ctx.get(dut.ready) and ctx.get(dut.sweep_set) == n
            await ctx.tick()
        assert ctx.get(dut.ready)
        ctx.set(dut.write_set, 2)
        ctx.set(dut.read_set, 2)
        ctx.set(dut.write_entry, entry)
        ctx.set(dut.write, 0b0100)
        await ctx.tick()
        ctx.set(dut.write, 0)
        for n in range(4):
            # Seen already in the cycle after it was written.
            got = ctx.get(dut.entries[n])
            assert got.tag == (0x5A5 if n == 2 else 0) and got.owner == (3 if n == 2 else 0)
        assert not ctx.get(dut.bad)
        width = len(Value.cast(dut.memories[2].data[2]))
        for bit in range(width):
            kept = ctx.get(dut.memories[2].data[2])
            ctx.set(dut.memories[2].data[2], kept ^ 1 << bit)
            await ctx.tick()
            assert ctx.get(dut.bad) == parity, bit
            ctx.set(dut.memories[2].data[2], kept)
        await ctx.tick()
        assert not ctx.get(dut.bad)

    check(dut, steps)


# Configuration


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ways": 3}, "ways is 3; accepted are 2, 4, 8, 16"),
        ({"size_bytes": 100_000}, "size_bytes is 100000; accepted with 8 ways are powers of two from 1024"),
        ({"size_bytes": 512}, "size_bytes is 512; accepted"),
        ({"mshrs": 0}, "mshrs is 0; accepted are 2, 4, 8, 16"),
        ({"replacement": "lru"}, "replacement is 'lru'; accepted are plru, random"),
        ({"addr_width": 65}, "addr_width is 65; accepted are 16 to 64"),
        ({"id_width": 0}, "id_width is 0; accepted are 1 to 16"),
        ({"domains": 16}, "domains is 16; accepted are 1 to 15"),
        ({"cacheable": ((0x800, 0x2000),)}, "cacheable range is 0x800 to 0x2000; accepted are multiples of 0x1000"),
        ({"cacheable": ((0, 1 << 33),)}, "cacheable range is 0x0 to 0x200000000"),
        (
            {"addr_width": 16, "size_bytes": 1 << 20, "ways": 2},
            "addr_width is 16; accepted with 8192 sets are 20 to 64",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(change, message):
    with pytest.raises(ConfigError) as refused:
        LlcConfig(**change)
    assert str(refused.value).startswith(message)
