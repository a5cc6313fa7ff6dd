/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the runtime: what the entry code was told by the monitor. */
#ifndef YZ_SDK_RUNTIME_H
#define YZ_SDK_RUNTIME_H

#include <stdint.h>

struct enclave_memory {
    unsigned char *shared; /* the host's pages */
    uint32_t shared_bytes;
    void *heap;
    uint32_t heap_bytes;
};
extern struct enclave_memory enclave_memory;

#endif
