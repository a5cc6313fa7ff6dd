/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave.h"

#include <yz/abi.h>

#include "console.h"
#include "kernel_space.h"
#include "layout.h"
#include "lib.h"
#include "pool.h"
#include "process.h"
#include "riscv.h"
#include "sbi.h"

#define SHARED_BYTES PAGE
#define POOL_PAGES (ENCLAVE_POOL_BYTES / PAGE)

extern const char image_enclave_hello[], image_enclave_hello_end[], image_enclave_compute[], image_enclave_compute_end[];
extern const char image_enclave_fault[], image_enclave_fault_end[], image_enclave_snoop[], image_enclave_snoop_end[];

static bool initialised;
static uint8_t used[POOL_PAGES];

static struct enclave_file file_between(const char *start, const char *end)
{
    return (struct enclave_file){start, (uint32_t)(end - start)};
}

struct enclave_file enclave_example(enum enclave_example example)
{
    switch (example) {
    case EXAMPLE_HELLO:
        return file_between(image_enclave_hello, image_enclave_hello_end);
    case EXAMPLE_COMPUTE:
        return file_between(image_enclave_compute, image_enclave_compute_end);
    case EXAMPLE_FAULT:
        return file_between(image_enclave_fault, image_enclave_fault_end);
    default:
        return file_between(image_enclave_snoop, image_enclave_snoop_end);
    }
}

int32_t enclave_lend_nodes(uint32_t pa)
{
    uint32_t bytes = monitor_call(YZ_HOST_MMT_INFO, YZ_MMT_PAGES, 0, 0, 0).value * PAGE;
    uint32_t place = NODES_FOR_TABLES + (pa - TABLE_CHUNK < (4u << 20) ? 0 : bytes);
    return bytes ? monitor_call(YZ_HOST_MMT_EXTEND, place, bytes, pa, 0).error : SBI_SUCCESS;
}

int32_t enclaves_init(void)
{
    if (initialised)
        return SBI_SUCCESS;
    int32_t error = kernel_split(INITRD_CHUNK);
    if (!error)
        error = enclave_lend_nodes(ENCLAVE_TABLES);
    if (!error)
        error = monitor_call(YZ_HOST_MEMORY_EXTEND, ENCLAVE_TABLES, ENCLAVE_TABLES_BYTES, 0, 0).error;
    initialised = !error;
    return error;
}

uint32_t enclave_memory_take(uint32_t bytes)
{
    uint32_t pages = bytes / PAGE;
    for (uint32_t start = 0, n = 0; start + pages <= POOL_PAGES; start += n + 1) {
        for (n = 0; n < pages && !used[start + n]; n++)
            ;
        if (n == pages) {
            memset(used + start, 1, pages);
            return ENCLAVE_POOL + start * PAGE;
        }
    }
    return 0;
}

void enclave_memory_drop(uint32_t pa, uint32_t bytes)
{
    memset(used + (pa - ENCLAVE_POOL) / PAGE, 0, bytes / PAGE);
}

int32_t enclave_create(struct enclave *enclave, struct enclave_file file, uint32_t memory_bytes)
{
    static _Alignas(64) struct yz_enclave_params params; /* one struct inside one page */
    memset(enclave, 0, sizeof *enclave);
    int32_t error = enclaves_init();
    if (error)
        return error;
    uint32_t memory = enclave_memory_take(memory_bytes), shared = pool_take_run(SHARED_BYTES / PAGE);
    if (!memory || !shared)
        return YZ_ERR_NO_MEMORY;
    params = (struct yz_enclave_params){
        .version = YZ_ABI_VERSION,
        .elf_pa = (uint32_t)(uintptr_t)file.start,
        .elf_size = file.bytes,
        .mem_pa = memory,
        .mem_size = memory_bytes,
        .stack_size = ENCLAVE_STACK_BYTES,
        .shm_pa = shared,
        .shm_size = SHARED_BYTES,
    };
    struct sbi_result r = monitor_call(YZ_HOST_CREATE_ENCLAVE, (uint32_t)(uintptr_t)&params, 0, 0, 0);
    if (r.error == YZ_ERR_NO_NODES) {
        r.error = enclave_lend_nodes(memory);
        if (!r.error)
            r = monitor_call(YZ_HOST_CREATE_ENCLAVE, (uint32_t)(uintptr_t)&params, 0, 0, 0);
    }
    if (r.error) {
        enclave_memory_drop(memory, memory_bytes);
        pool_drop(shared);
        return r.error;
    }
    enclave->life = ENCLAVE_NEW;
    enclave->eid = r.value;
    enclave->memory = memory;
    enclave->memory_bytes = memory_bytes;
    enclave->shared = shared;
    enclave->shared_bytes = SHARED_BYTES;
    return SBI_SUCCESS;
}

static bool inside_buffer(const struct enclave *enclave, uint32_t offset, uint32_t bytes)
{
    return offset <= enclave->shared_bytes && bytes <= enclave->shared_bytes - offset;
}

static int32_t serve_ocall(struct enclave *enclave, uint32_t number, uint32_t offset, uint32_t bytes)
{
    char *buffer = (char *)(uintptr_t)(enclave->shared + offset);
    enclave->ocalls++;
    if (!inside_buffer(enclave, offset, bytes))
        return -SYS_EINVAL;
    switch (number) {
    case YZ_OCALL_WRITE:
        if (!enclave->quiet)
            console_lines("[enclave] ", buffer, bytes);
        enclave->written += bytes;
        return (int32_t)bytes;
    case YZ_OCALL_READ: {
        uint32_t count = bytes < enclave->input_bytes ? bytes : enclave->input_bytes;
        memcpy(buffer, enclave->input, count);
        enclave->input = (const char *)enclave->input + count;
        enclave->input_bytes -= count;
        return (int32_t)count;
    }
    default:
        return -SYS_ENOSYS;
    }
}

int32_t enclave_slice(struct enclave *enclave)
{
    if (enclave->life == ENCLAVE_ENDED || enclave->life == ENCLAVE_NONE)
        return YZ_ERR_STATE;
    sbi_set_timer(time_now() + QUANTUM);
    csr_set(sie, SIE_STIE);
    int32_t error = SBI_SUCCESS;
    for (bool slice = true; slice && !error;) {
        struct sbi_result r;
        if (enclave->life == ENCLAVE_NEW)
            r = monitor_call(YZ_HOST_RUN_ENCLAVE, enclave->eid, 0, 0, 0);
        else if (enclave->calling)
            r = monitor_call(YZ_HOST_RESUME_ENCLAVE, enclave->eid, YZ_RESUME_OCALL, (uint32_t)enclave->pending, 0);
        else
            r = monitor_call(YZ_HOST_RESUME_ENCLAVE, enclave->eid, YZ_RESUME_TIMER, 0, 0);
        error = r.error;
        if (error)
            break;
        enclave->life = ENCLAVE_READY;
        enclave->calling = false;
        switch (r.value) {
        case YZ_EXIT_OCALL:
            enclave->pending = serve_ocall(enclave, r.extra[0], r.extra[1], r.extra[2]);
            enclave->calling = true;
            break;
        case YZ_EXIT_TIMER:
            enclave->timer_exits++;
            slice = false;
            break;
        case YZ_EXIT_YIELD:
            enclave->yields++;
            slice = false;
            break;
        default:
            enclave->exit_reason = r.value;
            enclave->exit_value = r.extra[0];
            enclave->life = ENCLAVE_ENDED;
            slice = false;
        }
    }
    sbi_set_timer(UINT64_MAX);
    return error;
}

int32_t enclave_run_to_end(struct enclave *enclave)
{
    while (enclave->life != ENCLAVE_ENDED) {
        int32_t error = enclave_slice(enclave);
        if (error)
            return error;
    }
    return SBI_SUCCESS;
}

int32_t enclave_destroy(struct enclave *enclave)
{
    int32_t error = monitor_call(YZ_HOST_DESTROY_ENCLAVE, enclave->eid, 0, 0, 0).error;
    if (!error)
        enclave->life = ENCLAVE_ENDED;
    return error;
}

uint32_t enclave_reclaim(struct enclave *enclave)
{
    uint32_t wrong = 0, flags = PTE_V | PTE_R | PTE_W | PTE_A | PTE_D | PTE_G;
    if (kernel_map(enclave->memory, enclave->memory_bytes / PAGE, flags))
        return UINT32_MAX;
    const uint32_t *words = (const uint32_t *)(uintptr_t)enclave->memory;
    for (uint32_t i = 0; i < enclave->memory_bytes / sizeof *words; i += 8) {
        const uint32_t *w = words + i;
        wrong += (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]) != 0;
    }
    enclave_memory_drop(enclave->memory, enclave->memory_bytes);
    for (uint32_t pa = enclave->shared; pa < enclave->shared + enclave->shared_bytes; pa += PAGE)
        pool_drop(pa);
    enclave->life = ENCLAVE_NONE;
    return wrong;
}
