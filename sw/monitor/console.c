/* SPDX-License-Identifier: Apache-2.0 */
#include "console.h"

#include "devices.h"
#include "hal.h"

bool console_put(uint8_t byte)
{
    for (uint32_t poll = 0; poll < CONSOLE_POLLS; poll++) {
        if (hal_device_read(UART_STATUS) & UART__STATUS__TX_READY_bm) {
            hal_device_write(UART_TX, byte);
            return true;
        }
    }
    return false;
}

bool console_get(uint8_t *byte)
{
    if (!(hal_device_read(UART_STATUS) & UART__STATUS__RX_VALID_bm))
        return false;
    *byte = (uint8_t)hal_device_read(UART_RX);
    return true;
}

void console_text(const char *text)
{
    while (*text != '\0')
        console_put((uint8_t)*text++);
}

void console_hex(uint32_t value)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        console_put((uint8_t)"0123456789abcdef"[value >> shift & 15]);
}
