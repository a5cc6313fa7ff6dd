# SPDX-License-Identifier: Apache-2.0
"""Stimulus that aims at the points of the coverage plan, one after the other; the bench adds random stimulus."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tb.models import gpt_registers as registers
from yingzhou.gpt.config import GptConfig

from .stimulus import Entry, Read, Settings, device_pages


@dataclass(frozen=True)
class Walk:
    """Bring the registers to ``settings`` and try ``read``; before the answer comes, bring them to ``then``."""

    settings: Settings
    read: Read
    then: Settings | None = None


@dataclass(frozen=True)
class Both:
    """In one cycle, request one read and give the answer to another."""

    settings: Settings
    request: Read
    answer: Read


@dataclass(frozen=True)
class Write:
    """Write a register and see whether it is accepted."""

    address: int
    value: int


@dataclass(frozen=True)
class Check:
    """Read every register back and compare."""


@dataclass(frozen=True)
class Reset:
    """Reset the guard."""


type Action = Walk | Both | Write | Check | Reset

TABLE: Final = 0x10
"""Page of the granting area's first table."""
RO, RW, POINTER, INVALID = 0xC3, 0xC7, 0x01, 0x00


def host(*areas: Entry, world: int = 0, enable: int = 1) -> Settings:
    return Settings(enable, world, areas)


def padded(config: GptConfig, *areas: Entry) -> tuple[Entry, ...]:
    """Return ``areas`` filled up with entries that are off."""
    return areas + (Entry(0, 0, 0, 0),) * (config.areas - len(areas))


def granting(config: GptConfig, kind: int = 1, levels: int | None = None) -> Entry:
    """Return an area of three tables at ``TABLE``; all levels unless given."""
    return Entry(kind, (1 << config.levels) - 1 if levels is None else levels, TABLE, TABLE + 3)


def reads(config: GptConfig) -> Iterator[Action]:
    """Yield reads on and around an area, for each world and level, and pointers, leaves and invalid PTEs that pass."""
    for world in (0, 1):
        settings = host(*padded(config, granting(config, 1 + world)), world=world)
        off = host(*settings.areas, world=world, enable=0)
        for level in range(config.levels):
            for page in (TABLE - 1, TABLE, TABLE + 2, TABLE + 3):
                yield Walk(settings, Read(page, 0, level, POINTER))
            for pte in (POINTER, 1 << 16 | RO, INVALID):
                yield Walk(settings, Read(TABLE, 1, level, pte))
            yield Walk(off, Read(TABLE, 2, level, POINTER))
        yield Walk(settings, Read(TABLE, 3, config.levels, POINTER))
        # The configuration changes between request and answer: the answer counts.
        other = host(*settings.areas, world=1 - world)
        for then in (other, off):
            yield Walk(settings, Read(TABLE, 4, 0, RO), then)
    yield Walk(host(*padded(config, granting(config, 1, levels=2))), Read(TABLE, 0, 0, RO))
    yield Walk(host(*padded(config, granting(config, 3))), Read(TABLE, 0, 0, RO))


def leaves(config: GptConfig) -> Iterator[Action]:
    """Yield host leaves of every size on and around areas of every kind, readable and writable."""
    for level in range(config.levels):
        size = 1 << config.vpn_bits * level
        start = 8 * size if level else 8 * (TABLE + 8)
        for kind in (1, 2, 3):
            area = Entry(kind, 0, start, start + 2 * size)
            settings = host(*padded(config, granting(config), area))
            for page in (start - size, start, start + size, start + 2 * size):
                for flags in (RO, RW):
                    yield Walk(settings, Read(TABLE, 0, level, page << 10 | flags))


def corners(config: GptConfig) -> Iterator[Action]:
    """Yield overlapping areas, the two windows, devices, ranges of 16 pages, and pages beyond memory."""
    grant = granting(config)
    target = 0x100
    both = (Entry(1, 0, target, target + 2), Entry(2, 0, target + 1, target + 3))
    if config.areas >= 3:
        for flags in (RO, RW):
            yield Walk(host(*padded(config, grant, *both)), Read(TABLE, 0, 0, target + 1 << 10 | flags))
    else:
        merged = Entry(1, grant.levels, TABLE, target + 2)
        for flags in (RO, RW):
            yield Walk(host(*padded(config, merged, both[1])), Read(TABLE, 0, 0, target + 1 << 10 | flags))
    yield Walk(host(*padded(config, grant, Entry(1, grant.levels, TABLE + 2, TABLE + 9))), Read(TABLE + 2, 0, 0, RO))
    if config.protection_bit is not None:
        bit = 1 << config.protection_bit - 12
        for level in range(config.levels):
            yield Walk(host(*padded(config, grant)), Read(TABLE, 0, level, (bit | 1 << 3 * 9) % (2 * bit) << 10 | RO))
        for kind in (1, 2):
            settings = host(*padded(config, grant, Entry(kind, 0, bit | target, bit | target + 1)))
            for page in (target - 1, target, target + 1):
                yield Walk(settings, Read(TABLE, 0, 0, page << 10 | RW))
        yield Walk(host(*padded(config, grant)), Read(TABLE | bit, 0, 0, POINTER))
    devices = device_pages(config)
    for level in range(config.levels if devices else 0):
        size = 1 << config.vpn_bits * level
        for page in (devices.start - size, devices.start, devices.stop - size, devices.stop):
            yield Walk(host(*padded(config, grant)), Read(TABLE, 0, level, page << 10 | RW))
    if devices:
        closed = Entry(2, 0, devices.start + 4, devices.start + 5)
        yield Walk(host(*padded(config, grant, closed)), Read(TABLE, 0, 0, closed.base << 10 | RO))
    if config.has_napot:
        settings = host(*padded(config, grant, Entry(2, 0, 0x205, 0x206)))
        for first, low in ((0x200, 8), (0x1F0, 8), (0x210, 8), (0x300, 4), (0x3F0, 0), (0x600, 4)):
            yield Walk(settings, Read(TABLE, 0, 0, 1 << 63 | (first | low) << 10 | RO))
    if config.pte_ppn_bits > config.ppn_bits:
        far = 1 << config.ppn_bits | TABLE
        for world, flags in ((0, POINTER), (0, RO), (1, POINTER), (1, RO)):
            settings = host(*padded(config, granting(config, 1 + world)), world=world)
            yield Walk(settings, Read(TABLE, 0, 0, far << 10 | flags))


def record(config: GptConfig) -> Iterator[Action]:
    """Yield refusals with the record read in between: the first stays, clearing makes room, the answer comes first."""
    settings = host(*padded(config, granting(config)))
    bad = [Read(TABLE + 9, index, 0, RO) for index in range(3)]
    yield Write(registers.FAULT_STATUS, 1)
    for read in bad[:2]:
        yield Walk(settings, read)
        yield Check()
    yield Write(registers.FAULT_STATUS, 0)
    yield Check()
    yield Write(registers.FAULT_STATUS, 1)
    yield Check()
    yield Walk(settings, bad[2])
    yield Check()
    yield Write(registers.FAULT_STATUS, 1)
    if config.protection_bit is not None:
        secret = Read(TABLE, 5, 0, 1 << config.protection_bit - 12 << 10 | RO)
    else:
        secret = Read(TABLE + 9, 5, 0, RO)
    yield Both(settings, Read(TABLE + 10, 0, 0, 0), secret)
    yield Both(settings, Read(TABLE, 0, 0, 0), Read(TABLE, 0, 0, RO))
    yield Check()


def locks(config: GptConfig) -> Iterator[Action]:
    """Yield writes to locked and unlocked registers; ends unlocked, after a reset. threat: W32"""
    last = config.areas - 1
    base = registers.AREAS
    values: Sequence[int] = (0x12, 0xABCDE, 0x3, 0xABCDF, 0x3)
    offsets = list(zip(registers.WRITABLE, values, strict=True))
    yield Reset()
    for address in (0x44, 0x110 + registers.AREA_BYTES * last + 4, 0xFFC):
        yield Write(address, 1)
    for area in {0, last}:
        here = base + area * registers.AREA_BYTES
        for offset, value in offsets:
            yield Write(here + offset, value)
        yield Write(here, 1 << 31 | 0x32)
        for offset, value in offsets:
            yield Write(here + offset, ~value & 0x7FFFFFFF)
        neighbour = base + (area + 1) % config.areas * registers.AREA_BYTES
        yield Write(neighbour + registers.BASE_LO, 0x777)
        yield Check()
        yield Reset()
    yield Write(registers.CONTROL, 3)
    for value in (0, 1, 2, 3):
        yield Write(registers.CONTROL, value)
    for area in {0, last}:
        for offset, value in offsets:
            yield Write(base + area * registers.AREA_BYTES + offset, value)
    for value in (1, 0):
        yield Write(registers.WORLD, value)
    yield Check()
    yield Reset()
    for offset, value in offsets:
        yield Write(base + offset, value)
    yield Check()
    yield Reset()


def actions(config: GptConfig) -> Iterator[Action]:
    """Yield everything above."""
    yield Check()
    yield from reads(config)
    yield from leaves(config)
    yield from corners(config)
    yield from record(config)
    yield from locks(config)
