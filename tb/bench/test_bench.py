# SPDX-License-Identifier: Apache-2.0
"""Benches: values in, goals judged, results and page out. The machines themselves run in ``make bench``."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from yingzhou.mmt.config import preset
from yingzhou.soc.config import SocConfig
from yingzhou_sim import bench, bench_machine
from yingzhou_sim.bench_goals import Row, goals
from yingzhou_sim.bench_page import Setting, write_page
from yingzhou_sim.cli import main
from yingzhou_sim.machine import DramTiming, Stop
from yingzhou_sim.runs import UNGUARDED, BootMode, Measurement, Outcome, Run


def walk_plan(checker: str, latency: int = 10) -> bench.Plan:
    variant = f"{checker}, DRAM {latency}"
    run = Run(
        name=f"walks, {variant}",
        images=(),
        config=SocConfig(checker=checker, memory="plain", cache="lines"),
        dram=DramTiming(latency=latency),
    )
    return bench.Plan(variant, run, "walks")


def walk_outcome(plan: bench.Plan, walks: int, cycles: int, reads: int) -> tuple[bench.Plan, Outcome]:
    outcome = Outcome(plan.run.name, stop=Stop.EXIT, cycles=200_000, seconds=2.0)
    for metric, value in (("walks", walks), ("walk_cycles", cycles), ("walk_reads", reads)):
        outcome.measurements.append(Measurement("walk-dense", metric, value, metric))
    return plan, outcome


def host_rows(variant: str, **cycles: int) -> list[Row]:
    names = {
        "set": ("set_pte", "64 entries, per entry"),
        "one": ("mmap", "1 page"),
        "many": ("mmap", "64 pages"),
        "kv": ("kv", "2000 operations"),
        "cpu": ("kernels", "2 warm rounds"),
    }
    return [Row(names[k][0], variant, names[k][1], v, "cycles") for k, v in cycles.items()]


def verdicts(rows: list[Row]) -> list[str]:
    return [goal.verdict for goal in goals(rows)]


def test_values_of_one_walk_are_derived() -> None:
    rows = bench.collect([walk_outcome(walk_plan("gpt"), 256, 5120, 512)])
    derived = {(r.bench, r.variant, r.metric): (r.value, r.unit) for r in rows}
    assert derived["walk-dense", "gpt, DRAM 10", "cycles per walk"] == (20.0, "cycles")
    assert derived["walk-dense", "gpt, DRAM 10", "reads per walk"] == (2.0, "reads")
    assert derived["simulator", "walks, gpt, DRAM 10", "speed"] == (100.0, "kHz")


def test_csv_is_long_form() -> None:
    text = bench.to_csv([Row("kv", "guarded", "2000 operations", 5, "cycles"), Row("a,b", "c", "d", 1.5, "x")])
    assert list(csv.reader(io.StringIO(text))) == [
        ["bench", "variant", "metric", "value", "unit"],
        ["kv", "guarded", "2000 operations", "5", "cycles"],
        ["a,b", "c", "d", "1.5", "x"],
    ]


def test_nothing_measured_is_not_a_pass() -> None:
    assert set(verdicts([])) == {"not measured"}


@pytest.mark.parametrize(
    ("gpt_cycles", "gpt_reads", "expected"),
    [(5120, 512, ["PASS", "PASS"]), (5121, 512, ["MISS", "PASS"]), (5120, 513, ["PASS", "MISS"])],
)
def test_one_extra_cycle_or_read_of_a_walk_misses(gpt_cycles: int, gpt_reads: int, expected: list[str]) -> None:
    rows = bench.collect(
        [
            walk_outcome(walk_plan("none"), 256, 5120, 512),
            walk_outcome(walk_plan("gpt"), 256, gpt_cycles, gpt_reads),
            walk_outcome(walk_plan("bitmap"), 256, 9000, 600),
        ]
    )
    assert verdicts(rows)[:2] == expected


def test_walks_are_compared_at_the_same_latency() -> None:
    rows = bench.collect(
        [
            walk_outcome(walk_plan("none", 10), 256, 5120, 512),
            walk_outcome(walk_plan("gpt", 40), 256, 9000, 512),
        ]
    )
    assert verdicts(rows)[:2] == ["not measured", "not measured"]


LIMITS = {"set": (80, 1), "one": (126, 100), "many": (105, 100), "kv": (105, 100), "cpu": (1005, 1000)}


@pytest.mark.parametrize("over", [None, *LIMITS])
def test_host_goals_at_and_just_over_their_limits(over: str | None) -> None:
    guarded = {k: limit + (k == over) for k, (limit, _) in LIMITS.items()}
    rows = host_rows("guarded", **guarded) + host_rows("unguarded", **{k: base for k, (_, base) in LIMITS.items()})
    assert verdicts(rows)[2:7] == ["MISS" if k == over else "PASS" for k in LIMITS]


@pytest.mark.parametrize(("khz", "verdict"), [(80.0, "PASS"), (79.9, "MISS")])
def test_speed_of_the_whole_machine_is_a_lower_limit(khz: float, verdict: str) -> None:
    """The slowest of its runs counts; other machines do not."""
    speeds = {
        "cache and engine, DRAM 10": 90.0,
        "cache and engine, DRAM 100": khz,
        "line buffers and engine, DRAM 10": 1.0,
    }
    rows = [Row("machine", variant, "simulated, processor time", value, "kHz") for variant, value in speeds.items()]
    (goal,) = bench_machine.goals(rows)
    assert (goal.verdict, goal.worst) == (verdict, "cache and engine, DRAM 100")
    assert bench_machine.goals([])[0].verdict == "not measured"


def test_program_on_the_whole_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each machine at each latency; what is derived from a run."""
    monkeypatch.setattr(bench_machine, "build_image", lambda name: Path(name))
    found = bench.plans(["machine"], [10, 100])
    assert len({(p.run.config, p.run.dram) for p in found}) == len(found) == 6
    assert SocConfig() in {p.run.config for p in found}
    outcome = Outcome(
        found[0].run.name, stop=Stop.EXIT, cycles=3000, retired=2000, seconds=9, cpu_seconds=0.05, dram_reads=7
    )
    rows = {(r.variant, r.metric): r.value for r in bench.collect([(found[0], outcome)]) if r.bench == "machine"}
    assert rows == {
        ("cache and engine, DRAM 10", metric): value
        for metric, value in {
            "cycles": 3000,
            "instructions": 2000,
            "cycles per instruction": 1.5,
            "lines read from DRAM": 7,
            "lines written to DRAM": 0,
            "simulated, processor time": 60.0,
        }.items()
    }


def test_page_holds_goals_plots_and_values_and_loads_nothing(tmp_path: Path) -> None:
    plans = [walk_plan(checker, latency) for checker in ("none", "gpt", "bitmap") for latency in (10, 40)]
    rows = bench.collect([walk_outcome(plan, 256, 5120 + plan.run.dram.latency, 512) for plan in plans])
    rows += host_rows("guarded", one=120, cpu=1000) + host_rows("unguarded", one=100, cpu=1000)
    runs = [Setting(p.run.name, p.run.config, p.run.dram) for p in plans]
    runs.append(Setting("engine alone", preset("small"), DramTiming(latency=77)))
    page = write_page(tmp_path / "report.html", rows, goals(rows), runs).read_text()
    assert page.count("<svg") == 2 and "<?xml" not in page
    assert "MISS" not in page and page.count("PASS") == 4 and "not measured" in page
    assert "latency 40" in page and "5,160" in page
    checkers = [f'<td class="id">checker {checker}</td>' for checker in ("none", "gpt", "bitmap")]
    assert [page.count(checker) for checker in checkers] == [2, 2, 2], "a run names what sets its machine apart"
    assert "cache</td><td>lines" in page, "what all machines share is told once"
    assert "slots 4" in page and "latency 77" in page, "a block alone is told whole"
    for outside in ("<script", "<link", 'src="', "@import"):
        assert outside not in page
    again = write_page(tmp_path / "again.html", rows, goals(rows), runs).read_text()
    assert page.split("Goals")[1] == again.split("Goals")[1]


def test_plans_differ_in_what_their_names_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.firmware, "build_image", lambda name: Path(name))
    found = bench.plans(["walks", "host"], [10, 100])
    walks, host = found[:6], found[6:]
    assert {(p.run.config.checker, p.run.dram.latency) for p in walks} == {
        (checker, latency) for checker in ("none", "gpt", "bitmap") for latency in (10, 100)
    }
    assert len({p.run.name for p in found}) == len(found)
    guarded, unguarded = host
    assert guarded.run == replace(
        unguarded.run, name="host, guarded", config=SocConfig(memory="plain", cache="lines"), flags=0
    )
    assert (unguarded.run.config.checker, unguarded.run.flags) == ("none", UNGUARDED)
    assert guarded.run.mode is BootMode.BENCH and guarded.run.dram == DramTiming()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--latency", "0"], "'0' is not a positive whole number"),
        (["--latency", "20000"], "--latency 20000 is too large; accepted are 1 to 10000"),
        (["--only", "disk"], "invalid choice: 'disk'"),
    ],
)
def test_wrong_options_are_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["bench", *arguments])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert message in capsys.readouterr().err
