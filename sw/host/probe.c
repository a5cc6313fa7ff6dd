/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include "console.h"

/* While a probe runs: where to go on after a trap. 0: no probe. */
static volatile uint32_t resume_at;
static volatile uint32_t seen_cause, seen_address;

void kernel_trap(struct frame *frame)
{
    uint32_t cause = csr_read(scause), address = csr_read(stval);
    if (!resume_at)
        panic("trap in the kernel: cause %u, address 0x%08x, pc 0x%08x", (unsigned)cause, (unsigned)address,
              (unsigned)frame->x[0]);
    seen_cause = cause;
    seen_address = address;
    frame->x[0] = resume_at;
    resume_at = 0;
}

static void begin(void)
{
    seen_cause = CAUSE_NONE;
    seen_address = 0;
}

static struct probe end(uint32_t value)
{
    resume_at = 0;
    return (struct probe){seen_cause, seen_address, seen_cause == CAUSE_NONE ? value : 0};
}

/* The instructions run with resume_at pointing behind them. ra is free for a jump; t0 and t1 are scratch. */
#define GUARDED(instructions)  \
    "la t0, 1f\n"              \
    "sw t0, %[resume]\n"       \
    instructions "\n"          \
    "1:\n"

#define PROBE_READ(name, ...)                                                                                      \
    {                                                                                                              \
        uint32_t value = 0;                                                                                        \
        begin();                                                                                                   \
        __asm__ volatile(GUARDED(name) : "+&r"(value), [resume] "=m"(resume_at) : __VA_ARGS__ : "t0", "t1", "ra", "memory"); \
        return end(value);                                                                                         \
    }

struct probe probe_load8(uint32_t va) PROBE_READ("lbu %0, 0(%2)", "r"(va))
struct probe probe_load16(uint32_t va) PROBE_READ("lhu %0, 0(%2)", "r"(va))
struct probe probe_load32(uint32_t va) PROBE_READ("lw %0, 0(%2)", "r"(va))
struct probe probe_store8(uint32_t va, uint32_t new_value) PROBE_READ("sb %3, 0(%2)", "r"(va), "r"(new_value))
struct probe probe_store16(uint32_t va, uint32_t new_value) PROBE_READ("sh %3, 0(%2)", "r"(va), "r"(new_value))
struct probe probe_store32(uint32_t va, uint32_t new_value) PROBE_READ("sw %3, 0(%2)", "r"(va), "r"(new_value))
struct probe probe_amoadd(uint32_t va, uint32_t addend) PROBE_READ("amoadd.w %0, %3, (%2)", "r"(va), "r"(addend))
struct probe probe_lr(uint32_t va) PROBE_READ("lr.w %0, (%2)", "r"(va))
struct probe probe_sc(uint32_t reservation_va, uint32_t va, uint32_t new_value)
    PROBE_READ("lr.w t1, (%2)\n sc.w %0, %4, (%3)", "r"(reservation_va), "r"(va), "r"(new_value))
struct probe probe_fetch(uint32_t va) PROBE_READ("jalr ra, 0(%2)", "r"(va))
struct probe probe_csrw_satp(uint32_t new_value) PROBE_READ("csrw satp, %2", "r"(new_value))
struct probe probe_csrr_satp(void) PROBE_READ("csrr %0, satp", "i"(0))
struct probe probe_csrw_mstatus(uint32_t new_value) PROBE_READ("csrw mstatus, %2", "r"(new_value))
struct probe probe_csrr_pmpcfg0(void) PROBE_READ("csrr %0, pmpcfg0", "i"(0))
struct probe probe_csrw_pmpaddr0(uint32_t new_value) PROBE_READ("csrw pmpaddr0, %2", "r"(new_value))
struct probe probe_sfence(void) PROBE_READ("sfence.vma", "i"(0))
struct probe probe_mret(void) PROBE_READ("mret", "i"(0))
