# SPDX-License-Identifier: Apache-2.0
"""What one access costs and how many bytes pass in a cycle, for one way from the cache to DRAM."""

import random
from collections.abc import Sequence
from typing import Final

from .bench_goals import Row
from .bench_mmt_variant import SPAN, Op, Variant, VariantBench
from .trace_filter import LINE_BYTES

OUTSTANDING: Final = 16
LINES: Final = 4096
"""Lines of a streaming bench."""
SCATTERED: Final = 1024
"""Lines of a bench that jumps about."""
CHASE_BYTES: Final = 32 << 20
HOT_LINES: Final = 256
"""Lines whose leaves and lines of MACs stay on chip: 16 KiB."""
HIT: Final = "one read, leaf and MACs cached"
SAMPLES: Final = 6
"""Reads with the same nodes missing."""


def missing(nodes: int) -> str:
    """Return the metric of a read with as many nodes of its path missing."""
    return f"one read, {nodes} node{'s' if nodes > 1 else ''} and MACs missing"


def write_all(bench: VariantBench, lines: Sequence[int]) -> None:
    """Write lines, many at a time."""
    bench.pattern([(line, True) for line in lines], OUTSTANDING)


def read_each(bench: VariantBench, lines: Sequence[int]) -> list[int]:
    """Read lines one after the other; return the cycles of each."""
    return bench.pattern([(line, False) for line in lines], 1)


def patterns(seed: int = 1) -> dict[str, list[tuple[int, bool]]]:
    """Return the bandwidth benches: name and accesses (line, write)."""
    dice = random.Random(seed)
    scattered = dice.sample(range(SPAN // LINE_BYTES), SCATTERED)
    hot = [dice.randrange(HOT_LINES) for _ in range(LINES)]
    return {
        "streaming read": [(line, False) for line in range(LINES)],
        "streaming write": [(line, True) for line in range(LINES)],
        "random read in 16 KiB": [(line, False) for line in hot],
        "random write in 16 KiB": [(line, True) for line in hot],
        "mixed in 16 KiB, two reads a write": [(line, i % 3 == 2) for i, line in enumerate(hot)],
        "random read in 256 MiB": [(line, False) for line in scattered],
        "random write in 256 MiB": [(line, True) for line in scattered],
        "mixed in 256 MiB, two reads a write": [(line, i % 3 == 2) for i, line in enumerate(scattered)],
    }


def bandwidth(variant: str, bench: VariantBench) -> list[Row]:
    """Measure bytes a cycle with many accesses under way, on lines that were all written before."""
    rows = []
    for name, accesses in patterns().items():
        write_all(bench, sorted({line for line, _ in accesses}))
        bench.idle(1000)
        before = bench.totals.cycles
        bench.pattern(accesses, OUTSTANDING)
        rate = len(accesses) * LINE_BYTES / (bench.totals.cycles - before)
        rows.append(Row("memory", variant, name, round(rate, 3), "bytes/cycle"))
    return rows


def latency(variant: str, bench: VariantBench) -> list[Row]:
    """Measure one access at a time: with everything on chip, beside the last, and anywhere (a bare pointer chase)."""
    near = list(range(64))
    far = random.Random(2).sample(range(CHASE_BYTES // LINE_BYTES), 512)
    rows = []

    def add(metric: str, taken: Sequence[int]) -> None:
        rows.append(Row("memory", variant, metric, round(sum(taken) / len(taken), 2), "cycles"))

    write_all(bench, near)
    read_each(bench, near[:8])
    add(HIT, read_each(bench, near[:8]))
    add("one write, leaf and MACs cached", bench.pattern([(line, True) for line in near[:8]], 1))
    add("one read, next line", read_each(bench, near))
    write_all(bench, far)
    bench.idle(1000)
    add("one read, anywhere in 32 MiB", read_each(bench, far))
    return rows


def depths(variant: str, bench: VariantBench) -> list[Row]:
    """Measure one read with 1, 2, .. all nodes of its path missing, and of a subtree that is not mounted."""
    config = bench.config
    assert config is not None
    lines = {
        nodes: [k << (config.node_lines(nodes).bit_length() - 1) for k in range(1, SAMPLES + 1)]
        for nodes in range(1, config.levels)
    }
    lines = {
        nodes: [line for line in some if line < config.subtree_lines and line < config.node_lines(nodes + 1)]
        for nodes, some in lines.items()
    }
    write_all(bench, [0, *(line for some in lines.values() for line in some)])
    rows = []

    def add(metric: str, taken: Sequence[int]) -> None:
        rows.append(Row("memory", variant, metric, round(sum(taken) / len(taken), 2), "cycles"))

    bench.command(Op.UNMOUNT, 0)
    bench.command(Op.MOUNT, 0)
    before = bench.counts()["node_read"]
    whole = read_each(bench, [0])
    require_nodes(variant, bench, before, config.levels)
    for nodes, some in lines.items():
        before = bench.counts()["node_read"]
        add(missing(nodes), read_each(bench, some))
        require_nodes(variant, bench, before, nodes * len(some))
    add(missing(config.levels), whole)
    bench.command(Op.UNMOUNT, 0)
    add("one read, not mounted, root entry's path cached", read_each(bench, [0]))
    return rows


def require_nodes(variant: str, bench: VariantBench, before: int, wanted: int) -> None:
    """Raise when a bench did not meet the misses that its name says."""
    seen = bench.counts()["node_read"] - before
    if seen != wanted:
        raise RuntimeError(f"{variant}: {seen} nodes were read where the bench needs {wanted}")


def measure(variant: Variant) -> list[Row]:
    """Measure one variant."""
    with variant.open() as bench:
        rows = latency(variant.name, bench)
        if variant.config:
            rows += depths(variant.name, bench)
        rows += bandwidth(variant.name, bench)
        bench.require_sound(variant.name)
    return rows
