# SPDX-License-Identifier: Apache-2.0
"""The physical attacker does to DRAM what programs ask for, and nothing else."""

from collections.abc import Iterator

import pytest

from yingzhou.errors import ConfigError
from yingzhou.soc.memory_map import DRAM_BASE, PAGE_BYTES
from yingzhou_sim.attacker import Attacker, AttackOp, pattern
from yingzhou_sim.machine import Event, Machine

AT = DRAM_BASE + 0x10_0000


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Return a machine whose program never runs: only its DRAM is used."""
    with Machine() as made:
        yield made


@pytest.fixture
def attacker(machine: Machine) -> Attacker:
    machine.poke(AT, bytes(2 * PAGE_BYTES))
    return Attacker(machine)


def ask(attacker: Attacker, op: int, *args: int) -> None:
    """Have the attacker handle an event as a program would cause it."""
    attacker.handle(Event(0, 5, (op, *args, *[0] * (3 - len(args)))))  # type: ignore[arg-type]


def test_one_bit(machine: Machine, attacker: Attacker):
    """Bits are counted from bit 0 of the addressed byte, over its line."""
    ask(attacker, AttackOp.FLIP, AT, 13)
    assert machine.peek(AT, 4) == b"\x00\x20\x00\x00"
    ask(attacker, AttackOp.FLIP, AT, 13)
    assert machine.peek(AT, 4) == bytes(4)


def test_copies_overlap(machine: Machine, attacker: Attacker):
    """What is copied is what was there before."""
    machine.poke(AT, bytes(range(64)))
    ask(attacker, AttackOp.SPLICE, AT, AT + 16, 64)
    assert machine.peek(AT, 80) == bytes(range(16)) + bytes(range(64))


def test_old_contents_come_back(machine: Machine, attacker: Attacker):
    """Also zeros of pages that nobody had written, but not beyond the range."""
    fresh = DRAM_BASE + 0x700_0000
    machine.poke(AT, b"old")
    ask(attacker, AttackOp.SNAPSHOT, 3, AT, PAGE_BYTES)
    ask(attacker, AttackOp.SNAPSHOT, 4, fresh, PAGE_BYTES)
    machine.poke(AT, b"new")
    machine.poke(AT + PAGE_BYTES, b"new")
    machine.poke(fresh, b"new")
    ask(attacker, AttackOp.REPLAY, 3)
    ask(attacker, AttackOp.REPLAY, 4)
    assert machine.peek(AT, 3) == b"old" and machine.peek(AT + PAGE_BYTES, 3) == b"new"
    assert machine.peek(fresh, 3) == bytes(3)


def test_search(machine: Machine, attacker: Attacker):
    """A secret in DRAM is found; one that should be there and is not, too."""
    machine.poke(AT + 100, pattern(77, 6))
    ask(attacker, AttackOp.PRESENT, 77, 6)
    ask(attacker, AttackOp.ABSENT, 78, 6)
    assert attacker.findings == []
    ask(attacker, AttackOp.ABSENT, 77, 6)
    ask(attacker, AttackOp.PRESENT, 78, 6)
    assert len(attacker.findings) == 2 and hex(AT + 100) in attacker.findings[0]


@pytest.mark.parametrize(
    "event",
    [(AttackOp.REPLAY, 9), (AttackOp.FLIP, 0, 0), (AttackOp.FILL, AT, 1 << 31, 0), (AttackOp.FAULT, 4, 4), (99, 0)],
)
def test_impossible_attacks_fail_the_scenario(attacker: Attacker, event: tuple[int, ...]):
    """Slots that were never filled, addresses outside DRAM, attacks that do not exist."""
    ask(attacker, *event)
    assert len(attacker.findings) == 1


def test_faults_are_of_dram(machine: Machine):
    """The range that answers errors lies in DRAM, or is empty."""
    machine.break_dram(AT, 64)
    machine.break_dram(0, 0)
    with pytest.raises(ConfigError, match="0x4"):
        machine.break_dram(4, 64)
