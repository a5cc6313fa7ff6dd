# SPDX-License-Identifier: Apache-2.0
"""All of a large memory in use: subtrees everywhere, thousands of them brought on chip and sent away.

DRAM is sparse, so 512 GB of it cost the host what was touched. Whatever a line reads is compared with what was last
written to it.
"""

import random
from dataclasses import dataclass, field, replace
from typing import Final

from .bench_goals import Row
from .bench_mmt_access import OUTSTANDING
from .bench_mmt_variant import Op, Variant, VariantBench
from .state_bits import of_engine

VARIANT: Final = "mmt"
SUBTREES: Final = 3000
LINES_EACH: Final = 3
BENCH: Final = "large memory"
MOUNTS: Final = "mounts"
STATE: Final = "state on chip"
_TOTAL: Final = "total"
_OF_MEMORY: Final = " MiB of memory, "
SMALL_WIDTH: Final = 28
"""Address bits of the memory that a large one is compared with: 256 MiB."""


@dataclass
class Tour:
    """What was done, and what of it is still there: lines by number, with how often each was written."""

    lines: list[int] = field(default_factory=list)
    subtrees: list[int] = field(default_factory=list)
    freed: int = 0
    mount_commands: int = 0
    highest: int = 0


def tour(bench: VariantBench, count: int, seed: int = 3) -> Tour:
    """Use ``count`` subtrees all over memory: allocate, write, read in other orders, unmount, free a tenth of them."""
    config = bench.config
    assert config is not None
    dice = random.Random(seed)
    done = Tour()
    # The first and the last that memory has are among them.
    usable = [n for n in (0, config.subtrees - 1) if bench.clear(n)]
    while len(usable) < count:
        number = dice.randrange(config.subtrees)
        if bench.clear(number):
            usable.append(number)
    done.subtrees = list(dict.fromkeys(usable))
    lines: dict[int, list[int]] = {}
    for number in done.subtrees:
        bench.command(Op.ALLOC, number)
        first = number * config.subtree_lines
        lines[number] = [first + dice.randrange(config.subtree_lines) for _ in range(LINES_EACH)]
        done.highest = max(done.highest, *lines[number])

    def access(numbers: list[int], write: bool) -> None:
        some = [line for number in numbers for line in lines[number]]
        bench.pattern([(line, write) for line in some], OUTSTANDING)

    access(done.subtrees, True)
    order = dice.sample(done.subtrees, len(done.subtrees))
    access(order, False)
    for number in order[: count // 4]:
        if not bench.mounted(number):
            bench.command(Op.MOUNT, number)
            done.mount_commands += 1
        access([number], True)
        bench.command(Op.UNMOUNT, number)
    for number in order[::10]:
        bench.command(Op.FREE, number)
        done.freed += 1
    left = [number for number in done.subtrees if number not in set(order[::10])]
    access(left, False)
    done.subtrees = left
    done.lines = sorted({line for number in left for line in lines[number]})
    return done


def measure(variant: Variant, count: int = SUBTREES) -> list[Row]:
    """Measure one engine: what was touched and what it took, all of it checked."""
    with variant.open(()) as bench:
        done = tour(bench, count)
        bench.require_sound(variant.name)
        counts, totals = bench.counts(), bench.totals
    reached = (done.highest * 64 >> 30) + 1

    def row(metric: str, value: float, unit: str) -> Row:
        return Row(BENCH, variant.name, metric, value, unit)

    return [
        row("memory", variant.memory_bytes >> 30, "GiB"),
        row("highest line used, below", reached, "GiB"),
        row("subtrees used", count, "subtrees"),
        row(MOUNTS, counts["mount"], "mounts"),
        row("unmounts", counts["unmount"], "unmounts"),
        row("lines read and found as written", totals.reads, "lines"),
        row("cycles for each mount", round(totals.cycles / counts["mount"], 1), "cycles"),
    ]


def state_on_chip(variant: Variant) -> list[Row]:
    """Count registers and memories on chip, for this memory and for a small one: only line numbers get wider."""
    assert variant.config is not None
    rows = []
    for config in (variant.config, replace(variant.config, addr_width=SMALL_WIDTH)):
        bits = of_engine(config)
        for what, value in (("registers", bits.registers), ("memories", bits.memories), (_TOTAL, bits.total)):
            rows.append(Row(STATE, variant.name, f"{config.size >> 20}{_OF_MEMORY}{what}", value, "bits"))
    return rows


def total_of(metric: str) -> int | None:
    """Return the MiB of memory that a metric of :data:`STATE` is the total for, None of the others."""
    size, _, what = metric.partition(_OF_MEMORY)
    return int(size) if what == _TOTAL else None
