# SPDX-License-Identifier: Apache-2.0
"""The host's satp and sfence.vma after SM_INIT, and exceptions that the monitor hands on."""

import pytest

from tb.models.abi import ABI
from yingzhou.soc.memory_map import DEVICES, DRAM_BASE, PAGE_BYTES, PROTECTED_BASE

from .native import CSR_WRITE, HPT, ILLEGAL, LEAF, MEMORY, MPP_S, MPP_U, TLB_FLUSH, Native, Outcome

SATP = 0x180
ROOT = 1 << 31 | HPT >> 12
CSRRW, CSRRS, CSRRC, CSRRWI, CSRRSI, CSRRCI = 1, 2, 3, 5, 6, 7
SFENCE_VMA = 0x1200_0073
SPP, SPIE, SIE, MPP = 1 << 8, 1 << 5, 1 << 1, 3 << 11
BAD_ROOTS = [
    LEAF, MEMORY, DRAM_BASE, HPT - PAGE_BYTES, HPT + 2 * PAGE_BYTES, 0, DEVICES["uart"].base, 0x3_FFFF_F000,
    PROTECTED_BASE + HPT - DRAM_BASE, DRAM_BASE + 4096 * PAGE_BYTES, 0x1_0000_0000 + HPT,
]  # fmt: skip


def csr_access(
    native: Native, funct3: int, *, rd: int = 5, rs1: int = 6, value: int = 0, csr: int = SATP, mpp: int = MPP_S
) -> Outcome:
    """Let the host trap on a CSR instruction with ``value`` in rs1."""
    x = [0] * 32
    x[0] = 0x8040_0000
    x[rs1] = value
    x[rd] = 0x1234_5678 if rd != rs1 else value
    x[0] = 0x8040_0000
    return native.trap(ILLEGAL, tval=csr << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x73, mpp=mpp, x=x)


def reflected(native: Native, outcome: Outcome) -> bool:
    """True when the host is at its trap vector with an illegal instruction."""
    return (
        outcome.x[0] == native.csr("stvec") & ~3
        and native.csr("scause") == ILLEGAL
        and native.csr("sepc") == 0x8040_0000
    )


@pytest.fixture
def guarded(tables: Native) -> Native:
    """A host with a trap vector and interrupts on."""
    tables.set_csr("stvec", 0x8040_1001)
    tables.set_csr("mstatus", tables.csr("mstatus") | SIE)
    return tables


def test_the_first_root(guarded: Native) -> None:
    """The write is done and the TLB flushed after it. threat: W01"""
    outcome = csr_access(guarded, CSRRW, value=ROOT)
    assert outcome.x[0] == 0x8040_0004 and outcome.x[5] == 0 and guarded.csr("satp") == ROOT
    kinds = [(op, address) for op, address, _ in guarded.log()]
    assert kinds.index((CSR_WRITE, SATP)) < kinds.index((TLB_FLUSH, 0))


@pytest.mark.parametrize("root", BAD_ROOTS, ids=hex)
def test_roots_are_root_tables(guarded: Native, root: int) -> None:
    """threat: W01, W03, W11, W25. covers: MON.SATP_ROOT"""
    value = 1 << 31 | root >> 12
    assert reflected(guarded, csr_access(guarded, CSRRW, value=value)) and guarded.csr("satp") == 0
    assert guarded.host(ABI.YZ_HOST_SATP, value) == (ABI.YZ_ERR_PTE_LOCATION, 0) and guarded.csr("satp") == 0


@pytest.mark.parametrize("value", [0, HPT >> 12, 0x7FFF_FFFF])
def test_paging_stays_on(guarded: Native, value: int) -> None:
    """threat: W18, W21. covers: MON.SATP_MODE"""
    csr_access(guarded, CSRRW, value=ROOT)
    assert reflected(guarded, csr_access(guarded, CSRRW, value=value)) and guarded.csr("satp") == ROOT
    assert guarded.host(ABI.YZ_HOST_SATP, value) == (ABI.SBI_ERR_INVALID_PARAM, 0) and guarded.csr("satp") == ROOT


def test_every_csr_instruction(guarded: Native) -> None:
    """csrrs and csrrc compute the new value, immediates are five bits, rd = x0 and rs1 = x0 do what they say."""
    csr_access(guarded, CSRRW, value=ROOT)
    assert csr_access(guarded, CSRRS, rs1=0).x[5] == ROOT
    assert csr_access(guarded, CSRRC, rs1=0).x[5] == ROOT
    assert csr_access(guarded, CSRRSI, rs1=0).x[5] == ROOT
    assert csr_access(guarded, CSRRS, value=5 << 22).x[5] == ROOT and guarded.csr("satp") == ROOT | 5 << 22
    assert csr_access(guarded, CSRRC, value=4 << 22).x[5] == ROOT | 5 << 22 and guarded.csr("satp") == ROOT | 1 << 22
    assert csr_access(guarded, CSRRW, rs1=5, rd=5, value=ROOT).x[5] == ROOT | 1 << 22
    assert csr_access(guarded, CSRRSI, rs1=1).x[5] == ROOT and guarded.csr("satp") == ROOT + 1
    assert csr_access(guarded, CSRRCI, rs1=1, rd=0).x[0] == 0x8040_0004 and guarded.csr("satp") == ROOT
    assert reflected(guarded, csr_access(guarded, CSRRC, value=1 << 31)) and guarded.csr("satp") == ROOT
    assert reflected(guarded, csr_access(guarded, CSRRSI, rs1=2)) and guarded.csr("satp") == ROOT
    for write in (CSRRW, CSRRWI):
        assert reflected(guarded, csr_access(guarded, write, rs1=0)) and guarded.csr("satp") == ROOT
    outcome = csr_access(guarded, CSRRW, rs1=6, rd=6, value=0)
    assert outcome.x[6] == 0, "a refused access leaves rd alone"


def test_registers_keep_their_values(guarded: Native) -> None:
    """Emulation changes rd and the program counter only."""
    marks = [0x8040_0000, *[0x1111_0000 + i for i in range(1, 32)]]
    marks[7] = ROOT
    outcome = guarded.trap(ILLEGAL, tval=SATP << 20 | 7 << 15 | CSRRW << 12 | 9 << 7 | 0x73, x=marks)
    assert outcome.x == (0x8040_0004, *marks[1:9], 0, *marks[10:])


@pytest.mark.parametrize("operands", [0, 5 << 15, 6 << 20, 5 << 15 | 6 << 20])
def test_fence(guarded: Native, operands: int) -> None:
    """Every sfence.vma is done as a full flush. threat: W13, W14"""
    outcome = guarded.trap(ILLEGAL, tval=SFENCE_VMA | operands, x=[0x8040_0000, *range(1, 32)])
    assert outcome.x == (0x8040_0004, *range(1, 32)) and [op for op, _, _ in guarded.log()] == [TLB_FLUSH]


@pytest.mark.parametrize("mpp", [MPP_S, MPP_U])
@pytest.mark.parametrize(
    "instruction", [0, 0xFFFF_FFFF, 0x3020_0073, 0x1050_0073, 0x3000_1073 | 5 << 7, 0x1800_0073, 0x1800_4073]
)
def test_other_illegal_instructions_are_the_hosts(guarded: Native, mpp: int, instruction: int) -> None:
    """mret, machine CSRs and undefined words go to the host's handler as the hart would send them."""
    outcome = guarded.trap(ILLEGAL, tval=instruction, mpp=mpp, x=[0x8040_0000, *range(1, 32)])
    assert reflected(guarded, outcome) and outcome.x[1:] == tuple(range(1, 32))
    assert guarded.csr("stval") == instruction
    assert outcome.mstatus & MPP == MPP_S
    assert bool(outcome.mstatus & SPP) == (mpp == MPP_S) and outcome.mstatus & SPIE and not outcome.mstatus & SIE


@pytest.mark.parametrize("instruction", [SFENCE_VMA, SATP << 20 | CSRRW << 12 | 6 << 15 | 0x73])
def test_user_mode_gets_nothing_emulated(guarded: Native, instruction: int) -> None:
    """threat: W32"""
    outcome = guarded.trap(ILLEGAL, tval=instruction, mpp=MPP_U, x=[0x8040_0000, *[ROOT] * 31])
    assert reflected(guarded, outcome) and guarded.csr("satp") == 0 and not outcome.mstatus & SPP


def test_before_init_nothing_is_emulated(booted: Native) -> None:
    """Without TVM the hart does it itself; an illegal instruction that still comes here goes back."""
    booted.set_csr("stvec", 0x8040_1000)
    assert reflected(booted, csr_access(booted, CSRRW, value=1 << 31))
    assert booted.csr("satp") == 0


def test_page_faults_handed_on(guarded: Native) -> None:
    """Causes that are delegated and still arrive are handed on with address and cause."""
    outcome = guarded.trap(13, tval=0xDEAD_BEEF, mpp=MPP_U, x=[0x4000, *range(1, 32)])
    assert outcome.x[0] == 0x8040_1000
    assert (guarded.csr("scause"), guarded.csr("sepc"), guarded.csr("stval")) == (13, 0x4000, 0xDEAD_BEEF)
