/* SPDX-License-Identifier: Apache-2.0 */
#include "hal.h"

#include "devices.h"

bool hal_settle(void)
{
    uint32_t error = hal_device_read(SYSINFO_WRITE_ERROR);
    if (error != 0)
        hal_device_write(SYSINFO_WRITE_ERROR, SYSINFO__WRITE_ERROR__VALID_bm);
    return error == 0;
}

bool hal_zero(uint32_t pa, uint32_t bytes)
{
    /* Eight stores a turn: pages are cleared here, and a loop's branch costs as much as a posted store. */
    for (; bytes >= 32; pa += 32, bytes -= 32) {
        bool good = hal_store32(pa, 0) && hal_store32(pa + 4, 0) && hal_store32(pa + 8, 0) && hal_store32(pa + 12, 0) &&
                    hal_store32(pa + 16, 0) && hal_store32(pa + 20, 0) && hal_store32(pa + 24, 0) &&
                    hal_store32(pa + 28, 0);
        if (!good)
            return false;
    }
    for (; bytes != 0; pa += 4, bytes -= 4) {
        if (!hal_store32(pa, 0))
            return false;
    }
    return true;
}

static bool copy_byte(uint32_t destination, uint32_t source)
{
    uint8_t byte;
    return hal_load8(source, &byte) && hal_store8(destination, byte);
}

bool hal_copy(uint32_t destination, uint32_t source, uint32_t bytes)
{
    for (; bytes != 0 && (source & 3) != 0; source++, destination++, bytes--) {
        if (!copy_byte(destination, source))
            return false;
    }
    for (; bytes >= 4; source += 4, destination += 4, bytes -= 4) {
        uint32_t word;
        if (!hal_load32(source, &word) || !hal_store32(destination, word))
            return false;
    }
    for (; bytes != 0; source++, destination++, bytes--) {
        if (!copy_byte(destination, source))
            return false;
    }
    return true;
}
