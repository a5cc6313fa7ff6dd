/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that the native build of the monitor runs on: DRAM as an array, CSRs and devices as variables.
 *
 * It is stricter than hardware. An access of the monitor that the contract of hal.h does not allow ends the process: an
 * address outside both windows of DRAM or in the monitor's region, a misaligned word, the raw window of an enclave's
 * page, but to erase it.
 */
#ifndef YZ_NATIVE_MACHINE_H
#define YZ_NATIVE_MACHINE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

/* What the monitor did, in order. */
enum machine_op { OP_LOAD = 1, OP_STORE, OP_CSR_WRITE, OP_DEVICE_WRITE, OP_TLB_FLUSH, OP_INSTRUCTION_FENCE };

struct machine_log_entry {
    uint32_t op;
    uint32_t address; /* or CSR number */
    uint32_t value;
};

#define MACHINE_LOG_MAX 65536u
#define MACHINE_RACES_MAX 64u
#define MACHINE_CONSOLE_BYTES 65536u

struct machine {
    uint8_t *dram;
    uint32_t dram_pages;
    uint8_t *dirty; /* one byte a page: written by the monitor */
    uint32_t csr[4096];
    uint32_t checker;      /* sysinfo.features.checker */
    uint32_t guard_areas;  /* gpt.capabilities.areas */
    uint32_t guard[0x400]; /* register file of the guard, by word */
    uint8_t console_out[MACHINE_CONSOLE_BYTES];
    uint32_t console_out_bytes;
    uint8_t console_in[MACHINE_CONSOLE_BYTES];
    uint32_t console_in_bytes, console_in_taken;
    bool console_busy;

    /* Memory accesses since the last trap; the one numbered fault_at (from 0) ends in an access fault, and so do the
     * fault_length - 1 after it. */
    uint32_t accesses, fault_at, fault_length;
    /* Stores numbered like that are acknowledged and then refused by memory (posted writes). */
    uint32_t lost_at, lost_length;
    bool write_error; /* sysinfo.write_error */
    /* A word that changes right after the monitor has loaded it for the first time. */
    struct {
        uint32_t pa, value;
    } races[MACHINE_RACES_MAX];
    uint32_t race_count;

    struct machine_log_entry log[MACHINE_LOG_MAX];
    uint32_t log_count; /* may be larger than the log */

    jmp_buf stopped;
    uint32_t stop_code;
};

extern struct machine machine;

/* A machine after reset, DRAM all zero; `engine` is an enum native_engine. */
void machine_reset(uint32_t dram_pages, uint32_t checker, uint32_t guard_areas, uint32_t engine);

/* The monitor did what it must not: say so and end the process. */
void machine_violation(const char *what, uint32_t address);

#endif
