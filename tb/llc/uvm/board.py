# SPDX-License-Identifier: Apache-2.0
"""Scoreboard of the environment: what the monitors saw at the three ports, against what each byte and lock may be."""

from collections.abc import Callable
from dataclasses import replace

from tb.bus.bursts import LANES, Burst, Chunk, chunks
from tb.models.llc_operations import Op, Result, Scope
from tb.uvm.board import BlockScoreboard
from tb.uvm.protocol import Open
from tb.uvm.register_agent import merged
from yingzhou.llc.config import LlcConfig

from .contents import FULL, Contents, Version
from .locks import Command, Locks, shape_of


def with_data(entry: Open) -> Burst:
    """Return a write burst with its data, as far as that has come."""
    beats = [*entry.beats, *[(0, 0)] * (entry.burst.beats - len(entry.beats))]
    data = tuple(value.to_bytes(LANES, "little") for value, _ in beats)
    return replace(entry.burst, data=data, strobes=tuple(strobe for _, strobe in beats))


def mask_of(burst: Burst, chunk: Chunk) -> int:
    """Return the bytes of its line that a chunk of a read may use."""
    mask = 0
    for number in chunk.beats:
        base = burst.beat_addr(number) % 64 // LANES * LANES
        mask |= sum(1 << base + lane for lane in burst.lanes(number))
    return mask


class LlcScoreboard(BlockScoreboard):
    """Compares the block with what it may do."""

    config: LlcConfig

    def build_phase(self):
        super().build_phase()
        self.shape = shape_of(self.config)
        self.contents = Contents(lambda line: self.memory[line])
        self.contents.appeared = self._appeared
        self.locks = Locks(self.shape, self.config.lines, self.memory.fails)
        self.still_locked: Callable[[int], bool] = lambda line: False
        self.bursts = self.operations = 0
        self._reset()

    def _reset(self) -> None:
        self.contents.reset()
        self.locks.reset()
        self.open: dict[int, tuple[int, list[tuple[int, Version]]]] = {}
        self.reading: set[int] = set()
        self.words: dict[str, int] = {}
        self.command: Command | None = None
        self.result: Result | None = None
        self.discarding: list[tuple[int, Version]] = []
        self.leaving: dict[int, list[int]] = {}
        self.fetching: dict[int, int] = {}
        self.lost = 0
        self.irq = 0

    def step(self) -> None:
        """A clock edge, before the monitors see it."""
        self.contents.cycle += 1

    # The slave port

    def on_cpu(self, item: tuple[str, Open]) -> None:
        """A burst begins, brings a beat, or is answered."""
        what, entry = item
        if what == "reset":
            self.tell("reset")
            self._reset()
        elif what == "open":
            self.bursts += 1
            self.open[entry.tag] = (self.contents.cycle, [])
            self.tell("opened", entry=entry)
            if not entry.burst.write:
                self.reading.add(entry.tag)
                for chunk in chunks(entry.burst):
                    self.contents.begin_read(chunk.line)
        elif what == "beat":
            self._beat(entry)
        else:
            (self._written if entry.burst.write else self._read)(entry)

    def _beat(self, entry: Open) -> None:
        """The last beat of a line may be in the cache from now on; it may come before that of an older address."""
        burst, number = entry.burst, len(entry.beats)
        if not entry.sent and burst.beat_addr(number) // 64 == burst.beat_addr(number - 1) // 64:
            return
        begin, versions = self.open[entry.tag]
        chunk = chunks(with_data(entry))[len(versions)]
        version = self.contents.begin(chunk.line, chunk.strobe, chunk.data)
        version.begin = begin
        versions.append((chunk.line, version))

    def _read(self, entry: Open) -> None:
        begin, _ = self.open.pop(entry.tag)
        self.reading.remove(entry.tag)
        if self.reading and min(self.reading) < entry.tag:
            self.tell("overtook")
        for chunk in chunks(entry.burst):
            answers = [entry.answer[number] for number in chunk.beats]
            refused = answers[0][1] != 0
            self._may_refuse(chunk.line, refused, "read")
            data = bytearray(64)
            for number, (value, resp) in zip(chunk.beats, answers, strict=True):
                assert (resp != 0) == refused, f"a part of line {chunk.line:#x} was refused"
                assert not refused or value == 0, f"data with the refusal of line {chunk.line:#x}"
                self._merge(data, entry.burst, number, value)
                if not refused:
                    lanes = mask_of(entry.burst, Chunk(chunk.line, [number]))
                    self.contents.check(chunk.line, bytes(data), lanes, begin)
            self.contents.end_read(chunk.line)
            self.tell("answered", line=chunk.line, refused=refused, kind="read")

    @staticmethod
    def _merge(data: bytearray, burst: Burst, number: int, value: int) -> None:
        base = burst.beat_addr(number) % 64 // LANES * LANES
        data[base : base + LANES] = value.to_bytes(LANES, "little")

    def _may_refuse(self, line: int, refused: bool, what: str) -> None:
        outside = not self.shape.cacheable(line)
        assert refused or not outside, f"a {what} of line {line:#x}, which is not memory, is served"
        assert not refused or outside or self.memory.fails(line, False), f"{what} of line {line:#x} is refused"

    def _written(self, entry: Open) -> None:
        _, versions = self.open.pop(entry.tag)
        refused = entry.answer[0][1] != 0
        burst = with_data(entry)
        if refused:
            assert any(not self.shape.cacheable(line) or self.memory.fails(line, False) for line, _ in versions), (
                f"{entry.burst} is refused without a reason"
            )
        for line, version in versions:
            if not refused and version.mask:
                self._may_refuse(line, False, "write")
            self.contents.end(line, version, not refused)
        pieces = chunks(burst)
        if len(pieces) == 1:
            kind = "full write" if pieces[0].strobe == FULL else "partial write"
            self.tell("answered", line=pieces[0].line, refused=refused, kind=kind)

    # The master port

    def on_dram(self, item: tuple[str, Open]) -> None:
        """The cache fetches a line or writes one back."""
        what, entry = item
        if what == "reset":
            return
        burst = entry.burst
        line = burst.addr // 64
        if what == "open":
            whole = (burst.size, burst.kind, burst.addr % 64, burst.beats, burst.id)
            assert whole == (4, 1, 0, 4, 0), f"the cache sent {burst}"
            assert self.shape.cacheable(line), f"line {line:#x} is asked for, and is not memory"
            assert line not in self.fetching, f"line {line:#x} is under way already"
            # It may be written again, whole, and leave again: writes keep their order.
            early = line in self.leaving and not burst.write
            assert not early, f"line {line:#x} is fetched before its write-back is answered"
            pinned = line in self.locks.owner and self.command is None
            assert not pinned, f"LLC.LOCK_PINNED: locked line {line:#x} is {'written' if burst.write else 'fetched'}"
            if burst.write:
                self.leaving.setdefault(line, []).append(self.contents.cycle)
            else:
                self.fetching[line] = entry.tag
        elif what == "beat" and entry.sent:
            assert all(strobe == 0xFFFF for _, strobe in entry.beats), f"strobes of {burst}"
            self.contents.check_written(line, b"".join(with_data(entry).data))
        elif what == "close" and not burst.write:
            del self.fetching[line]
        elif what == "close":
            begin = self.leaving[line].pop(0)
            if not self.leaving[line]:
                del self.leaving[line]
            for discarded, version in self.discarding:
                if discarded == line:  # It left before the DISCARD came to it.
                    version.options = (*version.options, self.memory[line])
            if entry.answer[0][1]:
                # Lost when it was a victim's: memory has what it had. An operation's line stays.
                self.lost += 1
                version = self.contents.begin(line, FULL, self.memory[line])
                version.begin = begin
                self.contents.end(line, version, False)
                self.tell("lost", line=line)

    def on_irq(self, level: int) -> None:
        self.irq = level

    # Registers and operations

    def on_lite(self, item: tuple[str, Open]) -> None:
        """A register access ended."""
        what, entry = item
        name = None if entry is None else self.name_of.get(entry.burst.addr, "none")
        if what == "beat" and name == "operation.op" and self.command is None:
            # It may begin before its write is answered.
            self._begin(entry.beats[0][0])
        if what != "close" or name is None:
            return
        value, resp = entry.answer[0]
        self.tell("register", name=name, write=entry.burst.write, accepted=not resp)
        assert name != "none" or resp, f"register {entry.burst.addr:#x} does not exist and answered"
        if resp:
            return
        if entry.burst.write:
            self.words[name] = merged(self.words.get(name, 0), *entry.beats[0])
            if name.endswith(".quota"):
                self.locks.quota[int(name.split("[")[1].split("]")[0])] = self.words[name]
        else:
            self._was_read(name, value)

    def _begin(self, word: int) -> None:
        get = self.words.get
        addr = get("operation.address_lo", 0) | get("operation.address_hi", 0) << 32
        self.command = command = Command(word & 15, word >> 4 & 3, get("operation.domain", 0) & 0xFF, addr)
        self.operations += 1
        self.tell("began", command=command)
        if command.op == Op.DISCARD and self.locks.refused(command) is None:
            for line in self.locks.touched(command, list(self.contents.lines)):
                self._discard(line)

    def _discard(self, line: int) -> None:
        self.discarding.append((line, self.contents.begin(line, FULL, self.memory[line])))

    def _appeared(self, line: int) -> None:
        """A line is used for the first time: a DISCARD of all lines may come to it yet."""
        command = self.command
        if command is None or command.op != Op.DISCARD or command.scope != Scope.ALL:
            return
        if self.locks.refused(command) is None and not self.locks.others(line, command.domain):
            self._discard(line)

    def _was_read(self, name: str, value: int) -> None:
        if name == "answer.state" and self.command is not None and not value & 1:
            self.result = Result(value >> 4 & 15)
            self._status(value)
        elif name == "answer.address_lo" and self.command is not None and self.result is not None:
            command, result = self.command, self.result
            self.command = self.result = None
            assert value % 64 == 0
            self.locks.end(command, result, value // 64, self.still_locked)
            for line, version in self.discarding:
                self.contents.end(line, version, result is Result.DONE, self.memory[line])
            self.discarding = []
            self.tell("ended", command=command, result=result)
        elif name.endswith(".locked") and self.command is None:
            domain = int(name.split("[")[1].split("]")[0])
            assert value == self.locks.count(domain), f"domain {domain} has {value} locked: {self.locks.owner}"

    def _status(self, value: int) -> None:
        """STATUS tells of locks; whether a line that is not locked is there is not known."""
        assert self.command is not None
        present, locked, owner = value >> 8 & 1, value >> 9 & 1, value >> 12 & 15
        if self.command.op != Op.STATUS or self.result is not Result.DONE:
            assert not (present or locked or owner), f"a status after {self.command}"
            return
        expected = self.locks.owner.get(self.command.addr // 64, 0)
        assert (locked, owner) == (int(expected != 0), expected), f"{self.command}: owner {owner}, not {expected}"
        assert present or not locked

    # What a test asks for

    def check_flushed(self) -> None:
        """Nothing is under way, nothing is locked, and all is flushed: memory holds what was written."""
        assert not self.open and not self.leaving and not self.fetching and self.command is None
        assert not self.locks.owner
        self.contents.check_flushed()


__all__ = ["LlcScoreboard"]
