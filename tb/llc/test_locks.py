# SPDX-License-Identifier: Apache-2.0
"""Attacks on locked lines, and what operations do and refuse (docs/llc.md, rules 12 to 23).

Port 0 is the victim's, port 1 the attacker's; domain 1 is the victim's, domain 2 the attacker's.
covers: LLC.LOCK_PINNED LLC.LOCK_SILENT LLC.LOCK_QUOTA LLC.LOCK_MAINTAIN
"""

from random import Random

import pytest

from tb.models.llc_operations import Op, Result, Scope, Status
from yingzhou.llc.config import LlcConfig

from .bench import FAST, ROUGH, Access, Bench, Pace
from .geometries import PAGED, SMALL, first_line, in_set
from .schedule import random_strobe
from .test_core import GEOMETRIES, bench_of

FIRST = first_line(SMALL)
PAGE = first_line(PAGED)
ABSENT = Status(False, False, 0)
DATA = bytes(range(64))


def status(bench: Bench, line: int) -> Status:
    return bench.operate(Op.STATUS, 0, line).status


def flood(config: LlcConfig, number: int, times: int = 4, port: int = 1) -> list[Access]:
    """Return reads of ``times`` as many lines of a set as it has ways."""
    return [Access(line, port=port) for line in in_set(config, number, times * config.ways, 3)]


# Pinned


@GEOMETRIES
def test_a_locked_line_stays_whatever_the_attacker_reads(config: LlcConfig):
    """threat: C01"""
    bench = bench_of(config)
    line = in_set(config, 0, 1)[0]
    bench.lock(1, line)
    fetched = len(bench.fetched)
    victim = [Access(line) for _ in range(100)]
    bench.do([*flood(config, 0), *victim])
    assert len(bench.fetched) == fetched + 4 * config.ways
    assert all(access.hit for access in victim), "the attacker slows the locked line down"
    assert bench.read(line).hit


def test_evict_and_reload():
    """The attacker may read the line itself: it is always there, and takes always the same. threat: C06"""
    bench = bench_of(SMALL)
    bench.lock(1, FIRST)
    for _ in range(10):
        bench.do(flood(SMALL, 0))
        for write in (False, True):
            access = bench.do([Access(FIRST, DATA if write else None, port=1)])[0]
            assert access.hit
    assert bench.fetched.count(FIRST) == 1


@GEOMETRIES
def test_no_port_and_no_tag_takes_a_locked_way(config: LlcConfig):
    """threat: C20"""
    bench, rng = bench_of(config), Random(5)
    numbers = range(min(config.sets, 4))
    locked = [line for number in numbers for line in in_set(config, number, config.ways - 2)]
    bench.lock(1, *locked)
    before = len(bench.board.victims)
    accesses = []
    for _ in range(400):
        line = rng.choice(in_set(config, rng.choice(numbers), 12, config.ways - 2))
        write = rng.random() < 0.4
        accesses.append(Access(line, rng.randbytes(64) if write else None, random_strobe(rng), rng.randrange(2)))
    bench.do(accesses)
    assert len(set(bench.board.victims[before:])) == 2, "misses took more than the two unlocked ways"
    assert all(access.hit for access in bench.do(Access(line) for line in locked))


# Silent


@GEOMETRIES
def test_which_locked_line_is_used_moves_no_victim(config: LlcConfig):
    """threat: C04"""
    seen = []
    for secret in (0, 1, 2):
        bench, rng = bench_of(config), Random(6)
        lines = in_set(config, 0, 2)
        # In both halves of the set, each beside a way that is not locked: the tree has a choice.
        for line, other in zip(lines, in_set(config, 0, 2, config.ways + 8), strict=True):
            bench.lock(1, line)
            bench.do([Access(other)])
        own = [rng.choice(lines) if secret == 2 else lines[secret] for _ in range(60)]
        victim = [Access(line, DATA if secret and n % 3 else None) for n, line in enumerate(own)]
        attacker = [Access(rng_line, port=1) for rng_line in in_set(config, 0, config.ways + 3, 2) * 4]
        fresh = in_set(config, 0, 20, config.ways + 12)
        # Beside each other; then in turns, so that each miss has the choice between two ways.
        bench.do([*victim[:40], *attacker])
        for access in victim[40:]:
            bench.do([access])
            attacker += bench.do([Access(fresh.pop(), port=1)])
        seen.append((bench.board.victims, [(access.accepted, access.answered) for access in attacker]))
    assert seen[0] == seen[1] == seen[2]


def test_a_line_that_is_fetched_for_a_lock_was_used():
    """Rule 10: the way of a fill is touched, before the line is locked; so the other half of the set goes next."""
    bench = bench_of(SMALL)
    lines = in_set(SMALL, 0, 6)
    for line in lines[:4]:
        bench.read(line)
    bench.lock(1, lines[4])
    bench.read(lines[5])
    assert [status(bench, line).present for line in lines] == [False, True, False, True, True, True]


# Quota


def test_the_last_ways_of_a_set_are_refused():
    """threat: C02"""
    bench = bench_of(SMALL)
    bench.set_quota(16, 16, 16)
    lines = in_set(SMALL, 0, 4)
    assert [bench.operate(Op.LOCK, 1 + n % 2, line).result for n, line in enumerate(lines)] == [
        Result.DONE,
        Result.DONE,
        Result.SET_FULL,
        Result.SET_FULL,
    ]
    assert bench.counts() == [1, 1, 0]
    done = bench.operate(Op.LOCK, 3, lines[2])
    assert (done.result, done.line) == (Result.SET_FULL, lines[2])
    accesses = bench.do([*flood(SMALL, 0), *flood(SMALL, 0, port=0)])
    assert all(access.answer == bench.memory[access.line] for access in accesses)
    assert [status(bench, line).owner for line in lines] == [1, 2, 0, 0]


def test_a_domain_gets_its_quota_and_no_more():
    """The attackers lock all they can; a working set that fits in what is left stays as quick as it was. threat: C03"""
    left = SMALL.ways - SMALL.lockable_ways
    lines = [FIRST + n for n in range(left * SMALL.sets)]

    def round_of(bench: Bench) -> tuple[int, int]:
        """Return cycles and misses of the working set's second round."""
        bench.do(Access(line) for line in lines)
        start, fetched = bench.cycle, len(bench.fetched)
        bench.do(Access(line) for line in lines)
        return bench.cycle - start, len(bench.fetched) - fetched

    alone = round_of(bench_of(SMALL))
    assert alone[1] == 0

    bench = bench_of(SMALL)
    bench.set_quota(0, 5, 16)
    results = [bench.operate(Op.LOCK, 2, FIRST + 100 + n).result for n in range(16)]
    assert results.count(Result.DONE) == 5 and set(results) == {Result.DONE, Result.QUOTA}
    assert bench.operate(Op.LOCK, 1, FIRST).result is Result.QUOTA
    for n in range(16):
        bench.operate(Op.LOCK, 3, FIRST + 200 + n)
    assert bench.counts() == [0, 5, 3], "all that can be locked"
    assert round_of(bench) == alone
    # One line a set more, and the same attackers cost the victim its hits: the floor is where it is said to be.
    lines += [FIRST + len(lines) + n for n in range(SMALL.sets)]
    assert round_of(bench_of(SMALL))[1] == 0 < round_of(bench)[1]


def test_a_refused_lock_changes_nothing():
    """Rule 22: neither contents nor replacement nor counts; a line that is not there is not fetched for it."""
    bench = bench_of(SMALL)
    bench.set_quota(1)
    bench.operate(Op.LOCK, 1, FIRST)
    fetched = list(bench.fetched)
    for line in (FIRST + 1, FIRST + 4):
        done = bench.operate(Op.LOCK, 1, line)
        assert (done.result, done.line) == (Result.QUOTA, line)
        assert status(bench, line) == ABSENT
    assert bench.operate(Op.LOCK, 2, FIRST).result is Result.OTHER_OWNER
    assert bench.fetched == fetched and bench.counts() == [1, 0, 0]


def test_a_quota_below_the_count_takes_nothing_away():
    bench = bench_of(SMALL)
    bench.lock(1, FIRST, FIRST + 1)
    bench.set_quota(1)
    assert bench.counts()[0] == 2 and bench.read(FIRST).hit
    assert bench.operate(Op.LOCK, 1, FIRST).result is Result.DONE
    assert bench.operate(Op.LOCK, 1, FIRST + 2).result is Result.QUOTA


# Maintenance by others


@GEOMETRIES
@pytest.mark.parametrize("op", (Op.CLEAN, Op.FLUSH, Op.DISCARD))
@pytest.mark.parametrize("domain", (0, 2))
def test_maintenance_by_others_takes_as_long_as_for_nothing(config: LlcConfig, op: Op, domain: int):
    """Line, page and all; the locked line is clean or dirty, or not there. threat: C07 C11"""
    page = first_line(config)
    times: dict[tuple[Scope, str], int] = {}
    for state in ("absent", "locked", "written"):
        bench = bench_of(config)
        if state != "absent":
            bench.lock(1, page + 1, page + 3)
        else:
            bench.do([Access(page + 1), Access(page + 3)])
            bench.operate(Op.DISCARD, 0, page + 1)
            bench.operate(Op.DISCARD, 0, page + 3)
        if state == "written":
            bench.write(page + 1, DATA)
        counts = bench.counts()
        for scope in (Scope.LINE, Scope.PAGE, Scope.ALL):
            done = bench.operate(op, domain, page + 1 if scope is Scope.LINE else page, scope)
            assert done.result is Result.DONE
            times[scope, state] = done.cycles
            assert bench.counts() == counts and bench.written == []
        if state != "absent":
            assert status(bench, page + 1) == Status(True, True, 1)
            access = bench.read(page + 1)
            assert access.hit and access.answer == (DATA if state == "written" else bench.memory[page + 1])
    for scope in (Scope.LINE, Scope.PAGE):
        assert len({times[scope, state] for state in ("absent", "locked", "written")}) == 1, times
    assert times[Scope.ALL, "locked"] == times[Scope.ALL, "written"]


def test_whole_cache_maintenance_takes_unlocked_lines_only():
    """Dirty unlocked lines are written, dirty locked ones stay. threat: C11"""
    bench = bench_of(SMALL)
    bench.lock(1, FIRST)
    for n in range(4):
        bench.write(FIRST + n, DATA)
    bench.operate(Op.CLEAN, 0, scope=Scope.ALL)
    assert sorted(line for line, _ in bench.written) == [FIRST + 1, FIRST + 2, FIRST + 3]
    bench.operate(Op.FLUSH, 2, scope=Scope.ALL)
    assert len(bench.written) == 3
    assert [status(bench, FIRST + n).present for n in range(4)] == [True, False, False, False]
    bench.operate(Op.DISCARD, 0, scope=Scope.ALL)
    assert bench.read(FIRST).answer == DATA and bench.read(FIRST).hit


# The owner


@pytest.mark.parametrize("op, stays", [(Op.CLEAN, True), (Op.FLUSH, False), (Op.UNLOCK, False)])
@pytest.mark.parametrize("pace", (FAST, ROUGH), ids=("fast", "rough"))
def test_maintenance_by_the_owner(op: Op, stays: bool, pace: Pace):
    """Written back through the one memory port, before the lock is gone; STATUS shows it. threat: C08 C13"""
    bench = bench_of(SMALL, pace)
    bench.lock(1, FIRST, FIRST + 1)
    bench.write(FIRST, DATA)
    assert bench.operate(op, 1, FIRST).result is Result.DONE
    assert bench.memory[FIRST] == DATA and bench.written == [(FIRST, DATA)]
    assert status(bench, FIRST) == (Status(True, True, 1) if stays else ABSENT)
    assert bench.counts()[0] == 1 + stays
    old = bench.memory[FIRST + 1]
    assert bench.operate(op, 1, FIRST + 1).result is Result.DONE
    assert bench.written[1:] == [(FIRST + 1, old)], "a locked line that nobody wrote is written back as well"
    assert bench.operate(op, 1, scope=Scope.ALL).result is Result.DONE


def test_unlock_waits_for_memory():
    """Until memory has answered, the lock is there and the line is nobody's victim. threat: C13"""
    bench = bench_of(SMALL, Pace(read=(5, 5), write=(200, 200)))
    bench.lock(1, FIRST)
    bench.write(FIRST, DATA)
    bench.start(Op.UNLOCK, 1, FIRST)
    while not bench.writes:
        bench.step()
    for access in flood(SMALL, 0):
        bench.queues[1].append(access)
    bench.idle(100)
    assert bench.writes and bench.running is not None and bench.counts()[0] == 1
    bench.settle()
    assert bench.done.pop().result is Result.DONE and bench.counts()[0] == 0


@pytest.mark.parametrize("op", (Op.UNLOCK, Op.FLUSH, Op.CLEAN))
def test_a_refused_write_back_leaves_the_line_as_it_was(op: Op):
    """Rule 22: MEMORY_ERROR; locked, dirty, with its content; not recorded, for the answer says it."""
    bench = bench_of(SMALL)
    bench.lock(1, FIRST)
    bench.write(FIRST, DATA)
    bench.bad_writes = {FIRST}
    done = bench.operate(op, 1, FIRST)
    assert (done.result, done.line) == (Result.MEMORY_ERROR, FIRST)
    assert status(bench, FIRST) == Status(True, True, 1) and bench.read(FIRST).answer == DATA
    assert bench.failures == []
    bench.bad_writes = set()
    assert bench.operate(op, 1, FIRST).result is Result.DONE and bench.memory[FIRST] == DATA


def test_requests_of_another_port_to_a_locked_line():
    """Data is supplied, also while the line is locked, unlocked and locked again; nothing hangs. threat: C12"""
    bench, rng = bench_of(SMALL, ROUGH), Random(7)
    bench.set_quota(4, 4)
    for turn in range(30):
        bench.start(Op.LOCK if turn % 3 else Op.UNLOCK, 1 + rng.randrange(2), FIRST + rng.randrange(2))
        for _ in range(8):
            line, write = FIRST + rng.randrange(3), rng.random() < 0.4
            bench.queues[1].append(Access(line, rng.randbytes(64) if write else None, random_strobe(rng), 1))
        bench.idle(20)
    bench.settle()
    assert {done.result for done in bench.done} >= {Result.DONE, Result.OTHER_OWNER}


# From one domain to the next


@GEOMETRIES
@pytest.mark.parametrize("op", (Op.UNLOCK, Op.FLUSH, Op.DISCARD))
def test_a_way_of_the_next_domain_holds_nothing_old(config: LlcConfig, op: Op):
    """Every line that the first domain had is asked for, after memory was cleared behind it. threat: C14 C15"""
    bench = bench_of(config)
    bench.set_quota(config.lines, config.lines)
    lines = [line for number in range(config.sets) for line in in_set(config, number, config.ways - 2)]
    for line in lines:
        assert bench.operate(Op.LOCK, 1, line).result is Result.DONE
    for line in lines:
        assert bench.operate(Op.UNLOCK, 2, line).result is Result.OTHER_OWNER
    assert bench.operate(Op.UNLOCK, 2, scope=Scope.ALL).result is Result.DONE
    assert bench.counts()[:2] == [len(lines), 0]
    bench.do(Access(line, DATA) for line in lines)
    assert bench.operate(op, 1, scope=Scope.ALL).result is Result.DONE
    assert bench.counts()[:2] == [0, 0]
    for line in lines:
        assert status(bench, line) == ABSENT
        bench.memory[line] = bytes(64)
        bench.board.model.dram[line] = bench.board.model.flat[line] = bytes(64)
    for line in lines:
        assert bench.operate(Op.LOCK, 2, line).result is Result.DONE
        assert bench.do([Access(line, port=1)])[0].answer == bytes(64)


def test_protected_and_raw_view_are_different_lines():
    """Rule 1: a lock of one view says nothing of the other."""
    bench = bench_of(PAGED)
    raw, protected = PAGE, PAGED.ranges[1][0] // 64
    bench.lock(1, protected)
    assert status(bench, protected).locked and status(bench, raw) == ABSENT
    bench.write(protected, DATA)
    assert bench.read(raw).answer == bench.memory[raw] != DATA


# Refused as a whole

WHOLE = {
    "misaligned": (Op.LOCK, Scope.LINE, 1, 64 * FIRST + 4, Result.BAD_ADDRESS),
    "misaligned page": (Op.FLUSH, Scope.PAGE, 1, 4096 + 64, Result.BAD_ADDRESS),
    "beyond the address": (Op.LOCK, Scope.LINE, 1, 1 << SMALL.addr_width, Result.BAD_ADDRESS),
    "wrapping": (Op.LOCK, Scope.LINE, 1, (1 << 64) - 64, Result.BAD_ADDRESS),
    "wrapping page": (Op.CLEAN, Scope.PAGE, 0, (1 << 64) - 4096, Result.BAD_ADDRESS),
    "high bits": (Op.LOCK, Scope.LINE, 1, 1 << 63, Result.BAD_ADDRESS),
    "larger than the cache": (Op.LOCK, Scope.PAGE, 1, 0, Result.TOO_LARGE),
    "nobody locks": (Op.LOCK, Scope.LINE, 0, 0, Result.BAD_DOMAIN),
    "no such domain": (Op.LOCK, Scope.LINE, SMALL.domains + 1, 0, Result.BAD_DOMAIN),
    "no such domain, far": (Op.CLEAN, Scope.LINE, 129, 0, Result.BAD_DOMAIN),
    "everything": (Op.LOCK, Scope.ALL, 1, 0, Result.BAD_COMMAND),
    "status of a page": (Op.STATUS, Scope.PAGE, 1, 0, Result.BAD_COMMAND),
    "no such scope": (Op.CLEAN, 3, 1, 0, Result.BAD_COMMAND),
    "code 0": (0, Scope.LINE, 1, 0, Result.BAD_COMMAND),
    "code 7": (7, Scope.LINE, 1, 0, Result.BAD_COMMAND),
    "code 15": (15, 3, 200, 1, Result.BAD_COMMAND),
    "lowest of all": (Op.LOCK, Scope.PAGE, 0, 1, Result.BAD_DOMAIN),
    "address before size": (Op.LOCK, Scope.PAGE, 1, 1, Result.BAD_ADDRESS),
}


def test_operations_refused_as_a_whole():
    """Rule 21; nothing changes. threat: C17"""
    bench = bench_of(SMALL)
    bench.set_quota(16, 16, 16)
    bench.operate(Op.LOCK, 1, FIRST + 1)
    bench.write(FIRST + 2, DATA)
    for name, (op, scope, domain, address, result) in WHOLE.items():
        done = bench.operate(op, domain, scope=scope, address=address)
        assert (done.result, done.line, done.status) == (result, 0, ABSENT), name
    assert bench.counts() == [1, 0, 0] and bench.written == [] and bench.read(FIRST + 2).hit


def test_lines_that_are_not_owned_or_not_locked():
    """threat: C17"""
    bench = bench_of(SMALL)
    bench.lock(1, FIRST)
    bench.read(FIRST + 1)
    for op in (Op.LOCK, Op.UNLOCK):
        done = bench.operate(op, 2, FIRST)
        assert (done.result, done.line) == (Result.OTHER_OWNER, FIRST)
    for line in (FIRST + 1, FIRST + 2):
        done = bench.operate(Op.UNLOCK, 1, line)
        assert (done.result, done.line) == (Result.NOT_LOCKED, 0)
    assert bench.operate(Op.UNLOCK, 1, 0, Scope.PAGE).result is Result.DONE
    assert bench.operate(Op.UNLOCK, 1, 0, Scope.PAGE).result is Result.NOT_LOCKED


# Pages


@pytest.mark.parametrize("pace", (FAST, ROUGH), ids=("fast", "rough"))
def test_a_page_is_locked_and_unlocked(pace: Pace):
    bench, rng = bench_of(PAGED, pace), Random(8)
    bench.set_quota(64, 64)
    for n in range(0, 64, 5):
        bench.write(PAGE + n, rng.randbytes(64))
    assert bench.operate(Op.LOCK, 1, PAGE, Scope.PAGE).result is Result.DONE
    assert bench.counts() == [64, 0]
    bench.do(flood(PAGED, 3))
    accesses = bench.do(Access(PAGE + n) for n in range(64))
    assert all(access.hit for access in accesses)
    bench.written.clear()
    assert bench.operate(Op.UNLOCK, 1, PAGE, Scope.PAGE).result is Result.DONE
    assert bench.counts() == [0, 0] and [line for line, _ in bench.written] == [PAGE + n for n in range(64)]


@pytest.mark.parametrize("reason", (Result.QUOTA, Result.SET_FULL, Result.OTHER_OWNER, Result.MEMORY_ERROR))
def test_a_page_that_is_refused_in_its_middle(reason: Result):
    """Rule 20: what this operation locked is unlocked again, what was locked before stays."""
    bench = bench_of(PAGED)
    bench.lock(1, PAGE + 2)
    bench.write(PAGE + 5, DATA)
    bench.set_quota(64, 64)
    at = PAGE + 40
    if reason is Result.QUOTA:
        bench.set_quota(40, 0)
    elif reason is Result.SET_FULL:
        bench.lock(2, *in_set(PAGED, 8, 4, 6))
    elif reason is Result.OTHER_OWNER:
        bench.lock(2, at)
    else:
        bench.bad_reads = {at}
    done = bench.operate(Op.LOCK, 1, PAGE, Scope.PAGE)
    assert (done.result, done.line) == (reason, at)
    assert bench.counts()[0] == 1 and status(bench, PAGE + 2).locked
    assert bench.memory[PAGE + 5] == DATA and status(bench, PAGE + 5) == ABSENT


def test_the_way_back_meets_a_memory_error():
    """Rule 20: recorded, and the line stays locked."""
    bench = bench_of(PAGED)
    bench.set_quota(20)
    bench.bad_writes = {PAGE + 7}
    done = bench.operate(Op.LOCK, 1, PAGE, Scope.PAGE)
    assert (done.result, done.line) == (Result.QUOTA, PAGE + 20)
    assert bench.failures == [(1, PAGE + 7)] and bench.counts() == [1, 0]
    assert status(bench, PAGE + 7) == Status(True, True, 1)


# Reset


@GEOMETRIES
def test_reset_takes_locks_and_contents(config: LlcConfig):
    """In the middle of traffic and of operations: unlocked, invalid, and everything works again. threat: C19"""
    bench, rng = bench_of(config, ROUGH), Random(9)
    line = in_set(config, 0, 1)[0]
    for turn in range(12):
        bench.lock(1, line)
        bench.write(line, DATA)
        bench.start(rng.choice(list(Op)), rng.randrange(3), line, rng.choice(list(Scope)))
        for access in [*flood(config, 0), *flood(config, 1, port=0)]:
            bench.queues[access.port].append(access)
        bench.idle(rng.randrange(60))
        bench.reset()
        assert status(bench, line) == ABSENT, f"turn {turn}"
        assert bench.counts() == [0] * config.domains and bench.quota == [0] * config.domains
        assert bench.read(line).answer == bench.memory[line]


# Beside requests


@pytest.mark.parametrize("scope", (Scope.LINE, Scope.ALL))
@pytest.mark.parametrize("op", (Op.CLEAN, Op.FLUSH, Op.DISCARD))
def test_an_older_write_back_of_a_line_is_waited_for(op: Op, scope: Scope):
    """Rule 19: a line that was written again, whole, while memory has not answered what it was before."""
    bench = bench_of(SMALL, Pace(read=(5, 5), write=(150, 150)))
    bench.write(FIRST, bytes(64))
    again = Access(FIRST, DATA)
    bench.queues[0].extend(Access(line) for line in in_set(SMALL, 0, 4, 1))
    bench.queues[0].append(again)
    while again.answered < 0:
        bench.step()
    assert bench.writes, "the older write-back is answered already"
    bench.start(op, 0, FIRST, scope)
    bench.settle()
    assert bench.done.pop().result is Result.DONE
    assert [data for line, data in bench.written if line == FIRST] == [bytes(64), *([DATA] * (op is not Op.DISCARD))]
    assert bench.read(FIRST).answer == (bytes(64) if op is Op.DISCARD else DATA)


def test_requests_to_the_set_of_a_line_that_is_written_back():
    """Rule 9: a line that an operation holds is nobody's victim, though it was used longest ago."""
    bench = bench_of(SMALL, Pace(read=(5, 5), write=(120, 120)))
    line, *others = in_set(SMALL, 0, 4)
    bench.write(line, DATA)
    bench.do(Access(other) for other in others)
    bench.start(Op.CLEAN, 0, line)
    while not bench.writes:
        bench.step()
    missing = [Access(other, port=1) for other in in_set(SMALL, 0, 3, 4)]
    bench.queues[1].extend(missing)
    while any(access.answered < 0 for access in missing):
        bench.step()
    assert bench.writes and bench.running is not None, "memory has answered already"
    bench.settle()
    assert bench.done.pop().result is Result.DONE and bench.read(line).hit
