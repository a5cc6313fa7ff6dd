# SPDX-License-Identifier: Apache-2.0
"""SM_INIT, PT_AREA_SEPARATION, HPT_EXTEND, MEMORY_EXTEND: areas in records, PMP and guard."""

import pytest

from tb.models.abi import ABI
from tb.models.monitor_tables import HOST, LEAF, ROOT, SHARED, TABLE
from yingzhou.soc.memory_map import DEVICES, DRAM_BASE, PAGE_BYTES, PROTECTED_BASE

from .native import (
    CSR,
    DEVICE_WRITE,
    ELF,
    HPT,
    MEMORY,
    NODE_PAGES,
    NODES,
    POOL,
    SCRATCH,
    SHM,
    STORE,
    TLB_FLUSH,
    Native,
    lend_nodes,
    protected,
    pte,
    ready,
)
from .native import LEAF as LEAF_TABLE
from .pair import tiny_elf

END = DRAM_BASE + 4096 * PAGE_BYTES
K = PAGE_BYTES
BAD_AREAS = [
    (HPT, 0, ABI.YZ_ERR_ALIGN), (HPT, 3 * K, ABI.YZ_ERR_ALIGN), (HPT + K, 8 * K, ABI.YZ_ERR_ALIGN),
    (HPT, 2048, ABI.YZ_ERR_ALIGN),
    (HPT + 1, 8 * K, ABI.YZ_ERR_ALIGN), (HPT, 0xFFFF_FFFF, ABI.YZ_ERR_ALIGN), (0, 8 * K, ABI.YZ_ERR_RANGE),
    (0xFFFF_8000, 8 * K, ABI.YZ_ERR_RANGE), (END, 8 * K, ABI.YZ_ERR_RANGE),
    (DRAM_BASE - 8 * K, 8 * K, ABI.YZ_ERR_RANGE),
    (0x8000_0000, 0x8000_0000, ABI.YZ_ERR_RANGE), (PROTECTED_BASE, 8 * K, ABI.YZ_ERR_RANGE),
    (DEVICES["guard"].base, K, ABI.YZ_ERR_RANGE), (DRAM_BASE, 8 * K, ABI.YZ_ERR_OWNER),
    (DRAM_BASE + 0x1F_8000, 8 * K, ABI.YZ_ERR_OWNER), (DRAM_BASE, 0x40_0000, ABI.YZ_ERR_OWNER),
]  # fmt: skip


def owners(native: Native, pa: int, count: int) -> list[int]:
    """Owners of ``count`` pages from ``pa`` on."""
    first = (pa - DRAM_BASE) // PAGE_BYTES
    return [r & 15 for r in native.records()[0][first : first + count]]


def pmp(native: Native, entry: int) -> tuple[int, int, int]:
    """Configuration byte, base and size of a NAPOT entry."""
    config = native.csr(CSR["pmpcfg0"] + entry // 4) >> 8 * (entry % 4) & 0xFF
    address = native.csr(CSR["pmpaddr0"] + entry)
    size = (address ^ address + 1) + 1 << 2
    return config, (address << 2) & ~(size - 1) & 0xFFFF_FFFF, size


def area(native: Native, i: int) -> tuple[int, int, int]:
    """Attributes, base and limit page of guard area ``i``."""
    word = 0x40 + 8 * i
    attr, base, base_hi, limit, limit_hi = native.guard()[word : word + 5]
    assert base_hi == limit_hi == 0
    return attr, base, limit


@pytest.mark.parametrize(("pa", "size", "error"), BAD_AREAS, ids=lambda v: hex(v & 0xFFFFFFFF))
def test_refused_areas(booted: Native, unchanged, pa: int, size: int, error: int) -> None:
    """Unaligned, wrapping, over the monitor, outside DRAM. threat: F01, F02, F34. covers: MON.NAPOT, MON.OWNER"""
    with unchanged(booted):
        assert booted.host(ABI.YZ_HOST_SM_INIT, pa, size) == (error, 0)
        assert booted.csr("mstatus") & 1 << 20 == 0
    ready(booted)
    with unchanged(booted):
        for function in (ABI.YZ_HOST_HPT_EXTEND, ABI.YZ_HOST_MEMORY_EXTEND):
            assert booted.host(function, pa, size) == (ABI.YZ_ERR_OWNER if (pa, size) == (HPT, 8 * K) else error, 0)


def test_init_needs_room_for_two_levels(booted: Native, unchanged) -> None:
    """threat: F34"""
    with unchanged(booted):
        assert booted.host(ABI.YZ_HOST_SM_INIT, HPT, K) == (ABI.YZ_ERR_RANGE, 0)
        for argument in range(2, 5):
            assert booted.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * K, *[int(i == argument) for i in range(2, 5)])[0] < 0


def test_init_once(booted: Native, unchanged) -> None:
    """threat: F34. covers: MON.INIT_ONCE"""
    assert booted.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * K) == (0, 0)
    with unchanged(booted):
        assert booted.host(ABI.YZ_HOST_SM_INIT, MEMORY, 8 * K) == (ABI.YZ_ERR_STATE, 0)
    assert booted.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0) == (0, 0)
    with unchanged(booted):
        assert booted.host(ABI.YZ_HOST_SM_INIT, MEMORY, 8 * K) == (ABI.YZ_ERR_STATE, 0)
        assert booted.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0) == (ABI.YZ_ERR_STATE, 0)


def test_init_with_paging_on(booted: Native, unchanged) -> None:
    """Tables that nobody judged may not be in use. threat: F34. covers: MON.INIT_BARE"""
    booted.set_csr("satp", 1 << 31 | MEMORY >> 12)
    with unchanged(booted):
        assert booted.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * K) == (ABI.YZ_ERR_STATE, 0)


def test_nothing_works_before_separation(booted: Native, unchanged) -> None:
    """threat: F34"""
    calls = [
        (ABI.YZ_HOST_SET_PTE, 1, LEAF_TABLE, 0), (ABI.YZ_HOST_MAP_PTE, HPT, LEAF_TABLE),
        (ABI.YZ_HOST_SATP, 1 << 31 | HPT >> 12),
        (ABI.YZ_HOST_HPT_EXTEND, MEMORY, K, 0), (ABI.YZ_HOST_MEMORY_EXTEND, MEMORY, K),
        (ABI.YZ_HOST_CREATE_ENCLAVE, SCRATCH),
    ]  # fmt: skip
    with unchanged(booted):
        assert booted.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0) == (ABI.YZ_ERR_STATE, 0)
        for call in calls:
            assert booted.host(*call) == (ABI.YZ_ERR_STATE, 0)
    assert booted.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * K) == (0, 0)
    booted.dirty()
    with unchanged(booted):
        for call in calls:
            assert booted.host(*call) == (ABI.YZ_ERR_STATE, 0)


@pytest.mark.parametrize(
    ("root", "leaf", "error"),
    [(3, 0, ABI.YZ_ERR_RANGE), (4, 0, ABI.YZ_ERR_RANGE), (31, 0, ABI.YZ_ERR_RANGE), (32, 0, ABI.YZ_ERR_RANGE),
     (0xFFFF_FFFF, 0, ABI.YZ_ERR_RANGE), (1, 1, ABI.SBI_ERR_INVALID_PARAM)],
)  # fmt: skip
def test_refused_separations(booted: Native, unchanged, root: int, leaf: int, error: int) -> None:
    """threat: F02"""
    assert booted.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * K) == (0, 0)
    booted.dirty()
    with unchanged(booted):
        assert booted.host(ABI.YZ_HOST_PT_AREA_SEPARATION, root, leaf) == (error, 0)


def test_areas_in_records_pmp_and_guard(booted: Native) -> None:
    """threat: W04, W32, F33. covers: MON.PMP_HPT, MON.GUARD_LOCK, MON.TVM"""
    booted.write(HPT, b"\xff" * 8 * K)
    ready(booted)
    assert booted.read(HPT, 8 * K) == bytes(8 * K)
    assert owners(booted, HPT, 9) == [ROOT] * 2 + [LEAF] * 6 + [HOST]
    assert pmp(booted, 2) == (0x19, HPT, 8 * K)
    page = HPT >> 12
    assert area(booted, 0) == (1 << 31 | 2 << 4 | 1, page, page + 2)
    assert area(booted, 1) == (1 << 31 | 1 << 4 | 1, page + 2, page + 8)
    assert booted.guard()[2] == 1
    assert booted.csr("mstatus") & 1 << 20
    assert not booted.csr("medeleg") & 1 << 2


def test_an_area_entry_is_off_while_it_changes(booted: Native) -> None:
    """threat: W32"""
    assert booted.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * K) == (0, 0)
    booted.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0)
    base = DEVICES["guard"].base + 0x100
    writes = [(address - base, value) for op, address, value in booted.log() if op == DEVICE_WRITE]
    first = [w for w in writes if w[0] < 0x20]
    assert first[0] == (0, 0) and first[-2][0] == 0 and first[-1] == (0, first[-2][1] | 1 << 31)
    assert [w[0] for w in first[1:-2]] == [4, 8, 12, 16]


def test_areas_are_closed_before_they_are_emptied(booted: Native) -> None:
    """The host can store into no page between its clearing and its being a table. threat: F34"""
    booted.host(ABI.YZ_HOST_SM_INIT, HPT, K * 2)
    kinds = [op for op, address, _ in booted.log() if op in (STORE, TLB_FLUSH)]
    assert TLB_FLUSH in kinds[: kinds.index(STORE)]


def test_extensions(booted: Native) -> None:
    """Adjacent areas, the last entries of PMP, then no slot. threat: F27. covers: MON.PMP_TABLES"""
    ready(booted)
    for i, level in enumerate((0, 1, 0)):
        pa = HPT + (8 + i) * K
        booted.write(pa, b"\xff" * K)
        assert booted.host(ABI.YZ_HOST_HPT_EXTEND, pa, K, level) == (0, 0)
        assert pmp(booted, 3 + i) == (0x19, pa, K)
        assert owners(booted, pa, 1) == [ROOT if level else LEAF]
        assert area(booted, 2 + i) == (1 << 31 | (2 if level else 1) << 4 | 1, pa >> 12, (pa >> 12) + 1)
        assert booted.read(pa, K) == bytes(K)
    assert booted.host(ABI.YZ_HOST_HPT_EXTEND, HPT + 11 * K, K, 0) == (ABI.YZ_ERR_NO_SLOT, 0)
    lend_nodes(booted, NODES[1], END - K)
    for i, pa in enumerate((POOL, END - 2 * K)):
        booted.write(pa, b"\xff" * 2 * K)
        assert booted.host(ABI.YZ_HOST_MEMORY_EXTEND, pa, 2 * K) == (0, 0)
        assert pmp(booted, 6 + i) == (0x18, pa, 2 * K)
        assert owners(booted, pa, 2) == [TABLE] * 2
        page = (pa | 1 << 30) >> 12
        assert area(booted, 5 + i) == (1 << 31 | 15 << 4 | 2, page, page + 2)
        assert booted.read(protected(pa), 2 * K) == bytes(2 * K)
    assert booted.host(ABI.YZ_HOST_MEMORY_EXTEND, MEMORY, K) == (ABI.YZ_ERR_NO_SLOT, 0)
    assert booted.host(ABI.YZ_HOST_SET_PTE, 1, HPT + 8 * K, pte(SCRATCH, 0xC7)) == (0, 0)


def test_a_small_guard_runs_out_of_areas(executable, unchanged) -> None:
    """threat: F27"""
    with Native(areas=3, executable=executable) as native:
        ready(native)
        assert native.host(ABI.YZ_HOST_HPT_EXTEND, MEMORY, K, 0) == (0, 0)
        native.dirty()
        with unchanged(native):
            assert native.host(ABI.YZ_HOST_HPT_EXTEND, MEMORY + K, K, 0) == (ABI.YZ_ERR_NO_SLOT, 0)
            assert native.host(ABI.YZ_HOST_MEMORY_EXTEND, MEMORY + K, K) == (ABI.YZ_ERR_NO_SLOT, 0)


def test_too_many_tables(executable) -> None:
    """Mapping counters cannot overflow: tables for more entries than they count are refused."""
    with Native(dram_pages=16384, executable=executable) as native:
        assert native.host(ABI.YZ_HOST_SM_INIT, DRAM_BASE + 0x200_0000, 0x200_0000) == (ABI.YZ_ERR_RANGE, 0)
        assert native.host(ABI.YZ_HOST_SM_INIT, DRAM_BASE + 0x200_0000, 0x100_0000) == (0, 0)


def test_no_guard_no_access_to_its_registers(executable) -> None:
    """With the checker `none` the monitor never touches the guard (the native machine would end at once)."""
    with Native(checker=0, executable=executable) as native:
        ready(native, paged=True, pool_pages=1)
        assert native.host(ABI.YZ_HOST_SET_PTE, 1, LEAF_TABLE, pte(DRAM_BASE, 0xC7)) == (ABI.YZ_ERR_PTE_TARGET, 0)


@pytest.mark.parametrize("function", ["YZ_HOST_SM_INIT", "YZ_HOST_HPT_EXTEND", "YZ_HOST_MEMORY_EXTEND"])
def test_a_fault_while_clearing_leaves_the_pages_with_the_host(booted: Native, function: str) -> None:
    """threat: F15"""
    if function != "YZ_HOST_SM_INIT":
        ready(booted)
    records = booted.records()
    for at in (0, 1, 1023):
        booted.fault(at)
        assert booted.host(getattr(ABI, function), MEMORY, 2 * K) == (ABI.SBI_ERR_FAILED, 0)
        assert booted.records() == records
        slot = {"YZ_HOST_SM_INIT": 2, "YZ_HOST_HPT_EXTEND": 3, "YZ_HOST_MEMORY_EXTEND": 6}[function]
        assert pmp(booted, slot)[0] == 0
    booted.no_fault()
    assert booted.host(getattr(ABI, function), MEMORY, 2 * K) == (0, 0)


def test_conversion_unmaps_everywhere_and_flushes(tables: Native) -> None:
    """threat: F08, F34. covers: MON.UNMAP, MON.TLB_CONVERT"""
    for slot in (0, 5, 1023, 1024, 6 * 1024 - 1):
        assert tables.host(ABI.YZ_HOST_SET_PTE, 1, LEAF_TABLE + 4 * slot, pte(MEMORY + K, 0xC7)) == (0, 0)
    assert tables.host(ABI.YZ_HOST_MEMORY_EXTEND, MEMORY, 2 * K) == (0, 0)
    assert tables.read(LEAF_TABLE, 6 * K) == bytes(6 * K)
    log = tables.log()
    cleared = [i for i, (op, address, _) in enumerate(log) if op == STORE and HPT <= address < HPT + 8 * K]
    flush = next(i for i, (op, _, _) in enumerate(log) if op == TLB_FLUSH and i > cleared[-1])
    emptied = next(i for i, (op, address, _) in enumerate(log) if op == STORE and address >= PROTECTED_BASE)
    assert len(cleared) == 5 and cleared[-1] < flush < emptied


@pytest.mark.parametrize("page", [0, 1, 1023])
def test_conversion_under_a_superpage(tables: Native, unchanged, page: int) -> None:
    """threat: F08, W07. covers: MON.SUPERPAGE_FIRST"""
    superpage = DRAM_BASE + 0xC0_0000
    assert tables.host(ABI.YZ_HOST_SET_PTE, 1, HPT, pte(superpage, 0xC7)) == (0, 0)
    tables.dirty()
    with unchanged(tables):
        for function in (ABI.YZ_HOST_MEMORY_EXTEND, ABI.YZ_HOST_HPT_EXTEND):
            assert tables.host(function, superpage + page * K, K) == (ABI.YZ_ERR_MAPPED, 0)
    assert tables.host(ABI.YZ_HOST_MAP_PTE, HPT, LEAF_TABLE) == (0, 0)
    lend_nodes(tables, NODES[1], superpage)
    assert tables.host(ABI.YZ_HOST_MEMORY_EXTEND, superpage + page * K, K) == (0, 0)
    assert tables.read_words(LEAF_TABLE + 4 * page, 1) == (0,)


@pytest.mark.parametrize("function", ["YZ_HOST_HPT_EXTEND", "YZ_HOST_MEMORY_EXTEND"])
def test_pages_are_given_once(tables: Native, function: str) -> None:
    """The same page twice, overlapping ranges, a page of the tables. threat: F07. covers: MON.OWNER"""
    assert tables.host(getattr(ABI, function), MEMORY, 4 * K) == (0, 0)
    for other in ("YZ_HOST_HPT_EXTEND", "YZ_HOST_MEMORY_EXTEND"):
        for pa, size in ((MEMORY, 4 * K), (MEMORY + 3 * K, K), (MEMORY, 8 * K), (HPT, K), (LEAF_TABLE, 2 * K)):
            assert tables.host(getattr(ABI, other), pa, size) == (ABI.YZ_ERR_OWNER, 0)


def test_bitmap_follows_ownership(executable) -> None:
    """With the bitmap checker: a bit for each page that the host may not map, flushed before the page is used."""
    with Native(checker=2, executable=executable) as native:
        native.write(ELF, tiny_elf())
        ready(native, paged=True, pool_pages=16)
        native.write_words(SCRATCH, 1, ELF, len(tiny_elf()), MEMORY, 6 * K, K, SHM, K)
        assert native.guard()[2] == 1 and native.guard()[10:12] == (DRAM_BASE >> 12, 4096)
        for call in ((ABI.YZ_HOST_CREATE_ENCLAVE, SCRATCH), (ABI.YZ_HOST_DESTROY_ENCLAVE, 16)):
            assert native.host(*call)[0] == 0
            closed = [r & 15 not in (HOST, ROOT, LEAF, SHARED) for r in native.records()[0]]
            assert native.bitmap() == closed
            assert (DEVICE_WRITE, DEVICES["guard"].base + 0x20, 1) in native.log()
        assert sum(native.bitmap()) == 512 + 16 + NODE_PAGES
