# SPDX-License-Identifier: Apache-2.0
"""What the memory engine should cost, judged from the rows of :mod:`yingzhou_sim.bench_mmt`."""

from collections.abc import Sequence
from math import prod
from typing import Final

from .bench_goals import Goal, Row

BASE: Final = "unprotected"
ENGINE: Final = "mmt"
_MEANS: Final = {"LLC 64 KiB": 1.08, "LLC 1024 KiB": 1.04}
"""Largest geometric mean of slowdowns with this cache."""
WORST: Final = 1.15


def slowdowns(rows: Sequence[Row], variant: str = ENGINE) -> dict[tuple[str, str], float]:
    """Return cycles over unprotected cycles of each (trace, cache) that both replayed."""
    cycles = {(r.bench, r.metric, r.variant): r.value for r in rows if r.bench.startswith("trace ")}
    return {
        (bench, metric): value / cycles[bench, metric, BASE]
        for (bench, metric, who), value in cycles.items()
        if who == variant and cycles.get((bench, metric, BASE))
    }


def goals(rows: Sequence[Row]) -> list[Goal]:
    """Judge streaming bandwidth and the slowdown of recorded traces."""
    rates = {r.variant: r.value for r in rows if (r.bench, r.metric) == ("memory", "streaming read")}
    stream = round(rates[ENGINE] / rates[BASE], 4) if ENGINE in rates and rates.get(BASE) else None
    slow = slowdowns(rows)
    found = [
        Goal(
            text="memory engine, streaming read: at least 0.75x of unprotected",
            limit=0.75,
            unit="x",
            reached=stream,
            at_least=True,
        )
    ]
    for cache, limit in _MEANS.items():
        mine = [value for (_, metric), value in slow.items() if metric == cache]
        mean = round(prod(mine) ** (1 / len(mine)), 4) if mine else None
        text = f"memory engine, traces, {cache}, geometric mean: at most {limit:g}x of unprotected"
        found.append(Goal(text=text, limit=limit, unit="x", reached=mean))
    worst = max(slow, key=lambda key: slow[key], default=None)
    found.append(
        Goal(
            text=f"memory engine, slowest trace: at most {WORST:g}x of unprotected",
            limit=WORST,
            unit="x",
            reached=round(slow[worst], 4) if worst else None,
            worst=", ".join(worst) if worst else "",
        )
    )
    return found
