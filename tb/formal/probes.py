# SPDX-License-Identifier: Apache-2.0
"""Wires of a proof top that are driven from inside the design."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some bits of a wire of the design, of a register, or with ``word`` of a word of a memory.

    ``path`` : below the design's top. ``low`` : the first of ``width`` bits. ``bit`` : it is one bit of several.
    """

    path: str
    width: int
    low: int = 0
    bit: bool = False
    word: bool = False

    def text(self) -> str:
        return (
            f"{self.path}[{self.low + self.width - 1}:{self.low}]"
            if self.width > 1 or self.low or self.bit
            else self.path
        )


class Probes:
    """Vectors by their names, each a row of parts, the first one lowest."""

    def __init__(self, vectors: Mapping[str, Sequence[Part]]):
        self.widths = {name: sum(part.width for part in parts) for name, parts in vectors.items()}
        placed = [each for name, parts in vectors.items() for each in _placed(name, parts)]
        self.wires = {place: part.text() for place, part in placed if not part.word}
        self.words = {place: part.text() for place, part in placed if part.word}


def _placed(name: str, parts: Iterable[Part]) -> Iterable[tuple[str, Part]]:
    """Yield each part with its place in the vector."""
    low = 0
    for part in parts:
        yield f"{name}[{low + part.width - 1}:{low}]", part
        low += part.width
