/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses that may fail, and getting data out of the chip so that the next access asks DRAM. */
#include "memory.h"

#define CSR_READ(name)                                      \
    ({                                                      \
        uint32_t value_;                                    \
        __asm__ volatile("csrr %0, " #name : "=r"(value_)); \
        value_;                                             \
    })
#define CSR_SET(name, bits) __asm__ volatile("csrs " #name ", %0" ::"r"(bits) : "memory")
#define CSR_CLEAR(name, bits) __asm__ volatile("csrc " #name ", %0" ::"r"(bits) : "memory")
#define MSTATUS_MPP_M (3u << 11)
#define OTHERS 40u /* leaves of each of two subtrees: together more than the node cache holds */

/* attacks/probe.S: runs a stub in machine mode; it comes back at the first trap, the stub's own ecall if nothing fails. */
struct outcome {
    uint32_t cause, value_of_trap, pc, a0, mstatus;
};
void enter(struct outcome *out, uint32_t pc, uint32_t a0, uint32_t a1);
extern const char stub_LOAD[], stub_STORE[], stub_FETCH[], stub_WAIT[];

static struct outcome probe(const char *stub, uint32_t a0, uint32_t a1)
{
    struct outcome out;
    CSR_SET(mstatus, MSTATUS_MPP_M);
    enter(&out, (uint32_t)(uintptr_t)stub, a0, a1);
    return out;
}

uint32_t load(uint32_t address, uint32_t *value)
{
    put_out(address);
    struct outcome out = probe(stub_LOAD, address, 0);
    *value = out.a0; /* after a trap the address, if the load changed nothing */
    return out.cause == CAUSE_ECALL ? 0 : out.cause;
}

uint32_t store(uint32_t address, uint32_t value)
{
    struct outcome out = probe(stub_STORE, address, value);
    if (!clean(address))
        return CAUSE_STORE_ACCESS;
    return out.cause == CAUSE_ECALL ? 0 : out.cause;
}

bool store_refused(uint32_t address, uint32_t value)
{
    uint32_t cause = store(address, value);
    bool posted = (sysinfo->write_error & SYSINFO__WRITE_ERROR__VALID_bm) != 0 &&
                  sysinfo->write_error_address == (address & ~(LINE - 1));
    sysinfo->write_error = SYSINFO__WRITE_ERROR__VALID_bm;
    return cause == CAUSE_STORE_ACCESS || (cause == 0 && posted);
}

uint32_t fetch(uint32_t address)
{
    put_out(address);
    __asm__ volatile("fence.i" ::: "memory");
    return probe(stub_FETCH, address, 0).cause;
}

uint32_t wait_for_interrupt(void)
{
    CSR_SET(mie, INTERRUPT_EXTERNAL);
    uint32_t cause = probe(stub_WAIT, 0, 0).cause;
    CSR_CLEAR(mie, INTERRUPT_EXTERNAL);
    return cause;
}

bool interrupt_pending(void)
{
    return (CSR_READ(mip) & INTERRUPT_EXTERNAL) != 0;
}

uint32_t word(uint32_t physical)
{
    put_out(physical);
    return *(volatile uint32_t *)(uintptr_t)physical;
}

uint32_t content(uint32_t seed, uint32_t line)
{
    return (seed * 2654435761u ^ line * 0x01000193u) + 0x5EED0001u;
}

bool fill(uint32_t subtree, uint32_t lines, uint32_t step, uint32_t seed)
{
    for (uint32_t i = 0; i < lines; i++) {
        volatile uint32_t *words = (volatile uint32_t *)(uintptr_t)protected(data(subtree, i * step));
        uint32_t value = content(seed, i * step);
        for (uint32_t w = 0; w < LINE / 4; w++)
            words[w] = value;
        if (!check(clean((uint32_t)(uintptr_t)words), "a line of protected memory was refused"))
            return false;
    }
    return check((sysinfo->write_error & SYSINFO__WRITE_ERROR__VALID_bm) == 0, "a store to protected memory was refused");
}

bool holds(uint32_t subtree, uint32_t lines, uint32_t step, uint32_t seed)
{
    bool good = true;
    for (uint32_t i = 0; i < lines && good; i++) {
        uint32_t address = protected(data(subtree, i * step)), value = 0;
        good = load(address, &value) == 0 && value == content(seed, i * step);
        good = good && load(address + LINE - 4, &value) == 0 && value == content(seed, i * step);
    }
    return good;
}

bool fresh(uint32_t subtree, uint32_t lines, uint32_t step, uint32_t seed)
{
    discard_subtree(subtree);
    command(OP_FREE, subtree); /* the first time there is nothing to free */
    return check(allocate(subtree, metadata(subtree) >> 12) == OK, "ALLOC was refused") &&
           fill(subtree, lines, step, seed);
}

bool put_away(uint32_t subtree)
{
    bool flushed = flush_subtree(subtree);
    enum result result = command(OP_UNMOUNT, subtree);
    return check(flushed, "FLUSH was refused") && check(result == OK || result == NOT_MOUNTED, "UNMOUNT was refused");
}

/* Without the way back from a trap. */
static bool plain_holds(uint32_t subtree, uint32_t line, uint32_t seed)
{
    put_out(protected(data(subtree, line)));
    return *(volatile uint32_t *)(uintptr_t)protected(data(subtree, line)) == content(seed, line);
}

bool put_away_root(void)
{
    /* More leaves and MAC lines of other subtrees than the caches hold; those of the root tree are used no more. */
    static bool written;
    bool good = check(command(OP_FLUSH_ALL, 0) == OK, "FLUSH_ALL was refused");
    if (!written)
        good = good && fresh(B, OTHERS, LEAF_LINES, 0xB) && fresh(C, OTHERS, LEAF_LINES, 0xC);
    written = true;
    good = good && put_away(A) && check(command(OP_FLUSH_ALL, 0) == OK, "FLUSH_ALL was refused");
    for (uint32_t i = 0; i < 2 * OTHERS; i++) {
        good = good && plain_holds(B, i % OTHERS * LEAF_LINES, 0xB) && plain_holds(C, i % OTHERS * LEAF_LINES, 0xC);
    }
    return check(good, "another subtree fails");
}
