# SPDX-License-Identifier: Apache-2.0
"""Lines, beats and pages: the sizes that every block shares, and how addresses and line numbers belong together."""

from typing import Final, Protocol

LINE_LOG: Final = 6
LINE_BYTES: Final = 1 << LINE_LOG
LINE_BITS: Final = 8 * LINE_BYTES
BEAT_BYTES: Final = 16
"""Bytes of a beat of AXI; also of an AES block."""
BEAT_BITS: Final = 8 * BEAT_BYTES
BEATS: Final = LINE_BYTES // BEAT_BYTES
"""Beats in a line."""
PAGE_LOG: Final = 12
PAGE_LINES: Final = 1 << PAGE_LOG - LINE_LOG


class LineSpace(Protocol):
    """A configuration that says how physical addresses and line numbers belong together.

    Line number n is the 64 bytes from ``memory_base + 64 * n``.
    """

    @property
    def addr_width(self) -> int:
        """Width of physical byte addresses in bits."""
        ...

    @property
    def id_width(self) -> int:
        """Width of AXI identifiers in bits."""
        ...

    @property
    def line_bits(self) -> int:
        """Width of a line number."""
        ...

    @property
    def memory_base(self) -> int:
        """First byte of line 0, a multiple of the bytes that line numbers reach."""
        ...

    @property
    def protection_bit(self) -> int | None:
        """Bit of an address, above those of line numbers, that may have either value; or None."""
        ...
