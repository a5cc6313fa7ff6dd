# SPDX-License-Identifier: Apache-2.0
"""StoreGather before the cache: whole lines are written without a fetch; nobody can tell otherwise but by errors."""

import random

import pytest
from amaranth.sim import Simulator

from tb.bus.axi_agent import AxiMemory
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.wishbone_llc import WishboneLlc

from .test_wishbone import fill, word_at
from .test_word_port import Master

CONFIG = LlcConfig(
    size_bytes=2 * 4 * 64, ways=4, mshrs=2, domains=1, addr_width=20, id_width=1, cacheable=((0, 0x4000),)
)
WORDS = 24 * 16
OUTSIDE = 0x4000 // 4


def simulate(benches, dut, memory, *watchers):
    sim = Simulator(dut)
    sim.add_clock(1e-6)
    for bench in benches:
        sim.add_testbench(bench)
    for watcher in (memory.run, *watchers):
        sim.add_testbench(watcher, background=True)
    sim.run()


async def drain(ctx, dut):
    """What a device access does; returns the lines that were refused meanwhile."""
    failed = []
    ctx.set(dut.drain, 1)
    drained = False
    while not drained:
        _, _, drained, bad, line = await ctx.tick().sample(dut.drained, dut.failed, dut.failed_line)
        failed += [line] if bad else []
    ctx.set(dut.drain, 0)
    return failed


@pytest.mark.parametrize("seed", [1])
def test_runs_of_stores(seed):
    """Runs that begin anywhere, are torn, are loaded from and fetched: both ports see every store that was taken."""
    dut = WishboneLlc(CONFIG, gather=True)
    memory = AxiMemory(dut.mem, seed=seed, latency=(4, 20), pause=0.2, fill=fill)
    rng = random.Random(seed)
    words: dict[int, int] = {}
    busy, done = set(), []

    def expected(word: int) -> int:
        return words.get(word, sum(fill(4 * word + n) << 8 * n for n in range(4)))

    async def store(master, word, sel):
        value, mask = rng.getrandbits(32), sum(0xFF << 8 * lane for lane in range(4) if sel >> lane & 1)
        busy.add(word)
        assert (await master.transfer(word, value, sel))[:2] == (True, 0)
        words[word] = expected(word) & ~mask | value & mask
        busy.discard(word)

    async def data(ctx):
        master = Master(ctx, dut.data)
        for _ in range(30):
            begin = rng.randrange(WORDS // 16) * 16 + rng.choice((0, 0, 0, 1, 9))
            for word in range(begin, min(begin + rng.choice((1, 5, 16, 16, 20)), WORDS)):
                await store(master, word, 0xF if rng.random() < 0.97 else rng.randrange(16))
                if rng.random() < 0.06:
                    other = rng.choice((begin, word, rng.randrange(WORDS)))
                    assert (await master.transfer(other))[:2] == (True, expected(other))
                if rng.random() < 0.03:
                    assert not await drain(ctx, dut)
        for word in rng.sample(range(WORDS), 40):
            assert (await master.transfer(word))[:2] == (True, expected(word))
        done.append(True)

    async def instr(ctx):
        master, choice = Master(ctx, dut.instr), random.Random(seed + 10)
        while not done:
            word = choice.choice([*list(words)[-3:], choice.randrange(WORDS)])
            before, racing = expected(word), word in busy
            ok, value, _ = await master.transfer(word)
            assert ok and (value in (before, expected(word)) or racing or word in busy)

    simulate([data, instr], dut, memory)


def test_whole_lines_are_not_fetched():
    """Memory that answers errors can be overwritten by whole lines, and by nothing less."""
    dut = WishboneLlc(CONFIG, gather=True)
    memory = AxiMemory(dut.mem, fill=fill)

    async def steps(ctx):
        master = Master(ctx, dut.data)

        async def run(first, count):
            for n in range(count):
                assert (await master.transfer(first + n, n))[0]
            return await drain(ctx, dut)

        assert await run(0, 16) == [] and await run(32, 32) == []
        # Not a whole line: fetched, and what is not memory is refused, where the store is posted later.
        assert await run(OUTSIDE, 16) == [OUTSIDE // 16] and await run(OUTSIDE + 16, 15) == [OUTSIDE // 16 + 1]
        assert not (await master.transfer(OUTSIDE + 1, 5))[0]
        assert not (await master.transfer(OUTSIDE))[0]
        for word, value in ((0, 0), (15, 15), (32, 0), (63, 31)):
            assert await master.transfer(word) == (True, value, 2)

    counted = []

    async def count(ctx):
        async for _, _, ready in ctx.tick().sample(dut.mem.arvalid & dut.mem.arready):
            counted.append(ready)

    simulate([steps], dut, memory, count)
    assert sum(counted) == 0 and word_at(memory, 0) != 0


def test_part_of_a_line_is_fetched_and_a_load_waits():
    """A load from the line that is gathered sees it; another line's does not disturb it."""
    dut = WishboneLlc(CONFIG, gather=True)
    memory = AxiMemory(dut.mem, fill=fill)

    async def steps(ctx):
        master, fetch = Master(ctx, dut.data), Master(ctx, dut.instr)
        assert (await master.transfer(20))[0]
        for n in range(3):
            assert await master.transfer(n, 100 + n) == (True, 0, 0)
        assert await master.transfer(20) == (True, word_at(memory, 20), 2)
        assert await master.transfer(3, 103) == (True, 0, 0)
        assert (await fetch.transfer(2))[:2] == (True, 102)
        assert (await master.transfer(4))[:2] == (True, word_at(memory, 4))
        assert await master.transfer(16, 7) == (True, 0, 0)
        assert (await master.transfer(16, 0x55, 1))[:2] == (True, 0)
        assert await master.transfer(16) == (True, 0x55, 2)

    simulate([steps], dut, memory)
