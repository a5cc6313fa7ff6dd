/* SPDX-License-Identifier: Apache-2.0 */
/* A write-back cache between program and engine: code that changes, and pages that change from one window to the other. */
#include <yz_llc.h>

#include "memory.h"

#define LINES 8u
#define PAGE YZ_PAGE_BYTES
#define RETURN 0x00008067u
#define RETURNS(value) (0x00000513u | (uint32_t)(value) << 20) /* addi a0, zero, value */

static volatile uint32_t *words_at(uint32_t address)
{
    return (volatile uint32_t *)(uintptr_t)address;
}

static uint32_t run(uint32_t address)
{
    __asm__ volatile("fence.i" ::: "memory");
    return ((uint32_t(*)(void))(uintptr_t)address)();
}

/* A function that returns its round, written over the one of the round before, in the middle and at the end of lines; and
 * a whole line of it, which the hart's stores fill word by word. No operation of the cache is needed for any of it. */
static bool rewritten(uint32_t base)
{
    static const uint32_t places[] = {0, 8, 36, 60, 64 + 12, 252};
    bool good = true;
    for (uint32_t round = 1; round <= 12; round++) {
        for (uint32_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            volatile uint32_t *code = words_at(base + places[i]);
            code[0] = RETURNS(round * 8 + i);
            code[1] = RETURN;
            good = good && check(run(base + places[i]) == round * 8 + i, "an old instruction was executed");
        }
        volatile uint32_t *code = words_at(base + 512);
        for (uint32_t w = 0; w < LINE / 4; w++)
            code[w] = w == LINE / 4 - 1 ? RETURN : RETURNS(round * 16 + w);
        good = good && check(run(base + 512) == round * 16 + LINE / 4 - 2, "an old line was executed");
        /* The newest instructions have never been in memory; now they come from there. */
        if (round % 4 == 0)
            put_out(base + 512);
        good = good && check(run(base + 512) == round * 16 + LINE / 4 - 2, "an old line came back from memory");
    }
    return good;
}

static bool modified_code(uint32_t phase)
{
    (void)phase;
    bool good = rewritten(data(C + 3, 0)) && fresh(A, 0, 1, 0) && rewritten(protected(data(A, 0)));
    touch(protected(data(A, 0)));
    note("168 functions written over others and called, in plain and in protected memory, without cleaning anything");
    return good && put_away(A);
}

/* What the monitor does: the old window's lines are dropped, and the page is written whole before it is read. */
static bool convert(uint32_t page)
{
    bool good = check(llc_operate(LLC_DISCARD, LLC_PAGE, 0, page) == LLC_DONE, "DISCARD was refused");
    for (uint32_t w = 0; w < PAGE / 4; w++)
        words_at(protected(page))[w] = 0;
    touch(protected(page));
    return good && check((sysinfo->write_error & SYSINFO__WRITE_ERROR__VALID_bm) == 0, "a store was refused");
}

static bool convert_back(uint32_t page)
{
    bool good = check(llc_operate(LLC_DISCARD, LLC_PAGE, 0, protected(page)) == LLC_DONE, "DISCARD was refused");
    for (uint32_t w = 0; w < PAGE / 4; w++)
        words_at(page)[w] = 0;
    return good && check(llc_operate(LLC_CLEAN, LLC_PAGE, 0, page) == LLC_DONE, "CLEAN was refused");
}

static bool is_zero(uint32_t address)
{
    uint32_t all = 0;
    for (uint32_t w = 0; w < PAGE / 4; w++)
        all |= words_at(address)[w];
    return all == 0;
}

/* threat: C14. Host, enclave, host, enclave: each finds zeros, whatever the one before left in the cache or in DRAM. */
static bool conversion(uint32_t phase)
{
    (void)phase;
    if (!llc_present())
        return note("this machine has line buffers"), true;
    uint32_t page = data(A, 0), value = 0;
    bool good = fresh(A, 0, 1, 0);
    for (uint32_t life = 1; good && life <= 4; life++) {
        /* The host's life: dirty lines, some of them in memory. */
        for (uint32_t line = 0; line < 64; line++)
            words_at(page + line * LINE)[5] = content(life, line);
        if (life % 2 == 0)
            good = check(llc_operate(LLC_CLEAN, LLC_PAGE, 0, page) == LLC_DONE, "CLEAN was refused");
        good = good && convert(page) && check(is_zero(protected(page)), "the host's data are seen in the protected window");
        /* The enclave's: both windows of a page are different lines, so a look at one never shows the other. */
        for (uint32_t line = 0; line < 64; line++)
            words_at(protected(page) + line * LINE)[0] = 0x5EC0E700u + life;
        if (life % 2 == 1)
            good = good && check(llc_operate(LLC_CLEAN, LLC_PAGE, 0, protected(page)) == LLC_DONE, "CLEAN was refused");
        for (uint32_t line = 0; line < 64; line++)
            good = good && check(words_at(page + line * LINE)[0] != 0x5EC0E700u + life, "a secret is seen in the raw window");
        for (uint32_t line = 0; line < 64; line++)
            good = good && check(words_at(protected(page) + line * LINE)[0] == 0x5EC0E700u + life, "a secret is lost");
        good = good && convert_back(page) && check(is_zero(page), "something is left of the enclave");
        for (uint32_t line = 0; line < 64; line += 9)
            good = good && check(word(page + line * LINE) == 0, "DRAM still has something of the enclave");
    }
    good = good && convert(page) && put_away(A) && check(load(protected(page), &value) == 0 && value == 0, "zeros do not verify") &&
           check(take(&engine->failure).kind == NONE, "something was found broken");
    note("a page went four times from the host to an enclave and back, dirty and clean: zeros at every start, no word of the other");
    return good;
}

/* threat: C14, M10. The host keeps a dirty raw line over the conversion: one day it goes to DRAM, over the ciphertext. */
static bool left_behind(uint32_t phase)
{
    (void)phase;
    if (!llc_present())
        return note("this machine has line buffers"), true;
    uint32_t page = data(A, 0), value = 0;
    bool good = fresh(A, LINES, 1, 90) && put_away(A) && check(holds(A, LINES, 1, 90), "without an attack it fails") && put_away(A);
    words_at(page + 3 * LINE)[7] = 0xBAD0BAD0u; /* a conversion that forgets DISCARD */
    good = good && check(load(protected(page) + 3 * LINE + 28, &value) == 0 && value == content(90, 3),
                         "the host's store is seen through the other window") && put_away(A);
    good = good && check(llc_operate(LLC_FLUSH, LLC_LINE, 0, page + 3 * LINE) == LLC_DONE, "FLUSH was refused") &&
           detected("dirty line of the raw window left behind", A, 3, (struct record){LINE_MAC, 0, page + 3 * LINE, false}) &&
           check(command(OP_UNLOCK, A) == OK, "UNLOCK was refused");
    /* Written whole it is usable again, as the monitor's conversion writes every page. */
    good = good && convert(page) && put_away(A) && check(load(protected(page) + 3 * LINE, &value) == 0 && value == 0,
                                                         "an overwritten page does not verify");
    note("a store of before never shows in the other window, and when its line is written back the engine finds it");
    return good && check(take(&engine->failure).kind == NONE, "something else was found broken");
}

const struct scenario window_scenarios[] = {
    {"code that changes", NULL, modified_code},
    {"page changes windows", "C14", conversion},
    {"dirty line left behind by a conversion", "C14,M10", left_behind},
    {0},
};
