# SPDX-License-Identifier: Apache-2.0
"""Lines against its neighbours of ``lines_bench``; what lies in DRAM against the model's cryptography."""

from random import Random
from typing import Any

import pytest

from tb.mmt.lines_bench import ZEROS, Bench, Op, Pace, config_of
from yingzhou.mmt.config import MmtConfig

TINY = config_of(slots=2, mac_cache_lines=2, aes="iterative")
SMALL = config_of(slots=4, mac_cache_lines=8)
DEFAULT = config_of()
SLOW = Pace(dram=25, aes=15, aes_interval=3, write=30, stall=0.3, gap=0.2)
FULL = 2**64 - 1


def sealed(config: MmtConfig, lines: range | list[int], seed: int = 1, **options: Any) -> Bench:
    """Return a bench with known content in ``lines``."""
    bench = Bench(config, seed=seed, **options)
    rng = Random(seed + 100)
    for line in lines:
        bench.seal(line, rng.randbytes(64), 1 + rng.randrange(1000))
    return bench


def draw(rng: Random, lines: list[int], count: int, writes: float = 0.5) -> list[Op]:
    ops = []
    for _ in range(count):
        op = Op(rng.choice(lines), id=rng.randrange(4))
        if rng.random() < writes:
            op.write, op.data = True, rng.randbytes(64)
            op.strobe = rng.choice([FULL, FULL, rng.getrandbits(64), 1 << rng.randrange(64), 0])
        op.outside = rng.random() < 0.03
        ops.append(op)
    return ops


def settled(bench: Bench) -> None:
    """Every line in DRAM is what was written, under the counter that Tree gave, with its MAC."""
    for line, root in bench.counters:
        want = bench.root_shadow.get(line, ZEROS) if root else bench.shadow.get(line, ZEROS)
        assert bench.unseal(line, root=root) == want, f"line {line:#x} {root}"


LINES = [*range(24), 60, 61, 62, 64, 65, 127, 130, 200, 1000, 5000, 5001, 5008]


@pytest.mark.regress
@pytest.mark.parametrize("config", [TINY, SMALL, DEFAULT], ids=["tiny", "small", "default"])
@pytest.mark.parametrize("pace", [Pace(), SLOW, Pace(dram=2, aes=1, write=1)], ids=["usual", "slow", "fast"])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_mix(config: MmtConfig, pace: Pace, seed: int):
    """Reads, writes of all kinds, misses, overflows and root jobs beside each other: no false alarm, DRAM right.

    covers: MMT.LINE_ORDER
    """
    rng = Random(seed)
    bench = sealed(config, [n for n in LINES if n % 3], seed, pace=pace, miss=0.02, overflow=0.03, unserved=0.1)
    if seed == 2:
        bench.read_ready = lambda cycle: cycle % 7 < 3

    async def scenario(b: Bench) -> None:
        await b.play(draw(rng, LINES, 250))
        await b.flush()

    bench.run(scenario)
    assert not bench.failures
    assert bench.recrypted > 0 and bench.root_shadow
    settled(bench)
