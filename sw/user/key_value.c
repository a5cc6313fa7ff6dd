/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key-value store: a chained hash table with its buckets and entries in mmap'ed memory.
 *
 * The mix is deterministic: 50% get, 40% set, 10% delete over KEYS keys. A second, plain array remembers what each key must
 * hold, so every answer is checked.
 */
#include "kernels.h"
#include "user.h"

#define KEYS 1024u
#define BUCKETS 256u
#define VALUE_WORDS 6u

struct entry {
    struct entry *next;
    uint32_t key;
    uint32_t value[VALUE_WORDS];
};

static struct entry **buckets;
static struct entry *entries, *free_entries;
static uint32_t entries_used;
static uint16_t *expected; /* per key: version last set, 0 none */

static struct entry **find(uint32_t key)
{
    struct entry **at = &buckets[key * 2654435761u >> 24];
    while (*at && (*at)->key != key)
        at = &(*at)->next;
    return at;
}

static struct entry *get_entry(void)
{
    struct entry *entry = free_entries;
    if (entry)
        free_entries = entry->next;
    else if (entries_used < KEYS)
        entry = &entries[entries_used++];
    return entry;
}

static int set(uint32_t key, uint32_t version)
{
    struct entry **at = find(key), *entry = *at;
    if (!entry) {
        entry = get_entry();
        if (!entry)
            return 0;
        entry->next = NULL;
        entry->key = key;
        *at = entry;
    }
    for (uint32_t i = 0; i < VALUE_WORDS; i++)
        entry->value[i] = version * 0x01000193u ^ key ^ i;
    return 1;
}

static int get(uint32_t key, uint32_t version)
{
    const struct entry *entry = *find(key);
    if (!version)
        return !entry;
    if (!entry)
        return 0;
    for (uint32_t i = 0; i < VALUE_WORDS; i++)
        if (entry->value[i] != (version * 0x01000193u ^ key ^ i))
            return 0;
    return 1;
}

static int delete(uint32_t key, uint32_t version)
{
    struct entry **at = find(key), *entry = *at;
    if (!entry)
        return !version;
    *at = entry->next;
    entry->next = free_entries;
    free_entries = entry;
    return version != 0;
}

int32_t key_value_store(uint32_t operations)
{
    buckets = user_mmap(BUCKETS * sizeof *buckets, 1);
    entries = user_mmap(KEYS * sizeof *entries, 0);
    expected = user_mmap(KEYS * sizeof *expected, 0);
    if (!buckets || !entries || !expected)
        return 1;
    uint32_t random = 12345;
    for (uint32_t n = 1; n <= operations; n++) {
        uint32_t draw = kernel_random(&random), key = draw % KEYS, kind = (draw >> 16) % 10;
        if (kind < 5) {
            if (!get(key, expected[key]))
                return 2;
        } else if (kind < 9) {
            if (!set(key, n & 0xFFFF))
                return 3;
            expected[key] = (uint16_t)(n & 0xFFFF);
        } else {
            if (!delete(key, expected[key]))
                return 4;
            expected[key] = 0;
        }
    }
    for (uint32_t key = 0; key < KEYS; key += 7)
        if (!get(key, expected[key]))
            return 5;
    return 0;
}
