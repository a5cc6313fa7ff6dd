# SPDX-License-Identifier: Apache-2.0
"""Reference model of the last-level cache, written from docs/llc.md.

The model does not guess when the hardware does something. It is told the order of what happened, checks that each thing
was allowed at that moment, and predicts everything else.

Told, as calls in the order of the hardware:

- :meth:`Llc.accept`   a request was taken;
- :meth:`Llc.reserve`  a way was reserved for a line that misses (with the LFSR's value when replacement is random);
- :meth:`Llc.fetch`    a fetch was sent to memory;
- :meth:`Llc.put_in`   the line was put in, or its fetch failed;
- :meth:`Llc.serve`    a request was answered;
- :meth:`Llc.written`  memory answered a write-back;
- :meth:`Llc.let_go`   the operation went on with the line that it had written back;
- :meth:`Llc.begin`, :meth:`Llc.visit`, :meth:`Llc.finish` of an operation (:mod:`tb.models.llc_operations`).

Predicted: hit or miss, the victim and what is written back, data and errors of answers, the memory's content, results
of operations, the sets' replacement state, and in which cycle a hit is answered (:data:`HIT_CYCLES`).
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from .llc_operations import Action, Op, Operation, Result, Scope, Status, Visit, refusal
from .llc_sets import FREE_WAYS, ZEROS, CacheSet, Shape, Way

HIT_CYCLES: Final = 2
"""Cycles from the one in which a hit is accepted to the one in which it is answered."""
FULL: Final = (1 << 64) - 1


class NotAllowed(AssertionError):
    """Something happened that the contract forbids at that moment."""


def require(condition: bool, what: str) -> None:
    if not condition:
        raise NotAllowed(what)


def merge(old: bytes, new: bytes, strobe: int) -> bytes:
    """Return ``old`` with the bytes of ``new`` that ``strobe`` selects."""
    return bytes(n if strobe >> i & 1 else o for i, (o, n) in enumerate(zip(old, new, strict=True)))


@dataclass(eq=False)
class Request:
    """A read (``data`` None) or a write of a line; ``tag`` is the caller's name for it."""

    line: int
    data: bytes | None = None
    strobe: int = FULL
    tag: int = 0
    failed: bool = False
    """Its fetch failed: it is answered with an error."""
    applied: bool = False
    """A write of a whole line that was put in already."""

    @property
    def nothing(self) -> bool:
        """A write without strobes."""
        return self.data is not None and self.strobe == 0

    @property
    def whole(self) -> bool:
        return self.data is not None and self.strobe == FULL


@dataclass(frozen=True)
class Answer:
    """What a request is answered with: zeros with an error and for a write."""

    data: bytes
    error: bool = False


@dataclass(frozen=True)
class Reservation:
    """A way taken for a miss, and what was in it."""

    way: int
    victim: int | None = None
    write_back: bytes | None = None


@dataclass
class Miss:
    """A line under way into ``way``, until whoever it is for has come again. ``request`` None: for a LOCK."""

    way: int
    request: Request | None
    fetched: bool = False
    """The fetch was sent, or none is needed."""
    there: bool = False
    """The line was put in, or its fetch failed."""
    failed: bool = False


@dataclass(frozen=True)
class Write:
    """A write-back that memory has not answered; ``held``: by an operation, the line is still in the cache."""

    data: bytes
    held: bool = False
    answered: bool = False
    """The operation has yet to go on."""


@dataclass
class Llc:
    """The cache, the requests under way, and memory.

    ``flat`` is what anybody must read at each line, ``dram`` what memory holds; lines in neither are zeros.
    """

    shape: Shape
    dram: dict[int, bytes] = field(default_factory=dict)
    quota: dict[int, int] = field(default_factory=dict)
    way_masks: dict[int, int] = field(default_factory=dict)
    """With way partitioning: for a request's tag the ways that its miss may take, a bit each."""

    def __post_init__(self) -> None:
        self.flat = dict(self.dram)
        self.lost: list[int] = []
        self.broken = False
        self.reset()

    def reset(self) -> None:
        """Forget everything but memory: what was dirty is lost (rule 8)."""
        self.sets = [CacheSet(self.shape) for _ in range(self.shape.sets)]
        self.waiting: dict[int, deque[Request]] = {}
        self.misses: dict[int, Miss] = {}
        self.writing: dict[int, deque[Write]] = {}
        self.operation: Operation | None = None
        self.quota = {}
        self.lost = []
        self.broken = False
        self.flat = dict(self.dram)

    # Looking

    def way_of(self, line: int) -> Way | None:
        """Return the way that holds a line."""
        at = self.set_of(line)
        number = at.find(line)
        return None if number is None else at.ways[number]

    def set_of(self, line: int) -> CacheSet:
        return self.sets[self.shape.set_of(line)]

    def value(self, line: int) -> bytes:
        """Return the newest content of a line, wherever it is."""
        if way := self.way_of(line):
            return way.data
        if writes := self.writing.get(line):
            return writes[-1].data
        return self.dram.get(line, ZEROS)

    def held(self) -> set[int]:
        """Return the lines that an operation has written back and not let go of."""
        return {line for line, writes in self.writing.items() if any(write.held for write in writes)}

    def ready(self, request: Request) -> bool:
        """Return whether a request accepted now is answered :data:`HIT_CYCLES` later: it hits, or needs no line."""
        line = request.line
        if request.nothing or not self.shape.cacheable(line):
            return True
        under_way = bool(self.waiting.get(line)) or line in self.misses
        return self.way_of(line) is not None and not under_way and line not in self.held()

    def locked(self, domain: int) -> int:
        """Return how many lines a domain has locked."""
        return sum(way.owner == domain for way in self.ways())

    def ways(self) -> Iterator[Way]:
        for at in self.sets:
            yield from at.ways

    # Requests

    def accept(self, request: Request) -> bool:
        """Take a request; return whether it is answered :data:`HIT_CYCLES` later."""
        hit = self.ready(request)
        self.waiting.setdefault(request.line, deque()).append(request)
        return hit

    def first(self, line: int) -> Request | None:
        """Return the request that a line is fetched for."""
        if not self.shape.cacheable(line):
            return None
        return next(
            (request for request in self.waiting.get(line, ()) if not (request.failed or request.nothing)), None
        )

    def wanted(self, line: int, lock: bool = False) -> bool:
        """Return whether a request needs a line that is not there, or a LOCK does."""
        if lock:
            return self.operation is not None and self.operation.fetching == line
        return self.first(line) is not None

    def reserve(self, line: int, draw: int = 0, lock: bool = False) -> Reservation:
        """Reserve a way for a line that misses; return it, the victim and its write-back. ``lock``: for a LOCK."""
        require(self.way_of(line) is None, f"line {line:#x} misses, but is there")
        require(line not in self.misses, f"line {line:#x} is under way already")
        require(len(self.misses) < self.shape.mshrs, f"{len(self.misses) + 1} misses with {self.shape.mshrs} MSHRs")
        require(self.wanted(line, lock), f"nobody waits for line {line:#x}")
        at = self.set_of(line)
        first = self.first(line)
        among = -1 if lock or first is None else self.way_masks.get(first.tag, -1)
        number = at.victim(draw, self.held(), among)
        require(number is not None, f"a miss of line {line:#x} found a way, but there is no candidate")
        assert number is not None
        way = at.ways[number]
        assert not way.owner and not way.reserved
        victim, write_back = way.line, way.data if way.dirty else None
        if victim is not None and write_back is not None:
            self.writing.setdefault(victim, deque()).append(Write(write_back))
        way.clear()
        way.reserved = True
        request = None if lock else first
        self.misses[line] = Miss(number, request, fetched=request is not None and request.whole)
        return Reservation(number, victim, write_back)

    def fetch(self, line: int) -> None:
        """A fetch of a line left for memory."""
        miss = self.misses.get(line)
        require(miss is not None and not miss.fetched, f"line {line:#x} is fetched, and nobody asked for that")
        require(line not in self.writing, f"line {line:#x} is fetched before its write-back is answered")
        assert miss is not None
        miss.fetched = True

    def put_in(self, line: int, error: bool = False) -> None:
        """A line that was under way is there; or its fetch ended with an error."""
        require(line in self.misses, f"line {line:#x} is put in, but was not under way")
        miss = self.misses[line]
        require(miss.fetched, f"line {line:#x} is put in, but was not fetched")
        require(not miss.there, f"line {line:#x} is put in twice")
        at = self.set_of(line)
        way, request = at.ways[miss.way], miss.request
        miss.there, miss.failed = True, error
        if error:
            if request is not None:
                request.failed = True
            return
        way.line, way.data, way.dirty = line, self.dram.get(line, ZEROS), False
        if request is not None and request.whole:
            self._write(way, request)
            request.applied = True
        at.touch(miss.way)

    def _came_again(self, line: int, request: Request | None) -> Miss | None:
        """End the miss that a request, or a LOCK, waited for."""
        miss = self.misses.get(line)
        if miss is None or miss.request is not request:
            return None
        require(miss.there, f"line {line:#x} is used before it is there")
        self.set_of(line).ways[miss.way].reserved = False
        return self.misses.pop(line)

    def _write(self, way: Way, request: Request) -> None:
        assert request.data is not None and way.line is not None
        way.data = merge(way.data, request.data, request.strobe)
        way.dirty = way.dirty or request.strobe != 0
        self.flat[way.line] = way.data

    def serve(self, request: Request) -> Answer:
        """A request was answered; return with what."""
        queue = self.waiting[request.line]
        if self.broken or request.nothing or not self.shape.cacheable(request.line):
            queue.remove(request)
            return self._answered(request, Answer(ZEROS, self.broken or not self.shape.cacheable(request.line)))
        require(queue[0] is request, f"request {request.tag} to line {request.line:#x} overtook {queue[0].tag}")
        miss = self._came_again(request.line, request)
        require(miss is not None or request.line not in self.misses, f"request {request.tag} went before the miss")
        if request.failed:
            queue.popleft()
            return self._answered(request, Answer(ZEROS, True))
        at = self.set_of(request.line)
        number = at.find(request.line)
        require(number is not None, f"request {request.tag} to line {request.line:#x} was answered from nothing")
        require(request.line not in self.held(), f"request {request.tag} went to a line that an operation holds")
        assert number is not None
        queue.popleft()
        at.touch(number)
        if request.data is None:
            return self._answered(request, Answer(at.ways[number].data))
        if not request.applied:
            self._write(at.ways[number], request)
        return self._answered(request, Answer(ZEROS))

    def _answered(self, request: Request, answer: Answer) -> Answer:
        if not self.waiting[request.line]:
            del self.waiting[request.line]
        return answer

    # Write-backs

    def written(self, line: int, error: bool = False) -> None:
        """Memory answered the oldest write-back of a line."""
        writes = self.writing.get(line)
        require(bool(writes), f"memory answered a write of line {line:#x} that was never sent")
        assert writes is not None
        write = writes[0]
        if not error:
            self.dram[line] = write.data
        if write.held:
            require(not write.answered, f"memory answered the write of line {line:#x} twice")
            writes[0] = Write(write.data, held=True, answered=True)
            if error:
                self._operation().write_failed(line)
                self._forget(line)
            return
        if error:
            self.lost.append(line)
        self._forget(line)
        if self.way_of(line) is None and line not in self.writing:
            self.flat[line] = self.dram.get(line, ZEROS)

    def _forget(self, line: int) -> None:
        self.writing[line].popleft()
        if not self.writing[line]:
            del self.writing[line]

    def let_go(self, line: int) -> None:
        """The operation goes on with a line that memory has taken: it stays, or is gone."""
        writes, way = self.writing.get(line), self.way_of(line)
        require(bool(writes) and writes[0].answered, f"line {line:#x} is let go before memory has answered")  # pyright: ignore
        assert way is not None and way.data == self.flat.get(line, ZEROS)
        operation = self._operation()
        operation.write_done(line)
        if operation.keeps():
            way.dirty = way.owner != 0
        else:
            way.clear()
        self._forget(line)

    def _operation(self) -> Operation:
        assert self.operation is not None
        return self.operation

    # Operations

    def begin(self, op: int, scope: int, domain: int, addr: int) -> Result | None:
        """Start an operation at a byte address; return why it is refused, or None."""
        require(self.operation is None, "a second operation")
        result = refusal(self.shape, op, scope, domain, addr)
        if result is None:
            self.operation = Operation(Op(op), Scope(scope), domain, addr // 64)
        return result

    def blocked(self, line: int) -> bool:
        """Return whether an operation must wait before it comes to a line (rule 19)."""
        return line in self.misses or line in self.writing

    def visit(self, line: int) -> Visit:
        """The operation comes to a line; return what it does there."""
        operation = self.operation
        require(operation is not None, "no operation is running")
        assert operation is not None
        require(operation.expects(line), f"{operation.op.name} came to line {line:#x}, out of turn")
        if operation.fetching == line and line in self.misses:
            miss = self._came_again(line, None)
            if miss is not None and miss.failed:
                return operation.fetch_failed(line)
        require(not self.blocked(line), f"{operation.op.name} came to line {line:#x} while it is under way")
        way = self.way_of(line)
        visit = operation.act(line, way, self._lockable(line, operation.domain))
        if visit.action is Action.WRITE:
            assert way is not None
            self.writing.setdefault(line, deque()).append(Write(way.data, held=True))
            return Visit(visit.action, visit.result, way.data)
        if way is None:
            return visit
        if visit.action is Action.LOCK:
            way.owner, way.dirty = operation.domain, True
        elif visit.action is Action.DROP:
            dirty = way.dirty
            way.clear()
            if dirty:
                self.flat[line] = self.dram.get(line, ZEROS)
        return visit

    def _lockable(self, line: int, domain: int) -> Result:
        """Return why one more line may not be locked for a domain, or DONE."""
        if self.locked(domain) >= self.quota.get(domain, 0):
            return Result.QUOTA
        if self.set_of(line).unlocked() <= self.shape.free_ways:
            return Result.SET_FULL
        return Result.DONE

    def finish(self) -> tuple[Result, int | None, Status | None]:
        """The operation ended; return its result, the line that it was refused at, and what STATUS tells."""
        operation = self.operation
        require(operation is not None, "no operation is running")
        assert operation is not None
        require(operation.ended and not self.held(), f"{operation.op.name} ended before its work was done")
        self.operation = None
        return operation.result, operation.refused_at, operation.status

    # What is always true

    def check(self, memory: Mapping[int, bytes] | None = None) -> None:
        """Raise when a rule about the state is broken; ``memory``: the real one, to be equal to the model's."""
        for at in self.sets:
            assert at.unlocked() >= FREE_WAYS, "LLC.LOCK_QUOTA: fewer than two unlocked ways"
            for way in at.ways:
                assert not way.owner or (way.line is not None and way.dirty), "a locked way is invalid or clean"
                assert not way.owner or way.owner <= self.shape.domains
                assert not way.reserved or not way.owner
                if way.line is not None:
                    assert self.sets[self.shape.set_of(way.line)] is at
                    assert (way.line in self.misses) == way.reserved
                    assert way.dirty or way.data == self.dram.get(way.line, ZEROS), f"line {way.line:#x} is clean?"
            at_misses = [miss for line, miss in self.misses.items() if self.set_of(line) is at]
            assert sorted(miss.way for miss in at_misses) == [n for n, way in enumerate(at.ways) if way.reserved]
        for line in self.flat.keys() | self.dram.keys():
            assert self.value(line) == self.flat.get(line, ZEROS), f"a write to line {line:#x} is lost"
        if memory is not None:
            for line in self.dram.keys() | memory.keys():
                assert memory.get(line, ZEROS) == self.dram.get(line, ZEROS), f"memory differs at line {line:#x}"
