/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor needs of the architecture (RISC-V Privileged Architecture 20240411, chapters 10 and 12). */
#ifndef YZ_HOST_RISCV_H
#define YZ_HOST_RISCV_H

#include <stdint.h>
#include <yz/memory_map.h>

#define csr_read(name)                                                        \
    ({                                                                        \
        uint32_t csr_value;                                                   \
        __asm__ volatile("csrr %0, " #name : "=r"(csr_value) : : "memory");   \
        csr_value;                                                            \
    })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" : : "r"((uint32_t)(value)) : "memory")
#define csr_set(name, value) __asm__ volatile("csrs " #name ", %0" : : "r"((uint32_t)(value)) : "memory")
#define csr_clear(name, value) __asm__ volatile("csrc " #name ", %0" : : "r"((uint32_t)(value)) : "memory")

#define SSTATUS_SPIE (1u << 5)
#define SSTATUS_SPP (1u << 8)
#define SSTATUS_SUM (1u << 18)
#define SSTATUS_MXR (1u << 19)
#define SIE_STIE (1u << 5)
#define COUNTEREN_CY_TM_IR 7u

#define CAUSE_INTERRUPT (1u << 31)
#define CAUSE_TIMER (CAUSE_INTERRUPT | 5u)
enum cause {
    CAUSE_NONE = 0xFFFF, /* no trap was taken */
    CAUSE_FETCH_MISALIGNED = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_U = 8,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15,
};

/* Sv32 PTE: 31:10 physical page number | 7 D | 6 A | 5 G | 4 U | 3 X | 2 W | 1 R | 0 V */
#define PTE_V 0x01u
#define PTE_R 0x02u
#define PTE_W 0x04u
#define PTE_X 0x08u
#define PTE_U 0x10u
#define PTE_G 0x20u
#define PTE_A 0x40u
#define PTE_D 0x80u
#define PTE_PPN_SHIFT 10

#define PAGE YZ_PAGE_BYTES
#define PAGE_SHIFT 12
#define SUPERPAGE (4u << 20)
#define TABLE_ENTRIES 1024u
#define SATP_SV32 (1u << 31)

/* PTE that points to physical address pa (below 4 GiB) with the given flags. */
static inline uint32_t pte_make(uint32_t pa, uint32_t flags)
{
    return pa >> PAGE_SHIFT << PTE_PPN_SHIFT | flags;
}

/* Physical address a PTE points to; the two bits above 4 GiB are cut off: only use it on entries this kernel made. */
static inline uint32_t pte_address(uint32_t pte)
{
    return pte >> PTE_PPN_SHIFT << PAGE_SHIFT;
}

static inline uint32_t vpn1(uint32_t va)
{
    return va >> 22;
}

static inline uint32_t vpn0(uint32_t va)
{
    return va >> PAGE_SHIFT & (TABLE_ENTRIES - 1);
}

/* Low half of the cycle counter: differences of runs below 2^32 cycles. */
static inline uint32_t cycles(void)
{
    uint32_t value;
    __asm__ volatile("rdcycle %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t time_now(void)
{
    uint32_t high, low, again;
    do {
        __asm__ volatile("rdtimeh %0\n rdtime %1\n rdtimeh %2" : "=r"(high), "=r"(low), "=r"(again) : : "memory");
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

#endif
