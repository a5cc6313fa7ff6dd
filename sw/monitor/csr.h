/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control and status registers the monitor uses (RISC-V Privileged Architecture 20240411, chapters 3, 10 and 13).
 * Numbers are macros because a CSR instruction takes its number as an immediate.
 */
#ifndef YZ_MONITOR_CSR_H
#define YZ_MONITOR_CSR_H

#define CSR_SSTATUS 0x100
#define CSR_SIE 0x104
#define CSR_STVEC 0x105
#define CSR_SCOUNTEREN 0x106
#define CSR_SENVCFG 0x10A
#define CSR_SSCRATCH 0x140
#define CSR_SEPC 0x141
#define CSR_SCAUSE 0x142
#define CSR_STVAL 0x143
#define CSR_STIMECMP 0x14D
#define CSR_STIMECMPH 0x15D
#define CSR_SATP 0x180
#define CSR_MSTATUS 0x300
#define CSR_MEDELEG 0x302
#define CSR_MIDELEG 0x303
#define CSR_MIE 0x304
#define CSR_MTVEC 0x305
#define CSR_MCOUNTEREN 0x306
#define CSR_MENVCFGH 0x31A
#define CSR_MSCRATCH 0x340
#define CSR_MEPC 0x341
#define CSR_MCAUSE 0x342
#define CSR_MTVAL 0x343
#define CSR_MIP 0x344
#define CSR_PMPCFG0 0x3A0
#define CSR_PMPADDR0 0x3B0
#define CSR_MVENDORID 0xF11
#define CSR_MARCHID 0xF12
#define CSR_MIMPID 0xF13
#define CSR_MHARTID 0xF14

/*
 * mstatus: 31 SD | 22 TSR | 21 TW | 20 TVM | 19 MXR | 18 SUM | 17 MPRV | 12:11 MPP | 8 SPP | 7 MPIE | 5 SPIE | 3 MIE |
 *          1 SIE
 */
#define MSTATUS_SIE (1u << 1)
#define MSTATUS_MIE (1u << 3)
#define MSTATUS_SPIE (1u << 5)
#define MSTATUS_MPIE (1u << 7)
#define MSTATUS_SPP (1u << 8)
#define MSTATUS_MPP (3u << 11)
#define MSTATUS_MPP_U (0u << 11)
#define MSTATUS_MPP_S (1u << 11)
#define MSTATUS_MPRV (1u << 17)
#define MSTATUS_SUM (1u << 18)
#define MSTATUS_MXR (1u << 19)
#define MSTATUS_TVM (1u << 20)
#define MSTATUS_TW (1u << 21)
#define MSTATUS_TSR (1u << 22)

#define MENVCFGH_STCE (1u << 31)
#define COUNTEREN_CY_TM_IR 7u

/* Interrupts of the supervisor: software, timer, external. */
#define INTERRUPTS_S (1u << 1 | 1u << 5 | 1u << 9)

/* Interrupt of the machine from outside: the memory engine found a failure, or memory refused a store. */
#define INTERRUPT_MEI (1u << 11)

#define CAUSE_INTERRUPT (1u << 31)
#define CAUSE_MEI (CAUSE_INTERRUPT | 11u)
#define CAUSE_FETCH_ACCESS 1u
#define CAUSE_ILLEGAL 2u
#define CAUSE_LOAD_ACCESS 5u
#define CAUSE_STORE_ACCESS 7u
#define CAUSE_ECALL_U 8u
#define CAUSE_ECALL_S 9u
#define CAUSE_FETCH_PAGE 12u
#define CAUSE_LOAD_PAGE 13u
#define CAUSE_STORE_PAGE 15u

/* Everything a supervisor may handle itself: all but its own ecall. */
#define MEDELEG_ALL 0xB1FFu /* bits 0 to 8, 12, 13, 15 */
#define MEDELEG_ILLEGAL (1u << CAUSE_ILLEGAL)

/* satp, Sv32: 31 mode | 30:22 ASID | 21:0 page number of the root table. */
#define SATP_SV32 (1u << 31)
#define SATP_PPN 0x003FFFFFu

#endif
