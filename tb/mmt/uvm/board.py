# SPDX-License-Identifier: Apache-2.0
"""Scoreboard of the environment: what the monitors saw, against the model, which knows nothing of the block.

Everything that it knows comes from monitors: the keys from the entropy port, the meta zone and commands from the
register port. A test says only which subtrees it has tampered with (``suspect``), for those may answer errors.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from tb.bus.bursts import LANES, Burst, chunks
from tb.models.mmt_crypto import Keys
from tb.models.mmt_layout import ROOT
from tb.models.mmt_observer import Observer
from tb.models.mmt_tree import Tree
from tb.models.mmt_verify import verify
from tb.uvm.board import BlockScoreboard
from tb.uvm.protocol import Open
from tb.uvm.register_agent import merged
from yingzhou.mmt.config import MmtConfig

from ..bench import RESULTS, Op
from ..library import Event, Kind
from ..scoreboard import Operation, Scoreboard
from .command_rules import Mounts, allowed

KEY_WORDS: Final = 12


class Follower(Observer):
    """The observer, which also tells of overflows: ``overflowed(tree, level)``, level of the node that overflowed."""

    overflowed: Callable[[int, int], None] = staticmethod(lambda tree, level: None)

    @property
    def waiting(self) -> bool:
        """Whether a write has not been explained yet."""
        return bool(self._waiting)

    def _line_overflow(self, tree: Tree, index: int, data: bytes, present: bytes) -> str | None:
        why = super()._line_overflow(tree, index, data, present)
        if why is None:
            self.overflowed(tree.layout.tree, 1)
        return why

    def _node(self, tree: Tree, level: int, index: int, data: bytes) -> str | None:
        if level == self.shape.levels:
            return super()._node(tree, level, index, data)
        parent = tree.node(level + 1, index // self.shape.arity[level + 1])
        before = parent.major
        why = super()._node(tree, level, index, data)
        if why is None and parent.major > before:
            self.overflowed(tree.layout.tree, level + 1)
        return why


class LineBoard(Scoreboard):
    """The scoreboard of the native bench, fed with what a passive monitor sees: write data beat by beat."""

    def opened(self, entry: Open, cycle: int) -> None:
        """An address was taken."""
        burst = entry.burst
        if not burst.write:
            self.submit(entry.tag, burst)
            self.feed([Event(Kind.READ_ISSUED, 0, burst.id, entry.tag, cycle, burst.addr, b"")])
            return
        shape = chunks(replace(burst, write=False))
        self.operations[entry.tag] = Operation(burst, shape, cycle)

    def beat(self, entry: Open) -> None:
        """A beat of write data came: perhaps the last of a line."""
        operation = self.operations[entry.tag]
        beat = len(entry.beats) - 1
        chunk = next(chunk for chunk in operation.chunks if beat in chunk.beats)
        if beat != chunk.beats[-1]:
            return
        data = bytearray(64)
        for number in chunk.beats:
            value, strobe = entry.beats[number]
            base = entry.burst.beat_addr(number) % 64 // LANES * LANES
            for lane in range(LANES):
                if strobe >> lane & 1:
                    data[base + lane] = value >> 8 * lane & 0xFF
                    chunk.strobe |= 1 << base + lane
        chunk.data = bytes(data)
        number = self.number(chunk.line)
        if number is not None:
            self.announce(operation, number, chunk)

    def closed(self, entry: Open, cycle: int) -> None:
        """An answer is complete."""
        burst, answer = entry.burst, entry.answer
        if burst.write:
            event = Event(Kind.WRITE_DONE, answer[0][1], burst.id, entry.tag, cycle, burst.addr, b"")
        else:
            data = b"".join(value.to_bytes(LANES, "little") for value, _ in answer)
            responses = bytes(resp for _, resp in answer)
            event = Event(Kind.READ_DONE, 0, burst.id, entry.tag, cycle, burst.addr, data + responses)
        self.feed([event])
        self.results.clear()
        if not self.operations and not self.model.waiting:
            self._lines.clear()

    def forget(self, subtree: int) -> None:
        """A subtree's life ends or begins: what its lines held means nothing."""
        size = self.model.shape.subtree_lines
        for number in [number for number in self._lines if number // size == subtree]:
            del self._lines[number]


def whole_lines(burst: Burst) -> bool:
    """Return whether a burst of the block's own is what the port promises: whole lines, INCR."""
    return (burst.size, burst.kind, burst.addr % 64, burst.beats) == (4, 1, 0, 4)


class EngineScoreboard(BlockScoreboard):
    """Compares the block with the model."""

    monitors = (*BlockScoreboard.monitors, "entropy")
    config: MmtConfig

    def build_phase(self):
        super().build_phase()
        self.protection = 0 if self.config.protection_bit is None else 1 << self.config.protection_bit
        self.base_line = self.config.memory_base // 64
        self.memory.noticed = self._noticed
        self.stored_line: Callable[[int, bytes], None] = lambda line, data: None
        self.commands = 0
        self.answers = 0
        self.cycle = 0
        self._reset()

    def _reset(self) -> None:
        self.words: list[int] = []
        self.registers: dict[str, int] = {}
        self.model: Follower | None = None
        self.board: LineBoard | None = None
        self.suspect: set[int] = set()
        self.refusing: set[int] = set()
        self.everything = False
        self.mounts = Mounts(self.config.mount_entries)
        self.command: tuple[Op | int, int, int] | None = None
        self.disturbed = False
        self.irq = 0
        self.raw: dict[int, Open] = {}
        self.before: set[int] = set()

    # Knowledge

    def on_entropy(self, word: int) -> None:
        """A random word was taken: the keys, in order (docs/mmt-format.md, section 4)."""
        self.words.append(word)

    @property
    def key_bytes(self) -> bytes:
        return b"".join(word.to_bytes(4, "little") for word in self.words[:KEY_WORDS])

    @property
    def root_page(self) -> int:
        """Page of the meta zone, from the start of memory."""
        page = self.registers.get("root_page_lo", 0) | self.registers.get("root_page_hi", 0) << 32
        return page - self.config.memory_base // 4096

    def _activate(self, test_keys: bool) -> None:
        """The block says that it serves; so it has keys (of the strap: bytes 00 to 2f)."""
        material = bytes(range(48)) if test_keys else self.key_bytes
        assert len(material) == 48, "active without keys"
        keys = Keys(material[:16], material[16:32], material[32:])
        self.model = Follower(self.config, keys, self.root_page, dict(self._own(self.memory.lines)))
        self.model.overflowed = lambda tree, level: self.tell("overflow", tree=tree, level=level)
        self.board = LineBoard(self.model, self.config.memory_base, self.protection, self.reason)

    def _own(self, lines: dict[int, bytes]) -> Any:
        return ((line - self.base_line, data) for line, data in lines.items())

    def _noticed(self, line: int, data: bytes) -> None:
        if self.model is not None:
            self.model.tampered(line - self.base_line, data)

    def reason(self, line: int | None) -> tuple[bool, bool]:
        """Return whether an access to a line may fail now, and whether it may end well."""
        if self.everything:
            return True, True
        if line is None:
            return True, False
        assert self.model is not None
        root = self.model.shape.root
        if root.first_line <= line < root.end_meta:
            return True, False
        number = line // self.model.shape.subtree_lines
        at = self.model.subtrees.get(number)
        if at is None or at.tree is None or at.entry.locked or number in self.refusing:
            return True, False
        return number in self.suspect or ROOT in self.suspect, True

    # Monitors

    def on_cpu(self, item: tuple[str, Open]) -> None:
        """The slave port."""
        what, entry = item
        if what == "reset":
            self.tell("reset")
            self._reset()
            return
        if not entry.burst.addr & self.protection and self.protection:
            self._raw(what, entry)
            return
        if what == "open":
            self.tell("opened", entry=entry)
        if self.board is None or entry.tag in self.before:
            self._not_active(what, entry)
        elif what == "open":
            self.board.opened(entry, self.cycle)
            self.disturbed = True
            number = self.board.number(entry.burst.addr // 64)
            if number is not None:
                self.mounts.asked(number // self.board.model.shape.subtree_lines)
        elif what == "beat":
            self.board.beat(entry)
        else:
            self.answers += 1
            self.board.closed(entry, self.cycle)
            number = self.board.number(entry.burst.addr // 64)
            if number is not None:
                assert self.model is not None
                if not self.board.operations and not any(resp for _, resp in entry.answer):
                    self.mounts.used(number // self.model.shape.subtree_lines)
        if what == "close":
            self.tell("closed", entry=entry)

    def _not_active(self, what: str, entry: Open) -> None:
        """Protected memory is not served: errors and zeros."""
        self.before.add(entry.tag)
        if what == "close" and entry.burst.id >= 0 and not self.everything:
            assert all(answer == (0, 2) for answer in entry.answer), f"{entry.burst} was answered while not active"
            self.before.discard(entry.tag)

    def _raw(self, what: str, entry: Open) -> None:
        """The way past the engine: a burst comes out as it went in, and its answer back. Or neither."""
        if what != "close":
            self.raw[entry.tag] = entry
            return
        self.raw.pop(entry.tag)
        refused = [resp == 2 for _, resp in entry.answer]
        closed = self.closed(entry.burst)
        assert all(refused) == closed and any(refused) == closed, f"raw {entry.burst} answered {entry.answer}"
        assert not closed or not any(data for data, _ in entry.answer), f"data with the refusal of {entry.burst}"
        self.tell("raw", entry=entry, closed=closed)

    def closed(self, burst: Burst) -> bool:
        """Return whether a raw burst touches the pages of the meta zone while these are in force."""
        if self.model is None:
            return False
        first = self.root_page + self.config.memory_base // 4096
        pages = range(first, first + -(-self.config.root_bytes // 4096))
        return any(burst.beat_addr(number) // 4096 in pages for number in range(burst.beats))

    def on_dram(self, item: tuple[str, Open]) -> None:
        """The master port."""
        what, entry = item
        if what == "reset":
            return
        burst = entry.burst
        if self.protection and not burst.id >> self.config.id_width:
            if what == "open":
                self._came_out(entry)
            return
        assert whole_lines(burst), f"the engine sent {burst}"
        assert self.model is not None, f"the engine sent {burst} while not active"
        line = burst.addr // 64 - self.base_line
        if what == "open" and not burst.write:
            self.tell("fetched", line=line)
        if what == "beat" and entry.sent:
            assert all(strobe == 0xFFFF for _, strobe in entry.beats), f"strobes of {burst}"
            if not self.memory.fails(burst.addr // 64, True):
                assert self.board is not None
                data = b"".join(value.to_bytes(16, "little") for value, _ in entry.beats)
                place = self.model.classify(line)
                self.board.feed([Event(Kind.MEMORY_WRITE, 0, burst.id, 0, self.cycle, burst.addr, data)])
                self.stored_line(line, data)
                self.tell("stored", place=place)

    def _came_out(self, entry: Open) -> None:
        """A raw burst at the memory: one that was sent in, unchanged."""
        burst = entry.burst
        same = [sent for sent in self.raw.values() if replace(sent.burst) == burst]
        assert same, f"{burst} came out and did not go in"
        assert not self.closed(burst), f"{burst} came out of a closed page"

    def on_irq(self, level: int) -> None:
        """The interrupt changed."""
        self.irq = level

    # Registers and commands

    def on_lite(self, item: tuple[str, Open]) -> None:
        """The register port."""
        what, entry = item
        if what != "close":
            return
        name = self.name_of.get(entry.burst.addr)
        value, resp = entry.answer[0]
        if name is None:
            assert resp, f"register {entry.burst.addr:#x} does not exist and answered"
            self.tell("register", name="none", write=entry.burst.write, accepted=False)
            return
        self.tell("register", name=name, write=entry.burst.write, accepted=not resp)
        if entry.burst.write:
            if not resp:
                self._written(name, *entry.beats[0])
        elif not resp:
            self._was_read(name, value)

    def _written(self, name: str, value: int, strobe: int) -> None:
        self.registers[name] = merged(self.registers.get(name, 0), value, strobe)
        if name == "command.op":
            self._start(value & 15)

    def _was_read(self, name: str, value: int) -> None:
        if name == "answer.state" and self.command is not None and not value & 1:
            self._end(value)
        if name == "status" and value & 2 and self.model is None:
            self._activate(test_keys=bool(value & 8))
        if name == "failure.state":
            assert bool(value & 1) == bool(self.irq) or value & 1 == 0, "failure recorded, and no interrupt"

    def _start(self, code: int) -> None:
        op = Op(code) if code <= max(Op) else code
        subtree = self.registers.get("command.subtree", 0)
        page = self.registers.get("command.page_lo", 0) | (self.registers.get("command.page_hi", 0) & 0xFFFFF) << 32
        page -= self.config.memory_base // 4096
        self.command = (op, subtree, page)
        self.disturbed = self.board is not None and bool(self.board.operations)
        model = self.model
        if model is not None and subtree < model.shape.subtrees:
            if op is Op.ALLOC:
                model.intend(subtree, model.allocated(subtree, page))
            if op is Op.FREE:
                model.intend(subtree, model.freed(subtree))
        self.tell("command_started", op=op)

    def _end(self, state: int) -> None:
        """A command has ended: it was allowed to end so, and the model moves."""
        assert self.command is not None
        (op, subtree, page), self.command = self.command, None
        result = RESULTS[state >> 4 & 15]
        model = self.model
        self.mounts.disturbed = self.disturbed
        expected = allowed(self.config, model, self.mounts, op, subtree, page)
        if self.suspect or self.everything or self.refusing:
            expected |= {"INTEGRITY", "LOCKED"}
        name = op.name if isinstance(op, Op) else f"code {op}"
        assert result in expected, f"{name} of {subtree}, page {page:#x}: {result}, not one of {sorted(expected)}"
        self.commands += 1
        if model is not None:
            if result == "OK" and isinstance(op, Op) and op not in (Op.NOP, Op.FLUSH_ALL):
                self._move(model, op, subtree, page)
                self._moved(op, subtree)
            model.intend(subtree)
            model.settle()
        self.tell("command", op=name, result=result)

    def _move(self, model: Follower, op: Op, subtree: int, page: int) -> None:
        match op:
            case Op.ALLOC:
                model.set_entry(subtree, model.allocated(subtree, page))
                self._forget(subtree)
            case Op.FREE:
                model.set_entry(subtree, model.freed(subtree))
                self.suspect.discard(subtree)
                self._forget(subtree)
            case Op.UNLOCK:
                model.unlock(subtree)

    def _moved(self, op: Op, subtree: int) -> None:
        """A command was carried out: what is known of the mount table now."""
        match op:
            case Op.PIN | Op.UNPIN:
                self.mounts.pin(subtree, op is Op.PIN)
            case Op.ALLOC | Op.MOUNT if not self.disturbed:
                self.mounts.used(subtree)
            case Op.UNMOUNT | Op.FREE if not self.disturbed:
                self.mounts.gone(subtree)
            case Op.ALLOC | Op.MOUNT | Op.UNMOUNT | Op.FREE:
                self.mounts.gone(subtree)
                self.mounts.asked(subtree)

    def _forget(self, subtree: int) -> None:
        assert self.board is not None
        self.board.forget(subtree)

    # What a test asks for

    def failed(self, line: int) -> int | None:
        """A failure about a line of memory is recorded: its subtree is locked. Return the tree, perhaps ``ROOT``."""
        assert self.model is not None
        place = self.model.classify(line)
        number = None if place is None else place.tree
        if number is not None and number != ROOT:
            self.model.lock(number)
        self.model.settle()
        return number

    def check_quiet(self) -> None:
        """Nothing is under way."""
        if self.board is not None:
            self.board.rest()
        assert not self.raw

    def check_flushed(self) -> None:
        """All is flushed: what is in memory is what the model says, and proves itself with nothing but the keys."""
        model = self.model
        assert model is not None
        model.check_flushed_all()
        for line, data in model.image.items():
            assert self.memory.lines.get(line + self.base_line, data) == data, f"line {line:#x} of memory"
        image = dict(self._own(self.memory.lines))
        found = verify(self.config, model.keys, model.root_page, image, model.root.root_counter)
        entries = {number: entry for number, entry in found.entries.items() if entry["valid"]}
        held = {number for number, at in model.subtrees.items() if at.tree is not None}
        assert set(entries) == held, f"entries of {sorted(entries)} in memory, {sorted(held)} allocated"
        for number in held:
            for index in model.tree(number).lines:
                line = number * model.shape.subtree_lines + index
                assert found.lines[line] == model.expected_line(line), f"line {line:#x} in memory"


__all__ = ["EngineScoreboard", "Follower", "LineBoard"]
