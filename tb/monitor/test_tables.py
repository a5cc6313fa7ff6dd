# SPDX-License-Identifier: Apache-2.0
"""SET_PTE and MAP_PTE: which entries are accepted, and that a refused call changes nothing."""

import itertools

import pytest

from tb.models.abi import ABI
from yingzhou.soc.memory_map import DEVICES, DRAM_BASE, PAGE_BYTES, PROTECTED_BASE

from .native import ELF, HPT, LEAF, MEMORY, NODES, POOL, SCRATCH, SHM, Native, pte, ready
from .pair import Pair, tiny_elf

RW = 0xC7
END = DRAM_BASE + 4096 * PAGE_BYTES
SUPERPAGE = DRAM_BASE + 0xC0_0000
ONE, MEMSET, MEMCPY, BATCH_ZERO, BATCH_SET = 1, 2, 3, 4, 5

NOT_TABLES = [
    0, 4, 0xFFC, 0x1000, DRAM_BASE, DRAM_BASE - 4, HPT - 4, HPT + 8 * PAGE_BYTES, MEMORY, POOL, END - 4, END,
    0xFFFF_FFFC,
    PROTECTED_BASE + HPT - DRAM_BASE, DEVICES["uart"].base, DEVICES["guard"].base, DEVICES["sim"].base,
]  # fmt: skip


def request(native: Native, op: int, pa: int, value: int) -> tuple[int, int]:
    """Ask for one entry at ``pa`` through operation ``op``; the zeroing operations ignore ``value``."""
    if op == ONE:
        return native.host(ABI.YZ_HOST_SET_PTE, op, pa, value)
    if op == MEMSET:
        return native.host(ABI.YZ_HOST_SET_PTE, op, pa, 0, 4)
    if op == MEMCPY:
        native.write_words(SCRATCH, value)
        return native.host(ABI.YZ_HOST_SET_PTE, op, pa, SCRATCH, 4)
    native.write_words(SCRATCH, pa, value if op == BATCH_SET else 4)
    return native.host(ABI.YZ_HOST_SET_PTE, op, SCRATCH, 1)


@pytest.mark.parametrize("op", [ONE, MEMSET, MEMCPY, BATCH_ZERO, BATCH_SET])
@pytest.mark.parametrize("pa", NOT_TABLES, ids=hex)
def test_entries_lie_in_host_tables(tables: Native, unchanged, op: int, pa: int) -> None:
    """threat: F01, F06. covers: MON.PTE_LOCATION"""
    with unchanged(tables):
        assert request(tables, op, pa, pte(MEMORY, RW)) == (ABI.YZ_ERR_PTE_LOCATION, 0)


@pytest.mark.parametrize("op", [ONE, MEMSET, MEMCPY, BATCH_ZERO, BATCH_SET])
@pytest.mark.parametrize("offset", [1, 2, 3, 4097])
def test_entries_are_aligned(tables: Native, unchanged, op: int, offset: int) -> None:
    """threat: F01"""
    with unchanged(tables):
        assert request(tables, op, LEAF + offset, pte(MEMORY, RW)) == (ABI.YZ_ERR_ALIGN, 0)


@pytest.fixture
def populated(pair: Pair) -> Pair:
    """A pair with pages of every owner."""
    pair.write(ELF, tiny_elf())
    pair.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * PAGE_BYTES, 0, 0, 0)
    pair.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0)
    pair.host(ABI.YZ_HOST_SATP, 1 << 31 | HPT >> 12)
    pair.lend_nodes(NODES[0], MEMORY)
    pair.host(ABI.YZ_HOST_MEMORY_EXTEND, POOL, 16 * PAGE_BYTES)
    pair.words(SCRATCH, 1, ELF, len(tiny_elf()), MEMORY, 6 * PAGE_BYTES, PAGE_BYTES, SHM, PAGE_BYTES)
    assert pair.create(SCRATCH)[0] == 0
    return pair


TARGETS = [
    SCRATCH, SHM, ELF, HPT, LEAF, MEMORY, POOL, NODES[0], DRAM_BASE, END - PAGE_BYTES, END, 0,
    SUPERPAGE, SUPERPAGE + PAGE_BYTES,
    DRAM_BASE + 0x40_0000, DRAM_BASE + 0x80_0000, PROTECTED_BASE, PROTECTED_BASE + MEMORY - DRAM_BASE,
    PROTECTED_BASE + SCRATCH - DRAM_BASE, *[d.base for d in DEVICES.values()], 0x1_0000_0000, 0x2_8020_0000,
    0x3_FFFF_F000,
]  # fmt: skip


@pytest.mark.parametrize("table", [HPT, LEAF], ids=["root", "leaf"])
def test_truth_table(populated: Pair, table: int) -> None:
    """Every target page, every R, W, X, and the bits that pointers may not have, against the model.

    threat: F04, W06, W07, W09, W11, W24, W25
    covers: MON.PTE_FORMAT, MON.PTE_TARGET, MON.PTE_READ_TABLE
    covers: MON.PTE_DEVICE, MON.PTE_LEVEL, MON.PTE_SUPERPAGE
    """
    accepted = 0
    for target, rwx, other in itertools.product(TARGETS, range(8), [0x01, 0xC1, 0x11, 0x41, 0x81, 0x3E1, 0x00]):
        accepted += populated.host(ABI.YZ_HOST_SET_PTE, ONE, table, pte(target, rwx << 1 | other), 0) == 0
        populated.words(SCRATCH, table, pte(target, rwx << 1 | other))
        populated.host(ABI.YZ_HOST_SET_PTE, BATCH_SET, SCRATCH, 1, 0)
    populated.check_records()
    assert accepted > 50


def test_table_pages_are_read_only_in_host_tables(tables: Native) -> None:
    """threat: W05. covers: MON.PTE_READ_TABLE"""
    assert tables.host(ABI.YZ_HOST_SET_PTE, ONE, LEAF, pte(HPT, 0xC3)) == (0, 0)
    for flags in (0xC7, 0xCB, 0xCF, 0xC9):
        assert tables.host(ABI.YZ_HOST_SET_PTE, ONE, LEAF, pte(HPT, flags)) == (ABI.YZ_ERR_PTE_TARGET, 0)


@pytest.mark.parametrize("position", [0, 1, 30, 59])
@pytest.mark.parametrize(
    "bad", [(LEAF, pte(DRAM_BASE, RW)), (MEMORY, 0), (LEAF + 2, 0), (LEAF, 5), (HPT, pte(MEMORY, 1))]
)
def test_one_bad_entry_refuses_the_batch(tables: Native, unchanged, position: int, bad: tuple[int, int]) -> None:
    """threat: F04. covers: MON.ALL_OR_NOTHING"""
    updates = [(LEAF + 4 * i, pte(MEMORY + i * PAGE_BYTES, RW)) for i in range(60)]
    updates[position] = bad
    tables.write_words(SCRATCH, *itertools.chain(*updates))
    with unchanged(tables):
        assert tables.host(ABI.YZ_HOST_SET_PTE, BATCH_SET, SCRATCH, 60)[0] < 0


def test_copy_of_a_bad_entry_changes_nothing(tables: Native, unchanged) -> None:
    """threat: F04"""
    tables.write_words(SCRATCH, *[pte(MEMORY, RW)] * 7, pte(DRAM_BASE, RW))
    with unchanged(tables):
        assert tables.host(ABI.YZ_HOST_SET_PTE, MEMCPY, LEAF, SCRATCH, 32) == (ABI.YZ_ERR_PTE_TARGET, 0)


@pytest.mark.parametrize("op", [MEMSET, MEMCPY, BATCH_ZERO])
@pytest.mark.parametrize(
    ("size", "error"),
    [
        (0, ABI.YZ_ERR_RANGE), (2, ABI.YZ_ERR_ALIGN), (4097, ABI.YZ_ERR_ALIGN), (4100, ABI.YZ_ERR_COUNT),
        (0x4000_0000, ABI.YZ_ERR_COUNT), (0x8000_0000, ABI.YZ_ERR_COUNT), (0xFFFF_FFFC, ABI.YZ_ERR_COUNT),
        (0xFFFF_FFFF, ABI.YZ_ERR_ALIGN),
    ],
)  # fmt: skip
def test_sizes(tables: Native, unchanged, op: int, size: int, error: int) -> None:
    """threat: F02. covers: MON.BATCH_MAX"""
    if op == BATCH_ZERO:
        tables.write_words(SCRATCH, LEAF, size)
        arguments = (SCRATCH, 1)
    else:
        arguments = (LEAF, SCRATCH if op == MEMCPY else 0, size)
    with unchanged(tables):
        assert tables.host(ABI.YZ_HOST_SET_PTE, op, *arguments) == (error, 0)


def test_largest_requests(tables: Native) -> None:
    """The limits themselves are accepted, for all elements of a batch together. threat: F02. covers: MON.BATCH_MAX"""
    assert tables.host(ABI.YZ_HOST_SET_PTE, MEMSET, LEAF, 0, 4096) == (0, 0)
    assert tables.host(ABI.YZ_HOST_SET_PTE, MEMCPY, LEAF, LEAF + PAGE_BYTES, 4096) == (0, 0)
    updates = [(LEAF + 4 * i, pte(MEMORY, RW)) for i in range(1024)]
    tables.write_words(MEMORY + PAGE_BYTES, *itertools.chain(*updates))
    assert tables.host(ABI.YZ_HOST_SET_PTE, BATCH_SET, MEMORY + PAGE_BYTES, 1024) == (0, 0)
    assert tables.records()[0][(MEMORY - DRAM_BASE) >> 12] >> 9 == 1024
    zeros = [word for i in range(4) for word in (LEAF + 1024 * i, 1024)]
    tables.write_words(SCRATCH, *zeros)
    assert tables.host(ABI.YZ_HOST_SET_PTE, BATCH_ZERO, SCRATCH, 4) == (0, 0)
    assert tables.records()[0][(MEMORY - DRAM_BASE) >> 12] >> 9 == 0
    tables.write_words(SCRATCH, *zeros, LEAF, 4)
    assert tables.host(ABI.YZ_HOST_SET_PTE, BATCH_ZERO, SCRATCH, 5) == (ABI.YZ_ERR_COUNT, 0)


@pytest.mark.parametrize("op", [BATCH_ZERO, BATCH_SET])
@pytest.mark.parametrize(
    ("array", "count", "error"),
    [
        (SCRATCH, 0, ABI.YZ_ERR_RANGE), (SCRATCH, 1025, ABI.YZ_ERR_COUNT), (SCRATCH, 0xFFFF_FFFF, ABI.YZ_ERR_COUNT),
        (SCRATCH, 0x2000_0001, ABI.YZ_ERR_COUNT), (SCRATCH + 1, 1, ABI.YZ_ERR_ALIGN), (0, 1, ABI.YZ_ERR_RANGE),
        (DRAM_BASE, 1, ABI.YZ_ERR_OWNER), (DRAM_BASE + 0x1F_FFF8, 2, ABI.YZ_ERR_OWNER), (HPT - 8, 2, ABI.YZ_ERR_OWNER),
        (HPT, 1, ABI.YZ_ERR_OWNER), (END - 8, 2, ABI.YZ_ERR_RANGE), (0xFFFF_FFF8, 2, ABI.YZ_ERR_RANGE),
        (DEVICES["uart"].base, 1, ABI.YZ_ERR_RANGE), (PROTECTED_BASE + SCRATCH - DRAM_BASE, 1, ABI.YZ_ERR_RANGE),
    ],
)  # fmt: skip
def test_arrays(tables: Native, unchanged, op: int, array: int, count: int, error: int) -> None:
    """threat: F01, F02. covers: MON.BUFFER, MON.BATCH_COUNT"""
    with unchanged(tables):
        assert tables.host(ABI.YZ_HOST_SET_PTE, op, array, count) == (error, 0)


@pytest.mark.parametrize("source", [DRAM_BASE, DRAM_BASE + 0x1F_FFFC, POOL, END, 0xFFFF_FFFC, DEVICES["uart"].base])
def test_copy_reads_only_what_the_host_may(booted: Native, unchanged, source: int) -> None:
    """threat: F01. covers: MON.COPY_SOURCE"""
    ready(booted, pool_pages=1)
    with unchanged(booted):
        assert booted.host(ABI.YZ_HOST_SET_PTE, MEMCPY, LEAF, source, 4) == (ABI.YZ_ERR_OWNER, 0)
        assert booted.host(ABI.YZ_HOST_SET_PTE, MEMCPY, LEAF, source, 8)[0] < 0


def test_arguments_are_read_once(tables: Native) -> None:
    """A host that changes its array while the monitor works changes nothing of the result.

    threat: F01. covers: MON.SNAPSHOT
    """
    tables.write_words(SCRATCH, LEAF, pte(MEMORY, RW), LEAF + 4, pte(MEMORY, RW))
    for offset, value in ((0, MEMORY), (4, pte(DRAM_BASE, RW)), (8, DRAM_BASE), (12, pte(DRAM_BASE, RW))):
        tables.race(SCRATCH + offset, value)
    assert tables.host(ABI.YZ_HOST_SET_PTE, BATCH_SET, SCRATCH, 2) == (0, 0)
    assert tables.read_words(LEAF, 2) == (pte(MEMORY, RW), pte(MEMORY, RW))
    tables.write_words(SCRATCH, pte(MEMORY, RW))
    tables.race(SCRATCH, pte(DRAM_BASE, RW))
    assert tables.host(ABI.YZ_HOST_SET_PTE, MEMCPY, LEAF + 8, SCRATCH, 4) == (0, 0)
    assert tables.read_words(LEAF + 8, 1) == (pte(MEMORY, RW),)


def test_same_entry_twice_in_a_batch(pair: Pair) -> None:
    """The second write sees the first: counts stay exact."""
    pair.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * PAGE_BYTES, 0, 0, 0)
    pair.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0)
    pair.words(
        SCRATCH, LEAF, pte(MEMORY, RW), LEAF, pte(SHM, RW), LEAF, pte(MEMORY, RW), HPT, pte(SUPERPAGE, RW), HPT, 0
    )
    pair.host(ABI.YZ_HOST_SET_PTE, BATCH_SET, SCRATCH, 5, 0)
    pair.check_records()
    pair.check_host_walks()


def test_invalid_entries_are_kept_as_given(tables: Native) -> None:
    """With V = 0 the other bits are the host's own, whatever page they would name."""
    for value in (0xFFFF_FFFE, pte(DRAM_BASE, 0xCE), 2):
        assert tables.host(ABI.YZ_HOST_SET_PTE, ONE, LEAF, value) == (0, 0)
        assert tables.read_words(LEAF, 1) == (value,)
    assert tables.records()[0][0] >> 9 == 0


@pytest.mark.parametrize("op", [0, 6, 0xFFFF_FFFF])
def test_unknown_operation(tables: Native, unchanged, op: int) -> None:
    """threat: F26"""
    with unchanged(tables):
        assert tables.host(ABI.YZ_HOST_SET_PTE, op, LEAF, 0, 4) == (ABI.SBI_ERR_INVALID_PARAM, 0)


@pytest.fixture
def superpage(tables: Native) -> Native:
    """A monitor whose first root table maps one superpage."""
    assert tables.host(ABI.YZ_HOST_SET_PTE, ONE, HPT, pte(SUPERPAGE, 0xDF)) == (0, 0)
    tables.dirty()
    return tables


def test_split(superpage: Native) -> None:
    """The full table is in place before the pointer to it. threat: W13"""
    assert superpage.host(ABI.YZ_HOST_MAP_PTE, HPT, LEAF) == (0, 0)
    stores = [(address, value) for op, address, value in superpage.log() if op == 2]
    assert stores[:-1] == [(LEAF + 4 * i, pte(SUPERPAGE + i * PAGE_BYTES, 0xDF)) for i in range(1024)]
    assert stores[-1] == (HPT, pte(LEAF, 1))
    assert superpage.log()[-1][0] == 5
    records, chunks = superpage.records()
    assert chunks[3] == (0, 0) and all(r >> 9 == 1 for r in records[3072:4096])


@pytest.mark.parametrize(
    ("where", "table", "error"),
    [
        (HPT + 1, LEAF, ABI.YZ_ERR_ALIGN), (HPT, LEAF + 4, ABI.YZ_ERR_ALIGN), (MEMORY, LEAF, ABI.YZ_ERR_PTE_LOCATION),
        (LEAF, LEAF, ABI.YZ_ERR_PTE_LOCATION), (HPT, HPT + PAGE_BYTES, ABI.YZ_ERR_PTE_LOCATION),
        (HPT, MEMORY, ABI.YZ_ERR_PTE_LOCATION), (HPT, DRAM_BASE, ABI.YZ_ERR_PTE_LOCATION),
        (HPT, 0, ABI.YZ_ERR_PTE_LOCATION),
        (HPT + 4, LEAF, ABI.YZ_ERR_PTE_FORMAT), (HPT + 8, LEAF, ABI.YZ_ERR_PTE_FORMAT),
        (HPT, LEAF + PAGE_BYTES, ABI.YZ_ERR_BUSY),
    ],
)  # fmt: skip
def test_refused_splits(superpage: Native, unchanged, where: int, table: int, error: int) -> None:
    """threat: F01, F06. covers: MON.SPLIT_LOCATION"""
    assert superpage.host(ABI.YZ_HOST_SET_PTE, ONE, HPT + 8, pte(LEAF, 1)) == (0, 0)
    assert superpage.host(ABI.YZ_HOST_SET_PTE, ONE, LEAF + 2 * PAGE_BYTES - 4, 2) == (0, 0)
    with unchanged(superpage):
        assert superpage.host(ABI.YZ_HOST_MAP_PTE, where, table) == (error, 0)


def _requests() -> list[tuple[str, list[int], list[int]]]:
    """Name, words at SCRATCH, and arguments of a valid request of each kind."""
    pairs = [word for i in range(3) for word in (LEAF + 4 * i, pte(SHM, RW))]
    return [
        ("one", [], [ABI.YZ_HOST_SET_PTE, ONE, LEAF, pte(SHM, RW)]),
        ("memset", [], [ABI.YZ_HOST_SET_PTE, MEMSET, LEAF, 0, 16]),
        ("memcpy", [pte(SHM, RW), 0], [ABI.YZ_HOST_SET_PTE, MEMCPY, LEAF, SCRATCH, 8]),
        ("batch zero", [LEAF, 8, HPT, 4], [ABI.YZ_HOST_SET_PTE, BATCH_ZERO, SCRATCH, 2]),
        ("batch set", [*pairs, HPT, 0], [ABI.YZ_HOST_SET_PTE, BATCH_SET, SCRATCH, 4]),
        ("split", [], [ABI.YZ_HOST_MAP_PTE, HPT, LEAF + PAGE_BYTES]),
    ]


@pytest.mark.parametrize(("name", "words", "call"), _requests(), ids=[r[0] for r in _requests()])
def test_a_fault_at_any_access_undoes_the_call(superpage: Native, name: str, words: list[int], call: list[int]) -> None:
    """threat: F15. covers: MON.ALL_OR_NOTHING"""
    native = superpage
    native.write_words(LEAF, 0, 0)
    for i in range(3):
        assert native.host(ABI.YZ_HOST_SET_PTE, ONE, LEAF + 4 * i, pte(MEMORY, RW)) == (0, 0)
    native.write_words(SCRATCH, *words, *[0] * 4)
    records, image = native.records(), native.read(HPT, 8 * PAGE_BYTES)
    at = 0
    while True:
        native.fault(at)
        error, _ = native.host(*call)
        native.no_fault()
        if native.accesses() <= at:
            break
        assert error == ABI.SBI_ERR_FAILED, f"access {at}"
        assert native.records() == records and native.read(HPT, 8 * PAGE_BYTES) == image, f"access {at}"
        at += 1 if at < 40 else 97
    assert at > 1 and error == 0


def test_a_table_that_cannot_be_restored_stops_the_machine(tables: Native) -> None:
    """When the undo faults too, going on would not be safe. threat: F15"""
    tables.write_words(SCRATCH, LEAF, pte(SHM, RW), LEAF + 4, pte(SHM, RW))
    tables.fault(6, 100)
    assert tables.host(ABI.YZ_HOST_SET_PTE, BATCH_SET, SCRATCH, 2) and tables.last.stop == 70
    assert b"neither written nor restored" in tables.console()
