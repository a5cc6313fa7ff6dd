/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>

#include "lib.h"
#include "user.h"

struct syscall_result syscall(uint32_t number, uint32_t a0, uint32_t a1)
{
    register uint32_t r0 __asm__("a0") = a0;
    register uint32_t r1 __asm__("a1") = a1;
    register uint32_t r7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(r0), "+r"(r1) : "r"(r7) : "memory");
    return (struct syscall_result){(int32_t)r0, (int32_t)r1};
}

void user_exit(int32_t code)
{
    syscall(SYS_EXIT, (uint32_t)code, 0);
    __builtin_unreachable();
}

void user_printf(const char *format, ...)
{
    char line[128];
    va_list arguments;
    va_start(arguments, format);
    int length = yz_vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    uint32_t bytes = length < (int)sizeof line ? (uint32_t)length : (uint32_t)sizeof line - 1;
    syscall(SYS_WRITE, (uint32_t)(uintptr_t)line, bytes);
}

void *user_mmap(uint32_t bytes, int populate)
{
    int32_t address = syscall(SYS_MMAP, bytes, (uint32_t)populate).value;
    return address > 0 ? (void *)(uintptr_t)address : NULL;
}
