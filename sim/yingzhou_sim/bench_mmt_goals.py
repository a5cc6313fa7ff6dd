# SPDX-License-Identifier: Apache-2.0
"""What the memory engine should cost, judged from the rows of :mod:`yingzhou_sim.bench_mmt`."""

from collections.abc import Sequence
from math import prod
from typing import Final

from .bench_goals import Goal, Row
from .bench_mmt_access import HIT, missing
from .bench_mmt_space import BENCH as LARGE
from .bench_mmt_space import MOUNTS, STATE, total_of
from .bench_mmt_subtrees import ALLOC
from .bench_mmt_subtrees import BENCH as SUBTREE
from .bench_mmt_subtrees import MOUNTS as MOUNT_ROWS

BASE: Final = "unprotected"
ENGINE: Final = "mmt"
_MEANS: Final = {"LLC 64 KiB": 1.08, "LLC 1024 KiB": 1.04}
"""Largest geometric mean of slowdowns with this cache."""
WORST: Final = 1.15
GROWTH: Final = 5
"""Percent of state on chip that a large memory may need more than a small one: line numbers get wider, nothing else."""
LEAST_MOUNTS: Final = 2000
_WHY_MOUNT: Final = (
    "a full table has to send a subtree away first, whose changed leaf, nodes above it, MACs and root entry are "
    "written one after the other; a mount into a free entry has none of that"
)
_WHY_TRACES: Final = (
    "a hit costs 10 cycles, as nothing leaves before all of the line is verified; a leaf that misses is a second "
    "access to memory before the line's; misses and write-backs take the slow path one at a time (docs/benches.md)"
)
"""Why goals are missed that are, measured and explained in docs/benches.md."""


def slowdowns(rows: Sequence[Row], variant: str = ENGINE) -> dict[tuple[str, str], float]:
    """Return cycles over unprotected cycles of each (trace, cache) that both replayed."""
    cycles = {(r.bench, r.metric, r.variant): r.value for r in rows if r.bench.startswith("trace ")}
    return {
        (bench, metric): value / cycles[bench, metric, BASE]
        for (bench, metric, who), value in cycles.items()
        if who == variant and cycles.get((bench, metric, BASE))
    }


def mean(values: Sequence[float]) -> float | None:
    """Return the geometric mean, None of nothing."""
    return round(prod(values) ** (1 / len(values)), 4) if values else None


def goals(rows: Sequence[Row]) -> list[Goal]:
    """Judge bandwidth, latency, the cost of subtrees, and the slowdown of recorded traces."""
    table = {(r.bench, r.metric, r.variant): r.value for r in rows}

    def value(bench: str, metric: str, variant: str = ENGINE) -> float | None:
        return table.get((bench, metric, variant))

    def ratio(metric: str, of: str) -> float | None:
        mine, base = value("memory", metric), value("memory", of, BASE)
        return round(mine / base, 4) if mine is not None and base else None

    hit, base = value("memory", HIT), value("memory", HIT, BASE)
    mounts = {metric: found for metric in MOUNT_ROWS if (found := value(SUBTREE, metric)) is not None}
    found = [
        Goal(
            text="memory engine, streaming read: at least 0.75x of unprotected",
            limit=0.75,
            unit="x",
            reached=ratio("streaming read", "streaming read"),
            at_least=True,
        ),
        Goal(
            text="memory engine, one read with leaf and MACs cached: at most 10 cycles more than unprotected",
            limit=10,
            unit="cycles",
            reached=None if hit is None or base is None else round(hit - base, 2),
        ),
        Goal(
            text="memory engine, one read with its leaf missing: at most 2x of unprotected",
            limit=2,
            unit="x",
            reached=ratio(missing(1), HIT),
        ),
        Goal(
            text="memory engine, the slowest mount: at most 300 cycles",
            limit=300,
            unit="cycles",
            reached=max(mounts.values(), default=None),
            worst=max(mounts, key=lambda metric: mounts[metric], default=""),
            reason=_WHY_MOUNT,
        ),
        Goal(
            text="memory engine, alloc of a fresh subtree: at most 300 cycles",
            limit=300,
            unit="cycles",
            reached=value(SUBTREE, ALLOC),
        ),
    ]
    slow = slowdowns(rows)
    for cache, limit in _MEANS.items():
        text = f"memory engine, traces, {cache}, geometric mean: at most {limit:g}x of unprotected"
        mine = [value for (_, metric), value in slow.items() if metric == cache]
        found.append(Goal(text=text, limit=limit, unit="x", reached=mean(mine), reason=_WHY_TRACES))
    worst = max(slow, key=lambda key: slow[key], default=None)
    found.append(
        Goal(
            text=f"memory engine, slowest trace: at most {WORST:g}x of unprotected",
            limit=WORST,
            unit="x",
            reached=round(slow[worst], 4) if worst else None,
            worst=", ".join(worst) if worst else "",
            reason=_WHY_TRACES,
        )
    )
    found.append(_growth(rows))
    found.append(
        Goal(
            text=f"memory engine, mounts all over a large memory, content as written: at least {LEAST_MOUNTS:,}",
            limit=LEAST_MOUNTS,
            unit="mounts",
            reached=value(LARGE, MOUNTS),
            at_least=True,
        )
    )
    return found


def _growth(rows: Sequence[Row]) -> Goal:
    """Return the goal that state on chip does not grow with memory: the largest against the smallest counted."""
    totals = {total_of(r.metric): r.value for r in rows if (r.bench, r.variant) == (STATE, ENGINE)}
    sizes = sorted(size for size in totals if size is not None)
    more = None
    if len(sizes) > 1:
        more = round(100 * (totals[sizes[-1]] / totals[sizes[0]] - 1), 2)
    return Goal(
        text=f"memory engine, state on chip for the largest memory: at most {GROWTH} % more than for 256 MiB",
        limit=GROWTH,
        unit="%",
        reached=more,
    )
