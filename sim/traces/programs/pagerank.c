/* SPDX-License-Identifier: Apache-2.0 */
/* A graph kernel: PageRank by pulling over a random graph of 262,144 vertices and 2,097,152 edges (CSR), targets with a
 * skew towards low numbers, so that some vertices are much wanted and most are not. The argument is the number of
 * rounds (default 2). Building the graph takes about 150 M instructions, a round about 40 M. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { VERTICES = 262144, EDGES = 2097152 };

static uint32_t first[VERTICES + 1], source[EDGES], degree[VERTICES], from[EDGES], to[EDGES];
static double rank[VERTICES], share[VERTICES];

static uint32_t random32(void) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

/* The smaller of two draws: twice as likely at the bottom, never at the top. */
static uint32_t vertex(void) {
    uint32_t a = random32() % VERTICES, b = random32() % VERTICES;
    return a < b ? a : b;
}

int main(int argc, char **argv) {
    long rounds = argc > 1 ? atol(argv[1]) : 2;
    for (uint32_t e = 0; e < EDGES; e++) {
        from[e] = vertex();
        to[e] = random32() % VERTICES;
        degree[from[e]]++;
        first[to[e] + 1]++;
    }
    for (uint32_t v = 0; v < VERTICES; v++) {
        first[v + 1] += first[v];
        rank[v] = 1.0 / VERTICES;
    }
    for (uint32_t e = 0; e < EDGES; e++) {
        source[first[to[e]]++] = from[e];
    }
    for (uint32_t v = VERTICES; v > 0; v--) {
        first[v] = first[v - 1];
    }
    first[0] = 0;
    for (long round = 0; round < rounds; round++) {
        for (uint32_t v = 0; v < VERTICES; v++) {
            share[v] = degree[v] ? rank[v] / degree[v] : 0;
        }
        for (uint32_t v = 0; v < VERTICES; v++) {
            double sum = 0;
            for (uint32_t e = first[v]; e < first[v + 1]; e++) {
                sum += share[source[e]];
            }
            rank[v] = 0.15 / VERTICES + 0.85 * sum;
        }
    }
    printf("%.9f\n", rank[0] * VERTICES);
    return 0;
}
