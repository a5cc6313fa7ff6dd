# SPDX-License-Identifier: Apache-2.0
"""WordPort: Wishbone transfers as requests, against a cache that answers when and how the test says."""

import random
from collections import deque

import pytest
from amaranth.sim import Simulator

from yingzhou.llc.config import LlcConfig
from yingzhou.llc.word_port import WordPort

CONFIG = LlcConfig(size_bytes=1024, ways=4, addr_width=20)


class Cache:
    """The other side: keeps lines; answers ``latency()`` cycles after a request, in the cycle after at the least."""

    def __init__(self, user, latency=lambda: 2, ready=lambda: 1, bad=frozenset()):
        self._user, self._latency, self._ready, self._bad = user, latency, ready, bad
        self.lines: dict[int, int] = {}
        self.seen: list[tuple[int, int, int]] = []

    async def run(self, ctx):
        user, due = self._user, deque()
        cycle = 0
        while True:
            ctx.set(user.request.ready, self._ready())
            answers = bool(due) and due[0][0] <= cycle
            ctx.set(user.answer, answers)
            if answers:
                _, error, value = due.popleft()
                ctx.set(user.answer_error, error)
                ctx.set(user.answer_data, value)
            signals = (user.request.valid, user.request.ready, user.request.p)
            _, _, valid, ready, p = await ctx.tick().sample(*signals)
            cycle += 1
            if not (valid and ready):
                continue
            assert not due, "a second request"
            self.seen.append((p.line, p.write, p.strobe))
            old = self.lines.get(p.line, 0)
            if p.write and p.line not in self._bad:
                for byte in range(64):
                    if p.strobe >> byte & 1:
                        old = old & ~(0xFF << 8 * byte) | p.data & 0xFF << 8 * byte
                self.lines[p.line] = old
            error = p.line in self._bad
            due.append((cycle + self._latency() - 1, error, 0 if p.write or error else old))


class Master:
    """Makes transfers one by one."""

    def __init__(self, ctx, bus):
        self._ctx, self._bus = ctx, bus

    async def transfer(self, word: int, data: int | None = None, sel: int = 0xF) -> tuple[bool, int, int]:
        """Return whether it was acknowledged, the data, and cycles up to the answer."""
        ctx, bus = self._ctx, self._bus
        self.offer(word, data, sel)
        for cycles in range(200):
            _, _, ack, err, value = await ctx.tick().sample(bus.ack, bus.err, bus.dat_r)
            if ack or err:
                assert not (ack and err)
                self.stop()
                return bool(ack), value, cycles
        raise AssertionError("no answer")

    def offer(self, word: int, data: int | None = None, sel: int = 0xF) -> None:
        values = {"cyc": 1, "stb": 1, "we": data is not None, "adr": word, "sel": sel, "dat_w": data or 0}
        for name, value in values.items():
            self._ctx.set(getattr(self._bus, name), value)

    def stop(self) -> None:
        self._ctx.set(self._bus.cyc, 0)
        self._ctx.set(self._bus.stb, 0)


def simulate(steps, *, writable: bool = True, **cache) -> Cache:
    dut = WordPort(CONFIG, 3, writable)
    other = Cache(dut.user, **cache)

    async def bench(ctx):
        await steps(ctx, Master(ctx, dut.bus), dut)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.add_testbench(other.run, background=True)
    sim.run()
    return other


def test_random_words():
    """Words and bytes of words, at every place of a line, with pauses of every kind."""
    rng = random.Random(1)

    async def steps(ctx, master: Master, dut):
        words: dict[int, int] = {}
        for _ in range(400):
            word, sel = rng.randrange(64), rng.randrange(16)
            if rng.random() < 0.5:
                value = rng.getrandbits(32)
                assert (await master.transfer(word, value, sel))[:2] == (True, 0)
                mask = sum(0xFF << 8 * lane for lane in range(4) if sel >> lane & 1)
                words[word] = words.get(word, 0) & ~mask | value & mask
            else:
                assert (await master.transfer(word, sel=sel))[:2] == (True, words.get(word, 0))
            if rng.random() < 0.3:
                await ctx.tick()

    cache = simulate(steps, latency=lambda: rng.randint(1, 6), ready=lambda: rng.random() < 0.7)
    assert {line for line, *_ in cache.seen} == {0, 1, 2, 3}
    assert all(strobe == 0 for _, write, strobe in cache.seen if not write)


def test_a_hit_takes_three_cycles():
    async def steps(ctx, master: Master, dut):
        await ctx.tick()
        for data in (None, 1):
            assert (await master.transfer(5, data))[2] == 2

    simulate(steps)


def test_an_error_is_err_and_zeros():
    async def steps(ctx, master: Master, dut):
        assert await master.transfer(16, 7) == (False, 0, 2)
        assert await master.transfer(17) == (False, 0, 2)
        assert (await master.transfer(0))[0]

    simulate(steps, bad={1})


def test_a_port_that_may_not_write():
    async def steps(ctx, master: Master, dut):
        assert (await master.transfer(3, 9))[0] is False
        assert (await master.transfer(3))[:2] == (True, 0)

    assert [write for _, write, _ in simulate(steps, writable=False).seen] == [0]


@pytest.mark.parametrize("gone", range(1, 8))
def test_the_answer_to_a_transfer_given_up_is_nobodys(gone: int):
    """The master gives up after its request was taken and offers another word, also in the cycle of the old answer."""

    async def steps(ctx, master: Master, dut):
        assert (await master.transfer(0, 0x11111111))[0]
        assert (await master.transfer(16, 0x22222222))[0]
        master.offer(0)
        for _ in range(gone):
            _, _, ack = await ctx.tick().sample(dut.bus.ack)
            assert not ack
        master.stop()
        await ctx.tick()
        assert (await master.transfer(16))[:2] == (True, 0x22222222)
        assert (await master.transfer(0))[:2] == (True, 0x11111111)

    simulate(steps, latency=lambda: 8)
