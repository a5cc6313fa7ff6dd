# SPDX-License-Identifier: Apache-2.0
"""Which lines are locked, from operations and their answers (docs/llc.md, rules 12 to 22): how each may end.

What is not known is whether a line that is not locked is in the cache, and dirty. So an operation that meets a line of
which memory refuses reads or writes may end with MEMORY_ERROR; one that meets its domain's own locked line must.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tb.models.llc_operations import Op, Result, Scope, refusal
from tb.models.llc_sets import FREE_WAYS, PAGE_LINES, Replacement, Shape
from yingzhou.llc.config import LlcConfig


@dataclass(frozen=True)
class Command:
    """An operation as it was asked for; ``addr`` is a byte address."""

    op: int
    scope: int
    domain: int
    addr: int

    @property
    def lines(self) -> range:
        """Lines of scope LINE and PAGE."""
        first = self.addr // 64
        return range(first, first + (PAGE_LINES if self.scope == Scope.PAGE else 1))


def shape_of(config: LlcConfig) -> Shape:
    """Return what the model wants to know of a configuration."""
    ranges = [(first // 64, end // 64) for first, end in config.ranges]
    return Shape(
        ways=config.ways,
        sets=config.sets,
        domains=config.domains,
        mshrs=config.mshrs,
        replacement=Replacement(config.replacement),
        cacheable=lambda line: any(first <= line < end for first, end in ranges),
    )


class Locks:
    """``owner`` of each locked line. ``fails(line, write)``: memory refuses an access to a line."""

    def __init__(self, shape: Shape, lines: int, fails: Callable[[int, bool], bool]):
        self.shape, self.capacity, self.fails = shape, lines, fails
        self.reset()

    def reset(self) -> None:
        self.owner: dict[int, int] = {}
        self.quota: dict[int, int] = {}

    def count(self, domain: int) -> int:
        """Return how many lines a domain has locked."""
        return sum(owner == domain for owner in self.owner.values())

    def others(self, line: int, domain: int) -> bool:
        """Return whether a line is locked for another domain."""
        return self.owner.get(line, domain) != domain

    def touched(self, command: Command, known: Iterable[int]) -> list[int]:
        """Return the lines that an operation that is not refused as a whole may change; ``known`` for scope ALL."""
        lines = known if command.scope == Scope.ALL else command.lines
        return [line for line in lines if not self.others(line, command.domain)]

    def refused(self, command: Command) -> Result | None:
        """Return why an operation is refused as a whole, or None."""
        return refusal(self.shape, command.op, command.scope, command.domain, command.addr)

    def end(self, command: Command, result: Result, at: int, still_locked: Callable[[int], bool]) -> None:
        """An operation ended with ``result`` at line ``at``. It was allowed to; know what is locked now.

        ``still_locked`` is asked for what the answer does not tell: what was unlocked before a failure.
        """
        why = self.refused(command)
        if why is not None:
            assert (result, at) == (why, 0), f"{command}: {result.name} at {at:#x}, not {why.name}"
            return
        match command.op:
            case Op.LOCK:
                expected = self._lock(command, result, at, still_locked)
            case Op.UNLOCK:
                expected = self._unlock(command, result, at, still_locked)
            case Op.CLEAN | Op.FLUSH:
                expected = self._clean(command, result, at, still_locked)
            case _:
                expected = Result.DONE, 0
                if command.op == Op.DISCARD:
                    for line in self._own(command):
                        del self.owner[line]
        assert (result, at) == expected, f"{command}: {result.name} at {at:#x}, not {expected}"
        for number in {line % self.shape.sets for line in self.owner}:
            held = sum(line % self.shape.sets == number for line in self.owner)
            assert held <= self.shape.ways - FREE_WAYS, f"LLC.LOCK_QUOTA: {held} ways of set {number} are locked"

    def _own(self, command: Command) -> list[int]:
        """Return the locked lines of the domain in the scope, in their order."""
        own = sorted(line for line, owner in self.owner.items() if owner == command.domain)
        return own if command.scope == Scope.ALL else [line for line in own if line in command.lines]

    def lockable(self, line: int, domain: int) -> Result:
        """Return why a line cannot be locked, or DONE."""
        if self.others(line, domain):
            return Result.OTHER_OWNER
        if line in self.owner:
            return Result.DONE
        if self.count(domain) >= min(self.quota.get(domain, 0), self.capacity):
            return Result.QUOTA
        number = line % self.shape.sets
        if sum(other % self.shape.sets == number for other in self.owner) >= self.shape.ways - FREE_WAYS:
            return Result.SET_FULL
        return Result.DONE

    def _lock(
        self, command: Command, result: Result, at: int, still_locked: Callable[[int], bool]
    ) -> tuple[Result, int]:
        mine: list[int] = []
        for line in command.lines:
            why = self.lockable(line, command.domain)
            there = line in self.owner
            if why is Result.DONE and not there and (result, at) == (Result.MEMORY_ERROR, line):
                assert self.fails(line, False), f"LOCK failed at line {line:#x}, of which memory refuses nothing"
                why = Result.MEMORY_ERROR
            if why is not Result.DONE:
                for own in mine:
                    # A write-back that fails on the way back leaves its line locked.
                    if not self.fails(own, True):
                        del self.owner[own]
                return why, line
            if not there:
                self.owner[line] = command.domain
                mine.append(line)
        return Result.DONE, 0

    def _unlock(
        self, command: Command, result: Result, at: int, still_locked: Callable[[int], bool]
    ) -> tuple[Result, int]:
        if command.scope == Scope.ALL:
            return self._all(command, at, still_locked)
        unlocked = 0
        for line in command.lines:
            if self.others(line, command.domain):
                return Result.OTHER_OWNER, line
            if line in self.owner:
                if self.fails(line, True):
                    return Result.MEMORY_ERROR, line
                del self.owner[line]
                unlocked += 1
        return (Result.DONE if unlocked else Result.NOT_LOCKED), 0

    def _all(self, command: Command, at: int, still_locked: Callable[[int], bool]) -> tuple[Result, int]:
        """UNLOCK of all lines of a domain, in the order of sets and ways, which is not known."""
        own = self._own(command)
        if not any(self.fails(line, True) for line in own):
            for line in own:
                del self.owner[line]
            return Result.DONE, 0
        self._forget(own, still_locked)
        assert at in own and self.fails(at, True) and at in self.owner, f"{command} failed at {at:#x}"
        return Result.MEMORY_ERROR, at

    def _forget(self, own: Iterable[int], still_locked: Callable[[int], bool]) -> None:
        for line in own:
            if not self.fails(line, True) and not still_locked(line):
                del self.owner[line]

    def _clean(
        self, command: Command, result: Result, at: int, still_locked: Callable[[int], bool]
    ) -> tuple[Result, int]:
        """CLEAN and FLUSH: lines that are not locked may be dirty or not."""
        own = self._own(command)
        flush = command.op == Op.FLUSH
        if result is Result.DONE:
            assert not any(self.fails(line, True) for line in own), f"{command} is done, and memory refuses a line"
            for line in own if flush else ():
                del self.owner[line]
            return Result.DONE, 0
        inside = command.scope == Scope.ALL or at in command.lines
        assert inside and self.fails(at, True) and not self.others(at, command.domain), f"{command} failed at {at:#x}"
        if flush:
            self._forget([line for line in own if command.scope == Scope.ALL or line < at], still_locked)
        return Result.MEMORY_ERROR, at


__all__ = ["Command", "Locks", "shape_of"]
