/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"

#include <yz/abi.h>
#include <yz/sim_device.h>

#include "console.h"
#include "lib.h"

static bool failed;
static char failure[160], found[160];

static uint32_t address(const void *pointer)
{
    return (uint32_t)(uintptr_t)pointer; /* kernel virtual address = physical address */
}

bool expect(bool good, const char *format, ...)
{
    if (good || failed)
        return good;
    failed = true;
    va_list arguments;
    va_start(arguments, format);
    yz_vsnprintf(failure, sizeof failure, format, arguments);
    va_end(arguments);
    return false;
}

void detail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    yz_vsnprintf(found, sizeof found, format, arguments);
    va_end(arguments);
}

static bool run_one(const struct scenario *s)
{
    failed = false;
    failure[0] = found[0] = 0;
    yz_sim_event(SIM_VA, YZ_EVENT_SCENARIO_BEGIN, address(s->name), s->threats ? 1 : 0, address(s->threats), 0);
    s->run();
    const char *text = failed ? failure : found;
    yz_sim_event(SIM_VA, YZ_EVENT_SCENARIO_END, !failed, address(text), 0, 0);
    if (failed) /* the harness tells what passed */
        kprintf("host: scenario \"%s\" failed: %s\n", s->name, text);
    return !failed;
}

uint32_t scenarios_run(const struct scenario *scenarios, size_t count, uint32_t only)
{
    uint32_t failures = 0;
    for (size_t i = 0; i < count; i++)
        if (!only || only == i + 1)
            failures += !run_one(&scenarios[i]);
    return failures;
}

void bench_report(const char *bench, const char *metric, uint32_t value, const char *unit)
{
    yz_sim_event(SIM_VA, YZ_EVENT_BENCH, address(bench), address(metric), value, address(unit));
    kprintf("%-14s %-28s %10u %s\n", bench, metric, (unsigned)value, unit);
}
