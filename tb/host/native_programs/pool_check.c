/* SPDX-License-Identifier: Apache-2.0 */
/* The page allocator against a table of reference counts. Arguments: seed, steps, pages. Ends with 1 at the first difference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

#define BASE 0x80500000u
#define PAGE 4096u

static unsigned count[1024];
static unsigned pages;

static int fail(const char *what, unsigned page)
{
    fprintf(stderr, "%s, page %u\n", what, page);
    return 1;
}

static unsigned free_pages(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < pages; i++)
        n += !count[i];
    return n;
}

static int run_exists(unsigned length)
{
    for (unsigned i = 0, n = 0; i < pages; i++) {
        n = count[i] ? 0 : n + 1;
        if (n == length)
            return 1;
    }
    return 0;
}

static int take(unsigned length)
{
    unsigned pa = pool_take_run(length);
    if (!pa)
        return run_exists(length) ? fail("no run was found", length) : 0;
    unsigned first = (pa - BASE) / PAGE;
    if (pa < BASE || pa % PAGE || first + length > pages)
        return fail("a run leaves the pool", first);
    for (unsigned i = first; i < first + length; i++) {
        if (count[i])
            return fail("a page in use was given out", i);
        count[i] = 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    srandom((unsigned)strtoul(argv[1], NULL, 0));
    long steps = strtol(argv[2], NULL, 0);
    pages = (unsigned)strtoul(argv[3], NULL, 0);
    pool_init(BASE, BASE + pages * PAGE);
    for (long n = 0; n < steps; n++) {
        unsigned page = (unsigned)random() % pages, pa = BASE + page * PAGE;
        int bad = 0;
        switch (random() % 8) {
        case 0:
            bad = take(2 + (unsigned)random() % 4);
            break;
        case 1:
        case 2:
            bad = take(1);
            break;
        case 3:
            if (count[page] && count[page] < 200) {
                pool_share(pa);
                count[page]++;
            }
            break;
        case 4:
            pool_drop(random() % 2 ? BASE - PAGE : BASE + pages * PAGE); /* outside: nothing happens */
            break;
        default:
            pool_drop(pa); /* of a free page: nothing happens */
            if (count[page])
                count[page]--;
        }
        if (bad)
            return 1;
        if (pool_references(pa) != count[page])
            return fail("wrong count", page);
        if (pool_free_pages() != free_pages())
            return fail("wrong number of free pages", pool_free_pages());
    }
    if (pool_take_run(0) || pool_take_run(pages + 1) || pool_references(BASE - PAGE) || pool_references(BASE + pages * PAGE))
        return fail("something outside the pool", 0);
    printf("good\n");
    return 0;
}
