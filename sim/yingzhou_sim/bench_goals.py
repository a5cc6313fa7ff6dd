# SPDX-License-Identifier: Apache-2.0
"""What the benches should reach, and whether they did."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WALK_BENCHES: Final = ("walk-dense", "walk-scattered", "walk-superpage")


@dataclass(frozen=True)
class Row:
    """One value in long form. ``variant`` names what differs between two values of the same bench and metric."""

    bench: str
    variant: str
    metric: str
    value: float
    unit: str


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A stated limit and what was reached.

    ``limit`` is the largest accepted value, or the smallest when ``at_least``; ``reached`` is None when this run did
    not measure it; ``worst`` says where the reached value comes from when several compete; ``reason`` why it is missed
    when it is, as far as that is known.
    """

    text: str
    limit: float
    unit: str
    reached: float | None
    at_least: bool = False
    worst: str = ""
    reason: str = ""

    @property
    def missed(self) -> str:
        """Of a missed goal, where its value comes from and why it is missed; else nothing."""
        return ": ".join(text for text in (self.worst, self.reason) if text) if self.verdict == "MISS" else ""

    @property
    def verdict(self) -> str:
        """PASS, MISS, or "not measured"."""
        if self.reached is None:
            return "not measured"
        return "PASS" if (self.reached >= self.limit if self.at_least else self.reached <= self.limit) else "MISS"

    @property
    def reached_text(self) -> str:
        """The reached value with its unit, for people."""
        return "-" if self.reached is None else f"{self.reached:g} {self.unit}".strip()


def goals(rows: Sequence[Row]) -> list[Goal]:
    """Judge the goals that hold for the guard and its monitor."""
    table = {(r.bench, r.variant, r.metric): r.value for r in rows}

    def ratio(text: str, limit: float, bench: str, metric: str, reason: str = "") -> Goal:
        guarded = table.get((bench, "guarded", metric))
        unguarded = table.get((bench, "unguarded", metric))
        reached = round(guarded / unguarded, 4) if guarded is not None and unguarded else None
        return Goal(
            text=f"{text} at most {limit:g}x of unguarded", limit=limit, unit="x", reached=reached, reason=reason
        )

    per_entry = table.get(("set_pte", "guarded", "64 entries, per entry"))
    return [
        _extra_of_a_walk(rows, "cycles"),
        _extra_of_a_walk(rows, "reads"),
        Goal(
            text="set_pte in a batch: at most 80 cycles an entry",
            limit=80,
            unit="cycles",
            reached=per_entry,
            reason="the monitor checks each entry against the owner and the use of the page that it names",
        ),
        ratio("mapping one zeroed page:", 1.26, "mmap", "1 page", "one call of the monitor in place of one store"),
        ratio("mapping 64 zeroed pages:", 1.05, "mmap", "64 pages"),
        ratio("key-value store:", 1.05, "kv", "2000 operations"),
        ratio("compute kernels, measured by the program:", 1.005, "kernels", "2 warm rounds"),
    ]


def _extra_of_a_walk(rows: Sequence[Row], unit: str) -> Goal:
    """Return the goal that a guarded walk costs nothing: the largest difference over patterns and latencies."""
    metric = f"{unit} per walk"
    table = {(r.bench, r.variant): r.value for r in rows if r.metric == metric and r.bench in WALK_BENCHES}
    extra: dict[str, float] = {}
    for (bench, variant), value in table.items():
        checker, _, rest = variant.partition(",")
        if checker == "gpt" and (bench, f"none,{rest}") in table:
            extra[f"{bench},{rest}"] = round(value - table[bench, f"none,{rest}"], 3)
    worst = max(extra, key=lambda k: extra[k], default="")
    return Goal(
        text=f"an allowed walk, gpt against none: 0 extra {unit}",
        limit=0,
        unit=unit,
        reached=extra[worst] if extra else None,
        worst=worst,
    )
