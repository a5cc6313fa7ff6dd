# SPDX-License-Identifier: Apache-2.0
"""The DRAM behind the block: contents, an attacker's hand in them, and the driver that answers the block's master.

Lines that nobody wrote hold noise, as DRAM does after power on. What nothing orders happens in any order: a write takes
effect at some time between its last beat and its answer, a read between its address and its first beat.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pyuvm import ConfigDB, uvm_agent, uvm_driver

from tb.bus.bursts import Burst, chunks

from .agents import AxiMonitor, Pace
from .pins import Port

OKAY, SLVERR = 0, 2
LINE = 64


class Memory:
    """Lines by number (address / 64). ``faults``: lines that answer ``reads`` or ``writes`` with an error.

    ``noticed`` is told of every line that comes to be without a write: noise, and what an attacker puts there.
    """

    def __init__(self, seed: int = 0):
        self.seed = seed
        self.lines: dict[int, bytes] = {}
        self.faults: dict[int, str] = {}
        self.noticed: Callable[[int, bytes], None] = lambda line, data: None

    def __getitem__(self, line: int) -> bytes:
        if line not in self.lines:
            self[line] = hashlib.shake_128(f"{self.seed} {line}".encode()).digest(LINE)
        return self.lines[line]

    def __setitem__(self, line: int, data: bytes) -> None:
        """Put ``data`` there behind the block's back."""
        assert len(data) == LINE
        self.lines[line] = data
        self.noticed(line, data)

    def flip(self, line: int, bit: int) -> None:
        """Flip one bit."""
        self[line] = (int.from_bytes(self[line], "little") ^ 1 << bit).to_bytes(LINE, "little")

    def fails(self, line: int, write: bool) -> bool:
        return self.faults.get(line) == ("writes" if write else "reads")

    def store(self, burst: Burst) -> int:
        """Have a write burst take effect; return the response."""
        resp = OKAY
        for chunk in chunks(burst):
            if self.fails(chunk.line, True):
                resp = SLVERR
                continue
            old = self[chunk.line] if chunk.strobe != 2**LINE - 1 else chunk.data
            self.lines[chunk.line] = bytes(chunk.data[i] if chunk.strobe >> i & 1 else old[i] for i in range(LINE))
        return resp

    def load(self, burst: Burst) -> list[tuple[int, int]]:
        """Return data and response of each beat of a read burst."""
        beats = []
        for number in range(burst.beats):
            line, byte = divmod(burst.beat_addr(number), LINE)
            lane = byte // 16 * 16
            failed = self.fails(line, False)
            beats.append((int.from_bytes(self[line][lane : lane + 16], "little"), SLVERR if failed else OKAY))
        return beats


@dataclass
class _Job:
    """A burst in the memory: from ``effect`` on it happens, from ``due`` on it may be answered."""

    burst: Burst
    effect: int
    due: int
    answer: list[tuple[int, int]] | None = None
    sent: int = 0
    beats: list[tuple[int, int]] = field(default_factory=list)


class MemoryDriver(uvm_driver):
    """Answers the block's master from ``MEMORY``, at ``PACE``."""

    def build_phase(self):
        self.port: Port = ConfigDB().get(self, "", "PORT")
        self.pace: Pace = ConfigDB().get(self, "", "PACE")
        self.rng: Random = ConfigDB().get(self, "", "RNG")
        self.memory: Memory = ConfigDB().get(self, "", "MEMORY")
        self.transfers = 0

    def _clear(self) -> None:
        self._reads: list[_Job] = []
        self._writes: list[_Job] = []
        self._addresses: deque[_Job] = deque()
        self._ahead: deque[tuple[int, int]] = deque()
        self._offered: dict[str, _Job | None] = {"r": None, "b": None}
        self._reading: _Job | None = None

    @property
    def under_way(self) -> int:
        return len(self._reads) + len(self._writes) + len(self._addresses)

    async def run_phase(self):
        self._clear()
        self.port.idle()
        self.cycle = 0
        self.port.listeners.append(self.step)

    def step(self) -> None:
        """A clock edge."""
        self.cycle += 1
        if self.port.in_reset:
            # What has happened in the memory stays; what was still to happen, or to be answered, is dropped.
            self._clear()
            self.port.idle()
            return
        if self.port.shakes & 0x155:
            self._sample()
        if self._reads or self._writes:
            self._happen()
        self._drive()

    def _job(self, fields: dict[str, int], write: bool) -> _Job:
        burst = Burst(write, fields["id"], fields["addr"], fields["len"] + 1, fields["size"], fields["burst"])
        return _Job(burst, 0, 0)

    def _schedule(self, job: _Job) -> _Job:
        job.due = self.cycle + self.rng.randint(*self.pace.latency)
        job.effect = self.rng.randint(self.cycle, job.due) if self.pace.mix else job.due
        return job

    def _sample(self) -> None:
        port = self.port
        for channel, write in (("ar", False), ("aw", True)):
            if port.taken(channel):
                self.transfers += 1
                job = self._job(port.read(channel), write)
                if write:
                    self._addresses.append(job)
                else:
                    self._reads.append(self._schedule(job))
        if port.taken("w"):
            self.transfers += 1
            fields = port.read("w")
            self._ahead.append((fields["data"], fields["strb"]))
        while self._ahead and self._addresses:
            job = self._addresses[0]
            job.beats.append(self._ahead.popleft())
            if len(job.beats) == job.burst.beats:
                data, strobes = zip(*job.beats, strict=True)
                fields = {**job.burst.__dict__, "data": tuple(item.to_bytes(16, "little") for item in data)}
                job.burst = Burst(**{**fields, "strobes": tuple(strobes)})
                self._writes.append(self._schedule(self._addresses.popleft()))
        for channel, jobs in (("r", self._reads), ("b", self._writes)):
            if port.taken(channel):
                self.transfers += 1
                job = self._offered[channel]
                assert job is not None
                self._offered[channel] = None
                job.sent += 1
                if channel == "b" or job.sent == job.burst.beats:
                    jobs.remove(job)

    def _happen(self) -> None:
        """Have what is due take effect; writes of one identifier in their order (A5.3)."""
        waiting: set[int] = set()
        for job in self._writes:
            if job.answer is None and job.effect <= self.cycle and job.burst.id not in waiting:
                job.answer = [(0, self.memory.store(job.burst))]
            if job.answer is None:
                waiting.add(job.burst.id)
        for job in self._reads:
            if job.answer is None and job.effect <= self.cycle:
                job.answer = self.memory.load(job.burst)

    def _choose(self, jobs: list[_Job]) -> _Job | None:
        """Return a job that may be answered: the oldest of its identifier."""
        ready: dict[int, _Job] = {}
        for job in jobs:
            ready.setdefault(job.burst.id, job)
        can = [job for job in ready.values() if job.due <= self.cycle and job.answer is not None]
        if not can:
            return None
        return self.rng.choice(can) if self.pace.mix else can[0]

    def _drive(self) -> None:
        port, rng, pace = self.port, self.rng, self.pace
        for channel in ("aw", "w", "ar"):
            pause = getattr(pace, channel)
            port.drive(channel, pause == 0.0 or rng.random() >= pause)
        if self._offered["r"] is None:
            job = None
            if self._reads and rng.random() >= pace.r:
                whole = self._reading in self._reads and not pace.mix
                job = self._reading if whole else self._choose(self._reads)
            self._reading = job or self._reading
            self._offer("r", job)
        if self._offered["b"] is None:
            job = self._choose(self._writes) if self._writes and rng.random() >= pace.b else None
            self._offer("b", job)

    def _offer(self, channel: str, job: _Job | None) -> None:
        port = self.port
        self._offered[channel] = job
        if job is not None:
            assert job.answer is not None
            data, resp = job.answer[job.sent]
            fields: dict[str, Any] = {"id": job.burst.id, "resp": resp}
            if channel == "r":
                fields |= {"data": data, "last": int(job.sent + 1 == job.burst.beats)}
            port.put(channel, **fields)
        elif self.pace.mix and port.shakes & 0x155:
            port.noise(channel, self.rng.getrandbits(160))
        port.drive(channel, job is not None)


class MemoryAgent(uvm_agent):
    """Driver and monitor of the block's master port."""

    def build_phase(self):
        self.driver = MemoryDriver("driver", self)
        self.monitor = AxiMonitor("monitor", self)


__all__ = ["Memory", "MemoryAgent", "MemoryDriver"]
