/* SPDX-License-Identifier: Apache-2.0 */
/* Console of the monitor and of the SBI extension DBCN. Every function ends in bounded time. */
#ifndef YZ_MONITOR_CONSOLE_H
#define YZ_MONITOR_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

/* Send one byte; false when the device stays busy for CONSOLE_POLLS polls. */
#define CONSOLE_POLLS 1000u
bool console_put(uint8_t byte);

/* Take one received byte; false when there is none. */
bool console_get(uint8_t *byte);

void console_text(const char *text);
void console_hex(uint32_t value);

/* A DBCN call moves at most this many bytes; the caller asks again for the rest (SBI 2.0, 12.1). */
#define CONSOLE_CALL_BYTES 4096u

#endif
