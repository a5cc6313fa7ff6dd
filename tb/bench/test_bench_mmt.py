# SPDX-License-Identifier: Apache-2.0
"""Benches behind the last-level cache: goals at their limits, a trace through the command, values of plain memory."""

import csv
from pathlib import Path

import pytest

from yingzhou_sim import bench_mmt
from yingzhou_sim.bench_goals import Row
from yingzhou_sim.bench_mmt_goals import goals, slowdowns
from yingzhou_sim.cli import main
from yingzhou_sim.trace_file import Trace, to_bytes
from yingzhou_sim.trace_filter import Record

CACHES = ("LLC 64 KiB", "LLC 1024 KiB")


def rows(stream: float, small: tuple[float, ...], large: tuple[float, ...]) -> list[Row]:
    found = [Row("memory", v, "streaming read", x, "b") for v, x in (("unprotected", 16), ("mmt", 16 * stream))]
    for cache, slow in zip(CACHES, (small, large), strict=True):
        for i, value in enumerate(slow):
            found.append(Row(f"trace {i}", "unprotected", cache, 1000, "cycles"))
            found.append(Row(f"trace {i}", "mmt", cache, 1000 * value, "cycles"))
    return found


def test_nothing_measured_is_not_a_pass() -> None:
    alone = [row for row in rows(1, (1,), (1,)) if row.variant == "unprotected"]
    assert {goal.verdict for goal in goals([])} == {goal.verdict for goal in goals(alone)} == {"not measured"}


@pytest.mark.parametrize(
    ("values", "verdicts"),
    [
        ((0.75, (1.08, 1.08), (1.04,)), ["PASS", "PASS", "PASS", "PASS"]),
        ((0.749, (1.0,), (1.0,)), ["MISS", "PASS", "PASS", "PASS"]),
        ((1.0, (1.081, 1.081), (1.0,)), ["PASS", "MISS", "PASS", "PASS"]),
        ((1.0, (1.0,), (1.041,)), ["PASS", "PASS", "MISS", "PASS"]),
        ((1.0, (1.151, 1.0), (1.0,)), ["PASS", "PASS", "PASS", "MISS"]),
    ],
)
def test_goals_at_and_just_over_their_limits(values, verdicts: list[str]) -> None:
    assert [goal.verdict for goal in goals(rows(*values))] == verdicts


def test_the_mean_is_geometric_and_the_worst_is_named() -> None:
    found = goals(rows(1, (1.0, 1.44), (1.0,)))
    assert found[1].reached == 1.2
    assert (found[3].reached, found[3].worst) == (1.44, "trace 1, LLC 64 KiB")
    assert slowdowns(rows(1, (1.5,), ()))["trace 0", "LLC 64 KiB"] == 1.5


def test_a_trace_through_the_command(tmp_path: Path) -> None:
    records = [Record(10, False, line) for line in range(50)] + [Record(0, True, 3)]
    manifest = {"name": "hand", "llc": {"size": 65536}, "records": {"all": len(records)}}
    file = tmp_path / "hand.yzt"
    file.write_bytes(to_bytes(Trace(manifest, records)))
    assert main(["bench", "--trace", str(file), "--out", str(tmp_path)]) == 0
    with open(tmp_path / "results.csv") as results:
        found = {(r["bench"], r["variant"], r["metric"]): float(r["value"]) for r in csv.DictReader(results)}
    assert found == {("trace hand", "unprotected", "LLC 64 KiB"): 50 * (15 + 44)}


def test_plain_memory_reaches_what_its_model_allows() -> None:
    with bench_mmt.VARIANTS["unprotected"]() as bench:
        found = {row.metric: row.value for row in bench_mmt.latency("unprotected", bench)}
        found |= {row.metric: row.value for row in bench_mmt.bandwidth("unprotected", bench)}
        bench_mmt.require_sound("unprotected", bench)
        bench.poke(0, b"\1" * 64)
        bench.pattern([(0, False)], 1)
        with pytest.raises(RuntimeError, match="1 lines read differently than written, the first at line 0x0"):
            bench_mmt.require_sound("unprotected", bench)
    assert found["one read, next line"] == found["one read, anywhere in 32 MiB"] == 44
    assert 15.9 < found["streaming read"] <= 16 and 15.9 < found["streaming write"] <= 16


def test_wrong_input_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--trace", "/no/such.yzt"]) == 2
    assert "cannot use /no/such.yzt: No such file" in capsys.readouterr().err
    assert main(["bench", "--trace", "x.yzt", "--only", "mmt"]) == 2
    assert "--trace and --only are both given; accepted is one of them" in capsys.readouterr().err
