/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels.h"

uint32_t kernel_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

uint16_t kernel_crc16(uint16_t crc, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    while (bytes--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
    }
    return crc;
}

uint16_t kernel_crc16_u32(uint16_t crc, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
    return kernel_crc16(crc, bytes, sizeof bytes);
}

static uint32_t start(uint32_t seed)
{
    return seed * 2654435761u | 1u; /* never 0 */
}

struct node {
    struct node *next;
    uint32_t key;
    uint32_t index;
};

static struct node *reverse(struct node *list)
{
    struct node *done = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static struct node *merge(struct node *a, struct node *b)
{
    struct node head, *tail = &head;
    while (a && b) {
        struct node **least = b->key < a->key ? &b : &a; /* a first when equal: stable */
        tail->next = *least;
        tail = *least;
        *least = (*least)->next;
    }
    tail->next = a ? a : b;
    return head.next;
}

/* Bottom-up merge sort: bins[i] holds a sorted list of 2^i nodes, or nothing. */
static struct node *sort_list(struct node *list)
{
    struct node *bins[16] = {NULL};
    while (list) {
        struct node *run = list;
        list = list->next;
        run->next = NULL;
        unsigned i = 0;
        for (; bins[i]; i++) {
            run = merge(bins[i], run);
            bins[i] = NULL;
        }
        bins[i] = run;
    }
    struct node *sorted = NULL;
    for (unsigned i = 0; i < 16; i++)
        if (bins[i])
            sorted = merge(bins[i], sorted);
    return sorted;
}

uint16_t kernel_list(uint32_t seed)
{
    struct node nodes[KERNEL_LIST_NODES];
    uint32_t state = start(seed);
    struct node *list = NULL;
    for (uint32_t i = 0; i < KERNEL_LIST_NODES; i++) {
        nodes[i] = (struct node){list, kernel_random(&state) & 0xFF, i};
        list = &nodes[i];
    }
    list = sort_list(reverse(list));
    uint16_t crc = 0;
    for (const struct node *n = list; n; n = n->next)
        crc = kernel_crc16_u32(crc, n->key << 16 | n->index);
    uint32_t wanted = kernel_random(&state) & 0xFF, at = 0;
    for (const struct node *n = list; n && n->key < wanted; n = n->next)
        at++;
    return kernel_crc16_u32(crc, at);
}

uint16_t kernel_matrix(uint32_t seed)
{
    enum { N = KERNEL_MATRIX_SIZE };
    int16_t a[N][N], b[N][N];
    uint32_t state = start(seed);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            a[i][j] = (int16_t)(kernel_random(&state) & 0xFFFF);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            b[i][j] = (int16_t)(a[j][i] + i);
    uint16_t crc = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            uint32_t sum = 0;
            for (int k = 0; k < N; k++)
                sum += (uint32_t)((int32_t)a[i][k] * b[k][j]);
            crc = kernel_crc16_u32(crc, sum);
        }
    return crc;
}

/* States of the token classifier; the first five are also the kinds it counts. */
enum state { INTEGER, FLOAT, HEX, WORD, INVALID, BEGIN, SIGN, ZERO };

static enum state step(enum state s, char c)
{
    int digit = c >= '0' && c <= '9';
    int letter = c >= 'a' && c <= 'z';
    switch (s) {
    case BEGIN:
        return c == '0' ? ZERO : digit ? INTEGER : c == '-' ? SIGN : letter ? WORD : INVALID;
    case SIGN:
        return digit ? INTEGER : INVALID;
    case ZERO:
        return c == 'x' ? HEX : digit ? INTEGER : c == '.' ? FLOAT : INVALID;
    case INTEGER:
        return digit ? INTEGER : c == '.' ? FLOAT : INVALID;
    case FLOAT:
        return digit ? FLOAT : INVALID;
    case HEX:
        return digit || (c >= 'a' && c <= 'f') ? HEX : INVALID;
    case WORD:
        return letter ? WORD : INVALID;
    default:
        return INVALID;
    }
}

uint16_t kernel_state(uint32_t seed)
{
    static const char alphabet[] = "0123456789abcxyz.-,,,,,,0x1.";
    uint32_t random = start(seed);
    uint32_t kinds[5] = {0}, changes = 0;
    enum state s = BEGIN;
    for (int i = 0; i <= KERNEL_TEXT_BYTES; i++) {
        char c = i == KERNEL_TEXT_BYTES ? ',' : alphabet[kernel_random(&random) % (sizeof alphabet - 1)];
        enum state next;
        if (c == ',') {
            enum state kind = s == ZERO ? INTEGER : s > INVALID ? INVALID : s;
            if (s != BEGIN)
                kinds[kind]++;
            next = BEGIN;
        } else {
            next = step(s, c);
        }
        changes += next != s;
        s = next;
    }
    uint16_t crc = 0;
    for (int i = 0; i < 5; i++)
        crc = kernel_crc16_u32(crc, kinds[i]);
    return kernel_crc16_u32(crc, changes);
}

uint16_t kernel_crc(uint32_t seed)
{
    uint8_t data[KERNEL_CRC_BYTES];
    uint32_t state = start(seed);
    for (int i = 0; i < KERNEL_CRC_BYTES; i++)
        data[i] = (uint8_t)(kernel_random(&state) >> 24);
    return kernel_crc16(0xFFFF, data, sizeof data);
}

static void sift_down(uint32_t *heap, uint32_t root, uint32_t count)
{
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && heap[child + 1] > heap[child])
            child++;
        if (heap[root] >= heap[child])
            return;
        uint32_t swap = heap[root];
        heap[root] = heap[child];
        heap[child] = swap;
    }
}

uint16_t kernel_sort(uint32_t seed)
{
    uint32_t words[KERNEL_SORT_WORDS];
    uint32_t state = start(seed);
    for (int i = 0; i < KERNEL_SORT_WORDS; i++)
        words[i] = kernel_random(&state);
    for (uint32_t root = KERNEL_SORT_WORDS / 2; root-- > 0;)
        sift_down(words, root, KERNEL_SORT_WORDS);
    for (uint32_t count = KERNEL_SORT_WORDS - 1; count > 0; count--) {
        uint32_t largest = words[0];
        words[0] = words[count];
        words[count] = largest;
        sift_down(words, 0, count);
    }
    uint16_t crc = 0;
    for (int i = 0; i < KERNEL_SORT_WORDS; i++)
        crc = kernel_crc16_u32(crc, words[i]);
    return crc;
}

uint16_t kernel_sieve(uint32_t limit)
{
    uint8_t composite[KERNEL_SIEVE_LIMIT];
    if (limit > KERNEL_SIEVE_LIMIT)
        limit = KERNEL_SIEVE_LIMIT;
    for (uint32_t i = 0; i < limit; i++)
        composite[i] = 0;
    uint16_t crc = 0;
    uint32_t count = 0, last = 0;
    for (uint32_t i = 2; i < limit; i++) {
        if (composite[i])
            continue;
        count++;
        last = i;
        for (uint32_t j = i * i; j < limit; j += i)
            composite[j] = 1;
    }
    crc = kernel_crc16_u32(crc, count);
    return kernel_crc16_u32(crc, last);
}

uint16_t kernel_mix(uint32_t seed, uint32_t iterations)
{
    uint16_t crc = 0;
    for (uint32_t i = 0; i < iterations; i++) {
        crc = kernel_crc16_u32(crc, kernel_list(seed + i));
        crc = kernel_crc16_u32(crc, kernel_matrix(seed + i));
        crc = kernel_crc16_u32(crc, kernel_state(seed + i));
        crc = kernel_crc16_u32(crc, kernel_crc(seed + i));
    }
    return crc;
}
