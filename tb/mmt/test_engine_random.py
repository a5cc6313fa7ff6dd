# SPDX-License-Identifier: Apache-2.0
"""The joined engine against the model, in random traffic and random trouble; memory is compared bit for bit.

Every run also checks that no AES input serves two writes and that each is of its unit's domain (``native/nonces.h``).
covers: MMT.FRESH MMT.LINE_ORDER MMT.EXHAUSTED MMT.LOCK MMT.MOUNT_ONCE
"""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from yingzhou.errors import ConfigError
from yingzhou.mmt.config import MmtConfig

from .campaign import Campaign
from .geometries import ALL, PAPER, SMALL
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
@pytest.mark.parametrize("name", [name for name in ALL if name != "small"])
def test_trouble_elsewhere(name: str):
    """The same in other geometries."""
    Turmoil(ALL[name], seed=3).play(150)


@REGRESS
def test_paper_geometry():
    """The geometry that is delivered, with its caches, in a small memory."""
    campaign = Campaign(PAPER, seed=5, subtrees=3)
    campaign.run(operations=20_000, tampers=60)
    campaign.bench.flush_all()


@st.composite
def geometries(draw: st.DrawFn) -> MmtConfig:
    """Draw an engine with little of everything."""
    split = draw(st.booleans())
    arities = st.sampled_from((16, 32, 64) if split else (2, 4, 8))
    values = {
        "arities": tuple(draw(st.lists(arities, min_size=1 + (not split), max_size=2 if split else 4))),
        "major_bits": draw(st.sampled_from((1, 2, 40))),
        "mount_entries": draw(st.integers(2, 5)),
        "node_cache_lines": draw(st.sampled_from((4, 8, 16, 32))),
        "mac_cache_lines": draw(st.sampled_from((2, 4, 8))),
        "slots": draw(st.sampled_from((2, 4, 8))),
        "aes": draw(st.sampled_from(("iterative", "iterative", "pipelined"))),
        "aes_cores": draw(st.integers(1, 3)),
        "id_width": draw(st.integers(1, 5)),
    }
    base = draw(st.sampled_from((0, 1, 3)))
    size = 1 << 20
    if draw(st.booleans()):
        return replace(SMALL, **values, addr_width=23, protection_bit=22, memory_bytes=size)
    return MmtConfig(**values, addr_width=32, memory_base=base * size, memory_bytes=size)


@REGRESS
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_any_geometry(data: st.DataObject):
    """Engines that nobody thought of."""
    try:
        config = data.draw(geometries())
    except ConfigError:
        return
    campaign = Campaign(config, seed=7, subtrees=4)
    campaign.run(operations=4000, tampers=20)
    Turmoil(config, seed=8, subtrees=4).play(40)
