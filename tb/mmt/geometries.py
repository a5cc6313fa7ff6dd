# SPDX-License-Identifier: Apache-2.0
"""Engines that are built for tests: small in every respect, so that caches overflow and counters end quickly.

``SMALL`` serves the directed tests. Each further one costs a build of about a minute.
"""

from dataclasses import replace
from typing import Final

from yingzhou.mmt.config import MmtConfig, preset

SMALL: Final = MmtConfig(
    addr_width=23,
    protection_bit=22,
    arities=(16, 16),
    major_bits=2,
    mount_entries=4,
    node_cache_lines=8,
    mac_cache_lines=4,
    slots=4,
    aes="iterative",
)
"""256 subtrees of 16 KiB, behind a protection bit."""
FLAT: Final = MmtConfig(
    addr_width=32,
    memory_base=0x8000_0000,
    memory_bytes=1 << 20,
    arities=(4, 8, 8),
    mount_entries=2,
    node_cache_lines=16,
    mac_cache_lines=2,
    slots=8,
    aes="iterative",
    aes_cores=2,
    id_width=2,
)
"""64 subtrees of 16 KiB, 56-bit counters, three levels, everything protected."""
DENSE: Final = MmtConfig(
    addr_width=24,
    arities=(64, 64),
    mount_entries=3,
    node_cache_lines=16,
    mac_cache_lines=8,
    slots=8,
    aes_cores=1,
    id_width=3,
)
"""6-bit minors: 64 writes to a line are an overflow. Pipelined AES."""
MIXED: Final = replace(DENSE, addr_width=25, arities=(16, 32, 64), major_bits=40, node_cache_lines=8, slots=16)
ONE_LEVEL: Final = replace(FLAT, addr_width=20, memory_base=0, memory_bytes=1 << 16, arities=(16,), node_cache_lines=4)
DEEP: Final = replace(FLAT, arities=(2, 2, 2, 2, 2, 2, 2, 2), node_cache_lines=32, mount_entries=1, slots=2)
PAPER: Final = replace(preset("paper"), addr_width=32, memory_bytes=1 << 25)
"""The geometry of the paper with its caches and slots, over eight subtrees."""

QUICK: Final = {"small": SMALL, "flat": FLAT}
ALL: Final = {**QUICK, "dense": DENSE, "mixed": MIXED, "one_level": ONE_LEVEL, "deep": DEEP}


def numbers(config: MmtConfig, count: int) -> range:
    """Return the last subtrees of memory: their lines are away from the metadata, which lies behind the meta zone."""
    return range(config.subtrees - count, config.subtrees)
