# SPDX-License-Identifier: Apache-2.0
"""Lines between a driver of operations, a tree that knows every counter, a memory and an AES bank, cycle by cycle.

Everything outside of Lines is one Python object with a part for each neighbour. In every cycle each part first drives
what it says in that cycle, then looks at what was taken.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from amaranth.lib import data, enum
from amaranth.sim import Simulator

from tb.models.mmt_crypto import Counter, Crypto, Keys, LineName
from yingzhou.mmt.config import MmtConfig, preset
from yingzhou.mmt.lines import Lines
from yingzhou.mmt.signature import (
    JobKind,
    Kind,
    Verdict,
    job,
)

TAG_BITS: Final = 9
ZEROS: Final = bytes(64)
TREES: Final = 3
"""Trees of lines in use; the root tree beside them."""
LEAF_LOG: Final = 6
ROOT_LINES: Final = 16


def config_of(**changes: Any) -> MmtConfig:
    """Return a small memory: 8 MiB, 17 bits of line number."""
    return preset("paper", memory_bytes=1 << 23, addr_width=32, **changes)


@dataclass(frozen=True)
class Pace:
    """How the neighbours behave: cycles of latency, and how often (0 to 1) each says no or is slow."""

    dram: int = 40
    aes: int = 12
    aes_interval: int = 1
    write: int = 10
    stall: float = 0.0
    gap: float = 0.0
    """A pause between two beats."""


@dataclass(eq=False)
class Op:
    """One operation of Front, and what must come of it."""

    line: int
    write: bool = False
    data: bytes = ZEROS
    strobe: int = 2**64 - 1
    id: int = 0
    outside: bool = False
    tag: int = 0
    error: bool = False
    """Must end with an error."""
    expected: bytes = ZEROS
    before: bytes | None = None
    taken: int = -1
    ended: int = -1


def merge(old: bytes, new: bytes, strobe: int) -> bytes:
    return bytes(n if strobe >> i & 1 else o for i, (o, n) in enumerate(zip(old, new, strict=True)))


@dataclass
class Bench:
    """One run. Give operations with :meth:`play`; look at DRAM, counters and counts afterwards.

    ``shadow`` is the plaintext that every line must have; ``counters`` are those that Tree gave.
    """

    config: MmtConfig
    seed: int = 1
    pace: Pace = Pace()
    miss: float = 0.0
    """How often a leaf is not cached."""
    overflow: float = 0.0
    """How often a write needs all lines of its leaf brought to a new counter first."""
    unserved: float = 0.0
    """How often the slow path ends with an error."""
    service_cycles: int = 30
    read_ready: Callable[[int], bool] = lambda cycle: True

    memory: dict[int, bytes] = field(default_factory=dict)
    counters: dict[tuple[int, bool], int] = field(default_factory=dict)
    shadow: dict[int, bytes] = field(default_factory=dict)
    denied: set[int] = field(default_factory=set)
    bad_reads: set[int] = field(default_factory=set)
    bad_writes: set[int] = field(default_factory=set)
    failures: list[tuple[Kind, int, bool, int]] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    root_shadow: dict[int, bytes] = field(default_factory=dict)
    recrypted: int = 0
    active: bool = True
    cycle: int = 0

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.crypto = Crypto(Keys(*(self.rng.randbytes(16) for _ in range(3))))
        self.dut = Lines(self.config, TAG_BITS)
        self.first_leaf_mac = 1 << 15
        self.cached: set[int] = set()
        self.hidden: set[int] = set()
        self.ops: deque[Op] = deque()
        self.open: dict[int, Op] = {}
        self.jobs: deque[int] = deque()
        self.jobs_done: list[tuple[bool, Kind, bytes]] = []
        self.dram_reads: list[int] = []
        self.dram_writes: list[int] = []
        self._tags = deque(range(2**TAG_BITS))
        self._reading: deque[tuple[int, bytes, bool]] = deque()
        self._writing: deque[tuple[int, bool]] = deque()
        self._write_busy = 0
        self._beat = 0
        self._aes: deque[tuple[int, int, int]] = deque()
        self._aes_next = 0
        self._lookup: tuple[int, int, bool, bool] | None = None
        self._service: Generator[None] | None = None
        self._service_done: tuple[bool, Kind] | None = None
        self._served = False
        self._order: dict[int, deque[Op]] = {}
        self._op_offered = False
        self._said = False
        self._ready_line: int | None = None
        self._ctx: Any = None
        self._driven: dict[int, int] = {}

    # What lies where

    def tree_of(self, line: int) -> int:
        return (line >> LEAF_LOG) % TREES

    def generation(self, tree: int) -> int:
        return 0 if tree == self.config.root_tree else 0xABCDE0 + tree

    def mac_line(self, line: int) -> int:
        return self.first_leaf_mac + line // 8

    def root_line(self, index: int) -> int:
        return 3 << 14 | index

    def root_mac_line(self, index: int) -> int:
        return (3 << 14) + 64 + index // 8

    # Reference of a line in DRAM

    def seal(self, line: int, plain: bytes, low: int, *, root: bool = False) -> None:
        """Put a line and its MAC into DRAM, as if written long ago."""
        tree = self.config.root_tree if root else self.tree_of(line)
        name, counter = LineName(line, root), Counter(self.generation(tree), low)
        cipher = self.crypto.pad(name, counter, plain)
        self.memory[self.root_line(line) if root else line] = cipher
        mac_line = self.root_mac_line(line) if root else self.mac_line(line)
        macs = bytearray(self.memory.get(mac_line, ZEROS))
        macs[line % 8 * 8 : line % 8 * 8 + 8] = self.crypto.line_mac(name, counter, cipher).to_bytes(8, "little")
        self.memory[mac_line] = bytes(macs)
        self.counters[line, root] = low
        if not root:
            self.shadow[line] = plain

    def unseal(self, line: int, *, root: bool = False) -> bytes | None:
        """Return the plaintext that DRAM holds, or None when the MAC there does not fit."""
        low = self.counters.get((line, root), 0)
        if low == 0:
            return ZEROS
        tree = self.config.root_tree if root else self.tree_of(line)
        name, counter = LineName(line, root), Counter(self.generation(tree), low)
        cipher = self.memory[self.root_line(line) if root else line]
        macs = self.memory[self.root_mac_line(line) if root else self.mac_line(line)]
        mac = int.from_bytes(macs[line % 8 * 8 : line % 8 * 8 + 8], "little")
        return self.crypto.pad(name, counter, cipher) if mac == self.crypto.line_mac(name, counter, cipher) else None

    # Running

    def run(self, scenario: Callable[["Bench"], Awaitable[None]]) -> "Bench":
        """Simulate ``scenario``, which uses :meth:`play` and :meth:`step`."""

        async def testbench(ctx: Any) -> None:
            self._ctx = ctx
            ctx.set(self.dut.active, self.active)
            for number, key in enumerate(self.crypto.hash_keys):
                ctx.set(self.dut.hash_keys[number], key)
            await self.step()
            await scenario(self)

        sim = Simulator(self.dut)
        sim.add_clock(1e-6)
        sim.add_testbench(testbench)
        sim.run()
        return self

    async def play(self, ops: Sequence[Op] = (), jobs: Sequence[int] = (), patience: int = 3000) -> list[Op]:
        """Run ``ops`` and ``jobs`` (of :meth:`job`) to their ends."""
        self.ops.extend(ops)
        self.jobs.extend(jobs)
        wanted = len(self.jobs_done) + len(jobs)
        quiet, last = 0, (0, 0)
        while self.ops or self.open or self._service or len(self.jobs_done) < wanted:
            await self.step()
            now = (len(self.ops) + len(self.open), len(self.jobs_done))
            quiet = 0 if now != last else quiet + 1
            last = now
            assert quiet < patience, f"nothing moves: {len(self.ops)} to begin, under way {list(self.open.values())}"
        return list(ops)

    async def idle(self, cycles: int = 60) -> None:
        for _ in range(cycles):
            await self.step()

    async def flush(self, kind: JobKind = JobKind.FLUSH_MACS) -> None:
        """Sweep the MACs of every tree."""
        for tree in (*range(TREES), self.config.root_tree):
            await self.play(jobs=[self.job(kind, tree=tree)])
            assert self.jobs_done[-1][0]

    async def step(self) -> None:
        """One cycle."""
        for drive in (self._drive_ops, self._drive_tree, self._drive_memory, self._drive_aes):
            drive()
        for look in (self._look_ops, self._look_tree, self._look_memory, self._look_aes):
            look()
        await self._ctx.tick()
        self.cycle += 1

    # The simulator compiles every expression anew and settles after every change: whole signals, and changes, only.

    def _get(self, signal: Any) -> int:
        """Return a port as a number."""
        return self._ctx.get(signal.as_value() if isinstance(signal, data.View) else signal)

    def _look(self, port: Any) -> Any:
        """Return a port of a structure."""
        return port.shape().from_bits(self._get(port))

    def _set(self, signal: Any, value: Any) -> None:
        if isinstance(signal, data.View):
            value = value if isinstance(value, int) else signal.shape().const(value).as_value().value
            signal = signal.as_value()
        elif isinstance(signal, enum.EnumView):
            value, signal = value.value, signal.as_value()
        value = int(value)
        if self._driven.get(id(signal), 0) != value:
            self._driven[id(signal)] = value
            self._ctx.set(signal, value)

    def _chance(self, share: float) -> bool:
        return share > 0 and self.rng.random() < share

    # Front

    def _drive_ops(self) -> None:
        port = self.dut.ops
        if self.ops and not self._op_offered:
            self._op_offered = not self._chance(self.pace.stall)
        self._set(port.op.valid, self._op_offered)
        if self._op_offered:
            op = self.ops[0]
            self._set(
                port.op.payload,
                {
                    "id": op.id,
                    "write": op.write,
                    "outside": op.outside,
                    "line": op.line,
                    "data": int.from_bytes(op.data, "little"),
                    "strobe": op.strobe,
                    "tag": self._tags[0],
                },
            )
        self._set(port.read.ready, self.read_ready(self.cycle))

    def _look_ops(self) -> None:
        port = self.dut.ops
        if self._op_offered and self._get(port.op.ready):
            self._op_offered = False
            op = self.ops.popleft()
            op.tag, op.taken = self._tags.popleft(), self.cycle
            self._begin(op)
        if self._get(port.read.valid):
            answer = self._look(port.read.payload)
            op = self.open.get(answer.tag)
            assert op is not None and not op.write, "an answer to no read"
            assert answer.id == op.id and self._order[op.id][0] is op, f"out of order: {op}"
            want = ZEROS if op.error else op.expected
            assert bool(answer.error) == op.error, f"error {answer.error} of {op}"
            assert answer.data == int.from_bytes(want, "little"), f"{answer.data:x} for {op}"
            if self._get(port.read.ready):
                self._order[op.id].popleft()
                self._end(op)
        if self._get(port.write_done):
            op = self.open.get(self._get(port.write_tag))
            assert op is not None and op.write, "an end of no write"
            assert bool(self._get(port.write_error)) == op.error, f"error {self._get(port.write_error)} of {op}"
            self._end(op)
        else:
            assert not self._get(port.write_tag) and not self._get(port.write_error)
        if self._get(self.dut.failure.valid):
            seen = self._look(self.dut.failure.failure)
            assert seen.level == 0
            self.failures.append((Kind(seen.kind), seen.line, bool(seen.root), seen.tree))
        if self._get(self.dut.events):
            events = self._look(self.dut.events)
            for name in ("leaf_hit", "leaf_miss", "mac_hit", "mac_miss"):
                self.events[name] = self.events.get(name, 0) + events[name]

    def _begin(self, op: Op) -> None:
        self.open[op.tag] = op
        if op.outside or not self.active or op.line in self.denied:
            op.error = True
        if op.write:
            op.before = self.shadow.get(op.line, ZEROS)
            if not op.error:
                self.shadow[op.line] = merge(op.before, op.data, op.strobe)
        else:
            op.expected = self.shadow.get(op.line, ZEROS)
            self._order.setdefault(op.id, deque()).append(op)

    def _end(self, op: Op) -> None:
        del self.open[op.tag]
        self._tags.append(op.tag)
        op.ended = self.cycle

    # Tree

    def job(self, kind: JobKind, **fields: Any) -> int:
        return job(self.config).const({"kind": kind, **fields}).as_value().value

    def root_job(self, kind: JobKind, index: int, content: bytes = ZEROS) -> int:
        """READ or WRITE of a line of the root table; WRITE moves its counter one up."""
        old = self.counters.get((index, True), 0)
        if kind == JobKind.WRITE:
            self.counters[index, True] = old + 1
        return self.job(
            kind,
            tree=self.config.root_tree,
            root=1,
            seed_line=index,
            line=self.root_line(index),
            mac_line=self.root_mac_line(index),
            old={"low": old, "generation": 0},
            new={"low": self.counters.get((index, True), 0), "generation": 0},
            data=int.from_bytes(content, "little"),
        )

    def recrypt(self, line: int, new: int) -> int:
        tree = self.tree_of(line)
        return self.job(
            JobKind.RECRYPT,
            tree=tree,
            seed_line=line,
            line=line,
            mac_line=self.mac_line(line),
            old={"low": self.counters.get((line, False), 0), "generation": self.generation(tree)},
            new={"low": new, "generation": self.generation(tree)},
        )

    def _op_on(self, line: int) -> Op:
        """Return the operation that waits for its counter: on one line the youngest."""
        return [op for op in self.open.values() if op.line == line][-1]

    def _spoil(self, line: int) -> None:
        """The operation on ``line`` must fail; a write has then not happened."""
        op = self._op_on(line)
        op.error = True
        if op.write:
            assert op.before is not None
            self.shadow[line] = op.before

    def _judge(self, line: int, write: bool, serviced: bool) -> dict[str, Any]:
        leaf = line >> LEAF_LOG
        if line in self.denied:
            return {"verdict": Verdict.DENIED, "kind": Kind.LOCKED}
        missing = leaf in self.hidden or (leaf not in self.cached and self.miss > 0)
        if not serviced and (missing or (write and self._chance(self.overflow))):
            # Where its MAC is, Tree may know or not.
            near = leaf not in self.hidden and self._chance(0.7)
            where = {"nearby": 1, "tree": self.tree_of(line), "mac_line": self.mac_line(line)} if near else {}
            return {"verdict": Verdict.MISS, **where}
        tree = self.tree_of(line)
        old = self.counters.get((line, False), 0)
        if write:
            self.counters[line, False] = old + 1
        generation = self.generation(tree)
        return {
            "verdict": Verdict.READY,
            "tree": tree,
            "mac_line": self.mac_line(line),
            "old": {"low": old, "generation": generation},
            "new": {"low": old + write, "generation": generation},
        }

    def _drive_tree(self) -> None:
        dut = self.dut
        if self._chance(self.miss) and self.cached:
            self.cached.discard(self.rng.choice(sorted(self.cached)))
        # A lookup: two cycles later, one at a time.
        answered = self._lookup is not None and self._lookup[0] == self.cycle
        self._set(dut.lookup.done, answered)
        self._ready_line = None
        if answered:
            assert self._lookup is not None
            _, line, write, serviced = self._lookup
            judged = self._judge(line, write, serviced)
            if judged["verdict"] == Verdict.READY:
                self._ready_line = line
            self._set(dut.lookup.answer, judged)
            self._lookup = None
        takes = self._lookup is None and not answered and not self._chance(self.pace.stall)
        if self._served and not self._look(dut.lookup.request.payload).serviced:
            takes = False
        self._set(dut.lookup.request.ready, takes)
        # The slow path.
        self._set(dut.service.request.ready, self._service is None and not self._served)
        self._set(dut.service.done, self._service_done is not None)
        if self._service_done is not None:
            self._set(dut.service.ok, self._service_done[0])
            self._set(dut.service.kind, self._service_done[1])
            self._service_done = None
        self._set(dut.jobs.request.valid, bool(self.jobs))
        if self.jobs:
            self._set(dut.jobs.request.payload, self.jobs[0])

    def _look_tree(self) -> None:
        dut = self.dut
        self._busy_agrees()
        if self._get(dut.lookup.request.valid) and self._get(dut.lookup.request.ready):
            payload = self._look(dut.lookup.request.payload)
            self._lookup = (self.cycle + 2, payload.line, bool(payload.write), bool(payload.serviced))
            if payload.serviced:
                self._served = False
        if self._get(dut.service.request.valid) and self._get(dut.service.request.ready):
            payload = self._look(dut.service.request.payload)
            self._service = self._serve(payload.line, bool(payload.write))
        if self.jobs and self._get(dut.jobs.request.ready):
            self.jobs.popleft()
        if self._get(dut.jobs.done):
            kind = Kind(self._get(dut.jobs.kind))
            ok = bool(self._get(dut.jobs.ok))
            assert ok == (kind == Kind.NONE)
            self.jobs_done.append((ok, kind, self._get(dut.jobs.data).to_bytes(64, "little")))
        if self._service is not None and next(self._service, "end") == "end":
            self._service = None

    def _busy_agrees(self) -> None:
        """A leaf whose lookup says READY in this cycle is busy in this cycle."""
        if self._ready_line is not None:
            self._set(self.dut.jobs.query_leaf, self._ready_line >> LEAF_LOG)
            self._set(self.dut.jobs.query_tree, self.tree_of(self._ready_line))
            assert self._get(self.dut.jobs.leaf_busy) and self._get(self.dut.jobs.tree_busy)

    def leaf_busy(self, leaf: int) -> bool:
        self._set(self.dut.jobs.query_leaf, leaf)
        return bool(self._get(self.dut.jobs.leaf_busy))

    def tree_busy(self, tree: int) -> bool:
        self._set(self.dut.jobs.query_tree, tree)
        return bool(self._get(self.dut.jobs.tree_busy))

    def _serve(self, line: int, write: bool) -> Generator[None]:
        """The slow path for a line."""
        leaf = line >> LEAF_LOG
        for _ in range(self.rng.randint(1, self.service_cycles)):
            yield
        if self._chance(self.unserved):
            self._spoil(line)
            self._service_done = (False, Kind.NODE_MAC)
            yield
            return
        if self._chance(0.3):
            yield from self._root_job(self.rng.randrange(ROOT_LINES))
        if leaf in self.cached and write or self._chance(self.overflow):
            yield from self._overflow(leaf)
        self.cached.add(leaf)
        self._served = True
        self._service_done = (True, Kind.NONE)
        yield

    def _do(self, jobs: list[int]) -> Generator[None]:
        wanted = len(self.jobs_done) + len(jobs)
        self.jobs.extend(jobs)
        while len(self.jobs_done) < wanted:
            yield
        assert all(ok for ok, _, _ in self.jobs_done[-len(jobs) :]), "a job failed"

    def _root_job(self, index: int) -> Generator[None]:
        if self._chance(0.5):
            content = self.rng.randbytes(64)
            yield from self._do([self.root_job(JobKind.WRITE, index, content)])
            self.root_shadow[index] = content
        else:
            yield from self._do([self.root_job(JobKind.READ, index)])
            assert self.jobs_done[-1][2] == self.root_shadow.get(index, ZEROS)

    def _overflow(self, leaf: int) -> Generator[None]:
        self.hidden.add(leaf)
        while self.leaf_busy(leaf):
            yield
        lines = sorted(n for n, root in self.counters if not root and n >> LEAF_LOG == leaf)
        lines.append(leaf << LEAF_LOG | 63)
        lines = sorted(set(lines))
        new = (max(self.counters.get((n, False), 0) for n in lines) >> 24) + 1 << 24
        jobs = [self.recrypt(n, new) for n in lines]
        yield from self._do(jobs)
        for n in lines:
            self.counters[n, False] = new
            self.recrypted += 1
        self.hidden.discard(leaf)

    # Memory

    def _drive_memory(self) -> None:
        port, pace = self.dut.memory, self.pace
        self._set(port.read.ready, len(self._reading) < 64 and not self._chance(pace.stall))
        self._set(port.write.ready, self.cycle >= self._write_busy and not self._chance(pace.stall))
        due = bool(self._reading) and self._reading[0][0] <= self.cycle and not self._chance(pace.gap)
        self._set(port.beat, due)
        if due:
            _, content, bad = self._reading[0]
            self._set(port.beat_index, self._beat)
            self._set(port.beat_data, int.from_bytes(content[16 * self._beat : 16 * self._beat + 16], "little"))
            self._set(
                port.beat_error, bad and self._beat == self.cycle % 4 or bad and self._beat == 3 and not self._said
            )
            self._said = bad and (self._said or self._beat == self.cycle % 4)
            self._beat = (self._beat + 1) % 4
            if self._beat == 0:
                self._reading.popleft()
                self._said = False
        done = bool(self._writing) and self._writing[0][0] <= self.cycle
        self._set(port.write_done, done)
        self._set(port.write_error, done and self._writing[0][1])
        if done:
            self._writing.popleft()

    def _look_memory(self) -> None:
        port, pace = self.dut.memory, self.pace
        if self._get(port.write.valid) and self._get(port.write.ready):
            payload = self._look(port.write.payload)
            bad = payload.line in self.bad_writes
            if not bad:
                self.memory[payload.line] = payload.data.to_bytes(64, "little")
            self.dram_writes.append(payload.line)
            self._writing.append((self.cycle + pace.write, bad))
            self._write_busy = self.cycle + 4
        if self._get(port.read.valid) and self._get(port.read.ready):
            line = self._get(port.read.payload)
            self.dram_reads.append(line)
            content = self.memory.get(line)
            if content is None:  # whatever was there at power-up
                content = self.memory[line] = self.rng.randbytes(64)
            self._reading.append((self.cycle + pace.dram, content, line in self.bad_reads))

    # AES

    def _drive_aes(self) -> None:
        port = self.dut.aes
        self._set(port.request.ready, self.cycle >= self._aes_next and not self._chance(self.pace.stall))
        due = bool(self._aes) and self._aes[0][0] <= self.cycle
        self._set(port.done, due)
        if due:
            _, tag, result = self._aes.popleft()
            self._set(port.tag, tag)
            self._set(port.result, result)

    def _look_aes(self) -> None:
        port = self.dut.aes
        if self._get(port.request.valid) and self._get(port.request.ready):
            asked = self._look(port.request.payload)
            cipher = self.crypto._mask if int(asked.key.value) else self.crypto._pad
            result = int.from_bytes(cipher(asked.block.to_bytes(16, "little")), "little")
            self._aes.append((self.cycle + self.pace.aes, asked.tag, result))
            self._aes_next = self.cycle + self.pace.aes_interval
