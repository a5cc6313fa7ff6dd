# SPDX-License-Identifier: Apache-2.0
"""What each byte may hold, from what users of the block have seen: nothing is known of hits, ways and victims.

An access is between the cycle in which its address was taken and that of its answer. A read may return what a write has
left that began before the read ended, unless another write came surely between the two.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

LINE: Final = 64
FULL: Final = 2**LINE - 1
REMEMBERED: Final = 8
"""Earlier contents of a line that may still be on their way to memory."""

Bytes = list[frozenset[int]]


def exactly(data: bytes) -> Bytes:
    return [frozenset((byte,)) for byte in data]


@dataclass(eq=False)
class Version:
    """Bytes of ``mask`` become those of one of ``options`` between cycles ``begin`` and ``end`` (None: not yet over).

    ``sure``: they do. Otherwise they may stay as they were.
    """

    mask: int
    begin: int
    options: tuple[bytes, ...]
    end: int | None = None
    sure: bool = False


@dataclass
class Line:
    """``base`` is what it may have held before ``versions``; ``readers`` are reads under way."""

    base: Bytes
    versions: list[Version] = field(default_factory=list)
    readers: int = 0
    earlier: list[Bytes] = field(default_factory=list)


class Contents:
    """All lines by number. ``memory`` returns what memory holds at a line; ``cycle`` is set by whoever owns this."""

    def __init__(self, memory: Callable[[int], bytes]):
        self._memory = memory
        self.lines: dict[int, Line] = {}
        self.cycle = 0
        self.appeared: Callable[[int], None] = lambda number: None
        """Called with a line that is used for the first time."""

    def reset(self) -> None:
        """The cache forgot everything: a line is what memory holds."""
        self.lines.clear()

    def line(self, number: int) -> Line:
        """Return a line; one that was never used is what memory holds."""
        if number not in self.lines:
            self.lines[number] = Line(exactly(self._memory(number)))
            self.appeared(number)
        return self.lines[number]

    def begin(self, number: int, mask: int, *options: bytes) -> Version:
        """Bytes of a line may change from now on."""
        version = Version(mask, self.cycle, options)
        self.line(number).versions.append(version)
        return version

    def end(self, number: int, version: Version, sure: bool, *options: bytes) -> None:
        """They do not any more; ``sure``: they have changed. ``options``: to these, too."""
        version.end, version.sure = self.cycle, sure
        version.options = (*version.options, *options)
        self._settle(number)

    def begin_read(self, number: int) -> None:
        self.line(number).readers += 1

    def end_read(self, number: int) -> None:
        self.line(number).readers -= 1
        self._settle(number)

    def _settle(self, number: int) -> None:
        """Forget how a line came to hold what it holds, when nobody uses it."""
        line = self.line(number)
        if not line.readers and all(version.end is not None for version in line.versions):
            passed = [line.base[at] | self._written(line, at) for at in range(LINE)]
            line.earlier = [*line.earlier, passed][-REMEMBERED:]
            line.base, line.versions = self.candidates(number, self.cycle + 1), []

    @staticmethod
    def _written(line: Line, at: int) -> frozenset[int]:
        """Return what the line's versions may leave in a byte."""
        versions = (version for version in line.versions if version.mask >> at & 1)
        return frozenset(option[at] for version in versions for option in version.options)

    def candidates(self, number: int, begin: int) -> Bytes:
        """Return for each byte what a read that began in cycle ``begin``, and ends now, may return."""
        line = self.line(number)
        if not line.versions:
            return line.base
        found = []
        for at in range(LINE):
            versions = [version for version in line.versions if version.mask >> at & 1]
            over = [v for v in versions if v.sure and v.end is not None and v.end < begin]
            newest = max((version.begin for version in over), default=-1)
            last = [version for version in versions if version.end is None or version.end >= newest]
            values = frozenset(option[at] for version in last for option in version.options)
            found.append(values if over else values | line.base[at])
        return found

    def check(self, number: int, data: bytes, mask: int, begin: int) -> None:
        """A read that began in cycle ``begin`` returned ``data`` in the bytes of ``mask``."""
        found = self.candidates(number, begin)
        wrong = [at for at in range(LINE) if mask >> at & 1 and data[at] not in found[at]]
        assert not wrong, f"line {number:#x} read as {data.hex()}: wrong at bytes {wrong}"

    def check_written(self, number: int, data: bytes) -> None:
        """The cache writes a line back: as it is, or was when it left."""
        line = self.line(number)
        known = [line.base, *line.earlier]
        for at in range(LINE):
            good = data[at] in self._written(line, at) or any(data[at] in base[at] for base in known)
            assert good, f"byte {at} of line {number:#x} is written back as {data[at]:#x}, which nobody wrote"

    def check_flushed(self) -> None:
        """Everything is in memory."""
        for number in self.lines:
            self.check(number, self._memory(number), FULL, self.cycle + 1)


__all__ = ["FULL", "LINE", "Contents", "Version", "exactly"]
