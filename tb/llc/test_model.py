# SPDX-License-Identifier: Apache-2.0
"""The reference model of the last-level cache against the contract (docs/llc.md), rule by rule."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tb.models.llc import Answer, Llc, NotAllowed, Request
from tb.models.llc_operations import Action, Op, Result, Scope, Status, refusal
from tb.models.llc_sets import ZEROS, CacheSet, Shape, Tree, circular

from .schedule import SHAPES, Schedule

ONE_SET = Shape(ways=4, sets=1, mshrs=4)
OLD, NEW = bytes(range(64)), bytes(range(100, 164))


def load(model: Llc, line: int, data: bytes | None = None, draw: int = 0) -> Answer:
    """Carry out one request to its end, alone; memory answers at once."""
    request = Request(line, data)
    if not model.accept(request):
        victim = model.reserve(line, draw).victim
        if victim in model.writing:
            model.written(victim)
        if not request.whole:
            model.fetch(line)
        model.put_in(line)
    return model.serve(request)


def operate(model: Llc, op: Op, domain: int, line: int, scope: Scope = Scope.LINE) -> tuple[Result, int | None]:
    """Carry out an operation to its end, alone."""
    result = model.begin(op, scope, domain, 64 * line)
    if result is not None:
        return result, None
    operation = model.operation
    assert operation is not None
    lines = [way.line for way in model.ways() if way.line is not None] if scope is Scope.ALL else operation.left
    while lines:
        line = lines[0]
        visit = model.visit(line)
        if visit.action is Action.FETCH:
            model.reserve(line, lock=True)
            model.fetch(line)
            model.put_in(line)
            model.visit(line)
        if visit.action is Action.WRITE:
            model.written(line)
            model.let_go(line)
        lines = lines[1:] if scope is Scope.ALL else operation.left
    result, line_refused, _ = model.finish()
    return result, line_refused


# Victims


@pytest.mark.parametrize("ways", (2, 4, 8, 16))
def test_plru_visits_every_way(ways: int):
    """Touching each victim in turn leads through all ways: ways/2 in the other half first."""
    tree = Tree(ways)
    seen = []
    for _ in range(ways):
        seen.append(tree.victim(range(ways)))
        tree.touch(seen[-1])
    assert sorted(seen) == list(range(ways))
    assert seen[:2] == [0, ways // 2]


def test_plru_of_four_ways():
    """Every path, by hand: root, then left and right pair."""
    tree = Tree(4)
    for touched, victim in ((0, 2), (2, 1), (1, 3), (3, 0), (0, 2), (1, 2), (3, 0)):
        tree.touch(touched)
        assert tree.victim(range(4)) == victim


@pytest.mark.parametrize("candidates", [set(c) for n in range(16) if (c := [w for w in range(4) if n >> w & 1])])
def test_plru_turns_only_where_it_must(candidates: set[int]):
    """The victim is a candidate; among the ways where both ways hold candidates the bit decides."""
    for bits in product((0, 1), repeat=3):
        tree = Tree(4)
        tree.bits = [0, *bits]
        pair = {0, 1} if bits[0] == 0 else {2, 3}
        pair = pair if pair & candidates else {0, 1, 2, 3} - pair
        low = min(pair)
        wanted = low + bits[1 + low // 2]
        assert tree.victim(candidates) == (wanted if wanted in candidates else low + 1 - bits[1 + low // 2])


def test_random_victim_is_the_first_candidate_at_or_after_the_draw():
    assert [circular(draw, {1, 6}, 8) for draw in range(10)] == [1, 1, 6, 6, 6, 6, 6, 1, 1, 1]


def test_invalid_ways_first():
    """Rule 9: the lowest invalid way that is not reserved, whatever replacement says."""
    at = CacheSet(ONE_SET)
    for number, line in ((0, 10), (2, 12)):
        at.ways[number].line = line
    at.ways[1].reserved = True
    assert at.victim(0) == 3
    at.ways[3].reserved = True
    assert at.victim(0) == 0
    at.ways[0].owner = 1
    assert at.victim(0) == 2
    at.ways[2].owner = 1
    assert at.victim(0) is None


# Contents


def test_read_and_write():
    """Rules 2 to 4: data of memory, of a part, of a whole line that is not fetched."""
    model = Llc(ONE_SET, {5: OLD})
    assert load(model, 5) == Answer(OLD)
    part = Request(5, NEW, 0xFF)
    assert model.accept(part)
    assert model.serve(part) == Answer(ZEROS)
    assert load(model, 5).data == NEW[:8] + OLD[8:]
    whole = Request(6, NEW)
    assert not model.accept(whole)
    model.reserve(6)
    with pytest.raises(NotAllowed, match="nobody asked"):
        model.fetch(6)
    model.put_in(6)
    model.serve(whole)
    assert load(model, 6).data == NEW and model.dram == {5: OLD}
    model.check({5: OLD})


def test_requests_that_need_no_line():
    """Rule 2: a write of nothing, and a line outside of the cacheable range, whatever else is under way."""
    model = Llc(Shape(ways=4, sets=1, cacheable=lambda line: line < 8))
    model.accept(Request(1))
    nothing, outside = Request(1, NEW, 0), Request(8)
    assert model.accept(nothing) and model.accept(outside)
    assert model.serve(nothing) == Answer(ZEROS)
    assert model.serve(outside) == Answer(ZEROS, True)
    with pytest.raises(NotAllowed, match="nobody waits"):
        model.reserve(8)


def test_victim_is_written_back_before_it_is_fetched_again():
    """Rule 7."""
    model = Llc(ONE_SET)
    for line in range(4):
        load(model, line, OLD)
    assert model.accept(again := Request(4)) is False
    assert model.reserve(4).victim == 0
    assert not model.accept(Request(0))
    model.reserve(0)
    with pytest.raises(NotAllowed, match="before its write-back"):
        model.fetch(0)
    model.written(0)
    model.fetch(0)
    model.fetch(4)
    model.put_in(4)
    assert model.serve(again) == Answer(ZEROS) and model.dram == {0: OLD}


def test_requests_to_a_line_keep_their_order():
    """Rule 4."""
    model = Llc(ONE_SET)
    requests = [Request(1, OLD, 1), Request(1), Request(1, NEW)]
    assert [model.accept(request) for request in requests] == [False] * 3
    model.reserve(1)
    with pytest.raises(NotAllowed, match="under way already"):
        model.reserve(1)
    model.fetch(1)
    model.put_in(1)
    with pytest.raises(NotAllowed, match="overtook"):
        model.serve(requests[1])
    assert [model.serve(request) for request in requests] == [Answer(ZEROS)] * 3
    assert load(model, 1).data == NEW


def test_failed_fetch():
    """Rule 5: an error and zeros, nothing merged, the way invalid, the next request fetches again."""
    model = Llc(ONE_SET, {1: OLD})
    first, second = Request(1, NEW, 0xFF), Request(1)
    model.accept(first)
    model.accept(second)
    model.reserve(1)
    model.fetch(1)
    model.put_in(1, error=True)
    assert model.serve(first) == Answer(ZEROS, True)
    assert model.way_of(1) is None and model.set_of(1).empty() == [0, 1, 2, 3]
    model.reserve(1)
    model.fetch(1)
    model.put_in(1)
    assert model.serve(second) == Answer(OLD)
    model.check()


def test_lost_write_back():
    """Rule 6."""
    model = Llc(ONE_SET, {0: OLD})
    load(model, 0, NEW)
    for line in range(1, 4):
        load(model, line)
    model.accept(Request(9))
    model.reserve(9)
    model.written(0, error=True)
    assert model.lost == [0] and model.flat[0] == OLD
    model.check({0: OLD})


# Locks


def test_locks_of_a_set_and_of_a_domain():
    """Rules 14 and 16, with what is left for others."""
    model = Llc(ONE_SET)
    model.quota = {1: 1, 2: 9}
    assert operate(model, Op.LOCK, 1, 0) == (Result.DONE, None)
    assert operate(model, Op.LOCK, 1, 1) == (Result.QUOTA, 1)
    assert operate(model, Op.LOCK, 2, 0) == (Result.OTHER_OWNER, 0)
    assert operate(model, Op.LOCK, 2, 1) == (Result.DONE, None)
    assert operate(model, Op.LOCK, 2, 2) == (Result.SET_FULL, 2)
    assert operate(model, Op.LOCK, 2, 1) == (Result.DONE, None)
    assert operate(model, Op.LOCK, 3, 5) == (Result.QUOTA, 5)
    for line in range(10, 30):
        load(model, line, OLD)
        assert model.ready(Request(0)) and model.ready(Request(1))
    model.check()


def test_locked_hits_leave_no_trace():
    """Rule 15: the victims after any hits on locked lines are the same."""
    victims = []
    for hits in ((0, 1, 0), (1, 1, 1), ()):
        model = Llc(Shape(ways=8, sets=1))
        model.quota = {1: 2}
        for line in (0, 1):
            operate(model, Op.LOCK, 1, line)
        for line in range(10, 16):
            load(model, line)
        for line in hits:
            load(model, line, OLD)
        seen = []
        for line in range(20, 30):
            model.accept(request := Request(line))
            seen.append(model.reserve(line).way)
            model.fetch(line)
            model.put_in(line)
            model.serve(request)
        victims.append(seen)
    assert victims[0] == victims[1] == victims[2]
    assert set(victims[0]) == set(range(2, 8))


LOCKED_TABLE = {
    Op.UNLOCK: (Result.DONE, False, True),
    Op.CLEAN: (Result.DONE, True, True),
    Op.FLUSH: (Result.DONE, False, True),
    Op.DISCARD: (Result.DONE, False, False),
    Op.LOCK: (Result.DONE, True, False),
}
"""For a line of one's own: result, whether it stays locked, whether it is written back."""


@pytest.mark.parametrize("op", LOCKED_TABLE)
@pytest.mark.parametrize("owner", (True, False))
def test_operations_on_a_locked_line(op: Op, owner: bool):
    """The table's second and third columns (rules 13 and 17)."""
    model = Llc(ONE_SET, {0: OLD})
    model.quota = {1: 1, 2: 1}
    operate(model, Op.LOCK, 1, 0)
    load(model, 0, NEW)
    result, stays, written = LOCKED_TABLE[op]
    if not owner:
        result, stays, written = Result.OTHER_OWNER if op in (Op.LOCK, Op.UNLOCK) else Result.DONE, True, False
    assert operate(model, op, 1 if owner else 2, 0)[0] is result
    assert model.locked(1) == stays and (model.way_of(0) is not None) == stays
    assert model.dram[0] == (NEW if written else OLD)
    assert model.flat[0] == (OLD if op is Op.DISCARD and owner else NEW)
    model.check()


@pytest.mark.parametrize(
    "op, dirty, result, stays",
    [
        (Op.UNLOCK, True, Result.NOT_LOCKED, True),
        (Op.CLEAN, True, Result.DONE, True),
        (Op.CLEAN, False, Result.DONE, True),
        (Op.FLUSH, True, Result.DONE, False),
        (Op.FLUSH, False, Result.DONE, False),
        (Op.DISCARD, True, Result.DONE, False),
    ],
)
@pytest.mark.parametrize("domain", (0, 1))
def test_operations_on_an_unlocked_line(op: Op, dirty: bool, result: Result, stays: bool, domain: int):
    """The table's first column."""
    if op is Op.UNLOCK and domain == 0:
        assert refusal(ONE_SET, op, Scope.LINE, domain, 0) is Result.BAD_DOMAIN
        return
    model = Llc(ONE_SET, {0: OLD})
    load(model, 0, NEW if dirty else None)
    assert operate(model, op, domain, 0)[0] is result
    way = model.way_of(0)
    assert (way is not None) == stays
    assert model.dram[0] == (NEW if dirty and op in (Op.CLEAN, Op.FLUSH) else OLD)
    if way is not None:
        assert way.dirty == (dirty and op is Op.UNLOCK)
    model.check()


def test_status():
    model = Llc(ONE_SET)
    model.quota = {1: 1}
    operate(model, Op.LOCK, 1, 3)
    load(model, 4)
    for line, told in ((3, Status(True, True, 1)), (4, Status(True, False, 0)), (5, Status(False, False, 0))):
        model.begin(Op.STATUS, Scope.LINE, 0, 64 * line)
        model.visit(line)
        assert model.finish() == (Result.DONE, None, told)


def test_page_is_locked_all_or_nothing():
    """Rule 20: what was locked before stays, what this operation locked is written back and gone."""
    model = Llc(Shape(ways=4, sets=64))
    model.quota = {1: 64}
    operate(model, Op.LOCK, 1, 2)
    load(model, 0, NEW)
    model.quota = {1: 10}
    assert operate(model, Op.LOCK, 1, 0, Scope.PAGE) == (Result.QUOTA, 10)
    assert model.locked(1) == 1 and model.way_of(2) is not None and model.way_of(0) is None
    assert model.dram[0] == NEW
    model.quota = {1: 64}
    assert operate(model, Op.LOCK, 1, 0, Scope.PAGE) == (Result.DONE, None)
    assert model.locked(1) == 64
    assert operate(model, Op.UNLOCK, 2, 0, Scope.PAGE) == (Result.OTHER_OWNER, 0)
    assert operate(model, Op.UNLOCK, 2, 0, Scope.ALL) == (Result.DONE, None)
    assert operate(model, Op.FLUSH, 0, 0, Scope.ALL) == (Result.DONE, None)
    assert model.locked(1) == 64
    assert operate(model, Op.UNLOCK, 1, 0, Scope.ALL) == (Result.DONE, None)
    assert model.locked(1) == 0
    assert operate(model, Op.UNLOCK, 1, 0, Scope.PAGE) == (Result.NOT_LOCKED, None)
    model.check()


@pytest.mark.parametrize(
    "op, scope, domain, addr, result",
    [
        (0, 0, 1, 0, Result.BAD_COMMAND),
        (7, 0, 1, 0, Result.BAD_COMMAND),
        (Op.LOCK, Scope.ALL, 1, 0, Result.BAD_COMMAND),
        (Op.STATUS, Scope.PAGE, 1, 0, Result.BAD_COMMAND),
        (Op.CLEAN, 3, 1, 0, Result.BAD_COMMAND),
        (Op.LOCK, Scope.LINE, 0, 0, Result.BAD_DOMAIN),
        (Op.UNLOCK, Scope.ALL, 0, 0, Result.BAD_DOMAIN),
        (Op.CLEAN, Scope.LINE, 4, 0, Result.BAD_DOMAIN),
        (Op.LOCK, Scope.LINE, 1, 32, Result.BAD_ADDRESS),
        (Op.LOCK, Scope.PAGE, 1, 64, Result.BAD_ADDRESS),
        (Op.FLUSH, Scope.LINE, 0, 64 * 128, Result.BAD_ADDRESS),
        (Op.LOCK, Scope.PAGE, 1, 0, Result.TOO_LARGE),
        (Op.CLEAN, Scope.ALL, 0, 7, None),
        (Op.CLEAN, Scope.PAGE, 0, 4096, None),
        (Op.STATUS, Scope.LINE, 0, 64 * 127, None),
    ],
)
def test_refusals(op: int, scope: int, domain: int, addr: int, result: Result | None):
    """Rule 21."""
    shape = Shape(ways=4, sets=16, cacheable=lambda line: line < 128)
    assert refusal(shape, op, scope, domain, addr) is result


def test_operation_waits_for_a_line_under_way_and_requests_for_the_operation():
    """Rule 19."""
    model = Llc(ONE_SET)
    request = Request(0, NEW, 1)
    model.accept(request)
    model.reserve(0)
    model.begin(Op.FLUSH, Scope.LINE, 0, 0)
    with pytest.raises(NotAllowed, match="under way"):
        model.visit(0)
    model.fetch(0)
    model.put_in(0)
    model.serve(request)
    assert model.visit(0).action is Action.WRITE
    late = Request(0)
    assert not model.accept(late)
    with pytest.raises(NotAllowed, match="holds"):
        model.serve(late)
    with pytest.raises(NotAllowed, match="before its work"):
        model.finish()
    model.written(0)
    with pytest.raises(NotAllowed, match="before its work"):
        model.finish()
    model.let_go(0)
    assert model.finish()[0] is Result.DONE
    model.reserve(0)
    model.fetch(0)
    model.put_in(0)
    assert model.serve(late).data == NEW[:1] + bytes(63)


# Any order


@given(st.sampled_from(SHAPES), st.integers(0, 2**32))
def test_no_write_is_lost_in_any_order(shape: Shape, seed: int):
    """Each read gives what was written before it was accepted; memory and dirty lines together are everything."""
    run = Schedule(shape, seed)
    run.run(150)
    for tag, expected in run.expected.items():
        assert run.answers[tag] == Answer(expected)
    for line, data in run.oracle.items():
        assert run.model.value(line) == data


@given(st.sampled_from(SHAPES), st.integers(0, 2**32))
def test_rules_hold_with_errors_and_discards(shape: Shape, seed: int):
    """Memory that fails, lines that are thrown away: still the rules of locks hold, and all requests are answered."""
    run = Schedule(shape, seed, errors=0.2)
    run.run(150, discard=True)


def test_schedules_reach_everything():
    """The random runs above are not idle: every operation ends well, and each refusal at a line occurs."""
    ends: set[tuple[Op, Result]] = set()
    for seed in range(100):
        run = Schedule(Shape(ways=4, sets=1, mshrs=3), seed, errors=0.05)
        run.run(150, discard=True)
        ends |= {(op, result) for op, result, _ in run.ends}
    assert {op for op, result in ends if result is Result.DONE} == set(Op)
    assert {result for _, result in ends} >= set(Result) - {
        Result.BAD_COMMAND, Result.BAD_DOMAIN, Result.BAD_ADDRESS, Result.TOO_LARGE
    }  # fmt: skip
