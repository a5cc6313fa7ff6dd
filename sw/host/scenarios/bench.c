/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latencies and workloads, the same code with guarded and unguarded tables. Values are cycles of the hart, the least of
 * REPEATS runs where a run leaves nothing behind, else of one run.
 */
#include <yz/abi.h>

#include "enclave.h"
#include "kernel_space.h"
#include "layout.h"
#include "console.h"
#include "pool.h"
#include "probe.h"
#include "process.h"
#include "sbi.h"
#include "scenario.h"
#include "tables.h"

#define REPEATS 4u
#define USER_DATA (PTE_V | PTE_R | PTE_W | PTE_U | PTE_A | PTE_D)

/* A space with pages of memory promised at USER_MMAP_VA, for the kernel's own use. */
static void bench_space(struct space *space, uint32_t pages)
{
    struct region region = {REGION_ZERO, USER_MMAP_VA, USER_MMAP_VA + pages * PAGE, PTE_R | PTE_W, 0};
    if (!space_init(space) || !space_add(space, region))
        panic("no room for the bench's address space");
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void page_table_updates(void)
{
    uint32_t table = table_take(0), page = pool_take(), one = UINT32_MAX, batch = UINT32_MAX, zero = UINT32_MAX;
    for (uint32_t n = 0; n < REPEATS; n++) {
        uint32_t begin = cycles();
        pte_set(table, pte_make(page, USER_DATA));
        one = least(one, cycles() - begin);
        begin = cycles();
        for (uint32_t i = 0; i < 64; i++)
            pte_queue(table + 4 * i, pte_make(page, USER_DATA));
        pte_commit();
        batch = least(batch, cycles() - begin);
        begin = cycles();
        pte_zero(table, 64 * sizeof(uint32_t));
        zero = least(zero, cycles() - begin);
    }
    table_drop(table, 0);
    pool_drop(page);
    bench_report("set_pte", "one entry", one, "cycles");
    bench_report("set_pte", "64 entries", batch, "cycles");
    bench_report("set_pte", "64 entries, per entry", batch / 64, "cycles");
    bench_report("set_pte", "64 entries zeroed", zero, "cycles");
}

static void switches(void)
{
    struct space space;
    bench_space(&space, 1);
    uint32_t there = UINT32_MAX, flush = UINT32_MAX;
    for (uint32_t n = 0; n < REPEATS; n++) {
        uint32_t begin = cycles();
        satp_load(space.root);
        there = least(there, cycles() - begin);
        satp_load(kernel_root);
        begin = cycles();
        tlb_flush();
        flush = least(flush, cycles() - begin);
    }
    space_destroy(&space);
    bench_report("satp", "switch", there, "cycles");
    bench_report("sfence.vma", "all", flush, "cycles");
}

/* mmap with its pages at once, as MAP_POPULATE: page allocation, zeroing, mapping. */
static void map_pages(uint32_t pages, const char *metric, const char *without_zeroing)
{
    struct space space;
    bench_space(&space, pages);
    uint32_t total = UINT32_MAX, clear = UINT32_MAX;
    for (uint32_t n = 0; n < (pages > 8 ? 1 : REPEATS); n++) {
        uint32_t begin = cycles();
        if (!space_populate(&space, USER_MMAP_VA, USER_MMAP_VA + pages * PAGE))
            panic("bench: %u pages cannot be mapped", (unsigned)pages);
        total = least(total, cycles() - begin);
        uint32_t page = pool_take();
        begin = cycles();
        page_clear(page);
        clear = least(clear, cycles() - begin);
        pool_drop(page);
        space_remove(&space, USER_MMAP_VA, USER_MMAP_VA + pages * PAGE);
        space_add(&space, (struct region){REGION_ZERO, USER_MMAP_VA, USER_MMAP_VA + pages * PAGE, PTE_R | PTE_W, 0});
    }
    space_destroy(&space);
    bench_report("mmap", metric, total, "cycles");
    bench_report("mmap", without_zeroing, total - pages * clear, "cycles");
}

static void program(enum user_program which, uint32_t argument, const char *name, const char *metric,
                    const char *measured)
{
    struct process *p = process_start(which, argument);
    if (!p)
        panic("bench: the program did not start");
    uint32_t calls = tables_calls, begin = cycles();
    schedule(NULL);
    uint32_t taken = cycles() - begin;
    if (p->exit_code)
        panic("bench: %s ended with %d", name, (int)p->exit_code);
    process_reap(p);
    bench_report(name, metric, taken, "cycles");
    if (measured)
        bench_report(name, measured, p->measured, "cycles");
    bench_report(name, "page-table calls", tables_calls - calls, "calls");
}

static void enclave_switches(void)
{
    struct enclave e;
    if (enclave_create(&e, enclave_example(EXAMPLE_COMPUTE), 8 * PAGE))
        panic("bench: the enclave was refused");
    e.quiet = true;
    /* The monitor answers a wrong resume without entering; the rest of a round trip is the two world switches. */
    uint32_t refused = UINT32_MAX, begin;
    for (uint32_t n = 0; n < REPEATS; n++) {
        begin = cycles();
        monitor_call(YZ_HOST_RESUME_ENCLAVE, e.eid, YZ_RESUME_OCALL, 0, 0);
        refused = least(refused, cycles() - begin);
    }
    bench_report("enclave", "refused resume", refused, "cycles");
    enclave_slice(&e); /* to its yield, or the timer */
    uint32_t round = UINT32_MAX;
    sbi_set_timer(0); /* already due: the enclave is left before its next instruction */
    for (uint32_t n = 0; n < REPEATS; n++) {
        begin = cycles();
        struct sbi_result r = monitor_call(YZ_HOST_RESUME_ENCLAVE, e.eid, YZ_RESUME_TIMER, 0, 0);
        if (r.error == 0 && r.value == YZ_EXIT_TIMER)
            round = least(round, cycles() - begin);
    }
    sbi_set_timer(UINT64_MAX);
    bench_report("enclave", "enter and exit", round, "cycles");
    begin = cycles();
    enclave_destroy(&e);
    bench_report("enclave", "destroy, 8 pages", cycles() - begin, "cycles");
    enclave_reclaim(&e);
}

void bench_run(uint32_t only)
{
    if (!only || only == 1)
        page_table_updates();
    if (!only || only == 2)
        switches();
    if (!only || only == 3) {
        map_pages(1, "1 page", "1 page, without zeroing");
        map_pages(64, "64 pages", "64 pages, without zeroing");
    }
    if (!only || only == 4)
        program(PROGRAM_KV, 2000, "kv", "2000 operations", NULL);
    if (!only || only == 5)
        program(PROGRAM_KERNELS, 3, "kernels", "whole process, 3 rounds", "2 warm rounds");
    if ((!only || only == 6) && tables_guarded())
        enclave_switches();
}
