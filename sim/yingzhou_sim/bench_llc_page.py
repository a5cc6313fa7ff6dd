# SPDX-License-Identifier: Apache-2.0
"""Plots of the last-level cache."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .bench_goals import Row
from .bench_llc_access import BENCH, OPERATIONS
from .bench_llc_goals import SLOWDOWN, percent, slowdowns
from .bench_llc_variant import LOCKED, NO_LOCK, PARTITION, PROFILED, SHARES
from .bench_llc_workload import ENCLAVE, HOST
from .bench_mmt_goals import mean

COLOURS: Final = {LOCKED: "#1f77b4", PROFILED: "#9cc4e4", PARTITION: "#d9772b", NO_LOCK: "#8a94a3"}


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def slowdown_figure(rows: Sequence[Row]) -> Figure | None:
    """Return what enclave and host lose, in percent: a panel a share of the quota, a group a pair of programs."""
    panels = [(who, share) for who in (ENCLAVE, HOST) for share in SHARES]
    found = {(who, v): slowdowns(rows, who, v) for who in (ENCLAVE, HOST) for v in (LOCKED, PROFILED, PARTITION)}
    benches = list(dict.fromkeys(bench for bench, _ in found[ENCLAVE, LOCKED]))
    if not benches:
        return None
    height = 1.6 + 0.32 * (len(benches) + 1) * 2
    figure = Figure(figsize=(12, height), layout="constrained")
    grid = figure.subplots(2, len(SHARES), sharex=True, squeeze=False)
    for number, (who, share) in enumerate(panels):
        axes = grid[number // len(SHARES), number % len(SHARES)]
        mine = [b for b in benches if any(key[0] == b for key in found[who, LOCKED])]
        labels = [b.removeprefix("cache, ") for b in mine]
        series = {v: {b: found[who, v].get((b, share)) for b in mine} for v in (LOCKED, PROFILED, PARTITION)}
        series = {v: values for v, values in series.items() if any(x is not None for x in values.values())}
        for i, (variant, values) in enumerate(series.items()):
            middle = mean([x for x in values.values() if x is not None])
            bars = [percent(x) or 0.0 for x in values.values()] + [percent(middle) or 0.0]
            at = [n + (i - (len(series) - 1) / 2) * 0.8 / len(series) for n in range(len(bars))]
            drawn = axes.barh(at, bars, 0.74 / len(series), label=variant, color=COLOURS[variant])
            axes.bar_label(drawn, fmt="{:+.1f}", fontsize=6, padding=2)
        axes.set_yticks(range(len(labels) + 1), [*labels, "geometric mean"] if number % len(SHARES) == 0 else [])
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.axvline(0, color="#555", linewidth=0.8)
        if who == ENCLAVE:
            axes.axvline(SLOWDOWN, color="#b00", linewidth=0.8, linestyle=":")
        axes.set_title(f"{who}, {share} % of the quota held", fontsize=9)
        _tidy(axes)
        if number // len(SHARES):
            axes.set_xlabel("% slower than with nothing held")
        if number == 2:
            axes.legend(frameon=False, fontsize=7, loc="lower right")
    return figure


def flight_figure(rows: Sequence[Row]) -> Figure | None:
    """Return bytes a cycle over misses in flight, nothing held, with as many MSHRs as there are and with more."""
    mine = [r for r in rows if r.bench == BENCH and r.metric.endswith(" in flight") and r.variant.startswith(NO_LOCK)]
    if not mine:
        return None
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for variant in dict.fromkeys(r.variant for r in mine):
        for victims, style in (("clean", "o-"), ("dirty", "s--")):
            points = sorted(
                (int(r.metric.split()[-3]), r.value)
                for r in mine
                if r.variant == variant and r.metric.startswith(f"misses, {victims}")
            )
            label, colour = f"{variant}, {victims} victims", COLOURS.get(variant, "#7b5ea7")
            axes.plot(*zip(*points, strict=True), style, label=label, color=colour, markersize=4)
    axes.set_xlabel("misses in flight")
    axes.set_ylabel("bytes a cycle")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=7)
    _tidy(axes)
    return figure


def operation_figure(rows: Sequence[Row]) -> Figure | None:
    """Return cycles of operations."""
    mine = [r for r in rows if r.bench == OPERATIONS]
    if not mine:
        return None
    figure = Figure(figsize=(9, 1 + 0.22 * len(mine)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([r.metric for r in mine], [r.value for r in mine], color=COLOURS[LOCKED])
    axes.bar_label(bars, fmt="{:,.0f}", fontsize=7, padding=2)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("cycles")
    _tidy(axes)
    return figure


def latency_figure(rows: Sequence[Row]) -> Figure | None:
    """Return cycles of one access."""
    mine = [r for r in rows if r.bench == BENCH and r.unit == "cycles"]
    labels = list(dict.fromkeys(r.metric for r in mine))
    if not labels:
        return None
    figure = Figure(figsize=(9, 1 + 0.5 * len(labels)), layout="constrained")
    axes = figure.subplots()
    variants = list(dict.fromkeys(r.variant for r in mine))
    for i, variant in enumerate(variants):
        values = {r.metric: r.value for r in mine if r.variant == variant}
        there = [(n, values[label]) for n, label in enumerate(labels) if label in values]
        at = [n + (i - (len(variants) - 1) / 2) * 0.8 / len(variants) for n, _ in there]
        bars = axes.barh(at, [v for _, v in there], 0.74 / len(variants), label=variant, color=COLOURS.get(variant))
        axes.bar_label(bars, fmt="{:g}", fontsize=7, padding=2)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("cycles")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    _tidy(axes)
    return figure


def figures(rows: Sequence[Row]) -> list[tuple[str, Figure | None]]:
    """Return all plots with their titles."""
    return [
        ("Last-level cache: an enclave's programs and the host's, with part of the cache held", slowdown_figure(rows)),
        ("Last-level cache: latency of one access", latency_figure(rows)),
        ("Last-level cache: bandwidth of misses", flight_figure(rows)),
        ("Last-level cache: operations", operation_figure(rows)),
    ]
