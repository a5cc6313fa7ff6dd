/* SPDX-License-Identifier: Apache-2.0 */
/* What a user program calls: system calls and output. */
#ifndef YZ_USER_H
#define YZ_USER_H

#include <stddef.h>
#include <stdint.h>

#include "../host/syscalls.h"

struct syscall_result {
    int32_t value;
    int32_t second;
};

struct syscall_result syscall(uint32_t number, uint32_t a0, uint32_t a1);

_Noreturn void user_exit(int32_t code);
__attribute__((format(printf, 1, 2))) void user_printf(const char *format, ...);
/* Zeroed memory, or NULL. */
void *user_mmap(uint32_t bytes, int populate);

int32_t key_value_store(uint32_t operations);

#endif
