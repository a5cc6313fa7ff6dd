/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"
const struct scenario attack_scenarios[] = {{"x", "W01", NULL}};
const size_t attack_scenario_count = 0;
