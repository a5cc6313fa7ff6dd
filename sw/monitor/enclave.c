/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, identifiers, and the judgement of CREATE_ENCLAVE's parameters. */
#include "enclave.h"

#include <stddef.h>

#include "hal.h"
#include "hpt.h"
#include "nodes.h"
#include "pte.h"
#include "satp.h"
#include "table_pool.h"

struct enclave enclaves[YZ_MAX_ENCLAVES];

void enclave_boot(void)
{
    for (uint32_t slot = 0; slot < YZ_MAX_ENCLAVES; slot++) {
        enclaves[slot].state = ENCLAVE_FREE;
        enclaves[slot].generation = 1;
    }
}

uint32_t enclave_id(const struct enclave *enclave)
{
    return enclave->generation << ENCLAVE_SLOT_BITS | (uint32_t)(enclave - enclaves);
}

uint32_t enclave_tag(const struct enclave *enclave)
{
    return (uint32_t)(enclave - enclaves) + 1;
}

struct enclave *enclave_find(uint32_t eid)
{
    struct enclave *enclave = &enclaves[eid % YZ_MAX_ENCLAVES];
    /* countermeasure: MON.EID */
    if (enclave->state == ENCLAVE_FREE || enclave_id(enclave) != eid)
        return NULL;
    return enclave;
}

static struct enclave *find_slot(void)
{
    for (uint32_t slot = 0; slot < YZ_MAX_ENCLAVES; slot++) {
        if (enclaves[slot].state == ENCLAVE_FREE && enclaves[slot].generation <= ENCLAVE_GENERATION_MAX)
            return &enclaves[slot];
    }
    return NULL;
}

static int32_t read_params(uint32_t pa, struct yz_enclave_params *params)
{
    if (pa % 4 != 0)
        return YZ_ERR_ALIGN;
    int32_t error = pages_check_host_buffer(pa, sizeof(*params));
    if (error != SBI_SUCCESS)
        return error;
    if (pa % YZ_PAGE_BYTES > YZ_PAGE_BYTES - sizeof(*params))
        return YZ_ERR_RANGE;
    uint32_t words[sizeof(*params) / 4];
    for (uint32_t i = 0; i < sizeof(*params) / 4; i++) {
        if (!hal_load32(pa + 4 * i, &words[i]))
            return SBI_ERR_FAILED;
    }
    *params = (struct yz_enclave_params){words[0], words[1], words[2], words[3],
                                         words[4], words[5], words[6], words[7]};
    return SBI_SUCCESS;
}

static int32_t check_shared(const struct yz_enclave_params *params, struct page_range *shared)
{
    *shared = (struct page_range){0, 0};
    if (params->shm_size == 0)
        return SBI_SUCCESS;
    int32_t error = pages_range(params->shm_pa, params->shm_size, shared);
    if (error != SBI_SUCCESS)
        return error;
    if (params->shm_size > YZ_SHM_MAX)
        return YZ_ERR_RANGE;
    for (uint32_t i = 0; i < shared->count; i++) {
        uint32_t owner = record_owner(page_records[shared->first + i]);
        /* countermeasure: MON.SHARED_OWNER */
        if (owner != YZ_OWNER_HOST && owner != YZ_OWNER_SHARED)
            return YZ_ERR_OWNER;
    }
    return SBI_SUCCESS;
}

/* Each range alone, then no two of them together where one would be erased under the other. */
static int32_t check_ranges(const struct yz_enclave_params *params)
{
    struct page_range memory, shared;
    int32_t error = pages_range(params->mem_pa, params->mem_size, &memory);
    if (error != SBI_SUCCESS)
        return error;
    if (params->stack_size % YZ_PAGE_BYTES != 0)
        return YZ_ERR_ALIGN;
    if (params->stack_size == 0 || params->stack_size > YZ_ENCLAVE_STACK_TOP - YZ_ENCLAVE_VA_LIMIT - YZ_PAGE_BYTES)
        return YZ_ERR_RANGE;
    error = check_shared(params, &shared);
    if (error != SBI_SUCCESS)
        return error;
    error = pages_check_host_buffer(params->elf_pa, params->elf_size);
    if (error != SBI_SUCCESS)
        return error;
    uint32_t elf_first = (params->elf_pa - YZ_DRAM_BASE) >> PAGE_SHIFT;
    uint32_t elf_last = (params->elf_pa - YZ_DRAM_BASE + params->elf_size - 1) >> PAGE_SHIFT;
    struct page_range elf = {elf_first, elf_last - elf_first + 1};
    /* countermeasure: MON.OVERLAP */
    if (pages_overlap(memory, elf) || (shared.count != 0 && pages_overlap(memory, shared)))
        return YZ_ERR_RANGE;
    error = hpt_check_claim(memory);
    return error == SBI_SUCCESS ? nodes_check(memory) : error;
}

static int32_t check_size(const struct yz_enclave_params *params, const struct elf_image *image)
{
    uint32_t pages = params->mem_size >> PAGE_SHIFT;
    uint32_t used = image->pages + (params->stack_size >> PAGE_SHIFT);
    /* countermeasure: MON.MEMORY_SIZE */
    if (used > pages)
        return YZ_ERR_NO_MEMORY;
    return pages - used > (YZ_ENCLAVE_VA_LIMIT - image->end_va) >> PAGE_SHIFT ? YZ_ERR_RANGE : SBI_SUCCESS;
}

struct sbi_result enclave_create(uint32_t params_pa)
{
    /* countermeasure: MON.CREATE_PAGED */
    if (!hpt_ready() || !satp_is_paged())
        return sbi_error(YZ_ERR_STATE);
    struct yz_enclave_params params;
    int32_t error = read_params(params_pa, &params);
    if (error != SBI_SUCCESS)
        return sbi_error(error);
    if (params.version != YZ_ABI_VERSION)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    error = check_ranges(&params);
    if (error != SBI_SUCCESS)
        return sbi_error(error);
    struct enclave *enclave = find_slot();
    if (enclave == NULL)
        return sbi_error(YZ_ERR_NO_SLOT);
    struct elf_image image;
    error = elf_read(params.elf_pa, params.elf_size, &image);
    if (error == SBI_SUCCESS)
        error = check_size(&params, &image);
    if (error == SBI_SUCCESS)
        error = enclave_build(enclave, &params, &image);
    return error == SBI_SUCCESS ? sbi_value(enclave_id(enclave)) : sbi_error(error);
}

int32_t enclave_destroy(uint32_t eid)
{
    struct enclave *enclave = enclave_find(eid);
    if (enclave == NULL)
        return YZ_ERR_NO_ENCLAVE;
    enclave_release(enclave);
    return SBI_SUCCESS;
}

int32_t enclave_stop(uint32_t eid)
{
    struct enclave *enclave = enclave_find(eid);
    if (enclave == NULL)
        return YZ_ERR_NO_ENCLAVE;
    if (enclave->state == ENCLAVE_LOST)
        return YZ_ERR_INTEGRITY;
    if (enclave->state != ENCLAVE_RUNNABLE)
        return YZ_ERR_STATE;
    enclave->state = ENCLAVE_STOPPED;
    return SBI_SUCCESS;
}
