# SPDX-License-Identifier: Apache-2.0
"""Pages change sides through the last-level cache: no line of the window that they leave stays behind.

The native machine itself judges after every trap that the cache can hold no line of the wrong window, and that nothing
is accessed or freed while one may be there (sw/monitor/native/cache_native.h). These tests go where pages change hands.
"""

import pytest

from tb.models.abi import ABI
from tb.models.monitor_tables import FREE, HOST, NODE, TABLE
from yingzhou.soc.memory_map import DEVICES, DRAM_BASE, PAGE_BYTES

from .native import (
    DEVICE_WRITE,
    ELF,
    INTERRUPT_MEI,
    MEMORY,
    MPP_U,
    NODE_PAGES,
    NODES,
    STORE,
    Native,
    lend_nodes,
    protected,
    ready,
)
from .pair import tiny_elf
from .test_areas import owners
from .test_enclave import create, host_run
from .test_integrity import native as native  # the fixture
from .test_integrity import told

K = PAGE_BYTES
FAR = DRAM_BASE + 0xC0_0000
ADDRESS, OPERATION = DEVICES["llc"].base + 0x20, DEVICES["llc"].base + 0x2C
CLEAN_PAGE, DISCARD_PAGE = 3 | 1 << 4, 5 | 1 << 4
WRITE_BACK, PARITY = 1, 2
STOP_FATAL = 70
"""Exit code of a monitor that stops the machine (sw/monitor/trap.h)."""


def operations(native: Native) -> list[tuple[int, int, int]]:
    """Return the cache operations of the last trap: place in the log, command, address."""
    found, address = [], 0
    for place, (op, where, value) in enumerate(native.log()):
        if op == DEVICE_WRITE and where == ADDRESS:
            address = value
        elif op == DEVICE_WRITE and where == OPERATION:
            found.append((place, value, address))
    return found


def first_store(native: Native, page: int) -> int:
    """Return the place in the log of the first store to a page, in the window of the address."""
    return next(i for i, (op, where, _) in enumerate(native.log()) if op == STORE and page <= where < page + K)


def test_creation(native: Native) -> None:
    """Every donated page's raw lines are dropped before the first store through the protected window.

    threat: C14. covers: MON.CACHE_CLAIM
    """
    native.write(MEMORY, b"\xa5" * 6 * K)
    assert create(native)[0] == 0
    dropped = {address: place for place, command, address in operations(native) if command == DISCARD_PAGE}
    for page in range(MEMORY, MEMORY + 6 * K, K):
        assert dropped[page] < first_store(native, protected(page))


def test_new_tables(native: Native) -> None:
    """Table pages too; when memory refuses them they stay the host's, without protected lines.

    covers: MON.CACHE_CLAIM, MON.CACHE_RETURN
    """
    place = MEMORY + 0x30_0000
    native.lose_stores(700)
    assert native.host(ABI.YZ_HOST_MEMORY_EXTEND, place, 4 * K) == (ABI.SBI_ERR_FAILED, 0)
    assert owners(native, place, 4) == [HOST] * 4
    native.lose_stores(0xFFFF_FFFE)
    assert native.host(ABI.YZ_HOST_MEMORY_EXTEND, place, 4 * K) == (0, 0)
    assert owners(native, place, 4) == [TABLE] * 4


def test_end(native: Native) -> None:
    """Protected lines are dropped, then zeros are stored through the raw window and written to memory.

    threat: C14, F10. covers: MON.CACHE_RETURN, MON.SCRUB
    """
    error, eid = create(native)
    assert error == 0
    native.write(protected(MEMORY), b"\x5a" * 6 * K)
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, eid) == (0, 0)
    done = {(command, address): place for place, command, address in operations(native)}
    for page in range(MEMORY, MEMORY + 6 * K, K):
        assert done[DISCARD_PAGE, protected(page)] < first_store(native, page) < done[CLEAN_PAGE, page]
    assert native.read(MEMORY, 6 * K) == bytes(6 * K)


def test_zeros_that_memory_refuses(native: Native) -> None:
    """They are in the cache, but memory would show the old contents one day: the page is nobody's. covers: MON.SCRUB"""
    error, eid = create(native)
    assert error == 0
    native.refuse_cleaning(1)
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, eid) == (0, 0)
    assert owners(native, MEMORY, 6) == [FREE] + [HOST] * 5


def test_metadata(booted: Native) -> None:
    """What the host has stored there must not follow what the engine writes. threat: M22. covers: MON.CACHE_NODES"""
    booted.write(ELF, tiny_elf())
    ready(booted, paged=True, pool_pages=16)
    booted.write(NODES[1], b"\x77" * NODE_PAGES * K)
    lend_nodes(booted, NODES[1], FAR)
    assert owners(booted, NODES[1], NODE_PAGES) == [NODE] * NODE_PAGES
    dropped = [address for _, command, address in operations(booted) if command == DISCARD_PAGE]
    assert dropped == list(range(NODES[1], NODES[1] + NODE_PAGES * K, K))


def test_broken_subtree(native: Native) -> None:
    """Its enclaves' and tables' lines are dropped before it is freed, so none reaches its next life.

    threat: M36, M43. covers: MON.CACHE_RENEW
    """
    error, eid = create(native, memory=FAR)
    assert error == 0
    host_run(native, ABI.YZ_HOST_RUN_ENCLAVE, eid)
    native.tamper(FAR + 8)
    assert not native.visit(protected(FAR) + 8)
    native.trap(INTERRUPT_MEI, mpp=MPP_U)
    assert told(native)[:2] == (0, ABI.YZ_EXIT_INTEGRITY)
    dropped = [address for _, command, address in operations(native) if command == DISCARD_PAGE]
    assert dropped[:6] == list(range(protected(FAR), protected(FAR) + 6 * K, K))


def test_broken_subtree_of_tables(native: Native) -> None:
    """The pool's pages stay secure over the new life of their subtree. covers: MON.CACHE_RENEW"""
    error, eid = create(native, memory=FAR)
    assert error == 0
    host_run(native, ABI.YZ_HOST_RUN_ENCLAVE, eid)
    table = next(DRAM_BASE + i * K for i, record in enumerate(native.records()[0]) if record & 0xF == TABLE)
    native.tamper(table)
    assert not native.visit(protected(table))
    native.trap(INTERRUPT_MEI, mpp=MPP_U)
    assert told(native)[:2] == (0, ABI.YZ_EXIT_INTEGRITY)
    assert create(native, memory=FAR)[0] in (0, ABI.YZ_ERR_NO_NODES)


def test_a_line_that_memory_refused(native: Native) -> None:
    """The record is cleared, and whoever ran goes on: what broke in protected memory is the engine's to tell."""
    native.fail_cache(WRITE_BACK)
    assert native.trap(INTERRUPT_MEI, x=[0x8040_0000, *[7] * 31]).x == (0x8040_0000, *[7] * 31)
    error, eid = create(native, memory=FAR)
    assert error == 0
    host_run(native, ABI.YZ_HOST_RUN_ENCLAVE, eid)
    native.fail_cache(WRITE_BACK)
    assert native.trap(INTERRUPT_MEI, x=[0x1000, *[9] * 31], mpp=MPP_U).x == (0x1000, *[9] * 31)


@pytest.mark.parametrize("inside", [False, True])
def test_a_cache_that_stopped(native: Native, inside: bool) -> None:
    """The machine stops too: its locks may be gone. threat: C19. covers: MON.CACHE_STOP"""
    if inside:
        host_run(native, ABI.YZ_HOST_RUN_ENCLAVE, create(native, memory=FAR)[1])
    native.fail_cache(PARITY)
    assert native.trap(INTERRUPT_MEI, mpp=MPP_U if inside else 0).stop == STOP_FATAL
