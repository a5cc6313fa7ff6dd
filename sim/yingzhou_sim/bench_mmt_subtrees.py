# SPDX-License-Identifier: Apache-2.0
"""What subtrees cost to get, to bring on chip, to send away and to give back."""

from collections.abc import Sequence
from typing import Final

from .bench_goals import Row
from .bench_mmt_access import read_each, write_all
from .bench_mmt_variant import Op, Variant, VariantBench

BENCH: Final = "subtree"
SIZES_MIB: Final = (4, 16, 64, 256)
"""Sizes of memory that is got and given back."""
DIRTY_LINES: Final = 4096
"""Lines written in a subtree that then has to go."""
ALLOC: Final = "alloc, fresh, the slowest"
MOUNT: Final = "mount, root entry's path not cached"
MOUNT_FULL: Final = "mount, table full, victim unchanged"
MOUNT_CHANGED: Final = "mount, table full, victim with a line written"
MOUNTS: Final = (MOUNT, MOUNT_FULL, MOUNT_CHANGED)
"""Mounts that compete for the slowest."""


def _row(variant: str, metric: str, cycles: float) -> Row:
    return Row(BENCH, variant, metric, round(cycles, 1), "cycles")


def sizes(variant: Variant) -> list[Row]:
    """Measure the commands that get and give back memory of several sizes, none of it touched."""
    config = variant.config
    assert config is not None
    rows = []
    alloc: list[int] = []
    for mib in SIZES_MIB:
        subtrees = range(max(1, (mib << 20) // config.subtree_bytes))
        with variant.open(()) as bench:
            taken = [bench.command(Op.ALLOC, subtree) for subtree in subtrees]
            given = [bench.command(Op.FREE, subtree) for subtree in subtrees]
        # Past the mount table's entries an alloc has to send another subtree away first.
        alloc += taken[: config.mount_entries]
        rows.append(_row(variant.name, f"alloc {mib} MiB", sum(taken)))
        rows.append(_row(variant.name, f"free {mib} MiB", sum(given)))
    rows.append(_row(variant.name, ALLOC, max(alloc)))
    return rows


def moves(variant: Variant) -> list[Row]:
    """Measure mount, unmount and free of subtrees in several states."""
    config = variant.config
    assert config is not None
    rows = []
    lines = range(DIRTY_LINES)
    with variant.open(range(0, 3 * config.subtree_lines, config.subtree_lines)) as bench:
        # Several subtrees at once: what one of them drives out of the caches is another's.
        others = [config.subtree_lines + k * config.node_lines(1) for k in range(4 * config.node_cache_lines)]
        write_all(bench, lines)
        rows.append(_row(variant.name, f"unmount, {DIRTY_LINES} lines written", bench.command(Op.UNMOUNT, 0)))
        rows.append(_row(variant.name, "mount, root entry's path cached", bench.command(Op.MOUNT, 0)))
        rows.append(_row(variant.name, "unmount, nothing written", bench.command(Op.UNMOUNT, 0)))
        write_all(bench, others)
        read_each(bench, others)
        before = bench.counts()["node_read"]
        cycles = bench.command(Op.MOUNT, 0)
        if bench.counts()["node_read"] == before:
            raise RuntimeError(f"{variant.name}: the root tree's nodes were still cached")
        rows.append(_row(variant.name, MOUNT, cycles))
        bench.command(Op.UNMOUNT, 0)
        write_all(bench, others)
        read_each(bench, others)
        rows.append(Row("memory", variant.name, "one read, not mounted, root entry's path not cached",
                        read_each(bench, [0])[0], "cycles"))  # fmt: skip
        write_all(bench, lines)
        rows.append(_row(variant.name, f"free, {DIRTY_LINES} lines written", bench.command(Op.FREE, 0)))
        rows.append(_row(variant.name, "alloc, another life", bench.command(Op.ALLOC, 0)))
        bench.require_sound(variant.name)
    return rows + full_table(variant)


def full_table(variant: Variant) -> list[Row]:
    """Measure a mount that has to send another subtree away: the one used longest ago, clean or with lines written."""
    config = variant.config
    assert config is not None
    count = config.mount_entries + 2
    rows = []
    with variant.open(range(0, count * config.subtree_lines, config.subtree_lines)) as bench:
        first = [subtree * config.subtree_lines for subtree in range(count)]
        bench.command(Op.FLUSH_ALL)
        out = _unmounted(bench, count)
        rows.append(_row(variant.name, MOUNT_FULL, bench.command(Op.MOUNT, out[0])))
        mounted = [subtree for subtree in range(count) if subtree != out[0]]
        write_all(bench, [first[subtree] for subtree in mounted[: config.mount_entries]])
        bench.idle(1000)
        out = _unmounted(bench, count)
        rows.append(_row(variant.name, MOUNT_CHANGED, bench.command(Op.MOUNT, out[0])))
        bench.require_sound(variant.name)
    return rows


def _unmounted(bench: VariantBench, count: int) -> Sequence[int]:
    """Return the subtrees that are not mounted, of the first ``count``."""
    return [subtree for subtree in range(count) if not bench.mounted(subtree)]


def measure(variant: Variant) -> list[Row]:
    """Measure one engine."""
    rows = sizes(variant)
    # One subtree over half of memory is never unmounted.
    return rows if variant.config and variant.config.subtrees <= 2 else rows + moves(variant)
