/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the kernel in supervisor mode, paging off: a0 hart, a1 boot arguments. */
#include <yz/abi.h>

#include "console.h"
#include "enclave.h"
#include "kernel_space.h"
#include "layout.h"
#include "pool.h"
#include "riscv.h"
#include "sbi.h"
#include "scenario.h"
#include "tables.h"

extern char __image_end[];

static struct yz_boot_args arguments;

/* Exit codes of a run, besides those of an enclave. */
enum { EXIT_GOOD = 0, EXIT_SCENARIO_FAILED = 1, EXIT_ENCLAVE_REFUSED = 124, EXIT_ENCLAVE_FAULT = 125 };

static void check_arguments(void)
{
    if (arguments.magic != YZ_BOOT_MAGIC || arguments.version != YZ_ABI_VERSION)
        panic("boot arguments have magic 0x%08x and version %u; this kernel needs 0x%08x and %u", (unsigned)arguments.magic,
              (unsigned)arguments.version, YZ_BOOT_MAGIC, YZ_ABI_VERSION);
    if (arguments.dram_size < DRAM_NEEDED)
        panic("DRAM has %u bytes; this kernel needs %u", (unsigned)arguments.dram_size, DRAM_NEEDED);
    if (arguments.initrd_size > INITRD_MAX)
        panic("initrd has %u bytes; at most %u fit", (unsigned)arguments.initrd_size, INITRD_MAX);
}

/* Pages an enclave needs: its file's, a stack, and a heap. */
static uint32_t enclave_memory_for(uint32_t file_bytes)
{
    uint32_t pages = (file_bytes + PAGE - 1) / PAGE + ENCLAVE_STACK_BYTES / PAGE + 8;
    uint32_t most = ENCLAVE_POOL_BYTES / PAGE;
    return (pages < most ? pages : most) * PAGE;
}

/* Mode ENCLAVE: run the file of the initrd. */
static uint32_t run_initrd(void)
{
    struct enclave enclave;
    struct enclave_file file = {(const void *)(uintptr_t)arguments.initrd_pa, arguments.initrd_size};
    if (!arguments.initrd_size)
        panic("mode ENCLAVE needs an enclave ELF file as initrd; there is none");
    int32_t error = enclave_create(&enclave, file, enclave_memory_for(file.bytes));
    if (!error)
        error = enclave_run_to_end(&enclave);
    if (error) {
        kprintf("host: the monitor refused the enclave: %s (%d)\n", error_name(error), (int)error);
        return EXIT_ENCLAVE_REFUSED;
    }
    if (enclave.exit_reason == YZ_EXIT_FAULT) {
        kprintf("host: the enclave ended by a fault, cause %u\n", (unsigned)enclave.exit_value);
        return EXIT_ENCLAVE_FAULT;
    }
    if (enclave.exit_reason == YZ_EXIT_INTEGRITY) {
        kprintf("host: the enclave ended because its memory failed a check, kind %u\n", (unsigned)enclave.exit_value);
        return EXIT_ENCLAVE_FAULT;
    }
    kprintf("host: the enclave ended with code %d\n", (int)enclave.exit_value);
    return enclave.exit_value;
}

_Noreturn void kernel_main(uint32_t hart, const struct yz_boot_args *given)
{
    arguments = *given;
    check_arguments();
    bool unguarded = (arguments.flags & YZ_BOOT_UNGUARDED) != 0;
    kprintf("host: hart %u, %u MiB of DRAM, page tables %s\n", (unsigned)hart, (unsigned)(arguments.dram_size >> 20),
            unguarded ? "unguarded" : "guarded");
    csr_write(scounteren, COUNTEREN_CY_TM_IR);
    pool_init((uint32_t)(uintptr_t)__image_end, POOL_END);
    bool early = arguments.mode == YZ_MODE_ATTACK && !arguments.scenario;
    uint32_t failures = early ? scenarios_run(&attack_early_scenarios[0], 1, 0) : 0;
    int32_t error = tables_init(unguarded);
    if (error)
        panic("the monitor refused the page-table area: %s (%d)", error_name(error), (int)error);
    if (early)
        failures += scenarios_run(&attack_early_scenarios[1], 1, 0);
    error = kernel_space_init();
    if (error)
        panic("the monitor refused the kernel's page tables: %s (%d)", error_name(error), (int)error);

    switch (arguments.mode) {
    case YZ_MODE_DEMO:
        failures = scenarios_run(demo_scenarios, demo_scenario_count, arguments.scenario);
        break;
    case YZ_MODE_ATTACK:
        failures += scenarios_run(attack_scenarios, attack_scenario_count, arguments.scenario);
        break;
    case YZ_MODE_TAMPER:
        if (monitor_call(YZ_HOST_MMT_INFO, YZ_MMT_PAGES, 0, 0, 0).value == 0)
            panic("mode TAMPER needs a machine with a memory engine");
        failures = scenarios_run(tamper_scenarios, tamper_scenario_count, arguments.scenario);
        break;
    case YZ_MODE_BENCH:
        bench_run(arguments.scenario);
        break;
    case YZ_MODE_ENCLAVE:
        finish(run_initrd());
    default:
        panic("boot mode is %u; accepted are 0 to 4", (unsigned)arguments.mode);
    }
    if (failures)
        kprintf("host: %u scenarios failed\n", (unsigned)failures);
    finish(failures ? EXIT_SCENARIO_FAILED : EXIT_GOOD);
}
