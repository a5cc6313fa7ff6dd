# SPDX-License-Identifier: Apache-2.0
"""Benches of memory behind the last-level cache: latency, bandwidth, and recorded traces replayed.

Each variant is one way from the cache to DRAM, in a bench of its own with the same master, DRAM timing and accesses.
``unprotected`` has no engine: what the others are compared with.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from .bench_goals import Row
from .bench_mmt_engine import EngineBench, unprotected_library
from .paths import ROOT
from .trace_file import SUFFIX, Trace, read_trace
from .trace_filter import LINE_BYTES

MEMORY_BYTES: Final = 512 << 20
TRACES: Final = ROOT / "sim" / "traces"
LINES: Final = 4096
"""Lines of a bandwidth bench."""
OUTSTANDING: Final = 16
CHASE_BYTES: Final = 32 << 20

Open = Callable[[], EngineBench]
"""Makes a fresh bench of a variant."""
VARIANTS: Final[dict[str, Open]] = {"unprotected": lambda: EngineBench(unprotected_library(), MEMORY_BYTES)}


def shipped() -> list[Path]:
    """Return the traces that come with the repository."""
    return sorted(TRACES.glob(f"*{SUFFIX}"))


def patterns(seed: int = 1) -> dict[str, list[tuple[int, bool]]]:
    """Return the bandwidth benches: name and accesses (line, write)."""
    dice = random.Random(seed)
    scattered = dice.sample(range(MEMORY_BYTES // 2 // LINE_BYTES), LINES)
    return {
        "streaming read": [(line, False) for line in range(LINES)],
        "streaming write": [(line, True) for line in range(LINES)],
        "random read": [(line, False) for line in scattered],
        "mixed, two reads a write": [(line, i % 3 == 2) for i, line in enumerate(scattered)],
    }


def bandwidth(variant: str, bench: EngineBench) -> list[Row]:
    """Measure bytes a cycle with many accesses under way, on lines that were all written before."""
    rows = []
    for name, accesses in patterns().items():
        bench.pattern([(line, True) for line, _ in accesses], OUTSTANDING)
        before = bench.totals.cycles
        bench.pattern(accesses, OUTSTANDING)
        rate = len(accesses) * LINE_BYTES / (bench.totals.cycles - before)
        rows.append(Row("memory", variant, name, round(rate, 3), "bytes/cycle"))
    return rows


def latency(variant: str, bench: EngineBench) -> list[Row]:
    """Measure one read at a time: of a line beside the last, and of any line of 32 MiB (a bare pointer chase)."""
    near = list(range(64))
    far = random.Random(2).sample(range(CHASE_BYTES // LINE_BYTES), 512)
    rows = []
    for name, lines in (("one read, next line", near), ("one read, anywhere in 32 MiB", far)):
        bench.pattern([(line, True) for line in lines], OUTSTANDING)
        taken = bench.pattern([(line, False) for line in lines], 1)
        rows.append(Row("memory", variant, name, round(sum(taken) / len(taken), 2), "cycles"))
    return rows


def require_sound(variant: str, bench: EngineBench) -> None:
    """Raise when a bench read anything but what was written: its values would mean nothing."""
    totals = bench.totals
    if totals.errors or totals.mismatches:
        raise RuntimeError(
            f"{variant}: {totals.errors} accesses failed and {totals.mismatches} lines read differently than written, "
            f"the first at line {totals.first_bad_line:#x}"
        )


def replay(variant: str, trace: Trace, opened: Open) -> list[Row]:
    """Replay a trace: cycles of the core.

    Every line of the trace is written before, so that none is one that was never used.
    """
    with opened() as bench:
        bench.pattern([(line, True) for line in sorted({r.line for r in trace.records})], OUTSTANDING)
        cycles = bench.replay(trace.records)
        require_sound(variant, bench)
    return [Row(f"trace {trace.name}", variant, f"LLC {trace.llc_bytes >> 10} KiB", cycles, "cycles")]


def measure(traces: Sequence[Path], patterns_too: bool, say: Callable[[str], None]) -> list[Row]:
    """Measure every variant; ``say`` hears what is under way."""
    rows: list[Row] = []
    loaded = [read_trace(path) for path in traces]
    for variant, opened in VARIANTS.items():
        if patterns_too:
            say(f"memory, {variant}")
            with opened() as bench:
                rows += latency(variant, bench) + bandwidth(variant, bench)
                require_sound(variant, bench)
        for trace in loaded:
            say(f"trace {trace.name}, LLC {trace.llc_bytes >> 10} KiB, {variant}")
            rows += replay(variant, trace, opened)
    return rows
