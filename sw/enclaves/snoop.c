/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enclave that tries what it may not: calls of the host, unknown calls, and the access that its input asks for.
 *
 * Input: one byte 'r', 'w' or 'x' and four bytes of virtual address, little-endian. Exit code 1 to 9: that call was not
 * refused; 10: the access went through; 20 + n: there was no input, and the host lied n times about how much there is.
 */
#include <yz/abi.h>
#include <yz_enclave.h>

static const struct call {
    uint32_t extension, function;
    int error;
} forbidden[] = {
    {YZ_EXT_HOST, YZ_HOST_SET_PTE, SBI_ERR_DENIED},
    {YZ_EXT_HOST, YZ_HOST_DESTROY_ENCLAVE, SBI_ERR_DENIED},
    {YZ_EXT_HOST, YZ_HOST_SM_INIT, SBI_ERR_DENIED},
    {SBI_EXT_DBCN, 0, SBI_ERR_NOT_SUPPORTED},
    {SBI_EXT_SRST, 0, SBI_ERR_NOT_SUPPORTED},
    {SBI_EXT_TIME, 0, SBI_ERR_NOT_SUPPORTED},
    {YZ_EXT_ENCLAVE, 0xFFFF, SBI_ERR_NOT_SUPPORTED},
    {0xDEADBEEF, 0, SBI_ERR_NOT_SUPPORTED},
};

int enclave_main(void)
{
    for (uint32_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        uint32_t value;
        const struct call *c = &forbidden[i];
        if (enclave_monitor_call(c->extension, c->function, 0, 0, 0, &value) != c->error)
            return (int)i + 1;
    }
    unsigned char input[5];
    int got, lies = 0;
    while ((got = enclave_read(input, sizeof input)) == ENCLAVE_EHOST)
        lies++;
    if (got != (int)sizeof input)
        return 20 + lies;
    uint32_t va = (uint32_t)input[1] | (uint32_t)input[2] << 8 | (uint32_t)input[3] << 16 | (uint32_t)input[4] << 24;
    if (input[0] == 'r')
        (void)*(volatile uint32_t *)(uintptr_t)va;
    else if (input[0] == 'w')
        *(volatile uint32_t *)(uintptr_t)va = 0x5EC2E7;
    else
        ((void (*)(void))(uintptr_t)va)();
    return 10;
}
