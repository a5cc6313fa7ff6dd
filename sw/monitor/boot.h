/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start of the machine: records, PMP, delegation, then the host.
 *
 * The host starts in S-mode, paging off, at YZ_HOST_BASE with a0 = hart id and a1 = YZ_BOOT_ARGS; every other register
 * is 0. It has the counters, its own timer (Sstc) and every trap it may handle; TVM is off until SM_INIT.
 */
#ifndef YZ_MONITOR_BOOT_H
#define YZ_MONITOR_BOOT_H

#include "trap.h"

/* Set every piece of state of the monitor and the hart, and make `frame` the host's first registers. */
void boot(struct frame *frame);

#endif
