/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks on page-table walks, as a bare program: no monitor checks what is written, the hardware alone answers.
 *
 * Machine mode plays the monitor's part (guard registers, PMP) and the attacker's (page tables); accesses are made by
 * stubs that run in S- or U-mode, or by machine mode under MPRV. Each scenario shows an access refused, with cause,
 * address and the guard's record, nothing read or written, and then the same access allowed once the attack's
 * ingredient is gone.
 *
 * Physical layout (DRAM offsets):
 *
 *   0x000000 this program          0x410000 HPT area, leaf tables, 16 pages    0x800000 public data, one 4 MiB chunk
 *   0x400000 HPT area, roots,      0x420000 enclave page tables, 4 pages       0xC00000 tables outside of every area
 *            4 pages                                                           protected window: SECURE and up
 */
#ifndef YZ_ATTACK_H
#define YZ_ATTACK_H

#include <stdbool.h>
#include <yz/abi.h>
#include <yz/gpt_regs.h>
#include <yz/memory_map.h>
#include <yz/mmt_regs.h>
#include <yz/sysinfo_regs.h>
#include <yz_bare.h>

#define ROOT_AREA (YZ_DRAM_BASE + 0x00400000u)
#define ROOT_PAGES 4u
#define LEAF_AREA (YZ_DRAM_BASE + 0x00410000u)
#define LEAF_PAGES 16u
#define ENCLAVE_AREA (YZ_DRAM_BASE + 0x00420000u)
#define ENCLAVE_PAGES 4u
#define PUBLIC (YZ_DRAM_BASE + 0x00800000u)
#define OUTSIDE (YZ_DRAM_BASE + 0x00C00000u)
#define SECURE (YZ_PROTECTED_BASE + 0x01000000u)
#define META_ZONE (YZ_DRAM_BASE + 0x01800000u) /* of the memory engine */
#define METADATA (YZ_DRAM_BASE + 0x01810000u)  /* of SECURE's 4 MiB */
#define SUPERPAGE_BYTES 0x00400000u

/* The tables that fresh_tables() builds; free for a scenario: LEAF_AREA + 0x3000 and up. */
#define ROOT ROOT_AREA
#define TABLE_A LEAF_AREA /* maps VA_A: every access of the scenarios goes there */
#define VA_A 0x40000000u
#define VA_SUPER 0x48000000u /* no table: for superpages */
#define VA_USER 0x50000000u  /* the stubs for U-mode */

#define PTE_V 0x01u
#define PTE_R 0x02u
#define PTE_W 0x04u
#define PTE_X 0x08u
#define PTE_U 0x10u
#define PTE_A 0x40u
#define PTE_D 0x80u
#define PTE_POINTER PTE_V
#define PTE_READ (PTE_V | PTE_R | PTE_A)
#define PTE_DATA (PTE_READ | PTE_W | PTE_D)
#define PTE_ALL (PTE_DATA | PTE_X)

#define CAUSE_FETCH_ACCESS 1u
#define CAUSE_ILLEGAL 2u
#define CAUSE_LOAD_ACCESS 5u
#define CAUSE_STORE_MISALIGNED 6u
#define CAUSE_STORE_ACCESS 7u
#define CAUSE_ECALL_U 8u
#define CAUSE_ECALL_S 9u
#define CAUSE_FETCH_PAGE 12u
#define CAUSE_LOAD_PAGE 13u
#define CAUSE_STORE_PAGE 15u

#define MSTATUS_MPP (3u << 11)
#define MSTATUS_MPP_S (1u << 11)
#define MSTATUS_MPRV (1u << 17)
#define MSTATUS_SUM (1u << 18)
#define MSTATUS_MXR (1u << 19)
#define SATP_SV32 (1u << 31)
#define SATP_ASID(n) ((uint32_t)(n) << 22)

#define CSR_READ(name)                                           \
    ({                                                           \
        uint32_t value_;                                         \
        __asm__ volatile("csrr %0, " #name : "=r"(value_));      \
        value_;                                                  \
    })
#define CSR_WRITE(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"(value) : "memory")
#define CSR_SET(name, bits) __asm__ volatile("csrs " #name ", %0" ::"r"(bits) : "memory")
#define CSR_CLEAR(name, bits) __asm__ volatile("csrc " #name ", %0" ::"r"(bits) : "memory")

/* Rules as the guard records them (gpt.rdl). RULE_NONE: the guard let the walk pass and something else refused. */
enum rule { RULE_NONE = 0, RULE_HOST_AREA = 1, RULE_HOST_LEAF = 2, RULE_ENCLAVE_AREA = 3, RULE_RESET_DENY = 4 };

enum op {
    LOAD,
    LOAD_BYTE,
    LOAD_RESERVED,
    STORE,
    STORE_BYTE,
    STORE_HALF,
    STORE_CONDITIONAL,
    AMO,
    FETCH,
    LR_SC,
    SQUASHED_0, /* a load behind a branch that jumps over it but is slow to know; */
    SQUASHED_1, /* three copies, so that each meets a branch predictor that does not know it */
    SQUASHED_2,
    OP_COUNT
};
enum mode { AS_S, AS_U, MPRV_S, MPRV_U, AS_M }; /* MPRV: loads and stores of machine mode, translated like S or U */

/* One access. */
struct access {
    enum op op;
    enum mode mode;
    uint32_t va;
    uint32_t pa; /* what the attacker is after; aligned word whose contents must neither leak nor change */
};

/* Who refuses, and where. ppn is 0 unless a leaf was refused. */
struct refusal {
    uint32_t cause;
    enum rule rule;
    uint32_t level;
    uint64_t pte; /* physical address of the PTE */
    uint64_t ppn;
};

static inline struct refusal not_by_guard(uint32_t cause)
{
    return (struct refusal){cause, RULE_NONE, 0, 0, 0};
}

struct outcome {
    uint32_t cause, tval, pc, value, mstatus;
};

/* --- machine.c: page tables, guard and PMP as the monitor would set them --- */
volatile uint32_t *at(uint32_t physical);
uint32_t pte(uint64_t physical, uint32_t flags);
uint32_t access_cause(enum op op, bool page_fault); /* access fault, or page fault, of the operation's kind */
void flush(void);                                   /* sfence.vma for everything, fence.i */
/* Empty the tables, map the stubs for S and U, point VA_A's root entry to TABLE_A, set satp, world 0, PMP open. */
void fresh_tables(void);
void map_a(uint64_t physical, uint32_t flags); /* the leaf of VA_A */
void set_root(uint32_t physical);
void guard_areas(void); /* the areas of the layout above */
bool open_secure(void); /* start the memory engine, if there is one, and allocate what SECURE needs */
void guard_area(uint32_t index, uint32_t kind, uint32_t levels, uint32_t base, uint32_t limit);
void guard_clear(void); /* forget the recorded fault */
void pmp_open(void);    /* everything allowed */
/* Close a naturally aligned power of two of bytes, 32 or more, to S and U except for `permissions` (R 1, W 2, X 4). */
void pmp_close(uint32_t physical, uint32_t bytes, uint32_t permissions);
extern volatile gpt_t *const guard;
extern volatile sysinfo_t *const sysinfo;

/* --- probe.S, machine.c: making accesses --- */
struct outcome make_access(const struct access *a);
struct outcome enter_with_mprv(const struct access *a); /* in S-mode, with MPRV set when machine mode leaves */
bool is_done(const struct outcome *o, const struct access *a); /* the access happened */

/* --- report.c: judging them; each returns false and says what was wrong once something is --- */
/* The access is refused, and again: nothing was cached. The word at a.pa keeps its value and does not get out. */
bool refused(struct access a, struct refusal expected);
bool allowed(struct access a); /* and it touches the word at a.pa */
bool check(bool holds, const char *what);
void note(const char *text); /* add to the scenario's detail */

struct scenario {
    const char *name;
    const char *threats;
    bool (*run)(void);
};
extern const struct scenario table_scenarios[], leaf_scenarios[], mode_scenarios[], stale_scenarios[], lock_scenarios[];

#endif
