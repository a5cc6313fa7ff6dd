# SPDX-License-Identifier: Apache-2.0
"""Reference model of the GPT guard's registers: what a write changes, what a lock refuses, what a read answers."""

from dataclasses import dataclass, field
from typing import Final

from .gpt import Area, Fault, Guard, Record, Rule

ID: Final = 0x47505401
CONTROL, WORLD, FAULT_STATUS, AREAS, AREA_BYTES = 0x08, 0x0C, 0x10, 0x100, 0x20
ATTR, BASE_LO, BASE_HI, LIMIT_LO, LIMIT_HI = 0x00, 0x04, 0x08, 0x0C, 0x10
WRITABLE: Final = {ATTR: 1 << 31 | 0xF3, BASE_LO: 2**32 - 1, BASE_HI: 0xFFF, LIMIT_LO: 2**32 - 1, LIMIT_HI: 0xFFF}
"""Bits of the registers of an area that hold something."""
COUNTERS: Final = {
    0x34: Rule.HOST_AREA,
    0x38: Rule.HOST_LEAF,
    0x3C: Rule.ENCLAVE_AREA,
    0x40: Rule.RESET_DENY,
}


@dataclass
class Registers:
    """Register state of a guard. ``guard`` and ``record`` are what the rest of the model works with."""

    mode: str
    areas: int
    pa_width: int
    protection_bit: int | None
    devices: range = range(0)
    guard: Guard = field(init=False)
    record: Record = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Return to the state after reset: nothing enabled, nothing locked, nothing recorded."""
        self.guard = Guard(self.mode, self.pa_width, self.protection_bit, devices=self.devices)
        self.record = Record()
        self._locked = False
        self._area_words = [{offset: 0 for offset in WRITABLE} for _ in range(self.areas)]
        self._update()

    def _update(self) -> None:
        self.guard.areas = [
            Area(
                kind=words[ATTR] & 3,
                levels=frozenset(level for level in range(4) if words[ATTR] >> 4 + level & 1),
                pages=range(words[BASE_HI] << 32 | words[BASE_LO], words[LIMIT_HI] << 32 | words[LIMIT_LO]),
            )
            for words in self._area_words
        ]

    def _area(self, address: int) -> tuple[int, int] | None:
        index, offset = divmod(address - AREAS, AREA_BYTES)
        return (index, offset) if 0 <= index < self.areas and offset in WRITABLE else None

    def exists(self, address: int) -> bool:
        """Return whether there is a register at this byte address."""
        named = {0x00, 0x04, CONTROL, WORLD, FAULT_STATUS, 0x14, 0x18, 0x1C, 0x20, 0x30, *COUNTERS}
        return address in named or self._area(address) is not None

    def write(self, address: int, value: int) -> bool:
        """Write a word; return whether it was accepted. A refused write changes nothing."""
        if not self.exists(address):
            return False
        if address == CONTROL:
            if self._locked:
                return False
            self.guard.enable = bool(value & 1)
            self._locked = bool(value & 2)
        elif address == WORLD:
            self.guard.world = value & 1
        elif address == FAULT_STATUS and value & 1:
            self.record.fault = None
        elif (area := self._area(address)) is not None:
            index, offset = area
            words = self._area_words[index]
            if self._locked or words[ATTR] >> 31:
                return False
            words[offset] = value & WRITABLE[offset]
            self._update()
        return True

    def read(self, address: int) -> int:
        """Return the word at ``address``. The fault's details are looked at with :meth:`fault`."""
        if address == 0x00:
            return ID
        if address == 0x04:
            ppn_bits = self.pa_width - 12
            return (self.protection_bit or 0) << 24 | ppn_bits << 16 | self.guard.paging.levels << 8 | self.areas
        if address == CONTROL:
            return int(self._locked) << 1 | int(self.guard.enable)
        if address == WORLD:
            return self.guard.world
        if address == 0x30:
            return self.record.allowed
        if address in COUNTERS:
            return self.record.refused[COUNTERS[address]]
        area = self._area(address)
        return self._area_words[area[0]][area[1]] if area is not None else 0

    def fault(self, words: dict[int, int]) -> Fault | None:
        """Decode the fault registers as read, ``words`` by address."""
        status = words[FAULT_STATUS]
        if not status & 1:
            return None
        return Fault(
            world=status >> 1 & 1,
            leaf=bool(status >> 2 & 1),
            level=status >> 4 & 15,
            rule=Rule(status >> 8 & 15),
            address=words[0x18] << 32 | words[0x14],
            page=words[0x20] << 32 | words[0x1C],
        )
