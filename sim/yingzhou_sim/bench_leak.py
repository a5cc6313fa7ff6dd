# SPDX-License-Identifier: Apache-2.0
"""What attackers learn through the cache: long attacks on the machine, and 100,000 traces on the cache's core alone."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from .bench_goals import Goal, Row
from .leak import Finding, Traces, analyse
from .leak_native import FIRST_ROUND, KEY, WHOLE, Scene

BENCH: Final = "leak"
TRACES: Final = 100_000
"""Of an attack on locked tables."""
LESS: Final = 2_000
"""Of prime and probe on tables that are not locked: the key is long known."""
SHUFFLES: Final = 99

_ATTACKS: Final[dict[str, Callable[[Scene, int], Traces]]] = {
    "core: prime and probe, first round": lambda scene, traces: scene.probe(traces, loads=FIRST_ROUND),
    "core: prime and probe, whole encryptions": lambda scene, traces: scene.probe(traces, loads=WHOLE),
    "core: order of replacement": lambda scene, traces: scene.probe(
        traces, loads=FIRST_ROUND, tables=1, replacement=True
    ),
    "core: evict and time": lambda scene, traces: scene.time(max(traces, 6000)),
}


def measure(say: Callable[[str], None], traces: int = TRACES) -> list[Finding]:
    """Make every attack on the core, with tables that are not locked and that are."""
    found = []
    for name, attack in _ATTACKS.items():
        for locked in (False, True):
            begun = time.perf_counter()
            seen = attack(Scene(locked), traces if locked else min(traces, LESS))
            title = f"{name}, tables {'' if locked else 'not '}locked"
            finding = analyse(title, seen, KEY, locked=locked, shuffles=SHUFFLES)
            found.append(finding)
            say(f"{title}: {finding.text()}; {time.perf_counter() - begun:.0f} s")
    return found


def rows(findings: Sequence[Finding]) -> list[Row]:
    """Return findings as rows: a bench an attack, the lock as the variant."""
    made = []
    for finding in findings:
        attack, _, state = finding.name.partition(", tables ")
        for metric, value, unit in (
            ("traces", finding.traces, "traces"),
            ("half bytes of the key attacked", len(finding.right), "half bytes"),
            ("half bytes of the key recovered", finding.recovered, "half bytes"),
            ("mutual information", round(finding.information, 6), "bit"),
            ("p", finding.chance, ""),
        ):
            made.append(Row(f"{BENCH}, {attack}", f"tables {state}", metric, value, unit))
    return made


def goals(findings: Sequence[Finding]) -> list[Goal]:
    """Judge whether every attack finds all of the key without the lock, and nothing with it."""
    open_, locked = ([f for f in findings if f.locked is lock] for lock in (False, True))
    share = min((f.recovered / len(f.right) for f in open_), default=None)
    told = sum(not f.silent for f in locked) if locked else None
    return [
        Goal(
            text="attacks without a lock recover their part of the key",
            limit=1,
            unit="of it",
            reached=share,
            at_least=True,
        ),
        Goal(text="attacks on locked tables that learn anything: 0", limit=0, unit="attacks", reached=told),
    ]
