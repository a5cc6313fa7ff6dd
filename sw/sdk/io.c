/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input and output through the shared buffer.
 *
 * Rule: whatever the host answers is checked against what was asked, before it is used as a length, and once only.
 * Tested natively with a hostile host in tb/host/test_enclave_runtime.py.
 */
#include <yz/abi.h>

#include "runtime.h"
#include "yz_enclave.h"

/* The host's answer to "handle at most `asked` bytes". */
static int check_count(int error, int32_t answer, uint32_t asked)
{
    if (error)
        return ENCLAVE_EREFUSED;
    /* threat: F32. A length beyond the buffer, a negative one, a pointer: as unsigned all are more than INT32_MAX >= asked. */
    if ((uint32_t)answer > asked)
        return ENCLAVE_EHOST;
    return answer;
}

static uint32_t limit_to_buffer(uint32_t bytes)
{
    return bytes < enclave_memory.shared_bytes ? bytes : enclave_memory.shared_bytes;
}

int enclave_write(const void *data, uint32_t bytes)
{
    const unsigned char *from = data;
    if (bytes > INT32_MAX)
        return ENCLAVE_EINVAL;
    if (bytes && !enclave_memory.shared_bytes)
        return ENCLAVE_EREFUSED;
    uint32_t done = 0;
    while (done < bytes) {
        uint32_t part = limit_to_buffer(bytes - done);
        memcpy(enclave_memory.shared, from + done, part);
        int32_t answer;
        int error = enclave_ocall(YZ_OCALL_WRITE, 0, part, &answer);
        int count = check_count(error, answer, part);
        if (count < 0)
            return done ? (int)done : count;
        if (count == 0)
            break; /* the host takes no more: do not ask for ever */
        done += (uint32_t)count;
    }
    return (int)done;
}

int enclave_read(void *data, uint32_t capacity)
{
    if (capacity > INT32_MAX)
        return ENCLAVE_EINVAL;
    if (!capacity)
        return 0;
    uint32_t asked = limit_to_buffer(capacity);
    if (!asked)
        return ENCLAVE_EREFUSED;
    int32_t answer;
    int error = enclave_ocall(YZ_OCALL_READ, 0, asked, &answer);
    int count = check_count(error, answer, asked);
    if (count > 0)
        memcpy(data, enclave_memory.shared, (uint32_t)count);
    return count;
}

int enclave_printf(const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = yz_vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return enclave_write(line, length < (int)sizeof line ? (uint32_t)length : (uint32_t)sizeof line - 1);
}
