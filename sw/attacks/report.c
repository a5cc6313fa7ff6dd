/* SPDX-License-Identifier: Apache-2.0 */
/* Judging accesses, and running the scenarios. */
#include <yz/sim_device.h>

#include "attack.h"

#define ECALL 0x00000073u

static char detail[512];
static bool failed;
static unsigned refusals; /* in this scenario; the first is described, all are counted */
static const char *const rules[] = {"none", "HOST_AREA", "HOST_LEAF", "ENCLAVE_AREA", "RESET_DENY"};
static const char *const ops[OP_COUNT] = {
    "load", "byte load", "lr", "store", "byte store", "half store", "sc", "amo", "fetch", "lr/sc",
    "squashed load", "squashed load", "squashed load",
};
static const char *const modes[] = {"S", "U", "M with MPRV as S", "M with MPRV as U", "M"};

void note(const char *text)
{
    size_t used = strlen(detail);
    yz_snprintf(detail + used, sizeof detail - used, "%s%s", used ? "; " : "", text);
}

bool check(bool holds, const char *what)
{
    if (!holds && !failed) {
        failed = true;
        detail[0] = 0;
        note("FAILED");
        note(what);
    }
    return holds;
}

static bool check_outcome(bool holds, const char *what, const struct access *a, const struct outcome *o)
{
    if (!holds && !failed) {
        char text[240];
        uint32_t status = guard->fault_status;
        check(false, what);
        yz_snprintf(text, sizeof text,
                    "%s in %s at 0x%08x: cause %u, tval 0x%08x, pc 0x%08x, value 0x%08x, "
                    "guard status 0x%03x pte 0x%08x page 0x%x",
                    ops[a->op], modes[a->mode], (unsigned)a->va, (unsigned)o->cause, (unsigned)o->tval,
                    (unsigned)o->pc, (unsigned)o->value, (unsigned)status, (unsigned)guard->fault_address_lo,
                    (unsigned)guard->fault_page_lo);
        note(text);
    }
    return holds;
}

static uint32_t rule_count(enum rule rule)
{
    switch (rule) {
    case RULE_HOST_AREA:
        return guard->count_host_area;
    case RULE_HOST_LEAF:
        return guard->count_host_leaf;
    case RULE_ENCLAVE_AREA:
        return guard->count_enclave_area;
    case RULE_RESET_DENY:
        return guard->count_reset_deny;
    default:
        return 0;
    }
}

static bool record_is(const struct refusal *r)
{
    uint32_t status = guard->fault_status;
    if (r->rule == RULE_NONE)
        return !(status & GPT__FAULT_STATUS__VALID_bm);
    uint32_t expected = GPT__FAULT_STATUS__VALID_bm | (guard->world ? GPT__FAULT_STATUS__WORLD_bm : 0u) |
                        (r->rule == RULE_HOST_LEAF ? GPT__FAULT_STATUS__LEAF_bm : 0u) |
                        r->level << GPT__FAULT_STATUS__LEVEL_bp | (uint32_t)r->rule << GPT__FAULT_STATUS__RULE_bp;
    return status == expected && guard->fault_address_lo == (uint32_t)r->pte &&
           guard->fault_address_hi == (uint32_t)(r->pte >> 32) && guard->fault_page_lo == (uint32_t)r->ppn &&
           guard->fault_page_hi == (uint32_t)(r->ppn >> 32);
}

bool refused(struct access a, struct refusal expected)
{
    char text[160];
    uint32_t word = *at(a.pa);
    for (int again = 0; again < 2; again++) {
        guard_clear();
        uint32_t before = rule_count(expected.rule);
        struct outcome o = make_access(&a);
        bool good = check_outcome(o.cause == expected.cause, "wrong cause", &a, &o) &&
                    check_outcome(o.tval == a.va, "wrong mtval", &a, &o) &&
                    check_outcome(record_is(&expected), "wrong fault record", &a, &o) &&
                    check_outcome(expected.rule == RULE_NONE || rule_count(expected.rule) > before, "not counted", &a,
                                  &o) &&
                    check_outcome(a.op == FETCH || o.value == a.va, "a register changed", &a, &o) &&
                    check_outcome(*at(a.pa) == word, "the word changed", &a, &o);
        if (!good)
            return false;
    }
    guard_clear();
    if (expected.rule == RULE_NONE)
        yz_snprintf(text, sizeof text, "%s refused: cause %u at 0x%08x, not by the guard", ops[a.op],
                    (unsigned)expected.cause, (unsigned)a.va);
    else
        yz_snprintf(text, sizeof text, "%s refused: cause %u at 0x%08x, guard rule %s level %u pte 0x%x%08x", ops[a.op],
                    (unsigned)expected.cause, (unsigned)a.va, rules[expected.rule], (unsigned)expected.level,
                    (unsigned)(expected.pte >> 32), (unsigned)expected.pte);
    if (!failed && refusals++ == 0)
        note(text);
    return true;
}

bool allowed(struct access a)
{
    uint32_t word = *at(a.pa);
    if (a.op == FETCH) {
        *at(a.pa) = ECALL;
        flush();
    }
    guard_clear();
    struct outcome o = make_access(&a);
    bool good = check_outcome(is_done(&o, &a), "not allowed", &a, &o) &&
                check_outcome(!(guard->fault_status & GPT__FAULT_STATUS__VALID_bm), "a fault was recorded", &a, &o);
    uint32_t after = *at(a.pa);
    *at(a.pa) = word;
    switch (a.op) {
    case LOAD:
    case LOAD_RESERVED:
    case AMO:
        good = good && check_outcome(o.value == word, "wrong word read", &a, &o);
        break;
    case LOAD_BYTE:
        good = good && check_outcome(o.value == (uint32_t)(int32_t)(int8_t)word, "wrong byte read", &a, &o);
        break;
    default:
        break;
    }
    if (a.op == LR_SC)
        good = good && check_outcome(o.value == 0, "sc failed", &a, &o);
    if (a.op == STORE || a.op == AMO || a.op == LR_SC)
        good = good && check_outcome(after == ~word, "not written", &a, &o);
    if (a.op == STORE_BYTE)
        good = good && check_outcome(after == (word ^ 0xFFu), "byte not written", &a, &o);
    if (a.op == STORE_HALF)
        good = good && check_outcome(after == (word ^ 0xFFFFu), "half not written", &a, &o);
    return good;
}

static int run_all(const struct scenario *s)
{
    int failures = 0;
    for (; s->name; s++) {
        detail[0] = 0;
        failed = false;
        refusals = 0;
        yz_sim_event(YZ_SIM_BASE, YZ_EVENT_SCENARIO_BEGIN, (uint32_t)(uintptr_t)s->name, 1,
                     (uint32_t)(uintptr_t)s->threats, 0);
        bool passed = s->run() && !failed;
        if (passed && refusals > 1) {
            char text[32];
            yz_snprintf(text, sizeof text, "%u accesses refused", refusals);
            note(text);
        }
        if (!passed)
            failures++;
        yz_sim_event(YZ_SIM_BASE, YZ_EVENT_SCENARIO_END, passed, (uint32_t)(uintptr_t)detail, 0, 0);
    }
    return failures;
}

extern void attack_trap(void);

int main(void)
{
    CSR_WRITE(mscratch, 0);
    CSR_WRITE(mtvec, (uint32_t)(uintptr_t)attack_trap);
    if (!open_secure())
        return 2;
    int failures = run_all(mode_scenarios); /* first: they begin with the guard as reset leaves it */
    failures += run_all(table_scenarios);
    failures += run_all(leaf_scenarios);
    failures += run_all(stale_scenarios);
    failures += run_all(lock_scenarios); /* last: a lock holds until reset */
    return failures != 0;
}
