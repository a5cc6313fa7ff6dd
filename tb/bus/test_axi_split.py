# SPDX-License-Identifier: Apache-2.0
# amaranth: UnusedElaboratable=no
"""AxiSplit and AxiJoin between random masters and memories; the closed pages.

covers: MMT.META_CLOSED

threat: M22
"""

import random

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.sim import Simulator

from tb.bus.axi_agent import FIXED, INCR, OKAY, SLVERR, WRAP, AxiMaster, AxiMemory, Burst, random_burst
from yingzhou.bus import axi4
from yingzhou.bus.axi_join import AxiJoin
from yingzhou.bus.axi_split import AxiSplit
from yingzhou.errors import ConfigError

WIDTHS = {"addr_width": 40, "data_width": 128, "id_width": 3}
BIT, IDS = 36, 8
MEMORY_BYTES = 1 << 32
CLOSED, CLOSED_BYTES = 0x8000_2000, 0x1801


def split(**parameters) -> AxiSplit:
    return AxiSplit(**WIDTHS, bit=BIT, closed_bytes=CLOSED_BYTES, memory_bytes=MEMORY_BYTES, **parameters)


def set_fill(address: int) -> int:
    return address * 31 + 1 & 0xFF


def clear_fill(address: int) -> int:
    return address * 77 + 5 & 0xFF


def simulate(dut, *, masters: list[AxiMaster], memories: list[AxiMemory], setup=None) -> None:
    sim = Simulator(dut)
    sim.add_clock(1e-6)
    if setup is not None:
        sim.add_testbench(setup)
    for master in masters:
        sim.add_testbench(master.run)
    for memory in memories:
        sim.add_testbench(memory.run, background=True)
    sim.run()


def run_split(bursts: list[Burst], *, closed: bool = True, seed: int = 0, pause: float = 0.0, limit: int = 12, **slave):
    """Run bursts through a split with a memory on each side; return the master and both memories, set first."""
    dut = split(**slave.pop("parameters", {}))
    master = AxiMaster(dut.s_axi, bursts, seed=seed, pause=pause, limit=limit)
    sides = {"set": (dut.set, set_fill), "clear": (dut.clear, clear_fill)}
    memories = [AxiMemory(port, seed=seed + n, fill=fill, **slave) for n, (port, fill) in enumerate(sides.values())]

    async def setup(ctx):
        ctx.set(dut.closed_valid, closed)
        ctx.set(dut.closed_base, CLOSED)

    simulate(dut, masters=[master], memories=memories, setup=setup)
    return master, *memories


def is_closed(burst: Burst) -> bool:
    """Return whether a legal burst touches the closed pages; the bits above memory do not count."""
    pages = range(CLOSED >> 12, CLOSED + CLOSED_BYTES + 0xFFF >> 12)
    return not burst.addr >> BIT & 1 and any(
        (at % MEMORY_BYTES) >> 12 in pages for lane in burst.lanes() for at in lane
    )


def check(bursts: list[Burst], set_memory: AxiMemory, clear_memory: AxiMemory, *, closed: bool) -> int:
    """Each burst went to its side unchanged and in order and was answered from it; refused ones went nowhere."""
    refused = 0
    for side, memory in ((1, set_memory), (0, clear_memory)):
        expected: dict[int, int] = {}
        mine = [b for b in bursts if b.addr >> BIT & 1 == side and not (closed and is_closed(b))]
        for write in (False, True):
            seen = [b for b in memory.seen if b.write == write]
            assert [(b.ident, b.addr, b.length, b.size, b.burst, b.beats) for b in seen] == [
                (b.ident, b.addr, b.length, b.size, b.burst, b.beats) for b in mine if b.write == write
            ]
        events = sorted((b for b in mine if b.write), key=lambda b: b.ended)
        for burst in sorted((b for b in mine if not b.write), key=lambda b: b.begun):
            while events and events[0].ended <= burst.begun:
                events.pop(0).apply(expected)
            for beat in burst.read_bytes():
                for at, value in beat.items():
                    assert value == expected.get(at, (clear_fill, set_fill)[side](at))
            assert all(resp == OKAY for _, resp in burst.answer)
    for burst in bursts:
        if closed and is_closed(burst):
            refused += 1
            assert burst.answer == [(0, SLVERR)] * (1 if burst.write else burst.length + 1)
    return refused


@pytest.mark.parametrize("seed", range(8))
def test_random_traffic(seed: int):
    """Both sides, closed pages among them, pauses everywhere, few identifiers so that they change sides."""
    rng = random.Random(seed)
    bursts = []
    for _ in range(150):
        base = rng.choice([0x8000_1000, 0x8000_1000 | 1 << BIT, 0x8000_2000])
        bursts.append(random_burst(rng, idents=(IDS, 2)[seed % 2], base=base, span=0x3000))
    _, set_memory, clear_memory = run_split(
        bursts,
        closed=seed != 7,
        seed=seed,
        pause=(0.0, 0.3, 0.6)[seed % 3],
        latency=(1, 40),
        interleave=seed % 2 == 0,
        wait_for_data=seed % 4 == 1,
        parameters={"idents": (8, 2)[seed // 4], "depth": (16, 2)[seed // 4], "writes": (8, 2)[seed % 2]},
    )
    refused = check(bursts, set_memory, clear_memory, closed=seed != 7)
    assert refused > 10 or seed == 7


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    "addr, length, closed",
    [
        (CLOSED - 16, 0, False),
        (CLOSED - 0x1000, 255, False),
        (CLOSED, 0, True),
        (CLOSED + CLOSED_BYTES - 1, 0, True),
        (CLOSED + 0x1FFF, 0, True),
        (CLOSED + 0x2000, 0, False),
        (CLOSED | 1 << BIT, 3, False),
        (CLOSED | 1 << 34, 3, True),
        (CLOSED | 1 << 38, 3, True),
        (CLOSED | 1 << 31, 3, True),
        (CLOSED & ~(1 << 31), 3, False),
    ],
)
def test_closed_pages(write: bool, addr: int, length: int, closed: bool):
    """First and last byte, neighbours, and addresses that a controller may take for the same memory.

    covers: MMT.META_CLOSED
    """
    beats = [(7, 0xFFFF)] * (length + 1) if write else []
    burst = Burst(write=write, ident=3, addr=addr, length=length, beats=beats)
    after = Burst(write=False, ident=3, addr=0x8000_0000, length=0)
    _, set_memory, clear_memory = run_split([burst, after], limit=1)
    gone = [b for b in set_memory.seen + clear_memory.seen if b is not None and b.addr == addr and b.write == write]
    assert len(gone) == (not closed)
    assert {resp for _, resp in burst.answer} == {SLVERR if closed else OKAY}
    assert after.answer[0][1] == OKAY


@pytest.mark.parametrize(
    "burst, addr, length, size, forbidden",
    [
        (INCR, CLOSED - 16, 1, 4, True),
        (INCR, CLOSED - 16, 0, 4, False),
        (INCR, CLOSED - 1, 1, 0, True),
        (INCR, CLOSED - 9, 0, 4, False),
        (INCR, CLOSED - 0x1000 + 16, 255, 4, True),
        (WRAP, CLOSED - 16, 3, 4, False),
        (WRAP, CLOSED - 16, 4, 4, True),
        (FIXED, CLOSED - 16, 15, 4, False),
        (3, CLOSED - 0x1000, 0, 4, True),
        (INCR, CLOSED - 0x1000, 0, 5, True),
    ],
)
@pytest.mark.parametrize("write", [False, True])
def test_a_burst_cannot_run_into_the_closed_pages(burst, addr, length, size, forbidden, write):
    """Bursts that AXI4 forbids do not get past the look at the first address.

    covers: MMT.META_CLOSED
    """
    beats = [(7, 0xFFFF)] * (length + 1) if write else []
    tried = Burst(write=write, ident=1, addr=addr, length=length, size=size, burst=burst, beats=beats)
    _, _, clear_memory = run_split([tried], closed=False)
    assert {resp for _, resp in tried.answer} == {SLVERR if forbidden else OKAY}
    assert len(tried.answer) == (1 if write else length + 1)
    assert bool(clear_memory.seen) != forbidden


def test_refusals_are_reported():
    """A pulse for each refused burst."""
    dut = split()
    bursts = [Burst(write=False, ident=0, addr=CLOSED, length=3) for _ in range(3)]
    bursts += [Burst(write=True, ident=1, addr=CLOSED, length=1, beats=[(0, 0)] * 2) for _ in range(2)]
    bursts += [Burst(write=False, ident=2, addr=CLOSED | 1 << BIT, length=0)]
    master = AxiMaster(dut.s_axi, bursts, limit=1)
    pulses = []

    async def watch(ctx):
        ctx.set(dut.closed_valid, 1)
        ctx.set(dut.closed_base, CLOSED)
        async for _, _, refused in ctx.tick().sample(dut.refused):
            pulses.append(refused)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(watch, background=True)
    sim.add_testbench(master.run)
    for port in (dut.set, dut.clear):
        sim.add_testbench(AxiMemory(port).run, background=True)
    sim.run()
    assert pulses.count(1) == 5


def test_closing_does_not_turn_an_offered_burst():
    """A burst already offered to memory stays there until it is accepted (A3.2.1); the next is refused."""
    dut = split()
    sim = Simulator(dut)
    sim.add_clock(1e-6)

    async def bench(ctx):
        ctx.set(dut.closed_base, CLOSED)
        ctx.set(dut.s_axi.araddr, CLOSED)
        ctx.set(dut.s_axi.arvalid, 1)
        ctx.set(dut.s_axi.arid, 1)
        ctx.set(dut.s_axi.arsize, 4)
        ctx.set(dut.s_axi.arburst, INCR)
        assert ctx.get(dut.clear.arvalid)
        await ctx.tick()
        ctx.set(dut.closed_valid, 1)
        for _ in range(3):
            await ctx.tick()
            assert ctx.get(dut.clear.arvalid) and not ctx.get(dut.refused)
        ctx.set(dut.clear.arready, 1)
        await ctx.tick()
        ctx.set(dut.s_axi.arid, 2)
        assert not ctx.get(dut.clear.arvalid) and ctx.get(dut.refused)

    sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize("side", [0, 1])
def test_split_adds_no_cycle(side: int):
    """Streams of reads and writes run at a beat a cycle through either side."""
    at = 0x8000_0000 | side << BIT
    reads = [Burst(write=False, ident=0, addr=at + 64 * n, length=3) for n in range(12)]
    writes = [Burst(write=True, ident=0, addr=at + 0x1000 + 64 * n, length=3, beats=[(n, 1)] * 4) for n in range(12)]
    master, *memories = run_split(reads + writes, limit=100)
    memory = memories[1 - side]
    assert reads[0].accepted == next(b.accepted for b in memory.seen if not b.write) == 1
    beats = master.beat_cycles
    assert beats == list(range(beats[0], beats[0] + 48))
    ended = [w.ended for w in writes]
    assert ended == list(range(ended[0], ended[0] + 48, 4))


class Joined(wiring.Component):
    """A join alone, with the ports that the agents want."""

    def __init__(self):
        master = axi4.Signature(40, 128, 3)
        super().__init__({"first": In(master), "second": In(master), "m_axi": Out(axi4.Signature(40, 128, 4))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.join = join = AxiJoin(**WIDTHS)
        connect(m, flipped(self.first), join.first)
        connect(m, flipped(self.second), join.second)
        connect(m, join.m_axi, flipped(self.m_axi))
        return m


@pytest.mark.parametrize("seed", range(6))
def test_join(seed: int):
    """Two masters, each in its own part of one memory; identifiers of both overlap."""
    rng = random.Random(seed)
    dut = Joined()
    sides = []
    for n, port in enumerate((dut.first, dut.second)):
        bursts = [random_burst(rng, idents=IDS, base=0x8000_0000 + (n << 20), span=0x2000) for _ in range(80)]
        sides.append(AxiMaster(port, bursts, seed=seed + n, pause=(0.0, 0.5, 0.2)[seed % 3]))
    memory = AxiMemory(
        dut.m_axi,
        seed=seed,
        pause=(0.3, 0.0)[seed % 2],
        latency=(1, 40),
        interleave=seed % 2 == 0,
        wait_for_data=seed % 3 == 1,
        fill=set_fill,
    )
    simulate(dut, masters=sides, memories=[memory])
    expected: dict[int, int] = {}
    for n, side in enumerate(sides):
        events = sorted((b for b in side.bursts if b.write), key=lambda b: b.ended)
        for burst in sorted((b for b in side.bursts if not b.write), key=lambda b: b.begun):
            while events and events[0].ended <= burst.begun:
                events.pop(0).apply(expected)
            for beat in burst.read_bytes():
                for at, value in beat.items():
                    assert value == expected.get(at, set_fill(at))
        for burst in events:
            burst.apply(expected)
        for write in (False, True):
            seen = [(b.ident, b.addr, b.beats) for b in memory.seen if b.write == write and b.ident >> 3 == n]
            mine = [(b.ident | n << 3, b.addr, b.beats) for b in side.bursts if b.write == write]
            assert seen == mine
    assert memory.memory == expected


def test_join_takes_turns():
    """Two masters that never pause get half of the beats each, without a gap."""
    dut = Joined()
    sides = []
    for n, port in enumerate((dut.first, dut.second)):
        bursts = [Burst(write=False, ident=0, addr=0x1000 * (n + 1) + 64 * k, length=3) for k in range(20)]
        bursts += [
            Burst(write=True, ident=0, addr=0x4000 * (n + 1) + 64 * k, length=3, beats=[(k, 1)] * 4) for k in range(20)
        ]
        sides.append(AxiMaster(port, bursts, limit=100))
    memory = AxiMemory(dut.m_axi)
    simulate(dut, masters=sides, memories=[memory])
    for write in (False, True):
        seen = [b for b in memory.seen if b.write == write]
        assert [b.ident >> 3 for b in seen] in ([0, 1] * 20, [1, 0] * 20)
    beats = sorted(sides[0].beat_cycles + sides[1].beat_cycles)
    assert beats == list(range(beats[0], beats[0] + 160))
    ended = sorted(b.ended for side in sides for b in side.bursts if b.write)
    assert ended == list(range(ended[0], ended[0] + 160, 4))


def test_join_does_not_wait_for_beats_that_are_not_there():
    """A master that holds back its data does not keep the other from writing."""
    dut = Joined()
    other = AxiMaster(dut.second, [Burst(write=True, ident=0, addr=64 * k, length=0, beats=[(k, 1)]) for k in range(5)])
    memory = AxiMemory(dut.m_axi)

    async def address_only(ctx):
        ctx.set(dut.first.awvalid, 1)
        ctx.set(dut.first.awlen, 3)

    simulate(dut, masters=[other], memories=[memory], setup=address_only)
    assert all(b.answer == [(0, OKAY)] for b in other.bursts)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"bit": 11}, "bit is 11; accepted are 12 to 39"),
        ({"bit": 40}, "bit is 40; accepted are 12 to 39"),
        ({"bit": 36, "memory_bytes": 1 << 37}, f"memory_bytes is {1 << 37}; accepted are powers of two from 4096"),
        ({"bit": 20, "closed_bytes": 1 << 21}, f"closed_bytes is {1 << 21}; accepted are 0 to {1 << 20}"),
        ({"bit": 36, "depth": 3}, "depth is 3; accepted are powers of two from 2"),
        ({"bit": 36, "idents": 0}, "idents is 0; accepted are 1 and more"),
    ],
)
def test_parameters_are_checked(parameters: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        AxiSplit(**WIDTHS, **parameters)
