/* SPDX-License-Identifier: Apache-2.0 */
/* Entry and calls to the monitor. What crosses the border to the host is in io.c. */
#include "runtime.h"

#include <yz/abi.h>

#include "yz_enclave.h"

struct enclave_memory enclave_memory;

int enclave_monitor_call(uint32_t extension, uint32_t function, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t *value)
{
    register uint32_t r0 __asm__("a0") = a0;
    register uint32_t r1 __asm__("a1") = a1;
    register uint32_t r2 __asm__("a2") = a2;
    register uint32_t r6 __asm__("a6") = function;
    register uint32_t r7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(r0), "+r"(r1) : "r"(r2), "r"(r6), "r"(r7) : "memory");
    *value = r1;
    return (int)r0;
}

int enclave_ocall(uint32_t number, uint32_t a0, uint32_t a1, int32_t *result)
{
    uint32_t value = 0;
    int error = enclave_monitor_call(YZ_EXT_ENCLAVE, YZ_ENCLAVE_OCALL, number, a0, a1, &value);
    *result = (int32_t)value;
    return error;
}

void enclave_exit(int code)
{
    uint32_t ignored;
    enclave_monitor_call(YZ_EXT_ENCLAVE, YZ_ENCLAVE_EXIT, (uint32_t)code, 0, 0, &ignored);
    __builtin_trap(); /* the monitor does not come back */
}

void enclave_yield(void)
{
    uint32_t ignored;
    enclave_monitor_call(YZ_EXT_ENCLAVE, YZ_ENCLAVE_YIELD, 0, 0, 0, &ignored);
}

uint32_t enclave_id(void)
{
    uint32_t id;
    enclave_monitor_call(YZ_EXT_ENCLAVE, YZ_ENCLAVE_GET_ID, 0, 0, 0, &id);
    return id;
}

void *enclave_heap(uint32_t *bytes)
{
    *bytes = enclave_memory.heap_bytes;
    return enclave_memory.heap;
}

/* Called by start.S with what the monitor put into a0..a3. */
_Noreturn void enclave_start(uint32_t shared_va, uint32_t shared_bytes, uint32_t heap_va, uint32_t heap_bytes)
{
    enclave_memory = (struct enclave_memory){
        .shared = (unsigned char *)(uintptr_t)shared_va,
        .shared_bytes = shared_bytes,
        .heap = (void *)(uintptr_t)heap_va,
        .heap_bytes = heap_bytes,
    };
    enclave_exit(enclave_main());
}
