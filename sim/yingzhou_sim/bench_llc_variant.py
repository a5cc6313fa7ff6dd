# SPDX-License-Identifier: Apache-2.0
"""The last-level caches that are compared, and what is held in them for an enclave."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from yingzhou.llc.config import LlcConfig
from yingzhou.llc.signature import Op

from .bench_llc_build import cache_library
from .bench_llc_native import LlcBench
from .trace_filter import Record

CONFIG: Final = LlcConfig()
"""What is measured: 128 KiB, 8 ways, 4 MSHRs, tree-PLRU."""
SHARES: Final = (25, 50, 75)
"""Shares of the quota that an enclave holds, in percent."""
NO_LOCK: Final = "no lock"
LOCKED: Final = "locked lines"
PROFILED: Final = "locked lines, by profile"
PARTITION: Final = "way partition"
DOMAIN: Final = 1
"""The enclave's."""


def quota(config: LlcConfig) -> int:
    """Return the lines that can be locked at all: two ways of every set never are."""
    return config.sets * (config.ways - 2)


def held_lines(config: LlcConfig, share: int) -> int:
    """Return the lines in a share of the quota."""
    return quota(config) * share // 100


def held_ways(config: LlcConfig, share: int) -> int:
    """Return the ways that as many lines take when whole ways are held."""
    return math.ceil(held_lines(config, share) / config.sets)


def choose(config: LlcConfig, ranked: Iterable[int], count: int) -> list[int]:
    """Return the first ``count`` lines of a ranking of which no set gets more than may be locked in it."""
    used: Counter[int] = Counter()
    chosen: list[int] = []
    for line in ranked:
        if len(chosen) == count:
            break
        if used[line % config.sets] < config.ways - 2:
            used[line % config.sets] += 1
            chosen.append(line)
    return chosen


def working_set(before: Sequence[Record], measured: Sequence[Record]) -> list[int]:
    """Return the lines that are used both before and in what is measured, those used most often first.

    A line whose first use is measured is none of them: to have locked it would be to have fetched it ahead.
    """
    old, uses = {r.line for r in before}, Counter(r.line for r in measured)
    return sorted((line for line in uses if line in old), key=lambda line: (-uses[line], line))


def profile(before: Sequence[Record]) -> list[int]:
    """Return the lines used before, those used most often first: all that somebody can know who does not see ahead."""
    uses = Counter(r.line for r in before)
    return sorted(uses, key=lambda line: (-uses[line], line))


@dataclass(frozen=True)
class Cache:
    """A cache that was built: ``library`` of the bench around it."""

    config: LlcConfig
    library: Path

    def open(self, way_masks: Sequence[int] | None = None) -> LlcBench:
        """Return a fresh bench."""
        return LlcBench(self.library, self.config, way_masks=way_masks)


def built(config: LlcConfig) -> Cache:
    """Return a cache, built when needed."""
    return Cache(config, cache_library(config))


@dataclass(frozen=True)
class Held:
    """What is held for an enclave in one measurement: ``share`` of the quota, as ``variant`` does it.

    ``lines`` are locked; ``ways`` are reserved: the first so many are the enclave's, the others everybody else's.
    """

    variant: str = NO_LOCK
    share: int = 0
    lines: tuple[int, ...] = field(default=(), repr=False)
    ways: int = 0

    def open(self, plain: Cache, masked: Cache) -> LlcBench:
        """Return a bench with it held; user FIRST is the enclave."""
        if self.variant == PARTITION:
            config = masked.config
            mine = (1 << self.ways) - 1
            others = (1 << config.ways) - 1 - mine
            return masked.open((mine, others, others))
        bench = plain.open()
        bench.set_quota(DOMAIN, len(self.lines))
        for line in self.lines:
            bench.operate(Op.LOCK, DOMAIN, line)
        return bench


def all_held(config: LlcConfig, before: Sequence[Record], measured: Sequence[Record]) -> list[Held]:
    """Return everything that is compared for a core, without any lock first."""
    found = [Held()]
    for share in SHARES:
        count = held_lines(config, share)
        found.append(Held(LOCKED, share, tuple(choose(config, working_set(before, measured), count))))
        found.append(Held(PROFILED, share, tuple(choose(config, profile(before), count))))
        found.append(Held(PARTITION, share, ways=held_ways(config, share)))
    return found
