# SPDX-License-Identifier: Apache-2.0
"""The memory engine under test: the native library, its registers, the scoreboard, and an attacker at the memory.

Addresses here are line numbers in memory unless a name says otherwise. Whoever drives the bench says before an access
which subtrees it has tampered with (:attr:`Bench.suspect`): those may answer errors, all others must not.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import Final

from tb.bus.bursts import FULL, Burst, line_read, line_write
from tb.models.mmt import Mmt, RootEntry
from tb.models.mmt_crypto import Keys
from tb.models.mmt_layout import ROOT, Place
from tb.models.mmt_observer import Observer
from yingzhou.mmt.config import MmtConfig

from .library import FAST, Library, Stop, Traffic, built
from .scoreboard import Result, Scoreboard


class Op(IntEnum):
    """Commands (rtl/yingzhou/regs/rdl/mmt.rdl)."""

    NOP = 0
    ALLOC = 1
    FREE = 2
    MOUNT = 3
    UNMOUNT = 4
    FLUSH = 5
    FLUSH_ALL = 6
    UNLOCK = 7
    STATUS = 8
    PIN = 9
    UNPIN = 10


RESULTS: Final = (
    "OK", "BAD_ADDRESS", "OVERLAP", "ALREADY_ALLOCATED", "NOT_ALLOCATED", "ALREADY_MOUNTED", "NOT_MOUNTED",
    "TABLE_FULL", "LOCKED", "INTEGRITY", "EXHAUSTED", "NOT_READY", "BAD_COMMAND", "PINNED",
)  # fmt: skip
KINDS: Final = (
    "NONE", "LINE_MAC", "NODE_MAC", "MEMORY_ERROR", "EXHAUSTED", "NOT_ALLOCATED", "LOCKED", "NOT_READY", "OUTSIDE",
    "TABLE_FULL",
)  # fmt: skip

CONTROL, STATUS, ROOT_PAGE_LO, ROOT_PAGE_HI = 0x10, 0x14, 0x18, 0x1C
SUBTREE, PAGE_LO, PAGE_HI, OP = 0x20, 0x24, 0x28, 0x2C
ANSWER, ANSWER_GENERATION, ANSWER_PAGE_LO, ANSWER_PAGE_HI = 0x30, 0x34, 0x38, 0x3C
FAILURE, DENIED = 0x40, 0x50
COUNTS: Final = {
    name: 0x80 + 4 * i
    for i, name in enumerate(
        ("leaf_hit", "leaf_miss", "mac_hit", "mac_miss", "node_read", "node_write", "mount", "unmount", "overflow")
        + ("failure", "denied")
    )
}
LIMIT: Final = 300_000
"""Cycles after which the engine is taken to hang."""


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    result: str
    mounted: bool
    valid: bool
    locked: bool
    dirty: bool
    pinned: bool
    generation: int
    page: int


@dataclass(frozen=True)
class Record:
    """A failure or a refusal that the engine recorded; ``line`` in memory."""

    kind: str
    level: int
    root: bool
    line: int


class Refusal(AssertionError):
    """A command that should have been carried out was not."""


class Bench:
    """One engine from its first reset on.

    Parameters
    ----------
    config : MmtConfig
    seed : int
        Of keys and of everything random at the ports.
    root_page : int
        Page of the meta zone, from the start of memory.
    engine : Library or None
        The simulation; by default built from the configuration.
    """

    def __init__(
        self,
        config: MmtConfig,
        seed: int = 1,
        root_page: int = 1,
        traffic: Traffic = FAST,
        engine: Library | None = None,
        start: bool = True,
    ):
        self.config, self.root_page, self.rng, self.traffic = config, root_page, Random(seed), traffic
        self.engine = engine or built(config, seed)
        self.engine.configure(traffic)
        self.protection = 0 if config.protection_bit is None else 1 << config.protection_bit
        self.base_page = config.memory_base // 4096
        self._tag = 0
        self.suspect: set[int] = set()
        self.refusing: set[int] = set()
        self.ending: set[int] = set()
        """Subtrees that are freed beside accesses: those answered late may be of before."""
        self.everything = False
        self.model: Observer
        self.board: Scoreboard
        self.reset()
        if start:
            self.start()

    # Reset and start

    def reset(self, keys: bytes | None = None, offer: bool = True) -> None:
        """Reset with new keys; ``offer`` gives the engine its random words."""
        material = keys or self.rng.randbytes(48)
        self.engine.reset()
        self.model = Observer(
            self.config, Keys(material[:16], material[16:32], material[32:]), self.root_page, self._memory()
        )
        base = self.config.memory_base
        self.board = Scoreboard(self.model, base, self.protection, self.reason)
        self.suspect, self.refusing, self.ending, self.everything = set(), set(), set(), False
        self._poked: dict[int, tuple[bytes, bytes]] = {}
        if offer:
            self.engine.entropy([int.from_bytes(material[4 * i : 4 * i + 4], "little") for i in range(12)])

    def _memory(self) -> dict[int, bytes]:
        base = self.config.memory_base
        return {(addr - base) // 64: self.engine.peek(addr) for addr in self.engine.lines()}

    def start(self) -> None:
        """Wait for the keys, say where the meta zone is, and enable."""
        status = self.until(STATUS, 0x001, 0x001)
        assert status & 0xF00 == 0, f"the engine does not start: status {status:#x}"
        page = self.root_page + self.base_page
        self.write_register(ROOT_PAGE_LO, page & 0xFFFF_FFFF)
        self.write_register(ROOT_PAGE_HI, page >> 32)
        self.write_register(CONTROL, 1)
        assert self.read_register(STATUS) & 2, "the engine is not active"

    # Running

    def run(self, cycles: int = LIMIT, beats: int = 0) -> Stop:
        """Run, and check what happens."""
        while True:
            stop = self.engine.run(cycles, beats)
            self.board.feed(self.engine.events())
            if stop is not Stop.EVENTS:
                return stop

    def settle(self) -> dict[int, Result]:
        """Run until nothing is under way; return what was answered since the last time, by tag."""
        stop = self.run()
        assert stop is Stop.IDLE, f"no end after {LIMIT} cycles: {[str(op) for op in self.board.operations.values()]}"
        for operation in self.board.results:
            assert operation not in self.board.operations
        results, self.board.results = self.board.results, {}
        self.board.rest()
        self.ending.clear()
        return results

    def issue(self, burst: Burst) -> int:
        """Queue a burst; return its tag."""
        self._tag += 1
        tag = self._tag
        self.board.submit(tag, burst)
        if burst.write:
            self.engine.write(tag, burst.id, burst.addr, list(burst.data), list(burst.strobes), burst.size, burst.kind)
        else:
            self.engine.read(tag, burst.id, burst.addr, burst.beats, burst.size, burst.kind)
        return tag

    def addr(self, line: int) -> int:
        """Return the protected address of a line."""
        return self.config.memory_base + 64 * line | self.protection

    def raw(self, line: int) -> int:
        """Return the address of a line at memory."""
        return self.config.memory_base + 64 * line

    def do(self, bursts: Iterable[Burst]) -> list[Result]:
        """Queue bursts, run until all are answered, and return how they ended."""
        tags = [self.issue(burst) for burst in bursts]
        results = self.settle()
        return [results[tag] for tag in tags]

    def write(self, line: int, data: bytes, strobe: int = FULL, id: int = 0) -> Result:
        """Write a line."""
        return self.do([line_write(id, self.addr(line), data, strobe)])[0]

    def read(self, line: int, id: int = 0) -> Result:
        """Read a line; its content has been compared."""
        return self.do([line_read(id, self.addr(line))])[0]

    # Registers

    def _lite(self, op: str, addr: int, data: int = 0, mask: int = 0) -> tuple[int, int]:
        self._tag += 1
        tag = self._tag
        self.engine.lite(tag, op, addr, data, mask)
        for _ in range(LIMIT // 8):
            self.run(cycles=8)
            if tag in self.board.lite:
                return self.board.lite.pop(tag)
        raise AssertionError(f"no end of register access {op} {addr:#x} {data:#x}")

    def read_register(self, addr: int) -> int:
        """Return a word."""
        resp, word = self._lite("read", addr)
        assert resp == 0, f"read of register {addr:#x} answered {resp}"
        return word

    def write_register(self, addr: int, value: int, accepted: bool | None = True) -> bool:
        """Write a word; return whether it was accepted."""
        resp, _ = self._lite("write", addr, value)
        assert accepted is None or (resp == 0) == accepted, f"write of register {addr:#x} answered {resp}"
        return resp == 0

    def until(self, addr: int, mask: int, value: int) -> int:
        """Return a register's word as soon as its bits of ``mask`` are ``value``."""
        resp, word = self._lite("until", addr, value, mask)
        assert resp == 0
        return word

    def counts(self) -> dict[str, int]:
        """Return the engine's counters."""
        return {name: self.read_register(addr) for name, addr in COUNTS.items()}

    def record(self, addr: int) -> Record | None:
        """Return a record and clear it."""
        state = self.read_register(addr)
        if not state & 1:
            return None
        where = self.read_register(addr + 4) | self.read_register(addr + 8) << 32
        self.write_register(addr, 1)
        line = (where - self.config.memory_base) // 64
        return Record(KINDS[state >> 8 & 15], state >> 4 & 15, bool(state >> 1 & 1), line)

    def failure(self) -> Record | None:
        """Return the recorded failure and clear it; the subtree that it locked is locked in the model too."""
        assert self.board.irq == bool(self.read_register(FAILURE) & 1), "irq is not the record's valid bit"
        failure = self.record(FAILURE)
        if failure is None:
            return None
        self.run(cycles=4)
        assert not self.board.irq, "irq stays after the record was cleared"
        number = self.tree_of(failure)
        if number is not None and number != ROOT:
            self.model.lock(number)
        self.model.settle()
        return failure

    def tree_of(self, record: Record) -> int | None:
        """Return the tree that a record is about."""
        place = self.model.classify(record.line)
        return place.tree if place else None

    # Commands

    def start_command(self, op: Op, subtree: int = 0, page: int = 0) -> None:
        """Write a command's registers; the model is told what may come of it."""
        model = self.model
        if 0 <= subtree < model.shape.subtrees:
            if op is Op.ALLOC:
                model.intend(subtree, model.allocated(subtree, page))
            if op is Op.FREE:
                model.intend(subtree, model.freed(subtree))
        page += self.base_page
        self.write_register(SUBTREE, subtree)
        self.write_register(PAGE_LO, page & 0xFFFF_FFFF)
        self.write_register(PAGE_HI, page >> 32 & 0xFFFFF)
        self.write_register(OP, op)

    def end_command(self, op: Op, subtree: int = 0, page: int = 0) -> Answer:
        """Wait for a command's answer and move the model."""
        state = self.until(ANSWER, 1, 0)
        where = self.read_register(ANSWER_PAGE_LO) | self.read_register(ANSWER_PAGE_HI) << 32
        answer = Answer(
            result=RESULTS[state >> 4 & 15],
            mounted=bool(state >> 8 & 1),
            valid=bool(state >> 9 & 1),
            locked=bool(state >> 10 & 1),
            dirty=bool(state >> 11 & 1),
            pinned=bool(state >> 12 & 1),
            generation=self.read_register(ANSWER_GENERATION),
            page=where - self.base_page,
        )
        model = self.model
        if answer.result == "OK":
            match op:
                case Op.ALLOC:
                    model.set_entry(subtree, model.allocated(subtree, page))
                case Op.FREE:
                    model.set_entry(subtree, model.freed(subtree))
                    self.suspect.discard(subtree)
                case Op.UNLOCK:
                    model.unlock(subtree)
        model.intend(subtree)
        model.settle()
        return answer

    def command(self, op: Op, subtree: int = 0, page: int = 0) -> Answer:
        """Have a command carried out, or refused."""
        self.start_command(op, subtree, page)
        return self.end_command(op, subtree, page)

    def expect(self, op: Op, subtree: int = 0, page: int = 0, result: str = "OK") -> Answer:
        """Have a command answer ``result``."""
        answer = self.command(op, subtree, page)
        if answer.result != result:
            raise Refusal(f"{op.name} {subtree} page {page:#x} answered {answer}, not {result}")
        if result == "OK" and 0 <= subtree < self.model.shape.subtrees:
            self.compare(answer, subtree)
        return answer

    def compare(self, answer: Answer, subtree: int) -> None:
        """A command's answer tells the model's entry."""
        entry = self.model.entry(subtree)
        told = (answer.valid, answer.locked, answer.generation, answer.page)
        assert told == (entry.valid, entry.locked, entry.generation, entry.page), f"{answer}, but {entry}"

    def pages(self) -> range:
        """Return pages free for metadata: behind the meta zone, before the subtrees that tests use."""
        first = self.root_page + -(-self.config.root_bytes // 4096)
        return range(first, self.config.size // 4096, self.config.metadata_pages)

    def alloc(self, numbers: Iterable[int]) -> None:
        """Allocate subtrees, with their metadata one after the other behind the meta zone."""
        held = {at.entry.page for at in self.model.subtrees.values() if at.tree is not None}
        pages = (page for page in self.pages() if page not in held)
        for number in numbers:
            self.expect(Op.ALLOC, number, next(pages))

    def flush_all(self) -> None:
        """Flush everything, and compare memory with the model."""
        self.expect(Op.FLUSH_ALL)
        self.settle()
        self.model.check_flushed_all()

    # What may fail

    def reason(self, line: int | None) -> tuple[bool, bool]:
        """Return whether an access to a line may fail now, and whether it may end well."""
        if self.everything:
            return True, True
        if line is None:
            return True, False
        if self.in_meta_zone(line):
            return True, False
        number = line // self.model.shape.subtree_lines
        at = self.model.subtrees.get(number)
        if number in self.ending:
            return True, True
        if at is None or at.tree is None or at.entry.locked or number in self.refusing:
            return True, False
        return number in self.suspect or ROOT in self.suspect, True

    def in_meta_zone(self, line: int) -> bool:
        """Return whether a line belongs to the root table or root tree."""
        root = self.model.shape.root
        return root.first_line <= line < root.end_meta

    # The attacker

    def peek(self, line: int) -> bytes:
        """Return a line of memory."""
        return self.engine.peek(self.raw(line))

    def poke(self, line: int, data: bytes) -> None:
        """Change a line of memory."""
        self.model.tampered(line, data)
        now = self.peek(line)
        before, last = self._poked.get(line, (now, now))
        self._poked[line] = (before if now == last else now, data)
        self.engine.poke(self.raw(line), data)

    def flip(self, line: int, bit: int) -> None:
        """Flip one bit of a line of memory."""
        value = int.from_bytes(self.peek(line), "little") ^ 1 << bit
        self.poke(line, value.to_bytes(64, "little"))

    def undo(self) -> None:
        """Put back what was changed, where the engine has not written since."""
        for line, (before, data) in self._poked.items():
            if self.peek(line) == data:
                self.engine.poke(self.raw(line), before)
        self._poked.clear()

    def snapshot(self, lines: Iterable[int] | None = None) -> dict[int, bytes]:
        """Return lines of memory, by default all."""
        if lines is None:
            return self._memory()
        return {line: self.peek(line) for line in lines}

    def restore(self, lines: dict[int, bytes]) -> None:
        """Put lines of memory back."""
        for line, data in lines.items():
            if self.peek(line) != data:
                self.poke(line, data)

    def load(self, forged: Mmt) -> None:
        """Put the image of a model that knows the keys into memory, and follow it from there."""
        for line, data in forged.image.items():
            self.engine.poke(self.raw(line), data)
        self.model.adopt(forged)

    def taint(self, number: int) -> None:
        """From now on accesses to a tree may fail, and what the engine writes of it is not explained."""
        self.suspect.add(number)
        self.model.tainted.add(number)

    def age(self, number: int, level: int, index: int, counters: list[int], major: int = 0) -> None:
        """Give a node of an unmounted subtree other counters, as if it had come to them by itself."""
        with self._forging():
            self.model.forge(number, level, index, counters, major)

    def age_entry(self, number: int, entry: RootEntry) -> None:
        """Give an unmounted subtree another root entry. Nothing of the root tree over it is on chip."""
        with self._forging():
            self.model.forge_entry(number, entry)

    @contextmanager
    def _forging(self) -> Iterator[None]:
        """Put what the model changes meanwhile into memory."""
        before = dict(self.model.image)
        yield
        for line, data in self.model.image.items():
            if before.get(line) != data:
                self.engine.poke(self.raw(line), data)

    # Places of a line's metadata

    def mac_place(self, line: int) -> tuple[int, int]:
        """Return line and first bit of a line's MAC."""
        number, index = divmod(line, self.model.shape.subtree_lines)
        return self.model.tree(number).layout.first_meta + index // 8, index % 8 * 64

    def node_place(self, line: int, level: int) -> int:
        """Return where the node of ``level`` over a line lies."""
        number, index = divmod(line, self.model.shape.subtree_lines)
        return self.model.tree(number).layout.first_node[level] + index // self.model.shape.span[level]

    def entry_place(self, number: int) -> int:
        """Return the line of the root table that has a subtree's entry."""
        return self.model.shape.root.first_line + number // 4

    def root_place(self, number: int, level: int) -> int:
        """Return where the root tree's node of ``level`` over a subtree's entry lies."""
        return self.model.shape.root.first_node[level] + number // 4 // self.model.shape.span[level]

    def root_mac_place(self, number: int) -> tuple[int, int]:
        """Return line and first bit of the MAC over a subtree's entry."""
        index = number // 4
        return self.model.shape.root.first_meta + index // 8, index % 8 * 64


__all__ = ["Bench", "Op", "Place", "Record", "Refusal"]
