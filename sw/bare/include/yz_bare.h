/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtime of a bare program: machine mode, no monitor, linked at the first byte of DRAM, whole machine to itself.
 *
 * Write `int main(void)`; its result is the exit code of the simulation. The runtime gives a 64 KiB stack, a cleared .bss,
 * and a trap handler that prints cause, address and program counter and exits with BARE_EXIT_TRAP.
 * Accesses must be aligned: the hart traps on misaligned ones.
 *
 * Build and run:  yingzhou build --bare main.c -o prog.elf && yingzhou sim --elf prog.elf
 */
#ifndef YZ_BARE_H
#define YZ_BARE_H

#include "lib.h"

#define BARE_EXIT_TRAP 99

__attribute__((format(printf, 1, 2))) int printf(const char *format, ...); /* conversions: lib.h */
void putchar_raw(char c);
void puts_raw(const char *text);

_Noreturn void exit(int code);

/* Cycles and retired instructions since reset, from the hart's counters. */
uint64_t bare_cycles(void);
uint64_t bare_instructions(void);

/* Report a number to the harness; it appears in the bench results. The strings must stay valid. */
void bare_report(const char *bench, const char *metric, uint32_t value, const char *unit);

#endif
