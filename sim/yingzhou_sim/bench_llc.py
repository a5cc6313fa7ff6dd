# SPDX-License-Identifier: Apache-2.0
"""Benches of the last-level cache: accesses, operations, and programs with part of the cache held for an enclave.

Three variants side by side, on one core with one replacement: nothing held, lines locked, ways reserved (a cache built
with ``way_masks``). The host's program is beside the enclave's on the same cache.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Final

from yingzhou.errors import require

from . import bench_llc_access, bench_llc_workload
from .bench_goals import Row
from .bench_llc_build import cache_library
from .bench_llc_variant import CONFIG, Cache
from .bench_llc_workload import HOST_LINE, Pair
from .paths import ROOT
from .trace_file import SUFFIX, Trace, read_trace
from .trace_filter import LINE_BYTES
from .verilated import build_all

TRACES: Final = ROOT / "sim" / "traces" / "l1"
MASKED: Final = replace(CONFIG, way_masks=True)
MANY: Final = replace(CONFIG, mshrs=16)
CACHES: Final = {
    "last-level cache alone": CONFIG,
    "last-level cache alone, ways reserved": MASKED,
    "last-level cache alone, 16 MSHRs": MANY,
}
"""What the values of this bench are about, for the report."""
PAIRS: Final = (
    ("kvstore", "pagerank"),
    ("pagerank", "sort"),
    ("sort", "compress"),
    ("compress", "chase"),
    ("chase", "kvstore"),
)
"""Enclave's program and host's: each is both once."""


def of_first_level(trace: Trace) -> bool:
    """Return whether a trace holds what left the first level: it has seen no last-level cache."""
    return trace.manifest.get("llc", {}) is None


def shipped() -> list[Pair]:
    """Return the pairs of the traces that come with the repository, and each enclave alone."""
    traces = {path.stem: read_trace(path) for path in sorted(TRACES.glob(f"*{SUFFIX}"))}
    pairs = [(Pair(traces[enclave], traces[host]), Pair(traces[enclave])) for enclave, host in PAIRS]
    return [pair for both in pairs for pair in both]


def given(traces: Sequence[Trace]) -> list[Pair]:
    """Return a user's own traces: each alone, and beside the next (one trace: beside itself)."""
    for trace in traces:
        require(
            all(r.line < HOST_LINE for r in trace.records),
            f"trace {trace.name} reaches beyond the {HOST_LINE * LINE_BYTES >> 20} MiB that an enclave has here",
        )
    following = [*traces[1:], *traces[:1]]
    return [p for trace, host in zip(traces, following, strict=True) for p in (Pair(trace, host), Pair(trace))]


@dataclass(frozen=True)
class _Part:
    """A part of the measurement that runs in a process of its own."""

    text: str
    run: Callable[..., list[Row]]
    arguments: tuple[object, ...]

    def timed(self) -> tuple[list[Row], float]:
        """Return what was measured, and the seconds it took."""
        begin = time.monotonic()
        return self.run(*self.arguments), time.monotonic() - begin


def measure(pairs: Sequence[Pair], accesses_too: bool, say: Callable[[str], None], jobs: int = 1) -> list[Row]:
    """Measure the pairs, ``jobs`` parts at a time, and with ``accesses_too`` single accesses and operations."""
    if not pairs and not accesses_too:
        return []
    configs = [CONFIG, MASKED, *([MANY] if accesses_too else [])]
    libraries = build_all([lambda config=config: cache_library(config) for config in configs])
    caches = [Cache(config, library) for config, library in zip(configs, libraries, strict=True)]
    plain, masked = caches[:2]
    parts = [_Part(pair.bench, bench_llc_workload.measure, (pair, plain, masked)) for pair in pairs]
    if accesses_too:
        parts.insert(0, _Part("cache, accesses and operations", bench_llc_access.measure, (plain, masked)))
        parts.insert(1, _Part("cache, 16 MSHRs", bench_llc_access.measure_mshrs, (caches[2],)))
    found: dict[int, list[Row]] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(parts)), mp_context=context, max_tasks_per_child=1) as pool:
        running = {pool.submit(part.timed): number for number, part in enumerate(parts)}
        for count, done in enumerate(as_completed(running), 1):
            number = running[done]
            found[number], seconds = done.result()
            say(f"{count} of {len(parts)}: {parts[number].text}: {seconds:.0f} s")
    return [row for number in range(len(parts)) for row in found[number]]
