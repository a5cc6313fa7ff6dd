# SPDX-License-Identifier: Apache-2.0
"""AXI4 agents for Amaranth's simulator: a random master that checks its answers, and a memory as slave.

Written from Arm IHI 0022H, not from the RTL. An agent is a coroutine that is given to ``Simulator.add_testbench``; it
looks at the handshakes of each clock edge and then drives its side for the next.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LANES = 16
"""Byte lanes of the 128-bit data channels."""
LINE = 64
PAGE = 4096
FIXED, INCR, WRAP = 0, 1, 2
OKAY, SLVERR = 0, 2


@dataclass(kw_only=True)
class Burst:
    """One burst, and what became of it.

    ``beats`` : for a write, value and strobe of each beat. ``answer`` : (data, resp) of each beat read, or (0, bresp).
    ``begun``, ``accepted``, ``ended`` : cycle in which the address was first offered and was taken, and of the last
    answer. ``sent`` : the last beat was taken.
    """

    write: bool
    ident: int
    addr: int
    length: int
    size: int = 4
    burst: int = INCR
    beats: list[tuple[int, int]] = field(default_factory=list)
    answer: list[tuple[int, int]] = field(default_factory=list)
    begun: int = -1
    accepted: int = -1
    ended: int = -1
    sent: bool = False

    def lanes(self) -> list[range]:
        """Return the bytes that each beat carries (A3.4.2)."""
        step, total = 1 << self.size, self.length + 1
        aligned = self.addr // step * step
        bottom = self.addr // (step * total) * (step * total)
        carried = []
        for n in range(total):
            if n == 0 or self.burst == FIXED:
                carried.append(range(self.addr, aligned + step))
                continue
            at = aligned + n * step
            if self.burst == WRAP and at >= bottom + step * total:
                at -= step * total
            carried.append(range(at, at + step))
        return carried

    def lines(self) -> set[int]:
        """Return the lines that it touches."""
        return {lane.start // LINE for lane in self.lanes()}

    def read_bytes(self) -> list[dict[int, int]]:
        """Return, for each beat answered, the value of each byte it carries."""
        return [
            {at: data >> 8 * (at % LANES) & 0xFF for at in lane}
            for lane, (data, _) in zip(self.lanes(), self.answer, strict=True)
        ]

    def apply(self, memory: dict[int, int]) -> None:
        """Write the strobed bytes into ``memory``."""
        for lane, (data, strobe) in zip(self.lanes(), self.beats, strict=True):
            base = lane.start // LANES * LANES
            for byte in range(LANES):
                if strobe >> byte & 1:
                    memory[base + byte] = data >> 8 * byte & 0xFF


def random_burst(rng: random.Random, *, idents: int, base: int, span: int, write: bool | None = None) -> Burst:
    """Return any legal burst that begins within ``span`` bytes from ``base``."""
    size = rng.choice([0, 1, 2, 3, 4, 4, 4, 4])
    burst = rng.choice([FIXED, INCR, INCR, INCR, WRAP])
    step = 1 << size
    addr = base + rng.randrange(span)
    if burst == WRAP:
        length, addr = rng.choice([2, 4, 8, 16]) - 1, addr // step * step
    elif burst == FIXED:
        length = rng.randrange(16)
    else:
        most = (PAGE - addr % PAGE + addr % step) // step
        length = rng.choice([1, 4, 5, rng.randint(1, 256), rng.randint(1, 16)])
        length = min(length, most, 256) - 1
    if rng.random() < 0.3:
        addr = addr // LINE * LINE
    if write is None:
        write = rng.random() < 0.5
    result = Burst(write=write, ident=rng.randrange(idents), addr=addr, length=length, size=size, burst=burst)
    if write:
        fill = rng.choice([None, 0, 1])
        for lane in result.lanes():
            mask = sum(1 << at % LANES for at in lane)
            strobe = mask & (rng.getrandbits(LANES) if fill is None else -fill)
            result.beats.append((rng.getrandbits(8 * LANES), strobe))
    return result


class _Offer:
    """Sender's side of a channel: offers queued items, with pauses, and keeps to an offer."""

    def __init__(self, rng: random.Random, pause: float, drive: Callable[[Any, Any], None]):
        self._rng, self._pause, self._drive = rng, pause, drive
        self.queue: deque = deque()
        self.item: Any = None

    def step(self, ctx, ready: int) -> Any:
        """Return what was taken at this edge, and offer for the next."""
        taken = None
        if self.item is not None and ready:
            taken, self.item = self.item, None
        if self.item is None:
            if self.queue and self._rng.random() >= self._pause:
                self.item = self.queue.popleft()
            self._drive(ctx, self.item)
        return taken


class _Stable:
    """Receiver's side: an offer stays as it is until it is taken (A3.2.1)."""

    def __init__(self, name: str):
        self._name, self._waiting = name, None

    def check(self, valid: int, ready: int, payload: tuple) -> None:
        offered = payload if valid else None
        assert self._waiting is None or offered == self._waiting, f"{self._name} changed before it was taken"
        self._waiting = offered if valid and not ready else None


ADDRESS = ("id", "addr", "len", "size", "burst")


class AxiMaster:
    """Sends bursts and checks that the answers are those of AXI4; ``bursts`` then hold the answers.

    A burst waits as long as a burst before it, which it would race with (lines in common, one of them a write), is
    under way. ``pause``: chance of a pause, each cycle on each channel. ``limit``: bursts under way.
    ``cycles``: the run fails when it takes more.
    """

    def __init__(
        self, axi, bursts: list[Burst], *, seed: int = 0, pause: float = 0.0, limit: int = 8, cycles: int = 50_000
    ):
        self._axi, self.bursts, self._limit, self._pause, self._cycles = axi, bursts, limit, pause, cycles
        self._rng = rng = random.Random(seed)
        self._todo = {write: deque(b for b in bursts if b.write == write) for write in (False, True)}
        self.under_way: list[Burst] = []
        self.cycle = 0
        self.beat_cycles: list[int] = []
        self._ar = _Offer(rng, pause, lambda ctx, item: self._drive_address(ctx, "ar", item))
        self._aw = _Offer(rng, pause, lambda ctx, item: self._drive_address(ctx, "aw", item))
        self._w = _Offer(rng, pause, self._drive_beat)
        self._stable_r, self._stable_b = _Stable("R"), _Stable("B")

    def _drive_address(self, ctx, half: str, burst: Burst | None) -> None:
        axi = self._axi
        ctx.set(getattr(axi, half + "valid"), burst is not None)
        if burst is not None:
            burst.begun = self.cycle
            for name, value in zip(
                ADDRESS, (burst.ident, burst.addr, burst.length, burst.size, burst.burst), strict=True
            ):
                ctx.set(getattr(axi, half + name), value)

    def _drive_beat(self, ctx, item: tuple[int, int, int] | None) -> None:
        axi = self._axi
        ctx.set(axi.wvalid, item is not None)
        if item is not None:
            for name, value in zip(("wdata", "wstrb", "wlast"), item, strict=True):
                ctx.set(getattr(axi, name), value)

    def _begin(self) -> None:
        for write, queue in self._todo.items():
            while queue and len(self.under_way) < self._limit and not self._races(queue[0]):
                burst = queue.popleft()
                self.under_way.append(burst)
                (self._aw if write else self._ar).queue.append(burst)
                if write:
                    last = len(burst.beats) - 1
                    self._w.queue.extend((data, strobe, n == last) for n, (data, strobe) in enumerate(burst.beats))

    def _races(self, burst: Burst) -> bool:
        lines = burst.lines()
        return any((burst.write or other.write) and lines & other.lines() for other in self.under_way)

    def _answered(self, write: bool, ident: int) -> Burst:
        for burst in self.under_way:
            if burst.write == write and burst.ident == ident and burst.accepted >= 0:
                return burst
        raise AssertionError(f"an answer for identifier {ident}, which has nothing under way")

    @property
    def done(self) -> bool:
        return not (self.under_way or any(self._todo.values()))

    async def run(self, ctx) -> None:
        """Run until every burst is answered, and a little longer for answers that nobody asked for."""
        axi, rng = self._axi, self._rng
        names = ("arready", "awready", "wready", "rvalid", "rid", "rdata", "rresp", "rlast", "bvalid", "bid", "bresp")
        rready = bready = 0
        rest = 20
        while rest:
            assert self.cycle < self._cycles, f"{len(self.under_way)} bursts are not answered: {self.under_way[:3]}"
            rest -= self.done
            self._begin()
            rready, bready = (int(rng.random() >= self._pause) for _ in range(2))
            ctx.set(axi.rready, rready)
            ctx.set(axi.bready, bready)
            if self.cycle == 0:
                for channel in (self._ar, self._aw, self._w):
                    channel.step(ctx, 0)
            _, _, *values = await ctx.tick().sample(*(getattr(axi, name) for name in names))
            arready, awready, wready, rvalid, rid, rdata, rresp, rlast, bvalid, bid, bresp = values
            self.cycle += 1
            self._stable_r.check(rvalid, rready, (rid, rdata, rresp, rlast))
            self._stable_b.check(bvalid, bready, (bid, bresp))
            for channel, ready in ((self._ar, arready), (self._aw, awready)):
                taken = channel.step(ctx, ready)
                if taken is not None:
                    taken.accepted = self.cycle
            beat = self._w.step(ctx, wready)
            if beat is not None and beat[2]:
                next(b for b in self.under_way if b.write and not b.sent).sent = True
            if rvalid and rready:
                burst = self._answered(False, rid)
                burst.answer.append((rdata, rresp))
                self.beat_cycles.append(self.cycle)
                assert rlast == (len(burst.answer) == burst.length + 1), "RLAST at the wrong beat"
                if rlast:
                    self._end(burst)
            if bvalid and bready:
                burst = self._answered(True, bid)
                assert burst.sent, "B before the last beat"
                burst.answer.append((0, bresp))
                self._end(burst)

    def _end(self, burst: Burst) -> None:
        burst.ended = self.cycle
        self.under_way.remove(burst)


@dataclass
class _Job:
    """A burst in the memory, and the cycles from which on it may take effect and be answered."""

    burst: Burst
    effect: int
    answer: int
    played: list[tuple[int, int]] | None = None


class AxiMemory:
    """AXI4 slave: a memory of bytes with random delays. Unwritten bytes are ``fill(address)``.

    Answers of one identifier come in order, those of others in any order and, with ``interleave``, beat by beat. A
    write takes effect at any time between its last beat and its answer, a read at any time between its address and its
    first beat: nothing orders reads and writes. ``wait_for_data``: an address of a write is taken only with its first
    beat, which AXI4 allows. ``resp``: response for an address. ``last``: changes RLAST, given the beats so far.
    """

    def __init__(
        self,
        axi,
        *,
        seed: int = 0,
        pause: float = 0.0,
        latency: tuple[int, int] = (1, 1),
        interleave: bool = False,
        wait_for_data: bool = False,
        fill: Callable[[int], int] = lambda address: (address * 0x9E3779B1 >> 7) & 0xFF,
        resp: Callable[[int], int] = lambda address: OKAY,
        last: Callable[[int, int], int] = lambda count, last: last,
    ):
        self._axi, self._pause, self._latency, self._fill = axi, pause, latency, fill
        self._interleave, self._wait, self._resp, self._last = interleave, wait_for_data, resp, last
        self._rng = random.Random(seed)
        self.memory: dict[int, int] = {}
        self.seen: list[Burst] = []
        self.beats = 0
        self.cycle = 0
        self._reads: list[_Job] = []
        self._writes: list[_Job] = []
        self._addresses: deque[Burst] = deque()
        self._data: deque[tuple[int, int, int]] = deque()
        self._stable = {name: _Stable(name) for name in ("AR", "AW", "W")}

    def byte(self, address: int) -> int:
        return self.memory.get(address, self._fill(address))

    def _job(self, burst: Burst) -> _Job:
        answer = self.cycle + self._rng.randint(*self._latency)
        return _Job(burst, self._rng.randint(self.cycle, answer), answer)

    def _play(self, job: _Job) -> None:
        """Fix what a read answers."""
        job.played = []
        for lane in job.burst.lanes():
            base = lane.start // LANES * LANES
            data = sum(self.byte(base + byte) << 8 * byte for byte in range(LANES))
            job.played.append((data, self._resp(lane.start)))

    def _take_effect(self) -> None:
        waiting: set[int] = set()
        for job in self._writes:
            # Writes of one identifier take effect in their order (A5.3).
            if job.effect > self.cycle:
                waiting.add(job.burst.ident)
            if job.played is None and job.burst.ident not in waiting:
                job.burst.apply(self.memory)
                job.played = [(0, max(self._resp(lane.start) for lane in job.burst.lanes()))]
        for job in self._reads:
            if job.played is None and job.effect <= self.cycle:
                self._play(job)

    def _candidates(self, jobs: list[_Job]) -> list[_Job]:
        """Return the oldest job of each identifier, if it may be answered."""
        oldest: dict[int, _Job] = {}
        for job in jobs:
            oldest.setdefault(job.burst.ident, job)
        return [job for job in oldest.values() if job.answer <= self.cycle and job.played]

    async def run(self, ctx) -> None:
        """Serve for ever; a background testbench."""
        axi, rng = self._axi, self._rng
        address = {half: [getattr(axi, half + n) for n in ("valid", *ADDRESS)] for half in ("ar", "aw")}
        beat = [axi.wvalid, axi.wdata, axi.wstrb, axi.wlast]
        reading: _Job | None = None
        offered_r = offered_b = None
        while True:
            arready, wready, rready_now = (int(rng.random() >= self._pause) for _ in range(3))
            awready = int(rng.random() >= self._pause)
            if self._wait:
                awready &= ctx.get(axi.wvalid) and not self._addresses and not self._data
                wready &= bool(self._addresses or awready)
            ctx.set(axi.arready, arready)
            ctx.set(axi.awready, awready)
            ctx.set(axi.wready, wready)
            self._take_effect()
            if offered_r is None and rready_now:
                if self._interleave or reading is None or reading not in self._reads:
                    candidates = self._candidates(self._reads)
                    reading = rng.choice(candidates) if candidates else None
                if reading is not None:
                    assert reading.played is not None
                    data, resp = reading.played.pop(0)
                    last = int(not reading.played)
                    if last:
                        self._reads.remove(reading)
                    offered_r = (reading.burst.ident, data, resp, self._last(self.beats, last))
                    self.beats += 1
            if offered_b is None and rng.random() >= self._pause:
                candidates = self._candidates(self._writes)
                if candidates:
                    job = rng.choice(candidates)
                    assert job.played is not None
                    self._writes.remove(job)
                    offered_b = (job.burst.ident, job.played[0][1])
            ctx.set(axi.rvalid, offered_r is not None)
            if offered_r is not None:
                for name, value in zip(("rid", "rdata", "rresp", "rlast"), offered_r, strict=True):
                    ctx.set(getattr(axi, name), value)
            ctx.set(axi.bvalid, offered_b is not None)
            if offered_b is not None:
                ctx.set(axi.bid, offered_b[0])
                ctx.set(axi.bresp, offered_b[1])
            _, _, *values = await ctx.tick().sample(*address["ar"], *address["aw"], *beat, axi.rready, axi.bready)
            ar, aw, w, (rready, bready) = values[:6], values[6:12], values[12:16], values[16:]
            self.cycle += 1
            for name, channel, ready in (("AR", ar, arready), ("AW", aw, awready), ("W", w, wready)):
                self._stable[name].check(channel[0], ready, tuple(channel[1:]))
            if rready:
                offered_r = None
            if bready:
                offered_b = None
            if ar[0] and arready:
                burst = self._see(False, ar)
                self._reads.append(self._job(burst))
            if aw[0] and awready:
                self._addresses.append(self._see(True, aw))
            if w[0] and wready:
                self._data.append((w[1], w[2], w[3]))
            self._pair()

    def _see(self, write: bool, channel: list[int]) -> Burst:
        _, ident, addr, length, size, burst = channel
        seen = Burst(write=write, ident=ident, addr=addr, length=length, size=size, burst=burst, accepted=self.cycle)
        assert burst != INCR or addr // PAGE == ((addr >> size << size) + ((length + 1) << size) - 1) // PAGE, (
            f"a burst crosses 4 KiB: {seen}"
        )
        self.seen.append(seen)
        return seen

    def _pair(self) -> None:
        """Give beats to the oldest address."""
        while self._addresses and self._data:
            burst = self._addresses[0]
            data, strobe, last = self._data.popleft()
            burst.beats.append((data, strobe))
            assert last == (len(burst.beats) == burst.length + 1), "WLAST at the wrong beat"
            if last:
                self._addresses.popleft()
                self._writes.append(self._job(burst))
