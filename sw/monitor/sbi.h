/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the host (SBI 2.0, chapter 3): which function answers which number. docs/monitor-abi.md is the document.
 * An extension or function that does not exist answers SBI_ERR_NOT_SUPPORTED after a fixed number of comparisons.
 */
#ifndef YZ_MONITOR_SBI_H
#define YZ_MONITOR_SBI_H

#include <stdbool.h>
#include <stdint.h>

#include "trap.h"

/* What a call returns in a0 and a1. */
struct sbi_result {
    int32_t error;
    uint32_t value;
};

static inline struct sbi_result sbi_error(int32_t error)
{
    return (struct sbi_result){error, 0};
}

static inline struct sbi_result sbi_value(uint32_t value)
{
    return (struct sbi_result){0, value};
}

/* The standard extensions. */
struct sbi_result sbi_base(uint32_t function, uint32_t argument);
struct sbi_result sbi_time(uint32_t function, uint32_t low, uint32_t high);
struct sbi_result sbi_console(uint32_t function, const uint32_t *arguments);
struct sbi_result sbi_reset(uint32_t function, uint32_t type, uint32_t reason);

/* YZ_EXT_HOST (host_calls.c), but for SET_PTE and the two functions that enter an enclave. */
struct sbi_result sbi_host(struct frame *frame);
bool sbi_enters_enclave(uint32_t function);

/*
 * Answer an ecall of the host, the program counter already past it. True: it enters an enclave, trap_switch must do it.
 */
bool sbi_call(struct frame *frame);

#endif
