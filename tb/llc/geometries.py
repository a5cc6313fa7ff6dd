# SPDX-License-Identifier: Apache-2.0
"""Cores that are built for tests: small, so that sets are crowded and everything happens soon."""

from dataclasses import replace
from typing import Final

from yingzhou.llc.config import LlcConfig

SMALL: Final = LlcConfig(size_bytes=1 << 10, ways=4, mshrs=4, addr_width=20, domains=3)
"""4 sets of 4 ways; a page is too large to be locked."""
PAGED: Final = LlcConfig(
    size_bytes=8 << 10,
    ways=8,
    mshrs=4,
    replacement="random",
    addr_width=24,
    domains=2,
    cacheable=((0x10_0000, 0x20_0000), (0x90_0000, 0xA0_0000)),
)
"""16 sets of 8 ways; a page may be locked. Random victims; memory, and its protected view in bit 23."""

QUICK: Final = {"small": SMALL, "paged": PAGED}
ALL: Final = {
    **QUICK,
    "two_sets": replace(SMALL, size_bytes=512, mshrs=2, replacement="random"),
    "wide": replace(SMALL, size_bytes=1 << 10, ways=8, mshrs=8, domains=15),
    "two_ways": replace(SMALL, size_bytes=512, ways=2, mshrs=2, addr_width=16),
    "many_sets": replace(SMALL, size_bytes=16 << 10, ways=4, mshrs=16, domains=1, replacement="plru", addr_width=40),
}


def first_line(config: LlcConfig) -> int:
    """Return the first cacheable line: the first one of a page, in set 0."""
    return config.ranges[0][0] // 64


def in_set(config: LlcConfig, number: int, count: int, skip: int = 0) -> list[int]:
    """Return ``count`` lines of a set, after the first ``skip`` of them."""
    first = first_line(config) + number
    return [first + config.sets * n for n in range(skip, skip + count)]
