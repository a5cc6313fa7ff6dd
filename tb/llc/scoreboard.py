# SPDX-License-Identifier: Apache-2.0
"""Everything that the core does, compared with the model: each decision as it is made, each answer, each write-back."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from tb.models.llc import HIT_CYCLES, Answer, Llc, Request
from tb.models.llc_operations import Action, Result, Status
from tb.models.llc_sets import FREE_WAYS, Replacement, Shape
from yingzhou.llc.config import LlcConfig

CHECK_CYCLES: Final = 64
"""How often the rules about the whole state are looked at while it runs."""


def shape_of(config: LlcConfig) -> Shape:
    """Return the model's numbers of a configuration."""
    ranges = [range(first // 64, end // 64) for first, end in config.ranges]
    return Shape(
        ways=config.ways,
        sets=config.sets,
        domains=config.domains,
        mshrs=config.mshrs,
        replacement=Replacement(config.replacement),
        free_ways=config.ways if config.way_masks else FREE_WAYS,
        cacheable=lambda line: any(line in part for part in ranges),
    )


def lfsr(state: int) -> int:
    """Return the state after ``state``: x^16 + x^14 + x^13 + x^11 + 1, shifted left (rule 11)."""
    bit = (state >> 15 ^ state >> 13 ^ state >> 12 ^ state >> 10) & 1
    return (state << 1 | bit) & 0xFFFF


@dataclass
class Scoreboard:
    """Compares one core. ``model`` follows it; ``victims`` are the ways that misses took, in order."""

    config: LlcConfig
    memory: dict[int, bytes]
    victims: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The core was reset: what it held is lost."""
        self.model = Llc(shape_of(self.config), dict(self.memory))
        self.requests: dict[tuple[int, int], tuple[Request, int]] = {}
        self.due: dict[int, tuple[Request, Answer]] = {}
        self.writes: dict[int, deque[bytes]] = {}
        self.fetched: dict[int, bool] = {}
        self.refused: Result | None = None
        self.hits: dict[int, Request] = {}
        self.counted = dict[str, int](hit=0, miss=0, write_back=0, lock=0)
        self.failures: list[tuple[int, int]] = []
        self.draw = 1
        self.cycle = 0

    # Requests

    def accept(self, key: tuple[int, int], line: int, data: bytes | None, strobe: int) -> None:
        """A request of a port and with a tag was accepted."""
        request = Request(line, data, strobe, key[0])
        self.requests[key] = request, self.cycle
        if self.model.accept(request):
            self.hits[self.cycle + HIT_CYCLES - 1] = request

    def answer(self, key: tuple[int, int], data: bytes, error: bool) -> None:
        """A request was answered."""
        request, accepted = self.requests.pop(key)
        served, expected = self.due.pop(self.cycle, (None, None))
        assert served is request, f"line {request.line:#x} of {key}, accepted in cycle {accepted}, is answered unserved"
        assert expected == Answer(data, error), f"line {request.line:#x}: {data.hex()}, error {error}; not {expected}"

    # Decisions

    def decide(self, seen: dict[str, int]) -> None:
        """The core decided something in this cycle (:func:`yingzhou.llc.signature.trace`)."""
        kinds = [kind for kind in ("visit", "reserve", "put_in", "finish", "serve") if seen[kind]]
        assert len(kinds) <= 1 or kinds == ["visit", "reserve"], f"more than one decision in a cycle: {seen}"
        for kind in kinds:
            getattr(self, kind)(seen)

    def serve(self, seen: dict[str, int]) -> None:
        request = self._served(seen["line"], seen["port"])
        miss = self.model.misses.get(request.line)
        found = self.model.way_of(request.line) is not None and not request.nothing
        self.counted["hit"] += found and (miss is None or miss.request is not request)
        self.due[self.cycle + 1] = request, self.model.serve(request)

    def _served(self, line: int, port: int) -> Request:
        """Return the request that was served: the oldest to its line, or one that need not wait."""
        if (now := self.hits.pop(self.cycle, None)) is not None:
            assert (now.line, now.tag) == (line, port), f"line {now.line:#x} should hit now, served is {line:#x}"
            return now
        queue = self.model.waiting.get(line)
        assert queue, f"line {line:#x} is served to nobody"
        assert queue[0].tag == port, f"line {line:#x} is served to {port}, but first is {queue[0].tag}"
        return queue[0]

    def reserve(self, seen: dict[str, int]) -> None:
        line = seen["line"]
        assert seen["draw"] == self.draw, f"the LFSR is {seen['draw']:#x} in cycle {self.cycle}, not {self.draw:#x}"
        taken = self.model.reserve(line, seen["draw"], bool(seen["lock"]))
        assert taken.way == seen["way"], f"line {line:#x} takes way {seen['way']} (was {taken.victim}), not {taken.way}"
        self.victims.append(taken.way)
        self.counted["miss"] += not seen["lock"]
        if taken.victim is not None and taken.write_back is not None:
            self._expect_write(taken.victim, taken.write_back)

    def put_in(self, seen: dict[str, int]) -> None:
        line = seen["line"]
        miss = self.model.misses.get(line)
        assert miss is not None and miss.way == seen["way"], f"line {line:#x} is put into way {seen['way']}: {miss}"
        whole = miss.request is not None and miss.request.whole
        assert whole or line in self.fetched, f"line {line:#x} is put in before it came"
        failed = False if whole else self.fetched.pop(line)
        assert failed == bool(seen["error"]), f"the fetch of line {line:#x} ended with {failed}, seen {seen['error']}"
        self.model.put_in(line, failed)

    def visit(self, seen: dict[str, int]) -> None:
        visit = self.model.visit(seen["line"])
        self.counted["lock"] += visit.action is Action.LOCK
        if visit.data is not None:
            self._expect_write(seen["line"], visit.data)

    def finish(self, seen: dict[str, int]) -> None:
        self.model.let_go(seen["line"])

    # Memory

    def _expect_write(self, line: int, data: bytes) -> None:
        self.writes.setdefault(line, deque()).append(data)

    def fetch(self, line: int) -> None:
        self.model.fetch(line)

    def fetch_ended(self, line: int, error: bool) -> None:
        """Memory sent the last beat of a line."""
        self.fetched[line] = error

    def write(self, line: int, data: bytes) -> None:
        """Memory took a write-back."""
        expected = self.writes.get(line)
        assert expected, f"line {line:#x} is written back, and was not decided to be"
        assert expected.popleft() == data, f"line {line:#x} is written back with {data.hex()}"
        if not expected:
            del self.writes[line]

    def written(self, line: int, error: bool) -> None:
        """Memory answered a write-back."""
        write = self.model.writing[line][0]
        operation = self.model.operation
        undoing = write.held and operation is not None and operation.undoing
        if error and (not write.held or undoing):
            self.failures.append((1, line))
        self.model.written(line, error)
        self.counted["write_back"] += not error

    # Operations

    def begin(self, op: int, scope: int, domain: int, address: int) -> None:
        self.refused = self.model.begin(op, scope, domain, address)

    def end(self, result: Result, line: int, status: Status) -> None:
        """An operation ended."""
        if self.refused is not None:
            expected: tuple[Any, ...] = self.refused, 0, Status(False, False, 0)
        else:
            kind, at, told = self.model.finish()
            names_line = kind in (Result.QUOTA, Result.SET_FULL, Result.OTHER_OWNER, Result.MEMORY_ERROR)
            expected = kind, at if names_line else 0, told or Status(False, False, 0)
        assert (result, line, status) == expected, f"ended with {(result, line, status)}, not {expected}"
        self.refused = None

    # Cycles

    def end_cycle(self) -> None:
        """Everything of a cycle was told."""
        missed = self.hits.get(self.cycle)
        assert missed is None, f"line {missed.line:#x} was there, and is not served" if missed else ""
        if self.cycle % CHECK_CYCLES == 0:
            self.model.check()
        self.draw = lfsr(self.draw)
        self.cycle += 1

    def at_rest(self, counts: list[int], events: dict[str, int], failures: list[tuple[int, int]]) -> None:
        """Nothing is under way: nothing is left over, memory is the model's, counts and records fit."""
        assert not self.requests and not self.due and not self.writes
        assert not self.model.misses and not self.model.writing and self.model.operation is None
        assert counts == [self.model.locked(domain) for domain in range(1, self.config.domains + 1)]
        for name in events:
            assert events[name] == self.counted[name], f"{name}: counted {events[name]}, seen {self.counted[name]}"
        assert failures == self.failures, f"recorded {failures}, not {self.failures}"
        self.model.check(self.memory)
