/* SPDX-License-Identifier: Apache-2.0 */
#include "sbi.h"

struct sbi_result sbi_call(uint32_t extension, uint32_t function, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3,
                           uint32_t a4)
{
    register uint32_t r0 __asm__("a0") = a0;
    register uint32_t r1 __asm__("a1") = a1;
    register uint32_t r2 __asm__("a2") = a2;
    register uint32_t r3 __asm__("a3") = a3;
    register uint32_t r4 __asm__("a4") = a4;
    register uint32_t r6 __asm__("a6") = function;
    register uint32_t r7 __asm__("a7") = extension;
    __asm__ volatile("ecall"
                     : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r4)
                     : "r"(r6), "r"(r7)
                     : "memory");
    return (struct sbi_result){(int32_t)r0, r1, {r2, r3, r4}};
}

void sbi_set_timer(uint64_t time)
{
    sbi_call(SBI_EXT_TIME, 0, (uint32_t)time, (uint32_t)(time >> 32), 0, 0, 0);
}

bool sbi_console_write(uint32_t pa, uint32_t bytes)
{
    while (bytes) {
        struct sbi_result r = sbi_call(SBI_EXT_DBCN, 0, bytes, pa, 0, 0, 0);
        if (r.error || r.value == 0 || r.value > bytes)
            return false;
        pa += r.value;
        bytes -= r.value;
    }
    return true;
}

const char *error_name(int32_t error)
{
    switch (error) {
#define NAME(code, text) \
    case code:           \
        return text;
        NAME(SBI_SUCCESS, "success")
        NAME(SBI_ERR_FAILED, "failed")
        NAME(SBI_ERR_NOT_SUPPORTED, "not supported")
        NAME(SBI_ERR_INVALID_PARAM, "invalid parameter")
        NAME(SBI_ERR_DENIED, "denied")
        NAME(SBI_ERR_INVALID_ADDRESS, "invalid address")
        NAME(SBI_ERR_ALREADY_AVAILABLE, "already available")
        NAME(YZ_ERR_ALIGN, "align")
        NAME(YZ_ERR_RANGE, "range")
        NAME(YZ_ERR_OWNER, "owner")
        NAME(YZ_ERR_PTE_LOCATION, "pte location")
        NAME(YZ_ERR_PTE_TARGET, "pte target")
        NAME(YZ_ERR_PTE_FORMAT, "pte format")
        NAME(YZ_ERR_STATE, "state")
        NAME(YZ_ERR_NO_MEMORY, "no memory")
        NAME(YZ_ERR_NO_SLOT, "no slot")
        NAME(YZ_ERR_NO_ENCLAVE, "no enclave")
        NAME(YZ_ERR_ELF, "elf")
        NAME(YZ_ERR_MAPPED, "mapped")
        NAME(YZ_ERR_COUNT, "count")
        NAME(YZ_ERR_BUSY, "busy")
        NAME(YZ_ERR_NO_NODES, "no nodes")
        NAME(YZ_ERR_INTEGRITY, "integrity")
#undef NAME
    default:
        return "unknown error";
    }
}
