# SPDX-License-Identifier: Apache-2.0
"""Enclave life: creation, what each world sees, identifiers, and giving everything back."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tb.models.abi import ABI
from tb.models.monitor_tables import FREE, HOST, SHARED, TABLE
from yingzhou.soc.memory_map import DEVICES, DRAM_BASE, PAGE_BYTES, PROTECTED_BASE

from .native import (
    CSR_WRITE,
    DEVICE_WRITE,
    ECALL_U,
    ELF,
    HPT,
    INSTRUCTION_FENCE,
    INTERRUPT_STI,
    LEAF,
    MEMORY,
    MPP_S,
    MPP_U,
    NODES,
    POOL,
    SCRATCH,
    SHM,
    STORE,
    TLB_FLUSH,
    Native,
    Outcome,
    protected,
    pte,
    ready,
)  # fmt: skip
from .pair import Pair, tiny_elf
from .test_areas import owners, pmp

K = PAGE_BYTES
END = DRAM_BASE + 4096 * K
PAGES = 6
GOOD = {
    "version": 1, "elf": ELF, "elf_size": len(tiny_elf()), "memory": MEMORY, "memory_size": PAGES * K,
    "stack": K, "shm": SHM,
    "shm_size": K,
}  # fmt: skip


def create(native: Native, **changes: int) -> tuple[int, int]:
    """Ask for an enclave with parameters at SCRATCH."""
    native.write_words(SCRATCH, *[v & 0xFFFF_FFFF for v in {**GOOD, **changes}.values()])
    return native.host(ABI.YZ_HOST_CREATE_ENCLAVE, SCRATCH)


@pytest.fixture
def native(booted: Native) -> Native:
    """A paged host with a pool of 16 table pages and an ELF file in memory."""
    booted.write(ELF, tiny_elf())
    return ready(booted, paged=True, pool_pages=16)


@pytest.fixture
def enclave(native: Native) -> int:
    """Return the identifier of a fresh enclave."""
    error, eid = create(native)
    assert error == 0
    native.dirty()
    return eid


@pytest.fixture
def live(pair: Pair) -> Iterator[Pair]:
    """A pair with one fresh enclave."""
    pair.write(ELF, tiny_elf())
    pair.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * K, 0, 0, 0)
    pair.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0)
    pair.host(ABI.YZ_HOST_SATP, 1 << 31 | HPT >> 12)
    pair.lend_nodes(NODES[0], MEMORY)
    pair.host(ABI.YZ_HOST_MEMORY_EXTEND, POOL, 16 * K)
    pair.words(SCRATCH, *GOOD.values())
    assert pair.create(SCRATCH)[0] == 0
    yield pair


BAD = [
    ({"version": 0}, ABI.SBI_ERR_INVALID_PARAM), ({"version": 2}, ABI.SBI_ERR_INVALID_PARAM),
    ({"memory": MEMORY + 1}, ABI.YZ_ERR_ALIGN), ({"memory_size": K + 1}, ABI.YZ_ERR_ALIGN),
    ({"memory_size": 0}, ABI.YZ_ERR_RANGE),
    ({"memory": 0}, ABI.YZ_ERR_RANGE), ({"memory": END}, ABI.YZ_ERR_RANGE), ({"memory": END - K}, ABI.YZ_ERR_RANGE),
    ({"memory_size": 0xFFFF_F000}, ABI.YZ_ERR_RANGE),
    ({"memory": PROTECTED_BASE + MEMORY - DRAM_BASE}, ABI.YZ_ERR_RANGE),
    ({"memory": DEVICES["uart"].base}, ABI.YZ_ERR_RANGE), ({"memory": DRAM_BASE}, ABI.YZ_ERR_OWNER),
    ({"memory": DRAM_BASE + 0x1F_F000}, ABI.YZ_ERR_OWNER), ({"memory": HPT}, ABI.YZ_ERR_OWNER),
    ({"memory": POOL}, ABI.YZ_ERR_OWNER),
    ({"memory": HPT - 5 * K}, ABI.YZ_ERR_OWNER), ({"stack": 0}, ABI.YZ_ERR_RANGE), ({"stack": 100}, ABI.YZ_ERR_ALIGN),
    ({"stack": 0x1000_0000}, ABI.YZ_ERR_RANGE), ({"stack": 0xFFFF_F000}, ABI.YZ_ERR_RANGE),
    ({"stack": 4 * K}, ABI.YZ_ERR_NO_MEMORY),
    ({"memory_size": 3 * K}, ABI.YZ_ERR_NO_MEMORY), ({"shm": SHM + 4}, ABI.YZ_ERR_ALIGN),
    ({"shm_size": 1}, ABI.YZ_ERR_ALIGN),
    ({"shm_size": 0x11000}, ABI.YZ_ERR_RANGE), ({"shm": END}, ABI.YZ_ERR_RANGE),
    ({"shm": 0xFFFF_F000}, ABI.YZ_ERR_RANGE),
    ({"shm": DRAM_BASE}, ABI.YZ_ERR_OWNER), ({"shm": HPT}, ABI.YZ_ERR_OWNER), ({"shm": POOL}, ABI.YZ_ERR_OWNER),
    ({"shm": MEMORY}, ABI.YZ_ERR_RANGE), ({"shm": MEMORY + 5 * K}, ABI.YZ_ERR_RANGE), ({"elf": 0}, ABI.YZ_ERR_RANGE),
    ({"elf": DRAM_BASE}, ABI.YZ_ERR_OWNER), ({"elf": END - 4}, ABI.YZ_ERR_RANGE), ({"elf_size": 0}, ABI.YZ_ERR_RANGE),
    ({"elf_size": 0xFFFF_FFFF}, ABI.YZ_ERR_RANGE), ({"elf_size": 51}, ABI.YZ_ERR_ELF),
    ({"elf": ELF + 2}, ABI.YZ_ERR_ELF),
    ({"elf": SHM}, ABI.YZ_ERR_ELF), ({"elf": MEMORY}, ABI.YZ_ERR_RANGE), ({"elf": MEMORY - 64}, ABI.YZ_ERR_RANGE),
    ({"elf": POOL - 4}, ABI.YZ_ERR_OWNER),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "error"), BAD, ids=[str(c[0]) for c in BAD])
def test_refused_parameters(native: Native, unchanged, changes: dict[str, int], error: int) -> None:
    """threat: F01, F02, F27. covers: MON.OVERLAP, MON.SHARED_OWNER, MON.MEMORY_SIZE, MON.ROLLBACK"""
    with unchanged(native):
        assert create(native, **changes) == (error, 0)
    assert create(native)[0] == 0


@pytest.mark.parametrize(
    ("pa", "error"),
    [(SCRATCH + 1, ABI.YZ_ERR_ALIGN), (0, ABI.YZ_ERR_RANGE), (DRAM_BASE, ABI.YZ_ERR_OWNER), (HPT, ABI.YZ_ERR_OWNER),
     (POOL, ABI.YZ_ERR_OWNER), (END - 28, ABI.YZ_ERR_RANGE), (0xFFFF_FFF0, ABI.YZ_ERR_RANGE),
     (SCRATCH + K - 28, ABI.YZ_ERR_RANGE),
     (DEVICES["sim"].base, ABI.YZ_ERR_RANGE), (HPT - 16, ABI.YZ_ERR_OWNER)],
)  # fmt: skip
def test_refused_parameter_addresses(native: Native, unchanged, pa: int, error: int) -> None:
    """threat: F01. covers: MON.BUFFER"""
    with unchanged(native):
        assert native.host(ABI.YZ_HOST_CREATE_ENCLAVE, pa) == (error, 0)


def test_parameters_and_headers_are_read_once(native: Native) -> None:
    """threat: F01. covers: MON.SNAPSHOT"""
    native.write_words(SCRATCH, *GOOD.values())
    for i in range(8):
        native.race(SCRATCH + 4 * i, DRAM_BASE)
    for offset in (0x18, 0x1C, *range(0x34, 0x74, 4)):
        native.race(ELF + offset, 0xFFFF_FFFF)
    assert native.host(ABI.YZ_HOST_CREATE_ENCLAVE, SCRATCH) == (0, 16)


def test_a_host_without_paging_gets_no_enclave(booted: Native, unchanged) -> None:
    """Bare S-mode reaches the raw window of any page. threat: W21. covers: MON.CREATE_PAGED"""
    booted.write(ELF, tiny_elf())
    ready(booted, pool_pages=16)
    with unchanged(booted):
        assert create(booted) == (ABI.YZ_ERR_STATE, 0)


def test_layout(live: Pair) -> None:
    """Tables, registers, contents and window, as abi.h says. covers: MON.PROTECTED_WINDOW, MON.ZERO_FIRST"""
    outcome = live.enter(ABI.YZ_HOST_RUN_ENCLAVE, 16)
    heap = 0x22000
    assert outcome.x == (
        0x10004, 0, ABI.YZ_ENCLAVE_STACK_TOP, *[0] * 7, ABI.YZ_ENCLAVE_SHM_VA, K, heap, 2 * K, *[0] * 18,
    )  # fmt: skip
    assert live.native.read(protected(MEMORY), 512) == bytes(range(256)) * 2
    assert live.native.read(protected(MEMORY + K), 0x1000) == bytes(0xFF0) + b"enclave data".ljust(16, b"\0")


def test_old_contents_are_gone(native: Native) -> None:
    """The enclave starts on zeroed pages, not on what the host left there. covers: MON.ZERO_FIRST"""
    native.write(MEMORY, b"\xa5" * PAGES * K)
    assert create(native)[0] == 0
    image = native.read(protected(MEMORY), PAGES * K)
    assert b"\xa5" * 4 not in image and image[3 * K :] == bytes(3 * K)
    assert (INSTRUCTION_FENCE, 0, 0) in native.log()


def test_worlds(native: Native, enclave: int) -> None:
    """The register table of world.h, both ways.

    threat: F17, W19, W20, W31. covers: MON.WORLD_CSRS, MON.PMP_WORLD, MON.GUARD_WORLD, MON.TLB_SWITCH
    """
    values = {"scounteren": 2, "senvcfg": 1, "stvec": 0x8040_2000, "sscratch": 77, "sepc": 5, "scause": 6, "stval": 7,
              "mie": 0x222, "stimecmp": 99}  # fmt: skip
    for name, value in values.items():
        native.set_csr(name, value)
    host_status = native.csr("mstatus") | 1 << 19 | 1 << 18 | 1 << 8 | 1 << 5 | 1 << 1
    native.set_csr("mstatus", host_status)
    satp, medeleg, mideleg = (native.csr(n) for n in ("satp", "medeleg", "mideleg"))

    outcome = native.call(ABI.YZ_EXT_HOST, ABI.YZ_HOST_RUN_ENCLAVE, enclave)
    assert outcome.mstatus == MPP_U | 1 << 20 | 1 << 21 | 1 << 22
    assert native.csr("medeleg") == native.csr("mideleg") == native.csr("senvcfg") == 0
    assert native.csr("scounteren") == 7 and native.csr("mie") == 0x222
    assert native.csr("satp") >> 31 and native.csr("satp") != satp
    assert pmp(native, 1)[0] == 0x1F and native.guard()[3] == 1
    _flushed_last(native)

    outcome = native.trap(INTERRUPT_STI, mpp=MPP_U)
    assert outcome.mstatus & ~(3 << 11) == host_status & ~(3 << 11) and outcome.mstatus & 3 << 11 == MPP_S
    assert (native.csr("satp"), native.csr("medeleg"), native.csr("mideleg")) == (satp, medeleg, mideleg)
    assert all(native.csr(name) == value for name, value in values.items())
    assert pmp(native, 1)[0] == 0x18 and native.guard()[3] == 0
    _flushed_last(native)


def _flushed_last(native: Native) -> None:
    """The TLB is flushed after the last of satp, PMP and world."""
    log = native.log()
    switches = [
        i for i, (op, where, _) in enumerate(log)
        if (op == CSR_WRITE and where in (0x180, 0x3A0))
        or (op == DEVICE_WRITE and where == DEVICES["guard"].base + 0xC)
    ]  # fmt: skip
    assert len(switches) == 3 and any(op == TLB_FLUSH for op, _, _ in log[switches[-1] :])


def test_the_window_is_closed_before_the_hosts_tables_are_back(native: Native, enclave: int) -> None:
    """threat: W31"""
    native.call(ABI.YZ_EXT_HOST, ABI.YZ_HOST_RUN_ENCLAVE, enclave)
    native.trap(INTERRUPT_STI, mpp=MPP_U)
    writes = [where for op, where, _ in native.log() if op == CSR_WRITE]
    assert writes.index(0x3A0) < writes.index(0x180)


HOST_REGISTERS = [0x8040_0000, *[0xC0DE_0000 + i for i in range(1, 32)]]


def host_run(native: Native, function: int, *arguments: int) -> Outcome:
    """Call with a mark in every host register."""
    x = list(HOST_REGISTERS)
    x[10 : 10 + len(arguments)] = arguments
    x[16:18] = function, ABI.YZ_EXT_HOST
    return native.trap(9, x=x)


@pytest.mark.parametrize("how", ["timer", "yield", "ocall", "exit", "fault"])
def test_no_register_crosses(native: Native, enclave: int, how: str) -> None:
    """The host gets its own registers back and the documented results; the enclave gets its own and the answer.

    threat: F14, F17. covers: MON.REGISTERS
    """
    entered = host_run(native, ABI.YZ_HOST_RUN_ENCLAVE, enclave)
    assert not set(entered.x) & set(HOST_REGISTERS)
    secret = [0x10010, *[0x5EC2_0000 + i for i in range(1, 32)]]
    call = {"yield": ABI.YZ_ENCLAVE_YIELD, "ocall": ABI.YZ_ENCLAVE_OCALL, "exit": ABI.YZ_ENCLAVE_EXIT}
    cause = {"timer": INTERRUPT_STI, "fault": 13}.get(how, ECALL_U)
    if how in call:
        secret[16:18] = call[how], ABI.YZ_EXT_ENCLAVE
    back = native.trap(cause, tval=0x5EC2_FFFF, mpp=MPP_U, x=secret)
    told = {
        "timer": (1, 0, 0, 0), "yield": (5, 0, 0, 0), "ocall": (2, *secret[10:13]), "exit": (3, secret[10], 0, 0),
        "fault": (4, 13, 0, 0),
    }[how]  # fmt: skip
    assert back.x[0] == 0x8040_0004 and back.x[10:15] == (0, *told)
    assert list(back.x[1:10]) == HOST_REGISTERS[1:10]
    assert list(back.x[18:]) == HOST_REGISTERS[18:] and back.x[15] == HOST_REGISTERS[15]
    if how in ("exit", "fault"):
        assert native.host(ABI.YZ_HOST_RESUME_ENCLAVE, enclave, 0)[0] == ABI.YZ_ERR_NO_ENCLAVE
        return
    again = host_run(native, ABI.YZ_HOST_RESUME_ENCLAVE, enclave, 2 if how == "ocall" else 0, 0xA4_5BE5)
    answer = {"timer": tuple(secret[10:12]), "yield": (0, 0), "ocall": (0, 0xA4_5BE5)}[how]
    assert again.x[0] == (0x10010 if how == "timer" else 0x10014)
    assert again.x[10:12] == answer
    assert list(again.x[1:10]) == secret[1:10] and list(again.x[12:]) == secret[12:]


def test_enclave_calls(native: Native, enclave: int) -> None:
    """What an enclave may ask, and what it may not. threat: F13, F26. covers: MON.HOST_CALLS"""
    native.call(ABI.YZ_EXT_HOST, ABI.YZ_HOST_RUN_ENCLAVE, enclave)
    calls = [
        (ABI.YZ_EXT_ENCLAVE, ABI.YZ_ENCLAVE_GET_ID, (0, enclave)), (ABI.YZ_EXT_ENCLAVE, 0, (-2, 0)),
        (ABI.YZ_EXT_ENCLAVE, 0xFFFF_FFFF, (-2, 0)), (ABI.SBI_EXT_SRST, 0, (-2, 0)), (ABI.SBI_EXT_DBCN, 2, (-2, 0)),
        (ABI.SBI_EXT_TIME, 0, (-2, 0)), (0, 0, (-2, 0)),
        *[(ABI.YZ_EXT_HOST, v, (-4, 0)) for k, v in vars(ABI).items() if k.startswith("YZ_HOST_")],
    ]  # fmt: skip
    records = native.records()
    for extension, function, result in calls:
        outcome = native.call(extension, function, 1, 2, 3, mpp=MPP_U)
        assert outcome.result == result and outcome.x[0] == 0x8040_0004 and outcome.mstatus & 3 << 11 == MPP_U
        assert outcome.x[12:] == (3, *[0x5000_0000 + 0x0101_0101 * i for i in range(13, 16)], function, extension,
                                  *[0x5000_0000 + 0x0101_0101 * i for i in range(18, 32)])  # fmt: skip
    assert native.records() == records and native.console() == b""


@pytest.mark.parametrize("cause", [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 15])
def test_faults_destroy(live: Pair, cause: int) -> None:
    """Only the cause is told. threat: F10"""
    live.enter(ABI.YZ_HOST_RUN_ENCLAVE, 16)
    live.leave("fault", cause)
    live.check_records()
    assert live.native.read(MEMORY, PAGES * K) == bytes(PAGES * K)


@pytest.mark.parametrize("state", ["fresh", "runnable", "stopped", "ocalling"])
def test_destroy_scrubs_what_the_host_sees(live: Pair, state: str) -> None:
    """threat: F10. covers: MON.SCRUB"""
    if state != "fresh":
        live.enter(ABI.YZ_HOST_RUN_ENCLAVE, 16)
        live.leave("ocall" if state == "ocalling" else "timer")
    if state == "stopped":
        live.host(ABI.YZ_HOST_STOP_ENCLAVE, 16)
    live.native.write(protected(MEMORY), b"\x5e" * PAGES * K)
    live.host(ABI.YZ_HOST_DESTROY_ENCLAVE, 16)
    assert live.native.read(MEMORY, PAGES * K) == bytes(PAGES * K)
    stores = {a for op, a, _ in live.native.log() if op == STORE}
    assert stores >= set(range(MEMORY, MEMORY + PAGES * K, 4))
    assert live.native.read(protected(POOL), 16 * K) == bytes(16 * K)
    live.check_records()
    assert live.create(SCRATCH) == (0, 32)


STATES = ["fresh", "runnable", "stopped", "ocalling"]


@pytest.mark.parametrize("state", STATES)
def test_state_machine(live: Pair, state: str) -> None:
    """Every call in every state. threat: F11, F12. covers: MON.STATE, MON.RESUME_STATE"""
    for call, reason in [("run", 0), ("stop", 0), *[("resume", r) for r in (0, 1, 2, 3, 0xFFFF_FFFF)]]:
        enclave = next(iter(live.model.enclaves.values()))
        while enclave.state != state:
            _advance(live, enclave.eid, state)
        if call == "stop":
            live.host(ABI.YZ_HOST_STOP_ENCLAVE, enclave.eid)
        else:
            live.enter(getattr(ABI, f"YZ_HOST_{call.upper()}_ENCLAVE"), enclave.eid, reason)
        if live.running:
            live.leave("timer")
    live.check_records()


def _advance(live: Pair, eid: int, goal: str) -> None:
    enclave = live.model.enclaves[eid]
    if goal == "fresh":
        live.host(ABI.YZ_HOST_DESTROY_ENCLAVE, eid)
        new = live.create(SCRATCH)[1]
        enclave.__dict__.update(live.model.enclaves[new].__dict__)
    elif enclave.state == "runnable" and goal == "stopped":
        live.host(ABI.YZ_HOST_STOP_ENCLAVE, eid)
    elif enclave.state == "stopped":
        live.enter(ABI.YZ_HOST_RESUME_ENCLAVE, eid, ABI.YZ_RESUME_STOP)
    else:
        function = ABI.YZ_HOST_RUN_ENCLAVE if enclave.state == "fresh" else ABI.YZ_HOST_RESUME_ENCLAVE
        live.enter(function, eid, ABI.YZ_RESUME_OCALL if enclave.state == "ocalling" else ABI.YZ_RESUME_TIMER)
        live.leave("ocall" if goal == "ocalling" else "timer")


@pytest.mark.parametrize("eid", [0, 1, 15, 17, 32, 0x8000_0010, 0xFFFF_FFFF, 0x7FFF_FFFF, 16 + (1 << 31)])
def test_identifiers(native: Native, enclave: int, unchanged, eid: int) -> None:
    """threat: F11. covers: MON.EID"""
    with unchanged(native):
        for function in ("RUN", "RESUME", "STOP", "DESTROY"):
            assert native.host(getattr(ABI, f"YZ_HOST_{function}_ENCLAVE"), eid) == (ABI.YZ_ERR_NO_ENCLAVE, 0)


def test_identifiers_are_not_used_again(native: Native) -> None:
    """threat: F11. covers: MON.EID"""
    seen = set()
    for _ in range(20):
        error, eid = create(native)
        assert error == 0 and eid not in seen and eid >> 31 == 0
        for old in seen:
            assert native.host(ABI.YZ_HOST_RUN_ENCLAVE, old) == (ABI.YZ_ERR_NO_ENCLAVE, 0)
        seen.add(eid)
        assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, eid) == (0, 0)


def test_a_slot_with_used_up_generations_rests(native: Native) -> None:
    """threat: F11"""
    native.set_generation(0, 0x07FF_FFFF)
    error, eid = create(native)
    assert (error, eid) == (0, 0x7FFF_FFF0)
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, eid) == (0, 0)
    assert create(native) == (0, 17)


def test_slots_run_out(native: Native, unchanged) -> None:
    """threat: F27"""
    assert native.host(ABI.YZ_HOST_MEMORY_EXTEND, MEMORY + 0x30_0000, 128 * K) == (0, 0)
    for i in range(ABI.YZ_MAX_ENCLAVES):
        assert create(native, memory=MEMORY + i * PAGES * K) == (0, 16 + i)
    native.dirty()
    with unchanged(native):
        assert create(native, memory=MEMORY + 16 * PAGES * K) == (ABI.YZ_ERR_NO_SLOT, 0)


@pytest.mark.parametrize("pages", [1, 2, 4])
def test_pool_runs_out_at_every_step(executable: Path, pages: int) -> None:
    """The donated pages stay as they were, mapped ones too. threat: F27. covers: MON.ROLLBACK"""
    with Native(executable=executable) as native:
        native.write(ELF, tiny_elf())
        ready(native, paged=True, pool_pages=pages)
        assert native.host(ABI.YZ_HOST_SET_PTE, 1, LEAF, pte(MEMORY, 0xC7)) == (0, 0)
        native.write(MEMORY, b"host")
        records = native.records()
        result = create(native)
        if pages == 4:
            assert result == (0, 16)
            return
        assert result == (ABI.YZ_ERR_NO_MEMORY, 0) and native.records() == records
        assert native.read(MEMORY, 4) == b"host" and native.read(protected(POOL), pages * K) == bytes(pages * K)
        assert native.read_words(LEAF, 1) == (pte(MEMORY, 0xC7),)


def test_donated_pages_are_unmapped_and_flushed(native: Native) -> None:
    """threat: F08. covers: MON.UNMAP, MON.TLB_CONVERT"""
    for slot in (0, 1023, 2000):
        assert native.host(ABI.YZ_HOST_SET_PTE, 1, LEAF + 4 * slot, pte(MEMORY + 5 * K, 0xC7)) == (0, 0)
    assert create(native)[0] == 0
    assert native.read(LEAF, 6 * K) == bytes(6 * K)
    log = native.log()
    cleared = max(i for i, (op, a, _) in enumerate(log) if op == STORE and LEAF <= a < LEAF + 6 * K)
    filled = min(i for i, (op, a, _) in enumerate(log) if op == STORE and a - PROTECTED_BASE == MEMORY - DRAM_BASE)
    assert any(op == TLB_FLUSH for op, _, _ in log[cleared:filled])
    assert native.host(ABI.YZ_HOST_SET_PTE, 1, LEAF, pte(MEMORY, 0xC3)) == (ABI.YZ_ERR_PTE_TARGET, 0)


def test_donated_under_a_superpage(native: Native, unchanged) -> None:
    """threat: F08. covers: MON.SUPERPAGE_FIRST"""
    superpage = DRAM_BASE + 0xC0_0000
    assert native.host(ABI.YZ_HOST_SET_PTE, 1, HPT, pte(superpage, 0xC7)) == (0, 0)
    native.dirty()
    with unchanged(native):
        assert create(native, memory=superpage - K) == (ABI.YZ_ERR_MAPPED, 0)


def test_donated_twice(native: Native, enclave: int, unchanged) -> None:
    """threat: F07. covers: MON.OWNER"""
    with unchanged(native):
        for memory in (MEMORY, MEMORY + 5 * K, MEMORY - 5 * K, SHM, SHM - 5 * K):
            assert create(native, memory=memory, shm=SHM + 8 * K)[0] == ABI.YZ_ERR_OWNER
        assert create(native, memory=MEMORY + 16 * K, shm=MEMORY) == (ABI.YZ_ERR_OWNER, 0)
        assert create(native, memory=MEMORY + 16 * K, elf=MEMORY) == (ABI.YZ_ERR_OWNER, 0)
        for function in (ABI.YZ_HOST_HPT_EXTEND, ABI.YZ_HOST_MEMORY_EXTEND):
            assert native.host(function, MEMORY, K) == (ABI.YZ_ERR_OWNER, 0)
            assert native.host(function, SHM, K) == (ABI.YZ_ERR_OWNER, 0)


def test_buffers_shared_by_two(native: Native, enclave: int) -> None:
    """Destroying one enclave leaves the other's buffer lent. threat: F29. covers: MON.SHARED_COUNT"""
    error, second = create(native, memory=MEMORY + 16 * K, shm=SHM, shm_size=2 * K)
    assert error == 0 and owners(native, SHM, 2) == [SHARED] * 2
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, enclave) == (0, 0)
    assert owners(native, SHM, 2) == [SHARED] * 2
    assert native.host(ABI.YZ_HOST_SET_PTE, 1, LEAF, pte(SHM, 0xC7)) == (0, 0)
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, second) == (0, 0)
    assert owners(native, SHM, 2) == [HOST] * 2


def test_no_buffer(native: Native) -> None:
    """An enclave may do without one; its address is then not looked at."""
    error, eid = create(native, shm=0xFFFF_FFFF, shm_size=0)
    assert error == 0
    assert native.call(ABI.YZ_EXT_HOST, ABI.YZ_HOST_RUN_ENCLAVE, eid).x[11] == 0


def test_creation_faults(native: Native) -> None:
    """A fault at any access: an error, no owner changed, no page left mapped, the pool whole, no secret left behind.

    threat: F15. covers: MON.ROLLBACK
    """
    records = native.records()
    native.fault(0xFFFF_FFFE)
    create(native)
    total = native.accesses()
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, 16) == (0, 0)
    for at in [*range(120), *range(120, total, 211), total - 1]:
        native.fault(at)
        error, _ = create(native)
        # A line that is zeroed in part is one that the memory engine cannot read.
        assert error in (ABI.SBI_ERR_FAILED, ABI.YZ_ERR_INTEGRITY), f"access {at} of {total}"
        assert native.records() == records and native.read(protected(POOL), 16 * K) == bytes(16 * K), f"access {at}"
    native.no_fault()
    assert create(native)[0] == 0


def test_a_page_that_cannot_be_scrubbed_is_never_used_again(native: Native, enclave: int) -> None:
    """threat: F10, F15. covers: MON.SCRUB"""
    native.write(MEMORY, b"\x5e" * PAGES * K)
    native.fault(1024 * 2 + 5)
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, enclave) == (0, 0)
    native.no_fault()
    assert owners(native, MEMORY, PAGES) == [HOST, HOST, FREE, HOST, HOST, HOST]
    assert native.host(ABI.YZ_HOST_SET_PTE, 1, LEAF, pte(MEMORY + 2 * K, 0xC7)) == (ABI.YZ_ERR_PTE_TARGET, 0)
    assert native.host(ABI.YZ_HOST_SET_PTE, 1, HPT, pte(DRAM_BASE + 0x80_0000, 0xC7)) == (ABI.YZ_ERR_PTE_TARGET, 0)
    assert create(native) == (ABI.YZ_ERR_OWNER, 0)


def test_a_table_page_that_cannot_be_scrubbed_leaves_the_pool(native: Native, enclave: int) -> None:
    """threat: F15"""
    native.fault(1024 * PAGES)
    assert native.host(ABI.YZ_HOST_DESTROY_ENCLAVE, enclave) == (0, 0)
    native.no_fault()
    assert owners(native, POOL, 3) == [FREE, TABLE, TABLE]
    assert create(native) == (0, 32)
    root = native.call(ABI.YZ_EXT_HOST, ABI.YZ_HOST_RUN_ENCLAVE, 32) and native.csr("satp") & 0x3FFFFF
    assert root << 12 == PROTECTED_BASE + POOL + K - DRAM_BASE


def test_timer_at_every_point(live: Pair) -> None:
    """An interrupt before the first instruction and after each call of the enclave. threat: F14"""
    live.enter(ABI.YZ_HOST_RUN_ENCLAVE, 16)
    for step in range(20):
        live.leave("timer")
        live.enter(ABI.YZ_HOST_RESUME_ENCLAVE, 16, ABI.YZ_RESUME_TIMER)
        if step % 3 == 0:
            live.leave("ocall", step, 1, 2)
            live.enter(ABI.YZ_HOST_RESUME_ENCLAVE, 16, ABI.YZ_RESUME_OCALL, struct.calcsize("I"))
    live.check_records()
