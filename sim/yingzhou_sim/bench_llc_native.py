# SPDX-License-Identifier: Apache-2.0
"""Two cores and an AXI master in front of the last-level cache, DRAM behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import cffi

from yingzhou.errors import require
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.signature import Op, Result, Scope

from .bench_mmt_engine import DRAM, QUEUE, WRITE_BUFFER
from .machine import DramTiming
from .paths import NATIVE
from .trace_filter import LINE_BYTES, Record

SIZE: Final = 1 << 32
"""Bytes of DRAM, sparse."""
QUIET: Final = 16
"""Cycles without anything under way after which nothing in the cache moves by itself."""
_ADDRESS, _DOMAIN, _OP, _ANSWER, _QUOTA = 0x20, 0x28, 0x2C, 0x30, 0x100


class User(IntEnum):
    """Who asks for lines: one of two cores, or the AXI master."""

    FIRST = 0
    SECOND = 1
    AXI = 2


@cache
def _ffi() -> cffi.FFI:
    ffi = cffi.FFI()
    text = (NATIVE / "llc" / "llc.h").read_text()
    ffi.cdef(text.split("/* cffi: begin */")[1].split("/* cffi: end */")[0])
    return ffi


@dataclass(frozen=True, kw_only=True)
class LlcTotals:
    """What a bench counted since it was opened. ``skipped`` cycles of pauses were not simulated."""

    cycles: int
    skipped: int
    errors: int
    mismatches: int
    dram_reads: int
    dram_writes: int


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


class LlcBench:
    """One cache, just reset, over DRAM that is all zero.

    Parameters
    ----------
    library : Path
        Of :mod:`yingzhou_sim.bench_llc_build`.
    config : LlcConfig
        Of the cache in it.
    way_masks : sequence of int
        With ``config.way_masks``, for each :class:`User` the ways that its misses may take, a bit a way.
    dram : DramTiming
    write_buffer : int
        Lines that a core may have on their way to the cache.
    skip_pauses : bool
        Count the cores' long pauses in place of simulating them.
    """

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
        require(1 <= write_buffer <= 15, f"write_buffer is {write_buffer}; accepted are 1 to 15")
        self.config = config
        self._ffi = _ffi()
        self._lib: Any = self._ffi.dlopen(str(library))
        options = {
            "latency": dram.latency,
            "beat": dram.beat,
            "banks": dram.banks,
            "bank_busy": dram.bank_busy,
            "queue": QUEUE,
            "write_buffer": write_buffer,
            "quiet": QUIET if skip_pauses else 0,
            "size": SIZE,
            "way_masks": list(way_masks or [(1 << config.ways) - 1] * len(User)),
        }
        self._handle = self._lib.yz_llc_open(self._ffi.new("struct yz_llc_options *", options))
        self._kept: list[Any] = [None] * 2

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lib.yz_llc_close(self._handle)

    @property
    def totals(self) -> LlcTotals:
        """Counts so far."""
        totals = self._lib.yz_llc_totals_of(self._handle)
        return LlcTotals(**{name: getattr(totals, name) for name in LlcTotals.__dataclass_fields__})

    def idle(self, cycles: int) -> None:
        """Let time pass."""
        self._lib.yz_llc_idle(self._handle, cycles)

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
        self._require_moving(self._lib.yz_llc_pattern(self._handle, user, array, count, outstanding, cycles, beats))
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
        self._lib.yz_llc_core_begin(self._handle, user, array, len(records), *marks)

    def run(self, cycles: int) -> None:
        """Run the cores for so many cycles, or until all that have a second mark are there."""
        self._require_moving(self._lib.yz_llc_run(self._handle, cycles))

    def core(self, user: User) -> CoreSeen:
        """Return how far a core is."""
        seen = self._lib.yz_llc_core_of(self._handle, user)
        start, end = (None if at == (1 << 64) - 1 else at for at in (seen.start, seen.end))
        return CoreSeen(done=seen.done, reads=seen.reads, hits=seen.hits, start=start, end=end)

    def _require_moving(self, code: int) -> None:
        if code < 0:
            raise RuntimeError(f"nothing moved for a million cycles, at cycle {self.totals.cycles}")

    # Registers

    def read_register(self, offset: int) -> int:
        """Return a word of the cache's registers."""
        value = self._ffi.new("uint32_t *")
        if self._lib.yz_llc_reg_read(self._handle, offset, value):
            raise RuntimeError(f"register {offset:#x} cannot be read")
        return value[0]

    def write_register(self, offset: int, value: int) -> None:
        """Write a word of the cache's registers."""
        if self._lib.yz_llc_reg_write(self._handle, offset, value):
            raise RuntimeError(f"register {offset:#x} does not take {value:#x}")

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
        cycles = self._lib.yz_llc_reg_run(self._handle, _OP, op.value | scope.value << 4, _ANSWER, 1)
        self._require_moving(cycles)
        result = Result(self.read_register(_ANSWER) >> 4 & 15)
        if result is not Result.DONE:
            raise RuntimeError(f"{op.name} {scope.name} at line {line:#x} for {domain} answers {result.name}, not DONE")
        return cycles
