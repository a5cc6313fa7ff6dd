/* SPDX-License-Identifier: Apache-2.0 */
/* The experiments. The attacker only collects; what its traces tell is worked out by sim/yingzhou_sim/leak.py. */
#include "leak.h"

#include <yz/sim_device.h>

/* How many traces; the image `leak-deep` has more. */
#ifndef PROBE_TRACES
#define PROBE_TRACES 24u
#endif
#ifndef TIME_TRACES
#define TIME_TRACES 96u
#endif

#define WARM_UP 4u /* traces that are not kept: caches are cold */
#define SUBTREE 16u
#define VICTIM (YZ_DRAM_BASE + (SUBTREE << 22))
#define SEEN (YZ_DRAM_BASE + 0x02000000u) /* what the attacker saw, handed out as often as it is full */
#define SEEN_BYTES YZ_PAGE_BYTES
#define RECORD (BLOCK + 2 * TABLE_LINES) /* the longer kind */
#define MTIME (YZ_CLINT_BASE + 0xBFF8u)

/* Part of a whole encryption after which the victim is preempted: the first round and some of the second. */
#define PREEMPT_NUMERATOR 3u
#define PREEMPT_DENOMINATOR 20u

enum kind { PROBE, REPLACEMENT, TIME };

struct experiment {
    const char *name, *threats;
    enum kind kind;
    bool locked, whole; /* the tables are locked; the victim is not preempted */
    uint32_t traces;
};

static const struct experiment experiments[] = {
    {"prime and probe, tables not locked", "C05", PROBE, false, false, PROBE_TRACES},
    {"prime and probe, tables locked", "C05", PROBE, true, false, PROBE_TRACES},
    {"order of replacement, tables not locked", "C05", REPLACEMENT, false, false, PROBE_TRACES},
    {"order of replacement, tables locked", "C05", REPLACEMENT, true, false, PROBE_TRACES},
    {"evict and time, tables not locked", "C05", TIME, false, true, TIME_TRACES},
    {"evict and time, tables locked", "C05", TIME, true, true, TIME_TRACES},
};

static struct {
    uint32_t tables, preempt_cycles, random, kind; /* kind: enum yz_leak */
    uint32_t *next; /* where the next word of what was seen goes */
} state;

static uint32_t random_word(void)
{
    uint32_t x = state.random; /* xorshift (Marsaglia, 2003) */
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return state.random = x;
}

/* Hand what was seen to the harness. */
static void hand_out(void)
{
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_DATA, state.kind, SEEN, (uint32_t)(uintptr_t)state.next - SEEN, 0);
    state.next = (uint32_t *)SEEN;
}

static void put(uint32_t word)
{
    *state.next++ = word;
}

static void new_block(void)
{
    if ((uintptr_t)state.next + RECORD > SEEN + SEEN_BYTES)
        hand_out();
    uint8_t *block = victim_block();
    for (uint32_t n = 0; n < BLOCK; n += 4) {
        uint32_t word = random_word();
        put(word);
        memcpy(block + n, &word, sizeof word);
    }
}

static uint32_t now(void)
{
    uint32_t cycle;
    __asm__ volatile("csrr %0, mcycle" : "=r"(cycle)::"memory");
    return cycle;
}

static void encrypt(bool whole)
{
    if (whole) {
        victim_encrypt();
    } else {
        volatile uint32_t *mtime = (volatile uint32_t *)MTIME;
        uint32_t low = mtime[0], deadline = low + state.preempt_cycles;
        preempted(victim_encrypt, deadline, mtime[1] + (deadline < low));
    }
}

/* A trace: the block, then a half word of cycles for each line of the tables. */
static void probe(const struct experiment *e)
{
    for (uint32_t trace = 0; trace < WARM_UP + e->traces; trace++) {
        if (trace == WARM_UP)
            state.next = (uint32_t *)SEEN;
        new_block();
        watch_settle();
        encrypt(e->whole);
        for (uint32_t set = 0, last = 0; set < TABLE_LINES; set++) {
            uint32_t cycles = e->kind == PROBE ? watch_probe(set) : watch_replacement(set);
            if (set % 2 != 0)
                put(last | cycles << 16);
            last = cycles;
        }
    }
}

/* A trace: the block, then the cycles of its encryption; line 0 of table 0 was driven out. */
static void evict_and_time(const struct experiment *e)
{
    for (uint32_t trace = 0; trace < WARM_UP + e->traces; trace++) {
        if (trace == WARM_UP)
            state.next = (uint32_t *)SEEN;
        new_block();
        watch_probe(0);
        watch_probe(0);
        uint32_t begun = now();
        encrypt(e->whole);
        put(now() - begun);
    }
}

static void run(const struct experiment *e)
{
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_SCENARIO_BEGIN, (uint32_t)(uintptr_t)e->name, 1,
                 (uint32_t)(uintptr_t)e->threats, 0);
    state.next = (uint32_t *)SEEN;
    state.kind = (e->kind == TIME ? YZ_LEAK_TIME : YZ_LEAK_PROBE) | (e->locked ? YZ_LEAK_LOCKED : 0);
    state.random = 0x1BADB002u;
    memcpy(state.next, victim_key(), BLOCK);
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_DATA, YZ_LEAK_KEY, SEEN, BLOCK, 0);
    uint32_t answer = e->locked ? cache_lock_page(state.tables) : 0;
    uint32_t lines = watch_setup(state.tables), begun = now();
    (e->kind == TIME ? evict_and_time : probe)(e);
    uint32_t cycles = (now() - begun) / (WARM_UP + e->traces);
    hand_out();
    printf("%s: %u traces of %u cycles, %u lines of a set\n", e->name, (unsigned)e->traces, (unsigned)cycles,
           (unsigned)lines);
    if (e->locked)
        answer |= cache_unlock_all();
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_SCENARIO_END, answer == 0, (uint32_t)(uintptr_t)"the lock was refused", 0, 0);
}

int main(void)
{
    struct geometry geometry = cache_geometry();
    uint32_t colours = geometry.way_bytes / YZ_PAGE_BYTES;
    if (colours < 2) {
        printf("needs a cache with two pages in a way\n");
        return 1;
    }
    uint32_t victim = VICTIM | protect(SUBTREE);
    state.tables = victim + (colours - 1) * YZ_PAGE_BYTES;
    victim_setup(state.tables, victim);
    uint32_t begun = now();
    victim_encrypt();
    uint32_t cold = now() - begun;
    for (uint32_t n = 0; n < 4; n++) {
        begun = now();
        victim_encrypt();
    }
    uint32_t whole = now() - begun;
    state.preempt_cycles = whole * PREEMPT_NUMERATOR / PREEMPT_DENOMINATOR;
    printf("%u ways, %u colours; an encryption takes %u cycles, %u at first\n", (unsigned)geometry.ways,
           (unsigned)colours, (unsigned)whole, (unsigned)cold);
    for (uint32_t n = 0; n < sizeof experiments / sizeof experiments[0]; n++)
        run(&experiments[n]);
    return 0;
}
