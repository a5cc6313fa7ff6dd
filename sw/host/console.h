/* SPDX-License-Identifier: Apache-2.0 */
/* Console of the kernel, through the monitor (SBI DBCN), and the end of a run. */
#ifndef YZ_HOST_CONSOLE_H
#define YZ_HOST_CONSOLE_H

#include <stdint.h>

__attribute__((format(printf, 1, 2))) void kprintf(const char *format, ...);

/* Write bytes as they are; `prefix` starts every line. */
void console_lines(const char *prefix, const char *text, uint32_t bytes);

/* Where the kernel reaches the simulation device; virtual address = physical address. */
#define SIM_VA YZ_SIM_BASE

_Noreturn void finish(uint32_t exit_code);

/* Say why and end the run with exit code 1. */
__attribute__((format(printf, 1, 2))) _Noreturn void panic(const char *format, ...);

#endif
