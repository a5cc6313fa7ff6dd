/* SPDX-License-Identifier: Apache-2.0 */
/* A graph kernel: PageRank by pulling over a random graph of 65,536 vertices and 1,048,576 edges (CSR). Sources follow a
 * power law, as in graphs of people or pages: half of all edges come from an eighth of the vertices, which lie together as
 * after the usual sorting by degree. The argument is the number of rounds (default 2). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { VERTICES = 65536, EDGES = 1048576 };

static uint32_t first[VERTICES + 1], source[EDGES], degree[VERTICES], from[EDGES], to[EDGES];
static double rank[VERTICES], share[VERTICES];

static uint32_t random32(void) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

/* The cube of a uniform draw from 0 to 1, over all vertices. */
static uint32_t vertex(void) {
    uint64_t u = random32();
    return (uint32_t)((u * u >> 32) * u >> 32 >> 16);
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
