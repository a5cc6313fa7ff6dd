/* SPDX-License-Identifier: Apache-2.0 */
#include "cache_native.h"

#include <string.h>

#include "devices.h"
#include "machine.h"
#include "pages.h"

enum { OP_CLEAN = 3, OP_DISCARD = 5, SCOPE_PAGE = 1, RESULT_BAD_COMMAND = 1, RESULT_BAD_ADDRESS = 3, RESULT_MEMORY_ERROR = 9 };
enum { RAW, PROTECTED };

static uint8_t cached[2][PAGES_MAX];
static uint32_t address_register, answer, failure, refusals;

void native_cache_reset(void)
{
    memset(cached, 0, sizeof cached);
    address_register = answer = failure = refusals = 0;
}

/* 1 for the protected window: whose lines of a page may be there while nobody converts it. */
static uint32_t window_of(uint32_t page)
{
    uint32_t owner = record_owner(page_records[page]);
    return owner == YZ_OWNER_ENCLAVE || owner == YZ_OWNER_ENCLAVE_TABLE ? PROTECTED : RAW;
}

void native_cache_trap(void)
{
    for (uint32_t page = 0; page < machine.dram_pages; page++) {
        uint32_t owner = record_owner(page_records[page]);
        if (owner != YZ_OWNER_NODE && owner != YZ_OWNER_FREE)
            cached[window_of(page)][page] = 1;
    }
}

void native_cache_judge(void)
{
    for (uint32_t page = 0; page < machine.dram_pages; page++) {
        bool node = record_owner(page_records[page]) == YZ_OWNER_NODE;
        if (cached[!window_of(page)][page] || (node && cached[RAW][page]))
            machine_violation("lines of the wrong window left in the cache", page_address(page));
    }
}

void native_cache_touch(uint32_t page, bool protected_window)
{
    if (cached[!protected_window][page])
        machine_violation("access while the other window's lines are in the cache", page_address(page));
    cached[protected_window][page] = 1;
}

void native_cache_freed(uint32_t first_page, uint32_t pages)
{
    for (uint32_t page = first_page; page < first_page + pages && page < machine.dram_pages; page++) {
        if (cached[PROTECTED][page])
            machine_violation("FREE of a subtree with lines in the cache", page_address(page));
    }
}

static uint32_t operate(uint32_t op, uint32_t scope)
{
    uint32_t window = address_register >> YZ_PROTECTION_BIT & 1;
    uint32_t page = ((address_register & ~(1u << YZ_PROTECTION_BIT)) - YZ_DRAM_BASE) >> PAGE_SHIFT;
    if ((op != OP_CLEAN && op != OP_DISCARD) || scope != SCOPE_PAGE)
        return RESULT_BAD_COMMAND;
    if (address_register % YZ_PAGE_BYTES != 0 || page >= machine.dram_pages)
        return RESULT_BAD_ADDRESS;
    if (op == OP_DISCARD)
        cached[window][page] = 0;
    else if (refusals != 0) {
        refusals--;
        return RESULT_MEMORY_ERROR;
    }
    return 0;
}

uint32_t native_cache_read(uint32_t address)
{
    switch (address) {
    case CACHE_ANSWER:
        return answer;
    case CACHE_FAILURE:
        return failure;
    default:
        machine_violation("read of a register of the cache that the monitor has no use for", address);
        return 0;
    }
}

void native_cache_write(uint32_t address, uint32_t value)
{
    switch (address) {
    case CACHE_ADDRESS_LO:
        address_register = value;
        break;
    case CACHE_OP:
        answer = operate(value & LLC__OPERATION_T__OP__CODE_bm,
                         (value & LLC__OPERATION_T__OP__SCOPE_bm) >> LLC__OPERATION_T__OP__SCOPE_bp)
                 << LLC__ANSWER_T__STATE__RESULT_bp;
        break;
    case CACHE_FAILURE:
        if ((value & LLC__RECORD_T__STATE__VALID_bm) != 0)
            failure = 0;
        break;
    default:
        machine_violation("write to a register of the cache that the monitor has no use for", address);
    }
}

void native_cache_refuse(uint32_t count)
{
    refusals = count;
}

void native_cache_fail(uint32_t kind)
{
    failure = LLC__RECORD_T__STATE__VALID_bm | kind << LLC__RECORD_T__STATE__KIND_bp;
}

bool native_cache_interrupt(void)
{
    return failure != 0;
}
