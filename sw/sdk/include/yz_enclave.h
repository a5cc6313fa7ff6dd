/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtime of an enclave: what a program inside may call.
 *
 * Write `int enclave_main(void)`; its result is the enclave's exit code. The runtime gives a stack, a cleared .bss, output
 * and input through the host, and the heap's address. It trusts the monitor and itself, and nothing that the host says:
 * a result that the host could not honestly give (more bytes than asked for, a negative count, a pointer) is ENCLAVE_EHOST.
 *
 * The shared buffer is the host's memory: it may change at any moment. Data is copied out of it once, then used; nothing
 * secret is written there that was not passed to enclave_write().
 *
 * Build and run:  yingzhou build --enclave hello.c -o hello.elf && yingzhou sim --enclave hello.elf
 */
#ifndef YZ_ENCLAVE_H
#define YZ_ENCLAVE_H

#include "lib.h"

#define ENCLAVE_EHOST (-1)   /* the host gave an impossible answer */
#define ENCLAVE_EREFUSED (-2) /* the host answered with an error, or the monitor refused the call */
#define ENCLAVE_EINVAL (-3)  /* an argument of the enclave itself is wrong */

/* Write bytes to the console. Returns how many were written, at most `bytes`, or an error when none was. */
int enclave_write(const void *data, uint32_t bytes);

/* Read at most `capacity` bytes of input into `data`. Returns how many, 0 at the end, or an error. */
int enclave_read(void *data, uint32_t capacity);

/* printf with the conversions of lib.h; at most 255 characters a call. */
__attribute__((format(printf, 1, 2))) int enclave_printf(const char *format, ...);

_Noreturn void enclave_exit(int code);

/* Give the rest of the time slice to the host. */
void enclave_yield(void);

/* Identifier that the monitor gave this enclave. */
uint32_t enclave_id(void);

/* Memory that belongs to no segment and no stack: zero at start. */
void *enclave_heap(uint32_t *bytes);

/* Any ocall. Returns 0 and the host's result, which is the host's word: check it; or the monitor's error. */
int enclave_ocall(uint32_t number, uint32_t a0, uint32_t a1, int32_t *result);

/* Any call to the monitor: extension and function of yz/abi.h. Returns its error; *value gets a1. */
int enclave_monitor_call(uint32_t extension, uint32_t function, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t *value);

/* The program. */
int enclave_main(void);

#endif
