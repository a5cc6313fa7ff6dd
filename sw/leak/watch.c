/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a set are a ring of pointers, so that each load waits for the one before it and the time of a pass says how
 * many of them missed.
 */
#include "leak.h"

#define LINES (YZ_DRAM_BASE + 0x01000000u)
#define MOST 16u /* lines of a set that a pass can have */
#define TRIES 12u

struct node {
    struct node *next;
};

static struct {
    uint32_t first, way_bytes, lines;
    uint32_t quiet;                /* cycles of a pass when all lines are there */
    uint32_t miss;                 /* how many more when one is not */
    bool disturbed[SPARE_SET + 1]; /* the last pass over a set was not quiet */
} watched;

static struct node *node(uint32_t set, uint32_t line)
{
    return (struct node *)(uintptr_t)(watched.first + set * LINE + line * watched.way_bytes);
}

/* Read `lines` nodes one after the other; cycles. */
static uint32_t chase(const struct node *at, uint32_t lines)
{
    uint32_t begun, ended;
    __asm__ volatile("csrr %0, mcycle\n"
                     "1: lw %2, 0(%2)\n"
                     "addi %3, %3, -1\n"
                     "bnez %3, 1b\n"
                     "csrr %1, mcycle\n"
                     : "=&r"(begun), "=&r"(ended), "+r"(at), "+r"(lines)
                     :
                     : "memory");
    return ended - begun;
}

/* Shortest time of a pass over so many lines of the first set, all of them read before. */
static uint32_t shortest(uint32_t lines)
{
    uint32_t least = ~0u;
    for (uint32_t n = 0; n < TRIES; n++) {
        uint32_t cycles = chase(node(0, 0), lines);
        if (n > 2 && cycles < least)
            least = cycles;
    }
    return least;
}

static void link_lines(uint32_t page)
{
    watched.way_bytes = llc_way_bytes();
    watched.first = LINES + page % watched.way_bytes;
    for (uint32_t set = 0; set <= SPARE_SET; set += set == TABLE_LINES - 1 ? SPARE_SET - set : 1)
        for (uint32_t n = 0; n < MOST; n++)
            node(set, n)->next = node(set, n + 1);
}

uint32_t watch_setup(uint32_t page)
{
    if (watched.way_bytes == 0)
        link_lines(page);
    for (uint32_t n = 0; n < 2; n++) /* more than fit: the first is gone */
        chase(node(0, 1), MOST - 1);
    uint32_t missed = chase(node(0, 0), 1), one = shortest(1), more = shortest(2) - one;
    watched.miss = missed - one;
    watched.lines = 1;
    watched.quiet = one;
    for (uint32_t lines = 2; lines < MOST; lines++) {
        uint32_t cycles = shortest(lines);
        if (cycles > one + more * (lines - 1) + watched.miss / 2)
            break;
        watched.lines = lines;
        watched.quiet = cycles;
    }
    for (uint32_t set = 0; set < TABLE_LINES; set++)
        watched.disturbed[set] = true;
    return watched.lines;
}

uint32_t watch_miss(void)
{
    return watched.miss;
}

uint32_t watch_probe(uint32_t set)
{
    uint32_t cycles = chase(node(set, 0), watched.lines);
    watched.disturbed[set] = cycles > watched.quiet + watched.miss / 2;
    return cycles;
}

void watch_settle_set(uint32_t set)
{
    watched.disturbed[set] = true;
    for (uint32_t n = 0; n < TRIES && watched.disturbed[set]; n++)
        watch_probe(set);
}

void watch_settle(void)
{
    for (uint32_t set = 0; set < TABLE_LINES; set++)
        if (watched.disturbed[set])
            watch_settle_set(set);
}
