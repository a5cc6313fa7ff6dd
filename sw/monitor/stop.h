/* SPDX-License-Identifier: Apache-2.0 */
/* The end of everything: the monitor met a state in which going on would not be safe. */
#ifndef YZ_MONITOR_STOP_H
#define YZ_MONITOR_STOP_H

/* Say why on the console and stop the machine with exit code STOP_FATAL (trap.h). */
__attribute__((noreturn)) void monitor_stop(const char *reason);

#endif
