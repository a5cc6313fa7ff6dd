/* SPDX-License-Identifier: Apache-2.0 */
/* Stores to an address that is not mapped: the monitor ends the enclave and tells the host the cause, not the address. */
#include <yz_enclave.h>

int enclave_main(void)
{
    enclave_printf("about to store to an unmapped page\n");
    *(volatile uint32_t *)0x40000000 = 1;
    return 1;
}
