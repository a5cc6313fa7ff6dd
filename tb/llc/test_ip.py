# SPDX-License-Identifier: Apache-2.0
"""The block for other systems, whole: any AXI4 bursts in, lines out, operations by AXI4-Lite beside them."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import batched
from types import SimpleNamespace

import pytest
from amaranth.sim import Simulator

from tb.bus.axi_agent import FIXED, INCR, LINE, OKAY, SLVERR, WRAP, AxiMaster, AxiMemory, Burst, random_burst
from yingzhou.llc.axi_port import reads_of, tag_bits_of
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.ip import LlcIp
from yingzhou.llc.signature import Op, Result, Scope
from yingzhou.regs import load
from yingzhou.regs.compile import registers_of

CONFIG = LlcConfig(size_bytes=8 * 4 * 64, ways=4, mshrs=4, domains=2, addr_width=32, id_width=3)
WINDOWS = LlcConfig(size_bytes=2048, ways=4, domains=2, id_width=3, cacheable=((0x8000_0000, 0x8000_8000),))
OFFSET = {path: offset for path, offset, _ in registers_of(load("llc", DOMAINS=2))}
BASE = 0x8000_0000


def flat(dut: LlcIp, prefix: str) -> SimpleNamespace:
    """Return the ports of one interface by their names without prefix."""
    names = [name for name in dut.signature.members if name.startswith(prefix + "_")]
    return SimpleNamespace(**{name.removeprefix(prefix + "_"): getattr(dut, name) for name in names})


class Registers:
    """Reads and writes by register name through AXI4-Lite."""

    def __init__(self, ctx, axi):
        self._ctx, self._axi = ctx, axi

    async def write(self, name: str, value: int) -> bool:
        ctx, axi = self._ctx, self._axi
        for member, driven in (("awaddr", OFFSET[name]), ("wdata", value), ("wstrb", 0xF), ("bready", 1)):
            ctx.set(getattr(axi, member), driven)
        ctx.set(axi.awvalid, 1)
        ctx.set(axi.wvalid, 1)
        await ctx.tick()
        ctx.set(axi.awvalid, 0)
        ctx.set(axi.wvalid, 0)
        (resp,) = await ctx.tick().sample(axi.bresp).until(axi.bvalid)
        return resp == OKAY

    async def read(self, name: str) -> int:
        ctx, axi = self._ctx, self._axi
        ctx.set(axi.araddr, OFFSET[name])
        ctx.set(axi.rready, 1)
        ctx.set(axi.arvalid, 1)
        await ctx.tick()
        ctx.set(axi.arvalid, 0)
        data, resp = await ctx.tick().sample(axi.rdata, axi.rresp).until(axi.rvalid)
        assert resp == OKAY
        return data

    async def operate(self, op: Op, address: int = 0, scope: Scope = Scope.LINE, domain: int = 1) -> Result:
        assert await self.write("operation.address_lo", address)
        assert await self.write("operation.domain", domain)
        assert await self.write("operation.op", op.value | scope.value << 4)
        for _ in range(3000):
            state = await self.read("answer.state")
            if not state & 1:
                return Result(state >> 4 & 15)
        raise AssertionError(f"{op} does not end")


def fill(address: int) -> int:
    """Content of a byte never written."""
    return (address * 0x9E3779B1 >> 7) & 0xFF


def run(
    bursts: list[Burst],
    beside=None,
    after=None,
    *,
    before: Sequence[Burst] = (),
    order: list[int] | None = None,
    config=CONFIG,
    master=None,
    memory=None,
):
    """Play bursts, ``beside`` at the same time and ``after`` then; return the agents and the cache's interrupt.

    ``before`` : bursts that are played first, one at a time. ``order`` : is given the identifiers of all beats read.
    """
    dut = LlcIp(config)
    agent = AxiMaster(flat(dut, "s_axi"), bursts, **(master or {}))
    slave = AxiMemory(flat(dut, "m_axi"), **(memory or {}))
    irq = []

    async def main(ctx):
        if before:
            await AxiMaster(flat(dut, "s_axi"), list(before), limit=1).run(ctx)
        await agent.run(ctx)
        if after is not None:
            await after(Registers(ctx, flat(dut, "s_axil")))
        irq.append(ctx.get(dut.irq))

    async def aside(ctx):
        assert beside is not None
        await beside(Registers(ctx, flat(dut, "s_axil")))

    async def watch(ctx):
        port = flat(dut, "s_axi")
        async for _, _, valid, ready, ident in ctx.tick().sample(port.rvalid, port.rready, port.rid):
            if valid and ready and order is not None:
                order.append(ident)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(main)
    sim.add_testbench(watch, background=True)
    if beside is not None:
        sim.add_testbench(aside)
    sim.add_testbench(slave.run, background=True)
    sim.run()
    return agent, slave, irq[0]


def check_data(bursts: list[Burst]) -> dict[int, int]:
    """Every byte read is what the writes answered before it began left there; return what all of them leave."""
    memory: dict[int, int] = {}
    events = sorted([(b.ended, b) for b in bursts if b.write], key=lambda event: event[0])
    for burst in sorted((b for b in bursts if not b.write), key=lambda b: b.begun):
        while events and events[0][0] <= burst.begun:
            events.pop(0)[1].apply(memory)
        for n, beat in enumerate(burst.read_bytes()):
            for at, value in beat.items():
                assert value == memory.get(at, fill(at)), f"beat {n} of {burst}"
    for _, burst in events:
        burst.apply(memory)
    return memory


async def flush_all(registers: Registers) -> None:
    assert await registers.operate(Op.UNLOCK, scope=Scope.ALL, domain=1) is Result.DONE
    assert await registers.operate(Op.FLUSH, scope=Scope.ALL, domain=0) is Result.DONE


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.regress) for seed in range(1, 8))])
def test_random_bursts_beside_operations(seed: int):
    """Reads see earlier writes whatever is locked and flushed beside them; a flush brings everything to memory."""
    rng = random.Random(seed)
    results: set[Result] = set()

    async def operations(registers: Registers):
        assert await registers.write("domain[1].quota", 12)
        results.add(await registers.operate(Op.LOCK, BASE, domain=2))  # It has no quota.
        for op in (Op.LOCK, Op.LOCK, Op.UNLOCK, Op.CLEAN, Op.FLUSH, Op.UNLOCK, Op.STATUS) * 4:
            address = BASE + rng.choice((0, 0x4000)) + rng.randrange(4) * LINE
            results.add(await registers.operate(op, address, domain=rng.choice((1, 1, 2))))

    # Few sets: bursts fall on four pages of eight sets.
    bases = (BASE, BASE + 0x4000)
    bursts = [random_burst(rng, idents=8, base=rng.choice(bases), span=0x600) for _ in range(60)]
    pause = (0.0, 0.3)[seed % 2]
    memory = {"seed": seed, "pause": pause, "latency": (1, 30), "fill": fill}
    _, slave, irq = run(
        bursts, operations, flush_all, master={"seed": seed, "pause": pause, "limit": 12}, memory=memory
    )
    kept = check_data(bursts)
    assert {at: slave.byte(at) for at in kept} == kept
    assert not irq and all(resp == OKAY for burst in bursts for _, resp in burst.answer)
    assert {burst.burst for burst in bursts} == {FIXED, INCR, WRAP}
    assert Result.DONE in results and len(results) >= 3
    for burst in slave.seen:
        assert (burst.addr % LINE, burst.length, burst.size, burst.burst) == (0, 3, 4, INCR)


def lines(count: int, write: bool, first: int = BASE, ident: int = 0) -> list[Burst]:
    """Return bursts of one line each."""
    beats = [(n * 0x0102_0304 + 5, 0xFFFF) for n in range(4)] if write else []
    return [Burst(write=write, ident=ident, addr=first + n * LINE, length=3, beats=list(beats)) for n in range(count)]


def test_latency_and_bandwidth_of_hits():
    """A hit: 6 cycles from AR to the first beat, the data in line; then a beat a cycle, for reads and for writes."""
    warm, again, writes = lines(8, False), lines(8, False), lines(16, True)
    first = Burst(write=False, ident=1, addr=BASE + 0x40, length=0)
    agent, slave, _ = run([*warm, first, *again], master={"limit": 1})
    assert [burst.addr for burst in slave.seen] == [burst.addr for burst in warm]
    assert first.ended - first.accepted == 6
    agent, _, _ = run([*lines(8, False), *lines(8, False)], master={"limit": 8}, memory={"latency": (1, 1)})
    beats = agent.beat_cycles[-24:]
    assert beats[-1] - beats[0] == 23, "a beat a cycle"
    agent, slave, _ = run(writes, master={"limit": 8})
    span = max(b.ended for b in writes) - min(b.accepted for b in writes)
    assert span < 16 * 4 + 16
    assert slave.seen == [], "whole lines are written without a fetch"


def test_misses_overlap():
    """As many as there are MSHRs are at memory at once; the last of them waits no longer than one and its beats."""
    bursts = lines(4, False)
    _, slave, _ = run(bursts, master={"limit": 8}, memory={"latency": (60, 60)})
    asked = [burst.accepted for burst in slave.seen]
    assert len(asked) == 4 and asked[-1] - asked[0] <= 6
    assert max(b.ended for b in bursts) - min(b.accepted for b in bursts) < 60 + 4 * 4 + 24


def one_beat(line: int, ident: int) -> Burst:
    """Return a read of the first beat of line ``line``."""
    return Burst(write=False, ident=ident, addr=BASE + line * LINE, length=0)


SLOW = {"latency": (60, 60), "fill": fill}
WIDE = replace(CONFIG, size_bytes=16 * 4 * 64, mshrs=16, id_width=6)
"""As many misses as there may be; 16 sets."""


def test_hits_of_other_identifiers_pass_misses():
    """A hit takes its 6 cycles while misses that came before it wait for memory."""
    misses = [one_beat(8 + n, ident) for n, ident in enumerate((0, 1, 0))]
    hits = [one_beat(n, 2 + n) for n in range(3)]
    _, slave, _ = run([*misses, *hits], before=lines(3, False), memory=SLOW)
    check_data([*misses, *hits])
    assert [b.accepted - misses[0].accepted for b in (*misses, *hits)] == list(range(6))
    assert hits[0].ended - hits[0].accepted == 6
    assert [b.ended - hits[0].ended for b in hits] == [0, 1, 2]
    fetched = slave.seen[-3:]
    assert [burst.addr for burst in fetched] == [burst.addr for burst in misses]
    assert all(b.ended - b.accepted > 60 for b in misses)


def test_reads_of_one_identifier_stay_in_order():
    """A hit behind a miss of its own identifier waits for it, and follows it without a pause; others pass both."""
    miss, hit, other, again = one_beat(8, 5), one_beat(0, 5), one_beat(1, 6), one_beat(2, 5)
    bursts = [miss, hit, other, again]
    run(bursts, before=lines(3, False), memory=SLOW)
    check_data(bursts)
    assert other.ended - other.accepted == 6
    assert miss.ended - miss.accepted > 60
    assert (hit.ended, again.ended) == (miss.ended + 1, miss.ended + 2)


@pytest.mark.parametrize(("mshrs", "reads", "tag_bits"), [(2, 8, 3), (4, 8, 3), (8, 16, 4), (16, 32, 5)])
def test_reads_under_way_grow_with_misses(mshrs: int, reads: int, tag_bits: int):
    """Twice as many as misses, at least 8; a tag names each."""
    config = replace(CONFIG, mshrs=mshrs)
    assert (reads_of(config), tag_bits_of(config)) == (reads, tag_bits)


@pytest.mark.parametrize("idents", [1, 64])
def test_all_misses_of_the_cache_pass_through(idents: int):
    """Memory is asked for 16 lines before it has answered one, and hits still pass them."""
    misses = [one_beat(4 + n, n % idents) for n in range(16)]
    hits = [one_beat(n, 60 + n) for n in range(4)]
    bursts = [*misses, *hits]
    _, slave, _ = run(bursts, before=lines(4, False), config=WIDE, master={"limit": 20}, memory=SLOW)
    check_data(bursts)
    asked = [burst.accepted for burst in slave.seen[-16:]]
    assert [burst.addr for burst in slave.seen[-16:]] == [burst.addr for burst in misses]
    assert asked[-1] - asked[0] == 15
    assert max(b.ended for b in hits) < min(b.ended for b in misses)


def test_every_line_has_its_turn():
    """Under a stream of hits nobody is passed by more lines than there are other places; a beat goes out each cycle.

    To them come two that leave before a read has its place, as one address before its own waits for one too, and three
    that are on their way out when it has its turn.
    """
    bursts = [burst for turn in range(4) for burst in lines(60, False)]
    for n, burst in enumerate(bursts):
        burst.ident, burst.addr = n % 60, BASE + n % 16 * LINE
    misses = [one_beat(16 + n, 60 + n) for n in range(4)]
    for n, miss in enumerate(misses):
        bursts.insert(30 + 60 * n, miss)
    config = replace(WIDE, mshrs=4)
    agent, _, _ = run(bursts, before=lines(16, False), config=config, master={"limit": 30}, memory=SLOW)
    check_data(bursts)
    passed = [sum(b.accepted < other.ended < b.ended for other in bursts) for b in bursts if b not in misses]
    assert reads_of(config) == 8
    assert max(passed) <= 2 + (8 - 1) + 3
    assert agent.beat_cycles[-1] - agent.beat_cycles[0] == len(agent.beat_cycles) - 1
    assert all(miss.ended - miss.accepted <= 60 + 4 * (2 + (8 - 1) + 3) + 12 for miss in misses)


@pytest.mark.parametrize("pause", [0.0, 0.4])
def test_identifiers_interleave_between_lines_only(pause: float):
    """Beats of a line come in a row; between the lines of a burst come those of other identifiers."""
    bursts = [replace(one_beat(4 * n, n), length=15) for n in range(4)]
    present = [one_beat(n, 0) for n in range(16) if n % 4 != 1]
    order: list[int] = []
    memory = {**SLOW, "pause": pause}
    run(bursts, before=present, order=order, config=WIDE, master={"pause": pause}, memory=memory)
    check_data(bursts)
    owners = [set(line) for line in batched(order[len(present) :], 4, strict=True)]
    assert len(owners) == 16 and all(len(idents) == 1 for idents in owners)
    assert owners[:4] != [{0}] * 4, "the first burst lacks its second line"


def test_what_is_not_cacheable_is_refused():
    """SLVERR and zeros, nothing reaches memory, and neighbours are served."""
    inside, outside = BASE + 0x7FC0, BASE + 0x8000
    good = lines(1, True, inside)
    bad = [*lines(1, True, outside), *lines(1, False, outside), *lines(1, False, BASE - LINE), *lines(1, False, 0)]
    _, slave, irq = run([*good, *bad], config=WINDOWS, master={"limit": 1})
    assert all(resp == OKAY for burst in good for _, resp in burst.answer)
    assert all(answer == (0, SLVERR) for burst in bad for answer in burst.answer)
    assert slave.seen == [] and not irq


def test_errors_of_memory():
    """A fetch that fails: SLVERR, not cached. A write-back that fails: recorded, interrupt."""
    wrong = [True]
    bad = BASE + 0x40

    def resp(address: int) -> int:
        return SLVERR if wrong[0] and address // LINE == bad // LINE else OKAY

    reads = [*lines(1, False, bad), *lines(1, False, bad), *lines(1, False)]

    async def after(registers: Registers):
        assert await registers.read("counts.miss") == 3
        assert await registers.operate(Op.LOCK, bad, domain=1) is Result.QUOTA
        assert await registers.write("domain[1].quota", 1)
        assert await registers.operate(Op.LOCK, bad, domain=1) is Result.MEMORY_ERROR
        assert await registers.read("answer.address_lo") == bad
        wrong[0] = False
        assert await registers.operate(Op.LOCK, bad, domain=1) is Result.DONE
        assert await registers.read("domain[1].locked") == 1
        wrong[0] = True
        assert await registers.operate(Op.UNLOCK, bad, domain=1) is Result.MEMORY_ERROR
        assert await registers.read("domain[1].locked") == 1, "the line stays locked"
        assert await registers.read("failure.state") == 0
        assert await registers.operate(Op.DISCARD, bad, domain=1) is Result.DONE
        assert await registers.read("domain[1].locked") == 0

    _, _, irq = run(reads, after=after, master={"limit": 1}, memory={"fill": fill, "resp": resp})
    assert all(answer == (0, SLVERR) for burst in reads[:2] for answer in burst.answer)
    assert all(resp == OKAY for _, resp in reads[2].answer) and not irq

    evicting = [*lines(1, True, bad), *(b for n in range(1, 5) for b in lines(1, True, bad + n * 8 * LINE))]

    async def look(registers: Registers):
        assert await registers.read("failure.state") == 1 | 1 << 4
        assert await registers.read("failure.address_lo") == bad
        assert await registers.read("failure.address_hi") == 0

    _, _, irq = run(evicting, after=look, master={"limit": 1}, memory={"resp": resp})
    assert irq and all(resp == OKAY for burst in evicting for _, resp in burst.answer)
