/* SPDX-License-Identifier: Apache-2.0 */
/* A pointer chase over 32 MiB: 524,288 records of one 64-byte line each, linked into one random cycle, so that nearly
 * every hop leaves every cache. The work of a hop is to hash the record's 56 bytes of content byte by byte (FNV-1a), as
 * a program does that looks at what it visits: about 350 instructions a hop. The argument is the number of hops
 * (default 60,000); building the list takes about 18 M instructions before that. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORDS = 524288 };

struct record {
    uint8_t content[56];
    uint32_t next, pad;
};

static struct record records[RECORDS] __attribute__((aligned(64)));
static uint32_t order[RECORDS];

static uint32_t random32(void) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

int main(int argc, char **argv) {
    long hops = argc > 1 ? atol(argv[1]) : 60000;
    for (uint32_t i = 0; i < RECORDS; i++) {
        order[i] = i;
        records[i].content[0] = (uint8_t)i;
    }
    for (uint32_t i = RECORDS - 1; i > 0; i--) {
        uint32_t j = random32() % (i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (uint32_t i = 0; i < RECORDS; i++) {
        records[order[i]].next = order[(i + 1) % RECORDS];
    }
    uint64_t sum = 0;
    uint32_t at = 0;
    for (long i = 0; i < hops; i++) {
        uint64_t h = 14695981039346656037u;
        for (int j = 0; j < 56; j++) {
            h = (h ^ records[at].content[j]) * 1099511628211u;
        }
        sum ^= h;
        at = records[at].next;
    }
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
