/* SPDX-License-Identifier: Apache-2.0 */
#include "sbi.h"

#include <yz/abi.h>

#include "console.h"
#include "hal.h"
#include "hpt.h"
#include "pages.h"

#define SBI_SPECIFICATION 0x02000000u /* version 2.0 */
#define SBI_IMPLEMENTATION 0x595Au    /* "YZ" */

/* Chapter 4. */
struct sbi_result sbi_base(uint32_t function, uint32_t argument)
{
    switch (function) {
    case 0:
        return sbi_value(SBI_SPECIFICATION);
    case 1:
        return sbi_value(SBI_IMPLEMENTATION);
    case 2:
        return sbi_value(YZ_ABI_VERSION);
    case 3:
        switch (argument) {
        case SBI_EXT_BASE:
        case SBI_EXT_TIME:
        case SBI_EXT_DBCN:
        case SBI_EXT_SRST:
        case YZ_EXT_HOST:
            return sbi_value(1);
        default:
            return sbi_value(0);
        }
    case 4:
        return sbi_value(hal_csr_read(CSR_MVENDORID));
    case 5:
        return sbi_value(hal_csr_read(CSR_MARCHID));
    case 6:
        return sbi_value(hal_csr_read(CSR_MIMPID));
    default:
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}

/* Chapter 6. The high half is written first as "never", so that no mixture of old and new is ever due. */
struct sbi_result sbi_time(uint32_t function, uint32_t low, uint32_t high)
{
    if (function != 0)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    hal_csr_write(CSR_STIMECMPH, 0xFFFFFFFFu);
    hal_csr_write(CSR_STIMECMP, low);
    hal_csr_write(CSR_STIMECMPH, high);
    return sbi_value(0);
}

/* Chapter 12: 0 write (bytes, address low, high), 1 read (the same), 2 write one byte. */
struct sbi_result sbi_console(uint32_t function, const uint32_t *arguments)
{
    if (function > 2)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if (function == 2)
        return console_put((uint8_t)arguments[0]) ? sbi_value(0) : sbi_error(SBI_ERR_FAILED);

    uint32_t bytes = arguments[0];
    uint32_t address = arguments[1];
    if (bytes == 0)
        return sbi_value(0);
    if (arguments[2] != 0 || pages_check_host_buffer(address, bytes) != SBI_SUCCESS)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (bytes > CONSOLE_CALL_BYTES)
        bytes = CONSOLE_CALL_BYTES;
    uint32_t done = 0;
    for (; done < bytes; done++) {
        uint8_t byte;
        if (function == 0) {
            if (!hal_load8(address + done, &byte))
                return sbi_error(SBI_ERR_FAILED);
            if (!console_put(byte))
                break;
        } else {
            if (!console_get(&byte))
                break;
            if (!hal_store8(address + done, byte))
                return sbi_error(SBI_ERR_FAILED);
        }
    }
    return sbi_value(done);
}

/* Chapter 10. Every kind of reset ends the run: exit code 0 without, 1 with a failure as the reason. */
struct sbi_result sbi_reset(uint32_t function, uint32_t type, uint32_t reason)
{
    if (function != 0)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if (type > 2 || reason > 1)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    hal_stop(reason);
}

bool sbi_call(struct frame *frame)
{
    uint32_t *x = frame->x;
    const uint32_t *arguments = &x[REG_A0];
    uint32_t function = x[REG_A6];
    struct sbi_result result;
    /* The one call whose cost a page fault of the host sees. */
    if (x[REG_A7] == YZ_EXT_HOST && function == YZ_HOST_SET_PTE) {
        x[REG_A0] = (uint32_t)hpt_set_pte(x[REG_A0], x[REG_A1], x[REG_A2], x[REG_A3]);
        x[REG_A1] = 0;
        return false;
    }
    switch (x[REG_A7]) {
    case YZ_EXT_HOST:
        if (sbi_enters_enclave(function))
            return true;
        result = sbi_host(frame);
        break;
    case YZ_EXT_ENCLAVE:
        /* countermeasure: MON.ENCLAVE_CALLS */
        result = sbi_error(SBI_ERR_DENIED);
        break;
    case SBI_EXT_BASE:
        result = sbi_base(function, arguments[0]);
        break;
    case SBI_EXT_TIME:
        result = sbi_time(function, arguments[0], arguments[1]);
        break;
    case SBI_EXT_DBCN:
        result = sbi_console(function, arguments);
        break;
    case SBI_EXT_SRST:
        result = sbi_reset(function, arguments[0], arguments[1]);
        break;
    default:
        result = sbi_error(SBI_ERR_NOT_SUPPORTED);
        break;
    }
    x[REG_A0] = (uint32_t)result.error;
    x[REG_A1] = result.value;
    return false;
}
