# SPDX-License-Identifier: Apache-2.0
"""Which ELF files become enclaves: monitor against model, on named cases and on damaged files (hypothesis)."""

import struct
from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from tb.models.abi import ABI
from tb.models.elf32 import PF_R, PF_W, PF_X, ElfError, Segment, layout, write
from yingzhou.soc.memory_map import PAGE_BYTES

from .native import ELF, HPT, MEMORY, NODES, POOL, SCRATCH, SHM
from .pair import Pair, tiny_elf

K = PAGE_BYTES
LIMIT = ABI.YZ_ENCLAVE_VA_LIMIT
CODE = Segment(0x10000, 64, bytes(64), PF_R | PF_X)


@pytest.fixture(scope="module")
def host(executable: Path) -> Iterator[Pair]:
    """A pair with a pool, for many enclaves one after the other."""
    both = Pair(executable=executable)
    both.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * K, 0, 0, 0)
    both.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0)
    both.host(ABI.YZ_HOST_SATP, 1 << 31 | HPT >> 12)
    both.lend_nodes(NODES[0], MEMORY)
    both.host(ABI.YZ_HOST_MEMORY_EXTEND, POOL, 64 * K)
    yield both
    both.close()


def judge(host: Pair, image: bytes, pages: int = 12) -> int:
    """Create from ``image``, compare the tables by entering, and destroy; returns the error."""
    host.write(ELF, image + bytes(2 * K))  # nothing of the file before it
    host.words(SCRATCH, 1, ELF, len(image), MEMORY, pages * K, K, SHM, K)
    error, eid = host.create(SCRATCH)
    if error == 0:
        host.enter(ABI.YZ_HOST_RUN_ENCLAVE, eid)
        host.leave("exit")
    host.check_records()
    return error


GOOD = {
    "two segments": write(0x10004, [CODE, Segment(0x20FF0, 0x1020, b"x" * 0x20, PF_R | PF_W)]),
    "neighbouring pages": write(0x10000, [CODE, Segment(0x11000, 8, b"12345678", PF_R | PF_W)]),
    "falling addresses": write(0x10000, [Segment(0x30000, 8, b"", PF_W), CODE]),
    "first page": write(0x1000, [Segment(0x1000, 4, b"1234", PF_X)]),
    "odd start and size": write(0x10004, [Segment(0x10003, 0x21, b"abcdefg", PF_X)]),
    "no permission": write(0x10000, [CODE, Segment(0x20000, 8, b"", 0)]),
    "write and execute": write(0x10000, [Segment(0x10000, 8, b"12345678", PF_W | PF_X)]),
    "empty segment": write(0x10000, [CODE, Segment(0xFFFF_FFFF, 0, b"", PF_R)]),
    "two leaf tables": write(0x10000, [CODE, Segment(0x3F_F000, 0x2000, b"z", PF_R | PF_W)]),
}
BAD = {
    "64 bit": write(0x10000, [CODE], kind=2),
    "big endian": write(0x10000, [CODE], order=2),
    "shared object": write(0x10000, [CODE], etype=3),
    "other machine": write(0x10000, [CODE], machine=40),
    "no header": write(0x10000, [CODE], phnum=0),
    "too many headers": write(0x10000, [CODE] + [Segment(0x2_0000 + i * K, 4, b"", 4) for i in range(16)]),
    "header size": write(0x10000, [CODE], phentsize=56),
    "headers misaligned": write(0x10000, [CODE], phoff=54),
    "headers outside": write(0x10000, [CODE], phoff=0xFFFF_FFE0),
    "headers cut": write(0x10000, [CODE], phnum=4),
    "file range": write(0x10000, [CODE, Segment(0x20000, 8, b"12345678", PF_R, offset=0x1000_0000)]),
    "file range wraps": write(0x10000, [CODE, Segment(0x20000, 8, b"12345678", PF_R, offset=0xFFFF_FFFC)]),
    "smaller in memory": write(0x10000, [CODE, Segment(0x20000, 4, b"12345678", PF_R)]),
    "page 0": write(0x10000, [CODE, Segment(0xFFC, 4, b"", PF_R)]),
    "beyond the limit": write(0x10000, [CODE, Segment(LIMIT - K, 2 * K, b"", PF_R)]),
    "at the limit": write(0x10000, [CODE, Segment(LIMIT, 4, b"", PF_R)]),
    "over the stack": write(0x10000, [CODE, Segment(ABI.YZ_ENCLAVE_STACK_TOP - K, 4, b"", PF_R)]),
    "over the buffer": write(0x10000, [CODE, Segment(ABI.YZ_ENCLAVE_SHM_VA, 4, b"", PF_R)]),
    "memory wraps": write(0x10000, [CODE, Segment(0x20000, 0xFFFF_FFFF, b"", PF_R)]),
    "same page": write(0x10000, [CODE, Segment(0x10800, 4, b"", PF_R | PF_W)]),
    "overlap": write(0x10000, [Segment(0x10000, 3 * K, b"", PF_X), Segment(0x11000, 4, b"", PF_R)]),
    "inside out": write(0x10000, [Segment(0x11000, 4, b"", PF_R), Segment(0x10000, 3 * K, b"", PF_X)]),
    "other alignment": write(0x10000, [CODE, Segment(0x20000, 8, b"12345678", PF_R, offset=0x35)]),
    "entry outside": write(0x20000, [CODE]),
    "entry in data": write(0x20000, [CODE, Segment(0x20000, 8, b"", PF_R | PF_W)]),
    "entry after the end": write(0x10040, [CODE]),
    "entry misaligned": write(0x10002, [CODE]),
    "no segment": write(0x10000, [Segment(0x10000, 0, b"", PF_X)]),
}
BAD["dynamic"] = write(0x10000, [CODE])[:52] + struct.pack("<I", 2) + write(0x10000, [CODE])[56:]
BAD["interpreter"] = write(0x10000, [CODE])[:52] + struct.pack("<I", 3) + write(0x10000, [CODE])[56:]


@pytest.mark.parametrize("name", GOOD)
def test_accepted(host: Pair, name: str) -> None:
    """The tables hold exactly the pages of the file's segments, with its permissions."""
    assert judge(host, GOOD[name]) == 0


@pytest.mark.parametrize("name", BAD)
def test_refused(host: Pair, name: str) -> None:
    """threat: F01, F02. covers: MON.ELF_HEADER, MON.ELF_FILE_RANGE, MON.ELF_VA_RANGE, MON.ELF_OVERLAP, MON.ELF_ENTRY"""
    assert judge(host, BAD[name]) == ABI.YZ_ERR_ELF


def test_heap_below_the_limit(host: Pair) -> None:
    """Donated pages that would be mapped beyond the limit are refused. threat: F02"""
    image = write(0x10000, [CODE, Segment(LIMIT - 2 * K, K, b"", PF_R)])
    assert judge(host, image, pages=4) == 0
    assert judge(host, image, pages=5) == ABI.YZ_ERR_RANGE


words = st.sampled_from(
    [0, 1, 3, 4, 0xFFC, 0x1000, 0x10000, 0x10800, 0x20000, LIMIT, LIMIT - 1, 0x7FFF_FFFF, 0xFFFF_FFFC, 0xFFFF_FFFF]
)


@given(
    damage=st.lists(st.tuples(st.integers(0, 28), words | st.integers(0, (1 << 32) - 1)), max_size=3),
    cut=st.none() | st.integers(1, 700),
)
@example(damage=[], cut=None)
def test_damaged_files(host: Pair, damage: list[tuple[int, int]], cut: int | None) -> None:
    """Header words replaced, file cut short: both accept or refuse, and nothing is left behind. threat: F01, F02"""
    image = bytearray(tiny_elf())
    for word, value in damage:
        struct.pack_into("<I", image, 4 * word, value)
    error = judge(host, bytes(image[:cut]))
    try:
        layout(bytes(image[:cut]))
    except ElfError:
        assert error == ABI.YZ_ERR_ELF
    else:
        assert error in (0, ABI.YZ_ERR_NO_MEMORY, ABI.YZ_ERR_RANGE)
