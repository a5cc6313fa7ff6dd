/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's commands given wrongly, its metadata touched by programs, more subtrees than fit on chip. */
#include "memory.h"

#define LINES 4u
#define MANY 36u /* more than the mount table has entries */

static struct record denied(enum kind kind, uint32_t line_address)
{
    return (struct record){kind, 0, line_address, false};
}

static bool is_denied(struct record expected)
{
    struct record found = take(&engine->denied);
    return check(found.kind == expected.kind && found.address == expected.address, "the refusal is not recorded");
}

/* threat: M22. */
static bool meta_zone(uint32_t phase)
{
    (void)phase;
    uint32_t value = 0, before = word(root_line(A) + YZ_PAGE_BYTES);
    bool good = fresh(A, LINES, 1, 31) && check(load(META_ZONE + YZ_PAGE_BYTES, &value) == 0 && value == before,
                                                "the page behind the meta zone is closed");
    take(&engine->denied);
    for (uint32_t at = META_ZONE; at < ROOT_NODES + META_ZONE + 3 * LINE; at += 0xC0) {
        good = good && check(load(at, &value) == CAUSE_LOAD_ACCESS, "the meta zone was read by the raw window") &&
               check(load(protected(at), &value) == CAUSE_LOAD_ACCESS, "the meta zone was read by the protected window");
        good = good && check(store_refused(at, 0xFFFFFFFF), "the meta zone was written");
    }
    good = good && put_away(A) && check(holds(A, LINES, 1, 31), "contents are gone") &&
           check(take(&engine->failure).kind == NONE, "something was found broken");
    take(&engine->denied);
    note("loads and stores through both windows refused over the whole meta zone, contents unharmed");
    return good;
}

/* threat: M31. Neither raw ciphertext nor a hang: what is not allocated is refused. */
static bool not_allocated(uint32_t phase)
{
    (void)phase;
    uint32_t value, address = data(C + 5, 3);
    take(&engine->denied);
    bool good = check(load(protected(address), &value) == CAUSE_LOAD_ACCESS, "memory that is not allocated was read") &&
                is_denied(denied(DENIED_NOT_ALLOCATED, address)) && check(!interrupt_pending(), "it interrupts");
    good = good && check(store_refused(protected(address), 1), "memory that is not allocated was written");
    take(&engine->denied);
    /* Mounted by itself when it is. */
    good = good && fresh(A, LINES, 1, 32) && put_away(A) && check(holds(A, LINES, 1, 32), "it is not mounted on demand");
    note("refused while not allocated; an allocated one is mounted by the access");
    return good;
}

/* threat: M27, M28, M29, M37. */
static bool wrong_commands(uint32_t phase)
{
    (void)phase;
    uint32_t free = C + 6, other = metadata(free) >> 12;
    discard_subtree(B);
    command(OP_FREE, B);
    bool good = fresh(A, LINES, 1, 33) && fresh(B, LINES, 1, 34);
    good = good && check(command(OP_MOUNT, A) == ALREADY_MOUNTED, "mounted twice") &&
           check(allocate(A, other) == ALREADY_ALLOCATED, "allocated twice") &&
           check(allocate(free, metadata(A) >> 12) == OVERLAP, "two subtrees with one metadata") &&
           check(allocate(free, (metadata(A) >> 12) + METADATA_PAGES - 1) == OVERLAP, "metadata that overlaps by a page") &&
           check(allocate(free, (metadata(B) >> 12) - 1) == OVERLAP, "metadata over the end of another") &&
           check(allocate(free, data(free, 0) >> 12) == OVERLAP, "metadata in its own subtree") &&
           check(allocate(free, (data(free, 0) >> 12) - 1) == OVERLAP, "metadata that begins before its own subtree") &&
           check(allocate(free, data(A, 0) >> 12) == OVERLAP, "metadata in another subtree's lines") &&
           check(allocate(free, META_ZONE >> 12) == OVERLAP, "metadata over the meta zone") &&
           check(allocate(free, (META_ZONE >> 12) - METADATA_PAGES + 1) == OVERLAP, "metadata into the meta zone") &&
           check(allocate(free, 0xE0000000u >> 12) == BAD_ADDRESS, "metadata in MMIO") &&
           check(allocate(free, (YZ_DRAM_BASE >> 12) - 1) == BAD_ADDRESS, "metadata before DRAM") &&
           check(allocate(free, 0xFFFFFFFFu) == BAD_ADDRESS, "metadata that wraps") &&
           check(allocate(0xFFFFFFF0u, other) == BAD_ADDRESS, "a subtree beyond memory") &&
           check(command(OP_MOUNT, free) == NOT_ALLOCATED, "mounted without ALLOC") &&
           check(command(OP_FREE, free) == NOT_ALLOCATED, "freed without ALLOC") &&
           check(command(OP_FLUSH, free) == NOT_MOUNTED, "flushed without MOUNT");
    good = good && check(holds(A, LINES, 1, 33) && holds(B, LINES, 1, 34), "a refused command changed something") &&
           put_away(A) && put_away(B) && check(holds(A, LINES, 1, 33) && holds(B, LINES, 1, 34), "a refused command changed something") &&
           check(allocate(free, other) == OK && command(OP_FREE, free) == OK, "a right ALLOC is refused");
    note("17 commands with wrong subtrees and places refused, each with its reason; contents unharmed");
    return good;
}

/* threat: M30. */
static bool many_subtrees(uint32_t phase)
{
    (void)phase;
    uint32_t unmounts = engine->counts.unmount;
    bool good = true;
    for (uint32_t i = 0; i < MANY; i++)
        good = good && fresh(FIRST + i, LINES, 1, 40 + i);
    for (uint32_t i = 0; i < MANY; i++)
        good = good && check(holds(FIRST + i, LINES, 1, 40 + i), "a subtree that gave up its place is broken");
    unmounts = engine->counts.unmount - unmounts;
    uint32_t entries = (engine->capabilities & MMT__CAPABILITIES__MOUNT_ENTRIES_bm) >> MMT__CAPABILITIES__MOUNT_ENTRIES_bp;
    good = good && check(entries < MANY && unmounts >= MANY - entries, "no subtree had to give up its place") &&
           check(take(&engine->failure).kind == NONE, "something was found broken");
    for (uint32_t i = 1; i < MANY; i++) {
        discard_subtree(FIRST + i);
        good = good && check(command(OP_FREE, FIRST + i) == OK, "FREE was refused");
    }
    note("%u subtrees in a mount table of %u: %u times one gave up its place, all contents came back", MANY, (unsigned)entries,
         (unsigned)unmounts);
    return good;
}

/* threat: M36. The old life's lines, MACs and nodes under the new one: zeros, or a refusal, never old data. */
static bool next_life(uint32_t phase)
{
    (void)phase;
    bool good = fresh(A, LINES, 1, 50) && put_away(A);
    snapshot(0, data(A, 0), LINES * LINE);
    snapshot(1, metadata(A), METADATA_PAGES * YZ_PAGE_BYTES);
    good = good && check(command(OP_FREE, A) == OK && allocate(A, metadata(A) >> 12) == OK, "FREE or ALLOC was refused");
    replay(0);
    replay(1);
    uint32_t value = 1;
    for (uint32_t line = 0; line < LINES; line++)
        good = good && check(load(protected(data(A, line)), &value) == 0 && value == 0, "something of the old life was read");
    /* The same number of writes as before, so that all counters but the generation are equal. */
    good = good && fill(A, LINES, 1, 51) && put_away(A) && check(holds(A, LINES, 1, 51), "without an attack it fails") && put_away(A);
    replay(0);
    replay(1);
    struct record top = {NODE_MAC, LEVELS, node(A, LEVELS, 0), false};
    good = good && detected("lines, MACs and nodes of the life before", A, 1, top);
    discard_subtree(A);
    note("at the beginning of its new life all reads as zeros");
    return good && check(command(OP_FREE, A) == OK, "FREE was refused");
}

const struct scenario command_scenarios[] = {
    {"access to the meta zone", "M22", meta_zone},
    {"access to memory that is not allocated", "M31", not_allocated},
    {"wrong commands", "M27,M28,M29,M37", wrong_commands},
    {"more subtrees than the mount table holds", "M30", many_subtrees},
    {"freed subtree brought back", "M36", next_life},
    {0},
};
