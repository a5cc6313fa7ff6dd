# SPDX-License-Identifier: Apache-2.0
"""``yingzhou bench``: every variant measured in one run, side by side, against stated goals.

Six families. *Walks* runs ``sw/bench/walks.c`` on machines with each walk checker and several DRAM latencies: what
one page walk costs. *Host* runs the host kernel's benches on the guarded machine and on one without checker whose host
writes its page tables directly: what the guard costs an operating system and its programs. *Machine* runs one program
on the whole machine, with and without cache and memory engine. *Mmt* drives memory behind the last-level cache alone,
with and without a memory engine: latency, bandwidth, subtrees, recorded traces. *Llc* drives the last-level cache
alone: accesses, operations, programs with lines locked or ways reserved for an enclave. *Leak* has attackers time the
cache beside a cipher whose tables are locked or not.
"""

import argparse
import csv
import dataclasses
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from yingzhou.errors import require
from yingzhou.soc.config import CHECKERS, SocConfig

from . import bench_leak, bench_llc, bench_llc_goals, bench_machine, bench_mmt, bench_mmt_goals, build, firmware
from .bench_goals import Goal, Row, goals
from .bench_native import DRAM
from .bench_page import Setting, write_page
from .files import write_whole
from .leak_page import leak_figure
from .machine import DramTiming
from .options import positive
from .parallel import execute_all
from .paths import BUILD
from .progress import Display
from .runs import UNGUARDED, BootMode, Outcome, Run
from .trace_file import read_trace

LATENCIES: Final = (10, 40, 100)
"""DRAM latencies of the benches of walks and of the whole machine, in cycles."""
FAMILIES: Final = ("walks", "host", "machine", "mmt", "llc", "leak")

_EXAMPLES: Final = """
examples:
  yingzhou bench                         everything -> build/bench/results.csv and report.html
  yingzhou bench --only walks            only the cost of page walks
  yingzhou bench --trace sort-64K.yzt    only replay this trace
  yingzhou bench --only llc              only the last-level cache and its locks
  yingzhou bench --only mmt --variant mmt --accesses 3000
  yingzhou bench --only walks --latency 40 --jobs 1
                                         at one DRAM latency, one simulation at a time
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``yingzhou bench``."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--only",
        choices=FAMILIES,
        help="walks: cost of a page walk; host: cost to an operating system; machine: one program on the whole "
        "machine; llc: the last-level cache; leak: what attackers learn through it; mmt: memory behind it",
    )
    parser.add_argument(
        "--trace",
        type=Path,
        action="append",
        metavar="FILE",
        help="replay this trace (yingzhou trace record) and nothing else; may be repeated",
    )
    parser.add_argument(
        "--accesses",
        type=positive,
        metavar="N",
        help="mmt: replay only the first N accesses of each trace (default: all)",
    )
    parser.add_argument(
        "--variant",
        action="append",
        choices=bench_mmt.VARIANTS,
        help="mmt: measure only this way from the cache to DRAM, and unprotected; may be repeated (default: all)",
    )
    parser.add_argument(
        "--latency",
        type=positive,
        action="append",
        metavar="CYCLES",
        help=f"DRAM latency of walks and machine, may be repeated (default {', '.join(map(str, LATENCIES))})",
    )
    parser.add_argument(
        "--jobs", type=positive, default=os.cpu_count() or 1, help="simulations at once (default: cores)"
    )
    parser.add_argument(
        "--out", type=Path, default=BUILD / "bench", metavar="DIR", help="folder of results (default build/bench)"
    )


@dataclass(frozen=True)
class Plan:
    """A run, the name of its column in the results, and its family."""

    variant: str
    run: Run
    family: str


def _machine(checker: str) -> SocConfig:
    """Return the machine that walks are measured on: line buffers, no cache, so that DRAM's latency shows."""
    return SocConfig(checker=checker, memory="plain", cache="lines")


def plans(families: Sequence[str], latencies: Sequence[int]) -> list[Plan]:
    """Return the runs of the chosen families; firmware is built, machines are not."""
    found: list[Plan] = []
    if "walks" in families:
        image = firmware.build_image("bench-walks")
        for checker in CHECKERS:
            for latency in latencies:
                variant = f"{checker}, DRAM {latency}"
                run = Run(
                    name=f"walks, {variant}",
                    images=(image,),
                    config=_machine(checker),
                    dram=DramTiming(latency=latency),
                )
                found.append(Plan(variant, run, "walks"))
    if "host" in families:
        images = (firmware.build_image("monitor"), firmware.build_image("host"))
        base = Run(name="", images=images, mode=BootMode.BENCH, max_cycles=200_000_000)
        for variant, checker, flags in (("guarded", "gpt", 0), ("unguarded", "none", UNGUARDED)):
            run = dataclasses.replace(base, name=f"host, {variant}", config=_machine(checker), flags=flags)
            found.append(Plan(variant, run, "host"))
    if "machine" in families:
        found += [Plan(variant, run, "machine") for variant, run in bench_machine.runs(latencies).items()]
    if "leak" in families:
        run = Run(name="leak", images=(firmware.build_image("leak-deep"),), max_cycles=100_000_000)
        found.append(Plan("machine", run, "leak"))
    return found


def collect(measured: Sequence[tuple[Plan, Outcome]]) -> list[Row]:
    """Return everything that was measured, with cycles and reads of one walk derived."""
    rows: list[Row] = []
    for plan, outcome in measured:
        mine = [Row(m.bench, plan.variant, m.metric, m.value, m.unit) for m in outcome.measurements]
        values = {(r.bench, r.metric): r.value for r in mine}
        for (bench, metric), walks in values.items():
            if metric == "walks" and walks:
                for of, unit in (("cycles", "cycles"), ("reads", "reads")):
                    per_walk = round(values[bench, f"walk_{of}"] / walks, 3)
                    mine.append(Row(bench, plan.variant, f"{of} per walk", per_walk, unit))
        rows += mine
        rows.append(Row("simulator", plan.run.name, "speed", round(outcome.khz, 1), "kHz"))
    return rows + bench_machine.rows({plan.variant: outcome for plan, outcome in measured if plan.family == "machine"})


def to_csv(rows: Sequence[Row]) -> str:
    """Return ``results.csv``: bench, variant, metric, value, unit in long form."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(f.name for f in dataclasses.fields(Row))
    out.writerows(dataclasses.astuple(row) for row in rows)
    return text.getvalue()


def _print_goals(console: Console, found: Sequence[Goal]) -> None:
    table = Table("goal", "reached", "result", title="Goals")
    for goal in found:
        colour = {"PASS": "green", "MISS": "red"}.get(goal.verdict, "yellow")
        table.add_row(goal.text, goal.reached_text, f"[{colour}]{goal.verdict}[/]")
    console.print(table)
    for goal in found:
        if goal.missed:
            console.print(f"missed: {goal.text}: {goal.missed}", markup=False, highlight=False)


def run(arguments: argparse.Namespace) -> int:
    """Measure, write and print; 0 when every program ran to its end, whatever the goals say."""
    families = [arguments.only] if arguments.only else list(FAMILIES)
    require(not (arguments.trace and arguments.only), "--trace and --only are both given; accepted is one of them")
    if arguments.trace:
        families = []
    latencies = sorted(set(arguments.latency or LATENCIES))
    require(max(latencies) <= 10000, f"--latency {max(latencies)} is too large; accepted are 1 to 10000")
    own = [(path, read_trace(path)) for path in arguments.trace or ()]
    behind = [path for path, trace in own if not bench_llc.of_first_level(trace)]
    before = bench_llc.given([trace for _, trace in own if bench_llc.of_first_level(trace)])
    traces = behind or (bench_mmt.shipped() if "mmt" in families else [])
    pairs = before or (bench_llc.shipped() if "llc" in families else [])

    def say(what: str) -> None:
        print(what, flush=True)

    chosen = [v for name, v in bench_mmt.VARIANTS.items() if name in ("unprotected", *(arguments.variant or [name]))]
    memory = bench_mmt.measure(
        traces,
        "mmt" in families,
        say,
        arguments.jobs,
        chosen,
        arguments.accesses,
    )
    cache = bench_llc.measure(pairs, "llc" in families, say, arguments.jobs)
    todo = plans(families, latencies)
    if todo:
        print("building the machines and their firmware; the first time takes some minutes each", flush=True)
    for config in dict.fromkeys(plan.run.config for plan in todo):
        build.library(config)
    with Display() as display:
        outcomes, interrupted = execute_all([plan.run for plan in todo], display, arguments.jobs)
    by_name = {outcome.name: outcome for outcome in outcomes}
    measured = [(plan, by_name[plan.run.name]) for plan in todo if plan.run.name in by_name]
    leaks = [finding for _, outcome in measured for finding in outcome.findings]
    leaks += bench_leak.measure(lambda what: print(what, flush=True)) if "leak" in families else []
    rows = [*collect(measured), *memory, *cache, *bench_leak.rows(leaks)]
    judges = (goals, bench_machine.goals, bench_mmt_goals.goals, bench_llc_goals.goals)
    found = [*(goal for judge in judges for goal in judge(rows)), *bench_leak.goals(leaks)]
    write_whole(arguments.out / "results.csv", to_csv(rows))
    page = write_page(
        arguments.out / "report.html",
        rows,
        found,
        [
            *(Setting(p.run.name, p.run.config, p.run.dram) for p in todo),
            *(Setting(name, config, DRAM) for name, config in bench_llc.CACHES.items() if pairs),
            *(Setting(f"memory engine alone: {v.name}", v.config, DRAM) for v in chosen if traces),
        ],
        [("What the cache tells", leak_figure(leaks))],
    )
    _print_goals(Console(), found)
    failed = [plan.run.name for plan, outcome in measured if not outcome.ok]
    for name in failed:
        print(f"{name}: did not end with 0; its values cannot be trusted")
    print(f"results: {arguments.out / 'results.csv'}; report: {page}")
    return 1 if failed or interrupted or len(measured) < len(todo) else 0
