# SPDX-License-Identifier: Apache-2.0
"""Functional coverage: what the probes and the scoreboard tell, as points of the plan. Nothing is judged here."""

from collections import defaultdict, deque
from typing import Any, Final

from tb.models.llc_operations import SCOPES, Op, Result, Scope
from tb.uvm.coverage import Coverage
from tb.uvm.harness import PROBE_BIT, probe_fields
from tb.uvm.pins import Port
from tb.uvm.protocol import Open

from . import plan
from .board import LlcScoreboard
from .locks import Command
from .probe import KINDS, probes

PROBED: Final = 1 << PROBE_BIT
"""Of the handshakes of ``m_axi``: some probe is valid."""
NOTHING: Final = "write without bytes"


class Watcher:
    """Follows where lines are, which are dirty and locked, by what the probes show. ``port``: that of the master."""

    def __init__(self, coverage: Coverage, board: LlcScoreboard, dut: Any, port: Port):
        self.sample, self.board, self.config, self.port = coverage.sample, board, board.config, port
        self._probes = dut.probes
        self._fields = probe_fields(probes(board.config))
        self.counted: dict[str, int] = {}
        self._reset()
        port.listeners.append(self.step)

    def _reset(self) -> None:
        self.ways: dict[tuple[int, int], int] = {}
        self.dirty: set[int] = set()
        self.locked: dict[int, int] = {}
        self.kinds: dict[int, str] = {}
        self.waiting: dict[int, deque[str]] = defaultdict(deque)
        self.accepted: tuple[int, int, str] | None = None
        self.command: Command | None = None
        self.fetching: int | None = None
        self.running = False
        self.counted = dict.fromkeys(("hit", "miss", "lock"), 0)

    # Probes

    def step(self) -> None:
        """A clock edge."""
        if self.port.in_reset:
            self._reset()
        elif self.port.shakes & PROBED:
            packed = int(self._probes.value)
            self._cycle({field.name: packed >> field.low & (1 << field.width) - 1 for field in self._fields})

    def _cycle(self, seen: dict[str, int]) -> None:
        now, line = self.board.contents.cycle, seen["seen_line"]
        self.running = bool(seen["running"])
        kind = self._decided(now, line, bool(seen["hit"] or seen["miss"]))
        for name in self.counted:
            self.counted[name] += seen[name]
        if seen["reserve"]:
            self._reserved(line, seen["way"], kind if seen["miss"] else None)
        if seen["hit"] and kind is not None:
            lock = "locked" if line in self.locked else "unlocked"
            self.sample(f"access/{kind}/hit/{lock}/{self.beside}")
            if kind != "read":
                self.dirty.add(line)
        if seen["put_in"]:
            self._put_in(line, seen["way"], bool(seen["error"]))
        if seen["visit"] and self.command is not None:
            self._visited(self.command, line, bool(seen["reserve"]))
        if seen["lock"] and self.command is not None:
            self.locked[line] = self.command.domain
            self.dirty.add(line)
        if seen["finish"] and self.command is not None:
            if self.command.op != Op.CLEAN:
                self._gone(line)
            elif line not in self.locked:
                self.dirty.discard(line)
        if seen["accept"]:
            self.accepted = now, seen["line"], KINDS[seen["kind"]]

    @property
    def beside(self) -> str:
        """The operation that runs, or idle."""
        name = Op(self.command.op).name if self.running and self.command and self.command.op in tuple(Op) else "idle"
        return name if name in plan.BESIDE else "idle"

    def _decided(self, now: int, line: int, found: bool) -> str | None:
        """Return the kind of the request that is a hit or miss in this cycle. Others wait, or need no line."""
        kind = None
        if self.accepted is not None:
            when, asked, what = self.accepted
            self.accepted = None
            if found and when == now - 1 and asked == line:
                return what
            if what == NOTHING:
                self.sample(f"access/{NOTHING}")
            elif self.board.shape.cacheable(asked):
                self.waiting[asked].append(what)
                self.sample("access/same line again")
        if found and self.waiting[line]:
            kind = self.waiting[line].popleft()
        return kind

    def _reserved(self, line: int, way: int, kind: str | None) -> None:
        victim = self.ways.pop((line % self.config.sets, way), None)
        if kind is not None:
            state = "none" if victim is None else "dirty" if victim in self.dirty else "clean"
            self.sample(f"access/{kind}/miss/{state}/{self.beside}")
            self.kinds[line] = kind
        if victim is not None:
            self.dirty.discard(victim)

    def _put_in(self, line: int, way: int, error: bool) -> None:
        kind = self.kinds.pop(line, None)
        if error:
            return
        self.ways[line % self.config.sets, way] = line
        if kind is not None and kind != "read":
            self.dirty.add(line)

    def _visited(self, command: Command, line: int, fetches: bool) -> None:
        again, self.fetching = self.fetching == line, line if fetches else None
        if again or command.op not in tuple(Op):
            return
        here = line in self.ways.values()
        owner = self.locked.get(line)
        if owner is not None:
            state = "own" if owner == command.domain else "other's"
        else:
            state = "absent" if not here else "dirty" if line in self.dirty else "clean"
        self.sample(f"visit/{Op(command.op).name}/{state}")
        drops = command.op == Op.DISCARD and state != "other's"
        if drops or command.op == Op.FLUSH and state == "clean":
            self._gone(line)

    def _gone(self, line: int) -> None:
        """A line is invalid and unlocked."""
        self.ways = {place: held for place, held in self.ways.items() if held != line}
        self.dirty.discard(line)
        self.locked.pop(line, None)

    # What the scoreboard tells

    def reset(self) -> None:
        """The block is in reset."""
        board = self.board
        if board.open:
            self.sample("reset/burst")
        if board.command is not None:
            self.sample("reset/operation")
        if board.leaving or board.fetching:
            self.sample("reset/memory")
        if not (board.open or board.command or board.leaving or board.fetching):
            self.sample("reset/idle")

    def opened(self, entry: Open) -> None:
        """A burst began."""
        self.sample(f"burst/{'write' if entry.burst.write else 'read'}/{plan.BURSTS[entry.burst.kind]}")

    def overtook(self) -> None:
        """A read ended before one that is older."""
        self.sample("order/reads overtake")

    def answered(self, line: int, refused: bool, kind: str) -> None:
        """A line of a burst was answered."""
        if refused and not self.board.shape.cacheable(line):
            self.sample("error/not memory")
        elif refused and kind != "full write":
            self.sample(f"error/{kind}/fetch")

    def lost(self, line: int) -> None:
        """Memory refused a write-back."""
        if self.board.command is None:
            self.sample("error/victim lost")

    def began(self, command: Command) -> None:
        """An operation begins."""
        self.command, self.fetching = command, None

    def ended(self, command: Command, result: Result) -> None:
        """An operation ended."""
        if command.op not in tuple(Op):
            if command.op in (0, 7):
                self.sample(f"result/code {command.op}/{result.name}")
        elif result is Result.BAD_COMMAND:
            self.sample(f"result/{Op(command.op).name}/no such scope/{result.name}")
        elif command.scope in SCOPES[Op(command.op)]:
            self.sample(f"result/{Op(command.op).name}/{Scope(command.scope).name}/{result.name}")

    def register(self, name: str, write: bool, accepted: bool) -> None:
        """A register access ended."""
        if name == "none":
            self.sample("registers/no such address")
        elif write and not accepted:
            self.sample("registers/write refused")
            if self.board.command is not None and name.startswith("operation"):
                self.sample("registers/refused while one runs")


__all__ = ["Watcher"]
