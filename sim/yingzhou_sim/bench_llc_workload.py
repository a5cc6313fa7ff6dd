# SPDX-License-Identifier: Apache-2.0
"""An enclave's workload on the last-level cache, alone and beside a host's, with part of the cache held for it.

Two blocking cores replay what left the first level of recorded programs. The enclave is measured over the same accesses
in every variant, and so is the host: those that each made in a stretch of time when nothing was held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .bench_goals import Row
from .bench_llc_native import LlcBench, User
from .bench_llc_variant import LOCKED, PROFILED, Cache, Held, all_held
from .trace_file import Trace
from .trace_filter import Record

WARM: Final = 750_000
"""Cycles before measuring begins, with nothing held."""
MEASURED: Final = 1_000_000
"""Cycles that are measured, with nothing held."""
LIMIT: Final = 20
"""A variant in which the same accesses take so many times as long is given up."""
HOST_LINE: Final = 1 << 24
"""What is added to the host's line numbers: it shares sets with the enclave, and no line."""
ENCLAVE, HOST = "enclave", "host"


@dataclass(frozen=True)
class Pair:
    """An enclave's trace, and the host's beside it, if any."""

    enclave: Trace
    host: Trace | None = None

    @property
    def bench(self) -> str:
        """Name in the results."""
        beside = f"beside {self.host.name}" if self.host else "alone"
        return f"cache, {self.enclave.name} {beside}"


def _begin(bench: LlcBench, pair: Pair, marks: Sequence[tuple[int, int]]) -> None:
    bench.begin(User.FIRST, pair.enclave.records, marks=marks[0])
    if pair.host:
        bench.begin(User.SECOND, pair.host.records, HOST_LINE, marks=marks[1])


def stretch(pair: Pair, plain: Cache, warm: int = WARM, measured: int = MEASURED) -> list[tuple[int, int]]:
    """Return for both the accesses that each has made at the beginning and the end of the stretch, nothing held."""
    with plain.open() as bench:
        _begin(bench, pair, ((0, 0), (0, 0)))
        bench.run(warm)
        before = [bench.core(user).done for user in (User.FIRST, User.SECOND)]
        bench.run(measured)
        after = [bench.core(user).done for user in (User.FIRST, User.SECOND)]
        return list(zip(before, after, strict=True))


def measure_held(pair: Pair, held: Held, marks: Sequence[tuple[int, int]], plain: Cache, masked: Cache) -> list[Row]:
    """Measure one variant: cycles of each for its accesses, and how many of its reads hit."""
    with held.open(plain, masked) as bench:
        _begin(bench, pair, marks)
        bench.run(LIMIT * (WARM + MEASURED))
        bench.require_sound(f"{pair.bench}, {held.variant} {held.share} %")
        rows = []
        if held.lines or held.variant in (LOCKED, PROFILED):
            rows.append(Row(pair.bench, held.variant, f"locked, {held.share} %", len(held.lines), "lines"))
        for who, user in ((ENCLAVE, User.FIRST), (HOST, User.SECOND)):
            if user is User.SECOND and not pair.host:
                continue
            seen = bench.core(user)
            metric = f"{who}, {held.share} %"
            rows.append(Row(pair.bench, held.variant, metric, seen.cycles, "cycles"))
            rate = round(100 * seen.hits / max(1, seen.reads), 2)
            rows.append(Row(pair.bench, held.variant, f"{metric}, hits", rate, "% of reads"))
    return rows


def measure(pair: Pair, plain: Cache, masked: Cache, *, warm: int = WARM, measured: int = MEASURED) -> list[Row]:
    """Measure a pair in every variant."""
    marks = stretch(pair, plain, warm, measured)
    start, end = marks[0]
    before, stretched = _window(pair.enclave.records, 0, start), _window(pair.enclave.records, start, end)
    every = all_held(plain.config, before, stretched)
    return [row for held in every for row in measure_held(pair, held, marks, plain, masked)]


def _window(records: Sequence[Record], start: int, end: int) -> list[Record]:
    """Return the accesses number ``start`` to ``end`` of a core that goes round a trace."""
    return [records[n % len(records)] for n in range(start, end)]
