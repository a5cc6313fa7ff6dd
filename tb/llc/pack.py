# SPDX-License-Identifier: Apache-2.0
"""Structures of ports as numbers, quickly: what :mod:`amaranth.lib.data` says, without a constant a call."""

from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data


class Pack:
    """Fields of a layout by name; each a number."""

    def __init__(self, layout: Any):
        self.fields: dict[str, tuple[int, int]] = {}
        cast = data.Layout.cast(layout)
        for name, field in cast:
            self.fields[str(name)] = field.offset, Shape.cast(field.shape).width

    def pack(self, **values: int) -> int:
        """Return the whole; fields that are not named are 0."""
        whole = 0
        for name, value in values.items():
            offset, width = self.fields[name]
            assert 0 <= value < 1 << width, f"{name} has {width} bits, not enough for {value:#x}"
            whole |= value << offset
        return whole

    def unpack(self, whole: int) -> dict[str, int]:
        """Return all fields."""
        return {name: whole >> offset & (1 << width) - 1 for name, (offset, width) in self.fields.items()}
