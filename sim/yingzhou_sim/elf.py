# SPDX-License-Identifier: Apache-2.0
"""Static RV32 ELF files: reading and refusing them with a clear sentence."""

from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from yingzhou.errors import ConfigError, require

EF_RISCV_RVC, EF_RISCV_FLOAT_ABI, EF_RISCV_RVE = 0x1, 0x6, 0x8
"""Bits of ``e_flags`` that ask for what the hart does not have (RISC-V ELF psABI, 8.1)."""
EM_RISCV = 243
"""``e_machine`` of RISC-V (RISC-V ELF psABI, 8.1)."""


@dataclass(frozen=True)
class Segment:
    """One loadable segment: physical address, file contents, size in memory in bytes."""

    address: int
    data: bytes
    size: int


@dataclass(frozen=True)
class Image:
    """What is loaded: entry point and segments in file order."""

    path: Path
    entry: int
    segments: tuple[Segment, ...]


def read_elf(path: Path) -> Image:
    """Read a static RV32 little-endian executable.

    Raises
    ------
    ConfigError
        The file is missing, truncated, no ELF, 64-bit, big-endian, not RISC-V, not a static executable, or has nothing
        to load.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    require(len(data) >= 4 and data[:4] == b"\x7fELF", f"{path} is not an ELF file")
    require(len(data) >= 52, f"{path} is truncated: {len(data)} bytes do not hold an ELF header")
    require(data[4] == 1, f"{path} is a {'64-bit' if data[4] == 2 else 'malformed'} ELF; a 32-bit one is needed (RV32)")
    require(data[5] == 1, f"{path} is not little-endian")
    machine = int.from_bytes(data[18:20], "little")
    require(machine == EM_RISCV, f"{path} is for machine {machine}; RISC-V ({EM_RISCV}) is needed")
    kind = int.from_bytes(data[16:18], "little")
    require(kind == 2, f"{path} has ELF type {kind}; a static executable (type 2) is needed")
    flags = int.from_bytes(data[36:40], "little")
    for bit, what in (
        (EF_RISCV_RVC, "compressed instructions (C)"),
        (EF_RISCV_FLOAT_ABI, "floating-point registers (F, D or Q)"),
        (EF_RISCV_RVE, "the E base"),
    ):
        require(flags & bit == 0, f"{path} was compiled for {what}; this hart is RV32IMA with the ilp32 ABI")
    try:
        with open(path, "rb") as stream:
            elf = ELFFile(stream)
            headers = [s.header for s in elf.iter_segments() if s.header.p_type == "PT_LOAD" and s.header.p_memsz > 0]
            entry = elf.header.e_entry
    except (ELFError, ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is truncated or damaged: {error}") from None
    require(bool(headers), f"{path} has no loadable segment")
    segments = []
    for h in headers:
        require(
            h.p_offset + h.p_filesz <= len(data),
            f"{path} is truncated: a segment ends at byte {h.p_offset + h.p_filesz} of {len(data)}",
        )
        require(
            h.p_filesz <= h.p_memsz,
            f"{path} is damaged: a segment of {h.p_memsz} bytes in memory has {h.p_filesz} bytes in the file",
        )
        segments.append(Segment(h.p_paddr, data[h.p_offset : h.p_offset + h.p_filesz], h.p_memsz))
    return Image(path, entry, tuple(segments))


def require_range(image: Image, low: int, high: int, entry: int | None = None) -> None:
    """Refuse an image with bytes outside ``[low, high)``, or with another entry point than ``entry``."""
    for s in image.segments:
        require(
            low <= s.address and s.address + s.size <= high,
            f"{image.path} loads bytes {s.address:#x} to {s.address + s.size - 1:#x}; "
            f"accepted are {low:#x} to {high - 1:#x}",
        )
    if entry is not None:
        require(image.entry == entry, f"{image.path} starts at {image.entry:#x}; this machine starts at {entry:#x}")
