/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios: named pieces of a run that check themselves and tell the harness (events of yz/abi.h).
 *
 * A scenario passes when none of its expectations failed. Its detail is the first failure, or what it says about itself
 * with detail(). It must leave the machine as the next one needs it: every process reaped, every enclave gone.
 */
#ifndef YZ_HOST_SCENARIO_H
#define YZ_HOST_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scenario {
    const char *name;
    const char *threats; /* "W01,W05", or NULL: a functional one */
    void (*run)(void);
};

/* Run those of a table, or only number `only` (counted from 1); returns how many failed. */
uint32_t scenarios_run(const struct scenario *scenarios, size_t count, uint32_t only);

/* When `good` is false the scenario has failed; the first text stays as its detail. Returns `good`. */
__attribute__((format(printf, 2, 3))) bool expect(bool good, const char *format, ...);

/* What the scenario found, for its report. */
__attribute__((format(printf, 1, 2))) void detail(const char *format, ...);

/* A measured value for the bench report. The strings are constants. */
void bench_report(const char *bench, const char *metric, uint32_t value, const char *unit);

/* The early attacks run without paging: number 0 before the monitor is initialised, number 1 after it. */
extern const struct scenario demo_scenarios[], attack_early_scenarios[2], attack_scenarios[], tamper_scenarios[];
extern const size_t demo_scenario_count, attack_scenario_count, tamper_scenario_count;
void bench_run(uint32_t only);

#endif
