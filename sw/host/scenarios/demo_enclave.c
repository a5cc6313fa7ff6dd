/* SPDX-License-Identifier: Apache-2.0 */
/* Functional scenarios: enclaves beside processes. */
#include <yz/abi.h>

#include "demo.h"
#include "enclave.h"
#include "process.h"
#include "riscv.h"
#include "sbi.h"
#include "scenario.h"

#define SMALL (6 * PAGE) /* segments, stack and a heap of the examples */

static uint32_t owner(uint32_t pa)
{
    return monitor_call(YZ_HOST_PAGE_OWNER, pa, 0, 0, 0).value;
}

static bool create(struct enclave *e, enum enclave_example example)
{
    int32_t error = enclave_create(e, enclave_example(example), SMALL);
    return expect(error == 0, "create was refused: %s (%d)", error_name(error), (int)error);
}

/* After its end: every page is the host's again, and zero. */
static void reclaim(struct enclave *e)
{
    for (uint32_t pa = e->memory; pa < e->memory + e->memory_bytes; pa += PAGE)
        expect(owner(pa) == YZ_OWNER_HOST, "page 0x%08x has owner %u after the end", (unsigned)pa, (unsigned)owner(pa));
    uint32_t wrong = enclave_reclaim(e);
    expect(wrong == 0, "%u lines of the enclave's pages are not zero", (unsigned)wrong);
}

void demo_enclave_life(void)
{
    struct enclave e;
    uint32_t begin = cycles();
    if (!create(&e, EXAMPLE_HELLO))
        return;
    uint32_t created = cycles();
    expect(owner(e.memory) == YZ_OWNER_ENCLAVE, "a donated page has owner %u", (unsigned)owner(e.memory));
    expect(owner(e.shared) == YZ_OWNER_SHARED, "the shared buffer has owner %u", (unsigned)owner(e.shared));
    int32_t error = enclave_run_to_end(&e);
    expect(error == 0, "run was refused: %s", error_name(error));
    expect(e.exit_reason == YZ_EXIT_DONE && e.exit_value == 0, "ended for reason %u with %d", (unsigned)e.exit_reason,
           (int)e.exit_value);
    expect(e.ocalls == 1 && e.written > 0, "%u ocalls wrote %u bytes", (unsigned)e.ocalls, (unsigned)e.written);
    uint32_t ended = cycles();
    reclaim(&e);
    detail("created in %u cycles, ran in %u, wrote %u bytes, exit 0; %u pages came back zero", (unsigned)(created - begin),
           (unsigned)(ended - created), (unsigned)e.written, (unsigned)(e.memory_bytes / PAGE));
}

void demo_enclave_preempted(void)
{
    struct enclave e;
    if (!create(&e, EXAMPLE_COMPUTE))
        return;
    int32_t error = enclave_run_to_end(&e);
    expect(error == 0, "run was refused: %s", error_name(error));
    expect(e.exit_reason == YZ_EXIT_DONE && e.exit_value == 42, "ended for reason %u with %d", (unsigned)e.exit_reason,
           (int)e.exit_value);
    expect(e.timer_exits > 0, "the timer never took the hart from it");
    expect(e.yields == 1, "%u yields", (unsigned)e.yields);
    reclaim(&e);
    detail("taken off the hart %u times by the timer, once by its own yield, and its answers are right",
           (unsigned)e.timer_exits);
}

void demo_enclave_fault(void)
{
    struct enclave e;
    if (!create(&e, EXAMPLE_FAULT))
        return;
    int32_t error = enclave_run_to_end(&e);
    expect(error == 0, "run was refused: %s", error_name(error));
    expect(e.exit_reason == YZ_EXIT_FAULT && e.exit_value == CAUSE_STORE_PAGE, "ended for reason %u with %u",
           (unsigned)e.exit_reason, (unsigned)e.exit_value);
    struct sbi_result again = monitor_call(YZ_HOST_RESUME_ENCLAVE, e.eid, YZ_RESUME_TIMER, 0, 0);
    expect(again.error == YZ_ERR_NO_ENCLAVE, "resume after its end: %s", error_name(again.error));
    reclaim(&e);
    detail("ended with cause %u and nothing more told; its pages came back zero, its id is dead", (unsigned)e.exit_value);
}

static struct enclave turns[3];

static bool run_turns(void)
{
    bool more = false;
    for (int i = 0; i < 3; i++) {
        if (turns[i].life != ENCLAVE_NEW && turns[i].life != ENCLAVE_READY)
            continue;
        int32_t error = enclave_slice(&turns[i]);
        if (!expect(error == 0, "enclave %d: %s", i, error_name(error)))
            return false;
        more |= turns[i].life == ENCLAVE_READY;
    }
    return more;
}

void demo_enclaves_alternate(void)
{
    static const enum enclave_example examples[3] = {EXAMPLE_COMPUTE, EXAMPLE_HELLO, EXAMPLE_COMPUTE};
    static const uint32_t codes[3] = {42, 0, 42};
    for (int i = 0; i < 3; i++)
        if (!create(&turns[i], examples[i]))
            return;
    struct process *p = process_start(PROGRAM_SPIN, 2000);
    schedule(run_turns);
    for (int i = 0; i < 3; i++) {
        expect(turns[i].exit_reason == YZ_EXIT_DONE && turns[i].exit_value == codes[i], "enclave %d ended with %d", i,
               (int)turns[i].exit_value);
        reclaim(&turns[i]);
    }
    expect(p != NULL, "the process did not start");
    if (p) {
        expect(p->exit_code == 0, "the process ended with %d", (int)p->exit_code);
        process_reap(p);
    }
    detail("3 enclaves and a process took turns; %u and %u timer exits", (unsigned)turns[0].timer_exits,
           (unsigned)turns[2].timer_exits);
}
