# SPDX-License-Identifier: Apache-2.0
"""Reference model of the GPT guard, written from its rules in terms of sets of pages.

Nothing is taken from the RTL or its check: paging modes, rule numbers and the meaning of an area are stated here again,
and a set of pages is a Python ``range``. :class:`Guard` answers for one read; :class:`Port` also follows walks on a
walker port and keeps the fault record and the counters.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum


class Rule(IntEnum):
    """Rule that refuses, by its register number; ``ALLOW`` is none."""

    ALLOW = 0
    HOST_AREA = 1
    HOST_LEAF = 2
    ENCLAVE_AREA = 3
    RESET_DENY = 4


HOST, ENCLAVE = 0, 1
OFF, HPT_AREA, ENCLAVE_TABLES, RESERVED = 0, 1, 2, 3


@dataclass(frozen=True)
class Mode:
    """A paging mode: levels, address bits a level, bits of the page number in a PTE, whether a PTE has the N bit."""

    levels: int
    index_bits: int
    ppn_bits: int
    napot: bool


MODES = {"sv32": Mode(2, 10, 22, False), "sv39": Mode(3, 9, 44, True), "sv48": Mode(4, 9, 44, True)}


@dataclass(frozen=True)
class Area:
    """An area entry: what it holds, the levels of the tables in it, its pages."""

    kind: int = OFF
    levels: frozenset[int] = frozenset()
    pages: range = range(0)


def meets(a: range, b: range) -> bool:
    """Return whether two sets of pages have a page in common."""
    return max(a.start, b.start) < min(a.stop, b.stop)


@dataclass(frozen=True)
class Pte:
    """What the guard looks at in a PTE."""

    valid: bool
    read: bool
    write: bool
    execute: bool
    ppn: int
    napot: bool

    @classmethod
    def decode(cls, mode: Mode, word: int) -> "Pte":
        """Read the fields of a PTE."""
        flag = [bool(word >> bit & 1) for bit in range(4)]
        return cls(*flag, ppn=(word >> 10) % 2**mode.ppn_bits, napot=mode.napot and bool(word >> 63))

    @property
    def leaf(self) -> bool:
        return self.read or self.write or self.execute

    def pages(self, mode: Mode, level: int) -> range:
        """Return every page that this leaf, read from a table of ``level``, may map."""
        count = 2 ** (mode.index_bits * level)
        if self.napot:
            count = 16 if level == 0 and self.ppn % 16 == 8 else count * 2**mode.index_bits
        start = self.ppn // count * count
        return range(start, start + count)


@dataclass
class Guard:
    """Configuration of a guard and its verdicts on single reads."""

    mode: str
    pa_width: int
    protection_bit: int | None
    enable: bool = False
    world: int = HOST
    areas: list[Area] = field(default_factory=list)
    devices: range = range(0)

    @property
    def paging(self) -> Mode:
        return MODES[self.mode]

    def read(self, page: int, level: int) -> Rule:
        """Judge the read of a PTE that lies in ``page``, in a table of ``level``."""
        if not self.enable:
            return Rule.RESET_DENY
        kind, refusal = (HPT_AREA, Rule.HOST_AREA) if self.world == HOST else (ENCLAVE_TABLES, Rule.ENCLAVE_AREA)
        granted = [area for area in self.areas if area.kind == kind and level in area.levels and page in area.pages]
        return Rule.ALLOW if granted and level < self.paging.levels else refusal

    def protected(self, pages: range) -> bool:
        """Return whether a page of ``pages`` is in the protected window."""
        if self.protection_bit is None:
            return False
        if pages.start in self.devices and pages.stop - 1 in self.devices:
            return False
        window = 2 ** (self.protection_bit - 12)
        block, offset = divmod(pages.start, window)
        next_protected = pages.start if block % 2 == 1 else pages.start - offset + window
        return next_protected < pages.stop

    def windows(self, pages: range) -> Iterator[range]:
        """Yield ``pages``, none of which is in the protected window, as they are and as seen through that window."""
        yield pages
        if self.protection_bit is not None and pages.start not in self.devices:
            shift = 2 ** (self.protection_bit - 12)
            yield range(pages.start + shift, pages.stop + shift)

    def target(self, word: int, level: int) -> Rule:
        """Judge what a PTE that was read from a table of ``level`` points to."""
        pte = Pte.decode(self.paging, word)
        implemented = 2 ** (self.pa_width - 12)
        if not pte.valid:
            return Rule.ALLOW
        if not pte.leaf:
            if pte.ppn < implemented:
                return Rule.ALLOW
            return Rule.HOST_AREA if self.world == HOST else Rule.ENCLAVE_AREA
        if self.world == ENCLAVE:
            return Rule.ALLOW
        pages = pte.pages(self.paging, level)
        if pages.stop > implemented or self.protected(pages):
            return Rule.HOST_LEAF
        for area in self.areas:
            closed = area.kind in (ENCLAVE_TABLES, RESERVED) or (area.kind == HPT_AREA and pte.write)
            if closed and any(meets(window, area.pages) for window in self.windows(pages)):
                return Rule.HOST_LEAF
        return Rule.ALLOW

    def answer(self, page: int, level: int, word: int) -> Rule:
        """Judge a PTE that is back from ``page``: as a read made now, then by what it points to."""
        return self.read(page, level) or self.target(word, level)


@dataclass(frozen=True)
class Fault:
    """The first refusal since the record was cleared."""

    world: int
    leaf: bool
    level: int
    rule: Rule
    address: int
    page: int


@dataclass
class Record:
    """Fault record and counters of a guard."""

    fault: Fault | None = None
    allowed: int = 0
    refused: dict[Rule, int] = field(default_factory=lambda: {rule: 0 for rule in Rule if rule})

    def note(self, fault: Fault) -> None:
        """Count a refusal, and keep it when it is the first."""
        self.refused[fault.rule] = min(self.refused[fault.rule] + 1, 2**32 - 1)
        self.fault = self.fault or fault

    def pass_one(self) -> None:
        """Count a PTE that reached the walker."""
        self.allowed = (self.allowed + 1) % 2**32


@dataclass
class Port:
    """A guard on a walker's port: the level follows the walk, refusals are recorded."""

    guard: Guard
    record: Record = field(default_factory=Record)
    level: int | None = None

    def _level(self) -> int:
        return self.guard.paging.levels if self.level is None else self.level

    def start(self) -> None:
        """Begin a walk: the next read is of the root."""
        self.level = self.guard.paging.levels - 1

    def _refuse(self, address: int, rule: Rule, leaf: bool, word: int) -> None:
        page = Pte.decode(self.guard.paging, word).ppn if rule == Rule.HOST_LEAF else 0
        self.record.note(Fault(self.guard.world, leaf, self._level(), rule, address, page))
        self.level = None

    def request(self, address: int, write: bool = False) -> Rule:
        """Judge a transfer before it is made."""
        if write:
            self.level = None
        rule = self.guard.read(address // 4096, self._level())
        if rule:
            self._refuse(address, rule, False, 0)
        return rule

    def respond(self, address: int, word: int) -> Rule:
        """Judge the answer to an allowed transfer and take the walk one step on."""
        rule = self.guard.answer(address // 4096, self._level(), word)
        if rule:
            self._refuse(address, rule, True, word)
            return rule
        self.record.pass_one()
        pte = Pte.decode(self.guard.paging, word)
        down = pte.valid and not pte.leaf and self.level not in (None, 0)
        self.level = self.level - 1 if down and self.level is not None else None
        return rule

    def give_up(self) -> None:
        """End the walk without an answer: a bus error, or a transfer that the walker dropped."""
        self.level = None

    def with_world(self, world: int) -> None:
        """Switch the world."""
        self.guard = replace(self.guard, world=world)
