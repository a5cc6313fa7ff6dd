/* SPDX-License-Identifier: Apache-2.0 */
#include "console.h"

#include <stdbool.h>
#include <yz/sim_device.h>

#include "lib.h"
#include "sbi.h"

/* Filled before a call: one call costs as much as a hundred characters. */
static char buffer[256];
static uint32_t filled;

static void flush(void)
{
    sbi_console_write((uint32_t)(uintptr_t)buffer, filled);
    filled = 0;
}

static void put(void *context, char c)
{
    (void)context;
    buffer[filled++] = c;
    if (c == '\n' || filled == sizeof buffer)
        flush();
}

void kprintf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    yz_vformat(put, NULL, format, arguments);
    va_end(arguments);
}

void console_lines(const char *prefix, const char *text, uint32_t bytes)
{
    static bool inside_line;
    for (uint32_t i = 0; i < bytes; i++) {
        if (!inside_line)
            for (const char *p = prefix; *p; p++)
                put(NULL, *p);
        put(NULL, text[i]);
        inside_line = text[i] != '\n';
    }
}

void finish(uint32_t exit_code)
{
    if (filled)
        flush();
    yz_sim_exit(SIM_VA, exit_code);
}

void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    kprintf("host: ");
    yz_vformat(put, NULL, format, arguments);
    kprintf("\n");
    va_end(arguments);
    /* Through the monitor: the mapping of the simulation device may be what failed. */
    sbi_call(SBI_EXT_SRST, 0, 0, 1, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}
