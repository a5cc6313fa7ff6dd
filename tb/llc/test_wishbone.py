# SPDX-License-Identifier: Apache-2.0
"""The cache behind two Wishbone ports, over an AXI4 memory."""

import random

from amaranth.sim import Simulator

from tb.bus.axi_agent import AxiMemory
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.signature import Op, Scope
from yingzhou.llc.wishbone_llc import WishboneLlc
from yingzhou.regs import load
from yingzhou.regs.compile import registers_of

from .test_word_port import Master

CONFIG = LlcConfig(size_bytes=2 * 4 * 64, ways=4, mshrs=2, domains=1, addr_width=20, id_width=1)
OFFSET = {path: offset for path, offset, _ in registers_of(load("llc", DOMAINS=1))}
WORDS = 24 * 16
"""Words of 24 lines, three times what the cache holds."""


def fill(address: int) -> int:
    return (address * 0x9E3779B1 >> 7) & 0xFF


def word_at(memory: AxiMemory, word: int) -> int:
    return sum(memory.byte(4 * word + n) << 8 * n for n in range(4))


def test_words_of_two_ports():
    """Loads of both ports see the stores of one, and FLUSH brings everything to memory."""
    dut = WishboneLlc(CONFIG)
    memory = AxiMemory(dut.mem, seed=1, latency=(4, 20), pause=0.2, fill=fill)
    rng = random.Random(2)
    words: dict[int, int] = {}
    busy = set()
    done = []

    def expected(word: int) -> int:
        return words.get(word, sum(fill(4 * word + n) << 8 * n for n in range(4)))

    async def data(ctx):
        master = Master(ctx, dut.data)
        for _ in range(160):
            word, sel = rng.randrange(WORDS), rng.randrange(1, 16)
            if rng.random() < 0.5:
                value, mask = rng.getrandbits(32), sum(0xFF << 8 * lane for lane in range(4) if sel >> lane & 1)
                busy.add(word)
                assert (await master.transfer(word, value, sel))[:2] == (True, 0)
                words[word] = expected(word) & ~mask | value & mask
                busy.discard(word)
            else:
                assert (await master.transfer(word))[:2] == (True, expected(word))
        done.append(True)

    async def instr(ctx):
        master, choice = Master(ctx, dut.instr), random.Random(3)
        while not done:
            word = choice.randrange(WORDS)
            before, racing = expected(word), word in busy
            ok, value, _ = await master.transfer(word)
            # A store to the word that was under way at any time of the fetch may be in it or not.
            assert ok and (value in (before, expected(word)) or racing or word in busy)
        await operate(ctx)

    async def operate(ctx):
        bus = dut.bus

        async def access(name: str, value: int | None = None) -> int:
            ctx.set(bus.addr, OFFSET[name])
            ctx.set(bus.r_stb if value is None else bus.w_stb, 1)
            ctx.set(bus.w_data, value or 0)
            ctx.set(bus.w_mask, 0xF)
            _, _, err, data = await ctx.tick().sample(bus.err, bus.r_data)
            ctx.set(bus.r_stb, 0)
            ctx.set(bus.w_stb, 0)
            assert not err
            return data

        assert await access("counts.miss") > 20 and await access("counts.hit") > 50
        await access("operation.op", Op.FLUSH.value | Scope.ALL.value << 4)
        while (state := await access("answer.state")) & 1:
            pass
        assert state == 0
        assert {word: word_at(memory, word) for word in words} == words
        assert not ctx.get(dut.irq)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(data)
    sim.add_testbench(instr)
    sim.add_testbench(memory.run, background=True)
    sim.run()
    assert len(words) > 40


def test_a_hit_takes_three_cycles_and_instructions_are_not_written():
    dut = WishboneLlc(CONFIG)
    memory = AxiMemory(dut.mem, fill=fill)

    async def steps(ctx):
        load, fetch = Master(ctx, dut.data), Master(ctx, dut.instr)
        for master in (load, fetch):
            assert (await master.transfer(5))[0]
            for word in (5, 0, 15):
                assert await master.transfer(word) == (True, word_at(memory, word), 2)
        assert await load.transfer(6, 0x1234_5678) == (True, 0, 2)
        assert await fetch.transfer(6) == (True, 0x1234_5678, 2)
        assert (await fetch.transfer(6, 1))[0] is False
        assert await load.transfer(6) == (True, 0x1234_5678, 2)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(steps)
    sim.add_testbench(memory.run, background=True)
    sim.run()
