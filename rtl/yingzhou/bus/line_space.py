# SPDX-License-Identifier: Apache-2.0
"""What a unit must know of its addresses to count lines of 64 bytes in them."""

from typing import Protocol


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
