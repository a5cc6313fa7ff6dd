/* SPDX-License-Identifier: Apache-2.0 */
/* What the harness is asked to do to DRAM. Lines that matter are cleaned before. */
#include "memory.h"

static void attack(enum yz_attack what, uint32_t a, uint32_t b, uint32_t c)
{
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_ATTACK, what, a, b, c);
}

void flip(uint32_t address, uint32_t bit)
{
    attack(YZ_ATTACK_FLIP, address, bit, 0);
}

void splice(uint32_t source, uint32_t destination, uint32_t bytes)
{
    attack(YZ_ATTACK_SPLICE, source, destination, bytes);
}

void snapshot(uint32_t slot, uint32_t address, uint32_t bytes)
{
    attack(YZ_ATTACK_SNAPSHOT, slot, address, bytes);
}

void replay(uint32_t slot)
{
    attack(YZ_ATTACK_REPLAY, slot, 0, 0);
}

void overwrite(uint32_t address, uint32_t bytes, uint32_t value)
{
    attack(YZ_ATTACK_FILL, address, bytes, value);
}

void break_dram(uint32_t address, uint32_t bytes)
{
    attack(YZ_ATTACK_FAULT, address, bytes, 0);
}

void find_pattern(bool present, uint32_t seed, uint32_t words)
{
    attack(present ? YZ_ATTACK_PRESENT : YZ_ATTACK_ABSENT, seed, words, 0);
}

void cut_power(uint32_t cycles, uint32_t old)
{
    kept->phase++;
    clean_page(KEPT_PAGE);
    attack(YZ_ATTACK_RESET, cycles, old == NO_SLOT ? 0 : old + 1, KEPT_PAGE);
}

_Noreturn void power_cycle(uint32_t old)
{
    cut_power(0, old);
    for (;;)
        __asm__ volatile("" ::: "memory");
}
