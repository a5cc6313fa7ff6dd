/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locked lines of the cache in the whole machine, over the memory engine. Domain 1 is the victim's, 2 the attacker's; what
 * only machine mode can do is done by this program, as the monitor would.
 */
#include <yz_llc.h>

#include "memory.h"

#define VICTIM 1u
#define ATTACKER 2u
#define LINES 4u
#define PAGE YZ_PAGE_BYTES
#define OTHER data(C + 4, 0) /* the attacker's memory: 1 MiB from there */

static uint32_t line_at(uint32_t line)
{
    return protected(data(A, line));
}

/* Quotas that the cache may hold, nothing locked. */
static bool prepared(uint32_t seed)
{
    llc_operate(LLC_UNLOCK, LLC_ALL, VICTIM, 0);
    llc_operate(LLC_UNLOCK, LLC_ALL, ATTACKER, 0);
    llc_set_quota(VICTIM, 128);
    llc_set_quota(ATTACKER, 32);
    return fresh(A, LINES, 1, seed) && put_away(A) && check(holds(A, LINES, 1, seed), "without an attack it fails");
}

static bool unlocked(void)
{
    bool good = check(llc_operate(LLC_UNLOCK, LLC_ALL, VICTIM, 0) == LLC_DONE && llc_locked_lines(VICTIM) == 0, "UNLOCK failed");
    llc_operate(LLC_UNLOCK, LLC_ALL, ATTACKER, 0);
    llc_set_quota(VICTIM, 0);
    llc_set_quota(ATTACKER, 0);
    return good;
}

static bool is(enum llc_result result, enum llc_result expected, const char *what)
{
    return check(result == expected, what);
}

static bool owned(uint32_t address, uint32_t owner)
{
    return llc_operate(LLC_STATUS, LLC_LINE, 0, address) == LLC_DONE && llc_answer_present() && llc_answer_owner() == owner;
}

__attribute__((noinline)) static uint32_t time_of(uint32_t address)
{
    uint32_t begin, end;
    __asm__ volatile("csrr %0, mcycle\n lw %1, 0(%2)\n add %1, %1, zero\n csrr %1, mcycle"
                     : "=&r"(begin), "=&r"(end) : "r"(address) : "memory");
    return end - begin;
}

/* Lines of the set of `address`, four times as many as the set has ways. */
static void crowd(uint32_t address)
{
    uint32_t way = llc_way_bytes(), set = address & (way - 1) & ~(LINE - 1);
    for (uint32_t n = 0; n < 4 * llc_ways(); n++)
        (void)*(volatile uint32_t *)(uintptr_t)((OTHER & ~(way - 1)) + n * way + set);
}

/* threat: C01, C06. */
static bool pinned(uint32_t phase)
{
    (void)phase;
    bool good = prepared(95) && is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, line_at(0)), LLC_DONE, "LOCK was refused");
    time_of(line_at(0));
    uint32_t locked = time_of(line_at(0));
    time_of(line_at(1));
    crowd(line_at(0));
    crowd(line_at(1));
    uint32_t after = time_of(line_at(0)), other = time_of(line_at(1)), again = time_of(line_at(1));
    good = good && check(after == locked, "a locked line is not answered in the same time") &&
           check(owned(line_at(0), VICTIM), "a locked line was put out") && check(other > again, "a line that is not locked was not put out");
    note("%u lines of its set later: %u cycles for the locked line as before, %u for one that is not locked", 4 * llc_ways(),
         (unsigned)after, (unsigned)other);
    return unlocked() && good;
}

/* threat: C02, C03, C17. */
static bool refused(uint32_t phase)
{
    (void)phase;
    bool good = prepared(96);
    uint32_t way = llc_way_bytes(), ways = llc_ways(), base = OTHER & ~(way - 1);
    for (uint32_t n = 0; n < ways - 2; n++)
        good = good && is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, base + n * way), LLC_DONE, "LOCK was refused");
    good = good && is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, base + (ways - 2) * way), LLC_SET_FULL, "a set was filled with locks");
    for (uint32_t n = 0; n < 2 * ways; n++)
        (void)*(volatile uint32_t *)(uintptr_t)(base + n * way); /* others still get on */
    for (uint32_t n = 0; n < 32; n++)
        good = good && is(llc_operate(LLC_LOCK, LLC_LINE, ATTACKER, base + PAGE / 2 + n * LINE), LLC_DONE, "LOCK within the quota was refused");
    good = good && is(llc_operate(LLC_LOCK, LLC_LINE, ATTACKER, base + PAGE / 2 + 32 * LINE), LLC_QUOTA, "the quota was exceeded") &&
           check(llc_locked_lines(ATTACKER) == 32 && llc_locked_lines(VICTIM) == ways - 2, "a refused LOCK counts");
    good = good && is(llc_operate(LLC_LOCK, LLC_LINE, ATTACKER, base), LLC_OTHER_OWNER, "another's line was locked") &&
           is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, base + 4), LLC_BAD_ADDRESS, "a misaligned line was locked") &&
           is(llc_operate(LLC_LOCK, LLC_PAGE, VICTIM, base + LINE), LLC_BAD_ADDRESS, "a misaligned page was locked") &&
           is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, YZ_UART_BASE), LLC_BAD_ADDRESS, "a device was locked") &&
           is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, YZ_DRAM_BASE - LINE), LLC_BAD_ADDRESS, "what is no memory was locked") &&
           is(llc_operate(LLC_LOCK, LLC_PAGE, VICTIM, 0xFFFFF000u), LLC_BAD_ADDRESS, "the last page was locked") &&
           is(llc_operate(LLC_LOCK, LLC_ALL, VICTIM, 0), LLC_BAD_COMMAND, "everything was locked") &&
           is(llc_operate(LLC_LOCK, LLC_LINE, 0, base), LLC_BAD_DOMAIN, "nobody locked a line") &&
           is(llc_operate(LLC_LOCK, LLC_LINE, 200, base), LLC_BAD_DOMAIN, "a domain that does not exist locked a line");
    /* A subtree that is not allocated: the fetch fails, and nothing is locked. */
    good = good && is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, protected(data(C + 5, 5))), LLC_MEMORY_ERROR, "a line was locked that cannot be had");
    take(&engine->denied);
    note("%u of %u ways locked and no more; 32 lines for a quota of 32; 10 wrong LOCKs refused, each with its reason", (unsigned)(ways - 2),
         (unsigned)ways);
    return unlocked() && good;
}

/* threat: C07, C11, C15. */
static bool maintained(uint32_t phase)
{
    (void)phase;
    bool good = prepared(97) && is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, line_at(2)), LLC_DONE, "LOCK was refused");
    *(volatile uint32_t *)(uintptr_t)(line_at(2) + 8) = 0x10CED;
    uint32_t before = word(data(A, 2) + 8);
    for (enum llc_op op = LLC_CLEAN; op <= LLC_DISCARD; op++) {
        for (uint32_t domain = 0; domain <= ATTACKER; domain += ATTACKER) {
            for (enum llc_scope scope = LLC_LINE; scope <= LLC_PAGE; scope++)
                good = good && is(llc_operate(op, scope, domain, scope == LLC_LINE ? line_at(2) : line_at(0)), LLC_DONE, "it was refused") &&
                       check(owned(line_at(2), VICTIM), "another's operation took a locked line away");
        }
    }
    good = good && is(llc_operate(LLC_FLUSH, LLC_ALL, 0, 0), LLC_DONE, "FLUSH of everything was refused") &&
           is(llc_operate(LLC_UNLOCK, LLC_LINE, ATTACKER, line_at(2)), LLC_OTHER_OWNER, "another's line was unlocked") &&
           is(llc_operate(LLC_UNLOCK, LLC_ALL, ATTACKER, 0), LLC_DONE, "UNLOCK of everything was refused") &&
           check(owned(line_at(2), VICTIM), "a locked line is gone") &&
           check(*(volatile uint32_t *)(uintptr_t)(line_at(2) + 8) == 0x10CED, "a locked line lost a store") &&
           check(word(data(A, 2) + 8) == before, "a locked line was written back");
    note("12 operations for others, a FLUSH of everything and two UNLOCKs: the locked line stays, dirty, with its content");
    return unlocked() && good;
}

/* threat: C08, C13. */
static bool written_back(uint32_t phase)
{
    (void)phase;
    static const enum llc_op ops[] = {LLC_UNLOCK, LLC_FLUSH};
    bool good = prepared(98);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t value = 0, before = word(data(A, 1) + 8);
        good = good && is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, line_at(1)), LLC_DONE, "LOCK was refused");
        *(volatile uint32_t *)(uintptr_t)(line_at(1) + 8) = 0xC0DE + i;
        good = good && check(word(data(A, 1) + 8) == before, "a locked line was written back") &&
               is(llc_operate(ops[i], LLC_LINE, VICTIM, line_at(1)), LLC_DONE, "the owner was refused") &&
               is(llc_operate(LLC_STATUS, LLC_LINE, 0, line_at(1)), LLC_DONE, "STATUS was refused") &&
               check(!llc_answer_present() && llc_answer_owner() == 0, "the lock stays") &&
               check(word(data(A, 1) + 8) != before && word(data(A, 1) + 8) != 0xC0DE + i, "DRAM has not its ciphertext") &&
               put_away(A) && check(load(line_at(1) + 8, &value) == 0 && value == 0xC0DE + i, "the store is lost");
    }
    note("UNLOCK and FLUSH by the owner: written back through the engine, ciphertext in DRAM, it verifies and holds the store");
    return unlocked() && good;
}

/* threat: C19. */
static bool reset_with_locks(uint32_t phase)
{
    if (phase == 0) {
        bool good = prepared(99);
        for (uint32_t line = 0; line < LINES; line++)
            good = good && is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, line_at(line)), LLC_DONE, "LOCK was refused");
        if (good)
            power_cycle(NO_SLOT);
        return false;
    }
    bool good = check(llc_locked_lines(VICTIM) == 0, "a lock survived the reset");
    for (uint32_t line = 0; line < LINES; line++)
        good = good && is(llc_operate(LLC_STATUS, LLC_LINE, 0, line_at(line)), LLC_DONE, "STATUS was refused") &&
               check(!llc_answer_present() && llc_answer_owner() == 0, "a line survived the reset");
    good = good && is(llc_operate(LLC_LOCK, LLC_LINE, VICTIM, OTHER), LLC_QUOTA, "a quota survived the reset");
    note("after a power cycle nothing is locked or in the cache, and quotas are 0");
    return good && fresh(A, LINES, 1, 99) && put_away(A) && check(holds(A, LINES, 1, 99), "it does not work after the reset");
}

const struct scenario lock_scenarios[] = {
    {"locked line in a crowded set", "C01,C06", pinned},
    {"locks that are refused", "C02,C03,C17", refused},
    {"others' operations on a locked line", "C07,C11,C15", maintained},
    {"owner gives up a locked line", "C08,C13", written_back},
    {"reset with locks held", "C19", reset_with_locks},
    {0},
};
