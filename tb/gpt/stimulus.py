# SPDX-License-Identifier: Apache-2.0
"""Random guard configurations and PTEs that lie on and around the edges the rules are about.

Everything draws from a ``random.Random``, so the same code serves hypothesis (``st.randoms``), the Amaranth simulator
and cocotb.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from tb.models import gpt as model
from yingzhou.gpt.config import GptConfig

CONFIGS: Sequence[GptConfig] = (
    GptConfig(areas=4),
    GptConfig(areas=1, pa_width=32, protection_bit=None),
    GptConfig(areas=2, pa_width=33, protection_bit=12),
    GptConfig(areas=2, device_region=(0xE000_3000, 0xE100_5000)),
    GptConfig(mode="sv39", areas=4, pa_width=40, protection_bit=38),
    GptConfig(mode="sv39", areas=2, pa_width=56, protection_bit=55),
    GptConfig(mode="sv48", areas=8, pa_width=48, protection_bit=30),
    GptConfig(mode="sv48", areas=3, pa_width=56, protection_bit=None),
)
"""Modes, area counts, widths and protection bits that the conformance tests run over."""


@dataclass(frozen=True)
class Entry:
    """An area entry as it is written into registers."""

    kind: int
    levels: int
    base: int
    limit: int


@dataclass(frozen=True)
class Settings:
    """Register state of a guard, as integers."""

    enable: int
    world: int
    areas: tuple[Entry, ...]


@dataclass(frozen=True)
class Read:
    """One PTE read: page of the PTE, index in that page, level, and the PTE that memory holds there."""

    page: int
    index: int
    level: int
    pte: int

    def address(self, config: GptConfig) -> int:
        """Return the physical byte address of the PTE."""
        return self.page * 4096 + self.index * config.pte_bytes


def name(config: GptConfig) -> str:
    """Return a short name for test ids."""
    devices = "-devices" if config.device_region else ""
    return f"{config.mode}-{config.areas}areas-pa{config.pa_width}-p{config.protection_bit}{devices}"


def device_pages(config: GptConfig) -> range:
    """Return the pages of the device region; none: an empty range."""
    low, high = config.device_region or (0, 0)
    return range(low >> 12, high >> 12)


def draw_page(rng: Random, config: GptConfig, areas: Sequence[Entry] = ()) -> int:
    """Return a page number below the implemented width: an area's edge, its alias, an edge of memory, or anything."""
    top = 1 << config.ppn_bits
    base = rng.choice([0, top - 1, top // 2, 0x8_0000 % top, 0x8_1000 % top, rng.randrange(top)])
    if areas and rng.random() < 0.8:
        area = rng.choice(areas)
        base = rng.choice([area.base - 1, area.base, area.limit - 1, area.limit, (area.base + area.limit) // 2])
    if config.device_region is not None and rng.random() < 0.3:
        low, high = (address >> 12 for address in config.device_region)
        base = rng.choice([low - 1, low, high - 1, high, (low + high) // 2])
    if config.protection_bit is not None and rng.random() < 0.25:
        base ^= 1 << config.protection_bit - 12
    return base % top


def draw_area(rng: Random, config: GptConfig) -> Entry:
    """Return an area entry; some are off, empty, reserved, single pages, or reach beyond implemented memory."""
    base = draw_page(rng, config)
    if rng.random() < 0.15:
        base = rng.randrange(1 << 44)
    size = rng.choice([0, 1, 1, 2, 16, 1 << config.vpn_bits, rng.randrange(1 << 20), -3])
    limit = min(max(base + size, 0), (1 << 44) - 1)
    every = (1 << config.levels) - 1
    levels = rng.choice([every, every, 1, 1 << config.levels - 1, rng.randrange(16), 15])
    return Entry(kind=rng.choice([0, 1, 1, 1, 2, 2, 2, 3]), levels=levels, base=base, limit=limit)


def draw_settings(rng: Random, config: GptConfig) -> Settings:
    """Return register state; areas of one draw often lie side by side or on top of each other."""
    areas = [draw_area(rng, config) for _ in range(config.areas)]
    for index in range(1, config.areas):
        if rng.random() < 0.3:
            areas[index] = replace(areas[index], base=areas[index - 1].limit, limit=areas[index - 1].limit + 2)
        if areas[index].limit >= 1 << 44:
            areas[index] = replace(areas[index], base=0, limit=1)
    return Settings(enable=int(rng.random() < 0.9), world=int(rng.random() < 0.4), areas=tuple(areas))


def draw_pte(rng: Random, config: GptConfig, settings: Settings) -> int:
    """Return a PTE: pointers, leaves, invalid and reserved ones, with page numbers around the areas' edges."""
    page = draw_page(rng, config, settings.areas)
    field_bits = 22 if config.mode == "sv32" else 44
    if rng.random() < 0.1:
        page = rng.randrange(1 << field_bits)
    if rng.random() < 0.2:
        page ^= rng.randrange(1 << config.vpn_bits)
    flags = rng.choice([0x01, 0x01, 0xCF, 0xC7, 0xC3, 0x4B, 0xC9, 0xC5, 0x00, 0xCE, rng.randrange(256)])
    pte = page << 10 | flags
    if config.has_napot and rng.random() < 0.2:
        pte |= 1 << 63
        if rng.random() < 0.7:
            pte = pte & ~(0xF << 10) | 0x8 << 10
    return pte


def draw_read(rng: Random, config: GptConfig, settings: Settings) -> Read:
    """Return a read whose page is often inside an area that grants it, so that answers are judged too."""
    page = draw_page(rng, config, settings.areas)
    level = rng.randrange(config.levels)
    granting = [area for area in settings.areas if area.kind == 1 + settings.world and area.base < area.limit]
    granting = [area for area in granting if area.base >> config.ppn_bits == 0]
    if granting and rng.random() < 0.7:
        area = rng.choice(granting)
        page = rng.randrange(area.base, min(area.limit, 1 << config.ppn_bits))
        allowed = [number for number in range(config.levels) if area.levels >> number & 1]
        level = rng.choice(allowed) if allowed and rng.random() < 0.8 else level
    if rng.random() < 0.05:
        level = config.levels
    return Read(page, rng.randrange(4096 // config.pte_bytes), level, draw_pte(rng, config, settings))


def model_of(config: GptConfig, settings: Settings) -> model.Guard:
    """Return the reference model in the state that ``settings`` describes."""
    return model.Guard(
        mode=config.mode,
        pa_width=config.pa_width,
        protection_bit=config.protection_bit,
        devices=device_pages(config),
        enable=bool(settings.enable),
        world=settings.world,
        areas=[
            model.Area(
                kind=entry.kind,
                levels=frozenset(number for number in range(4) if entry.levels >> number & 1),
                pages=range(entry.base, entry.limit),
            )
            for entry in settings.areas
        ],
    )
