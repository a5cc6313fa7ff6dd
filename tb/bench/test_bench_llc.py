# SPDX-License-Identifier: Apache-2.0
"""Benches of the last-level cache: cycles by hand on a small cache, what is held in it, goals at their limits."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from yingzhou.errors import ConfigError
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.signature import Op, Scope
from yingzhou_sim import bench_llc, bench_llc_access
from yingzhou_sim.bench_goals import Row
from yingzhou_sim.bench_llc_access import Meter
from yingzhou_sim.bench_llc_build import cache_library
from yingzhou_sim.bench_llc_goals import goals, slowdowns
from yingzhou_sim.bench_llc_native import LlcBench, User
from yingzhou_sim.bench_llc_page import figures
from yingzhou_sim.bench_llc_variant import (
    LOCKED,
    NO_LOCK,
    PARTITION,
    PROFILED,
    Cache,
    Held,
    all_held,
    choose,
    held_lines,
    held_ways,
    profile,
    quota,
    working_set,
)
from yingzhou_sim.bench_llc_workload import HOST_LINE, Pair, measure
from yingzhou_sim.cli import main
from yingzhou_sim.trace_file import Trace, to_bytes
from yingzhou_sim.trace_filter import Record

SMALL = LlcConfig(size_bytes=8 << 9, ways=8, domains=2)
"""8 sets of 8 ways; 48 lines can be locked."""
HIT = 3
MISS = 51
"""A read alone: 2 cycles to ask, 40 of latency and 4 beats and what surrounds them, 4 to the answer."""


@pytest.fixture(scope="module")
def plain() -> Cache:
    return Cache(SMALL, cache_library(SMALL, "-O0"))


@pytest.fixture(scope="module")
def masked() -> Cache:
    config = replace(SMALL, way_masks=True)
    return Cache(config, cache_library(config, "-O0"))


def loop(lines: int, instructions: int = 100) -> list[Record]:
    """Return reads of consecutive lines."""
    return [Record(instructions, False, line) for line in range(lines)]


# Accesses


def test_accesses_take_what_the_contract_says(plain: Cache) -> None:
    with plain.open() as bench:
        lines = [(line, False) for line in range(20)]
        assert bench.pattern(lines) == [MISS] * 20
        assert bench.pattern(lines) == [HIT] * 20
        assert bench.pattern(lines, user=User.AXI) == [10] * 20
        assert bench.pattern(lines[:3], user=User.AXI, first_beats=True) == [7] * 3
        assert bench.pattern([(line, True) for line in range(64, 70)]) == [6] * 6
        assert bench.totals.dram_reads == 20 and bench.totals.dram_writes == 0
        before = bench.totals.cycles
        bench.pattern(lines * 10, 16)
        assert bench.totals.cycles - before == 200 + HIT - 1


def test_content_is_checked_and_comes_back_from_memory(plain: Cache) -> None:
    with plain.open() as bench:
        bench.pattern([(line, True) for line in range(300)], 8)
        assert bench.totals.dram_writes > 200
        bench.pattern([(line, False) for line in range(300)], 8)
        assert bench.totals.errors == bench.totals.mismatches == 0
        # What another user wrote is not what this one expects.
        bench.pattern([(5, False)], user=User.SECOND)
        assert bench.totals.mismatches == 1


def test_misses_in_flight_overlap_until_there_is_no_mshr(plain: Cache) -> None:
    taken = []
    for outstanding in (1, 2, 4, 8):
        with plain.open() as bench:
            bench.pattern([(line, False) for line in range(64)], outstanding)
            taken.append(bench.totals.cycles)
    assert taken[0] > 1.8 * taken[1] > 3.2 * taken[2]
    assert taken[3] == pytest.approx(taken[2], rel=0.1)


def test_a_measurement_that_is_not_what_it_says_is_refused(plain: Cache) -> None:
    with plain.open() as bench:
        meter = Meter("x", bench)
        meter.fill(True)
        with (
            pytest.raises(RuntimeError, match="x: 8 lines were written back where the bench needs 7"),
            meter.writing_back(7),
        ):
            meter.one_by_one("miss", meter.fresh(8))


# Operations


def test_operations_are_timed_to_their_end(plain: Cache) -> None:
    with plain.open() as bench:
        bench.set_quota(1, 2)
        assert bench.operate(Op.STATUS, 0, 7) == bench.operate(Op.CLEAN, 0, 7) == 7
        assert bench.operate(Op.LOCK, 1, 7) == 55
        assert bench.operate(Op.LOCK, 1, 7) == 7
        assert bench.operate(Op.LOCK, 1, 8) > 50 and bench.locked(1) == 2
        with pytest.raises(RuntimeError, match="LOCK LINE at line 0x9 for 1 answers QUOTA, not DONE"):
            bench.operate(Op.LOCK, 1, 9)
        with pytest.raises(RuntimeError, match="LOCK LINE at line 0x7 for 2 answers QUOTA|OTHER_OWNER"):
            bench.operate(Op.LOCK, 2, 7)
        assert bench.operate(Op.UNLOCK, 1, scope=Scope.ALL) > 2 * SMALL.lines
        assert bench.locked(1) == 0 and bench.totals.dram_writes == 2


# Cores


def test_a_core_waits_for_reads_and_pauses_between(plain: Cache) -> None:
    with plain.open() as bench:
        bench.begin(User.FIRST, loop(10, 20), marks=(0, 20))
        bench.run(10**6)
        seen = bench.core(User.FIRST)
        assert seen.cycles == 10 * (30 + MISS) + 10 * (30 + HIT)
        assert (seen.done, seen.reads, seen.hits) == (20, 20, 10)


def test_half_cycles_of_instructions_add_up(plain: Cache) -> None:
    with plain.open() as bench:
        bench.begin(User.FIRST, [Record(1, False, 0)], marks=(1, 5))
        bench.run(10**6)
        assert bench.core(User.FIRST).cycles == 4 * HIT + 6


def test_writes_are_posted_and_a_read_of_one_waits_for_it(plain: Cache) -> None:
    with plain.open() as bench:
        # The write is on its way while the core goes on; a read of another line is not held up by it.
        bench.begin(User.FIRST, [Record(2, True, 1), Record(2, True, 2)], marks=(0, 2))
        bench.run(10**6)
        assert bench.core(User.FIRST).cycles == 6
        bench.idle(200)
        bench.begin(User.FIRST, [Record(0, True, 20), Record(0, False, 20)], marks=(0, 2))
        bench.run(10**6)
        assert bench.core(User.FIRST).cycles > 6 + HIT - 1
        assert bench.totals.mismatches == 0


def test_a_full_write_buffer_stops_the_core(plain: Cache) -> None:
    records = [Record(0, True, line) for line in range(40)]
    taken = []
    for room in (1, 8):
        with LlcBench(plain.library, SMALL, write_buffer=room) as bench:
            bench.begin(User.FIRST, records, marks=(0, 40))
            bench.run(10**6)
            taken.append(bench.core(User.FIRST).cycles)
    assert taken[0] == pytest.approx(39 * 6, rel=0.1) and taken[1] < taken[0] / 2


def test_pauses_that_are_skipped_change_no_cycle(plain: Cache) -> None:
    first = [Record(30 + i % 90, i % 4 == 0, i * 37 % 150) for i in range(200)]
    second = [Record(40 + i % 170, i % 3 == 0, i * 91 % 180) for i in range(200)]
    seen, skipped = [], []
    for skip in (True, False):
        with LlcBench(plain.library, SMALL, skip_pauses=skip) as bench:
            bench.begin(User.FIRST, first, marks=(50, 350))
            bench.begin(User.SECOND, second, HOST_LINE, marks=(20, 300))
            bench.run(10**6)
            seen.append([bench.core(user) for user in (User.FIRST, User.SECOND)])
            skipped.append(bench.totals.skipped)
            assert bench.totals.mismatches == bench.totals.errors == 0
    assert seen[0] == seen[1] and skipped[0] > 0 == skipped[1]


def test_a_core_that_is_not_at_its_mark_has_no_time(plain: Cache) -> None:
    with plain.open() as bench:
        bench.begin(User.FIRST, loop(10), marks=(0, 100))
        bench.run(500)
        with pytest.raises(RuntimeError, match="a core has made 2 accesses and is not at its second mark"):
            _ = bench.core(User.FIRST).cycles


# What is held


def used(*lines: int) -> list[Record]:
    return [Record(0, False, line) for line in lines]


def test_a_working_set_is_what_was_used_and_is_used_most() -> None:
    before, measured = used(3, 11, 2, 2, 5), used(2, 3, 11, 11, 11, 7, 7, 7, 7, 3)
    assert working_set(before, measured) == [11, 3, 2]
    assert profile(before) == [2, 3, 5, 11]


def test_sets_are_not_overfilled() -> None:
    same_set = [8 * n for n in range(20)]
    assert choose(SMALL, [*same_set, 1, 2], 8) == [*same_set[:6], 1, 2]
    assert choose(SMALL, [4, 5], 8) == [4, 5]


def test_shares_of_the_quota_and_the_ways_that_they_take() -> None:
    assert quota(SMALL) == 48
    assert [held_lines(SMALL, share) for share in (25, 50, 75)] == [12, 24, 36]
    assert [held_ways(SMALL, share) for share in (25, 50, 75)] == [2, 3, 5]
    found = all_held(SMALL, loop(100), loop(30))
    assert [(h.variant, h.share) for h in found] == [
        (NO_LOCK, 0),
        (LOCKED, 25),
        (PROFILED, 25),
        (PARTITION, 25),
        (LOCKED, 50),
        (PROFILED, 50),
        (PARTITION, 50),
        (LOCKED, 75),
        (PROFILED, 75),
        (PARTITION, 75),
    ]
    assert [len(h.lines) for h in found] == [0, 12, 12, 0, 24, 24, 0, 30, 36, 0]


def test_locked_lines_stay_beside_a_host_that_uses_everything(plain: Cache) -> None:
    """24 lines that are locked hit always; without a lock a host that streams takes them away."""
    host = loop(300, 0)
    rates = {}
    for held in (Held(), Held(LOCKED, 50, tuple(range(24)))):
        with held.open(plain, plain) as bench:
            bench.begin(User.FIRST, loop(24, 400), marks=(24, 240))
            bench.begin(User.SECOND, host, HOST_LINE)
            bench.run(10**6)
            seen = bench.core(User.FIRST)
            rates[held.variant] = seen.hits / seen.reads
    assert rates[NO_LOCK] < 0.5
    assert rates[LOCKED] > 0.9, "a hit that waits for a host's miss before it is not counted as one"


@pytest.mark.regress
def test_a_partition_keeps_both_in_their_ways(plain: Cache, masked: Cache) -> None:
    """Two ways of 8 sets: 16 lines stay, 24 lines in a circle never do. The host has the other six."""
    rates = {}
    for lines in (16, 24):
        with Held(PARTITION, 25, ways=2).open(plain, masked) as bench:
            bench.begin(User.FIRST, loop(lines, 400), marks=(lines, 10 * lines))
            bench.begin(User.SECOND, loop(48, 400), HOST_LINE, marks=(48, 480))
            bench.run(10**6)
            seen, host = bench.core(User.FIRST), bench.core(User.SECOND)
            rates[lines] = seen.hits / seen.reads
            assert host.hits / host.reads > 0.9
    assert rates[16] > 0.9 and rates[24] < 0.1


@pytest.mark.regress
def test_a_pair_is_measured_over_the_same_accesses(plain: Cache, masked: Cache) -> None:
    trace = Trace({"name": "mine"}, loop(24, 400))
    host = Trace({"name": "other"}, loop(200, 100))
    rows = measure(Pair(trace, host), plain, masked, warm=40_000, measured=60_000)
    assert {r.bench for r in rows} == {"cache, mine beside other"}
    slow = slowdowns(rows, "enclave", LOCKED)
    assert sorted(share for _, share in slow) == [25, 50, 75]
    # The more of its 24 lines are locked, the less the enclave waits.
    assert slow["cache, mine beside other", 50] < slow["cache, mine beside other", 25] < 1
    assert slowdowns(rows, "host", LOCKED).keys() == slow.keys()
    assert {r.value for r in rows if r.metric == "locked, 75 %"} == {24}


# Goals and the command


def rows_of(locked: float, profiled: float) -> list[Row]:
    return [
        *(Row("cache, a beside b", NO_LOCK, f"{who}, 0 %", 1000, "cycles") for who in ("enclave", "host")),
        Row("cache, a beside b", LOCKED, "enclave, 50 %", 1000 * locked, "cycles"),
        Row("cache, a beside b", LOCKED, "host, 50 %", 1200, "cycles"),
        Row("cache, a beside b", PROFILED, "enclave, 25 %", 1000 * profiled, "cycles"),
        Row(bench_llc_access.BENCH, NO_LOCK, bench_llc_access.HIT, 3, "cycles"),
        Row(bench_llc_access.BENCH, NO_LOCK, bench_llc_access.HITS, 64, "bytes/cycle"),
    ]


def test_goals_at_and_just_over_their_limits() -> None:
    assert {goal.verdict for goal in goals([])} == {"not measured"}
    assert [goal.verdict for goal in goals(rows_of(1.03, 1.03))] == ["PASS"] * 4
    assert [goal.verdict for goal in goals(rows_of(1.0301, 0.9))] == ["PASS", "PASS", "MISS", "PASS"]
    assert [goal.verdict for goal in goals(rows_of(0.9, 1.0301))] == ["PASS", "PASS", "PASS", "MISS"]
    slow = [replace(r, value=r.value * (4 / 3 if r.unit == "cycles" else 0.99)) for r in rows_of(1, 1)[-2:]]
    assert [goal.verdict for goal in goals(slow)][:2] == ["MISS", "MISS"]
    assert goals(rows_of(1.2, 1))[2].worst == "cache, a beside b, 50 % of the quota"


def test_everything_measured_is_drawn() -> None:
    rows = [*rows_of(1.01, 1.1), Row("cache", NO_LOCK, bench_llc_access.in_flight(2), 2.4, "bytes/cycle")]
    rows.append(Row("cache", NO_LOCK, bench_llc_access.in_flight(2, "dirty"), 2.4, "bytes/cycle"))
    rows.append(Row(bench_llc_access.OPERATIONS, NO_LOCK, "lock line", 55, "cycles"))
    assert all(figure is not None for _, figure in figures(rows))
    assert all(figure is None for _, figure in figures([]))


@pytest.mark.regress
def test_a_trace_of_the_first_level_through_the_command(
    plain: Cache, masked: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [Record(9000, False, line) for line in range(20)]
    manifest = {"name": "hand", "llc": None, "records": {"all": len(records)}}
    file = tmp_path / "hand.yzt"
    file.write_bytes(to_bytes(Trace(manifest, records)))
    libraries = {cache.config: cache.library for cache in (plain, masked)}
    monkeypatch.setattr(bench_llc, "CONFIG", plain.config)
    monkeypatch.setattr(bench_llc, "MASKED", masked.config)
    monkeypatch.setattr(bench_llc, "cache_library", lambda config: libraries[config])
    assert main(["bench", "--trace", str(file), "--jobs", "1", "--out", str(tmp_path)]) == 0
    with open(tmp_path / "results.csv") as results:
        found = {(r["bench"], r["variant"], r["metric"]): float(r["value"]) for r in csv.DictReader(results)}
    assert {bench for bench, _, _ in found} == {"cache, hand beside hand", "cache, hand alone"}
    assert found["cache, hand alone", LOCKED, "enclave, 50 %, hits"] == 100
    assert "part of the cache held" in (tmp_path / "report.html").read_text()


@pytest.mark.regress
def test_the_shipped_traces_are_of_the_first_level() -> None:
    pairs = bench_llc.shipped()
    assert len(pairs) == 2 * len(bench_llc.PAIRS)
    assert all(bench_llc.of_first_level(pair.enclave) and len(pair.enclave.records) >= 12_000 for pair in pairs)


def test_wrong_input_is_named(plain: Cache) -> None:
    far = Trace({"name": "far", "llc": None}, [Record(1, False, HOST_LINE)])
    with pytest.raises(ConfigError, match="trace far reaches beyond the 1024 MiB that an enclave has here"):
        bench_llc.given([far])
    with plain.open() as bench, pytest.raises(ConfigError, match="the trace reaches beyond the 4096 MiB of memory"):
        bench.begin(User.SECOND, loop(2), (1 << 26) - 1)
    with pytest.raises(ConfigError, match="write_buffer is 16; accepted are 1 to 15"):
        LlcBench(plain.library, SMALL, write_buffer=16)
    with plain.open() as bench, pytest.raises(ConfigError, match="outstanding is 17; accepted are 1 to 16"):
        bench.pattern([], 17)
