# SPDX-License-Identifier: Apache-2.0
"""What of an ELF file becomes an enclave: the rules of docs/monitor-abi.md over bytes, and a writer for tests."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

PAGE = 4096
VA_LIMIT = 0x5000_0000
MAX_HEADERS = 16
_FILE = struct.Struct("<4sBBB9sHHIIIIIHHHHHH")
_PROGRAM = struct.Struct("<8I")
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
PF_X, PF_W, PF_R = 1, 2, 4


class ElfError(ValueError):
    """The file is no static RV32 executable that an enclave can be made of."""


@dataclass(frozen=True)
class Segment:
    """One loaded piece: first address, size in memory, the bytes of the file, PF_* flags."""

    va: int
    memory_size: int
    data: bytes
    flags: int
    offset: int | None = None

    @property
    def pages(self) -> range:
        """Virtual page numbers the segment touches."""
        return range(self.va // PAGE, (self.va + self.memory_size + PAGE - 1) // PAGE)


@dataclass(frozen=True)
class Layout:
    """Entry and segments of an accepted file."""

    entry: int
    segments: tuple[Segment, ...]

    @property
    def page_count(self) -> int:
        """Pages of all segments."""
        return sum(len(s.pages) for s in self.segments)

    @property
    def end_va(self) -> int:
        """First page boundary after the highest segment."""
        return max(s.pages.stop for s in self.segments) * PAGE


def _demand(good: bool, what: str) -> None:
    if not good:
        raise ElfError(what)


def layout(image: bytes) -> Layout:
    """Judge a file; raises :class:`ElfError` with the first rule it breaks."""
    _demand(len(image) >= _FILE.size, "shorter than its header")
    magic, kind, order, _, _, etype, machine, _, entry, phoff, _, _, _, phentsize, phnum, *_ = _FILE.unpack_from(image)
    _demand((magic, kind, order, etype, machine) == (b"\x7fELF", 1, 1, 2, 243), "not a little-endian RV32 executable")
    _demand(phentsize == 32 and 1 <= phnum <= MAX_HEADERS, "program headers")
    _demand(phoff % 4 == 0 and phoff + 32 * phnum <= len(image), "place of the program headers")
    segments: list[Segment] = []
    for i in range(phnum):
        ptype, offset, va, _, filesz, memsz, flags, _ = _PROGRAM.unpack_from(image, phoff + 32 * i)
        _demand(ptype not in (PT_DYNAMIC, PT_INTERP), "not static")
        if ptype != PT_LOAD or memsz == 0:
            continue
        _demand(offset + filesz <= len(image) and filesz <= memsz, "segment outside the file")
        _demand(va >= PAGE and va + memsz <= VA_LIMIT and va < VA_LIMIT, "segment outside the address space")
        _demand(va % 4 == offset % 4, "segment and file not aligned alike")
        segment = Segment(va, memsz, image[offset : offset + filesz], flags)
        _demand(all(not set(segment.pages) & set(s.pages) for s in segments), "two segments in one page")
        segments.append(segment)
    _demand(entry % 4 == 0, "entry misaligned")
    _demand(any(s.flags & PF_X and 0 <= entry - s.va < s.memory_size for s in segments), "entry not executable")
    return Layout(entry, tuple(segments))


def write(entry: int, segments: Sequence[Segment], **header: int) -> bytes:
    """Return an ELF file of these segments; ``header`` overrides ``etype``, ``machine``, ``phnum``, and so on."""
    phoff = header.get("phoff", _FILE.size)
    body = bytearray(_FILE.size + _PROGRAM.size * len(segments))
    table = []
    for segment in segments:
        body += bytes(-len(body) % 4 + segment.va % 4)
        offset = segment.offset if segment.offset is not None else len(body)
        body += segment.data
        table.append(
            _PROGRAM.pack(
                PT_LOAD, offset, segment.va, segment.va, len(segment.data), segment.memory_size, segment.flags, 4
            )
        )
    _FILE.pack_into(
        body, 0, b"\x7fELF", header.get("kind", 1), header.get("order", 1), 1, bytes(9), header.get("etype", 2),
        header.get("machine", 243), 1, entry, phoff, 0, 0, _FILE.size, header.get("phentsize", 32),
        header.get("phnum", len(segments)), 0, 0, 0,
    )  # fmt: skip
    body[_FILE.size : _FILE.size + len(table) * _PROGRAM.size] = b"".join(table)
    return bytes(body)
