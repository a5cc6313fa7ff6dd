/* SPDX-License-Identifier: Apache-2.0 */
#include "engine_native.h"

#include <stdlib.h>
#include <string.h>

#include "cache_native.h"
#include "devices.h"
#include "engine.h"
#include "machine.h"
#include "pages.h"

#define LINE 64u
#define GENERATION_MAX 0xFFFFFFu
#define KIND_LINE_MAC 1u

struct native_subtree native_subtrees[NATIVE_SUBTREES];

static enum native_engine built;
static uint8_t *plain;
static uint8_t *sealed; /* one byte a line: written in this life of its subtree */
static uint32_t root_page, enabled, failure, subtree_register, page_register, answer;
static bool root_locked;

/* Stores that have not left for memory. */
static struct {
    bool open, refused;
    uint32_t line;
    uint64_t mask;
    uint8_t bytes[LINE];
} gather;

void native_engine_reset(enum native_engine what)
{
    free(plain);
    free(sealed);
    plain = calloc(machine.dram_pages, YZ_PAGE_BYTES);
    sealed = calloc(machine.dram_pages, YZ_PAGE_BYTES / LINE);
    if (plain == NULL || sealed == NULL)
        abort();
    built = what;
    root_page = enabled = failure = subtree_register = page_register = answer = 0;
    root_locked = false;
    gather.open = false;
    memset(native_subtrees, 0, sizeof(native_subtrees));
}

static uint8_t mask_of(uint32_t offset)
{
    return (uint8_t)(0xA5u ^ offset * 7u ^ offset >> 8);
}

static bool is_whole(uint32_t line)
{
    if (!sealed[line])
        return true;
    for (uint32_t i = line * LINE; i < (line + 1) * LINE; i++) {
        if (machine.dram[i] != (plain[i] ^ mask_of(i)))
            return false;
    }
    return true;
}

static void seal(uint32_t line)
{
    sealed[line] = 1;
    for (uint32_t i = line * LINE; i < (line + 1) * LINE; i++)
        machine.dram[i] = plain[i] ^ mask_of(i);
    machine.dirty[line * LINE / YZ_PAGE_BYTES] = 1;
}

/* The subtree that serves a line, or a null pointer: the access is refused. */
static struct native_subtree *serving(uint32_t line)
{
    struct native_subtree *subtree = &native_subtrees[line * LINE >> NATIVE_SUBTREE_LOG];
    return enabled && !root_locked && subtree->valid && !subtree->locked ? subtree : NULL;
}

static void fail(struct native_subtree *subtree)
{
    subtree->locked = 1;
    if (failure == 0)
        failure = MMT__RECORD_T__STATE__VALID_bm | KIND_LINE_MAC << MMT__RECORD_T__STATE__KIND_bp;
}

/* A line that was never written reads as zeros. */
static bool verify(uint32_t line)
{
    struct native_subtree *subtree = serving(line);
    if (subtree == NULL)
        return false;
    if (!is_whole(line)) {
        fail(subtree);
        return false;
    }
    if (!sealed[line])
        memset(plain + line * LINE, 0, LINE);
    return true;
}

void native_engine_drain(void)
{
    if (!gather.open)
        return;
    gather.open = false;
    bool good = gather.refused ? false : gather.mask == UINT64_MAX ? serving(gather.line) != NULL : verify(gather.line);
    if (!good) {
        machine.write_error = true;
        return;
    }
    for (uint32_t i = 0; i < LINE; i++) {
        if ((gather.mask >> i & 1) != 0)
            plain[gather.line * LINE + i] = gather.bytes[i];
    }
    seal(gather.line);
}

bool native_engine_load(uint32_t offset, uint32_t bytes, uint32_t *value)
{
    if (gather.open && gather.line == offset / LINE)
        native_engine_drain();
    if (!verify(offset / LINE))
        return false;
    *value = 0;
    memcpy(value, plain + offset, bytes);
    return true;
}

static void open_line(uint32_t line)
{
    if (gather.open && gather.line != line)
        native_engine_drain();
    if (!gather.open) {
        gather.open = true;
        gather.refused = false;
        gather.line = line;
        gather.mask = 0;
    }
}

void native_engine_lose(uint32_t offset)
{
    open_line(offset / LINE);
    gather.refused = true;
}

bool native_engine_store(uint32_t offset, uint32_t bytes, uint32_t value)
{
    open_line(offset / LINE);
    memcpy(gather.bytes + offset % LINE, &value, bytes);
    gather.mask |= ((UINT64_C(1) << bytes) - 1) << offset % LINE;
    if (gather.mask == UINT64_MAX)
        native_engine_drain();
    return true;
}

static enum engine_result allocate(struct native_subtree *subtree, uint32_t number)
{
    uint32_t page = page_register - DRAM_PPN;
    uint32_t pages = 1u << (NATIVE_SUBTREE_LOG - PAGE_SHIFT);
    struct page_range metadata = {page, NATIVE_METADATA_PAGES};
    if (page >= machine.dram_pages || NATIVE_METADATA_PAGES > machine.dram_pages - page)
        return 1; /* BAD_ADDRESS */
    if (pages_overlap(metadata, (struct page_range){number * pages, pages}) || number == root_page / pages)
        return 2; /* OVERLAP */
    for (uint32_t other = 0; other < NATIVE_SUBTREES; other++) {
        struct page_range theirs = {native_subtrees[other].page - DRAM_PPN, NATIVE_METADATA_PAGES};
        if (native_subtrees[other].valid &&
            (pages_overlap(metadata, theirs) || pages_overlap(metadata, (struct page_range){other * pages, pages}) ||
             pages_overlap(theirs, (struct page_range){number * pages, pages})))
            return 2;
    }
    if (subtree->valid)
        return 3; /* ALREADY_ALLOCATED */
    if (subtree->generation == GENERATION_MAX)
        return ENGINE_EXHAUSTED;
    subtree->valid = 1;
    subtree->locked = 0;
    subtree->page = page_register;
    return ENGINE_OK;
}

static void release(struct native_subtree *subtree, uint32_t number)
{
    uint32_t lines = 1u << (NATIVE_SUBTREE_LOG - 6);
    uint32_t pages = 1u << (NATIVE_SUBTREE_LOG - PAGE_SHIFT);
    native_cache_freed(number * pages, pages);
    uint32_t all = machine.dram_pages * (YZ_PAGE_BYTES / LINE);
    for (uint32_t line = number * lines; line < (number + 1) * lines && line < all; line++)
        sealed[line] = 0;
    *subtree = (struct native_subtree){0, 0, 0, subtree->generation + 1};
}

static enum engine_result command(uint32_t op)
{
    uint32_t number = subtree_register;
    if (!enabled)
        return ENGINE_NOT_READY;
    if (number >= NATIVE_SUBTREES || number * (1u << (NATIVE_SUBTREE_LOG - PAGE_SHIFT)) >= machine.dram_pages)
        return 1;
    if (root_locked)
        return ENGINE_LOCKED;
    struct native_subtree *subtree = &native_subtrees[number];
    switch (op) {
    case ENGINE_ALLOC:
        return allocate(subtree, number);
    case ENGINE_FREE:
        if (!subtree->valid)
            return 4; /* NOT_ALLOCATED */
        release(subtree, number);
        return ENGINE_OK;
    case ENGINE_STATUS:
        return ENGINE_OK;
    default:
        return 12; /* BAD_COMMAND */
    }
}

uint32_t native_engine_read(uint32_t address)
{
    switch (address) {
    case ENGINE_CAPABILITIES:
        return NATIVE_SUBTREE_LOG << MMT__CAPABILITIES__SUBTREE_LOG_bp;
    case ENGINE_METADATA_PAGES:
        return NATIVE_METADATA_PAGES;
    case ENGINE_ROOT_BYTES:
        return 1344;
    case ENGINE_STATUS_REGISTER:
        if (built == NATIVE_ENGINE_UNTESTED)
            return 3u << MMT__STATUS__FAILED_bp;
        return built == NATIVE_ENGINE && enabled && root_page != 0 ? MMT__STATUS__ACTIVE_bm : 0;
    case ENGINE_ANSWER:
        return answer;
    case ENGINE_FAILURE:
        return failure;
    default:
        machine_violation("read of a register that the memory engine does not have", address);
        return 0;
    }
}

void native_engine_write(uint32_t address, uint32_t value)
{
    switch (address) {
    case ENGINE_ROOT_PAGE_HI:
    case ENGINE_PAGE_HI:
        break;
    case ENGINE_ROOT_PAGE_LO:
        if (enabled)
            machine_violation("move of the meta zone after enable", address);
        root_page = value - DRAM_PPN;
        break;
    case ENGINE_CONTROL:
        enabled |= value & 1;
        break;
    case ENGINE_SUBTREE:
        subtree_register = value;
        break;
    case ENGINE_PAGE_LO:
        page_register = value;
        break;
    case ENGINE_OP:
        answer = command(value) << MMT__ANSWER_T__STATE__RESULT_bp;
        if (subtree_register < NATIVE_SUBTREES && native_subtrees[subtree_register].locked)
            answer |= MMT__ANSWER_T__STATE__LOCKED_bm;
        break;
    case ENGINE_FAILURE:
        if ((value & MMT__RECORD_T__STATE__VALID_bm) != 0)
            failure = 0;
        break;
    default:
        machine_violation("write to a register that the memory engine does not have", address);
    }
}

bool native_engine_interrupt(void)
{
    return failure != 0 || machine.write_error;
}

uint8_t *native_engine_plain(uint32_t offset, uint32_t bytes)
{
    for (uint32_t line = offset / LINE; bytes != 0 && line <= (offset + bytes - 1) / LINE; line++) {
        if (!sealed[line])
            memset(plain + line * LINE, 0, LINE);
    }
    return plain + offset;
}

void native_engine_seal(uint32_t offset, uint32_t bytes)
{
    for (uint32_t line = offset / LINE; bytes != 0 && line <= (offset + bytes - 1) / LINE; line++)
        seal(line);
}

void native_engine_lock_root(void)
{
    root_locked = true;
    if (failure == 0)
        failure = MMT__RECORD_T__STATE__VALID_bm | MMT__RECORD_T__STATE__ROOT_bm |
                  2u << MMT__RECORD_T__STATE__KIND_bp | 1u << MMT__RECORD_T__STATE__LEVEL_bp;
}

void native_engine_set_generation(uint32_t subtree, uint32_t generation)
{
    native_subtrees[subtree % NATIVE_SUBTREES].generation = generation;
}
