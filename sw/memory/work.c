/* SPDX-License-Identifier: Apache-2.0 */
/* Work in protected memory, and what a probe on the bus sees of it. */
#include <kernels.h>
#include <kernels_expected.h>

#include "memory.h"

#define LCG(x) ((x) * 1664525u + 1013904223u)

static bool contents(uint32_t phase)
{
    (void)phase;
    uint32_t value = 1;
    if (!fresh(A, 64, 5, 1) || !check(holds(A, 64, 5, 1), "what was written does not come back"))
        return false;
    bool good = check(load(protected(data(A, 7)), &value) == 0 && value == 0, "a line never written is not zero") &&
                put_away(A) && check(holds(A, 64, 5, 1), "it does not come back after UNMOUNT");
    /* Bytes and halves, over the line and beside it. */
    volatile uint8_t *bytes = (volatile uint8_t *)(uintptr_t)protected(data(A, 2000));
    touch(protected(data(A, 2000)));
    for (uint32_t i = 0; i < 150; i += 3)
        bytes[i] = (uint8_t)(i * 7);
    good = good && put_away(A);
    for (uint32_t i = 0; i < 150; i++)
        good = good && check(bytes[i] == (i % 3 == 0 ? (uint8_t)(i * 7) : 0), "a byte is wrong");
    note("%u KiB and scattered bytes written, put away, read again; %u of %u leaves found in the cache", 64 * 5 * LINE / 1024,
         (unsigned)engine->counts.leaf_hit, (unsigned)(engine->counts.leaf_hit + engine->counts.leaf_miss));
    return good && check(engine->counts.failure == 0, "something was refused");
}

extern const char image_inside[], image_inside_end[];

/* The kernels linked into this program, and the same linked at subtree A (inside/). */
static uint32_t run_outside(uint32_t *cycles)
{
    uint32_t begin = (uint32_t)bare_cycles();
    uint32_t right = (kernel_list(KERNEL_SEED) == EXPECTED_LIST) + (kernel_crc(KERNEL_SEED) == EXPECTED_CRC) +
                     (kernel_sort(KERNEL_SEED) == EXPECTED_SORT);
    *cycles = (uint32_t)bare_cycles() - begin;
    return right;
}

/* Its pages, and those of its stack, may be in the cache. */
static void touch_inside(void)
{
    uint32_t bytes = (uint32_t)(image_inside_end - image_inside) + 2 * YZ_PAGE_BYTES;
    for (uint32_t at = 0; at < bytes; at += YZ_PAGE_BYTES)
        touch(protected(data(A, 0)) + at);
}

static uint32_t run_inside(uint32_t *cycles)
{
    uint32_t (*const entry)(void) = (uint32_t(*)(void))(uintptr_t)protected(data(A, 0));
    uint32_t begin = (uint32_t)bare_cycles();
    touch_inside();
    uint32_t right = entry();
    *cycles = (uint32_t)bare_cycles() - begin;
    return right;
}

static bool load_inside(void)
{
    bool good = fresh(A, 0, 1, 0);
    memcpy((void *)(uintptr_t)protected(data(A, 0)), image_inside, (size_t)(image_inside_end - image_inside));
    touch_inside();
    __asm__ volatile("fence.i" ::: "memory");
    return good && check((sysinfo->write_error & SYSINFO__WRITE_ERROR__VALID_bm) == 0, "the program was not stored");
}

static bool program(uint32_t phase)
{
    (void)phase;
    uint32_t outside = 0, inside = 0;
    bool good = check(run_outside(&outside) == 3, "the program is wrong in plain memory") && load_inside() &&
                check(run_inside(&inside) == 3, "the program in protected memory has wrong answers") && put_away(A) &&
                check(run_inside(&inside) == 3, "it has wrong answers after UNMOUNT");
    note("code, stack and data in protected memory: 3 kernels right, %u cycles; %u cycles in plain memory", (unsigned)inside,
         (unsigned)outside);
    return good;
}

/* threat: M01. */
static bool changed_program(uint32_t phase)
{
    (void)phase;
    uint32_t cycles;
    uint32_t entry = protected(data(A, 0));
    bool good = load_inside() && put_away(A);
    flip(data(A, 0), 12);
    good = good && check(fetch(entry) == CAUSE_FETCH_ACCESS, "the changed instruction was fetched") &&
           check(interrupt_pending(), "no interrupt") && recorded("code changed", (struct record){LINE_MAC, 0, data(A, 0), false}) &&
           check(is_locked(A), "the subtree is not locked");
    flip(data(A, 0), 12);
    good = good && check(command(OP_UNLOCK, A) == OK, "UNLOCK was refused") && check(run_inside(&cycles) == 3, "it does not run");
    note("fetch access fault; with the bit put back the program runs and its answers are right");
    return good;
}

static void write_pattern(uint32_t address, uint32_t seed, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++) {
        seed = LCG(seed);
        ((volatile uint32_t *)(uintptr_t)address)[i] = seed;
    }
    clean(address);
}

/* threat: M15. */
static bool ciphertext(uint32_t phase)
{
    (void)phase;
    static _Alignas(64) uint32_t plain[16];
    bool good = fresh(A, 0, 1, 0);
    write_pattern((uint32_t)(uintptr_t)plain, 0x1234, 8);
    write_pattern(protected(data(A, 3)), 0xABCD, 8);
    write_pattern(protected(data(A, 64 * 40)), 0xABCE, 8);
    good = good && put_away(A) && check(command(OP_FLUSH_ALL, 0) == OK, "FLUSH_ALL was refused");
    find_pattern(true, 0x1234, 8);
    find_pattern(false, 0xABCD, 8);
    find_pattern(false, 0xABCE, 8);
    memset(plain, 0, sizeof plain);
    /* The same words again and again: their image in DRAM is always another, in all of its words. */
    uint32_t images[8][4];
    for (uint32_t n = 0; n < 8; n++) {
        uint32_t line = n < 6 ? 9 : 9 + n; /* six times at one place, then at two others */
        volatile uint32_t *to = (volatile uint32_t *)(uintptr_t)protected(data(A, line));
        for (uint32_t w = 0; w < LINE / 4; w++)
            to[w] = 0x5A5A5A5Au;
        good = check(clean((uint32_t)(uintptr_t)to), "a line was refused") && good;
        for (uint32_t b = 0; b < 4; b++)
            images[n][b] = word(data(A, line) + 16 * b);
    }
    for (uint32_t i = 0; i < 32; i++) {
        good = good && check(images[i / 4][i % 4] != 0x5A5A5A5Au, "a word lies in DRAM as it is");
        for (uint32_t j = 0; j < i; j++)
            good = good && check(images[i / 4][i % 4] != images[j / 4][j % 4], "equal data gives equal ciphertext");
    }
    note("8 words in plain memory are found in DRAM, 2 x 8 in protected memory are not; 8 equal lines give 32 different blocks");
    return good;
}

const struct scenario work_scenarios[] = {
    {"contents of protected memory", NULL, contents},
    {"program runs from protected memory", NULL, program},
    {"changed code", "M01", changed_program},
    {"DRAM holds ciphertext", "M15", ciphertext},
    {0},
};
