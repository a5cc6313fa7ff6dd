# SPDX-License-Identifier: Apache-2.0
"""The checkers of the environment find what is wrong, and only that; without a simulator."""

import re
from random import Random

import pytest

from tb.models.llc_operations import Op, Result, Scope
from tb.uvm.harness import PORTS

from .contents import FULL, LINE, Contents, Version
from .locks import Command, Locks, shape_of
from .plan import points
from .probe import probes, verilog, widths
from .test_uvm import CONFIG, SMALL

OLD, NEW, NEXT = b"a" * LINE, b"b" * LINE, b"c" * LINE
PLACE = 0x1_0000 // 64
FAULTY = PLACE + 3


def contents() -> Contents:
    return Contents(lambda line: OLD)


def write(known: Contents, data: bytes, mask: int = FULL, sure: bool = True) -> None:
    """Write, alone."""
    known.cycle += 1
    version = known.begin(PLACE, mask, data)
    known.cycle += 5
    known.end(PLACE, version, sure)


def may_read(known: Contents, data: bytes, begin: int | None = None) -> bool:
    """Return whether a read that began in a cycle, or in the next one, may end now with this."""
    known.cycle += 1
    try:
        known.check(PLACE, data, FULL, known.cycle if begin is None else begin)
    except AssertionError:
        return False
    return True


def test_a_line_holds_what_was_written_last():
    known = contents()
    assert may_read(known, OLD) and not may_read(known, NEW)
    write(known, NEW)
    assert may_read(known, NEW) and not may_read(known, OLD)
    write(known, NEXT, 0xFF)
    assert may_read(known, NEXT[:8] + NEW[8:])
    assert not may_read(known, NEW) and not may_read(known, NEXT)


def test_what_is_under_way_may_be_seen_or_not():
    known = contents()
    known.begin_read(PLACE)
    begin = known.cycle = 3
    version = known.begin(PLACE, FULL, NEW)
    assert may_read(known, OLD, begin) and may_read(known, NEW, begin)
    known.end(PLACE, version, True)
    # The read began before the write had ended, the next one did not.
    assert may_read(known, OLD, begin) and may_read(known, NEW, begin)
    assert may_read(known, NEW) and not may_read(known, OLD)
    known.end_read(PLACE)
    assert may_read(known, NEW) and not may_read(known, OLD)


def test_of_two_writes_at_once_either_is_the_last():
    known = contents()
    versions: list[Version] = [known.begin(PLACE, FULL, data) for data in (NEW, NEXT)]
    known.cycle = 9
    for version in versions:
        known.end(PLACE, version, True)
    assert may_read(known, NEW) and may_read(known, NEXT) and not may_read(known, OLD)


def test_a_write_that_was_refused_may_have_happened():
    known = contents()
    write(known, NEW, sure=False)
    assert may_read(known, NEW) and may_read(known, OLD) and not may_read(known, NEXT)


def test_a_line_that_is_written_back_held_that():
    """Also a while ago: it may have been written again meanwhile. What nobody wrote is found."""
    known = contents()
    write(known, NEW)
    write(known, NEXT)
    known.check_written(PLACE, NEXT)
    known.check_written(PLACE, NEW)
    with pytest.raises(AssertionError, match="byte 63"):
        known.check_written(PLACE, NEXT[:63] + b"z")


def test_what_memory_does_not_have_at_the_end_is_found():
    known = contents()
    write(known, OLD)
    known.check_flushed()
    write(known, NEW)
    with pytest.raises(AssertionError):
        known.check_flushed()


def locks(quota: int = 64) -> Locks:
    """Return locks of two domains; memory refuses writes of ``FAULTY``."""
    known = Locks(shape_of(CONFIG), CONFIG.lines, lambda line, write: line == FAULTY and write)
    known.quota = {1: quota, 2: quota}
    return known


def end(
    known: Locks, op: Op, domain: int, line: int, result: Result, at: int = 0, scope: Scope = Scope.LINE, still=()
) -> bool:
    """Return whether an operation may end so."""
    before = dict(known.owner)
    try:
        known.end(Command(op, scope, domain, 64 * line), result, at, lambda line: line in still)
    except AssertionError:
        known.owner = before
        return False
    return True


def test_locks_of_lines():
    known = locks(2)
    column = [PLACE + CONFIG.sets * n for n in range(4)]
    assert end(known, Op.LOCK, 1, PLACE, Result.DONE) and known.owner == {PLACE: 1}
    assert not end(known, Op.LOCK, 2, PLACE, Result.DONE), "a lock was taken away"
    assert not end(known, Op.LOCK, 2, PLACE, Result.OTHER_OWNER), "it does not say where"
    assert end(known, Op.LOCK, 2, PLACE, Result.OTHER_OWNER, PLACE)
    assert not end(known, Op.UNLOCK, 2, PLACE, Result.DONE)
    assert end(known, Op.LOCK, 2, column[1], Result.DONE)
    assert not end(known, Op.LOCK, 1, column[2], Result.DONE), "LLC.LOCK_QUOTA: three ways of four"
    assert end(known, Op.LOCK, 1, column[2], Result.SET_FULL, column[2])
    assert end(known, Op.LOCK, 1, PLACE + 1, Result.DONE)
    assert not end(known, Op.LOCK, 1, PLACE + 2, Result.DONE), "LLC.LOCK_QUOTA: three lines of two"
    assert end(known, Op.LOCK, 1, PLACE + 2, Result.QUOTA, PLACE + 2)
    assert not end(known, Op.LOCK, 2, PLACE + 2, Result.MEMORY_ERROR, PLACE + 2), "memory refuses nothing there"
    assert end(known, Op.UNLOCK, 1, PLACE, Result.DONE)
    assert end(known, Op.UNLOCK, 1, PLACE, Result.NOT_LOCKED) and not end(known, Op.UNLOCK, 1, PLACE, Result.DONE)
    assert end(known, Op.FLUSH, 1, column[1], Result.DONE) and column[1] in known.owner, "LLC.LOCK_MAINTAIN"
    assert end(known, Op.DISCARD, 2, column[1], Result.DONE) and known.owner == {PLACE + 1: 1}


def test_locks_that_memory_refuses_to_give_up():
    known = locks()
    assert end(known, Op.LOCK, 1, FAULTY, Result.DONE) and end(known, Op.LOCK, 1, PLACE, Result.DONE)
    for op in (Op.UNLOCK, Op.CLEAN, Op.FLUSH):
        assert not end(known, op, 1, FAULTY, Result.DONE)
        assert end(known, op, 1, FAULTY, Result.MEMORY_ERROR, FAULTY) and known.owner[FAULTY] == 1
    assert end(known, Op.UNLOCK, 1, 0, Result.MEMORY_ERROR, FAULTY, Scope.ALL, still=(FAULTY, PLACE))
    assert known.owner == {PLACE: 1, FAULTY: 1}
    assert end(known, Op.UNLOCK, 1, 0, Result.MEMORY_ERROR, FAULTY, Scope.ALL) and known.owner == {FAULTY: 1}


def test_locks_of_pages():
    """All or nothing; what cannot be written back on the way back stays locked."""
    known = locks(10)
    assert not end(known, Op.LOCK, 1, PLACE, Result.DONE, scope=Scope.PAGE)
    assert end(known, Op.LOCK, 1, PLACE, Result.QUOTA, PLACE + 10, Scope.PAGE) and known.owner == {FAULTY: 1}
    known.quota[1] = 64
    assert end(known, Op.LOCK, 1, PLACE, Result.DONE, scope=Scope.PAGE) and known.count(1) == 64
    assert end(known, Op.UNLOCK, 2, PLACE, Result.OTHER_OWNER, PLACE, Scope.PAGE)
    assert end(known, Op.UNLOCK, 1, PLACE, Result.MEMORY_ERROR, FAULTY, Scope.PAGE) and known.count(1) == 61


@pytest.mark.parametrize("config", (CONFIG, SMALL), ids=("pages", "small"))
def test_the_shell_connects_every_port(config):
    """Each port of the block once, and every probe; each point of the plan has a name of its own."""
    text = verilog(config)
    connected = re.findall(r"^ +\.(\w+)\(", text, re.M)
    assert sorted(connected) == sorted(["clk", "rst", *widths(config), *probes(config)])
    assert all(f"output [{11 if port == 'm_axi' else 10}:0] {port}_handshakes" in text for port in PORTS)
    names = points(config)
    assert len(names) == len(set(names))


def test_random_reads_of_a_real_line_pass():
    """Accesses to one line in some order, each at a moment between its begin and its end: never found wrong."""
    for seed in range(30):
        rng, known, line = Random(seed), contents(), bytearray(OLD)
        under_way: list[tuple[int, Version | None, bytes | None]] = []
        for _ in range(80):
            known.cycle += rng.randrange(3)
            if rng.random() < 0.5 or not under_way:
                if rng.random() < 0.5:
                    data, mask = rng.randbytes(LINE), rng.choice((FULL, rng.getrandbits(LINE)))
                    version = known.begin(PLACE, mask, data)
                    under_way.append((known.cycle, version, None))
                    line[:] = bytes(n if mask >> i & 1 else o for i, (o, n) in enumerate(zip(line, data, strict=True)))
                else:
                    known.begin_read(PLACE)
                    under_way.append((known.cycle, None, bytes(line)))
                continue
            begin, version, seen = under_way.pop(rng.randrange(len(under_way)))
            if version is None:
                assert seen is not None
                known.check(PLACE, seen, FULL, begin)
                known.end_read(PLACE)
            else:
                known.end(PLACE, version, True)
