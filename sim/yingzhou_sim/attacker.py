# SPDX-License-Identifier: Apache-2.0
"""The physical attacker: what somebody with a probe on the memory bus and a hand on the power switch can do.

A program asks for an attack with the event ``YZ_EVENT_ATTACK`` (``sw/include/yz/abi.h``); it is made between two cycles
of the chip, and the program goes on. A Python test may call the same functions between two calls of ``Machine.run``.
Addresses are of the raw window, the only one that a bus probe knows.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from yingzhou.errors import require
from yingzhou.soc.memory_map import PAGE_BYTES

from .machine import Event, Machine

_LCG_FACTOR: Final = 1664525
_LCG_STEP: Final = 1013904223


class AttackOp(enum.IntEnum):
    """What an event asks for (``enum yz_attack``)."""

    FLIP = 1
    SPLICE = 2
    SNAPSHOT = 3
    REPLAY = 4
    FILL = 5
    ABSENT = 6
    PRESENT = 7
    RESET = 8
    FAULT = 9


@dataclass(frozen=True)
class Snapshot:
    """Contents of ``size`` bytes from ``address`` on, as the pages that were ever written: the others are zero."""

    address: int
    size: int
    pages: dict[int, bytes]


def pattern(seed: int, words: int) -> bytes:
    """Return what ``words`` steps of the programs' generator give, as bytes: x = x * 1664525 + 1013904223 modulo 2^32.

    A program writes it only where it must stay secret, so that finding it anywhere in DRAM means a leak.
    """
    out = bytearray()
    for _ in range(words):
        seed = (seed * _LCG_FACTOR + _LCG_STEP) & 0xFFFF_FFFF
        out += seed.to_bytes(4, "little")
    return bytes(out)


class Attacker:
    """Attacks on the DRAM of one machine.

    Parameters
    ----------
    machine : Machine
        The victim.
    reload : callable
        Puts the programs into DRAM again, as a boot loader does after each reset.
    """

    def __init__(self, machine: Machine, reload: Callable[[], None] = lambda: None):
        self._machine, self._reload = machine, reload
        self._slots: dict[int, Snapshot] = {}
        self.findings: list[str] = []
        """What was seen in DRAM that must not be there, or the other way round; whoever judges empties it."""

    def flip(self, address: int, bit: int) -> None:
        """Flip one bit, counted from bit 0 of the byte at ``address``."""
        require(0 <= bit < 8 * PAGE_BYTES, f"bit is {bit}; accepted are 0 to {8 * PAGE_BYTES - 1}")
        at = address + bit // 8
        self._machine.poke(at, bytes([self._machine.peek(at, 1)[0] ^ 1 << bit % 8]))

    def splice(self, source: int, destination: int, size: int) -> None:
        """Copy ``size`` bytes to another place; overlapping ranges are copied as they were."""
        self._machine.poke(destination, self._machine.peek(source, size))

    def fill(self, address: int, size: int, value: int) -> None:
        """Write ``size`` bytes of ``value``."""
        most = len(self._machine.dram_range)
        require(size <= most, f"size is {size}; accepted are 0 to {most}")
        self._machine.poke(address, bytes([value & 0xFF]) * size)

    def fault(self, address: int, size: int) -> None:
        """Make DRAM answer every access to ``size`` bytes with an error, and to no others; 0: to none."""
        self._machine.break_dram(address, size)

    def snapshot(self, address: int | None = None, size: int | None = None) -> Snapshot:
        """Keep what a range holds now; without a range all of DRAM."""
        machine = self._machine
        if address is None or size is None:
            address, size = machine.dram_range.start, len(machine.dram_range)
        parts = {}
        for page in machine.pages():
            low, high = max(page, address), min(page + PAGE_BYTES, address + size)
            if low < high:
                parts[low] = machine.peek(low, high - low)
        return Snapshot(address, size, parts)

    def replay(self, old: Snapshot, keep: int | None = None) -> None:
        """Write an old content back. The page at ``keep``, if any, stays as it is."""
        machine = self._machine
        for page in machine.pages():
            low, high = max(page, old.address), min(page + PAGE_BYTES, old.address + old.size)
            if low < high and page != keep:
                machine.poke(low, old.pages.get(low, bytes(high - low)))

    def find(self, what: bytes) -> list[int]:
        """Return the addresses of all places in DRAM that hold ``what`` (not over the end of a page)."""
        found = []
        for page in self._machine.pages():
            content = self._machine.peek(page, PAGE_BYTES)
            at = content.find(what)
            while at >= 0:
                found.append(page + at)
                at = content.find(what, at + 1)
        return found

    def reset(self, cycles: int = 0, old: Snapshot | None = None, keep: int | None = None) -> None:
        """Cut the power ``cycles`` from now, put an old image into DRAM, and switch the machine on again."""
        self._machine.run(cycles)
        if old:
            self.replay(old, keep)
        self._machine.reset()
        self._reload()

    def handle(self, event: Event) -> None:
        """Do what an event asks for; an impossible one is a finding."""
        op, a, b, c = event.args
        try:
            match op:
                case AttackOp.FLIP:
                    self.flip(a, b)
                case AttackOp.SPLICE:
                    self.splice(a, b, c)
                case AttackOp.SNAPSHOT:
                    self._slots[a] = self.snapshot(b, c) if c else self.snapshot()
                case AttackOp.REPLAY:
                    self.replay(self._slots[a])
                case AttackOp.FILL:
                    self.fill(a, b, c)
                case AttackOp.FAULT:
                    self.fault(a, b)
                case AttackOp.ABSENT | AttackOp.PRESENT:
                    self._search(op == AttackOp.PRESENT, a, b)
                case AttackOp.RESET:
                    self.reset(a, self._slots[b - 1] if b else None, c or None)
                case _:
                    self.findings.append(f"the program asked for attack {op}, which does not exist")
        except (ValueError, KeyError) as error:
            self.findings.append(f"the program asked for an impossible attack {event.args}: {error}")

    def _search(self, expected: bool, seed: int, words: int) -> None:
        found = self.find(pattern(seed, words))
        if expected and not found:
            self.findings.append(f"the words of seed {seed:#x} are nowhere in DRAM, so the search proves nothing")
        if not expected and found:
            self.findings.append(f"the words of seed {seed:#x} are in DRAM at {', '.join(map(hex, found[:4]))}")
