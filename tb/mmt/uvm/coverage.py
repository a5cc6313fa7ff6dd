# SPDX-License-Identifier: Apache-2.0
"""Functional coverage by the names of the plan (plan.py), from what the scoreboard understood of what was seen."""

from dataclasses import dataclass, field
from typing import Any

from tb.bus.bursts import chunks
from tb.models.mmt_layout import ROOT, Place
from tb.uvm.coverage import Coverage
from tb.uvm.protocol import Open

from . import plan
from .board import EngineScoreboard

FULL = 2**64 - 1


@dataclass
class Solo:
    """An access that has the block to itself, as far as is known yet."""

    entry: Open
    number: int
    alone: bool = True
    fetched: list[Place] = field(default_factory=list)
    overflows: list[tuple[int, int]] = field(default_factory=list)
    virgin: str | None = None


class Watcher:
    """Turns what the scoreboard tells into points."""

    def __init__(self, coverage: Coverage, board: EngineScoreboard):
        self.coverage, self.board, self.config = coverage, board, board.config
        self.under_way: dict[int, Open] = {}
        self.solo: Solo | None = None
        self.running = False
        self.edges = plan.edges(self.config)
        self.refused = ""
        """The way of the last access that was refused and had the block to itself."""

    def sample(self, point: str) -> None:
        self.coverage.sample(point)

    # What the scoreboard tells

    def reset(self) -> None:
        """A reset; what was lost is sampled by the test, which knows what it interrupted."""
        self.under_way.clear()
        self.solo, self.running = None, False

    def opened(self, entry: Open) -> None:
        """An access began."""
        burst = entry.burst
        self.sample(f"burst/{'write' if burst.write else 'read'}/{plan.KINDS[burst.kind]}/{1 << burst.size} bytes")
        lines = {burst.beat_addr(number) // 64 for number in range(burst.beats)}
        if len(lines) > 1:
            self.sample("burst/two lines")
        for other in self.under_way.values():
            others = {other.burst.beat_addr(number) // 64 for number in range(other.burst.beats)}
            if others & lines and (burst.write or other.burst.write):
                self.sample("order/same line queued")
            if burst.write and other.burst.write and not others & lines:
                self._together(burst.addr // 64, other.burst.addr // 64)
        alone = not self.under_way and not self.running
        if self.solo is not None:
            self.solo.alone = False
        self.solo = None
        self.under_way[entry.tag] = entry
        if alone and len(lines) == 1:
            board = self.board.board
            number = None if board is None else board.number(burst.addr // 64)
            self.solo = Solo(entry, -1 if number is None else number)
            if number is not None:
                self._before(self.solo)

    def _together(self, one: int, other: int) -> None:
        """Two writes of different lines are under way: the lowest node over both."""
        board, config = self.board.board, self.config
        a, b = (None, None) if board is None else (board.number(one), board.number(other))
        if a is None or b is None:
            return
        for level in range(1, config.levels + 1):
            if a // config.node_lines(level) == b // config.node_lines(level):
                self.sample(f"order/writes under one {plan.level_name(config, level)}")
                return

    def _before(self, solo: Solo) -> None:
        model = self.board.model
        assert model is not None
        number, index = divmod(solo.number, model.shape.subtree_lines)
        at = model.subtrees.get(number)
        if at is None or at.tree is None:
            return
        for level in range(model.shape.levels + 1):
            if at.tree.counter(level, index // model.shape.span[level]).low == 0:
                solo.virgin = "line" if level == 0 else plan.level_name(self.config, level)

    def fetched(self, line: int) -> None:
        """The engine reads a line of memory."""
        if self.solo is not None:
            assert self.board.model is not None
            place = self.board.model.classify(line)
            if place is not None:
                self.solo.fetched.append(place)

    def stored(self, place: Place | None) -> None:
        """The engine has written a line of memory."""
        if place is not None:
            what = {"line": "line", "macs": "MACs"}.get(place.kind) or plan.level_name(self.config, place.level)
            self.sample(f"write-back/{'root tree' if place.tree == ROOT else 'subtree'}/{what}")

    def written(self, what: str) -> None:
        """A line or a node was written under AES inputs that no other write had."""
        self.sample(f"aes inputs/{what}")

    def overflow(self, tree: int, level: int) -> None:
        """A node's major moved; level 1 by the write of a line, else by the write-back of a node below."""
        if level > 1 and tree != ROOT:
            self.sample(f"overflow/write-back of {plan.level_name(self.config, level - 1)}/minor")
        elif self.solo is not None and tree != ROOT:
            self.solo.overflows.append((tree, level))

    def closed(self, entry: Open) -> None:
        """An access ended."""
        older = [other for other in self.under_way.values() if other.tag < entry.tag]
        self.under_way.pop(entry.tag, None)
        if any(other.burst.write == entry.burst.write and other.burst.id != entry.burst.id for other in older):
            self.sample("order/answers overtake")
        solo, self.solo = self.solo, None
        if solo is None or not solo.alone or solo.entry is not entry:
            return
        operation = self._operation(entry)
        if operation is None:
            self.sample("burst/write without bytes")
        else:
            self._path(solo, operation, failed=any(resp for _, resp in entry.answer))

    @staticmethod
    def _operation(entry: Open) -> str | None:
        if not entry.burst.write:
            return "read"
        data = tuple(value.to_bytes(16, "little") for value, _ in entry.beats)
        strobes = tuple(strobe for _, strobe in entry.beats)
        burst = {**entry.burst.__dict__, "data": data, "strobes": strobes}
        (chunk,) = chunks(type(entry.burst)(**burst))
        if chunk.strobe == 0:
            return None
        return "full write" if chunk.strobe == FULL else "partial write"

    def _path(self, solo: Solo, operation: str, failed: bool) -> None:
        model = self.board.model
        if model is None:
            self.sample(f"mount/{operation}/not active")
            return
        number, index = divmod(solo.number, model.shape.subtree_lines)
        on_demand = any(place.tree == ROOT and place.kind == "line" for place in solo.fetched)
        mount = "on demand" if on_demand else "mounted"
        nodes = self._highest(solo, number, index)
        if failed:
            self.refused = f"path/{operation}/{nodes}/mac unused/major full/{mount}"
            root = model.shape.root
            at = model.subtrees.get(number)
            if root.first_line <= solo.number < root.end_meta:
                self.sample(f"mount/{operation}/meta zone")
            elif at is None or at.tree is None:
                self.sample(f"mount/{operation}/not allocated")
            elif at.entry.locked:
                self.sample(f"mount/{operation}/locked")
            elif number in self.board.refusing:
                self.sample(f"mount/{operation}/table full")
            return
        strangers = [place for place in solo.fetched if place.tree not in (number, ROOT)]
        assert not strangers, f"an access to subtree {number} fetched {strangers}"
        self.sample(f"mount/{operation}/{mount}")
        if index in self.edges:
            self.sample(f"edge/{operation}/{self.edges[index]}")
        if solo.virgin is not None:
            self.sample(f"virgin/{operation}/{solo.virgin}")
        if solo.overflows:
            self.sample(f"overflow/{operation}/minor")
        if solo.virgin is None:
            # An overflow goes on to the MACs of the leaf's other lines, and may come back to this one's.
            macs = [place.index for place in solo.fetched if place.tree == number and place.kind == "macs"]
            mac = "miss" if macs[:1] == [index // 8] else "hit"
            counter = "minor full" if solo.overflows else "room"
            self.sample(f"path/{operation}/{nodes}/mac {mac}/{counter}/{mount}")

    def _highest(self, solo: Solo, number: int, index: int) -> str:
        """Return how far up nodes over a line were fetched."""
        model = self.board.model
        assert model is not None
        mine = {(place.level, place.index) for place in solo.fetched if place.tree == number and place.kind == "node"}
        highest = "hit"
        for level in range(1, model.shape.levels + 1):
            if (level, index // model.shape.span[level]) in mine:
                highest = plan.level_name(self.config, level)
        return highest

    def exhausted(self) -> None:
        """The last access was refused because its counter was used up, as a test has seen in the record."""
        self.sample(self.refused)
        self.refused = ""

    def raw(self, entry: Open, closed: bool) -> None:
        """A burst on the way past the engine ended."""
        self.sample(f"raw/{'write' if entry.burst.write else 'read'}/{'closed' if closed else 'through'}")

    def command_started(self, op: Any) -> None:
        """A command runs."""
        self.running = True
        self.solo = None

    def command(self, op: str, result: str) -> None:
        """A command ended."""
        self.running = False
        if result in plan.COMMANDS.get(op, ()):
            self.sample(f"command/{op}/{result}")

    def register(self, name: str, write: bool, accepted: bool) -> None:
        """A register access ended."""
        if name == "none":
            self.sample("registers/no such address")
            if not write:
                self.sample("registers/read refused")
        elif write and not accepted:
            self.sample("registers/write refused")
            if name == "command.op" and self.running:
                self.sample("command/refused while one runs")


__all__ = ["Watcher"]
