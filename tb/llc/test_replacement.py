# SPDX-License-Identifier: Apache-2.0
"""Victims and touches as logic, against the model's tree: every state, every set of candidates, every way."""

from itertools import product

import pytest
from amaranth import *
from amaranth.sim import Simulator

from tb.models.llc_sets import Tree, circular
from yingzhou.llc.replacement import Draw, Trees, circular_victim, lowest, touched, tree_victim

WAYS = pytest.mark.parametrize("ways", (2, 4, 8, 16))


class Logic(Elaboratable):
    """The functions of a number of ways, as ports."""

    def __init__(self, ways: int):
        self.tree, self.candidates, self.draw = Signal(ways - 1), Signal(ways), Signal(16)
        self.way = Signal(range(ways))
        self.touched = Signal(ways - 1)
        self.plru, self.random, self.first = Signal(range(ways)), Signal(range(ways)), Signal(range(ways))

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.touched.eq(touched(self.tree, self.way)),
            self.plru.eq(tree_victim(self.tree, self.candidates)),
            self.random.eq(circular_victim(self.draw, self.candidates)),
            self.first.eq(lowest(self.candidates)),
        ]
        return m


def states(ways: int) -> list[int]:
    """All states of a tree, or for 16 ways some that differ everywhere."""
    count = 1 << ways - 1
    return list(range(count)) if ways <= 8 else [n * 9973 % count for n in range(40)]


def model(ways: int, state: int) -> Tree:
    tree = Tree(ways)
    tree.bits[1:] = [state >> node & 1 for node in range(ways - 1)]
    return tree


def check(dut: Elaboratable, steps) -> None:
    sim = Simulator(dut)
    sim.add_clock(1e-6, if_exists=True)
    sim.add_testbench(steps)
    sim.run()


@WAYS
def test_a_touch_points_away(ways: int):
    dut = Logic(ways)

    async def steps(ctx):
        for state, way in product(states(ways), range(ways)):
            ctx.set(dut.tree, state)
            ctx.set(dut.way, way)
            tree = model(ways, state)
            tree.touch(way)
            assert ctx.get(dut.touched) == sum(bit << node for node, bit in enumerate(tree.bits[1:]))

    check(dut, steps)


@WAYS
def test_a_victim_is_where_the_tree_points_among_the_candidates(ways: int):
    dut = Logic(ways)
    sets = range(1, 1 << ways) if ways <= 4 else [1 + n * 9973 % ((1 << ways) - 1) for n in range(40)]

    async def steps(ctx):
        for state, candidates in product(states(ways), sets):
            ctx.set(dut.tree, state)
            ctx.set(dut.candidates, candidates)
            assert ctx.get(dut.plru) == model(ways, state).victim({n for n in range(ways) if candidates >> n & 1})

    check(dut, steps)


@WAYS
def test_a_drawn_victim_is_the_first_candidate_around(ways: int):
    dut = Logic(ways)
    sets = range(1, 1 << ways) if ways <= 8 else [1 + n * 9973 % ((1 << ways) - 1) for n in range(200)]

    async def steps(ctx):
        for candidates, draw in product(sets, range(ways)):
            ctx.set(dut.candidates, candidates)
            ctx.set(dut.draw, draw | 0xAB50)
            among = [n for n in range(ways) if candidates >> n & 1]
            assert ctx.get(dut.random) == circular(draw | 0xAB50, among, ways)
            assert ctx.get(dut.first) == among[0]

    check(dut, steps)


def test_the_draw_takes_every_value_but_zero():
    dut = Draw()

    async def steps(ctx):
        value, seen = ctx.get(dut.value), set()
        assert value == 1
        for _ in range(1000):
            bit = (value >> 15 ^ value >> 13 ^ value >> 12 ^ value >> 10) & 1
            value = (value << 1 | bit) & 0xFFFF
            await ctx.tick()
            assert ctx.get(dut.value) == value
        # The same steps on, in Python only.
        while value not in seen:
            seen.add(value)
            bit = (value >> 15 ^ value >> 13 ^ value >> 12 ^ value >> 10) & 1
            value = (value << 1 | bit) & 0xFFFF
        assert len(seen) == 0xFFFF

    check(dut, steps)


def test_a_tree_that_is_written_in_the_cycle_of_its_read_is_seen():
    dut = Trees(4, 8)

    async def steps(ctx):
        ctx.set(dut.read_set, 2)
        ctx.set(dut.write_set, 2)
        ctx.set(dut.write_tree, 0x55)
        ctx.set(dut.write, 1)
        await ctx.tick()
        assert ctx.get(dut.tree) == 0x55
        ctx.set(dut.write_set, 3)
        ctx.set(dut.write_tree, 0x2A)
        await ctx.tick()
        assert ctx.get(dut.tree) == 0x55

    check(dut, steps)
