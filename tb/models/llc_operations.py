# SPDX-License-Identifier: Apache-2.0
"""Operations of the model of the last-level cache: what is refused, what each does at a line (docs/llc.md)."""

from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from typing import Final

from .llc_sets import LINE_BYTES, PAGE_LINES, Shape, Way


class Op(IntEnum):
    LOCK = 1
    UNLOCK = 2
    CLEAN = 3
    FLUSH = 4
    DISCARD = 5
    STATUS = 6


class Scope(IntEnum):
    LINE = 0
    PAGE = 1
    ALL = 2


class Result(IntEnum):
    DONE = 0
    BAD_COMMAND = 1
    BAD_DOMAIN = 2
    BAD_ADDRESS = 3
    TOO_LARGE = 4
    QUOTA = 5
    SET_FULL = 6
    OTHER_OWNER = 7
    NOT_LOCKED = 8
    MEMORY_ERROR = 9


SCOPES: Final = {
    Op.LOCK: (Scope.LINE, Scope.PAGE),
    Op.UNLOCK: (Scope.LINE, Scope.PAGE, Scope.ALL),
    Op.CLEAN: (Scope.LINE, Scope.PAGE, Scope.ALL),
    Op.FLUSH: (Scope.LINE, Scope.PAGE, Scope.ALL),
    Op.DISCARD: (Scope.LINE, Scope.PAGE, Scope.ALL),
    Op.STATUS: (Scope.LINE,),
}
"""Scopes of each operation."""
FOR_NOBODY: Final = (Op.CLEAN, Op.FLUSH, Op.DISCARD, Op.STATUS)
"""Operations that may be made for domain 0."""
SIZES: Final = {Scope.LINE: LINE_BYTES, Scope.PAGE: LINE_BYTES * PAGE_LINES, Scope.ALL: 1}


def refusal(shape: Shape, op: int, scope: int, domain: int, addr: int) -> Result | None:
    """Return why a whole operation is refused (rule 21), the lowest result that applies; None: it is carried out."""
    if op not in tuple(Op) or scope not in SCOPES[Op(op)]:
        return Result.BAD_COMMAND
    if not (1 <= domain <= shape.domains or domain == 0 and op in FOR_NOBODY):
        return Result.BAD_DOMAIN
    if scope != Scope.ALL:
        lines = SIZES[Scope(scope)] // LINE_BYTES
        inside = all(shape.cacheable(addr // LINE_BYTES + line) for line in (0, lines - 1))
        if addr % SIZES[Scope(scope)] or not inside:
            return Result.BAD_ADDRESS
    if op == Op.LOCK and scope == Scope.PAGE and not shape.page_fits:
        return Result.TOO_LARGE
    return None


class Action(Enum):
    """What an operation does when it comes to a line."""

    NOTHING = auto()
    REFUSE = auto()
    FETCH = auto()
    """The line is fetched; the operation comes to it again."""
    LOCK = auto()
    WRITE = auto()
    """The line is written back and held; what becomes of it is decided when memory has answered."""
    DROP = auto()
    """The line is invalid and unlocked at once."""


@dataclass(frozen=True)
class Visit:
    """What came of a visit; ``data``: what is written back."""

    action: Action
    result: Result = Result.DONE
    data: bytes | None = None


@dataclass(frozen=True)
class Status:
    """What STATUS tells of a line."""

    present: bool
    locked: bool
    owner: int


@dataclass
class Operation:
    """One operation from its start to its end. ``left``: lines it has yet to come to; empty for scope ALL."""

    op: Op
    scope: Scope
    domain: int
    first: int
    left: list[int] = field(init=False)
    result: Result = Result.DONE
    refused_at: int | None = None
    status: Status | None = None
    fetching: int | None = None
    writing: int | None = None
    undoing: bool = False
    """A LOCK that was refused unlocks what it had locked (rule 20), in any order."""
    locked: list[int] = field(default_factory=list)
    unlocked: int = 0

    def __post_init__(self) -> None:
        lines = {Scope.LINE: 1, Scope.PAGE: PAGE_LINES, Scope.ALL: 0}[self.scope]
        self.left = list(range(self.first, self.first + lines))

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do; a walk over all lines is ended by the hardware."""
        return not self.left and self.fetching is None and self.writing is None

    def expects(self, line: int) -> bool:
        """Return whether the operation may come to a line now: page lines in ascending order."""
        if self.writing is not None or self.result is not Result.DONE and not self.undoing:
            return False
        if self.scope is Scope.ALL:
            return True
        return line in self.left if self.undoing else self.left[:1] == [line]

    def act(self, line: int, way: Way | None, lockable: Result) -> Visit:
        """Return what the operation does at a line; ``lockable``: why it could not be locked, or DONE."""
        self.fetching = None
        visit = Visit(Action.WRITE) if self.undoing else self._act(way, lockable)
        match visit.action:
            case Action.FETCH:
                self.fetching = line
                return visit
            case Action.REFUSE:
                self._refuse(line, visit.result)
                return visit
            case Action.WRITE:
                self.writing = line
            case Action.LOCK:
                self.locked.append(line)
        if line in self.left:
            self.left.remove(line)
        if self.op is Op.UNLOCK and not self.left and self.writing is None:
            self._end_unlock(line)
        return visit

    def _act(self, way: Way | None, lockable: Result) -> Visit:
        owner = way.owner if way else 0
        others = owner not in (0, self.domain)
        match self.op:
            case Op.STATUS:
                self.status = Status(way is not None, owner != 0, owner)
                return Visit(Action.NOTHING)
            case Op.LOCK if others:
                return Visit(Action.REFUSE, Result.OTHER_OWNER)
            case Op.LOCK if owner:
                return Visit(Action.NOTHING)
            case Op.LOCK if lockable is not Result.DONE:
                return Visit(Action.REFUSE, lockable)
            case Op.LOCK:
                return Visit(Action.LOCK if way else Action.FETCH)
            case Op.UNLOCK if others and self.scope is not Scope.ALL:
                return Visit(Action.REFUSE, Result.OTHER_OWNER)
            case Op.UNLOCK if owner == self.domain:
                return Visit(Action.WRITE)
            case Op.CLEAN | Op.FLUSH if way and not others and way.dirty:
                return Visit(Action.WRITE)
            case Op.FLUSH | Op.DISCARD if way and not others:
                return Visit(Action.DROP)
        return Visit(Action.NOTHING)

    def _end_unlock(self, line: int) -> None:
        """UNLOCK of lines of which none was locked says so."""
        if self.result is Result.DONE and not self.unlocked and self.scope is not Scope.ALL:
            self.result = Result.NOT_LOCKED
            self.refused_at = line if self.scope is Scope.LINE else None

    def _refuse(self, line: int, result: Result) -> None:
        if not self.undoing:
            self.result, self.refused_at = result, line
            self.left = list(self.locked)
            self.undoing = bool(self.locked)

    def fetch_failed(self, line: int) -> Visit:
        """The fetch for a LOCK ended with an error."""
        assert self.fetching == line
        self.fetching = None
        self._refuse(line, Result.MEMORY_ERROR)
        return Visit(Action.REFUSE, Result.MEMORY_ERROR)

    def write_done(self, line: int) -> None:
        """The write-back of a visit was answered."""
        assert self.writing == line
        self.writing = None
        self.unlocked += self.op is Op.UNLOCK

    def write_failed(self, line: int) -> None:
        """The write-back of a visit failed: the line stays as it was."""
        assert self.writing == line
        self.writing = None
        self._refuse(line, Result.MEMORY_ERROR)

    def keeps(self) -> bool:
        """Return whether a line stays when it has been written back."""
        return self.op is Op.CLEAN
