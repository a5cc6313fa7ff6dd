# SPDX-License-Identifier: Apache-2.0
"""Any order that the contract allows: requests, misses, write-backs and operations, one event at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tb.models.llc import FULL, Answer, Llc, Request
from tb.models.llc_operations import Action, Op, Result, Scope
from tb.models.llc_sets import ZEROS, Replacement, Shape

LINES: Final = 24
"""Lines that requests go to, from line 0; some of them lie in a page that is operated on."""


def random_strobe(rng: Random) -> int:
    """Return a strobe: whole, none, one byte, an aligned part, or anything."""
    kind = rng.randrange(5)
    if kind == 0:
        return FULL
    if kind == 1:
        return 0 if rng.random() < 0.3 else 1 << rng.randrange(64)
    if kind == 2:
        return 0xFFFF << 16 * rng.randrange(4)
    return rng.getrandbits(64)


@dataclass
class Schedule:
    """A model, and everything that may happen to it next. ``errors``: chance that memory answers with an error."""

    shape: Shape
    seed: int
    errors: float = 0.0
    lines: int = LINES
    ends: list[tuple[Op, Result, int | None]] = field(default_factory=list)
    """What operations came to: operation, result, line."""

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.dram = {line: self.rng.randbytes(64) for line in range(0, self.lines, 2)}
        self.model = Llc(self.shape, dict(self.dram))
        self.model.quota = {domain: self.rng.choice((0, 2, 8, 8, 8)) for domain in range(1, self.shape.domains + 1)}
        self.oracle = dict(self.dram)
        self.expected: dict[int, bytes] = {}
        """By tag: what a read accepted now must answer, when neither errors nor DISCARD happen."""
        self.answers: dict[int, Answer] = {}
        self.requests: dict[int, Request] = {}
        self.visited: list[int] = []

    # What may happen now

    def events(self) -> list[Callable[[], None]]:
        """Return every event that the contract allows now, but for new requests and operations."""
        model = self.model
        found: list[Callable[[], None]] = []
        for line, queue in model.waiting.items():
            miss = model.misses.get(line)
            own = miss is None or miss.request is queue[0] and miss.there
            usable = model.way_of(line) is not None and line not in model.held()
            if queue[0].nothing or own and (queue[0].failed or usable):
                found.append(lambda request=queue[0]: self.serve(request))
            elif self.may_reserve(line) and model.wanted(line):
                found.append(lambda line=line: self.reserve(line, False))
        for line, miss in model.misses.items():
            if miss.there:
                continue
            if miss.fetched:
                found.append(lambda line=line: model.put_in(line, self.fails()))
            elif line not in model.writing:
                found.append(lambda line=line: model.fetch(line))
        for line, writes in model.writing.items():
            if writes[0].answered:
                found.append(lambda line=line: model.let_go(line))
            else:
                found.append(lambda line=line: model.written(line, self.fails()))
        return found + self.operation_events()

    def operation_events(self) -> list[Callable[[], None]]:
        model, operation = self.model, self.model.operation
        if operation is None:
            return []
        if operation.fetching is not None and self.may_reserve(operation.fetching):
            if model.way_of(operation.fetching) is None:
                return [lambda line=operation.fetching: self.reserve(line, True)]
        if operation.scope is Scope.ALL:
            nexts = [way.line for way in model.ways() if way.line is not None and way.line not in self.visited][:1]
            if operation.ended and (not nexts or operation.result is not Result.DONE):
                return [self.finish]
        else:
            nexts = operation.left[:1]
            if operation.ended:
                return [self.finish]
        return [lambda line=line: self.visit(line) for line in nexts if self.may_visit(line)]

    def may_visit(self, line: int) -> bool:
        """Return whether the operation may come to a line: it is not under way, or it came for the operation."""
        operation, miss = self.model.operation, self.model.misses.get(line)
        assert operation is not None
        if operation.fetching == line and miss is not None and miss.request is None:
            return miss.there
        waits = operation.fetching is not None and self.model.way_of(line) is None
        return not waits and not self.model.blocked(line) and operation.expects(line)

    def may_reserve(self, line: int) -> bool:
        model = self.model
        at = model.set_of(line)
        return (
            model.way_of(line) is None
            and line not in model.misses
            and len(model.misses) < self.shape.mshrs
            and at.victim(0, model.held()) is not None
        )

    def fails(self) -> bool:
        return self.rng.random() < self.errors

    # Events

    def reserve(self, line: int, lock: bool) -> None:
        """A way is taken: never a locked one, and what was dirty is written back."""
        before = {way.line: (way.owner, way.dirty, way.data) for way in self.model.ways()}
        at = self.model.set_of(line)
        empty = at.empty()
        taken = self.model.reserve(line, self.rng.getrandbits(16), lock)
        if empty:
            assert taken.victim is None and taken.way == min(empty)
            return
        owner, dirty, data = before[taken.victim]
        assert taken.victim is not None and owner == 0
        assert taken.write_back == (data if dirty else None)

    def accept(self) -> None:
        rng, line = self.rng, self.rng.randrange(self.lines)
        write = rng.random() < 0.5
        tag = len(self.requests)
        data, strobe = (rng.randbytes(64), random_strobe(rng)) if write else (None, FULL)
        request = Request(line, data, strobe, tag)
        self.requests[tag] = request
        self.model.accept(request)
        now = self.oracle.get(line, ZEROS)
        if data is None:
            self.expected[tag] = now
        else:
            self.oracle[line] = bytes(
                d if strobe >> i & 1 else n for i, (d, n) in enumerate(zip(data, now, strict=True))
            )

    def serve(self, request: Request) -> None:
        assert request.tag not in self.answers
        self.answers[request.tag] = self.model.serve(request)

    def begin(self, discard: bool) -> None:
        rng = self.rng
        op = rng.choice([Op.LOCK] * 8 + [op for op in Op if discard or op is not Op.DISCARD])
        scope = rng.choice([Scope.LINE] * 3 + list(Scope))
        domain = rng.randint(1, 2) if rng.random() < 0.8 else rng.randrange(self.shape.domains + 2)
        addr = 64 * rng.randrange(self.lines) if scope is Scope.LINE else 4096 * rng.randrange(2)
        self.visited = []
        self.model.begin(op, scope, domain, addr)

    def visit(self, line: int) -> None:
        """The operation comes to a line; somebody else's locked lines stay as they are."""
        operation, way = self.model.operation, self.model.way_of(line)
        assert operation is not None
        before = None if way is None else (way.owner, way.data)
        visit = self.model.visit(line)
        if visit.action is not Action.FETCH:
            self.visited.append(line)
        if way is not None and before is not None and before[0] not in (0, operation.domain):
            assert (way.owner, way.data) == before and visit.action in (Action.NOTHING, Action.REFUSE)

    def finish(self) -> None:
        operation = self.model.operation
        assert operation is not None
        result, line, _ = self.model.finish()
        self.ends.append((operation.op, result, line))

    # Runs

    def run(self, steps: int, discard: bool = False) -> None:
        """Let anything happen, then wait for what is under way; the rules hold after every event."""
        for _ in range(steps):
            choices = self.events()
            if len(self.requests) - len(self.answers) < 8:
                choices += [self.accept] * 2
            if self.model.operation is None and self.rng.random() < 0.3:
                choices.append(lambda: self.begin(discard))
            self.rng.choice(choices)()
            self.model.check()
        for _ in range(100 * steps):
            if not (choices := self.events()):
                break
            self.rng.choice(choices)()
            self.model.check()
        assert not self.model.waiting and not self.model.misses and not self.model.writing
        assert self.model.operation is None and self.answers.keys() == self.requests.keys()


SHAPES: Final = [
    Shape(ways=ways, sets=sets, replacement=replacement, mshrs=mshrs)
    for ways, sets, mshrs in ((4, 2, 4), (4, 4, 2), (8, 2, 4), (8, 16, 4))
    for replacement in Replacement
]
