/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest enclave: greets, shows what it owns, ends. */
#include <yz_enclave.h>

int enclave_main(void)
{
    uint32_t bytes;
    const unsigned char *heap = enclave_heap(&bytes);
    enclave_printf("hello from enclave %x\n", (unsigned)enclave_id());
    for (uint32_t i = 0; i < bytes; i += 256)
        if (heap[i])
            return 1; /* memory of a former life */
    return 0;
}
