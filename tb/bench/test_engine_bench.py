# SPDX-License-Identifier: Apache-2.0
"""The bench of the memory engine without an engine: cycles by hand, content checked."""

import pytest

from yingzhou.errors import ConfigError
from yingzhou_sim.bench_mmt_build import unprotected_library
from yingzhou_sim.bench_mmt_engine import EngineBench
from yingzhou_sim.trace_filter import Record

MIB = 1 << 20
READ = 44
"""Cycles of one read alone: 40 of latency, 4 beats."""
WRITE = 46
"""Cycles of one write alone: its address, 4 beats after it, 40 of latency, the answer."""


def bench(**options: object) -> EngineBench:
    return EngineBench(unprotected_library(), MIB, **options)  # type: ignore[arg-type]


def test_reads_of_a_blocking_core_cost_latency_and_beats() -> None:
    with bench() as b:
        assert b.replay([Record(20, False, line) for line in range(10)]) == 10 * (30 + READ)
        assert b.totals.dram_reads == 10 and b.totals.errors == b.totals.mismatches == 0


def test_half_cycles_of_instructions_add_up() -> None:
    with bench() as b:
        assert b.replay([Record(1, False, line) for line in range(4)]) == 4 * READ + 6


def test_a_write_back_is_posted() -> None:
    with bench() as b:
        assert b.replay([Record(2, True, 1)]) == 3
        # The core goes on at once; the write has the bus for itself long before the read's beats.
        assert b.replay([Record(0, False, 200)]) == READ


def test_a_full_write_buffer_waits_for_an_answer() -> None:
    with bench(write_buffer=1) as b:
        # Four beats, of which the first goes a cycle after the address, then 40 cycles to the answer.
        first = b.replay([Record(0, True, 1)])
        second = b.replay([Record(0, True, 2)])
    assert first == 0
    assert second == WRITE


def test_a_read_of_a_line_in_the_write_buffer_waits_and_sees_it() -> None:
    with bench() as b:
        both = b.replay([Record(0, True, 7), Record(0, False, 7)])
        assert both == WRITE + READ
        assert b.totals.mismatches == 0


@pytest.mark.parametrize("gap", [50, 5000])
def test_skipped_pauses_change_no_cycle(gap: int) -> None:
    records = [Record(gap + i % 7, i % 3 == 0, i * 37 % 999) for i in range(300)]
    with bench() as fast, bench(skip_pauses=False) as slow:
        assert fast.replay(records, chunk=7) == slow.replay(records)
        assert (fast.totals.skipped > 0) == (gap == 5000)
        assert slow.totals.skipped == 0


def test_streams_fill_the_bus_and_single_reads_do_not() -> None:
    with bench() as b:
        before = b.totals.cycles
        b.pattern([(line, False) for line in range(1000)], 16)
        assert 4000 <= b.totals.cycles - before <= 4200
        assert set(b.pattern([(line, False) for line in range(50)], 1)) == {READ}


def test_content_is_checked() -> None:
    with bench() as b:
        b.pattern([(5, True), (5, False), (6, False)], 8)
        assert b.totals.mismatches == 0
        b.poke(5 * 64 + 63, bytes([b.peek(5 * 64 + 63, 1)[0] ^ 1]))
        b.poke(6 * 64, b"\1")
        b.pattern([(5, False), (6, False), (7, False)], 1)
        assert (b.totals.mismatches, b.totals.errors, b.totals.first_bad_line) == (2, 0, 5)


def test_accesses_of_one_line_keep_their_order() -> None:
    with bench() as b:
        b.pattern([(i % 3, i % 2 == 0) for i in range(300)], 16)
        assert b.totals.mismatches == 0 and b.totals.writes == 150


def test_an_access_outside_is_an_error() -> None:
    with bench() as b:
        b.pattern([(MIB // 64, False), (MIB // 64 + 1, True)], 1)
        assert b.totals.errors == 2


def test_wrong_input_is_named() -> None:
    with bench() as b:
        with pytest.raises(ConfigError, match="the trace reaches beyond the 1 MiB of memory here"):
            b.replay([Record(1, False, MIB // 64)])
        with pytest.raises(ConfigError, match="outstanding is 65; accepted are 1 to 64"):
            b.pattern([], 65)
        with pytest.raises(ConfigError, match="are not in the 0x100000 bytes of DRAM"):
            b.peek(MIB, 1)
    with pytest.raises(ConfigError, match="write_buffer is 0; accepted are 1 to 16"):
        bench(write_buffer=0)
