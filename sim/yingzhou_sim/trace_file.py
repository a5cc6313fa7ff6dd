# SPDX-License-Identifier: Apache-2.0
"""Traces on disk: two lines of text, then compressed records.

::

    yingzhou-trace 1
    {"name": "sort", ...}                     the manifest: how it was recorded, one line of JSON
    <xz>                                      records

Records are two runs of numbers, first ``instructions << 1 | write`` of each, then the distance of its line from the
line before (from 0 for the first), with the sign in bit 0. A number is 7 bits a byte, low ones first, bit 7 set when
more follow.
"""

import json
import lzma
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from yingzhou.errors import ConfigError

from .trace_filter import Record

MAGIC: Final = b"yingzhou-trace 1\n"
SUFFIX: Final = ".yzt"


@dataclass(frozen=True)
class Trace:
    """Records and where they come from (docs/benches.md lists the manifest's entries)."""

    manifest: dict[str, Any]
    records: Sequence[Record]

    @property
    def name(self) -> str:
        """Name of the recorded program's trace."""
        return str(self.manifest.get("name", "?"))

    @property
    def llc_bytes(self) -> int:
        """Size of the last-level cache that the records left, 0 when there was none or it is not stated."""
        return int((self.manifest.get("llc") or {}).get("size", 0))

    @property
    def instructions(self) -> int:
        """Instructions up to the last record."""
        return sum(r.instructions for r in self.records)

    @property
    def reads(self) -> int:
        """Lines read."""
        return sum(not r.write for r in self.records)


def _pack(numbers: Iterable[int]) -> bytes:
    out = bytearray()
    for number in numbers:
        while number > 127:
            out.append(number & 127 | 128)
            number >>= 7
        out.append(number)
    return bytes(out)


def _unpack(data: bytes) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    if shift:
        raise ValueError("ends inside a number")
    return numbers


def to_bytes(trace: Trace) -> bytes:
    """Return the file's contents; equal traces give equal bytes."""
    heads = [r.instructions << 1 | r.write for r in trace.records]
    steps, before = [], 0
    for r in trace.records:
        step, before = r.line - before, r.line
        steps.append(-step << 1 | 1 if step < 0 else step << 1)
    manifest = json.dumps(trace.manifest, ensure_ascii=False).encode()
    packed = lzma.compress(_pack(heads) + _pack(steps), preset=9 | lzma.PRESET_EXTREME)
    return MAGIC + manifest + b"\n" + packed


def from_bytes(data: bytes, name: str = "trace") -> Trace:
    """Return the trace in ``data``; ``name`` says in errors what it is."""
    if not data.startswith(MAGIC):
        raise ConfigError(f"{name} is not a trace: it does not begin with {MAGIC.decode().strip()!r}")
    head, _, packed = data[len(MAGIC) :].partition(b"\n")
    try:
        manifest = json.loads(head)
        numbers = _unpack(lzma.decompress(packed))
    except (ValueError, lzma.LZMAError, EOFError) as error:
        raise ConfigError(f"{name} is a damaged trace: {error}") from None
    stated = manifest.get("records", {}).get("all") if isinstance(manifest, dict) else None
    if not isinstance(stated, int) or len(numbers) != 2 * stated:
        raise ConfigError(f"{name} is a damaged trace: it has {len(numbers) / 2:g} records, its manifest says {stated}")
    half = len(numbers) // 2
    records, line = [], 0
    for number, step in zip(numbers[:half], numbers[half:], strict=True):
        line += -(step >> 1) if step & 1 else step >> 1
        records.append(Record(number >> 1, bool(number & 1), line))
    return Trace(manifest, records)


def read_trace(path: Path) -> Trace:
    """Read a trace file."""
    return from_bytes(path.read_bytes(), str(path))
