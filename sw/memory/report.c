/* SPDX-License-Identifier: Apache-2.0 */
/* Judging what the engine made of an attack, and running the scenarios, over power cycles too. */
#include <yz_llc.h>

#include "memory.h"

#define MAGIC 0x54504B59u
#define CSR_WRITE(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"(value) : "memory")

static const char *const kinds[] = {"nothing", "LINE_MAC", "NODE_MAC", "MEMORY_ERROR", "EXHAUSTED"};

void note(const char *format, ...)
{
    size_t used = strlen(kept->text);
    if (used != 0 && used + 2 < sizeof kept->text) {
        memcpy(kept->text + used, "; ", 3);
        used += 2;
    }
    va_list arguments;
    va_start(arguments, format);
    yz_vsnprintf(kept->text + used, sizeof kept->text - used, format, arguments);
    va_end(arguments);
}

bool check(bool holds, const char *what)
{
    if (!holds && !kept->failed) {
        kept->failed = 1;
        kept->text[0] = 0;
        note("FAILED: %s", what);
    }
    return holds;
}

static bool same(struct record a, struct record b)
{
    return a.kind == b.kind && a.level == b.level && a.address == b.address && a.root == b.root;
}

bool recorded(const char *attack, struct record expected)
{
    struct record found = take(&engine->failure);
    bool good = same(found, expected);
    if (!good && !kept->failed) {
        check(false, attack);
        note("recorded: %s, level %u, address 0x%08x, root %u; expected %s, %u, 0x%08x, %u",
             kinds[found.kind % 5], (unsigned)found.level, (unsigned)found.address, (unsigned)found.root,
             kinds[expected.kind % 5], (unsigned)expected.level, (unsigned)expected.address, (unsigned)expected.root);
    }
    if (good && !kept->failed && kept->detections++ == 0)
        note("%s: load access fault, record %s level %u address 0x%08x%s, interrupt, subtree locked", attack,
             kinds[found.kind], (unsigned)found.level, (unsigned)found.address, found.root ? " in the root tree" : "");
    return good;
}

static bool refused(uint32_t address, const char *what)
{
    uint32_t value, cause = load(address, &value);
    if (cause != CAUSE_LOAD_ACCESS || value != address) {
        check(false, what);
        note("load from 0x%08x: cause %u, register 0x%08x", (unsigned)address, (unsigned)cause, (unsigned)value);
        return false;
    }
    return true;
}

bool detected(const char *attack, uint32_t subtree, uint32_t line, struct record expected)
{
    uint32_t address = protected(data(subtree, line));
    take(&engine->denied);
    bool good = refused(address, attack) && check(interrupt_pending(), "no interrupt") &&
                check(wait_for_interrupt() == CAUSE_INTERRUPT_EXTERNAL, "the interrupt is not taken") &&
                recorded(attack, expected) && check(!interrupt_pending(), "the interrupt stays");
    /* From now on nothing of the subtree is served, whole or not. When the root tree is broken nothing is mounted. */
    return good && check(expected.root || is_locked(subtree), "the subtree is not locked") &&
           refused(address, "served after the failure") && refused(address + LINE, "a neighbour is served after the failure") &&
           check(take(&engine->denied).kind == DENIED_LOCKED, "the refusal is not recorded as LOCKED");
}

bool recovered(uint32_t subtree, uint32_t lines, uint32_t step, uint32_t seed)
{
    return check(command(OP_UNLOCK, subtree) == OK, "UNLOCK was refused") &&
           check(holds(subtree, lines, step, seed), "with the attack undone the contents are not there") &&
           check(take(&engine->failure).kind == NONE, "with the attack undone something fails");
}

static const struct scenario *find(uint32_t number)
{
    static const struct scenario *const tables[] = {work_scenarios,    line_scenarios, node_scenarios,
                                                    command_scenarios, root_scenarios, power_scenarios,
                                                    window_scenarios,  lock_scenarios};
    uint32_t count = sizeof tables / sizeof tables[0] - !llc_present(); /* the last need the cache */
    for (uint32_t table = 0; table < count; table++) {
        for (const struct scenario *s = tables[table]; s->name; s++, number--)
            if (number == 0)
                return s;
    }
    return NULL;
}

static void begin(const struct scenario *s)
{
    kept->text[0] = 0;
    kept->failed = kept->detections = 0;
    take(&engine->failure);
    take(&engine->denied);
    sysinfo->write_error = SYSINFO__WRITE_ERROR__VALID_bm;
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_SCENARIO_BEGIN, (uint32_t)(uintptr_t)s->name, s->threats != NULL,
                 (uint32_t)(uintptr_t)s->threats, 0);
}

static void end(bool passed)
{
    if (passed && kept->detections > 1)
        note("%u attacks detected", (unsigned)kept->detections);
    kept->failures += !passed;
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_SCENARIO_END, passed, (uint32_t)(uintptr_t)kept->text, 0, 0);
}

extern void attack_trap(void);

int main(void)
{
    CSR_WRITE(mscratch, 0);
    CSR_WRITE(mtvec, (uint32_t)(uintptr_t)attack_trap);
    if (kept->magic != MAGIC) {
        memset(kept, 0, sizeof *kept);
        kept->magic = MAGIC;
    }
    bool started = engine_start();
    for (const struct scenario *s; (s = find(kept->scenario)) != NULL; kept->scenario++, kept->phase = 0) {
        if (kept->phase == 0)
            begin(s);
        bool passed = check(started, "the memory engine does not start, or is not the one of the preset paper") &&
                      s->run(kept->phase) && !kept->failed;
        end(passed);
    }
    return kept->failures != 0;
}
