/* SPDX-License-Identifier: Apache-2.0 */
/* Extension YZ_EXT_HOST: numbers to functions. */
#include <yz/abi.h>

#include "enclave.h"
#include "hpt.h"
#include "nodes.h"
#include "satp.h"
#include "sbi.h"
#include "table_pool.h"

static struct sbi_result page_owner(uint32_t pa)
{
    return sbi_value(record_owner(pages_record_of(pa >> PAGE_SHIFT)));
}

static int32_t init(struct frame *frame, const uint32_t *a)
{
    if ((a[2] | a[3] | a[4]) != 0)
        return SBI_ERR_INVALID_PARAM;
    return hpt_init(frame, a[0], a[1]);
}

bool sbi_enters_enclave(uint32_t function)
{
    return function == YZ_HOST_RUN_ENCLAVE || function == YZ_HOST_RESUME_ENCLAVE;
}

struct sbi_result sbi_host(struct frame *frame)
{
    const uint32_t *a = &frame->x[REG_A0];
    switch (frame->x[REG_A6]) {
    case YZ_HOST_MAP_PTE:
        return sbi_error(hpt_split(a[0], a[1]));
    case YZ_HOST_SATP:
        return sbi_error(satp_set(a[0]));
    case YZ_HOST_SM_INIT:
        return sbi_error(init(frame, a));
    case YZ_HOST_PT_AREA_SEPARATION:
        return sbi_error(hpt_separate(a[0], a[1]));
    case YZ_HOST_HPT_EXTEND:
        return sbi_error(hpt_extend(a[0], a[1], a[2]));
    case YZ_HOST_MEMORY_EXTEND:
        return sbi_error(table_pool_extend(a[0], a[1]));
    case YZ_HOST_MMT_EXTEND:
        return sbi_error(nodes_extend(a[0], a[1], a[2]));
    case YZ_HOST_MMT_INFO:
        return nodes_info(a[0]);
    case YZ_HOST_CREATE_ENCLAVE:
        return enclave_create(a[0]);
    case YZ_HOST_STOP_ENCLAVE:
        return sbi_error(enclave_stop(a[0]));
    case YZ_HOST_DESTROY_ENCLAVE:
        return sbi_error(enclave_destroy(a[0]));
    case YZ_HOST_PAGE_OWNER:
        return page_owner(a[0]);
    default:
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}
