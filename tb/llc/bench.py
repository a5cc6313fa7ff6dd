# SPDX-License-Identifier: Apache-2.0
"""The core of the last-level cache between somebody who requests, somebody who operates, and a memory.

Addresses are line numbers. Everything outside of the core happens here, a part for each neighbour; in every cycle each
part first drives what it says in that cycle, then looks at what came of it.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tb.models.llc import FULL
from tb.models.llc_operations import Op, Result, Scope, Status
from tb.models.llc_sets import ZEROS
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.signature import Command as CommandLayout
from yingzhou.llc.signature import Events, request, trace
from yingzhou.llc.signature import Status as StatusLayout

from .library import TAG_BITS, USERS, new_core
from .pack import Pack
from .scoreboard import Scoreboard

LIMIT: Final = 20_000
"""Cycles without any answer after which the core is taken to hang."""


@dataclass(frozen=True)
class Pace:
    """How the neighbours behave: chances (0 to 1) of a pause, and latencies of memory in cycles, both ends included."""

    request: float = 0.0
    """That nobody requests in a cycle although a request waits."""
    memory: float = 0.0
    """That memory takes no read, or no write."""
    beat: float = 0.0
    """That memory sends no beat."""
    read: tuple[int, int] = (8, 8)
    write: tuple[int, int] = (4, 4)


FAST: Final = Pace()
ROUGH: Final = Pace(request=0.3, memory=0.4, beat=0.4, read=(1, 40), write=(1, 60))


@dataclass(eq=False)
class Access:
    """A request and what came of it. ``data`` None: a read."""

    line: int
    data: bytes | None = None
    strobe: int = FULL
    port: int = 0
    tag: int = -1
    accepted: int = -1
    answered: int = -1
    answer: bytes = ZEROS
    error: bool = False

    @property
    def cycles(self) -> int:
        """Cycles from the one in which it was accepted to the one in which it was answered."""
        return self.answered - self.accepted

    @property
    def hit(self) -> bool:
        return self.cycles == 2


@dataclass(frozen=True)
class Done:
    """How an operation ended; ``cycles`` from the one in which it was accepted to the one in which it ended."""

    result: Result
    line: int
    status: Status
    cycles: int


@dataclass(frozen=True)
class Command:
    op: int
    scope: int
    domain: int
    address: int


@dataclass
class Bench:
    """One core from its reset on. ``memory`` holds lines; those that were never written are zeros.

    ``bad_reads`` and ``bad_writes`` are lines whose reads and writes memory answers with an error.
    """

    config: LlcConfig
    seed: int = 1
    pace: Pace = FAST
    memory: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.core = new_core(self.config, self.seed)
        self.request = Pack(request(self.config, TAG_BITS))
        self.command, self.status, self.events = Pack(CommandLayout), Pack(StatusLayout), Pack(Events)
        self.trace = Pack(trace(self.config))
        self.bad_reads: set[int] = set()
        self.bad_writes: set[int] = set()
        self.quota = [0] * self.config.domains
        self.way_masks = [(1 << self.config.ways) - 1] * USERS
        self.board = Scoreboard(self.config, self.memory)
        self.cycle = 0
        self.reset()

    # Running

    def reset(self, cycles: int = 2) -> None:
        """Reset the core and everything around it but memory; wait until the sets are invalid."""
        self.queues: list[deque[Access]] = [deque() for _ in range(USERS)]
        self.open: dict[tuple[int, int], Access] = {}
        self.tags = [deque(range(1 << TAG_BITS)) for _ in range(USERS)]
        self.offered = [False] * USERS
        self.commands: deque[Command] = deque()
        self.running: tuple[Command, int] | None = None
        self.done: deque[Done] = deque()
        self.reads: deque[tuple[int, int]] = deque()
        self.beat = 0
        self.sending, self.failing = ZEROS, 0
        self.writes: deque[tuple[int, bytes, int]] = deque()
        self.fetched: list[int] = []
        self.written: list[tuple[int, bytes]] = []
        self.counted = dict[str, int](hit=0, miss=0, write_back=0, lock=0)
        self.failures: list[tuple[int, int]] = []
        self.board.reset()
        for name in self.core.inputs:
            self.core.set(name, 0)
        self.core.set("rst", 1)
        for _ in range(cycles):
            self.tick()
        self.core.set("rst", 0)
        self.set_quota(*([0] * self.config.domains))
        if self.config.way_masks:
            self.set_way_masks(*self.way_masks)

    def set_quota(self, *lines: int) -> None:
        """Set the quotas of domains 1, 2 and so on."""
        self.quota[: len(lines)] = lines
        self.board.model.quota = dict(enumerate(self.quota, 1))
        bits = self.config.count_bits
        self.core.set("quota__quota", sum(value << bits * n for n, value in enumerate(self.quota)))

    def set_way_masks(self, *masks: int) -> None:
        """Set which ways the misses of each user may take, a bit a way."""
        self.way_masks[:] = masks
        self.board.model.way_masks = dict(enumerate(masks))
        self.core.set("way_masks", sum(mask << self.config.ways * n for n, mask in enumerate(masks)))

    def counts(self) -> list[int]:
        """Return how many lines each domain has locked, domain 1 first."""
        bits, packed = self.config.count_bits, self.core.get("quota__count")
        return [packed >> bits * n & (1 << bits) - 1 for n in range(self.config.domains)]

    def tick(self) -> None:
        """One cycle of the core with the inputs as they are driven."""
        self.core.cycle()

    def step(self) -> None:
        """One cycle of everything."""
        self._drive_requests()
        self._drive_operations()
        self._drive_memory()
        self.tick()
        # What is decided in the cycle of memory's answer to a write does not yet know of it.
        self._look_trace()
        self._look_writes()
        self._look_requests()
        self._look_operations()
        self._look_memory()
        self._look_rest()
        self.board.end_cycle()
        self.cycle += 1

    def idle(self, cycles: int) -> None:
        for _ in range(cycles):
            self.step()

    @property
    def busy(self) -> bool:
        """Whether anything is queued or under way."""
        outside = any(self.queues) or self.open or self.commands or self.running or self.reads or self.writes
        return bool(outside or self.board.writes)

    def settle(self, quiet: int = 6) -> None:
        """Run until nothing has been under way for some cycles."""
        still, limit = 0, self.cycle + LIMIT
        while still < quiet:
            self.step()
            still = 0 if self.busy else still + 1
            assert self.cycle < limit, (
                f"no end: queued {[len(queue) for queue in self.queues]}, open {list(self.open.values())}, operation "
                f"{self.running}, at memory {list(self.reads)} {[line for line, *_ in self.writes]}"
            )
        self.board.at_rest(self.counts(), self.counted, self.failures)

    def do(self, accesses: Iterable[Access]) -> list[Access]:
        """Queue accesses, and run until everything is at rest."""
        queued = list(accesses)
        for access in queued:
            self.queues[access.port].append(access)
        self.settle()
        return queued

    def read(self, line: int) -> Access:
        return self.do([Access(line)])[0]

    def write(self, line: int, data: bytes, strobe: int = FULL) -> Access:
        return self.do([Access(line, data, strobe)])[0]

    def operate(self, op: int, domain: int, line: int = 0, scope: int = Scope.LINE, address: int | None = None) -> Done:
        """Have an operation carried out, alone."""
        self.start(op, domain, line, scope, address)
        self.settle()
        return self.done.pop()

    def start(self, op: int, domain: int, line: int = 0, scope: int = Scope.LINE, address: int | None = None) -> None:
        """Queue an operation; how it ended will be in ``done``."""
        self.commands.append(Command(op, scope, domain, 64 * line if address is None else address))

    def lock(self, domain: int, *lines: int) -> None:
        """Lock lines, with enough quota."""
        before = tuple(self.quota)
        self.set_quota(*[self.config.lines] * self.config.domains)
        for line in lines:
            assert self.operate(Op.LOCK, domain, line).result is Result.DONE
        self.set_quota(*before)

    # Who requests

    def _drive_requests(self) -> None:
        for port, queue in enumerate(self.queues):
            tags = self.tags[port]
            if queue and tags and not self.offered[port] and self.rng.random() >= self.pace.request:
                self.offered[port] = True
                access = queue[0]
                access.tag = tags.popleft()
                self.core.set(f"user{port}__request__payload", self._packed(access))
            self.core.set(f"user{port}__request__valid", self.offered[port])

    def _packed(self, access: Access) -> int:
        if access.data is None:
            return self.request.pack(line=access.line, tag=access.tag)
        return self.request.pack(
            line=access.line,
            write=1,
            strobe=access.strobe,
            data=int.from_bytes(access.data, "little"),
            tag=access.tag,
        )

    def _look_requests(self) -> None:
        get = self.core.get
        for port, queue in enumerate(self.queues):
            if get(f"user{port}__answer"):
                self._answered(port, get(f"user{port}__answer_tag"))
            if self.offered[port] and get(f"user{port}__request__ready"):
                self.offered[port] = False
                access = queue.popleft()
                access.accepted = self.cycle
                self.open[port, access.tag] = access
                self.board.accept((port, access.tag), access.line, access.data, access.strobe)

    def _answered(self, port: int, tag: int) -> None:
        get = self.core.get
        assert (port, tag) in self.open, f"an answer to tag {tag} of user {port}, of no request"
        access = self.open.pop((port, tag))
        self.tags[port].append(tag)
        access.answered, access.error = self.cycle, bool(get(f"user{port}__answer_error"))
        access.answer = self.core.bytes_of(f"user{port}__answer_data")
        assert bool(get(f"user{port}__answer_write")) == (access.data is not None)
        assert access.data is None and not access.error or access.answer == ZEROS
        assert access.cycles >= 2
        self.board.answer((port, tag), access.answer, access.error)

    # Who operates

    def _drive_operations(self) -> None:
        self.core.set("operation__request__valid", bool(self.commands))
        if self.commands:
            command = self.commands[0]
            packed = self.command.pack(**vars(command))
            self.core.set("operation__request__payload", packed)

    def _look_operations(self) -> None:
        get = self.core.get
        if get("operation__done"):
            assert self.running is not None, "an operation ended that was never begun"
            _, begun = self.running
            self.running = None
            told: Any = self.status.unpack(get("operation__status"))
            status = Status(bool(told["present"]), bool(told["locked"]), told["owner"])
            end = Done(Result(get("operation__result")), get("operation__line"), status, self.cycle - begun)
            self.done.append(end)
            self.board.end(end.result, end.line, status)
        if self.commands and get("operation__request__ready"):
            assert self.running is None, "a second operation was accepted"
            self.running = self.commands.popleft(), self.cycle
            self.board.begin(**vars(self.running[0]))

    # Memory: whole lines, answered in order

    def _due(self, latency: tuple[int, int]) -> int:
        return self.cycle + self.rng.randint(*latency)

    def _drive_memory(self) -> None:
        set_, rng, pace = self.core.set, self.rng, self.pace
        set_("memory__read__ready", rng.random() >= pace.memory)
        set_("memory__write__ready", rng.random() >= pace.memory)
        beat = bool(self.reads) and self.reads[0][1] <= self.cycle and rng.random() >= pace.beat
        set_("memory__beat", beat)
        if beat:
            line = self.reads[0][0]
            if self.beat == 0:
                self.sending = self.memory.get(line, ZEROS)
                self.failing = self.rng.randrange(1, 16) if line in self.bad_reads else 0
            error = self.failing >> self.beat & 1
            part = bytes(16) if error else self.sending[16 * self.beat : 16 * self.beat + 16]
            set_("memory__beat_index", self.beat)
            set_("memory__beat_data", int.from_bytes(part, "little"))
            set_("memory__beat_error", error)
        answered = bool(self.writes) and self.writes[0][2] <= self.cycle
        set_("memory__write_done", answered)
        set_("memory__write_error", answered and self.writes[0][0] in self.bad_writes)

    def _look_writes(self) -> None:
        if self.core.driven("memory__write_done"):
            line, data, _ = self.writes.popleft()
            if line not in self.bad_writes:
                self.memory[line] = data
            self.board.written(line, line in self.bad_writes)

    def _look_trace(self) -> None:
        if packed := self.core.get("seen"):
            self.board.decide(self.trace.unpack(packed))

    def _look_memory(self) -> None:
        get = self.core.get
        if self.core.driven("memory__beat"):
            self.beat = (self.beat + 1) % 4
            if self.beat == 0:
                line, _ = self.reads.popleft()
                self.board.fetch_ended(line, self.failing != 0)
        if get("memory__read__valid") and self.core.driven("memory__read__ready"):
            line = get("memory__read__payload")
            assert line not in {line for line, *_ in self.writes}, f"line {line:#x} is fetched while it is written"
            assert line not in {line for line, _ in self.reads}, f"line {line:#x} is fetched twice"
            self.reads.append((line, self._due(self.pace.read)))
            self.fetched.append(line)
            self.board.fetch(line)
        if get("memory__write__valid") and self.core.driven("memory__write__ready"):
            packed = get("memory__write__payload")
            line, data = self.unpack_write(packed)
            self.writes.append((line, data, self._due(self.pace.write)))
            self.written.append((line, data))
            self.board.write(line, data)

    def unpack_write(self, packed: int) -> tuple[int, bytes]:
        bits = self.config.line_bits
        return packed & (1 << bits) - 1, (packed >> bits).to_bytes(64, "little")

    # The rest

    def _look_rest(self) -> None:
        get = self.core.get
        if get("failure__valid"):
            self.failures.append((get("failure__kind"), get("failure__line")))
        if packed := get("events"):
            for name, value in self.events.unpack(packed).items():
                self.counted[name] += value
