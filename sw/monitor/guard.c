/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include "devices.h"
#include "hal.h"
#include "pages.h"

#define BITMAP_WORD_PAGES 32u

static uint32_t checker;
static uint32_t areas_total;
static uint32_t areas_used;

/* In whole pages of its own; not in .bss because only a machine with this checker needs it cleared. */
#ifdef YZ_NATIVE
uint32_t guard_bitmap[PAGES_MAX / BITMAP_WORD_PAGES];
#else
__attribute__((section(".bitmap"), aligned(4096))) static uint32_t guard_bitmap[PAGES_MAX / BITMAP_WORD_PAGES];
#endif

static void boot_bitmap(uint32_t pages)
{
    for (uint32_t word = 0; word < pages / BITMAP_WORD_PAGES; word++)
        guard_bitmap[word] = 0;
    hal_device_write(BITMAP_REGISTER(base), (uint32_t)(uintptr_t)guard_bitmap >> PAGE_SHIFT);
    hal_device_write(BITMAP_REGISTER(first_page), DRAM_PPN);
    hal_device_write(BITMAP_REGISTER(page_count), pages);
}

void guard_boot(uint32_t pages)
{
    checker = hal_device_read(SYSINFO_FEATURES) & SYSINFO__FEATURES__CHECKER_bm;
    areas_total = checker == CHECKER_GPT ? hal_device_read(GUARD_CAPABILITIES) & GPT__CAPABILITIES__AREAS_bm : 0;
    areas_used = 0;
    if (checker == CHECKER_BITMAP)
        boot_bitmap(pages);
}

bool guard_has_room(uint32_t count)
{
    return checker != CHECKER_GPT || count <= areas_total - areas_used;
}

void guard_add_area(enum guard_kind kind, uint32_t levels, uint32_t ppn, uint32_t count)
{
    if (checker != CHECKER_GPT)
        return;
    uint32_t area = areas_used++;
    uint32_t attr = (uint32_t)kind << GPT__AREA_T__ATTR_T__KIND_bp | levels << GPT__AREA_T__ATTR_T__LEVELS_bp;
    hal_device_write(GUARD_AREA_REGISTER(area, attr), 0);
    hal_device_write(GUARD_AREA_REGISTER(area, base_lo), ppn);
    hal_device_write(GUARD_AREA_REGISTER(area, base_hi), 0);
    hal_device_write(GUARD_AREA_REGISTER(area, limit_lo), ppn + count);
    hal_device_write(GUARD_AREA_REGISTER(area, limit_hi), 0);
    hal_device_write(GUARD_AREA_REGISTER(area, attr), attr);
    /* countermeasure: MON.GUARD_LOCK */
    hal_device_write(GUARD_AREA_REGISTER(area, attr), attr | GPT__AREA_T__ATTR_T__LOCK_bm);
}

void guard_close_pages(uint32_t first, uint32_t count, bool closed)
{
    if (checker != CHECKER_BITMAP)
        return;
    for (uint32_t index = first; index < first + count; index++) {
        uint32_t bit = 1u << index % BITMAP_WORD_PAGES;
        uint32_t *word = &guard_bitmap[index / BITMAP_WORD_PAGES];
        *word = closed ? *word | bit : *word & ~bit;
    }
    hal_device_write(BITMAP_REGISTER(flush), BITMAP__FLUSH__FLUSH_bm);
}

void guard_enable(void)
{
    if (checker != CHECKER_NONE)
        hal_device_write(GUARD_CONTROL, GPT__CONTROL__ENABLE_bm);
}

void guard_set_world(uint32_t world)
{
    /* countermeasure: MON.GUARD_WORLD */
    if (checker != CHECKER_NONE)
        hal_device_write(GUARD_WORLD, world);
}
