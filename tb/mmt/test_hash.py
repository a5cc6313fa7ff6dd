# SPDX-License-Identifier: Apache-2.0
"""The hash unit in the Amaranth simulator against polynomials on integers."""

from random import Random

import pytest
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from tb.mmt.crypto_reference import line_hash, multiply
from yingzhou.mmt.hash import HashUnit

WORD = (1 << 64) - 1
LINE = (1 << 512) - 1


def beats_of(lines: list[tuple[int, bool]], gaps: Random | None = None) -> list[tuple[int, int, bool] | None]:
    """Return what happens in each cycle: a beat (index, data, node) or nothing."""
    cycles = []
    for value, node in lines:
        for index in range(4):
            while gaps is not None and gaps.random() < 0.4:
                cycles.append(None)
            cycles.append((index, value >> 128 * index & (1 << 128) - 1, node))
    return cycles


def run(keys: list[int], cycles: list, through_test: bool = False) -> list[tuple[int, int]]:
    """Drive the unit, at its user's ports or at the self-test's; return (cycle, value) of every ``done`` pulse."""
    unit = HashUnit()
    answers = []

    async def bench(ctx):
        ctx.set(unit.keys, keys)
        here, there = (unit.test.beats, unit) if through_test else (unit, unit.test.beats)
        ctx.set(unit.test.active, through_test)
        ctx.set(there.valid, 1)  # what the port that is not chosen says must not matter
        ctx.set(there.data, 0x1234)
        ctx.set(there.index, 3)
        for cycle, beat in enumerate([*cycles, *[None] * 6]):
            ctx.set(here.valid, beat is not None)
            if beat is not None:
                ctx.set(here.index, beat[0])
                ctx.set(here.data, beat[1])
                ctx.set(here.node, beat[2])
            assert not ctx.get(there.done)
            if ctx.get(here.done):
                answers.append((cycle, ctx.get(here.value)))
            else:
                assert ctx.get(unit.value) == 0
            await ctx.tick()

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return answers


def expected(keys: list[int], lines: list[tuple[int, bool]], cycles: list) -> list[tuple[int, int]]:
    """Return what :func:`run` must: one value a line, the fixed latency after its beat 3."""
    ends = [cycle for cycle, beat in enumerate(cycles) if beat is not None and beat[0] == 3]
    values = [line_hash(value, keys, node) for value, node in lines]
    return [(end + HashUnit.LATENCY, value) for end, value in zip(ends, values, strict=True)]


def test_reference_field():
    """The reference itself: x^63 * x is the low part of the polynomial, and multiplication distributes."""
    assert multiply(1 << 63, 2) == 0b11011
    assert multiply(WORD, 1) == WORD
    rng = Random(1)
    for _ in range(20):
        a, b, c = (rng.getrandbits(64) for _ in range(3))
        assert multiply(a, b ^ c) == multiply(a, b) ^ multiply(a, c) == multiply(b, a) ^ multiply(c, a)
        assert multiply(multiply(a, b), c) == multiply(a, multiply(b, c))


@pytest.mark.parametrize("through_test", [False, True], ids=["user", "self-test"])
def test_back_to_back(through_test: bool):
    """Lines and nodes without a gap: a value every four cycles, each right."""
    rng = Random(2)
    keys = [rng.getrandbits(64) for _ in range(8)]
    lines = [(rng.getrandbits(512), rng.random() < 0.5) for _ in range(20)]
    cycles = beats_of(lines)
    answers = run(keys, cycles, through_test)
    assert answers == expected(keys, lines, cycles)
    assert [later - earlier for (earlier, _), (later, _) in zip(answers, answers[1:], strict=False)] == [4] * 19


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.regress), 5])
def test_every_bit_reaches_the_hash(step: int):
    """One bit at a time: word, key and word 7 of nodes. ``step``: every how many bits."""
    rng = Random(3)
    keys = [rng.getrandbits(64) | 1 for _ in range(8)]
    lines = [
        (1 << bit, node) for bit in range(0, 512, step) for node in ((False, True) if bit >= 384 else (bit % 2 == 1,))
    ]
    answers = run(keys, beats_of(lines))
    for (value, node), (_, answer) in zip(lines, answers, strict=True):
        assert answer == line_hash(value, keys, node)
        assert (answer == 0) == (node and value >> 448 != 0)


@settings(max_examples=max(3, settings().max_examples // 16))  # each is a simulation of its own
@given(
    key_bits=st.integers(0, LINE),
    lines=st.lists(st.tuples(st.integers(0, LINE) | st.sampled_from([0, LINE]), st.booleans()), min_size=1, max_size=5),
    gap_seed=st.integers(0, 1 << 32),
)
def test_any_line(key_bits: int, lines: list[tuple[int, bool]], gap_seed: int):
    """Any keys, content and gaps."""
    keys = [key_bits >> 64 * number & WORD for number in range(8)]
    cycles = beats_of(lines, Random(gap_seed))
    assert run(keys, cycles) == expected(keys, lines, cycles)
