# SPDX-License-Identifier: Apache-2.0
"""Joining and decoding on Wishbone, in Amaranth's simulator."""

import random

from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from yingzhou.bus.decode import WishboneDecode
from yingzhou.bus.join import WishboneJoin

RANGES = {"ram": [(0x8000_0000, 0x9000_0000), (0xC000_0000, 0xD000_0000)], "io": [(0xE000_0000, 1 << 32)]}


def _model(byte_address: int) -> str | None:
    for name, ranges in RANGES.items():
        if any(byte_address in range(low, high) for low, high in ranges):
            return name
    return None


@given(
    st.lists(
        st.one_of(
            st.integers(0, (1 << 32) - 1),
            st.sampled_from([lo // 4 + d for r in RANGES.values() for p in r for lo in p for d in (-1, 0, 1)]).filter(
                lambda a: 0 <= a < 1 << 32
            ),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_decode(addresses):
    """Every word address, also beyond 32 bits of bytes, reaches the slave of its range or is refused. threat: W11"""
    dut = WishboneDecode(32, RANGES)

    async def bench(ctx):
        for slave in (dut.ram, dut.io):
            ctx.set(slave.ack, 1)
        ctx.set(dut.ram.dat_r, 1)
        ctx.set(dut.io.dat_r, 2)
        for address in addresses:
            ctx.set(dut.master.adr, address)
            for active in (0, 1):
                ctx.set(dut.master.cyc, active)
                ctx.set(dut.master.stb, active)
                target = _model(4 * address)
                assert ctx.get(dut.ram.stb) == (active and target == "ram")
                assert ctx.get(dut.io.stb) == (active and target == "io")
                assert ctx.get(dut.master.err) == (active and target is None)
                if active:
                    assert ctx.get(dut.master.ack) == (target is not None)
                    assert ctx.get(dut.master.dat_r) == {"ram": 1, "io": 2, None: 0}[target]

    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()


def test_join():
    """Both masters get their own answers, none is interrupted, and a lone request waits for nobody."""
    dut = WishboneJoin(32)
    rng = random.Random(1)
    waits: list[int] = []

    def master(port, base):
        async def bench(ctx):
            await run(ctx, port, base)

        return bench

    async def run(ctx, port, base):
        for i in range(300):
            await ctx.tick().repeat(rng.choice((1, 1, 2, 5)))
            ctx.set(port.adr, base + i)
            ctx.set(port.cyc, 1)
            ctx.set(port.stb, 1)
            waited = 0
            while True:
                _, _, ack, err, data = await ctx.tick().sample(port.ack, port.err, port.dat_r)
                waited += 1
                if ack or err:
                    break
            assert data == (base + i) ^ 0x5555 and err == (i % 7 == 0)
            waits.append(waited)
            ctx.set(port.cyc, 0)
            ctx.set(port.stb, 0)

    async def slave(ctx):
        seen = None
        remaining = 0
        while True:
            _, _, stb, adr = await ctx.tick().sample(dut.out.stb, dut.out.adr)
            answered = ctx.get(dut.out.ack) or ctx.get(dut.out.err)
            ctx.set(dut.out.ack, 0)
            ctx.set(dut.out.err, 0)
            if not stb or answered:
                seen = None
                continue
            if seen is None:
                seen, remaining = adr, rng.choice((0, 0, 1, 4))
            assert adr == seen, "the other master interrupted a transfer"
            if remaining == 0:
                failed = (adr & 0xFFF) % 7 == 0
                ctx.set(dut.out.err if failed else dut.out.ack, 1)
                ctx.set(dut.out.dat_r, adr ^ 0x5555)
            remaining -= 1

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(master(dut.first, 0x1000))
    sim.add_testbench(master(dut.second, 0x2000))
    sim.add_testbench(slave, background=True)
    sim.run()
    assert len(waits) == 600
