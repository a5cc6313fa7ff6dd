/* SPDX-License-Identifier: Apache-2.0 */
/* Functional scenarios: the kernel as an operating system. Enclaves are in demo_enclave.c. */
#include <yz/abi.h>

#include "demo.h"
#include "enclave.h"
#include "kernel_space.h"
#include "layout.h"
#include "pool.h"
#include "probe.h"
#include "process.h"
#include "sbi.h"
#include "scenario.h"
#include "tables.h"

/* Run processes until all have ended; nothing may be left over. */
static void run_all(void)
{
    schedule(NULL);
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        expect(processes[i].state == PROCESS_FREE || processes[i].state == PROCESS_ENDED, "process %u did not end",
               (unsigned)processes[i].id);
}

/* Start one program, run it, give its slot back; what it was is returned. */
static struct process run_program(enum user_program program, uint32_t argument, bool quiet)
{
    struct process *p = process_start(program, argument);
    expect(p != NULL, "program %u did not start", (unsigned)program);
    if (!p)
        return (struct process){.exit_code = -1};
    p->quiet = quiet;
    run_all();
    process_reap(p);
    return *p;
}

static void boot_and_sbi(void)
{
    struct sbi_result version = sbi_call(SBI_EXT_BASE, 0, 0, 0, 0, 0, 0);
    expect(version.error == 0 && version.value == 0x02000000, "SBI version 0x%x", (unsigned)version.value);
    static const uint32_t extensions[] = {SBI_EXT_BASE, SBI_EXT_TIME, SBI_EXT_DBCN, SBI_EXT_SRST};
    for (uint32_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        expect(sbi_call(SBI_EXT_BASE, 3, extensions[i], 0, 0, 0, 0).value == 1, "SBI extension 0x%x is missing",
               (unsigned)extensions[i]);
    expect(sbi_call(SBI_EXT_BASE, 3, 0x12345678, 0, 0, 0, 0).value == 0, "an unknown SBI extension is there");
    expect(sbi_call(0x12345678, 0, 0, 0, 0, 0, 0).error == SBI_ERR_NOT_SUPPORTED, "an unknown SBI extension answers");
    uint64_t before = time_now();
    expect(time_now() > before, "time stands still at %u", (unsigned)before);
    if (tables_guarded()) {
        struct probe satp = probe_csrr_satp();
        expect(satp.cause == CAUSE_NONE && satp.value == (SATP_SV32 | kernel_root >> PAGE_SHIFT), "satp reads 0x%08x",
               (unsigned)satp.value);
        uint32_t owner = monitor_call(YZ_HOST_PAGE_OWNER, kernel_root, 0, 0, 0).value;
        expect(owner == YZ_OWNER_HPT_ROOT, "the root table has owner %u", (unsigned)owner);
    }
    detail("SBI 2.0 with BASE, TIME, DBCN, SRST; paging on, root table at 0x%08x", (unsigned)kernel_root);
}

static void several_processes(void)
{
    static const uint32_t codes[] = {3, 5, 7};
    struct process *started[3];
    uint32_t pages = pool_free_pages(), roots = tables_free(1);
    for (int i = 0; i < 3; i++)
        started[i] = process_start(PROGRAM_HELLO, codes[i]);
    run_all();
    for (int i = 0; i < 3; i++) {
        expect(started[i] != NULL, "process %d did not start", i);
        if (!started[i])
            continue;
        expect(started[i]->exit_code == (int32_t)codes[i], "process %d ended with %d", i, (int)started[i]->exit_code);
        process_reap(started[i]);
    }
    expect(pool_free_pages() == pages && tables_free(1) == roots, "%u pages and %u roots free before, %u and %u after",
           (unsigned)pages, (unsigned)roots, (unsigned)pool_free_pages(), (unsigned)tables_free(1));
    detail("3 address spaces ran and ended with their codes; every page and table came back");
}

static void faults_kill_the_process(void)
{
    static const struct {
        uint32_t address, cause;
    } cases[] = {
        {KERNEL_CHUNK, CAUSE_LOAD_PAGE}, /* mapped, but not for user mode */
        {0x00000100, CAUSE_LOAD_PAGE},
        {USER_IMAGE_VA + 1, CAUSE_LOAD_MISALIGNED},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct process p = run_program(PROGRAM_PEEK, cases[i].address, false);
        expect(p.fault_cause == cases[i].cause && p.fault_address == cases[i].address && p.exit_code == EXIT_KILLED,
               "load from 0x%08x: cause %u, address 0x%08x", (unsigned)cases[i].address, (unsigned)p.fault_cause,
               (unsigned)p.fault_address);
    }
    detail("loads from kernel memory, an unmapped page and a misaligned address each ended their process only");
}

static void demand_paging(void)
{
    struct process p = run_program(PROGRAM_TOUCH, 6, false);
    expect(p.exit_code == 0, "the program found mistake %d", (int)p.exit_code);
    expect(p.page_faults >= 7, "%u page faults for 6 pages and a stack", (unsigned)p.page_faults);
    detail("6 pages mapped at first touch, all zero; %u page faults, image pages mapped around", (unsigned)p.page_faults);
}

static void mmap_and_munmap(void)
{
    uint32_t pages = pool_free_pages();
    struct process p = run_program(PROGRAM_MMAP, 0, true);
    expect(p.fault_cause == CAUSE_LOAD_PAGE && p.fault_address == USER_MMAP_VA + PAGE,
           "ended with code %d, cause %u, address 0x%08x", (int)p.exit_code, (unsigned)p.fault_cause,
           (unsigned)p.fault_address);
    expect(pool_free_pages() == pages, "%u pages lost", (unsigned)(pages - pool_free_pages()));
    detail("4 pages mapped in one batch, 2 unmapped; a load from the hole took page fault %u", (unsigned)p.fault_cause);
}

static void fork_copy_on_write(void)
{
    uint32_t pages = pool_free_pages();
    struct process p = run_program(PROGRAM_FORK, 2, false);
    expect(p.exit_code == 0, "the program found mistake %d", (int)p.exit_code);
    expect(pool_free_pages() == pages, "%u pages lost", (unsigned)(pages - pool_free_pages()));
    detail("3 generations wrote the same pages and each saw its own values");
}

static void superpage_split(void)
{
    volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)(ENCLAVE_POOL + 64);
    *word = 0x5117;
    expect(kernel_pte(ENCLAVE_POOL) == 0, "0x%08x is not under a superpage", (unsigned)ENCLAVE_POOL);
    uint32_t begin = cycles();
    int32_t error = kernel_split(INITRD_CHUNK);
    uint32_t taken = cycles() - begin;
    expect(error == 0, "the split was refused: %s", error_name(error));
    uint32_t pte = pte_read(kernel_pte(ENCLAVE_POOL));
    expect(pte_address(pte) == ENCLAVE_POOL && *word == 0x5117, "the PTE after the split is 0x%08x", (unsigned)pte);
    detail("a 4 MiB page became 1024 pages of 4 KiB in %u cycles, contents unchanged", (unsigned)taken);
}

static void hpt_growth(void)
{
    unsigned before = tables_free(0);
    int32_t error = tables_extend(HPT_GROWTH, HPT_GROWTH_BYTES);
    expect(error == 0, "HPT_EXTEND was refused: %s", error_name(error));
    expect(tables_free(0) == before + HPT_GROWTH_BYTES / PAGE, "%u leaf tables free before, %u after", before,
           tables_free(0));
    error = kernel_map(HPT_GROWTH, HPT_GROWTH_BYTES / PAGE, PTE_V | PTE_R | PTE_A | PTE_G);
    expect(error == 0, "the new tables cannot be mapped for reading: %s", error_name(error));
    /* The new tables are the next ones taken. */
    struct process p = run_program(PROGRAM_HELLO, 9, false);
    expect(p.exit_code == 9, "a process with tables in the new area ended with %d", (int)p.exit_code);
    detail("%u leaf tables more, and a process ran on them", (unsigned)(HPT_GROWTH_BYTES / PAGE));
}

static void timer_preemption(void)
{
    struct process *a = process_start(PROGRAM_SPIN, 2000), *b = process_start(PROGRAM_SPIN, 2000);
    uint32_t switches = context_switches;
    expect(a && b, "the programs did not start");
    run_all();
    if (!a || !b)
        return;
    expect(a->exit_code == 0 && b->exit_code == 0, "a process was never interrupted");
    detail("two computing processes took turns: %u and %u timer interrupts, %u switches", (unsigned)a->preemptions,
           (unsigned)b->preemptions, (unsigned)(context_switches - switches));
    process_reap(a);
    process_reap(b);
}

static void key_value(void)
{
    struct process p = run_program(PROGRAM_KV, 800, false);
    expect(p.exit_code == 0, "the store found mistake %d", (int)p.exit_code);
    detail("800 operations, every answer right; %u page faults", (unsigned)p.page_faults);
}

static void cpu_kernels(void)
{
    struct process p = run_program(PROGRAM_KERNELS, 1, false);
    expect(p.exit_code == 0, "kernel %d has a wrong answer", (int)p.exit_code);
    detail("list, matrix, state machine, CRC, sort and sieve have their known answers");
}

const struct scenario demo_scenarios[] = {
    {"boot and SBI", NULL, boot_and_sbi},
    {"several processes", NULL, several_processes},
    {"faults end their process", NULL, faults_kill_the_process},
    {"demand paging", NULL, demand_paging},
    {"mmap and munmap", NULL, mmap_and_munmap},
    {"fork with copy on write", NULL, fork_copy_on_write},
    {"superpage split", NULL, superpage_split},
    {"page-table area grows", NULL, hpt_growth},
    {"timer preemption", NULL, timer_preemption},
    {"key-value store", NULL, key_value},
    {"CPU kernels", NULL, cpu_kernels},
    {"enclave from create to exit", NULL, demo_enclave_life},
    {"enclave preempted", NULL, demo_enclave_preempted},
    {"enclave fault survived", NULL, demo_enclave_fault},
    {"enclaves take turns", NULL, demo_enclaves_alternate},
};
const size_t demo_scenario_count = sizeof demo_scenarios / sizeof demo_scenarios[0];
