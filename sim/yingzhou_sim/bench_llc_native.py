# SPDX-License-Identifier: Apache-2.0
"""Two cores and an AXI master in front of the last-level cache, DRAM behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from yingzhou.errors import require
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.signature import Op, Result, Scope

from .bench_native import DRAM, WRITE_BUFFER, NativeBench, Totals
from .machine import DramTiming
from .paths import NATIVE
from .trace_filter import LINE_BYTES, Record

SIZE: Final = 1 << 32
"""Bytes of DRAM, sparse."""
_ADDRESS, _DOMAIN, _OP, _ANSWER, _QUOTA = 0x20, 0x28, 0x2C, 0x30, 0x100


class User(IntEnum):
    """Who asks for lines: one of two cores, or the AXI master."""

    FIRST = 0
    SECOND = 1
    AXI = 2


@dataclass(frozen=True, kw_only=True)
class CoreSeen:
    """How far a core is.

    ``done`` accesses made; between its marks: ``reads`` it waited for, and of these ``hits``; ``start`` and ``end``:
    cycle after the access of each mark was complete, None before.
    """

    done: int
    reads: int
    hits: int
    start: int | None
    end: int | None

    @property
    def cycles(self) -> int:
        """From one mark to the other."""
        if self.start is None or self.end is None:
            raise RuntimeError(f"a core has made {self.done} accesses and is not at its second mark")
        return self.end - self.start


class LlcBench(NativeBench[Totals]):
    """One cache, just reset, over DRAM that is all zero.

    Parameters
    ----------
    library : Path
        Of :mod:`yingzhou_sim.bench_llc_build`.
    config : LlcConfig
        Of the cache in it.
    way_masks : sequence of int
        With ``config.way_masks``, for each :class:`User` the ways that its misses may take, a bit a way.
    dram, write_buffer, skip_pauses
        See :class:`~yingzhou_sim.bench_native.NativeBench`.
    """

    HEADER = NATIVE / "llc" / "llc.h"
    PREFIX = "yz_llc"
    TOTALS = Totals
    QUIET = 16
    WRITE_BUFFER_LIMIT = 15

    def __init__(
        self,
        library: Path,
        config: LlcConfig,
        *,
        way_masks: Sequence[int] | None = None,
        dram: DramTiming = DRAM,
        write_buffer: int = WRITE_BUFFER,
        skip_pauses: bool = True,
    ):
        masks = list(way_masks or [(1 << config.ways) - 1] * len(User))
        super().__init__(
            library, dram=dram, write_buffer=write_buffer, skip_pauses=skip_pauses, size=SIZE, way_masks=masks
        )
        self.config = config
        self._kept: list[Any] = [None] * 2

    # Accesses

    def pattern(
        self,
        accesses: Sequence[tuple[int, bool]],
        outstanding: int = 1,
        user: User = User.FIRST,
        *,
        first_beats: bool = False,
    ) -> list[int]:
        """Make accesses (line, write) in order, at most ``outstanding`` at once; return each one's cycles.

        ``first_beats``: of reads on AXI to their first beat.
        """
        require(1 <= outstanding <= 16, f"outstanding is {outstanding}; accepted are 1 to 16")
        count = len(accesses)
        cycles, beats = (self._ffi.new("uint32_t[]", max(1, count)) for _ in range(2))
        array = self._ffi.new("struct yz_llc_access[]", [(line, 0, write) for line, write in accesses])
        self._require_moving(self._call("pattern", user, array, count, outstanding, cycles, beats))
        return list((beats if first_beats else cycles)[0:count])

    def begin(self, user: User, records: Sequence[Record], line: int = 0, marks: tuple[int, int] = (0, 0)) -> None:
        """Have a core make a trace's accesses, round and round, from now on; ``line`` is added to each one's.

        ``marks``: what is measured lies between so many accesses made and so many; second 0: no end.
        """
        require(
            all(r.line + line < SIZE // LINE_BYTES for r in records),
            f"the trace reaches beyond the {SIZE >> 20} MiB of memory here",
        )
        array = self._ffi.new("struct yz_llc_access[]", [(r.line + line, r.instructions, r.write) for r in records])
        self._kept[user] = array
        self._call("core_begin", user, array, len(records), *marks)

    def run(self, cycles: int) -> None:
        """Run the cores for so many cycles, or until all that have a second mark are there."""
        self._require_moving(self._call("run", cycles))

    def core(self, user: User) -> CoreSeen:
        """Return how far a core is."""
        seen = self._call("core_of", user)
        start, end = (None if at == (1 << 64) - 1 else at for at in (seen.start, seen.end))
        return CoreSeen(done=seen.done, reads=seen.reads, hits=seen.hits, start=start, end=end)

    # Registers

    def set_quota(self, domain: int, lines: int) -> None:
        """Set how many lines a domain may lock."""
        self.write_register(_QUOTA + 8 * domain, lines)

    def locked(self, domain: int) -> int:
        """Return how many lines a domain has locked."""
        return self.read_register(_QUOTA + 8 * domain + 4)

    def operate(self, op: Op, domain: int, line: int = 0, scope: Scope = Scope.LINE) -> int:
        """Have an operation carried out; return cycles from the write of its register to the answer that it ended."""
        self.write_register(_ADDRESS, 64 * line)
        self.write_register(_DOMAIN, domain)
        cycles = self._call("reg_run", _OP, op.value | scope.value << 4, _ANSWER, 1)
        self._require_moving(cycles)
        result = Result(self.read_register(_ANSWER) >> 4 & 15)
        if result is not Result.DONE:
            raise RuntimeError(f"{op.name} {scope.name} at line {line:#x} for {domain} answers {result.name}, not DONE")
        return cycles
