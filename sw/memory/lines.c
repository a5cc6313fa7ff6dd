/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on lines and their MACs. */
#include "memory.h"

#define LINES 10u

static struct record line_failed(uint32_t subtree, uint32_t line)
{
    return (struct record){LINE_MAC, 0, data(subtree, line), false};
}

/* Lines 0 to 19 of A written once each and put away; the control: all of them verify. */
static bool prepared(uint32_t seed)
{
    return fresh(A, LINES, 1, seed) && put_away(A) && check(holds(A, LINES, 1, seed), "without an attack it fails") &&
           put_away(A);
}

/* threat: M01. */
static bool flip_line(uint32_t phase)
{
    (void)phase;
    static const uint32_t bits[] = {0, 127, 128, 300, 511};
    bool good = prepared(11);
    for (uint32_t i = 0; good && i < sizeof bits / sizeof bits[0]; i++) {
        flip(data(A, i), bits[i]);
        good = detected("one bit of a line flipped", A, i, line_failed(A, i));
        flip(data(A, i), bits[i]);
        good = good && recovered(A, LINES, 1, 11);
    }
    return good;
}

/* threat: M02. */
static bool flip_mac(uint32_t phase)
{
    (void)phase;
    static const uint32_t bits[] = {0, 31, 32, 63};
    bool good = prepared(12);
    for (uint32_t i = 0; good && i < sizeof bits / sizeof bits[0]; i++) {
        good = put_away(A);
        flip(mac(A, i), bits[i]);
        good = good && detected("one bit of a MAC flipped", A, i, line_failed(A, i)) && put_away(A);
        flip(mac(A, i), bits[i]);
        good = good && check(command(OP_MOUNT, A) == OK, "MOUNT was refused") && recovered(A, LINES, 1, 12);
    }
    return good;
}

/* threat: M05. The line as it was, with the MAC that it had. */
static bool replay_line(uint32_t phase)
{
    (void)phase;
    bool good = prepared(13);
    snapshot(0, data(A, 2), LINE);
    snapshot(1, mac(A, 2), 8);
    good = good && fill(A, LINES, 1, 14) && put_away(A) && check(holds(A, LINES, 1, 14), "without an attack it fails") &&
           put_away(A);
    snapshot(2, data(A, 2), LINE);
    snapshot(3, mac(A, 2), 8);
    replay(0);
    replay(1);
    good = good && detected("old line with its old MAC", A, 2, line_failed(A, 2)) && put_away(A);
    replay(2);
    replay(3);
    return good && check(command(OP_MOUNT, A) == OK, "MOUNT was refused") && recovered(A, LINES, 1, 14);
}

/* threat: M08. A line with its MAC at another place; all of them were written once, so their counters are equal. */
static bool splice_line(uint32_t phase)
{
    (void)phase;
    struct {
        uint32_t subtree, line;
    } const sources[] = {{A, 1}, {A, 64 * 3 + 2}, {A, 2048 * 5}, {B, 2}, {B, 77}};
    bool good = prepared(15) && fresh(B, 1, 1, 15);
    for (uint32_t i = 0; good && i < sizeof sources / sizeof sources[0]; i++) {
        uint32_t subtree = sources[i].subtree, line = sources[i].line;
        volatile uint32_t *to = (volatile uint32_t *)(uintptr_t)protected(data(subtree, line));
        for (uint32_t w = 0; line >= LINES && w < LINE / 4; w++)
            to[w] = content(15, 2);
        touch(protected(data(subtree, line)));
        good = put_away(A) && (subtree == A || (fill(B, 3, 1, 15) && put_away(B)));
        snapshot(0, data(A, 2), LINE);
        snapshot(1, mac(A, 2), 8);
        splice(data(subtree, line), data(A, 2), LINE);
        splice(mac(subtree, line), mac(A, 2), 8);
        good = good && detected("line and MAC from another place", A, 2, line_failed(A, 2)) && put_away(A);
        replay(0);
        replay(1);
        good = good && check(command(OP_MOUNT, A) == OK, "MOUNT was refused") && recovered(A, LINES, 1, 15) && put_away(A);
    }
    return good;
}

/* threat: M10. */
static bool spoof(uint32_t phase)
{
    (void)phase;
    bool good = prepared(16);
    snapshot(0, data(A, 0), LINES * LINE);
    snapshot(1, metadata(A), METADATA_PAGES * YZ_PAGE_BYTES);
    overwrite(data(A, 4), LINE, 0x3C);
    good = good && detected("invented line", A, 4, line_failed(A, 4)) && put_away(A);
    overwrite(data(A, 5), LINE, 0);
    overwrite(mac(A, 5), 8, 0);
    good = good && command(OP_MOUNT, A) == OK && command(OP_UNLOCK, A) == OK &&
           detected("line and MAC zero", A, 5, line_failed(A, 5)) && put_away(A);
    overwrite(metadata(A), METADATA_PAGES * YZ_PAGE_BYTES, 0);
    struct record top = {NODE_MAC, LEVELS, node(A, LEVELS, 0), false};
    good = good && command(OP_MOUNT, A) == OK && command(OP_UNLOCK, A) == OK &&
           detected("line and all metadata zero", A, 5, top) && put_away(A);
    replay(0);
    replay(1);
    return good && command(OP_MOUNT, A) == OK && recovered(A, LINES, 1, 16);
}

/* threat: M11. Whatever lies in DRAM where nothing was written, the reader gets zeros. */
static bool virgin(uint32_t phase)
{
    (void)phase;
    static const uint32_t lines[] = {0, 1, 63, 64, 2048, 65535};
    bool good = fresh(A, 0, 1, 0) && put_away(A);
    overwrite(metadata(A), METADATA_PAGES * YZ_PAGE_BYTES, 0xE7);
    for (uint32_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        uint32_t value = 1;
        overwrite(data(A, lines[i]), LINE, 0xE7);
        good = good && check(load(protected(data(A, lines[i])), &value) == 0 && value == 0, "an attacker's bytes were read");
    }
    *(volatile uint16_t *)(uintptr_t)protected(data(A, 64) + 6) = 0xBEEF;
    (void)sysinfo->id;
    uint32_t value = 0;
    good = good && check(load(protected(data(A, 64) + 4), &value) == 0 && value == 0xBEEF0000u, "a half does not come back") &&
           check(load(protected(data(A, 64) + 8), &value) == 0 && value == 0, "the rest of the line is not zero") &&
           check(take(&engine->failure).kind == NONE, "something was refused");
    note("0xE7 in 6 lines, their MACs and all nodes: read as zeros, and zeros stay around a first half word");
    return good;
}

/* threat: M20. A store of a word is a read, a check, and a write; the store itself was acknowledged long before. */
static bool store_into(uint32_t phase)
{
    (void)phase;
    bool good = prepared(17);
    uint32_t address = protected(data(A, 6));
    flip(data(A, 6), 100);
    uint32_t before[4];
    for (uint32_t b = 0; b < 4; b++)
        before[b] = word(data(A, 6) + 16 * b);
    uint32_t errors = sysinfo->write_errors;
    good = good && check(store(address, 0x600D600D) == 0, "a posted store trapped") &&
           check((sysinfo->write_error & SYSINFO__WRITE_ERROR__VALID_bm) != 0 && sysinfo->write_error_address == address &&
                     sysinfo->write_errors == errors + 1,
                 "the lost store is not recorded") &&
           check(interrupt_pending(), "no interrupt") &&
           recorded("store of a word into a changed line", line_failed(A, 6)) && check(is_locked(A), "the subtree is not locked") &&
           check(interrupt_pending(), "the record of the store asks for no interrupt");
    sysinfo->write_error = SYSINFO__WRITE_ERROR__VALID_bm;
    good = good && check(!interrupt_pending(), "the interrupt stays");
    for (uint32_t b = 0; b < 4; b++)
        good = good && check(word(data(A, 6) + 16 * b) == before[b], "the refused store reached DRAM");
    /* Whether the line is whole again with the bit put back depends on who read it; the others are. */
    good = good && check(command(OP_UNLOCK, A) == OK, "UNLOCK was refused") &&
           check(holds(A, 6, 1, 17), "a line that nobody touched is gone");
    note("the store is recorded as lost, DRAM has not changed, other lines are whole");
    return good && check(take(&engine->failure).kind == NONE, "something else was found broken");
}

/* threat: M43. */
static bool locked(uint32_t phase)
{
    (void)phase;
    bool good = fresh(B, LINES, 1, 19) && prepared(18);
    flip(data(A, 1), 77);
    good = good && detected("one bit of a line flipped", A, 1, line_failed(A, 1));
    flip(data(A, 1), 77);
    uint32_t value;
    for (uint32_t i = 0; good && i < 4; i++) {
        good = check(load(protected(data(A, 1 + i)), &value) == CAUSE_LOAD_ACCESS, "a locked subtree serves a load") &&
               check(holds(B, LINES, 1, 19), "another subtree does not live on") && put_away(B);
    }
    good = good && check(store_refused(protected(data(A, 3)), 1) && store_refused(protected(data(A, 3)) + 8, 1),
                         "a locked subtree takes a store");
    /* Unmounting does not open it. */
    good = good && put_away(A) && check(load(protected(data(A, 1)), &value) == CAUSE_LOAD_ACCESS, "unmounting opened it") &&
           check(command(OP_MOUNT, A) == OK && is_locked(A), "the lock is gone after MOUNT");
    note("closed also for lines that are whole, over an UNMOUNT, until UNLOCK; another subtree works all the while");
    return good && recovered(A, LINES, 1, 18);
}

const struct scenario line_scenarios[] = {
    {"bits of a line flipped", "M01", flip_line},
    {"bits of a MAC flipped", "M02", flip_mac},
    {"old line put back", "M05", replay_line},
    {"line from another place", "M08", splice_line},
    {"invented contents", "M10", spoof},
    {"contents where nothing was written", "M11", virgin},
    {"store into a changed line", "M20", store_into},
    {"locked subtree", "M43", locked},
    {0},
};
