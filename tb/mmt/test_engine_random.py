# SPDX-License-Identifier: Apache-2.0
"""The joined engine against the model, in random traffic and random trouble; memory is compared bit for bit.

Every run also checks that no AES input serves two writes and that each is of its unit's domain (``native/nonces.h``).
covers: MMT.FRESH MMT.LINE_ORDER MMT.EXHAUSTED MMT.LOCK MMT.MOUNT_ONCE
"""

from math import prod
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from yingzhou.mmt.config import AES_KINDS, MmtConfig

from .campaign import Campaign
from .geometries import ALL, PAPER
from .turmoil import Turmoil

REGRESS = pytest.mark.regress
OTHERS = [pytest.param(name, marks=REGRESS) for name in ALL if name != "small"]


@pytest.mark.parametrize("name", ["small", *OTHERS])
def test_operations_and_tampers(name: str):
    """Reads, writes, commands, and tampers, none of which is missed. threat: M33 M42"""
    campaign = Campaign(ALL[name], seed=11)
    campaign.run(operations=3000 if name == "small" else 6000, tampers=50)
    assert campaign.tampers >= 50
    assert campaign.bench.engine.nonces > 100


@REGRESS
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_million(seed: int):
    """A tenth of 10^6 operations with 10^3 tampers: none missed, no false alarm. threat: M33 M42"""
    campaign = Campaign(ALL[list(ALL)[seed % len(ALL)]], seed)
    campaign.run(operations=100_000, tampers=100)
    assert campaign.operations >= 100_000 and campaign.tampers >= 100


@pytest.mark.parametrize(
    ("name", "seed"), [("small", 1), *(pytest.param("small", seed, marks=REGRESS) for seed in range(2, 20))]
)
def test_trouble(name: str, seed: int):
    """Errors of memory, flips, ends of counters, FREE and UNLOCK in the middle of traffic. threat: M19 M20 M43"""
    turmoil = Turmoil(ALL[name], seed)
    turmoil.play(30 if seed == 1 else 200)
    assert sum(count for what, count in turmoil.seen.items() if what.startswith("trouble")) >= 5


@REGRESS
@pytest.mark.parametrize("seed", (3, 103, 104, 203))
@pytest.mark.parametrize("name", [name for name in ALL if name != "small"])
def test_trouble_elsewhere(name: str, seed: int):
    """The same in other geometries."""
    Turmoil(ALL[name], seed).play(150)


@REGRESS
def test_paper_geometry():
    """The geometry that is delivered, with its caches, in a small memory."""
    campaign = Campaign(PAPER, seed=5, subtrees=3)
    campaign.run(operations=20_000, tampers=60)
    campaign.bench.flush_all()


def roomy(config: MmtConfig, used: int) -> bool:
    """Return whether the meta zone and the metadata of ``used`` subtrees lie before the subtrees that tests use."""
    pages = 1 + -(-config.root_bytes // 4096) + used * config.metadata_pages
    return pages * 4096 <= (config.subtrees - used - 1) * config.subtree_bytes


@st.composite
def geometries(draw: st.DrawFn, split: bool, aes: str) -> MmtConfig:
    """Draw an engine with little of everything: of these counters and this AES."""
    arities = st.sampled_from((16, 32, 64) if split else (2, 4, 8))
    levels = st.lists(arities, min_size=1 if split else 2, max_size=2 if split else 4)
    chosen = tuple(draw(levels.filter(lambda drawn: 16 <= prod(drawn) <= 2048)))
    # Many subtrees, and room for their metadata, which a small one needs more of than it has lines.
    size = prod(chosen) * 64 << draw(st.integers(4, 8))
    assume(size <= prod(chosen) ** 2 * 64 * 4)
    kept = draw(st.booleans())
    values: dict[str, Any] = {
        "arities": chosen,
        "memory_bytes": size,
        "memory_base": 0 if kept else draw(st.sampled_from((0, 1, 3))) * size,
        "addr_width": 32,
        "protection_bit": 30 if kept else None,
        # 6-bit minors overflow often, and the end of majors is the matter of other tests.
        "major_bits": 40 if 64 in chosen else draw(st.sampled_from((3, 8, 40))),
        "mount_entries": draw(st.integers(2, 5)),
        "node_cache_lines": draw(st.sampled_from((16, 32))) if len(chosen) > 3 else draw(st.sampled_from((8, 16))),
        "mac_cache_lines": draw(st.sampled_from((2, 4, 8))),
        "slots": draw(st.sampled_from((2, 4, 8))),
        "aes": aes,
        "aes_cores": draw(st.integers(1, 3)),
        "id_width": draw(st.integers(1, 5)),
    }
    assume(size > 4096)
    config = MmtConfig(**values)
    assume(roomy(config, SUBTREES))
    return config


KINDS = [(split, aes) for split in (True, False) for aes in AES_KINDS]
SUBTREES = 4
DRAWS = 40
"""Geometries drawn of each kind; the first are simple ones, as hypothesis begins with these."""
TRIED = (20, 30)
"""Which of them are built and tried."""


def drawn(split: bool, aes: str) -> list[MmtConfig]:
    """Return geometries of one kind of counters and AES, the same in every run."""
    found: list[MmtConfig] = []

    @seed(KINDS.index((split, aes)))
    @settings(
        max_examples=DRAWS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(geometries(split, aes))
    def keep(config: MmtConfig) -> None:
        found.append(config)

    keep()
    assert len(found) == DRAWS, f"only {len(found)} geometries were drawn"
    return found


@pytest.mark.parametrize(("split", "aes"), KINDS)
def test_drawn_geometries_are_many(split: bool, aes: str):
    """What is drawn is accepted, as asked for, and of many shapes. None is built here."""
    found = drawn(split, aes)
    assert {(config.split, config.aes) for config in found} == {(split, aes)}
    assert len({config.arities for config in found}) >= 3 and len(set(found)) >= DRAWS // 2
    assert {config.protection_bit is None for config in found} == {True, False}
    one, other = (found[number - 1] for number in TRIED)
    assert one.arities != other.arities


@REGRESS
@pytest.mark.parametrize("number", TRIED)
@pytest.mark.parametrize(("split", "aes"), KINDS)
def test_any_geometry(split: bool, aes: str, number: int):
    """Engines that nobody thought of, of both kinds of counters and both kinds of AES."""
    config = drawn(split, aes)[number - 1]
    assert (config.split, config.aes) == (split, aes)
    campaign = Campaign(config, seed=7, subtrees=SUBTREES)
    campaign.run(operations=4000, tampers=20)
    assert campaign.tampers >= 20 and campaign.bench.engine.nonces > 100
    Turmoil(config, seed=8, subtrees=SUBTREES).play(40)
