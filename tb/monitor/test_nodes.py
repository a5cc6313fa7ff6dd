# SPDX-License-Identifier: Apache-2.0
"""MMT_EXTEND, MMT_INFO: metadata of the memory engine, from the host and back to it."""

import pytest

from tb.models.abi import ABI
from tb.models.monitor_tables import ENCLAVE, HOST, NODE, SHARED
from yingzhou.soc.memory_map import BOOT_ARGS, DEVICES, DRAM_BASE, PAGE_BYTES, PROTECTED_BASE

from .native import (
    ELF,
    HPT,
    LEAF,
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
from .pair import Pair, tiny_elf
from .test_areas import owners
from .test_enclave import GOOD, create

K = PAGE_BYTES
SIZE = NODE_PAGES * K
END = DRAM_BASE + 4096 * K
FAR = DRAM_BASE + 0xC0_0000
"""A subtree without metadata after :func:`ready`."""
SUBTREE = 4 << 20


@pytest.fixture
def native(booted: Native) -> Native:
    """A paged host with a pool, whose subtree has metadata."""
    booted.write(ELF, tiny_elf())
    return ready(booted, paged=True, pool_pages=16)


REFUSED = [
    ((NODES[1] + 4, SIZE, FAR), ABI.YZ_ERR_ALIGN), ((NODES[1], SIZE + 4, FAR), ABI.YZ_ERR_ALIGN),
    ((NODES[1], 0, FAR), ABI.YZ_ERR_RANGE), ((NODES[1], SIZE - K, FAR), ABI.YZ_ERR_RANGE),
    ((NODES[1], SIZE + K, FAR), ABI.YZ_ERR_RANGE), ((NODES[1], 0xFFFF_F000, FAR), ABI.YZ_ERR_RANGE),
    ((END - SIZE + K, SIZE, FAR), ABI.YZ_ERR_RANGE), ((END, SIZE, FAR), ABI.YZ_ERR_RANGE),
    ((0, SIZE, FAR), ABI.YZ_ERR_RANGE),
    ((PROTECTED_BASE + 0x21_0000, SIZE, FAR), ABI.YZ_ERR_RANGE), ((DEVICES["mmt"].base, SIZE, FAR), ABI.YZ_ERR_RANGE),
    ((0xFFFF_F000, SIZE, FAR), ABI.YZ_ERR_RANGE), ((NODES[1], SIZE, FAR + 4), ABI.YZ_ERR_ALIGN),
    ((NODES[1], SIZE, END), ABI.YZ_ERR_RANGE), ((NODES[1], SIZE, 0), ABI.YZ_ERR_RANGE),
    ((NODES[1], SIZE, protected(FAR)), ABI.YZ_ERR_RANGE), ((NODES[1], SIZE, 0xFFFF_F000), ABI.YZ_ERR_RANGE),
    ((NODES[1], SIZE, BOOT_ARGS), ABI.YZ_ERR_RANGE), ((NODES[1], SIZE, DRAM_BASE), ABI.YZ_ERR_RANGE),
    ((NODES[1], SIZE, MEMORY), ABI.YZ_ERR_BUSY), ((NODES[1], SIZE, POOL), ABI.YZ_ERR_BUSY),
    ((FAR, SIZE, FAR), ABI.YZ_ERR_RANGE), ((END - SIZE, SIZE, FAR), ABI.YZ_ERR_RANGE),
    ((FAR - K, SIZE, FAR), ABI.YZ_ERR_RANGE), ((MEMORY + 0x20_0000, SIZE, FAR), ABI.YZ_ERR_RANGE),
    ((MEMORY - 144 * K, SIZE, FAR), ABI.YZ_ERR_RANGE), ((NODES[0], SIZE, FAR), ABI.YZ_ERR_OWNER),
    ((NODES[0] - K, SIZE, FAR), ABI.YZ_ERR_OWNER), ((NODES[0] + 144 * K, SIZE, FAR), ABI.YZ_ERR_OWNER),
    ((HPT - 100 * K, SIZE, FAR), ABI.YZ_ERR_OWNER), ((DRAM_BASE, SIZE, FAR), ABI.YZ_ERR_OWNER),
    ((DRAM_BASE + 0x18_0000, SIZE, FAR), ABI.YZ_ERR_OWNER),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "error"), REFUSED, ids=lambda v: str(v) if isinstance(v, int) else "")
def test_refused(native: Native, unchanged, arguments: tuple[int, int, int], error: int) -> None:
    """Frames that are not the host's to give, given twice, or within lines that they would protect.

    threat: M37, M28, M29, F01, F02. covers: MON.NODE_PLACE, MON.OWNER
    """
    before = native.subtrees()
    with unchanged(native):
        assert native.host(ABI.YZ_HOST_MMT_EXTEND, *arguments) == (error, 0)
    assert native.subtrees() == before


def test_frames_of_enclaves_and_buffers(native: Native, unchanged) -> None:
    """Not an enclave's pages, not a lent buffer, not under a superpage.

    threat: M37. covers: MON.NODE_PLACE, MON.OWNER
    """
    buffer = NODES[1] + 3 * K
    assert create(native, shm=buffer)[0] == 0 and owners(native, buffer, 1) == [SHARED]
    assert native.host(ABI.YZ_HOST_SET_PTE, 1, HPT, pte(DRAM_BASE + 0x40_0000, 0xC3))[0] == ABI.YZ_ERR_PTE_TARGET
    native.dirty()
    with unchanged(native):
        assert native.host(ABI.YZ_HOST_MMT_EXTEND, NODES[1], SIZE, FAR) == (ABI.YZ_ERR_OWNER, 0)
        assert native.host(ABI.YZ_HOST_MMT_EXTEND, MEMORY, SIZE, FAR) == (ABI.YZ_ERR_RANGE, 0)
    assert native.host(ABI.YZ_HOST_SET_PTE, 1, HPT, pte(FAR, 0xC7)) == (0, 0)
    native.dirty()
    with unchanged(native):
        served = DRAM_BASE + 0x40_0000
        assert native.host(ABI.YZ_HOST_MMT_EXTEND, FAR, SIZE, served) == (ABI.YZ_ERR_MAPPED, 0)


def test_the_host_loses_the_frames(native: Native) -> None:
    """Unmapped everywhere and flushed before they are metadata; neither mapped nor given again.

    threat: M37. covers: MON.UNMAP, MON.TLB_CONVERT
    """
    for slot in (0, 700, 3000):
        assert native.host(ABI.YZ_HOST_SET_PTE, 1, LEAF + 4 * slot, pte(NODES[1] + 9 * K, 0xC7)) == (0, 0)
    native.write(NODES[1], b"\x77" * SIZE)
    lend_nodes(native, NODES[1], FAR)
    log = native.log()
    cleared = [i for i, (op, address, _) in enumerate(log) if op == STORE and LEAF <= address < LEAF + 6 * K]
    assert len(cleared) == 3 and any(op == TLB_FLUSH for op, _, _ in log[cleared[-1] :])
    assert owners(native, NODES[1], NODE_PAGES) == [NODE] * NODE_PAGES
    assert native.host(ABI.YZ_HOST_SET_PTE, 1, LEAF, pte(NODES[1], 0xC3)) == (ABI.YZ_ERR_PTE_TARGET, 0)
    assert native.host(ABI.YZ_HOST_SET_PTE, 1, HPT, pte(DRAM_BASE, 0xC3)) == (ABI.YZ_ERR_PTE_TARGET, 0)
    assert create(native, memory=NODES[1]) == (ABI.YZ_ERR_OWNER, 0)
    assert native.host(ABI.YZ_HOST_HPT_EXTEND, NODES[1], K, 0) == (ABI.YZ_ERR_OWNER, 0)


def test_no_metadata_no_secure_page(native: Native, unchanged) -> None:
    """Neither enclaves nor tables where the engine has no metadata, also when only one page is there.

    threat: M22, M31. covers: MON.NODES_FIRST
    """
    with unchanged(native):
        assert create(native, memory=FAR) == (ABI.YZ_ERR_NO_NODES, 0)
        assert create(native, memory=FAR - K) == (ABI.YZ_ERR_NO_NODES, 0)
        assert native.host(ABI.YZ_HOST_MEMORY_EXTEND, FAR, 4 * K) == (ABI.YZ_ERR_NO_NODES, 0)
        assert create(native, memory=DRAM_BASE + 0x30_0000) == (ABI.YZ_ERR_NO_NODES, 0)
    lend_nodes(native, NODES[1], FAR)
    assert create(native, memory=FAR - K)[0] == 0


def test_metadata_comes_back_with_the_last_page(native: Native) -> None:
    """Not before; the engine has freed the subtree by then, and it can be served again. covers: MON.NODE_RETURN"""
    lend_nodes(native, NODES[1], FAR)
    first, second = (create(native, memory=FAR + 8 * i * K)[1] for i in range(2))
    number = (FAR - DRAM_BASE) // SUBTREE
    assert native.subtrees()[number].secure_pages == 12
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, first) == (0, 0)
    assert owners(native, NODES[1], NODE_PAGES) == [NODE] * NODE_PAGES
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, second) == (0, 0)
    assert owners(native, NODES[1], NODE_PAGES) == [HOST] * NODE_PAGES
    subtree = native.subtrees()[number]
    assert (subtree.metadata, subtree.valid, subtree.generation) == (0, 0, 1)
    assert create(native, memory=FAR) == (ABI.YZ_ERR_NO_NODES, 0)
    lend_nodes(native, NODES[1], FAR)
    assert create(native, memory=FAR)[0] == 0
    # The pool's subtree never goes back: its tables stay.
    assert native.subtrees()[2].valid and owners(native, NODES[0], 1) == [NODE]


def test_an_enclave_over_two_subtrees(native: Native) -> None:
    """Both serve it, and each goes back by itself. covers: MON.NODES_FIRST, MON.NODE_RETURN"""
    assert create(native, memory=FAR - 3 * K) == (ABI.YZ_ERR_NO_NODES, 0)
    lend_nodes(native, NODES[1], FAR)
    error, eid = create(native, memory=FAR - 3 * K)
    assert error == 0 and native.subtrees()[3].secure_pages == 3
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, eid) == (0, 0)
    assert not native.subtrees()[3].valid and native.subtrees()[2].valid


def test_a_subtree_that_holds_metadata_is_not_served(native: Native, unchanged) -> None:
    """Its lines would be other subtrees' nodes. threat: M28, M37. covers: MON.NODE_PLACE"""
    inside = DRAM_BASE + 0x40_0000
    lend_nodes(native, inside, FAR)
    with unchanged(native):
        assert native.host(ABI.YZ_HOST_MMT_EXTEND, NODES[1], SIZE, inside) == (ABI.YZ_ERR_BUSY, 0)


def test_old_contents_never_show(native: Native) -> None:
    """Pages that the host has overwritten, and metadata that it has filled, become an enclave that begins with zeros.

    threat: M11, M36. covers: MON.ZERO_FIRST
    """
    for _ in range(3):
        native.write(MEMORY, b"\xee" * 6 * K)
        error, eid = create(native)
        assert error == 0
        assert native.read(protected(MEMORY + 3 * K), 3 * K) == bytes(3 * K)
        native.write(protected(MEMORY + 3 * K), b"secret" * 100)
        assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, eid) == (0, 0)
        assert native.read(MEMORY, 6 * K) == bytes(6 * K)


def test_generations_used_up(native: Native, unchanged) -> None:
    """The engine refuses, and nothing has changed. threat: F27"""
    native.set_subtree_generation(3, 0xFF_FFFF)
    with unchanged(native):
        assert native.host(ABI.YZ_HOST_MMT_EXTEND, NODES[1], SIZE, FAR) == (ABI.YZ_ERR_NO_SLOT, 0)


def test_a_fault_leaves_the_pages_with_the_host(native: Native) -> None:
    """While mappings are searched. threat: F15. covers: MON.NODE_RETURN"""
    assert native.host(ABI.YZ_HOST_SET_PTE, 1, LEAF + 4, pte(NODES[1], 0xC7)) == (0, 0)
    records = native.records()
    for at in (0, 1):
        native.fault(at)
        assert native.host(ABI.YZ_HOST_MMT_EXTEND, NODES[1], SIZE, FAR) == (ABI.SBI_ERR_FAILED, 0)
        assert native.records() == records and not native.subtrees()[3].valid
    native.no_fault()
    lend_nodes(native, NODES[1], FAR)


def test_before_the_tables(booted: Native, unchanged) -> None:
    """Nothing is taken from a host that has not said where its tables are. threat: F34"""
    with unchanged(booted):
        assert booted.host(ABI.YZ_HOST_MMT_EXTEND, NODES[0], SIZE, MEMORY) == (ABI.YZ_ERR_STATE, 0)
        assert booted.host(ABI.YZ_HOST_MMT_INFO, ABI.YZ_MMT_PAGES) == (0, NODE_PAGES)
        assert booted.host(ABI.YZ_HOST_MMT_INFO, ABI.YZ_MMT_SUBTREE_LOG) == (0, 22)
        for what in (2, 0xFFFF_FFFF):
            assert booted.host(ABI.YZ_HOST_MMT_INFO, what) == (ABI.SBI_ERR_INVALID_PARAM, 0)


def test_a_machine_without_engine(executable) -> None:
    """No metadata is needed and none is taken; the same model holds."""
    pair = Pair(engine=False, executable=executable)
    native = pair.native
    assert native.host(ABI.YZ_HOST_MMT_INFO, ABI.YZ_MMT_PAGES) == (0, 0) == pair.model.mmt_info(ABI.YZ_MMT_PAGES)
    pair.write(ELF, tiny_elf())
    pair.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * K, 0, 0, 0)
    pair.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0)
    assert pair.host(ABI.YZ_HOST_MMT_EXTEND, NODES[0], SIZE, MEMORY) == ABI.SBI_ERR_NOT_SUPPORTED
    pair.host(ABI.YZ_HOST_SATP, 1 << 31 | HPT >> 12)
    pair.host(ABI.YZ_HOST_MEMORY_EXTEND, POOL, 16 * K)
    pair.words(SCRATCH, *GOOD.values())
    assert (
        pair.create(SCRATCH)[0] == 0 and owners(native, MEMORY, 1) == [ENCLAVE] and owners(native, SHM, 1) == [SHARED]
    )
    pair.enter(ABI.YZ_HOST_RUN_ENCLAVE, 16)
    pair.leave("exit", 3)
    pair.check_records()
    pair.close()


@pytest.mark.parametrize("engine", [2, 3], ids=["never active", "self-test failed"])
def test_an_engine_that_does_not_start(executable, engine: int) -> None:
    """The monitor goes no further: nothing is put into unprotected memory. threat: M44. covers: MON.ENGINE_START"""
    with Native(engine=engine, executable=executable) as native:
        assert native.last.stop == 70
        assert b"memory engine does not start" in native.console()
