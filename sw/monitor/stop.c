/* SPDX-License-Identifier: Apache-2.0 */
#include "stop.h"

#include "console.h"
#include "hal.h"
#include "trap.h"

void monitor_stop(const char *reason)
{
    console_text("monitor: stopped: ");
    console_text(reason);
    console_text("\n");
    hal_stop(STOP_FATAL);
}

void trap_fatal(uint32_t cause, uint32_t pc, uint32_t tval)
{
    console_text("monitor: trap of its own, cause ");
    console_hex(cause);
    console_text(" pc ");
    console_hex(pc);
    console_text(" address ");
    console_hex(tval);
    console_text("\n");
    hal_stop(STOP_FATAL);
}
