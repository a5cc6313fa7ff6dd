# SPDX-License-Identifier: Apache-2.0
"""What the last-level cache should reach, judged from the rows of :mod:`yingzhou_sim.bench_llc`."""

from collections.abc import Sequence
from typing import Final

from .bench_goals import Goal, Row
from .bench_llc_access import BENCH, HIT, HITS
from .bench_llc_variant import LOCKED, NO_LOCK, PROFILED
from .bench_llc_workload import ENCLAVE
from .trace_filter import LINE_BYTES

SLOWDOWN: Final = 3
"""Percent that an enclave may lose whose working set is locked by line."""


def slowdowns(rows: Sequence[Row], who: str, variant: str) -> dict[tuple[str, int], float]:
    """Return cycles over those with nothing held, by (bench, share of the quota), of the enclave or the host."""
    mine = [r for r in rows if r.unit == "cycles" and r.metric.startswith(f"{who}, ")]
    base = {r.bench: r.value for r in mine if r.variant == NO_LOCK}
    return {
        (r.bench, int(r.metric.removeprefix(f"{who}, ").removesuffix(" %"))): r.value / base[r.bench]
        for r in mine
        if r.variant == variant and base.get(r.bench)
    }


def percent(ratio: float | None) -> float | None:
    """Return what is lost, in percent of the time with nothing held."""
    return None if ratio is None else round(100 * (ratio - 1), 2)


def goals(rows: Sequence[Row]) -> list[Goal]:
    """Judge hits, and what locked lines cost the enclave that has them."""
    table = {(r.metric, r.variant): r.value for r in rows if r.bench == BENCH}

    def enclave(variant: str, text: str) -> Goal:
        slow = slowdowns(rows, ENCLAVE, variant)
        worst = max(slow, key=lambda key: slow[key], default=None)
        return Goal(
            text=f"cache, enclave with {text}, worst: at most {SLOWDOWN} % slower",
            limit=SLOWDOWN,
            unit="%",
            reached=percent(slow[worst]) if worst else None,
            worst=f"{worst[0]}, {worst[1]} % of the quota" if worst else "",
        )

    return [
        Goal(text="cache, hit: at most 3 cycles", limit=3, unit="cycles", reached=table.get((HIT, NO_LOCK))),
        Goal(
            text="cache, hits in a row: a line a cycle",
            limit=LINE_BYTES,
            unit="bytes/cycle",
            reached=table.get((HITS, NO_LOCK)),
            at_least=True,
        ),
        enclave(LOCKED, "its working set locked by line"),
        enclave(PROFILED, "lines locked that it used before"),
    ]
