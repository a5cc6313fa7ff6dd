# SPDX-License-Identifier: Apache-2.0
"""What an engine does, against the model: every write to memory, every answer, in the order of events.

A read may see any version of a line from the last one that was answered before the read was issued to the last one that
was issued before the read was answered; a refused write makes no version. Answers with an error must have a reason, and
carry zeros.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tb.bus.bursts import Burst, Chunk, chunks
from tb.models.mmt import ZERO_LINE, merge
from tb.models.mmt_observer import Observer, Pending

from .library import Event, Kind

OKAY, SLVERR = 0, 2


@dataclass
class Version:
    """A content of a line: made by ``chunk``, or what the line was before (None).

    ``unsure``: the write failed and nobody knows whether it was made, so the line may be what it was (``plains``).
    """

    chunk: Chunk | None
    pending: Pending | None
    plains: set[bytes]
    done: bool = False
    unsure: bool = False


@dataclass
class History:
    """Versions of a line; ``base`` counts those that were forgotten."""

    versions: list[Version]
    base: int = 0

    def remake(self, place: int) -> None:
        """Make the versions from ``place`` on again, each of the one before."""
        for before, version in zip(self.versions[place - 1 :], self.versions[place:], strict=False):
            chunk = version.chunk
            assert chunk is not None
            made = {merge(plain, chunk.data, chunk.strobe) for plain in before.plains}
            version.plains = made | before.plains if version.unsure else made

    def last_done(self) -> int:
        """Return the number of the newest version that is certain."""
        newest = max(i for i, version in enumerate(self.versions) if version.done)
        return self.base + newest


@dataclass
class Result:
    """How a burst ended: response of each beat (of a write: one), data of each beat of a read."""

    burst: Burst
    responses: list[int]
    data: list[bytes] = field(default_factory=list)
    cycles: int = 0

    @property
    def ok(self) -> bool:
        return not any(self.responses)


@dataclass
class Operation:
    """A burst under way."""

    burst: Burst
    chunks: list[Chunk]
    issued: int = 0
    versions: list[tuple[int, Version]] = field(default_factory=list)
    oldest: list[int] = field(default_factory=list)


class Scoreboard:
    """Compares events with the model.

    Parameters
    ----------
    model : Observer
    base : int
        First byte of memory.
    protection : int
        The protection bit's value, 0 when everything is protected.
    reason : callable
        Says of a line number whether an access may end in an error now, and whether it may end well.
    """

    def __init__(self, model: Observer, base: int, protection: int, reason: Callable[[int | None], tuple[bool, bool]]):
        self.model, self.base, self.protection, self.reason = model, base, protection, reason
        self.operations: dict[int, Operation] = {}
        self.results: dict[int, Result] = {}
        self.lite: dict[int, tuple[int, int]] = {}
        self.irq = False
        self.reads: list[tuple[int, int]] = []
        self.errors = 0
        self._lines: dict[int, History] = {}
        self._raw: dict[int, bytes] = {}

    def submit(self, tag: int, burst: Burst) -> None:
        """A burst is on its way to the engine."""
        self.operations[tag] = Operation(burst, chunks(burst))

    def number(self, line: int) -> int | None:
        """Return the line number in memory of a line of addresses, None for what is outside or not protected."""
        line -= (self.protection | self.base) // 64
        return line if 0 <= line < self.model.shape.memory_lines else None

    def feed(self, events: Iterable[Event]) -> None:
        """Take what happened."""
        for event in events:
            match event.kind:
                case Kind.MEMORY_WRITE:
                    self.model.check_write((event.addr - self.base) // 64, event.data)
                case Kind.READ_DONE:
                    self._read_done(event)
                case Kind.WRITE_DONE:
                    self._write_done(event)
                case Kind.READ_ISSUED:
                    operation = self.operations[event.tag]
                    operation.issued = event.cycle
                    numbers = [self.number(chunk.line) for chunk in operation.chunks]
                    operation.oldest = [0 if number is None else self.line(number).last_done() for number in numbers]
                case Kind.WRITE_ISSUED:
                    self._write_issued(event)
                case Kind.MEMORY_READ:
                    self.reads.append((event.addr, event.cycle))
                case Kind.LITE_DONE:
                    self.lite[event.tag] = (event.resp, event.addr)
                case Kind.IRQ:
                    self.irq = bool(event.resp)
                case Kind.PROTOCOL:
                    raise AssertionError(f"cycle {event.cycle}: {event.data.decode()}")

    def line(self, number: int) -> History:
        """Return the versions of a line."""
        history = self._lines.get(number)
        if history is None:
            at = self.model.subtrees.get(number // self.model.shape.subtree_lines)
            plain = ZERO_LINE if at is None or at.tree is None else self.model.expected_line(number)
            history = self._lines[number] = History([Version(None, None, {plain}, True)])
        return history

    def rest(self) -> None:
        """Nothing is under way: check it, and forget old versions."""
        assert not self.operations, f"no answer to {[str(op.burst) for op in self.operations.values()][:3]}"
        self.model.check_quiet()
        for number, history in self._lines.items():
            held = self.model.subtrees.get(number // self.model.shape.subtree_lines)
            tainted = number // self.model.shape.subtree_lines in self.model.tainted
            if held is not None and held.tree is not None and not tainted:
                assert history.versions[-1].plains == {self.model.expected_line(number)}, f"line {number:#x}"
        self._lines.clear()
        self.reads.clear()

    def _write_issued(self, event: Event) -> None:
        operation = self.operations[event.tag]
        operation.issued = event.cycle
        for chunk in operation.chunks:
            number = self.number(chunk.line)
            if number is not None:
                self.announce(operation, number, chunk)

    def announce(self, operation: Operation, number: int, chunk: Chunk) -> None:
        """A line of a burst is on its way."""
        history = self.line(number)
        pending = self.model.announce(number, chunk.data, chunk.strobe)
        version = Version(chunk, pending, set())
        history.versions.append(version)
        history.remake(len(history.versions) - 1)
        operation.versions.append((number, version))

    def _write_done(self, event: Event) -> None:
        operation = self.operations.pop(event.tag)
        cycles = event.cycle - operation.issued
        self.results[event.tag] = Result(operation.burst, [event.resp], [], cycles)
        assert event.resp in (OKAY, SLVERR), f"response {event.resp} to {operation.burst}"
        failed = event.resp != OKAY
        numbers = [self.number(chunk.line) for chunk in operation.chunks]
        if self.protection and not operation.burst.addr & self.protection:
            return
        may_fail, may_pass = zip(*(self.reason(number) for number in numbers), strict=True)
        assert any(may_fail) if failed else all(may_pass), (
            f"cycle {event.cycle}: {operation.burst} answered with {event.resp}"
        )
        self.errors += failed
        for number, version in operation.versions:
            version.done = True
            if failed:
                self._fail(number, version)

    def _fail(self, number: int, version: Version) -> None:
        """A burst failed: this line of it was written, or not. Written lines have been seen in memory, if explained."""
        history = self._lines[number]
        assert version.pending is not None
        subtree, index = divmod(number, self.model.shape.subtree_lines)
        place = next(i for i, item in enumerate(history.versions) if item is version)
        if subtree in self.model.tainted:
            version.unsure = True
        else:
            at = self.model.subtrees.get(subtree)
            if at is not None and at.tree is not None:
                waiting = self.model.follow(at.tree).pending.get(index, ())
                if not any(item is version.pending for item in waiting):
                    return
            del history.versions[place]
        self.model.failed(version.pending)
        history.remake(place)

    def _read_done(self, event: Event) -> None:
        operation = self.operations.pop(event.tag)
        burst, beats = operation.burst, operation.burst.beats
        data = [event.data[16 * i : 16 * i + 16] for i in range(beats)]
        responses = list(event.data[16 * beats :])
        self.results[event.tag] = Result(burst, responses, data, event.cycle - operation.issued)
        if self.protection and not burst.addr & self.protection:
            return
        for chunk, oldest in zip(operation.chunks, operation.oldest, strict=True):
            self._check_chunk(event, burst, chunk, oldest, data, [responses[beat] for beat in chunk.beats])

    def _check_chunk(
        self, event: Event, burst: Burst, chunk: Chunk, oldest: int, data: list[bytes], responses: list[int]
    ) -> None:
        number = self.number(chunk.line)
        may_fail, may_pass = self.reason(number)
        where = f"cycle {event.cycle}: line {chunk.line:#x} of {burst}"
        assert len(set(responses)) == 1 and responses[0] in (OKAY, SLVERR), f"{where}: responses {responses}"
        if responses[0]:
            self.errors += 1
            assert may_fail, f"{where}: an error without a reason"
            assert not any(any(data[beat]) for beat in chunk.beats), f"{where}: data beside an error"
            return
        assert may_pass and number is not None, f"{where}: should have been refused"
        history = self.line(number)
        versions = history.versions[max(0, oldest - history.base) :]
        accepted = [plain for version in versions for plain in version.plains]
        for plain in accepted:
            if all(
                data[beat][lane] == plain[burst.beat_addr(beat) % 64 // 16 * 16 + lane]
                for beat in chunk.beats
                for lane in burst.lanes(beat)
            ):
                return
        got = b"".join(data[beat] for beat in chunk.beats)
        raise AssertionError(f"{where}: {got.hex()}, not one of {[plain.hex() for plain in accepted]}")
