/* SPDX-License-Identifier: Apache-2.0 */
/* Calls into the monitor (yz/abi.h, docs/monitor-abi.md). */
#ifndef YZ_HOST_SBI_H
#define YZ_HOST_SBI_H

#include <stdbool.h>
#include <stdint.h>
#include <yz/abi.h>

struct sbi_result {
    int32_t error;
    uint32_t value;
    uint32_t extra[3]; /* a2..a4: ENCLAVE_RUN and ENCLAVE_RESUME only */
};

struct sbi_result sbi_call(uint32_t extension, uint32_t function, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3,
                           uint32_t a4);

static inline struct sbi_result monitor_call(uint32_t function, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3)
{
    return sbi_call(YZ_EXT_HOST, function, a0, a1, a2, a3, 0);
}

/* Ask for a timer interrupt at `time`, in ticks of rdtime; UINT64_MAX: none. */
void sbi_set_timer(uint64_t time);

/* Write bytes at physical address pa to the console; false when the monitor refused them. */
bool sbi_console_write(uint32_t pa, uint32_t bytes);

/* Name of an error of yz/abi.h, for messages. */
const char *error_name(int32_t error);

#endif
