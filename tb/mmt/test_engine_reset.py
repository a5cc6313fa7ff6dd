# SPDX-License-Identifier: Apache-2.0
"""A reset, or a loss of power, at any beat: memory keeps what it has, and the engine begins with nothing.

threat: M13 M33 M34
"""

import pytest

from tb.bus.bursts import line_read, line_write
from tb.models.mmt_layout import ROOT

from .bench import DENIED, Bench, Op
from .geometries import SMALL
from .library import FAST, ROUGH
from .test_engine_integrity import FIRST, LINES, A, B, filled
from .test_engine_limits import ARITY, MINOR_MAX

REGRESS = pytest.mark.regress
BEATS = [
    pytest.param(range(3, 240, 24), id="some"),
    pytest.param(range(1, 400), id="every", marks=REGRESS),
]
COMMANDS = (Op.NOP, Op.FLUSH_ALL, Op.UNMOUNT, Op.FREE)


def busy(bench: Bench, op: Op) -> None:
    """Have much under way: writes, reads, on-demand mounts and a command."""
    bench.taint(A)
    traffic(bench)
    if op is not Op.NOP:
        bench.start_command(op, A)


def traffic(bench: Bench) -> None:
    """Queue writes to A, the first of a line whose neighbours follow, and reads from B."""
    for i in range(12):
        bench.issue(
            line_write(i % 4, bench.addr(FIRST + 5 * i), bench.rng.randbytes(64), 0xFF if i % 3 == 0 else 2**64 - 1)
        )
        bench.issue(line_read(i % 4, bench.addr(B * LINES + i)))


def begin_again(bench: Bench) -> None:
    """After a reset: nothing of before is served, everything is new, and nobody raises an alarm."""
    bench.reset()
    bench.start()
    for number in (A, B):
        assert not bench.read(number * LINES).ok, "a subtree of before is served"
        denied = bench.record(DENIED)
        assert denied is not None and denied.kind == "NOT_ALLOCATED"
    bench.alloc((A, B))
    for line in (0, 1, 17, LINES - 1):
        for number in (A, B):
            result = bench.read(number * LINES + line)
            assert result.ok and not any(map(any, result.data)), "something of before can be read"
    for line in (0, 17):
        assert bench.write(FIRST + line, bench.rng.randbytes(64), 0xFFFF).ok
    bench.expect(Op.UNMOUNT, A)
    assert bench.read(FIRST).ok and bench.read(FIRST + 17).ok
    bench.flush_all()
    assert bench.failure() is None


@pytest.mark.parametrize("op", COMMANDS, ids=lambda op: op.name)
@pytest.mark.parametrize("beats", BEATS)
def test_at_any_beat(beats: range, op: Op):
    bench = filled()
    for number, beat in enumerate(beats):
        if number % 2:
            bench.engine.configure(ROUGH)
        busy(bench, op)
        bench.run(cycles=20_000, beats=beat)
        begin_again(bench)


def rewriting(bench: Bench) -> bool:
    """Return whether memory has some but not all lines of A's first leaf under its next major."""
    return bool(bench.model.tree(A).node(1, 0).left)


@pytest.mark.parametrize("op", (Op.NOP, Op.UNMOUNT), ids=lambda op: op.name)
@pytest.mark.parametrize("beats", BEATS)
def test_in_a_re_encryption(beats: range, op: Op):
    """A reset while a leaf overflows, at beats counted from the first line that has moved. threat: M12 M13"""
    bench = filled()
    inside = 0
    for number, beat in enumerate(beats):
        bench.engine.configure(ROUGH if number % 2 else FAST)
        bench.age(A, 1, 0, [MINOR_MAX] * ARITY)
        traffic(bench)
        if op is not Op.NOP:
            bench.start_command(op, A)
        for _ in range(4000):
            bench.run(cycles=200, beats=1)
            if rewriting(bench):
                break
        else:
            pytest.fail("no line of the leaf has moved")
        bench.run(cycles=20_000, beats=beat)
        inside += rewriting(bench)
        begin_again(bench)
        bench.expect(Op.UNMOUNT, A)
        bench.flush_all()
    assert inside >= 3, f"only {inside} of {len(beats)} resets fell into a re-encryption"


def test_in_the_middle_of_the_start():
    """A reset while keys are loaded and the self-test runs."""
    bench = filled()
    for cycles in range(0, 700, 35):
        bench.reset()
        bench.run(cycles=cycles)
    begin_again(bench)


def test_an_image_of_before_the_reset():
    """All of an older memory is put back after a reset, under the new keys: it is never read. threat: M05"""
    bench = filled()
    old = bench.snapshot()
    begin_again(bench)
    bench.restore(old)
    bench.suspect |= {A, B, ROOT}
    for number in (A, B):
        bench.command(Op.UNMOUNT, number)
    assert not bench.read(FIRST).ok
    # Nothing was written to B since: should it be served, then as zeros, whatever is there.
    assert not any(map(any, bench.read(B * LINES).data))
    assert bench.record(0x40) is not None


def test_no_entropy():
    """Without random words there is no engine."""
    bench = Bench(SMALL, start=False)
    bench.reset(offer=False)
    bench.run(cycles=3000)
    assert bench.read_register(0x14) & 3 == 0
    bench.everything = True
    assert not bench.read(FIRST).ok
