# SPDX-License-Identifier: Apache-2.0
"""The core's contents, order and timing (docs/llc.md, rules 2 to 11). The scoreboard compares each decision besides."""

from random import Random

import pytest

from yingzhou.llc.config import LlcConfig

from .bench import FAST, ROUGH, Access, Bench, Pace
from .geometries import QUICK, SMALL, first_line, in_set
from .schedule import random_strobe

GEOMETRIES = pytest.mark.parametrize("config", QUICK.values(), ids=QUICK)
SLOW = Pace(read=(30, 30), write=(30, 30))
FIRST = first_line(SMALL)


def bench_of(config: LlcConfig, pace: Pace = FAST, seed: int = 1, lines: int = 400) -> Bench:
    """Return a core over a memory that holds something everywhere."""
    rng, first = Random(seed), first_line(config)
    return Bench(config, seed, pace, {first + line: rng.randbytes(64) for line in range(lines)})


@GEOMETRIES
def test_nothing_is_accepted_until_every_set_is_invalid(config: LlcConfig):
    """Rule 8: one cycle a set."""
    bench = Bench(config)
    bench.queues[0].append(Access(first_line(config)))
    bench.start(6, 0, first_line(config))
    access = bench.queues[0][0]
    bench.settle()
    assert config.sets <= access.accepted <= config.sets + 2
    assert bench.operate(6, 0, first_line(config)).status.present


@GEOMETRIES
def test_a_hit_takes_three_cycles_and_one_is_accepted_each_cycle(config: LlcConfig):
    """Section "Timing"; reads and writes, of one line and of different ones, after each other."""
    bench = bench_of(config)
    rng = Random(2)
    lines = [first_line(config) + n for n in range(6)]
    bench.do(Access(line) for line in lines)
    accesses = []
    for _ in range(200):
        line = rng.choice(lines)
        accesses.append(Access(line) if rng.random() < 0.5 else Access(line, rng.randbytes(64), random_strobe(rng)))
    bench.do(accesses)
    assert all(access.hit for access in accesses)
    assert [access.accepted - accesses[0].accepted for access in accesses] == list(range(len(accesses)))


def test_two_ports_share_fairly():
    """Both ask always: each is accepted in every second cycle, and hits take as long as alone."""
    bench = bench_of(SMALL)
    bench.do([Access(FIRST), Access(FIRST + 1)])
    accesses = [[Access(FIRST + port, port=port) for _ in range(50)] for port in range(2)]
    bench.do([*accesses[0], *accesses[1]])
    for mine in accesses:
        assert all(access.hit for access in mine)
        assert max(b.accepted - a.accepted for a, b in zip(mine, mine[1:], strict=False)) <= 2


def test_hits_go_on_under_misses():
    """Rule 4: as many misses as there are MSHRs, and hits all the time."""
    bench = bench_of(SMALL, SLOW)
    bench.do([Access(FIRST)])
    misses = [Access(FIRST + 1 + n, port=1) for n in range(SMALL.mshrs)]
    hits = [Access(FIRST) for _ in range(60)]
    bench.do([*misses, *hits])
    assert all(access.hit for access in hits)
    assert max(access.answered for access in misses) < min(access.accepted for access in misses) + 2 * 30
    assert bench.fetched == [FIRST + n for n in range(SMALL.mshrs + 1)]


def test_more_misses_than_mshrs():
    """Rule 4: the others wait, and end."""
    bench = bench_of(SMALL, SLOW)
    accesses = bench.do(Access(FIRST + n, port=n % 2) for n in range(12))
    assert [access.answer for access in accesses] == [bench.memory[FIRST + n] for n in range(12)]
    assert max(access.answered for access in accesses) > 3 * 30


def test_a_whole_line_is_not_fetched():
    """Rule 3."""
    bench = bench_of(SMALL)
    data = bytes(range(64))
    assert bench.write(FIRST, data).cycles >= 2 and bench.fetched == []
    assert bench.read(FIRST).answer == data
    bench.write(FIRST + 1, data, 0xF0)
    assert bench.fetched == [FIRST + 1]
    old = bench.memory[FIRST + 1]
    assert bench.read(FIRST + 1).answer == old[:4] + data[4:8] + old[8:]


def test_a_write_of_nothing():
    """Rule 2: answered, at once, also to a line that is far away."""
    bench = bench_of(SMALL)
    assert bench.write(FIRST, bytes(range(64)), 0).hit
    assert bench.fetched == [] and bench.counted["miss"] == 0


def test_outside_of_memory():
    """Rule 2: an error and zeros; memory is not asked."""
    config = QUICK["paged"]
    bench = bench_of(config)
    for line in (0, config.ranges[0][0] // 64 - 1, config.ranges[0][1] // 64, config.ranges[1][1] // 64):
        for access in (bench.read(line), bench.write(line, bytes(range(64))), bench.write(line, bytes(64), 1)):
            assert access.error and access.answer == bytes(64) and access.hit
    assert bench.fetched == [] and bench.written == [] and bench.failures == []
    for first, end in config.ranges:
        assert not bench.read(first // 64).error and not bench.read(end // 64 - 1).error


def test_requests_to_one_line_keep_their_order():
    """Rule 4: a chain of reads and writes behind a miss, from both ports."""
    bench = bench_of(SMALL, SLOW)
    accesses = [
        Access(FIRST, bytes([n]) * 64, 0xFF << 8 * (n % 8), port=n % 2) if n % 3 else Access(FIRST, port=n % 2)
        for n in range(20)
    ]
    bench.do(accesses)
    assert bench.fetched == [FIRST]
    for port in range(2):
        answered = [access.answered for access in accesses if access.port == port]
        assert answered == sorted(answered)


@pytest.mark.parametrize("write", (False, True))
def test_a_failed_fetch_is_answered_and_forgotten(write: bool):
    """Rule 5: an error and zeros; what was to be merged is not kept; the next request fetches again."""
    bench = bench_of(SMALL)
    bench.bad_reads = {FIRST}
    access = bench.write(FIRST, bytes(range(64)), 0xFF) if write else bench.read(FIRST)
    assert access.error and access.answer == bytes(64)
    assert not bench.operate(6, 0, FIRST).status.present
    bench.bad_reads = set()
    again = bench.read(FIRST)
    assert not again.error and again.answer == bench.memory[FIRST]
    assert bench.fetched == [FIRST, FIRST] and bench.failures == []


def test_a_failed_fetch_answers_only_its_request():
    """Rule 5: those that waited for the line fetch it again."""
    bench = bench_of(SMALL, SLOW)
    bench.bad_reads = {FIRST}
    accesses = [Access(FIRST) for _ in range(3)]
    for access in accesses:
        bench.queues[0].append(access)
    while accesses[0].answered < 0:
        bench.step()
    bench.bad_reads = set()
    bench.settle()
    assert [access.error for access in accesses] == [True, False, False]


def test_a_victim_that_memory_refuses_is_recorded():
    """Rule 6."""
    bench = bench_of(SMALL)
    bench.write(FIRST, bytes(range(64)))
    bench.bad_writes = {FIRST}
    old = bench.memory[FIRST]
    bench.do(Access(line) for line in in_set(SMALL, 0, 5, 1))
    assert bench.failures == [(1, FIRST)]
    assert bench.read(FIRST).answer == old


def test_a_line_is_not_fetched_before_its_write_back_is_answered():
    """Rule 7 (the bench refuses such a fetch)."""
    bench = bench_of(SMALL, Pace(read=(4, 4), write=(80, 80)))
    data = bytes(range(64))
    bench.write(FIRST, data)
    others = [Access(line) for line in in_set(SMALL, 0, 4, 1)]
    again = Access(FIRST)
    bench.do([*others, again])
    assert again.answer == data and again.cycles > 80 and bench.written == [(FIRST, data)]


@GEOMETRIES
def test_victims_one_by_one(config: LlcConfig):
    """Rules 9 to 11: two crowded sets, misses and hits one after the other; the scoreboard knows each victim."""
    bench, rng = bench_of(config), Random(3)
    lines = [*in_set(config, 0, config.ways + 3), *in_set(config, 1, config.ways + 3)]
    for _ in range(150):
        line = rng.choice(lines)
        bench.do([Access(line) if rng.random() < 0.7 else Access(line, rng.randbytes(64))])
    assert len(set(bench.board.victims)) == config.ways


@GEOMETRIES
@pytest.mark.parametrize("pace", (FAST, ROUGH), ids=("fast", "rough"))
def test_crowded_sets(config: LlcConfig, pace: Pace):
    """Everybody misses in two sets, with more lines than MSHRs and ways; every answer and write-back is compared."""
    bench, rng = bench_of(config, pace), Random(4)
    lines = [*in_set(config, 0, config.ways + 4), *in_set(config, 1, config.ways + 4)]
    accesses = []
    for _ in range(300):
        line, port = rng.choice(lines), rng.randrange(2)
        write = rng.random() < 0.5
        accesses.append(Access(line, rng.randbytes(64) if write else None, random_strobe(rng), port))
    bench.do(accesses)
    assert not any(access.error for access in accesses)
