/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"

#include "devices.h"
#include "hal.h"
#include "stop.h"

/* Operations, scopes and results of llc.rdl. */
enum { OP_CLEAN = 3, OP_DISCARD = 5, SCOPE_PAGE = 1, RESULT_DONE = 0, RESULT_MEMORY_ERROR = 9, FAILURE_PARITY = 2 };

/* A page takes some hundred cycles, and as many memory accesses as it has lines. */
#define CACHE_POLLS 100000u

static bool present;

void cache_boot(void)
{
    uint32_t features = hal_device_read(SYSINFO_FEATURES);
    present = (features & SYSINFO__FEATURES__CACHE_bm) >> SYSINFO__FEATURES__CACHE_bp == LAST_LEVEL_CACHE;
}

static uint32_t page_operation(uint32_t op, uint32_t pa)
{
    hal_device_write(CACHE_ADDRESS_LO, pa);
    hal_device_write(CACHE_OP, op << LLC__OPERATION_T__OP__CODE_bp | SCOPE_PAGE << LLC__OPERATION_T__OP__SCOPE_bp);
    for (uint32_t poll = 0; poll < CACHE_POLLS; poll++) {
        uint32_t state = hal_device_read(CACHE_ANSWER);
        if ((state & LLC__ANSWER_T__STATE__BUSY_bm) == 0)
            return (state & LLC__ANSWER_T__STATE__RESULT_bm) >> LLC__ANSWER_T__STATE__RESULT_bp;
    }
    monitor_stop("the last-level cache does not answer");
}

void cache_forget(uint32_t pa, uint32_t bytes)
{
    if (!present)
        return;
    for (; bytes != 0; pa += YZ_PAGE_BYTES, bytes -= YZ_PAGE_BYTES) {
        if (page_operation(OP_DISCARD, pa) != RESULT_DONE)
            monitor_stop("the last-level cache keeps what it has to forget");
    }
}

bool cache_clean(uint32_t pa, uint32_t bytes)
{
    if (!present)
        return true;
    bool good = true;
    for (; bytes != 0; pa += YZ_PAGE_BYTES, bytes -= YZ_PAGE_BYTES) {
        uint32_t result = page_operation(OP_CLEAN, pa);
        if (result != RESULT_DONE && result != RESULT_MEMORY_ERROR)
            monitor_stop("the last-level cache does not clean a page");
        good = good && result == RESULT_DONE;
    }
    return good;
}

void cache_settle(void)
{
    if (!present)
        return;
    uint32_t state = hal_device_read(CACHE_FAILURE);
    if ((state & LLC__RECORD_T__STATE__VALID_bm) == 0)
        return;
    /* A cache that has stopped serves nothing any more, and locks may have been lost. */
    /* countermeasure: MON.CACHE_STOP */
    if ((state & LLC__RECORD_T__STATE__KIND_bm) >> LLC__RECORD_T__STATE__KIND_bp == FAILURE_PARITY)
        monitor_stop("the last-level cache has lost its tags");
    hal_device_write(CACHE_FAILURE, LLC__RECORD_T__STATE__VALID_bm);
}
