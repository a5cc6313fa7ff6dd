/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include "devices.h"
#include "hal.h"
#include "pages.h"
#include "stop.h"

/* Polls of a register; a poll takes some ten cycles, the longest command some ten thousand. */
#define ENGINE_POLLS 100000u
/* Room for the meta zone of the largest DRAM with subtrees of 2 MiB. */
#define META_ZONE_BYTES 8192u

#ifdef YZ_NATIVE
#define META_ZONE_PAGE ((YZ_MONITOR_BASE + YZ_MONITOR_BYTES - META_ZONE_BYTES) >> PAGE_SHIFT)
#else
/* Only the engine reads and writes it, below the monitor's own view of memory. */
__attribute__((section(".meta_zone"), aligned(4096))) static uint8_t meta_zone[META_ZONE_BYTES];
#define META_ZONE_PAGE ((uint32_t)(uintptr_t)meta_zone >> PAGE_SHIFT)
#endif

static bool present;
static uint32_t subtree_log, metadata_pages;

void engine_boot(void)
{
    uint32_t features = hal_device_read(SYSINFO_FEATURES);
    present = (features & SYSINFO__FEATURES__MEMORY_bm) >> SYSINFO__FEATURES__MEMORY_bp == MEMORY_ENGINE;
    subtree_log = metadata_pages = 0;
    if (!present)
        return;
    uint32_t capabilities = hal_device_read(ENGINE_CAPABILITIES);
    subtree_log = (capabilities & MMT__CAPABILITIES__SUBTREE_LOG_bm) >> MMT__CAPABILITIES__SUBTREE_LOG_bp;
    metadata_pages = hal_device_read(ENGINE_METADATA_PAGES);
    if (hal_device_read(ENGINE_ROOT_BYTES) > META_ZONE_BYTES || subtree_log < SUBTREE_LOG_MIN)
        monitor_stop("this memory engine's subtrees are too small");
    hal_device_write(ENGINE_ROOT_PAGE_HI, 0);
    hal_device_write(ENGINE_ROOT_PAGE_LO, META_ZONE_PAGE);
    hal_device_write(ENGINE_CONTROL, MMT__CONTROL__ENABLE_bm);
    for (uint32_t poll = 0; poll < ENGINE_POLLS; poll++) {
        uint32_t status = hal_device_read(ENGINE_STATUS_REGISTER);
        if ((status & MMT__STATUS__FAILED_bm) != 0)
            break;
        if ((status & MMT__STATUS__ACTIVE_bm) != 0)
            return;
    }
    /* countermeasure: MON.ENGINE_START */
    monitor_stop("the memory engine does not start");
}

bool engine_present(void)
{
    return present;
}

uint32_t engine_subtree_log(void)
{
    return subtree_log;
}

uint32_t engine_metadata_pages(void)
{
    return metadata_pages;
}

/* Wait for the answer; false when there is none. */
static bool wait(uint32_t *state)
{
    for (uint32_t poll = 0; poll < ENGINE_POLLS; poll++) {
        *state = hal_device_read(ENGINE_ANSWER);
        if ((*state & MMT__ANSWER_T__STATE__BUSY_bm) == 0)
            return true;
    }
    return false;
}

enum engine_result engine_command(enum engine_op op, uint32_t subtree, uint32_t page)
{
    uint32_t state;
    hal_device_write(ENGINE_SUBTREE, subtree);
    hal_device_write(ENGINE_PAGE_LO, page);
    hal_device_write(ENGINE_PAGE_HI, 0);
    hal_device_write(ENGINE_OP, op);
    if (!wait(&state))
        return ENGINE_SILENT;
    return (state & MMT__ANSWER_T__STATE__RESULT_bm) >> MMT__ANSWER_T__STATE__RESULT_bp;
}

bool engine_locked(uint32_t subtree)
{
    if (engine_command(ENGINE_STATUS, subtree, 0) != ENGINE_OK)
        return true;
    return (hal_device_read(ENGINE_ANSWER) & MMT__ANSWER_T__STATE__LOCKED_bm) != 0;
}

bool engine_has_failed(void)
{
    return (hal_device_read(ENGINE_FAILURE) & MMT__RECORD_T__STATE__VALID_bm) != 0;
}

struct engine_failure engine_take_failure(void)
{
    uint32_t state = hal_device_read(ENGINE_FAILURE);
    if ((state & MMT__RECORD_T__STATE__VALID_bm) == 0)
        return (struct engine_failure){0, 0};
    hal_device_write(ENGINE_FAILURE, MMT__RECORD_T__STATE__VALID_bm);
    return (struct engine_failure){(state & MMT__RECORD_T__STATE__KIND_bm) >> MMT__RECORD_T__STATE__KIND_bp,
                                   (state & MMT__RECORD_T__STATE__LEVEL_bm) >> MMT__RECORD_T__STATE__LEVEL_bp};
}
