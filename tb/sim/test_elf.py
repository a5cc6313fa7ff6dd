# SPDX-License-Identifier: Apache-2.0
"""Programs that cannot be loaded are refused with one sentence that says what is wrong."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yingzhou.errors import ConfigError
from yingzhou_sim.elf import read_elf, require_range

BASE = 0x8000_0000


def make_elf(
    *, bits=1, data=1, machine=243, kind=2, address=BASE, flags=0, payload=b"\x13\0\0\0" * 4, memory=None, segments=1
):
    """Return a small ELF file; the defaults are a good one (System V gABI, figures 4-3 and 5-1)."""
    ident = b"\x7fELF" + bytes([bits, data, 1]) + bytes(9)
    offset = 52 + 32 * segments
    header = struct.pack("<HHIIIIIHHHHHH", kind, machine, 1, BASE, 52, 0, flags, 52, 32, segments, 40, 0, 0)
    program = struct.pack("<IIIIIIII", 1, offset, address, address, len(payload), memory or len(payload), 5, 4096)
    return ident + header + program * segments + payload


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "program.elf"


def test_good(path):
    """A good file gives its entry and bytes."""
    path.write_bytes(make_elf(memory=64))
    image = read_elf(path)
    require_range(image, BASE, BASE + 4096, entry=BASE)
    assert (image.entry, image.segments[0].address, image.segments[0].size) == (BASE, BASE, 64)
    assert image.segments[0].data == b"\x13\0\0\0" * 4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an ELF file"),
        (b"#!/bin/sh\n", "not an ELF file"),
        (make_elf()[:40], "truncated"),
        (make_elf()[:60], "truncated"),
        (make_elf()[:-4], "truncated"),
        (make_elf(bits=2), "64-bit"),
        (make_elf(data=2), "little-endian"),
        (make_elf(machine=62), "machine 62"),
        (make_elf(kind=3), "type 3"),
        (make_elf(flags=1), "compressed"),
        (make_elf(flags=4), "floating-point"),
        (make_elf(flags=8), "E base"),
        (make_elf(segments=0), "no loadable segment"),
        (make_elf(memory=4), "damaged"),
    ],
)
def test_bad(path, content, words):
    """Each fault has its own sentence, which names the file."""
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=words) as error:
        read_elf(path)
    assert str(path) in str(error.value)


def test_missing(path):
    """A file that does not exist is named."""
    with pytest.raises(ConfigError, match=r"cannot read .*program\.elf"):
        read_elf(path)


@pytest.mark.parametrize("address", [0x7FFF_FFF8, BASE + 4096 - 8, 0xFFFF_FFF8, 0])
def test_out_of_range(path, address):
    """Bytes outside the accepted range are named, also when the segment would wrap."""
    path.write_bytes(make_elf(address=address))
    with pytest.raises(ConfigError, match=f"{address:#x}"):
        require_range(read_elf(path), BASE, BASE + 4096)


def test_wrong_entry(path):
    """A program that starts elsewhere than the hart does is refused."""
    path.write_bytes(make_elf())
    with pytest.raises(ConfigError, match="starts at 0x80000000"):
        require_range(read_elf(path), BASE, BASE + 4096, entry=BASE + 4)


@given(st.binary(min_size=1, max_size=8), st.integers(0, 99))
def test_damaged(tmp_path_factory, noise, position):
    """Whatever bytes a file has, it is read or refused; nothing else is raised."""
    content = bytearray(make_elf())
    content[position : position + len(noise)] = noise
    path = tmp_path_factory.mktemp("elf") / "p.elf"
    path.write_bytes(content)
    try:
        image = read_elf(path)
        require_range(image, BASE, BASE + 4096)
    except ConfigError as error:
        assert "\n" not in str(error)
    else:
        assert all(BASE <= s.address and s.address + s.size <= BASE + 4096 for s in image.segments)
