# SPDX-License-Identifier: Apache-2.0
"""The page of the benches: goals, plots and every value, in one file that loads nothing."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from yingzhou.llc.config import LlcConfig
from yingzhou.mmt.config import MmtConfig
from yingzhou.soc.config import CHECKERS, SocConfig

from . import bench_llc_page, bench_mmt_page
from .bench_goals import WALK_BENCHES, Goal, Row
from .files import write_whole
from .machine import DramTiming
from .plots import svg
from .report import flat, plain, templates

COLOURS = {"none": "#8a94a3", "gpt": "#1f77b4", "bitmap": "#d9772b"}


def _bars(axes: Axes, groups: Sequence[str], series: dict[str, list[float]], colours: dict[str, str]) -> None:
    width = 0.8 / max(1, len(series))
    for i, (name, values) in enumerate(series.items()):
        at = [g + (i - (len(series) - 1) / 2) * width for g in range(len(groups))]
        bars = axes.bar(at, values, width * 0.92, label=name, color=colours.get(name))
        axes.bar_label(bars, fmt="{:.3g}", fontsize=7, padding=1)
    axes.set_xticks(range(len(groups)), groups)
    axes.spines[["top", "right"]].set_visible(False)


def walk_figure(rows: Sequence[Row]) -> Figure | None:
    """Return cycles and memory reads of one walk: a column a pattern, grouped by DRAM latency, a bar a checker."""
    values = {(r.bench, r.metric, r.variant): r.value for r in rows}
    latencies = sorted({int(r.variant.rsplit(" ", 1)[1]) for r in rows if r.bench in WALK_BENCHES})
    checkers = [c for c in CHECKERS if any(r.variant.startswith(f"{c},") for r in rows)]
    if not latencies:
        return None
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    axes = figure.subplots(2, len(WALK_BENCHES), squeeze=False)
    for column, bench in enumerate(WALK_BENCHES):
        for line, metric in enumerate(("cycles per walk", "reads per walk")):
            series = {c: [values.get((bench, metric, f"{c}, DRAM {n}"), 0.0) for n in latencies] for c in checkers}
            _bars(axes[line, column], [str(n) for n in latencies], series, COLOURS)
            if column == 0:
                axes[line, column].set_ylabel(metric)
        axes[0, column].set_title(bench)
        axes[1, column].set_xlabel("DRAM latency, cycles")
    axes[0, 0].legend(frameon=False)
    return figure


def host_figure(rows: Sequence[Row]) -> Figure | None:
    """Return what the guard costs the host: cycles guarded over cycles unguarded, for each bench that has both."""
    cycles = {(r.bench, r.metric, r.variant): r.value for r in rows if r.unit == "cycles"}
    ratios = {
        f"{bench}: {metric}": value / base
        for (bench, metric, variant), value in cycles.items()
        if variant == "guarded" and (base := cycles.get((bench, metric, "unguarded")))
    }
    if not ratios:
        return None
    figure = Figure(figsize=(9, 0.6 + 0.34 * len(ratios)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(list(ratios), list(ratios.values()), color=COLOURS["gpt"])
    axes.bar_label(bars, fmt="{:.3f}", fontsize=8, padding=2)
    axes.axvline(1, color="#555", linewidth=0.8)
    axes.set_xlabel("cycles guarded / cycles unguarded")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    return figure


@dataclass(frozen=True)
class Setting:
    """What a run was made on: a machine, or a block alone (None: plain wires), and the DRAM behind it."""

    name: str
    config: SocConfig | MmtConfig | LlcConfig | None
    dram: DramTiming


def _settings(runs: Sequence[Setting]) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """Return what all machines have in common, and of each run its name, what else it was made on, and its DRAM."""
    machines = [flat(plain(run.config)) for run in runs if isinstance(run.config, SocConfig)]
    common = [item for item in machines[0] if all(item in machine for machine in machines)] if machines else []

    def text(items: Iterable[tuple[str, str]]) -> str:
        return ", ".join(f"{key} {value}" for key, value in items)

    table = []
    for run in runs:
        own = flat(plain(run.config)) if run.config else [("no block", "plain wires")]
        if isinstance(run.config, SocConfig):
            own = [item for item in own if item not in common]
        table.append((run.name, text(own), text(flat(plain(run.dram)))))
    return common, table


def write_page(
    path: Path,
    rows: Sequence[Row],
    goals: Sequence[Goal],
    runs: Sequence[Setting],
    more: Sequence[tuple[str, Figure | None]] = (),
) -> Path:
    """Write the page and return its path. ``more`` are plots of what is not in ``rows``."""
    figures = [
        ("Cost of a page walk", walk_figure(rows)),
        ("Cost to the host", host_figure(rows)),
        *bench_llc_page.figures(rows),
        *bench_mmt_page.figures(rows),
        *more,
    ]
    machine, table = _settings(runs)
    text = (
        templates()
        .get_template("bench_report.html.j2")
        .render(
            goals=goals,
            figures=[(title, svg(figure)) for title, figure in figures if figure],
            rows=rows,
            machine=machine,
            runs=table,
            written=time.strftime("%Y-%m-%d %H:%M"),
        )
    )
    return write_whole(path, text)
