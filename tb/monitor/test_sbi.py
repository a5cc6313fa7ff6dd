# SPDX-License-Identifier: Apache-2.0
"""Boot state and the standard SBI extensions."""

import pytest

from tb.models.abi import ABI
from tb.models.monitor_tables import HOST, MONITOR
from yingzhou.soc.memory_map import BOOT_ARGS, DEVICES, DRAM_BASE, HOST_BASE, PAGE_BYTES

from .native import CSR, CSR_WRITE, HPT, INTERRUPT_STI, MEMORY, MPP_S, SCRATCH, Native, ready
from .test_areas import pmp

END = DRAM_BASE + 4096 * PAGE_BYTES
BASE, TIME, DBCN, SRST = ABI.SBI_EXT_BASE, ABI.SBI_EXT_TIME, ABI.SBI_EXT_DBCN, ABI.SBI_EXT_SRST


def test_boot(booted: Native) -> None:
    """The host starts in S-mode, paging off, with hart id and boot page, and no register that it was not given."""
    first = booted.reset()
    assert first.x == (HOST_BASE, *[0] * 10, BOOT_ARGS, *[0] * 20)
    assert first.mstatus == MPP_S
    assert booted.csr("satp") == 0 and booted.csr("mie") == 1 << 11
    assert booted.csr("medeleg") == 0xB1FF and booted.csr("mideleg") == 0x222
    assert booted.csr("mcounteren") == 7 and booted.csr("menvcfgh") == 1 << 31
    assert booted.csr("stimecmp") == booted.csr("stimecmph") == 0xFFFF_FFFF


def test_boot_pmp(booted: Native) -> None:
    """Lowest entries first; everything that is not closed is open; the last entry is the whole space.

    threat: F33, W21, W32. covers: MON.PMP_MONITOR
    """
    assert pmp(booted, 0) == (0x18, DRAM_BASE, 2 << 20)
    assert pmp(booted, 1) == (0x18, DRAM_BASE | 1 << 30, 512 << 20)
    assert pmp(booted, 8) == (0x1B, DEVICES["sim"].base, PAGE_BYTES)
    assert pmp(booted, 9) == (0x18, 0xE000_0000, 512 << 20)
    assert booted.csr(CSR["pmpaddr0"] + 15) == 0xFFFF_FFFF and booted.csr(CSR["pmpcfg0"] + 3) >> 24 == 0x1F
    used = {0, 1, 8, 9, 15}
    assert all(booted.csr(CSR["pmpcfg0"] + i // 4) >> 8 * (i % 4) & 0xFF == 0 for i in set(range(16)) - used)


@pytest.mark.parametrize("pages", [1024, 4096, 3000, 131072])
def test_boot_records(executable, pages: int) -> None:
    """Whatever memory holds at power-on, every page gets its one owner."""
    with Native(dram_pages=pages, executable=executable) as native:
        records, chunks = native.records()
        assert records == [MONITOR] * 512 + [HOST] * (pages - 512)
        present = [min(max(pages - 1024 * i, 0), 1024) for i in range(128)]
        assert chunks == [(1024 - n + (512 if i == 0 else 0), 0) for i, n in enumerate(present)]


def test_base(booted: Native) -> None:
    """SBI 2.0, chapter 4."""
    booted.set_csr("mvendorid", 11)
    booted.set_csr("marchid", 12)
    booted.set_csr("mimpid", 13)
    assert [booted.call(BASE, f).result for f in range(8)] == [
        (0, 0x200_0000), (0, 0x595A), (0, ABI.YZ_ABI_VERSION), (0, 0), (0, 11), (0, 12), (0, 13), (-2, 0),
    ]  # fmt: skip
    for extension in (BASE, TIME, DBCN, SRST, ABI.YZ_EXT_HOST):
        assert booted.call(BASE, 3, extension).result == (0, 1)
    for extension in (ABI.YZ_EXT_ENCLAVE, 0, 1, 0x48534D):
        assert booted.call(BASE, 3, extension).result == (0, 0)


def test_timer_is_never_due_in_between(booted: Native) -> None:
    """SBI 2.0, chapter 6: high half first to "never", then low, then high."""
    assert booted.call(TIME, 0, 0x89AB_CDEF, 0x0123_4567).result == (0, 0)
    writes = [(csr, value) for op, csr, value in booted.log() if op == CSR_WRITE]
    assert writes == [(CSR["stimecmph"], 0xFFFF_FFFF), (CSR["stimecmp"], 0x89AB_CDEF), (CSR["stimecmph"], 0x0123_4567)]
    assert booted.call(TIME, 1).result == (-2, 0)


def test_console_write(booted: Native) -> None:
    """SBI 2.0, chapter 12."""
    booted.write(SCRATCH + 1, b"hello world")
    assert booted.call(DBCN, 0, 11, SCRATCH + 1, 0).result == (0, 11)
    assert booted.call(DBCN, 2, 0x121).result == (0, 0)
    assert booted.console() == b"hello world!"
    assert booted.call(DBCN, 0, 0, 0, 0).result == (0, 0)
    assert booted.call(DBCN, 0, 0x8000, MEMORY, 0).result == (0, 4096), "a call moves one page at most"
    assert booted.call(DBCN, 3).result == (-2, 0)


def test_console_read(booted: Native) -> None:
    """Takes what is there and no more."""
    booted.type(b"abc")
    assert booted.call(DBCN, 1, 2, SCRATCH, 0).result == (0, 2)
    assert booted.call(DBCN, 1, 9, SCRATCH + 2, 0).result == (0, 1)
    assert booted.call(DBCN, 1, 9, SCRATCH + 3, 0).result == (0, 0)
    assert booted.read(SCRATCH, 4) == b"abc\0"


def test_console_that_stays_busy(booted: Native) -> None:
    """Bounded time: partial writes, no hang. threat: F26"""
    booted.type(b"", busy=True)
    assert booted.call(DBCN, 0, 5, SCRATCH, 0).result == (0, 0)
    assert booted.call(DBCN, 2, 65).result == (-1, 0)


@pytest.mark.parametrize("function", [0, 1])
@pytest.mark.parametrize(
    ("size", "pa", "high"),
    [
        (1, 0, 0), (1, DRAM_BASE, 0), (1, HPT, 0), (2, HPT - 1, 0), (1, END, 0), (2, END - 1, 0),
        (1, DEVICES["uart"].base, 0),
        (0xFFFF_FFFF, SCRATCH, 0), (0xFFFF_FFFF, 0xFFFF_FFFF, 0), (1, SCRATCH, 1), (1, DRAM_BASE | 1 << 30, 0),
        (2, DRAM_BASE + (2 << 20) - 1, 0), (2, DRAM_BASE - 1, 0),
    ],
)  # fmt: skip
def test_console_buffers(booted: Native, unchanged, function: int, size: int, pa: int, high: int) -> None:
    """threat: F01, F02. covers: MON.BUFFER"""
    ready(booted)
    booted.type(b"xyz")
    with unchanged(booted):
        assert booted.call(DBCN, function, size, pa, high).result == (ABI.SBI_ERR_INVALID_PARAM, 0)
    assert booted.console() == b""


def test_console_faults(booted: Native) -> None:
    """threat: F15"""
    booted.type(b"xyz")
    booted.fault(1)
    assert booted.call(DBCN, 0, 3, SCRATCH, 0).result == (-1, 0)
    assert booted.call(DBCN, 1, 3, SCRATCH, 0).result == (-1, 0)


@pytest.mark.parametrize(("kind", "reason", "code"), [(0, 0, 0), (1, 0, 0), (2, 0, 0), (0, 1, 1), (2, 1, 1)])
def test_reset(booted: Native, kind: int, reason: int, code: int) -> None:
    """SBI 2.0, chapter 10."""
    assert booted.call(SRST, 0, kind, reason).stop == code


def test_refused_resets(booted: Native) -> None:
    """SBI 2.0, chapter 10."""
    assert booted.call(SRST, 0, 3, 0).result == (ABI.SBI_ERR_INVALID_PARAM, 0)
    assert booted.call(SRST, 0, 0, 2).result == (ABI.SBI_ERR_INVALID_PARAM, 0)
    assert booted.call(SRST, 1, 0, 0).result == (ABI.SBI_ERR_NOT_SUPPORTED, 0)


def test_undefined_functions(tables: Native, unchanged) -> None:
    """threat: F26"""
    known = {value for name, value in vars(ABI).items() if name.startswith("YZ_HOST_")}
    with unchanged(tables):
        for function in {*range(0x400), 0xFFFF, 0x1_0000, 0xFFFF_FFFF} - known:
            assert tables.host(function, 1, 2, 3) == (ABI.SBI_ERR_NOT_SUPPORTED, 0)
        for extension in (0, 1, 8, 0x735049, 0x48534D, 0xFFFF_FFFF, ABI.YZ_EXT_HOST + 2):
            assert tables.call(extension, 100).result == (ABI.SBI_ERR_NOT_SUPPORTED, 0)


def test_enclave_calls_from_the_host(tables: Native, unchanged) -> None:
    """threat: F13. covers: MON.ENCLAVE_CALLS"""
    with unchanged(tables):
        for function in (ABI.YZ_ENCLAVE_YIELD, ABI.YZ_ENCLAVE_GET_ID, ABI.YZ_ENCLAVE_OCALL, ABI.YZ_ENCLAVE_EXIT, 0):
            assert tables.call(ABI.YZ_EXT_ENCLAVE, function, 1, 2).result == (ABI.SBI_ERR_DENIED, 0)


def test_a_call_keeps_every_register_but_its_results(tables: Native) -> None:
    """SBI 2.0, chapter 3: all registers except a0 and a1 are kept; the program counter is past the ecall."""
    for extension, function in ((BASE, 0), (ABI.YZ_EXT_HOST, ABI.YZ_HOST_SET_PTE), (ABI.YZ_EXT_HOST, 9), (7, 7)):
        x = [0x8040_0000, *range(101, 132)]
        x[16:18] = function, extension
        outcome = tables.trap(9, x=x)
        assert outcome.x[0] == 0x8040_0004 and outcome.x[1:10] == tuple(x[1:10]) and outcome.x[12:] == tuple(x[12:])


def test_page_owner(tables: Native) -> None:
    """Any address has an answer."""
    for pa, owner in (
        (DRAM_BASE, 4),
        (SCRATCH + 5, 1),
        (HPT, 2),
        (HPT + 0x2000, 3),
        (END, 0),
        (0, 0),
        (0xFFFF_FFFF, 0),
    ):
        assert tables.host(ABI.YZ_HOST_PAGE_OWNER, pa) == (0, owner)


def test_an_interrupt_in_the_host_world_is_no_state_to_go_on_in(booted: Native) -> None:
    """No interrupt of machine mode is ever enabled."""
    assert booted.trap(INTERRUPT_STI, x=[0x8040_0000] * 32).stop == 70
