# SPDX-License-Identifier: Apache-2.0
"""Benches of memory behind the last-level cache: latency, bandwidth, subtrees, recorded traces replayed.

Each variant is one way from the cache to DRAM, in a bench of its own with the same master, DRAM timing and accesses.
``unprotected`` has no engine: what the others are compared with.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from . import bench_mmt_access, bench_mmt_space, bench_mmt_subtrees
from .bench_goals import Row
from .bench_mmt_access import write_all
from .bench_mmt_variant import VARIANTS, Variant
from .paths import ROOT
from .trace_file import SUFFIX, Trace, read_trace
from .verilated import build_all

TRACES: Final = ROOT / "sim" / "traces"


def shipped() -> list[Path]:
    """Return the traces that come with the repository."""
    return sorted(TRACES.glob(f"*{SUFFIX}"))


def replay(variant: Variant, trace: Trace, accesses: int | None = None) -> list[Row]:
    """Replay a trace, or its first ``accesses``: cycles of the core.

    Every line of the trace is written before, so that none is one that was never used.
    """
    lines = sorted({r.line for r in trace.records})
    with variant.open(lines) as bench:
        write_all(bench, lines)
        cycles = bench.replay(trace.records[:accesses])
        bench.require_sound(variant.name)
    return [Row(f"trace {trace.name}", variant.name, f"LLC {trace.llc_bytes >> 10} KiB", cycles, "cycles")]


@dataclass(frozen=True)
class _Part:
    """A part of the measurement that runs in a process of its own. ``trace`` None: ``of`` is a bench's name."""

    variant: Variant
    of: str
    trace: Path | None = None
    accesses: int | None = None

    @property
    def text(self) -> str:
        return f"{self.of}, {self.variant.name}"

    def run(self) -> tuple[list[Row], float]:
        """Return what was measured, and the seconds it took."""
        begin = time.monotonic()
        match self.of:
            case "memory":
                rows = bench_mmt_access.measure(self.variant)
            case "subtrees":
                rows = bench_mmt_subtrees.measure(self.variant)
            case "512 GB":
                rows = bench_mmt_space.measure(self.variant)
            case "state on chip":
                rows = bench_mmt_space.state_on_chip(self.variant)
            case _:
                assert self.trace is not None
                rows = replay(self.variant, read_trace(self.trace), self.accesses)
        return rows, time.monotonic() - begin


def _parts(
    traces: Sequence[Path], patterns_too: bool, variants: Sequence[Variant], accesses: int | None
) -> list[_Part]:
    """Return the parts, long ones first."""
    parts: list[_Part] = []
    engines = [variant for variant in variants if variant.config]
    if patterns_too:
        large = [variant for variant in engines if variant.name == bench_mmt_space.VARIANT]
        parts += [_Part(variant, of) for variant in large for of in ("512 GB", "state on chip")]
        parts += [_Part(variant, "memory") for variant in variants]
        parts += [_Part(variant, "subtrees") for variant in engines]
    for path in traces:
        parts += [_Part(variant, f"trace {path.stem}", path, accesses) for variant in variants]
    return parts


def measure(
    traces: Sequence[Path],
    patterns_too: bool,
    say: Callable[[str], None],
    jobs: int = 1,
    variants: Sequence[Variant] | None = None,
    accesses: int | None = None,
) -> list[Row]:
    """Measure every variant, ``jobs`` parts at a time; ``say`` hears what is done.

    ``accesses``: replay only so many of each trace. ``variants``: by default all.
    """
    if not traces and not patterns_too:
        return []
    for path in traces:
        read_trace(path)  # what is wrong with a trace is said before anything is built
    variants = list(VARIANTS.values()) if variants is None else variants
    libraries = build_all([variant.library for variant in variants])
    built = [replace(variant, built=path) for variant, path in zip(variants, libraries, strict=True)]
    parts = _parts(traces, patterns_too, built, accesses)
    found: dict[_Part, list[Row]] = {}
    # A library that is loaded twice into one process would share nothing but its name: one process for each part.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(parts)), mp_context=context, max_tasks_per_child=1) as pool:
        running = {pool.submit(part.run): part for part in parts}
        for number, done in enumerate(as_completed(running), 1):
            part = running[done]
            found[part], seconds = done.result()
            say(f"{number} of {len(parts)}: {part.text}: {seconds:.0f} s")
    return [row for part in parts for row in found[part]]
