# SPDX-License-Identifier: Apache-2.0
"""What surrounds Tree in a test: memory, AES, and a plain stand-in for Lines, all in Python, cycle by cycle.

Every line that is written to memory goes through the observer of ``tb/models/mmt_observer.py``, which knows the format
and the rules from the document alone; :meth:`Bench.check_image` reads the whole image from the root counter down.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from amaranth.sim import Simulator

from tb.models.mmt import ZERO_LINE, RootEntry
from tb.models.mmt_crypto import Counter, Crypto, Keys, LineName
from tb.models.mmt_observer import Observer, Pending
from tb.models.mmt_verify import verify
from yingzhou.mmt.config import MmtConfig
from yingzhou.mmt.signature import Command, JobKind, Kind, Result, Verdict
from yingzhou.mmt.tree import Tree

KEYS = Keys(pad=bytes(range(16)), mac=bytes(range(16, 32)), hash=bytes(range(32, 48)))
INTEGRITY = {Kind.LINE_MAC, Kind.NODE_MAC, Kind.MEMORY_ERROR, Kind.EXHAUSTED}


@dataclass
class Op:
    """One access to a line. ``kind`` is NONE when it went well; ``data`` of a read is its answer."""

    line: int
    data: bytes | None = None
    state: str = "lookup"
    kind: Kind | None = None
    left: int = 0
    tree: int = 0
    mac_line: int = 0
    old: Counter = Counter(0, 0)
    new: Counter = Counter(0, 0)
    answer: bytes = b""
    cycles: int = 0
    pending: Pending | None = None


@dataclass
class Answer:
    """How a command ended, and after how many cycles."""

    result: Result
    status: dict[str, int]
    page: int
    cycles: int


@dataclass
class Bench:
    """Tree with its surroundings. ``latency``: of memory, fixed; None: drawn anew."""

    config: MmtConfig
    root_page: int
    seed: int = 1
    latency: int | None = None
    memory: dict[int, bytes] = field(default_factory=dict)
    failures: list[tuple[Kind, int, int, int]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)
    truth: dict[int, bytes] = field(default_factory=dict)
    bad_reads: set[int] = field(default_factory=set)
    cycle: int = 0

    def __post_init__(self) -> None:
        self.dut, self.rng = Tree(self.config), Random(self.seed)
        self.crypto, self.observer = Crypto(KEYS), Observer(self.config, KEYS, self.root_page)
        self.reads: deque[tuple[int, int]] = deque()
        self.beats: deque[tuple[int, int, int, bool]] = deque()
        self.writes: deque[int] = deque()
        self.blocks: deque[tuple[int, int]] = deque()
        self.jobs: list[tuple[int, dict]] = []
        self.asked: Op | None = None
        self.serving: Op | None = None
        self.command: dict | None = None
        self.command_answer: Answer | None = None
        self.line_failures: deque[tuple[Kind, int, int, int]] = deque()

    def run(self, body: Callable) -> None:
        """Run ``await body(bench)`` in a fresh simulation."""

        async def main(ctx):
            self.ctx = ctx
            for number, key in enumerate(self.crypto.hash_keys):
                ctx.set(self.dut.hash_keys[number], key)
            ctx.set(self.dut.settings, {"active": 1, "root_page": self.root_page})
            await body(self)

        sim = Simulator(self.dut)
        sim.add_clock(1e-6)
        sim.add_testbench(main)
        sim.run()

    # What a test asks

    async def access(self, *ops: Op, limit: int = 20000) -> Op:
        """Put accesses under way and wait until all have ended; return the last."""
        self.ops.extend(ops)
        await self.until(lambda: all(op.state == "done" for op in ops), limit)
        return ops[-1]

    async def write(self, line: int, data: bytes | None = None) -> Op:
        return await self.access(Op(line, self.rng.randbytes(64) if data is None else data))

    async def read(self, line: int) -> Op:
        return await self.access(Op(line))

    async def do(self, op: Command, subtree: int = 0, page: int = 0, limit: int = 60000) -> Answer:
        """Run a command and keep the observer's idea of root entries with it."""
        model = self.observer
        if op is Command.FREE and subtree < self.config.subtrees:
            model.intend(subtree, model.freed(subtree))
        self.command = {"op": op, "subtree": subtree, "page": page, "from": self.cycle}
        self.command_answer = None
        await self.until(lambda: self.command_answer is not None, limit)
        answer = self.command_answer
        assert answer is not None
        if answer.result is Result.OK:
            if op is Command.ALLOC:
                model.set_entry(subtree, model.allocated(subtree, page))
            elif op is Command.FREE:
                model.set_entry(subtree, model.freed(subtree))
                first = subtree * self.config.subtree_lines
                for line in range(first, first + self.config.subtree_lines):
                    self.truth.pop(line, None)
            elif op is Command.UNLOCK:
                model.unlock(subtree)
        return answer

    async def until(self, condition: Callable[[], bool], limit: int = 20000) -> None:
        start = self.cycle
        while not condition():
            await self.step()
            assert self.cycle - start < limit, "nothing more happens"

    async def rest(self) -> None:
        """Let everything come to rest."""
        await self.until(lambda: not (self.writes or self.ops or self.jobs or self.beats or self.reads))
        for _ in range(8):
            await self.step()

    async def check_image(self) -> None:
        """Flush everything and read the image from the root counter on chip down."""
        answer = await self.do(Command.FLUSH_ALL)
        assert answer.result is Result.OK, answer
        await self.rest()
        self.observer.check_flushed_all()
        root_counter = self.ctx.get(self.dut.table.root.counter)
        contents = verify(self.config, KEYS, self.root_page, self.memory, root_counter)
        truth = {line: data for line, data in self.truth.items() if data != ZERO_LINE}
        assert {line: data for line, data in contents.lines.items() if data != ZERO_LINE} == truth
        for number in self.observer.subtrees:
            entry = self.observer.entry(number)
            found = contents.entries.get(number)
            if found is not None or entry != RootEntry():
                assert found is not None
                assert RootEntry(**{key: type(getattr(entry, key))(value) for key, value in found.items()}) == entry

    def cached(self, tree: int, level: int) -> list[int]:
        """Return the places of the nodes of a level that are cached."""
        ways = [(self.ctx.get(way.present), way) for way in self.dut.cache.ways]
        names = [
            (self.ctx.get(w.name.tree), self.ctx.get(w.name.level), self.ctx.get(w.name.place)) for p, w in ways if p
        ]
        return [place for at, lev, place in names if at == tree and lev == level]

    # One cycle

    async def step(self) -> None:
        self._memory()
        self._aes()
        self._line_side()
        self._watch()
        await self.ctx.tick()
        self.cycle += 1

    def _delay(self) -> int:
        return self.latency if self.latency is not None else self.rng.choice((1, 2, 5, 12, 30))

    def _memory(self) -> None:
        ctx, port = self.ctx, self.dut.memory
        ready = self.latency is not None or self.rng.random() < 0.7
        ctx.set(port.read.ready, ready)
        ctx.set(port.write.ready, ready)
        ctx.set(port.beat, 0)
        if self.beats and self.beats[0][0] <= self.cycle and (self.latency is not None or self.rng.random() < 0.8):
            _, line, index, error = self.beats.popleft()
            data = self.memory.get(line, ZERO_LINE)[16 * index : 16 * index + 16]
            ctx.set(port.beat, 1)
            ctx.set(port.beat_index, index)
            ctx.set(port.beat_data, int.from_bytes(data, "little"))
            ctx.set(port.beat_error, error)
        ctx.set(port.write_done, 0)
        if self.writes and self.writes[0] <= self.cycle:
            self.writes.popleft()
            ctx.set(port.write_done, 1)
        if ready and ctx.get(port.read.valid):
            line = ctx.get(port.read.payload)
            at = self.cycle + self._delay()
            self.beats.extend((at + index, line, index, line in self.bad_reads) for index in range(4))
            self.counts["read"] = self.counts.get("read", 0) + 1
        if ready and ctx.get(port.write.valid):
            self.writes.append(self.cycle + self._delay())
            line = ctx.get(port.write.payload.line)
            self.store(line, ctx.get(port.write.payload.data).to_bytes(64, "little"))
            self.counts["write"] = self.counts.get("write", 0) + 1

    def store(self, line: int, data: bytes) -> None:
        """The engine writes a line."""
        # Reads that were accepted before keep what they were to see: Tree never has both under way for one line.
        self.memory[line] = data
        self.observer.check_write(line, data)

    def _aes(self) -> None:
        ctx, port = self.ctx, self.dut.aes
        ready = self.latency is not None or self.rng.random() < 0.7
        ctx.set(port.request.ready, ready)
        ctx.set(port.done, 0)
        if self.blocks and self.blocks[0][0] <= self.cycle:
            _, result = self.blocks.popleft()
            ctx.set(port.done, 1)
            ctx.set(port.result, result)
        if ready and ctx.get(port.request.valid):
            block = ctx.get(port.request.payload.block).to_bytes(16, "little")
            result = int.from_bytes(self.crypto._mask(block), "little")
            delay = 11 if self.latency is not None else self.rng.choice((2, 11, 25))
            self.blocks.append((self.cycle + delay, result))

    # Lines

    def _line_side(self) -> None:
        ctx, dut = self.ctx, self.dut
        ctx.set(dut.line_failure.valid, 0)
        self._lookups()
        self._services()
        self._jobs()
        for op in [op for op in self.ops if op.state == "run"]:
            op.left -= 1
            if op.left <= 0:
                self._perform(op)
        leaf, tree = ctx.get(dut.jobs.query_leaf), ctx.get(dut.jobs.query_tree)
        held = [op for op in self.ops if op.state == "run"]
        ctx.set(dut.jobs.leaf_busy, any(op.line // self.config.arity(1) == leaf for op in held))
        ctx.set(dut.jobs.tree_busy, any(op.tree == tree for op in held))
        for op in [op for op in self.ops if op.state == "done"]:
            self.ops.remove(op)
            if op.pending is not None and op.kind is not Kind.NONE:
                self.observer.failed(op.pending)
        if self.line_failures:
            kind, line, root, at = self.line_failures.popleft()
            ctx.set(dut.line_failure.valid, 1)
            ctx.set(dut.line_failure.failure, {"kind": kind, "line": line, "level": 0, "root": root, "tree": at})
            self._failed(kind, line, 0, root, at)
        self._commands()

    def _lookups(self) -> None:
        ctx, port = self.ctx, self.dut.lookup
        if ctx.get(port.done):
            op, self.asked = self.asked, None
            assert op is not None
            answer = ctx.get(port.answer)
            op.kind = Kind.NONE
            match answer.verdict:
                case Verdict.READY:
                    op.state, op.left, op.tree, op.mac_line = (
                        "run",
                        self.rng.randrange(1, 9),
                        answer.tree,
                        answer.mac_line,
                    )
                    op.old = Counter(answer.old.generation, answer.old.low)
                    op.new = Counter(answer.new.generation, answer.new.low)
                case Verdict.MISS:
                    assert op is not self.serving, "a serviced lookup missed"
                    op.state = "miss"
                case _:
                    op.state, op.kind = "done", Kind(answer.kind)
            op.cycles = self.cycle - op.cycles
            if op is self.serving:
                self.serving = None
        ctx.set(port.request.valid, 0)
        if self.asked is not None:
            return
        serviced = self.serving is not None and self.serving.state == "serviced"
        if serviced:
            op = self.serving
        else:
            lines: set[int] = set()
            op = None
            for each in self.ops:
                if each.state == "lookup" and each.line not in lines:
                    op = each
                    break
                lines.add(each.line)
            if op is None or (self.latency is None and self.rng.random() < 0.2):
                return
        assert op is not None
        if op.data is not None and op.pending is None:
            op.pending = self.observer.announce(op.line, op.data, 2**64 - 1)
        ctx.set(port.request.valid, 1)
        ctx.set(port.request.payload, {"line": op.line, "write": op.data is not None, "serviced": serviced})
        if ctx.get(port.request.ready):
            self.asked, op.cycles = op, self.cycle

    def _services(self) -> None:
        ctx, port = self.ctx, self.dut.service
        if ctx.get(port.done):
            op = self.serving
            assert op is not None and op.state == "service"
            if ctx.get(port.ok):
                op.state = "serviced"
                self.counts["service"] = self.cycle - op.left
            else:
                op.state, op.kind, self.serving = "done", Kind(ctx.get(port.kind)), None
        ctx.set(port.request.valid, 0)
        if self.serving is None:
            op = next((op for op in self.ops if op.state == "miss"), None)
            if op is not None:
                ctx.set(port.request.valid, 1)
                ctx.set(port.request.payload, {"line": op.line, "write": op.data is not None})
                if ctx.get(port.request.ready):
                    self.serving, op.state, op.left = op, "service", self.cycle

    def _mac(self, mac_line: int, line: int) -> int:
        return int.from_bytes(self.memory.get(mac_line, ZERO_LINE)[8 * (line % 8) : 8 * (line % 8) + 8], "little")

    def _open(self, name: LineName, line: int, mac_line: int, old: Counter) -> bytes | None:
        """Return the plaintext of a line, None when its MAC is wrong."""
        if old.low == 0:
            return ZERO_LINE
        cipher = self.memory.get(line, ZERO_LINE)
        if self.crypto.line_mac(name, old, cipher) != self._mac(mac_line, name.number):
            return None
        return self.crypto.pad(name, old, cipher)

    def _close(self, name: LineName, line: int, mac_line: int, new: Counter, plain: bytes) -> None:
        cipher = self.crypto.pad(name, new, plain)
        mac = self.crypto.line_mac(name, new, cipher)
        self.store(line, cipher)
        macs = bytearray(self.memory.get(mac_line, ZERO_LINE))
        macs[8 * (name.number % 8) : 8 * (name.number % 8) + 8] = mac.to_bytes(8, "little")
        self.store(mac_line, bytes(macs))

    def _perform(self, op: Op) -> None:
        name = LineName(op.line, False)
        plain = self._open(name, op.line, op.mac_line, op.old)
        op.state = "done"
        if plain is None:
            op.kind = Kind.LINE_MAC
            self.line_failures.append((Kind.LINE_MAC, op.line, 0, op.tree))
            return
        assert plain == self.truth.get(op.line, ZERO_LINE), f"line {op.line:#x} reads wrong"
        op.answer = plain
        if op.data is not None:
            self._close(name, op.line, op.mac_line, op.new, op.data)
            self.truth[op.line] = op.data

    def _jobs(self) -> None:
        ctx, port = self.ctx, self.dut.jobs
        ctx.set(port.done, 0)
        due = [item for item in self.jobs if item[0] <= self.cycle]
        if due:
            item = self.rng.choice(due)
            self.jobs.remove(item)
            self._end_job(item[1])
        ready = self.latency is not None or self.rng.random() < 0.6
        ctx.set(port.request.ready, ready)
        if ready and ctx.get(port.request.valid):
            job = ctx.get(port.request.payload)
            recrypts = all(kind == JobKind.RECRYPT for kind in (job.kind, *(j.kind for _, j in self.jobs)))
            assert recrypts or not self.jobs, "a job while another is under way"
            if job.kind in (JobKind.RELEASE_MACS, JobKind.DROP_MACS):
                assert all(op.tree != job.tree for op in self.ops if op.state == "run")
            if job.kind == JobKind.RECRYPT and not job.root:
                leaf = job.line // self.config.arity(1)
                assert all(op.line // self.config.arity(1) != leaf for op in self.ops if op.state == "run")
            self.jobs.append((self.cycle + self._delay(), job))

    def _end_job(self, job) -> None:
        ctx, port = self.ctx, self.dut.jobs
        name = LineName(job.seed_line, bool(job.root))
        old, new = Counter(job.old.generation, job.old.low), Counter(job.new.generation, job.new.low)
        ok, plain = True, ZERO_LINE
        if job.kind in (JobKind.READ, JobKind.RECRYPT):
            found = self._open(name, job.line, job.mac_line, old)
            if found is None:
                ok = False
                self.line_failures.append((Kind.LINE_MAC, job.line, job.root, job.tree))
            else:
                plain = found
        if job.kind == JobKind.WRITE:
            plain = job.data.to_bytes(64, "little")
        if ok and job.kind in (JobKind.WRITE, JobKind.RECRYPT):
            self._close(name, job.line, job.mac_line, new, plain)
        ctx.set(port.done, 1)
        ctx.set(port.ok, ok)
        ctx.set(port.kind, Kind.NONE if ok else Kind.LINE_MAC)
        if job.kind == JobKind.READ:
            ctx.set(port.data, int.from_bytes(plain, "little"))

    def _commands(self) -> None:
        ctx, port = self.ctx, self.dut.commands
        if ctx.get(port.done):
            assert self.command is not None
            status = ctx.get(port.status)
            self.command_answer = Answer(
                Result(ctx.get(port.result)),
                {n: getattr(status, n) for n in ("mounted", "valid", "locked", "dirty", "pinned", "generation")},
                ctx.get(port.page),
                self.cycle - self.command["from"],
            )
            self.command = None
        command = self.command
        valid = command is not None and "taken" not in command
        ctx.set(port.request.valid, valid)
        if valid and command is not None:
            ctx.set(port.request.payload, {key: command[key] for key in ("op", "subtree", "page")})
            if ctx.get(port.request.ready):
                command["taken"] = True

    def _watch(self) -> None:
        ctx, port = self.ctx, self.dut.failure
        if ctx.get(port.valid):
            failure = ctx.get(port.failure)
            assert Kind(failure.kind) in INTEGRITY
            self._failed(Kind(failure.kind), failure.line, failure.level, failure.root, failure.tree)

    def _failed(self, kind: Kind, line: int, level: int, root: int, tree: int) -> None:
        self.failures.append((kind, line, level, root))
        if not root:
            self.observer.lock(self.ctx.get(self.dut.table.entries[tree].subtree))
