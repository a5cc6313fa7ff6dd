/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on a subtree's nodes, counters that overflow, and DRAM that answers errors. */
#include "memory.h"

#define LINES 6u

static struct record node_failed(uint32_t subtree, uint32_t level)
{
    return (struct record){NODE_MAC, level, node(subtree, level, 0), false};
}

static bool prepared(uint32_t seed)
{
    return fresh(A, LINES, 1, seed) && put_away(A) && check(holds(A, LINES, 1, seed), "without an attack it fails") &&
           put_away(A);
}

/* The subtree is mounted with its lock, which then is taken away. */
static bool reopened(uint32_t seed)
{
    return check(command(OP_MOUNT, A) == OK, "MOUNT was refused") && recovered(A, LINES, 1, seed) && put_away(A);
}

/* threat: M03. Generation, major, a minor in use, one not in use, MAC. */
static bool flip_node(uint32_t phase)
{
    (void)phase;
    static const uint32_t bits[] = {40, 3, 64, 447, 448, 511};
    bool good = prepared(21);
    for (uint32_t level = 1; level <= LEVELS; level++) {
        for (uint32_t i = 0; good && i < sizeof bits / sizeof bits[0]; i++) {
            flip(node(A, level, 0), bits[i]);
            good = detected("one bit of a node flipped", A, 0, node_failed(A, level)) && put_away(A);
            flip(node(A, level, 0), bits[i]);
            good = good && reopened(21);
        }
    }
    return good;
}

/* threat: M06. Line, MAC and all nodes up to a level as they were, one level more each time. */
static bool replay_path(uint32_t phase)
{
    (void)phase;
    bool good = prepared(22);
    snapshot(0, data(A, 0), LINE);
    snapshot(1, mac(A, 0), 8);
    for (uint32_t level = 1; level <= LEVELS; level++)
        snapshot(1 + level, node(A, level, 0), LINE);
    good = good && fill(A, LINES, 1, 23) && put_away(A) && check(holds(A, LINES, 1, 23), "without an attack it fails") &&
           put_away(A);
    snapshot(9, data(A, 0), LINE);
    snapshot(10, metadata(A), METADATA_PAGES * YZ_PAGE_BYTES);
    for (uint32_t level = 1; level <= LEVELS; level++) {
        for (uint32_t slot = 0; slot <= 1 + level; slot++)
            replay(slot);
        good = good && detected("old line, MAC and nodes", A, 0, node_failed(A, level)) && put_away(A);
        replay(9);
        replay(10);
        good = good && reopened(23);
    }
    return good;
}

/* threat: M09. Both were written alike, so their counters are equal. */
static bool splice_subtree(uint32_t phase)
{
    (void)phase;
    bool good = fresh(B, LINES, 1, 24) && prepared(24) && fill(B, LINES, 1, 24) && put_away(B);
    snapshot(0, metadata(A), METADATA_PAGES * YZ_PAGE_BYTES);
    snapshot(1, data(A, 0), LINES * LINE);
    splice(metadata(B), metadata(A), METADATA_PAGES * YZ_PAGE_BYTES);
    splice(data(B, 0), data(A, 0), LINES * LINE);
    good = good && detected("another subtree's lines, MACs and nodes", A, 0, node_failed(A, LEVELS)) && put_away(A);
    replay(0);
    replay(1);
    return good && reopened(24);
}

/* threat: M12. A counter of 6 bits is used up by 63 writes; the 64th gives the whole group of lines new counters. */
static bool overflow(uint32_t phase)
{
    (void)phase;
    uint32_t before = engine->counts.overflow;
    bool good = prepared(25);
    uint32_t old = word(data(A, 1));
    for (uint32_t n = 0; n < 70; n++) {
        volatile uint32_t *to = (volatile uint32_t *)(uintptr_t)protected(data(A, 0));
        for (uint32_t w = 0; w < LINE / 4; w++)
            to[w] = content(25, 0);
        good = check(clean((uint32_t)(uintptr_t)to), "a line was refused") && good;
    }
    uint32_t overflows = engine->counts.overflow - before;
    good = good && check(overflows >= 1, "no counter overflowed") && check(holds(A, LINES, 1, 25), "a line of the group is lost") &&
           check(word(data(A, 1)) != old, "a neighbour was not encrypted again") && put_away(A) &&
           check(holds(A, LINES, 1, 25), "a line of the group is lost after UNMOUNT") &&
           check(take(&engine->failure).kind == NONE, "something was refused");
    note("70 writes of a line: its counter overflowed, its 63 neighbours were encrypted anew, all of them verify");
    return good;
}

/* Errors instead of data, wherever the engine reads. */
static bool errors_of_dram(uint32_t phase)
{
    (void)phase;
    bool good = prepared(26);
    struct {
        uint32_t place, bytes;
        struct record expected;
    } const cases[] = {
        {data(A, 0), LINE, {MEMORY_ERROR, 0, data(A, 0), false}},
        {mac(A, 0), LINE, {MEMORY_ERROR, 0, data(A, 0), false}},
        {node(A, 1, 0), LINE, {MEMORY_ERROR, 1, node(A, 1, 0), false}},
        {node(A, 2, 0), LINE, {MEMORY_ERROR, 2, node(A, 2, 0), false}},
        {node(A, 3, 0), LINE, {MEMORY_ERROR, 3, node(A, 3, 0), false}},
    };
    for (uint32_t i = 0; good && i < sizeof cases / sizeof cases[0]; i++) {
        break_dram(cases[i].place, cases[i].bytes);
        good = detected("DRAM answers an error", A, 0, cases[i].expected);
        break_dram(0, 0);
        good = good && put_away(A) && reopened(26);
    }
    return good;
}

/* The raw window and posted stores: no engine between them and DRAM. */
static bool errors_of_raw_dram(uint32_t phase)
{
    (void)phase;
    uint32_t address = YZ_DRAM_BASE + (C << SUBTREE_LOG), value = 0;
    bool good = check(load(address, &value) == 0 && store(address, 5) == 0, "plain memory does not work");
    break_dram(address, YZ_PAGE_BYTES);
    good = good && check(load(address, &value) == CAUSE_LOAD_ACCESS, "an error was read as data") &&
           check(fetch(address + LINE) == CAUSE_FETCH_ACCESS, "an error was fetched") &&
           check(store(address, 6) == 0, "a posted store trapped") &&
           check((sysinfo->write_error & SYSINFO__WRITE_ERROR__VALID_bm) != 0 && sysinfo->write_error_address == address,
                 "the lost store is not recorded") &&
           check(wait_for_interrupt() == CAUSE_INTERRUPT_EXTERNAL, "no interrupt");
    sysinfo->write_error = SYSINFO__WRITE_ERROR__VALID_bm;
    break_dram(0, 0);
    good = good && check(!interrupt_pending(), "the interrupt stays") &&
           check(load(address, &value) == 0 && value == 5, "the word before the error is gone") &&
           check(store(address, 7) == 0 && load(address, &value) == 0 && value == 7, "memory does not work again");
    note("load and fetch take access faults, the lost store is recorded with its address and interrupts; then all works again");
    return good;
}

const struct scenario node_scenarios[] = {
    {"bits of nodes flipped, every level", "M03", flip_node},
    {"old path put back, every level", "M06", replay_path},
    {"subtree from another place", "M09", splice_subtree},
    {"a counter overflows", "M12", overflow},
    {"DRAM errors below the engine", NULL, errors_of_dram},
    {"DRAM errors in the raw window", NULL, errors_of_raw_dram},
    {0},
};
