# SPDX-License-Identifier: Apache-2.0
"""What goes through the core's pipeline."""

from amaranth.lib import data, enum

from yingzhou.geometry import LINE_BYTES

from .config import LlcConfig


class Kind(enum.Enum, shape=3):
    """What an item does."""

    REQUEST = 0
    FILL = 1
    """A line that was under way is put in."""
    LINE = 2
    """An operation visits a line,"""
    ENTRY = 3
    """or what is in a set and way,"""
    FINISH = 4
    """or ends its hold on a line."""


class Source(enum.Enum, shape=2):
    """Where a request or visit comes from."""

    NEW = 0
    WAITED = 1
    """It was in the waiting queue, as the first."""
    PARKED = 2
    """Its line was under way."""


def item(config: LlcConfig, tag_bits: int, user_bits: int) -> data.StructLayout:
    """
    ``line``  : line number; ENTRY and FINISH: at least the number of the set.
    ``way``   : FILL, ENTRY, FINISH.
    ``write``, ``strobe``, ``tag``, ``user`` : of a request.
    ``index`` : PARKED: its MSHR.
    ``error`` : FILL, PARKED: the fetch failed.
    ``fetched`` : FILL: the line came from memory.
    """
    return data.StructLayout(
        {
            "kind": Kind,
            "source": Source,
            "line": config.line_bits,
            "way": config.way_bits,
            "write": 1,
            "strobe": LINE_BYTES,
            "tag": tag_bits,
            "user": user_bits,
            "index": config.mshr_bits,
            "error": 1,
            "fetched": 1,
        }
    )
