/* SPDX-License-Identifier: Apache-2.0 */
/* An in-memory key-value store under load: an open hash table of 65,536 entries, values of 64 to 1024 bytes on the heap.
 * Loaded once, then OPERATIONS requests (argument, default 40,000), 5 % of them writes of a new size, keys with the
 * skew of Zipf (exponent 0.99). Each request formats and hashes its key as text, as a server does, and copies the value
 * out and sums it, as one that sends it would. Loading is about 118 M instructions. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 65536, BUCKETS = 65536 };

struct entry {
    struct entry *next;
    char key[24];
    uint32_t size;
    uint8_t *value;
};

static struct entry *buckets[BUCKETS];
static double cumulative[KEYS];
static uint64_t state = 88172645463325252u;

static uint64_t random64(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t hash(const char *key) {
    uint64_t h = 14695981039346656037u;
    for (; *key; key++) {
        h = (h ^ (uint8_t)*key) * 1099511628211u;
    }
    return h ^ h >> 29;
}

static struct entry *find(const char *key) {
    struct entry *e = buckets[hash(key) % BUCKETS];
    while (e && strcmp(e->key, key) != 0) {
        e = e->next;
    }
    return e;
}

static void set(const char *key, uint32_t size) {
    struct entry *e = find(key);
    if (!e) {
        struct entry **bucket = &buckets[hash(key) % BUCKETS];
        e = calloc(1, sizeof *e);
        strcpy(e->key, key);
        e->next = *bucket;
        *bucket = e;
    }
    free(e->value);
    e->size = size;
    e->value = malloc(size);
    memset(e->value, (int)size, size);
}

static uint32_t zipf(void) {
    double wanted = (double)(random64() >> 11) / 9007199254740992.0 * cumulative[KEYS - 1];
    uint32_t low = 0, high = KEYS - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (cumulative[middle] < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (uint32_t)(low * 2654435761u) % KEYS; /* popular keys lie anywhere */
}

int main(int argc, char **argv) {
    long operations = argc > 1 ? atol(argv[1]) : 40000;
    uint8_t reply[1024];
    uint64_t sum = 0;
    double total = 0;
    for (int i = 0; i < KEYS; i++) {
        cumulative[i] = total += 1.0 / pow(i + 1, 0.99);
    }
    for (int i = 0; i < KEYS; i++) {
        char key[24];
        snprintf(key, sizeof key, "user:%08x", i);
        set(key, 64 + random64() % 961);
    }
    for (long i = 0; i < operations; i++) {
        char key[24];
        snprintf(key, sizeof key, "user:%08x", zipf());
        if (random64() % 20 == 0) {
            set(key, 64 + random64() % 961);
        } else {
            const struct entry *e = find(key);
            memcpy(reply, e->value, e->size);
            for (uint32_t j = 0; j < e->size; j++) {
                sum += reply[j];
            }
        }
    }
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
