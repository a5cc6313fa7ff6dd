# SPDX-License-Identifier: Apache-2.0
"""What one access and one operation of the last-level cache cost, and how many bytes pass in a cycle."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from yingzhou.llc.config import LlcConfig
from yingzhou.llc.signature import Op, Scope

from .bench_goals import Row
from .bench_llc_native import LlcBench, User
from .bench_llc_variant import DOMAIN, LOCKED, NO_LOCK, PARTITION, Cache, quota
from .trace_filter import LINE_BYTES

BENCH: Final = "cache"
OPERATIONS: Final = "cache operations"
HIT: Final = "hit"
HITS: Final = "hits in a row"
SAMPLES: Final = 8
STREAM: Final = 1024
PAGE: Final = 64
"""Lines of a page."""
FAR: Final = 1 << 20
"""Lines from here on are in no cache that is only warmed."""
QUIET: Final = 200
"""Cycles after which nothing is under way."""


def in_flight(misses: int, of: str = "clean") -> str:
    """Return the metric of bandwidth with so many misses under way."""
    return f"misses, {of} victims, {misses} in flight"


class Meter:
    """One bench and the rows that are measured on it."""

    def __init__(self, name: str, bench: LlcBench):
        self.name, self.bench, self.rows = name, bench, list[Row]()
        self._next = FAR

    def fresh(self, count: int) -> range:
        """Return lines that were never used, consecutive, the first in set 0."""
        first = self._next
        self._next += -(-count // self.bench.config.sets) * self.bench.config.sets
        return range(first, first + count)

    def fill(self, write: bool) -> None:
        """Put other lines into every way that is not locked: all clean, or all dirty."""
        lines = self.fresh(2 * self.bench.config.lines)
        self.bench.pattern([(line, write) for line in lines], 4)
        self.bench.idle(QUIET)

    def one_by_one(self, metric: str, lines: Iterable[int], write: bool = False, user: User = User.FIRST) -> None:
        """Measure accesses of which each begins when nothing is under way: their mean."""
        taken = []
        for line in lines:
            taken += self.bench.pattern([(line, write)], 1, user)
            self.bench.idle(QUIET)
        self.add(metric, sum(taken) / len(taken), "cycles")

    def stream(self, metric: str, accesses: Sequence[tuple[int, bool]], outstanding: int, user: User) -> None:
        """Measure bytes a cycle between the first answer and the last."""
        before = self.bench.totals.cycles
        first = self.bench.pattern(accesses, outstanding, user)[0]
        cycles = self.bench.totals.cycles - before - first
        self.add(metric, (len(accesses) - 1) * LINE_BYTES / cycles, "bytes/cycle")

    @contextmanager
    def writing_back(self, lines: int) -> Iterator[None]:
        """Raise when other than so many lines were written to memory: what was measured is not what its name says."""
        before = self.bench.totals.dram_writes
        yield
        self.bench.idle(QUIET)
        written = self.bench.totals.dram_writes - before
        if written != lines:
            raise RuntimeError(f"{self.name}: {written} lines were written back where the bench needs {lines}")

    def add(self, metric: str, value: float, unit: str, bench: str = BENCH) -> None:
        """Keep a value."""
        self.rows.append(Row(bench, self.name, metric, round(value, 3), unit))


def latencies(meter: Meter) -> None:
    """Measure one access at a time."""
    bench = meter.bench
    meter.one_by_one("miss, nothing in the way", meter.fresh(SAMPLES))
    near = meter.fresh(SAMPLES)
    bench.pattern([(line, False) for line in near], 4)
    meter.one_by_one(HIT, near)
    meter.one_by_one("hit, write", near, write=True)
    for write, victim in ((False, "clean"), (True, "dirty")):
        meter.fill(write)
        with meter.writing_back(SAMPLES * write):
            meter.one_by_one(f"miss, {victim} victim", meter.fresh(SAMPLES))
        meter.fill(write)
        with meter.writing_back(SAMPLES * write):
            meter.one_by_one(f"miss, write of a whole line, {victim} victim", meter.fresh(SAMPLES), write=True)


def axi(meter: Meter) -> None:
    """Measure hits through the AXI4 slave."""
    bench, lines = meter.bench, meter.fresh(STREAM)
    bench.pattern([(line, False) for line in lines], 4, User.AXI)
    beats = [bench.pattern([(line, False)], 1, User.AXI, first_beats=True)[0] for line in lines[:SAMPLES]]
    meter.add("hit, AXI4, first beat", sum(beats) / SAMPLES, "cycles")
    meter.one_by_one("hit, AXI4, last beat", lines[:SAMPLES], user=User.AXI)
    meter.stream("hits in a row, AXI4", [(line, False) for line in lines], 16, User.AXI)


def bandwidth(meter: Meter) -> None:
    """Measure many accesses at a time."""
    bench, config = meter.bench, meter.bench.config
    ways = 2 if meter.name != NO_LOCK else config.ways
    near = meter.fresh(ways * config.sets)
    bench.pattern([(line, False) for line in near], 4)
    meter.stream(HITS, [(line, False) for line in near[:256]] * 4, 16, User.FIRST)
    for write, victim in ((False, "clean"), (True, "dirty")):
        for misses in range(1, config.mshrs + 1):
            if misses & misses - 1 and misses > 4:
                continue
            meter.fill(write)
            # Not more lines than the ways that are left hold, of which every one was filled.
            lines = meter.fresh(min(STREAM, 2 * config.sets))
            with meter.writing_back(len(lines) * write):
                meter.stream(in_flight(misses, victim), [(n, False) for n in lines], misses, User.FIRST)


def operations(meter: Meter) -> None:
    """Measure operations, each alone: cycles from the write of its register to the answer that it ended."""
    bench, config = meter.bench, meter.bench.config

    def add(what: str, op: Op, line: int = 0, scope: Scope = Scope.LINE, domain: int = DOMAIN) -> None:
        meter.add(what, bench.operate(op, domain, line, scope), "cycles", OPERATIONS)
        bench.idle(QUIET)

    def there(lines: Sequence[int], write: bool) -> int:
        bench.pattern([(line, write) for line in lines], 4)
        bench.idle(QUIET)
        return lines[0]

    bench.set_quota(DOMAIN, quota(config))
    for count, scope, of in ((1, Scope.LINE, "line"), (PAGE, Scope.PAGE, "page")):
        lines = meter.fresh(count)
        add(f"lock {of}, not in the cache", Op.LOCK, lines[0], scope)
        add(f"unlock {of}", Op.UNLOCK, lines[0], scope)
        add(f"lock {of}, in the cache", Op.LOCK, there(meter.fresh(count), False), scope)
        add(f"unlock domain with one {of}", Op.UNLOCK, scope=Scope.ALL)
        for op, what in ((Op.CLEAN, "clean"), (Op.FLUSH, "flush")):
            add(f"{what} {of}, not in the cache", op, meter.fresh(count)[0], scope)
            add(f"{what} {of}, clean", op, there(meter.fresh(count), False), scope)
            add(f"{what} {of}, dirty", op, there(meter.fresh(count), True), scope)
    for op, what in ((Op.CLEAN, "clean"), (Op.FLUSH, "flush")):
        meter.fill(False)
        add(f"{what} all, clean", op, scope=Scope.ALL)
        meter.fill(True)
        add(f"{what} all, dirty", op, scope=Scope.ALL)
    lock_all(bench, meter.fresh(6 * config.sets))
    add("unlock domain with all of the quota", Op.UNLOCK, scope=Scope.ALL)


def lock_all(bench: LlcBench, lines: Sequence[int]) -> None:
    """Lock lines for the domain."""
    bench.set_quota(DOMAIN, len(lines))
    for line in lines:
        bench.operate(Op.LOCK, DOMAIN, line)


def measure(plain: Cache, masked: Cache) -> list[Row]:
    """Measure the cache without a lock, with all of the quota locked, and with two ways left of a partition."""
    rows: list[Row] = []
    config = plain.config
    for name in (NO_LOCK, LOCKED, PARTITION):
        cache = masked if name == PARTITION else plain
        mine = 0b11
        others = (1 << config.ways) - 1 - mine
        with cache.open((mine, others, others) if name == PARTITION else None) as bench:
            meter = Meter(name, bench)
            if name == LOCKED:
                locked = meter.fresh(quota(config))
                lock_all(bench, locked)
                meter.one_by_one("hit on a locked line", locked[:SAMPLES])
            latencies(meter)
            if name == NO_LOCK:
                axi(meter)
            bandwidth(meter)
            if name == NO_LOCK:
                operations(meter)
            bench.require_sound(name)
        rows += meter.rows
    return rows


def measure_mshrs(cache: Cache) -> list[Row]:
    """Measure how many bytes a cycle pass with more misses under way than the default has MSHRs."""
    with cache.open() as bench:
        meter = Meter(mshrs(cache.config), bench)
        bandwidth(meter)
        bench.require_sound(meter.name)
    return [row for row in meter.rows if "in flight" in row.metric]


def mshrs(config: LlcConfig) -> str:
    """Return the name of the variant with another number of MSHRs."""
    return f"{NO_LOCK}, {config.mshrs} MSHRs"
