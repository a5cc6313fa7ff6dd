# SPDX-License-Identifier: Apache-2.0
"""Memory that fails a check: who is lost, who lives, and what the host is told."""

from collections.abc import Iterator

import pytest

from tb.models.abi import ABI
from tb.models.monitor_tables import FREE, HOST, NODE, TABLE
from yingzhou.soc.memory_map import DRAM_BASE, PAGE_BYTES

from .native import (
    ELF,
    HPT,
    INTERRUPT_MEI,
    LOAD,
    LOAD_ACCESS,
    MEMORY,
    MPP_S,
    MPP_U,
    NODE_PAGES,
    NODES,
    POOL,
    SCRATCH,
    SHM,
    STORE,
    Native,
    lend_nodes,
    protected,
    ready,
)
from .pair import Pair, tiny_elf
from .test_areas import owners
from .test_enclave import GOOD, create, host_run

K = PAGE_BYTES
FAR = DRAM_BASE + 0xC0_0000


@pytest.fixture
def native(booted: Native) -> Native:
    """A paged host; a pool in the subtree of MEMORY, and metadata for the subtree of FAR."""
    booted.write(ELF, tiny_elf())
    ready(booted, paged=True, pool_pages=16)
    lend_nodes(booted, NODES[1], FAR)
    return booted


@pytest.fixture
def far(native: Native) -> int:
    """Return the identifier of an enclave whose memory is in the subtree of FAR."""
    error, eid = create(native, memory=FAR)
    assert error == 0
    return eid


def told(native: Native) -> tuple[int, ...]:
    """a0 to a4 of the host."""
    return native.last.x[10:15]


@pytest.mark.parametrize("cause", [1, LOAD_ACCESS, 7, INTERRUPT_MEI])
def test_the_enclave_ends_and_the_host_goes_on(native: Native, far: int, cause: int) -> None:
    """By the fault of its access, or by the interrupt after a store. threat: M01, M43. covers: MON.INTEGRITY"""
    host_run(native, ABI.YZ_HOST_RUN_ENCLAVE, far)
    native.write(protected(FAR + 3 * K), b"secret" * 50)
    native.tamper(FAR + 3 * K)
    assert not native.visit(protected(FAR + 3 * K))
    secret = [0x10010, *[0x5EC2_0000 + i for i in range(1, 32)]]
    outcome = native.trap(cause, tval=0x5EC2_FFFF, mpp=MPP_U, x=secret)
    assert told(native) == (0, ABI.YZ_EXIT_INTEGRITY, 1, 0, 0)
    assert outcome.mstatus & 3 << 11 == MPP_S and not {*outcome.x} & set(secret)
    assert native.read(FAR, 6 * K) == bytes(6 * K) and owners(native, FAR, 6) == [HOST] * 6
    assert owners(native, NODES[1], NODE_PAGES) == [HOST] * NODE_PAGES
    assert native.host(ABI.YZ_HOST_RESUME_ENCLAVE, far, 0) == (ABI.YZ_ERR_NO_ENCLAVE, 0)
    lend_nodes(native, NODES[1], FAR)
    assert create(native, memory=FAR)[0] == 0


def test_a_fault_of_its_own_is_no_integrity_failure(native: Native, far: int) -> None:
    """An access fault with nothing recorded is told as a fault."""
    host_run(native, ABI.YZ_HOST_RUN_ENCLAVE, far)
    native.trap(LOAD_ACCESS, mpp=MPP_U)
    assert told(native) == (0, ABI.YZ_EXIT_FAULT, LOAD_ACCESS, 0, 0)


def test_other_subtrees_live(native: Native, far: int) -> None:
    """An enclave elsewhere keeps its memory and runs; it is not even left. threat: M43. covers: MON.INTEGRITY"""
    error, near = create(native, shm=SHM + K)
    assert error == 0
    host_run(native, ABI.YZ_HOST_RUN_ENCLAVE, near)
    native.write(protected(MEMORY + 4 * K), b"mine")
    native.tamper(FAR)
    assert not native.visit(protected(FAR))
    before = native.last
    after = native.trap(INTERRUPT_MEI, mpp=MPP_U)
    assert after.x == before.x and after.mstatus & 3 << 11 == MPP_U and native.csr("satp") >> 31
    assert native.read(protected(MEMORY + 4 * K), 4) == b"mine"
    native.trap(1 << 31 | 5, mpp=MPP_U)
    assert told(native) == (0, ABI.YZ_EXIT_TIMER, 0, 0, 0)
    for call in (ABI.YZ_HOST_RUN_ENCLAVE, ABI.YZ_HOST_RESUME_ENCLAVE, ABI.YZ_HOST_STOP_ENCLAVE):
        assert native.host(call, far) == (ABI.YZ_ERR_INTEGRITY, 0)
    assert owners(native, FAR, 6) == [HOST] * 6 and native.read(FAR, 6 * K) == bytes(6 * K)
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, far) == (0, 0)
    assert native.host(ABI.YZ_HOST_RUN_ENCLAVE, far) == (ABI.YZ_ERR_NO_ENCLAVE, 0)
    host_run(native, ABI.YZ_HOST_RESUME_ENCLAVE, near, 0)
    assert native.csr("satp") >> 31


def test_while_the_host_runs(native: Native, far: int) -> None:
    """The interrupt comes to the monitor, the host's registers and CSRs stay. threat: M43. covers: MON.INTEGRITY"""
    x = [0x8040_1234, *[0xC0DE_0000 + i for i in range(1, 32)]]
    native.tamper(FAR + K)
    assert not native.visit(protected(FAR + K))
    status = native.csr("mstatus")
    outcome = native.trap(INTERRUPT_MEI, x=x)
    assert outcome.x == tuple(x) and outcome.stop is None and outcome.mstatus | 3 << 11 == status | 3 << 11
    assert native.host(ABI.YZ_HOST_RUN_ENCLAVE, far) == (ABI.YZ_ERR_INTEGRITY, 0)
    assert native.trap(INTERRUPT_MEI, x=x).x == tuple(x), "nothing is recorded any more"


def test_the_subtree_of_the_tables(native: Native, far: int) -> None:
    """Who has tables in a broken subtree is lost too; the pool is whole and empty again. covers: MON.INTEGRITY"""
    page = next(p for p, r in enumerate(native.records()[0]) if r & 15 == TABLE and r >> 4 & 31)
    native.tamper(DRAM_BASE + page * K)
    assert not native.visit(protected(DRAM_BASE + page * K))
    native.trap(INTERRUPT_MEI, x=[0x8040_0000, *[0] * 31])
    assert native.host(ABI.YZ_HOST_RUN_ENCLAVE, far) == (ABI.YZ_ERR_INTEGRITY, 0)
    assert owners(native, POOL, 16) == [TABLE] * 16 and native.read(protected(POOL), 16 * K) == bytes(16 * K)
    subtrees = native.subtrees()
    assert subtrees[2].valid and not subtrees[2].locked and not subtrees[3].valid
    assert all(not r >> 4 & 31 for r in native.records()[0] if r & 15 == TABLE)
    assert create(native)[0] == 0


def test_creation_in_a_subtree_that_breaks(native: Native) -> None:
    """Pages that are zeroed whole do not notice what is in DRAM; a table that is read does.

    threat: M20, M43. covers: MON.INTEGRITY, MON.ROLLBACK, MON.ZERO_FIRST
    """
    native.write(FAR, b"\x99" * 6 * K)
    assert create(native, memory=FAR)[0] == 0
    error, other = create(native, memory=FAR + 16 * K, shm=SHM + K)
    assert error == 0
    # The next table page of the pool was written before, and is changed now.
    table = next(p for p, r in enumerate(native.records()[0]) if r & 31 == TABLE and r >> 4 & 31 == 0)
    native.tamper(DRAM_BASE + table * K)
    assert create(native, memory=FAR + 32 * K, shm=SHM + 2 * K) == (ABI.YZ_ERR_INTEGRITY, 0)
    assert owners(native, FAR + 32 * K, 6) == [HOST] * 6
    assert native.host(ABI.YZ_HOST_RUN_ENCLAVE, other) == (ABI.YZ_ERR_INTEGRITY, 0)
    lend_nodes(native, NODES[1], FAR)
    assert create(native, memory=FAR + 32 * K, shm=SHM + 2 * K)[0] == 0


def test_lost_stores_of_a_creation(native: Native) -> None:
    """Memory acknowledges and then refuses: the call fails as a whole. threat: M20. covers: MON.SETTLE, MON.ROLLBACK"""
    native.lose_stores(0xFFFF_FFFE)
    assert create(native)[0] == 0
    accesses = [op for op, _, _ in native.log() if op in (LOAD, STORE)]
    stores = [i for i, op in enumerate(accesses) if op == STORE]
    assert len(accesses) == native.accesses()
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, 16) == (0, 0)
    for at in (stores[0], stores[len(stores) // 2], stores[-2], stores[-1]):
        records = native.records()
        native.lose_stores(at)
        assert create(native) == (ABI.SBI_ERR_FAILED, 0)
        assert native.records() == records
    native.lose_stores(0xFFFF_FFFE)
    assert create(native)[0] == 0


def test_lost_stores_of_a_destruction(native: Native) -> None:
    """A page whose zeros did not arrive is never the host's again. threat: F10. covers: MON.SCRUB"""
    error, eid = create(native)
    assert error == 0
    native.lose_stores(5)
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, eid) == (0, 0)
    assert owners(native, MEMORY, 6) == [FREE] + [HOST] * 5


def test_lost_stores_of_new_tables(native: Native) -> None:
    """The pages stay the host's. threat: F15. covers: MON.SETTLE"""
    native.lose_stores(700)
    place = MEMORY + 0x30_0000
    assert native.host(ABI.YZ_HOST_MEMORY_EXTEND, place, 4 * K) == (ABI.SBI_ERR_FAILED, 0)
    assert owners(native, place, 4) == [HOST] * 4
    native.lose_stores(0xFFFF_FFFE)
    assert native.host(ABI.YZ_HOST_MEMORY_EXTEND, place, 4 * K) == (0, 0)


def test_a_store_of_the_enclave_is_refused(native: Native, far: int) -> None:
    """It believes in memory that is not there, so it ends, though no check failed.

    threat: M20. covers: MON.LOST_STORE
    """
    host_run(native, ABI.YZ_HOST_RUN_ENCLAVE, far)
    native.refuse_store()
    native.trap(INTERRUPT_MEI, mpp=MPP_U)
    assert told(native) == (0, ABI.YZ_EXIT_INTEGRITY, 0, 0, 0)
    assert owners(native, FAR, 6) == [HOST] * 6


def test_a_store_of_the_host_is_refused(native: Native, far: int) -> None:
    """Nothing of the enclave's is touched, and the host goes on."""
    native.refuse_store()
    assert native.trap(INTERRUPT_MEI, x=[0x8040_0000, *[7] * 31]).x == (0x8040_0000, *[7] * 31)
    host_run(native, ABI.YZ_HOST_RUN_ENCLAVE, far)
    assert native.csr("satp") >> 31


def test_the_root_tree_breaks(native: Native, far: int) -> None:
    """Nothing protected is left: enclaves are lost, their pages and the metadata are the host's, tables are given up.

    threat: M04, M43. covers: MON.INTEGRITY
    """
    native.break_root_tree()
    native.trap(INTERRUPT_MEI, x=[0x8040_0000, *[0] * 31])
    assert native.host(ABI.YZ_HOST_RUN_ENCLAVE, far) == (ABI.YZ_ERR_INTEGRITY, 0)
    assert owners(native, FAR, 6) == [HOST] * 6 and native.read(FAR, 6 * K) == bytes(6 * K)
    assert owners(native, POOL, 16) == [FREE] * 16
    for nodes in NODES:
        assert owners(native, nodes, NODE_PAGES) == [HOST] * NODE_PAGES
    assert native.host(ABI.YZ_HOST_MMT_EXTEND, NODES[0], NODE_PAGES * K, MEMORY) == (ABI.YZ_ERR_INTEGRITY, 0)
    assert create(native) == (ABI.YZ_ERR_NO_NODES, 0)
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, far) == (0, 0)


@pytest.fixture
def live(pair: Pair) -> Iterator[Pair]:
    """Two enclaves in one subtree, one in another."""
    pair.write(ELF, tiny_elf())
    pair.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * K, 0, 0, 0)
    pair.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0)
    pair.host(ABI.YZ_HOST_SATP, 1 << 31 | HPT >> 12)
    pair.lend_nodes(NODES[0], MEMORY)
    pair.lend_nodes(NODES[1], FAR)
    pair.host(ABI.YZ_HOST_MEMORY_EXTEND, POOL, 16 * K)
    for memory in (FAR, FAR + 8 * K, MEMORY):
        pair.words(SCRATCH, *{**GOOD, "memory": memory}.values())
        assert pair.create(SCRATCH)[0] == 0
    yield pair


def test_neighbours_in_the_subtree(live: Pair) -> None:
    """Both enclaves of the broken subtree go, their shared buffer stays with the third. threat: M43"""
    live.enter(ABI.YZ_HOST_RUN_ENCLAVE, 16)
    live.leave("broken", 2)
    live.check_records()
    assert owners(live.native, SHM, 1) != [HOST] and owners(live.native, NODES[1], 1) == [HOST] != [NODE]
    live.enter(ABI.YZ_HOST_RUN_ENCLAVE, 17)
    live.enter(ABI.YZ_HOST_RUN_ENCLAVE, 18)
    live.leave("exit", 1)
    live.host(ABI.YZ_HOST_DESTROY_ENCLAVE, 17)
    live.check_records()
