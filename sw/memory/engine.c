/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's registers, and where things lie in DRAM. */
#include "memory.h"

#define POLLS 100000u

volatile mmt_t *const engine = (volatile mmt_t *)YZ_MMT_BASE;
volatile sysinfo_t *const sysinfo = (volatile sysinfo_t *)YZ_SYSINFO_BASE;

bool engine_start(void)
{
    uint32_t capabilities = engine->capabilities;
    uint32_t levels = (capabilities & MMT__CAPABILITIES__LEVELS_bm) >> MMT__CAPABILITIES__LEVELS_bp;
    uint32_t log = (capabilities & MMT__CAPABILITIES__SUBTREE_LOG_bm) >> MMT__CAPABILITIES__SUBTREE_LOG_bp;
    if (levels != LEVELS || log != SUBTREE_LOG || engine->metadata_pages != METADATA_PAGES)
        return false;
    engine->root_page_hi = 0;
    engine->root_page_lo = META_ZONE >> 12;
    engine->control = MMT__CONTROL__ENABLE_bm;
    for (uint32_t poll = 0; poll < POLLS; poll++)
        if ((engine->status & MMT__STATUS__ACTIVE_bm) != 0)
            return (engine->status & MMT__STATUS__TEST_KEYS_bm) == 0;
    return false;
}

static enum result answer(void)
{
    uint32_t state = MMT__ANSWER_T__STATE__BUSY_bm;
    for (uint32_t poll = 0; poll < POLLS && (state & MMT__ANSWER_T__STATE__BUSY_bm) != 0; poll++)
        state = engine->answer.state;
    return (state & MMT__ANSWER_T__STATE__RESULT_bm) >> MMT__ANSWER_T__STATE__RESULT_bp;
}

enum result command(enum op op, uint32_t subtree)
{
    engine->command.subtree = subtree;
    engine->command.op = op;
    return answer();
}

enum result allocate(uint32_t subtree, uint32_t page)
{
    engine->command.page_lo = page;
    engine->command.page_hi = 0;
    return command(OP_ALLOC, subtree);
}

bool is_locked(uint32_t subtree)
{
    return command(OP_STATUS, subtree) == OK && (engine->answer.state & MMT__ANSWER_T__STATE__LOCKED_bm) != 0;
}

struct record take(volatile mmt__record_t_t *record)
{
    uint32_t state = record->state;
    struct record taken = {
        .kind = (state & MMT__RECORD_T__STATE__KIND_bm) >> MMT__RECORD_T__STATE__KIND_bp,
        .level = (state & MMT__RECORD_T__STATE__LEVEL_bm) >> MMT__RECORD_T__STATE__LEVEL_bp,
        .root = (state & MMT__RECORD_T__STATE__ROOT_bm) != 0,
        .address = record->address_lo,
    };
    if ((state & MMT__RECORD_T__STATE__VALID_bm) == 0)
        return (struct record){0};
    record->state = MMT__RECORD_T__STATE__VALID_bm;
    return taken;
}

uint32_t metadata(uint32_t subtree)
{
    return METADATA + (subtree - FIRST) * METADATA_PAGES * YZ_PAGE_BYTES;
}

uint32_t mac(uint32_t subtree, uint32_t line)
{
    return metadata(subtree) + 8 * line;
}

uint32_t node(uint32_t subtree, uint32_t level, uint32_t line)
{
    static const uint32_t bytes[LEVELS] = NODE_BYTES;
    uint32_t at = metadata(subtree) + MACS_BYTES;
    for (uint32_t below = 1; below < level; below++)
        at += bytes[below - 1];
    /* 64 lines a leaf, 32 leaves or nodes under a node */
    return at + (line / LEAF_LINES >> 5 * (level - 1)) * LINE;
}

uint32_t root_line(uint32_t subtree)
{
    return META_ZONE + subtree / 4 * LINE;
}

uint32_t root_mac(uint32_t subtree)
{
    return META_ZONE + ROOT_MACS + 8 * (subtree / 4);
}

uint32_t root_node(uint32_t level)
{
    return META_ZONE + ROOT_NODES + (level - 1) * LINE;
}
