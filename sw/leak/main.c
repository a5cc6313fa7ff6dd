/* SPDX-License-Identifier: Apache-2.0 */
/* The experiments. The attacker only collects; what its traces tell is worked out by sim/yingzhou_sim/leak.py. */
#include "leak.h"

#include <yz/sim_device.h>

/* How many traces, and of how many bytes of the key (0, 4, 8, 12: all of table 0) evict and time is after. */
#ifdef DEEP
#define PROBE_TRACES 24u
#define TIME_TRACES 1600u
#define TIME_BYTES 4u
#define ACCEPT 128u /* encryptions that must fit a guess */
#else
#define PROBE_TRACES 12u
#define TIME_TRACES 400u
#define TIME_BYTES 1u
#define ACCEPT 80u
#endif
#define WHOLE_TRACES 240u /* of prime and probe when the victim is not preempted */

#define WARM_UP 4u /* traces that are not kept: caches are cold */
#define DOMAIN 1u /* the victim's */
#define SUBTREE 16u
#define VICTIM (YZ_DRAM_BASE + (SUBTREE << 22))
#define SEEN (YZ_DRAM_BASE + 0x02000000u) /* what the attacker saw, handed out as often as it is full */
#define SEEN_BYTES YZ_PAGE_BYTES
#define RECORD (BLOCK + 2 * TABLE_LINES) /* the longer kind */
#define MTIME (YZ_CLINT_BASE + 0xBFF8u)

#define GUESSES 16u

/* Part of a whole encryption after which the victim is preempted: the first round and some of the second. */
#define PREEMPT_NUMERATOR 3u
#define PREEMPT_DENOMINATOR 20u

struct experiment {
    const char *name, *threats;
    enum yz_leak kind;
    bool locked, whole; /* the tables are locked; the victim is not preempted */
};

static const struct experiment experiments[] = {
    {"prime and probe, tables not locked", "C05", YZ_LEAK_PROBE, false, false},
    {"prime and probe, tables locked", "C05", YZ_LEAK_PROBE, true, false},
#ifdef DEEP
    {"prime and probe of whole encryptions, tables not locked", "C05", YZ_LEAK_PROBE, false, true},
    {"prime and probe of whole encryptions, tables locked", "C05", YZ_LEAK_PROBE, true, true},
#endif
    {"evict and time, tables not locked", "C05", YZ_LEAK_TIME, false, true},
    {"evict and time, tables locked", "C05", YZ_LEAK_TIME, true, true},
};

static struct {
    uint32_t tables, random, block[BLOCK / 4];
    uint32_t whole_cycles;   /* of an encryption that misses nothing */
    uint32_t preempt_cycles; /* after which the victim is preempted */
    uint32_t time_traces;    /* what evict and time needed without the lock */
    uint32_t kind;         /* enum yz_leak */
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

/* Give the victim its next block, of which byte 4 `n` begins with these four bits. */
static void give_block(uint32_t n, uint32_t high_half)
{
    for (uint32_t word = 0; word < BLOCK / 4; word++)
        state.block[word] = random_word();
    state.block[n] = (state.block[n] & ~0xF0u) | high_half << 4; /* byte 4 n is the lowest of its word */
    memcpy(victim_block(), state.block, BLOCK);
}

/* Begin a record with the block. Not before the victim has run: it shall find the same state however records lie. */
static void note_block(void)
{
    if ((uintptr_t)state.next + RECORD > SEEN + SEEN_BYTES)
        hand_out();
    for (uint32_t word = 0; word < BLOCK / 4; word++)
        put(state.block[word]);
}

static uint32_t now(void)
{
    uint32_t cycle;
    __asm__ volatile("csrr %0, mcycle" : "=r"(cycle)::"memory");
    return cycle;
}

/* The first round and some of the second: nothing else says so much about the key. */
static void encrypt_a_little(void)
{
    volatile uint32_t *mtime = (volatile uint32_t *)MTIME;
    uint32_t low = mtime[0], deadline = low + state.preempt_cycles;
    preempted(victim_encrypt, deadline, mtime[1] + (deadline < low));
}

/* A trace: the block, then a half word of cycles for each line of the tables. */
static void probe(bool whole)
{
    uint32_t traces = whole ? WHOLE_TRACES : PROBE_TRACES;
    for (uint32_t trace = 0; trace < WARM_UP + traces; trace++) {
        if (trace == WARM_UP)
            state.next = (uint32_t *)SEEN;
        give_block(0, random_word() >> 28);
        watch_settle();
        if (whole)
            victim_encrypt();
        else
            encrypt_a_little();
        note_block();
        for (uint32_t set = 0; set < TABLE_LINES; set += 2) {
            uint32_t even = watch_probe(set);
            put(even | watch_probe(set + 1) << 16);
        }
    }
}

/* A guess that is not contradicted; anew when all are. */
static uint32_t next_guess(uint32_t *contradicted)
{
    if (*contradicted == (1u << GUESSES) - 1)
        *contradicted = 0;
    uint32_t guess;
    do {
        guess = random_word() % GUESSES;
    } while ((*contradicted >> guess & 1) != 0);
    return guess;
}

/* A trace: the block, then the cycles of its encryption. */
static uint32_t timed_encryption(void)
{
    uint32_t begun = now();
    victim_encrypt();
    uint32_t cycles = now() - begun;
    note_block();
    put(cycles);
    return cycles;
}

/* Cycles between those of an encryption that misses nothing, the shortest of some, and of one that misses once. */
static uint32_t time_limit(void)
{
    uint32_t usual = ~0u;
    for (uint32_t n = 0; n < WARM_UP; n++) {
        give_block(0, random_word() >> 28);
        watch_settle_set(SPARE_SET); /* the work before it is always the same, but here of a set without its lines */
        uint32_t cycles = timed_encryption();
        usual = cycles < usual ? cycles : usual;
    }
    state.next = (uint32_t *)SEEN;
    return usual + watch_miss() / 2;
}

/*
 * Line 0 of table 0 is driven out before each encryption; one that takes no longer than usual did not use it. So a guess
 * that has its first round use it is wrong. A guess is tried until it is contradicted, or until ACCEPT encryptions were
 * not: then it is taken. (A wrong one is contradicted by one in twelve: 39 more loads of the table all go to other lines.)
 */
static uint32_t evict_and_time(uint32_t traces)
{
    uint32_t limit = time_limit(), byte = 0, contradicted = 0, fits = 0, trace = 0;
    put(limit);
    put(ACCEPT);
    put(TIME_BYTES);
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_DATA, YZ_LEAK_LIMIT, SEEN, 12, 0);
    state.next = (uint32_t *)SEEN;
    printf("%u cycles are an encryption that missed\n", (unsigned)limit);
    for (uint32_t guess = next_guess(&contradicted); trace < traces && byte < TIME_BYTES; trace++) {
        give_block(byte, guess); /* line 0 is that of index 0 to 15: the high half of the block's byte is the guess */
        watch_settle_set(0);
        if (timed_encryption() < limit) {
            contradicted |= 1u << guess;
            guess = next_guess(&contradicted);
            fits = 0;
        } else if (++fits == ACCEPT) {
            byte++;
            contradicted = fits = 0;
            guess = next_guess(&contradicted);
        }
    }
    return trace;
}

static void run(const struct experiment *e)
{
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_SCENARIO_BEGIN, (uint32_t)(uintptr_t)e->name, 1,
                 (uint32_t)(uintptr_t)e->threats, 0);
    state.next = (uint32_t *)SEEN;
    state.kind = e->kind | (e->locked ? YZ_LEAK_LOCKED : 0);
    state.random = 0x2545F491u;
    memcpy(state.next, victim_key(), BLOCK);
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_DATA, YZ_LEAK_KEY, SEEN, BLOCK, 0);
    uint32_t answer = LLC_DONE;
    if (e->locked) {
        llc_set_quota(DOMAIN, TABLE_LINES);
        answer = llc_operate(LLC_LOCK, LLC_PAGE, DOMAIN, state.tables);
    }
    uint32_t lines = watch_setup(state.tables), begun = now();
    if (e->kind == YZ_LEAK_PROBE)
        probe(e->whole);
    else
        state.time_traces = evict_and_time(e->locked ? state.time_traces : TIME_TRACES);
    uint32_t cycles = now() - begun;
    hand_out();
    printf("%s: %u lines of a set, %u cycles more for a miss, %u cycles\n", e->name, (unsigned)lines,
           (unsigned)watch_miss(), (unsigned)cycles);
    if (e->locked)
        answer |= llc_operate(LLC_UNLOCK, LLC_ALL, DOMAIN, 0);
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_SCENARIO_END, answer == LLC_DONE, (uint32_t)(uintptr_t)"the lock was refused", 0, 0);
}

static void nothing(void)
{
}

static void nothing_at_leisure(void)
{
    preempted(nothing, ~0u, ~0u);
}

/* Cycles of some work with everything in the cache: the shortest of some. */
static uint32_t usual_cycles(void (*work)(void))
{
    uint32_t least = ~0u;
    for (uint32_t n = 0; n < 6; n++) {
        uint32_t begun = now();
        work();
        uint32_t cycles = now() - begun;
        least = cycles < least ? cycles : least;
    }
    return least;
}

int main(void)
{
    uint32_t colours = llc_present() ? llc_way_bytes() / YZ_PAGE_BYTES : 0;
    if (colours < 2) {
        printf("needs a cache with two pages in a way\n");
        return 1;
    }
    uint32_t victim = VICTIM | protect(SUBTREE);
    state.tables = victim + (colours - 1) * YZ_PAGE_BYTES;
    uint32_t stack = (uint32_t)(uintptr_t)__builtin_frame_address(0);
    if ((stack ^ state.tables) % llc_way_bytes() / YZ_PAGE_BYTES == 0) {
        printf("the stack at 0x%08x has the colour of the tables\n", (unsigned)stack);
        return 1;
    }
    victim_setup(state.tables, victim);
    state.whole_cycles = usual_cycles(victim_encrypt);
    state.preempt_cycles =
        usual_cycles(nothing_at_leisure) + state.whole_cycles * PREEMPT_NUMERATOR / PREEMPT_DENOMINATOR;
    printf("%u ways, %u colours; an encryption takes %u cycles, %u until it is preempted\n",
           (unsigned)llc_ways(), (unsigned)colours, (unsigned)state.whole_cycles, (unsigned)state.preempt_cycles);
    for (uint32_t n = 0; n < sizeof experiments / sizeof experiments[0]; n++)
        run(&experiments[n]);
    return 0;
}
