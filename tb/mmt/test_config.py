# SPDX-License-Identifier: Apache-2.0
"""Geometry of the memory engine: the paper's numbers, layouts without overlap, and one clear sentence for bad input."""

from dataclasses import asdict
from itertools import pairwise
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yingzhou.errors import ConfigError
from yingzhou.mmt.config import PRESETS, MmtConfig, preset


def test_paper_geometry():
    """65,536 lines, 67,648 bytes of nodes, 512 KiB of MACs a subtree; 2^17 subtrees, 2 MiB of root table at 512 GB."""
    config = preset("paper", addr_width=39)
    assert config.subtree_lines == 65536
    assert config.subtree_bytes == 4 << 20
    assert config.metadata_bytes - (512 << 10) == 67648
    assert config.metadata_pages == 145
    assert config.subtrees == 1 << 17
    assert config.root_lines * 64 == 2 << 20
    assert [config.minor_bits(level) for level in (1, 2, 3)] == [6, 12, 12]


def test_vault_geometry():
    """16/32/64: 2 MiB subtrees, 33,856 bytes of nodes."""
    config = preset("vault", addr_width=32)
    assert config.subtree_bytes == 2 << 20
    assert config.metadata_bytes - config.subtree_lines * 8 == 33856


def test_sgx_geometry():
    """One 8-ary tree over half of memory, and room for its metadata in the other half."""
    config = preset("sgx", addr_width=32, memory_bytes=256 << 20)
    assert config.subtrees == 2
    assert config.arities == (8,) * 7
    assert config.metadata_bytes + config.root_bytes <= 128 << 20
    assert not config.split


@pytest.mark.parametrize("name", PRESETS)
def test_presets_exist_at_both_ends(name):
    # The root table of 512 GB with vault's 2 MiB subtrees is larger than one tree of 16/32/64.
    for width in (28, 38 if name == "vault" else 39):
        assert preset(name, addr_width=width).size == 1 << width


geometries = (
    st.one_of(
        st.lists(st.sampled_from((16, 32, 64)), min_size=1, max_size=3),
        st.lists(st.sampled_from((2, 4, 8)), min_size=1, max_size=6),
    )
    .map(tuple)
    .filter(lambda arities: prod(arities) >= 8)
)


@given(geometries, st.integers(0, 6))
def test_layouts_do_not_overlap(arities, extra):
    """MACs and the nodes of every level follow each other without gap or overlap, in subtrees and in the meta zone."""
    lines = prod(arities)
    # From four subtrees and four pages to as many as the root tree covers.
    size = max(lines * 64 << min(extra + 2, lines.bit_length() + 1), 1 << 14)
    config = MmtConfig(addr_width=40, memory_bytes=size, arities=arities)
    levels = range(1, config.levels + 1)
    ends = [(config.node_offset(n), config.nodes(n) * 64) for n in levels]
    assert ends[0][0] == config.subtree_lines * 8
    for (start, length), (following, _) in pairwise(ends):
        assert start + length == following
    assert config.nodes(config.levels) == 1
    assert config.metadata_bytes == ends[-1][0] + 64
    assert config.root_mac_offset == config.root_lines * 64 >= config.subtrees * 16
    for level in levels:
        assert config.root_nodes(level) * config.node_lines(level) >= config.root_lines
    assert config.root_bytes == config.root_node_offset(config.levels) + config.root_nodes(config.levels) * 64


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"addr_width": 8}, "addr_width is 8; accepted are 16 to 64"),
        ({"protection_bit": 50}, "protection_bit is 50; accepted are 12 to 38, or none"),
        ({"arities": ()}, r"arities are ; accepted are 1 to 12 levels"),
        ({"arities": (16, 8)}, "arities are 16/8; accepted are"),
        ({"arities": (48,)}, "arities are 48; accepted are"),
        ({"arities": (8,) * 12}, "arities are 8/8/.*; accepted are subtrees below 2199023255552 bytes"),
        (
            {"memory_bytes": 3 << 20},
            "memory_bytes is 3145728; accepted with arities 32/32/64 are powers of two from 8388608",
        ),
        ({"memory_bytes": 1 << 22}, "memory_bytes is 4194304; accepted with .* are powers of two from 8388608 .room "),
        ({"arities": (2, 2)}, "arities are 2/2; accepted are subtrees of at least 8 lines"),
        (
            {"arities": (16,)},
            "addr_width is 39; accepted with arities 16, when memory_bytes is not given, are 16 to 16: one tree",
        ),
        ({"addr_width": 22}, "addr_width is 22; accepted with .*, are 23 to 41$"),
        ({"addr_width": 40, "protection_bit": 22}, "protection_bit is 22; accepted with .*, are 23 to 41$"),
        (
            {"arities": (16,), "memory_bytes": 1 << 20},
            "memory_bytes is 1048576; accepted with arities 16 are powers of two from 8192 .* to 65536: one tree",
        ),
        ({"memory_bytes": 1 << 24, "memory_base": 4096}, "memory_base is 0x1000; accepted are multiples"),
        ({"memory_bytes": 1 << 32, "protection_bit": 20}, "protection_bit 20 lies inside memory"),
        ({"major_bits": 41}, "major_bits is 41; accepted are 1 to 40"),
        ({"mount_entries": 0}, "mount_entries is 0; accepted are 1 to 64"),
        ({"node_cache_lines": 48}, "node_cache_lines is 48; accepted are powers of two from 8 to 512"),
        ({"mac_cache_lines": 1}, "mac_cache_lines is 1; accepted are powers of two from 2 to 512"),
        ({"slots": 3}, "slots is 3; accepted are powers of two from 2 to 32"),
        ({"aes": "bitsliced"}, "aes is 'bitsliced'; accepted are pipelined, iterative"),
        ({"aes_cores": 9}, "aes_cores is 9; accepted are 1 to 8"),
        ({"id_width": 0}, "id_width is 0; accepted are 1 to 16"),
    ],
)
def test_bad_values_are_named(wrong, message):
    with pytest.raises(ConfigError, match=message):
        MmtConfig(**wrong)


def one_fits(config: MmtConfig) -> bool:
    """Try every place of meta zone, metadata and subtree: whether an ALLOC could ever be accepted."""
    pages = range(0, config.size, 4096)
    zones = [range(z, z + config.root_bytes) for z in pages if z + config.root_bytes <= config.size]
    metadata = [range(p, p + config.metadata_bytes) for p in pages if p + config.metadata_bytes <= config.size]
    subtrees = [range(s, s + config.subtree_bytes) for s in range(0, config.size, config.subtree_bytes)]

    def apart(a: range, b: range) -> bool:
        return a.stop <= b.start or b.stop <= a.start

    return any(apart(z, s) and apart(p, s) and apart(z, p) for s in subtrees for z in zones for p in metadata)


@pytest.mark.parametrize(
    "arities", [(8,), (2, 4), (2, 2, 2), (16,), (64,), (4, 8), (8, 8), (2, 8, 8), (16, 16), (2,) * 8]
)
def test_accepted_is_what_can_hold_a_subtree(arities):
    """The smallest memory that is accepted has room for a subtree in use; half of it has none."""
    sizes = [prod(arities) * 64 << n for n in range(5)]
    accepted = []
    for size in sizes:
        try:
            accepted.append(MmtConfig(memory_bytes=size, arities=arities, node_cache_lines=32))
        except ConfigError as error:
            assert "room for one subtree" in str(error)
    least = accepted[0]
    assert [config.size for config in accepted] == [size for size in sizes if size >= least.size]
    assert one_fits(least)
    # The same geometry over half the memory, which no check lets pass.
    half = object.__new__(MmtConfig)
    vars(half).update({**asdict(MmtConfig()), "memory_bytes": least.size // 2, "arities": arities})
    assert least.size == sizes[0] or not one_fits(half)


@pytest.mark.parametrize(("name", "least"), [("paper", 23), ("small", 23), ("vault", 22), ("sgx", 16)])
def test_least_address_width_of_a_preset(name, least):
    """Every width from the least that a message names up to the largest is accepted."""
    for width in range(least, (38 if name == "vault" else 39) + 1):
        config = preset(name, addr_width=width)
        assert config.root_bytes + config.metadata_bytes + config.subtree_bytes <= config.size


@pytest.mark.parametrize("log", range(14, 40))
def test_every_size_of_sgx_has_room(log):
    assert preset("sgx", addr_width=41, memory_bytes=1 << log).subtrees == 2


def test_unknown_preset():
    with pytest.raises(ConfigError, match="preset is 'big'; accepted are paper, vault, sgx, small"):
        preset("big")


@pytest.mark.parametrize("name", PRESETS)
def test_presets_need_nothing_else(name):
    """Each is complete by its name alone; vault's geometry ends at 38 address bits, and says so when asked for more."""
    assert preset(name).size == 1 << (38 if name == "vault" else 39)


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        (
            "vault",
            {"addr_width": 39},
            "addr_width is 39; accepted with arities 16/32/64, .*, are 22 to 38: one tree",
        ),
        ("vault", {"addr_width": 21}, "addr_width is 21; accepted with arities 16/32/64, .*, are 22 to 41$"),
        ("small", {"addr_width": 22}, "addr_width is 22; accepted with arities 32/32/64, .*, are 23 to 41$"),
        (
            "sgx",
            {"addr_width": 40},
            "addr_width is 40; accepted with sgx, when memory_bytes is not given, are 16 to 39",
        ),
        ("sgx", {"addr_width": 50, "protection_bit": 45}, "protection_bit is 45; accepted with sgx"),
        ("sgx", {"addr_width": 30, "protection_bit": 13}, "protection_bit is 13; accepted with sgx, .* are 14 to 39"),
        ("sgx", {"memory_bytes": 8192}, "memory_bytes is 8192; accepted with sgx are powers of two from 16384"),
    ],
)
def test_preset_names_what_it_refuses(name, wrong, message):
    with pytest.raises(ConfigError, match=message):
        preset(name, **wrong)
