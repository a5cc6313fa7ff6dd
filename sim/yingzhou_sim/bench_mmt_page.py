# SPDX-License-Identifier: Apache-2.0
"""Plots of memory behind the last-level cache."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .bench_goals import Row
from .bench_mmt_goals import BASE, WORST, mean, slowdowns
from .bench_mmt_subtrees import BENCH as SUBTREE
from .bench_mmt_subtrees import SIZES_MIB
from .bench_mmt_variant import VARIANTS

COLOURS: Final = {"unprotected": "#8a94a3", "mmt": "#1f77b4", "vault": "#d9772b", "sgx": "#7b5ea7"}


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def _horizontal(axes: Axes, labels: Sequence[str], series: dict[str, dict[str, float]], unit: str) -> None:
    """Draw a group of bars for each label, one a variant that has it."""
    height = 0.8 / max(1, len(series))
    for i, (variant, values) in enumerate(series.items()):
        there = [(n, values[label]) for n, label in enumerate(labels) if label in values]
        at = [n + (i - (len(series) - 1) / 2) * height for n, _ in there]
        bars = axes.barh(at, [v for _, v in there], height * 0.92, label=variant, color=COLOURS.get(variant))
        axes.bar_label(bars, fmt="{:.4g}", fontsize=7, padding=2)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.legend(frameon=False, fontsize=8)
    _tidy(axes)


def _bars(rows: Sequence[Row], bench: str, unit: str) -> Figure | None:
    mine = [r for r in rows if r.bench == bench and r.unit == unit]
    labels = list(dict.fromkeys(r.metric for r in mine))
    if not labels:
        return None
    variants = list(dict.fromkeys(r.variant for r in mine))
    series = {v: {r.metric: r.value for r in mine if r.variant == v} for v in variants}
    figure = Figure(figsize=(10, 1 + 0.17 * len(labels) * (1 + len(variants))), layout="constrained")
    _horizontal(figure.subplots(), labels, series, unit)
    return figure


def latency_figure(rows: Sequence[Row]) -> Figure | None:
    """Return cycles of one access, in every state of the caches that a variant has."""
    return _bars(rows, "memory", "cycles")


def bandwidth_figure(rows: Sequence[Row]) -> Figure | None:
    """Return bytes a cycle."""
    return _bars(rows, "memory", "bytes/cycle")


def slowdown_figure(rows: Sequence[Row]) -> Figure | None:
    """Return cycles over unprotected cycles of every trace, a column a cache, and the geometric means."""
    slow = {v: found for v in VARIANTS if v != BASE and (found := slowdowns(rows, v))}
    caches = list(dict.fromkeys(cache for found in slow.values() for _, cache in found))
    if not caches:
        return None
    figure = Figure(figsize=(11, 4), layout="constrained")
    for axes, cache in zip(figure.subplots(1, len(caches), squeeze=False)[0], caches, strict=True):
        traces = list(dict.fromkeys(bench for bench, metric in slow[next(iter(slow))] if metric == cache))
        series = {}
        for variant, found in slow.items():
            values = {bench.removeprefix("trace "): found[bench, cache] for bench in traces if (bench, cache) in found}
            middle = mean(list(values.values()))
            series[variant] = {**values, "geometric mean": middle or 0.0}
        labels = [bench.removeprefix("trace ") for bench in traces] + ["geometric mean"]
        _horizontal(axes, labels, series, "cycles / cycles unprotected")
        axes.set_title(cache)
        axes.axvline(1, color="#555", linewidth=0.8)
        axes.axvline(WORST, color="#b00", linewidth=0.8, linestyle=":")
        axes.set_xlim(left=0.9)
    return figure


def subtree_figure(rows: Sequence[Row]) -> Figure | None:
    """Return what memory of several sizes costs to get and to give back, untouched, against writing zeros over it."""
    values = {(r.metric, r.variant): r.value for r in rows if r.bench == SUBTREE}
    variants = [v for v in VARIANTS if (f"alloc {SIZES_MIB[0]} MiB", v) in values]
    if not variants:
        return None
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    for variant in variants:
        for what, style in (("alloc", "o-"), ("free", "s--")):
            cycles = [values[f"{what} {mib} MiB", variant] for mib in SIZES_MIB]
            axes.plot(SIZES_MIB, cycles, style, label=f"{variant}, {what}", color=COLOURS.get(variant))
    streams = [r.value for r in rows if (r.bench, r.metric, r.variant) == ("memory", "streaming write", BASE)]
    if streams:
        zeroing = [(mib << 20) / streams[0] for mib in SIZES_MIB]
        axes.plot(SIZES_MIB, zeroing, ":", label="writing zeros, unprotected", color=COLOURS[BASE])
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(SIZES_MIB, [str(mib) for mib in SIZES_MIB])
    axes.set_xlabel("MiB")
    axes.set_ylabel("cycles")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    _tidy(axes)
    return figure


def figures(rows: Sequence[Row]) -> list[tuple[str, Figure | None]]:
    """Return all plots with their titles."""
    return [
        ("Slowdown of recorded traces", slowdown_figure(rows)),
        ("Latency of one access", latency_figure(rows)),
        ("Bandwidth", bandwidth_figure(rows)),
        ("Getting memory and giving it back", subtree_figure(rows)),
    ]
