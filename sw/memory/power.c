/* SPDX-License-Identifier: Apache-2.0 */
/* Power cycles: keys are new, so nothing of before verifies, whatever lies in DRAM. */
#include "memory.h"

#define LINES 16u

static bool nothing_left(uint32_t seed)
{
    uint32_t value = 1;
    take(&engine->denied);
    bool good = check(load(protected(data(A, 0)), &value) == CAUSE_LOAD_ACCESS, "the old subtree is served") &&
                check(take(&engine->denied).kind == DENIED_NOT_ALLOCATED, "the old subtree is allocated") &&
                check(allocate(A, metadata(A) >> 12) == OK, "ALLOC was refused");
    for (uint32_t line = 0; line < LINES; line++)
        good = good && check(load(protected(data(A, line)), &value) == 0 && value == 0, "something of before was read");
    return good && fill(A, LINES, 1, seed) && put_away(A) && check(holds(A, LINES, 1, seed), "the new contents are not there") &&
           check(take(&engine->failure).kind == NONE, "something was found broken");
}

/* threat: M18, M34. The image of before the power cycle, whole and consistent, is in DRAM after it. */
static bool old_image(uint32_t phase)
{
    bool good = true;
    if (phase == 0) {
        good = fresh(A, LINES, 1, 71) && put_away(A) && check(command(OP_FLUSH_ALL, 0) == OK, "FLUSH_ALL was refused") &&
               check(holds(A, LINES, 1, 71), "without an attack it fails");
        for (uint32_t line = 0; line < LINES; line++)
            kept->words[line] = word(data(A, line));
        snapshot(0, 0, 0);
        if (good)
            power_cycle(0);
        return false;
    }
    for (uint32_t line = 0; line < LINES; line++)
        good = good && check(word(data(A, line)) == kept->words[line], "the old image is not there, so this proves nothing");
    /* The same words at the same places under the same counters: other keys give another ciphertext. */
    good = good && nothing_left(71);
    for (uint32_t line = 0; line < LINES; line++)
        good = good && check(word(data(A, line)) != kept->words[line], "the keys are those of before");
    note("old image in DRAM: not allocated, then zeros; the same contents have another ciphertext");
    return good;
}

/* threat: M33, M34. */
static bool power_cut(uint32_t phase)
{
    static const uint32_t cuts[] = {40, 333, 1200};
    bool good = phase == 0 || nothing_left(72 + phase);
    if (phase == sizeof cuts / sizeof cuts[0]) {
        note("power cut 40, 333 and 1200 cycles into stores and an UNMOUNT: nothing of before is served, new contents are");
        return good;
    }
    good = good && (phase != 0 ? fill(A, LINES, 64, 80) : fresh(A, LINES, 64, 80));
    if (!good)
        return false;
    cut_power(cuts[phase], NO_SLOT);
    fill(A, 2, 1, 81);
    command(OP_UNMOUNT, A);
    for (;;)
        __asm__ volatile("" ::: "memory");
}

const struct scenario power_scenarios[] = {
    {"old image after a power cycle", "M18,M34", old_image},
    {"power cut in the middle of work", "M33,M34", power_cut},
    {0},
};
