/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks on the root table and the root tree. When they fail nothing can be mounted until reset, so each ends with a
 * power cycle: phase n makes attack n, and the machine that comes up after the last shows that all works again.
 */
#include "memory.h"

#define LINES 4u

static struct record root_failed(enum kind kind, uint32_t level, uint32_t address)
{
    return (struct record){kind, level, address, true};
}

/* Of A, the root table and the root tree nothing is on chip. The control, once: what is read then is right. */
static bool prepared(uint32_t seed, bool control)
{
    return fresh(A, LINES, 1, seed) && put_away_root() &&
           (!control || (check(holds(A, LINES, 1, seed), "without an attack it fails") && put_away_root()));
}

/* After a failure of the root tree: mounted subtrees work, nothing else is mounted. */
static bool others(void)
{
    return check(holds(B, 2, LEAF_LINES, 0xB), "a mounted subtree does not live on") &&
           check(command(OP_MOUNT, A) == RESULT_LOCKED, "the broken root tree mounts") &&
           check(allocate(C + 7, metadata(C + 7) >> 12) == RESULT_LOCKED, "the broken root tree allocates");
}

static bool alive(void)
{
    note("mounted subtrees lived on, nothing was mounted until reset; after it all works");
    return fresh(A, LINES, 1, 60) && put_away(A) && check(holds(A, LINES, 1, 60), "after the reset it does not work");
}

/* threat: M03, M04. */
static bool flip_root(uint32_t phase)
{
    struct {
        const char *what;
        uint32_t address, bit;
        struct record expected;
    } const cases[] = {
        {"root table entry changed", root_line(A) + 16 * (A % 4), 3, root_failed(LINE_MAC, 0, root_line(A))},
        {"MAC of the root table changed", root_mac(A), 17, root_failed(LINE_MAC, 0, root_line(A))},
        {"root tree leaf changed", root_node(1), 5, root_failed(NODE_MAC, 1, root_node(1))},
        {"root tree node changed", root_node(2), 64, root_failed(NODE_MAC, 2, root_node(2))},
        {"root tree top changed", root_node(3), 500, root_failed(NODE_MAC, 3, root_node(3))},
    };
    if (phase == sizeof cases / sizeof cases[0])
        return alive();
    bool good = prepared(61, phase == 0);
    flip(cases[phase].address, cases[phase].bit);
    good = good && detected(cases[phase].what, A, 0, cases[phase].expected) && others();
    if (good)
        power_cycle(NO_SLOT);
    return false;
}

/* threat: M06, M35. The subtree as it was, with its root entry, then more of the root tree, at last the whole image. */
static bool replay_root(uint32_t phase)
{
    static const struct {
        uint32_t first, last; /* bytes of the meta zone put back */
        enum kind kind;
        uint32_t level;
    } cases[] = {
        {0, ROOT_NODES, LINE_MAC, 0},
        {0, ROOT_NODES + LINE, NODE_MAC, 1},
        {0, ROOT_NODES + 2 * LINE, NODE_MAC, 2},
        {0, YZ_PAGE_BYTES, NODE_MAC, 3},
    };
    if (phase == sizeof cases / sizeof cases[0])
        return alive();
    bool good = prepared(62, false);
    snapshot(0, data(A, 0), LINES * LINE);
    snapshot(1, metadata(A), METADATA_PAGES * YZ_PAGE_BYTES);
    snapshot(2, META_ZONE + cases[phase].first, cases[phase].last - cases[phase].first);
    good = good && fill(A, LINES, 1, 63) && put_away_root();
    if (phase == 0)
        good = good && check(holds(A, LINES, 1, 63), "without an attack it fails") && put_away_root();
    for (uint32_t slot = 0; slot < 3; slot++)
        replay(slot);
    uint32_t level = cases[phase].level;
    uint32_t address = level != 0 ? root_node(level) : root_line(A);
    good = good && detected("old subtree with its root entry and more", A, 0, root_failed(cases[phase].kind, level, address)) &&
           others();
    if (good)
        power_cycle(NO_SLOT);
    return false;
}

const struct scenario root_scenarios[] = {
    {"root table and root tree changed", "M03,M04", flip_root},
    {"old image put back, up to all of it", "M06,M35", replay_root},
    {0},
};
