# SPDX-License-Identifier: Apache-2.0
"""Way partitioning, which locks are compared with: each user's misses stay in its ways, and everything else is as ever.

The scoreboard compares each decision with the model.
"""

from dataclasses import replace

import pytest

from tb.models.llc_operations import Op, Result
from yingzhou.errors import ConfigError
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.ip import LlcIp

from .bench import FAST, ROUGH, Access, Pace
from .geometries import SMALL, first_line, in_set
from .test_core import bench_of
from .traffic import Traffic

MASKED = replace(SMALL, way_masks=True)
RANDOM = replace(MASKED, size_bytes=2 << 10, ways=8, replacement="random")
CONFIGS = pytest.mark.parametrize("config", (MASKED, RANDOM), ids=("plru", "random"))


@pytest.mark.regress
@CONFIGS
def test_misses_stay_in_their_users_ways_and_hits_are_everybodys(config: LlcConfig):
    bench = bench_of(config, ROUGH)
    ways = config.ways // 4
    bench.set_way_masks((1 << ways) - 1, (1 << config.ways) - (1 << ways))
    mine, others = in_set(config, 1, 6), in_set(config, 1, 6, skip=20)
    bench.do(Access(line) for line in mine * 3)
    assert set(bench.board.victims) == set(range(ways))
    bench.board.victims.clear()
    bench.do(Access(line, port=1) for line in others * 3)
    assert set(bench.board.victims) == set(range(ways, config.ways))
    # What the first user read last is where it was, and the second user may read it.
    assert bench.do([Access(mine[-1], port=1)])[0].hit


@pytest.mark.regress
@CONFIGS
def test_nothing_can_be_locked(config: LlcConfig):
    bench = bench_of(config)
    bench.set_quota(config.lines)
    line = first_line(config)
    assert bench.operate(Op.LOCK, 1, line).result is Result.SET_FULL
    bench.read(line)
    assert bench.operate(Op.LOCK, 1, line).result is Result.SET_FULL
    assert not bench.operate(Op.STATUS, 1, line).status.locked


@pytest.mark.regress
@CONFIGS
@pytest.mark.parametrize("pace", (FAST, ROUGH), ids=("fast", "rough"))
def test_random_traffic_under_masks(config: LlcConfig, pace: Pace):
    """Also masks that overlap, of one way, and that change at rest."""
    bench = bench_of(config, pace, 3)
    asked = Traffic(config, 4, sets=2, spread=1.5)
    for masks in ((0b0001, 0b1110), (0b0111, 0b0110), (0b1000, 0b1000)):
        bench.set_way_masks(*masks)
        asked.play(bench, 60, 0.1)


def test_the_block_for_other_systems_has_none_of_it():
    with pytest.raises(ConfigError, match="way_masks is True; accepted by the block with AXI4 ports is False"):
        LlcIp(LlcConfig(way_masks=True))
