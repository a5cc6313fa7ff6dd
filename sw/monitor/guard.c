/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include "devices.h"
#include "hal.h"

static bool present;
static uint32_t areas_total;
static uint32_t areas_used;

void guard_boot(void)
{
    present = (hal_device_read(SYSINFO_FEATURES) & FEATURES_CHECKER) == CHECKER_GPT;
    areas_total = present ? hal_device_read(GUARD_CAPABILITIES) & GUARD_CAPABILITIES_AREAS : 0;
    areas_used = 0;
}

bool guard_has_room(uint32_t count)
{
    return !present || count <= areas_total - areas_used;
}

void guard_add_area(enum guard_kind kind, uint32_t levels, uint32_t ppn, uint32_t count)
{
    if (!present)
        return;
    uint32_t area = areas_used++;
    hal_device_write(GUARD_AREA_ATTR(area), 0);
    hal_device_write(GUARD_AREA_BASE_LO(area), ppn);
    hal_device_write(GUARD_AREA_BASE_HI(area), 0);
    hal_device_write(GUARD_AREA_LIMIT_LO(area), ppn + count);
    hal_device_write(GUARD_AREA_LIMIT_HI(area), 0);
    hal_device_write(GUARD_AREA_ATTR(area), (uint32_t)kind | levels << GUARD_ATTR_LEVELS_SHIFT);
    /* countermeasure: MON.GUARD_LOCK */
    hal_device_write(GUARD_AREA_ATTR(area), (uint32_t)kind | levels << GUARD_ATTR_LEVELS_SHIFT | GUARD_ATTR_LOCK);
}

void guard_enable(void)
{
    if (present)
        hal_device_write(GUARD_CONTROL, GUARD_CONTROL_ENABLE);
}

void guard_set_world(uint32_t world)
{
    /* countermeasure: MON.GUARD_WORLD */
    if (present)
        hal_device_write(GUARD_WORLD, world);
}
