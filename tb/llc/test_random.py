# SPDX-License-Identifier: Apache-2.0
"""Random requests and operations against the model: geometry, pauses on all sides, memory that fails.

Each decision of the core (hit or miss, way, victim, write-back, lock), each answer with its cycle, each write to memory
and each result is compared (:mod:`tb.llc.scoreboard`).
covers: LLC.LOCK_PINNED LLC.LOCK_QUOTA
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tb.models.llc_operations import Result
from yingzhou.llc.config import LlcConfig

from .bench import FAST, Pace
from .geometries import ALL, QUICK
from .test_core import bench_of
from .traffic import Traffic

CHANCE = st.sampled_from((0.0, 0.1, 0.5, 0.8))
LATENCY = st.sampled_from(((1, 1), (2, 9), (40, 40), (1, 100)))
PACES = st.builds(Pace, request=CHANCE, memory=CHANCE, beat=CHANCE, read=LATENCY, write=LATENCY)
TRAFFICS = {
    "sets": st.integers(1, 4),
    "spread": st.sampled_from((0.7, 1.5, 3.0)),
    "operations": st.sampled_from((0.0, 0.1, 0.7)),
}


def conforms(config: LlcConfig, pace: Pace, errors: float, seed: int, traffic: dict[str, Any], steps: int = 40) -> None:
    """Run random traffic, twice with a reset between."""
    bench = bench_of(config, pace, seed)
    asked = Traffic(config, seed, **traffic)
    asked.play(bench, steps, errors)
    bench.reset()
    asked.play(bench, steps // 4)


@pytest.mark.parametrize("config", QUICK.values(), ids=QUICK)
@settings(max_examples=25)
@given(PACES, st.sampled_from((0.0, 0.1)), st.integers(0, 2**32), st.fixed_dictionaries(TRAFFICS))
def test_random_traffic(config: LlcConfig, pace: Pace, errors: float, seed: int, traffic: dict[str, Any]):
    conforms(config, pace, errors, seed, traffic)


@pytest.mark.regress
@pytest.mark.parametrize("config", ALL.values(), ids=ALL)
@settings(max_examples=300)
@given(PACES, st.sampled_from((0.0, 0.1, 0.3)), st.integers(0, 2**32), st.fixed_dictionaries(TRAFFICS))
def test_random_traffic_on_every_geometry(
    config: LlcConfig, pace: Pace, errors: float, seed: int, traffic: dict[str, Any]
):
    conforms(config, pace, errors, seed, traffic, 120)


@pytest.mark.parametrize("config", QUICK.values(), ids=QUICK)
def test_random_traffic_reaches_everything(config: LlcConfig):
    """The runs above are not idle: hits, misses, write-backs, failures, every operation and every refusal at a line."""
    ends: set[Result] = set()
    counted: dict[str, int] = dict.fromkeys(("hit", "miss", "write_back", "lock"), 0)
    failures = 0
    for seed in range(6):
        bench = bench_of(config, FAST, seed)
        Traffic(config, seed, operations=0.6).play(bench, 200, 0.1 if seed % 2 else 0.0)
        ends |= {done.result for done in bench.done}
        failures += len(bench.failures)
        counted = {name: count + bench.counted[name] for name, count in counted.items()}
    assert ends >= {Result.DONE, Result.QUOTA, Result.SET_FULL, Result.OTHER_OWNER, Result.NOT_LOCKED}
    assert Result.MEMORY_ERROR in ends and failures
    assert all(count > 30 for count in counted.values()), counted
