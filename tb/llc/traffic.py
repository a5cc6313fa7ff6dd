# SPDX-License-Identifier: Apache-2.0
"""Random requests and operations on a few crowded sets and two pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tb.models.llc_operations import Op, Scope
from yingzhou.llc.config import LlcConfig

from .bench import Access, Bench
from .geometries import first_line
from .schedule import random_strobe


@dataclass
class Traffic:
    """What is asked of a core, at random.

    Lines come from ``sets`` sets, ``spread`` times as many as these sets have ways. ``operations``: chance of an
    operation at a step; ``outside``: of a line that is not cacheable.
    """

    config: LlcConfig
    seed: int
    sets: int = 2
    spread: float = 2.0
    operations: float = 0.3
    outside: float = 0.02

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        first, sets = first_line(self.config), min(self.sets, self.config.sets)
        per_set = max(2, int(self.spread * self.config.ways))
        self.lines = [first + number + self.config.sets * n for number in range(sets) for n in range(per_set)]

    def line(self) -> int:
        """Return a line; some are asked for more often than others."""
        if self.config.cacheable is not None and self.rng.random() < self.outside:
            return 1
        at = min(self.rng.randrange(len(self.lines)), self.rng.randrange(len(self.lines)))
        return self.lines[at]

    def access(self) -> Access:
        """Return a request."""
        rng = self.rng
        data = rng.randbytes(64) if rng.random() < 0.5 else None
        return Access(self.line(), data, random_strobe(rng), rng.randrange(2))

    def operation(self) -> tuple[int, int, int, Scope]:
        """Return code, domain, line and scope of an operation that is mostly sensible."""
        rng = self.rng
        op = rng.choice([Op.LOCK] * 5 + [Op.UNLOCK] * 2 + list(Op))
        scopes = [Scope.LINE] * 12 + [Scope.PAGE] * 2 + ([] if op in (Op.LOCK, Op.STATUS) else [Scope.ALL])
        scope, line = rng.choice(scopes), self.line()
        if scope is Scope.PAGE:
            line -= line % 64
        return op, rng.randrange(min(3, self.config.domains + 1)), line, scope

    def quota(self) -> Iterator[int]:
        """Yield a quota for each domain: nothing, a few lines, or all."""
        for _ in range(self.config.domains):
            yield self.rng.choice((0, 2, 3, self.config.lines, self.config.lines))

    def play(self, bench: Bench, steps: int, errors: float = 0.0) -> None:
        """Ask for ``steps`` things, in bursts; memory fails for a few lines when ``errors`` is not 0."""
        rng = self.rng
        bench.set_quota(*self.quota())
        for _ in range(steps):
            if rng.random() < self.operations and len(bench.commands) < 2:
                bench.start(*self.operation())
            for _ in range(rng.choice((0, 1, 1, 2, 8))):
                access = self.access()
                bench.queues[access.port].append(access)
            if rng.random() < 0.05:
                bench.set_quota(*self.quota())
            if errors and rng.random() < 0.3:
                bench.bad_reads = {line for line in self.lines if rng.random() < errors}
                bench.bad_writes = {line for line in self.lines if rng.random() < errors}
            bench.idle(rng.choice((1, 3, 10, 30)))
        bench.bad_reads, bench.bad_writes = set(), set()
        bench.settle()
