/* SPDX-License-Identifier: Apache-2.0 */
#include "aes.h"

/* How a table is read; who includes this file may define it to see the accesses. */
#ifndef AES_LOAD
#define AES_LOAD(tables, n, index) ((tables)->t[n][index])
#endif

static inline uint32_t rotate_right(uint32_t word, unsigned bits)
{
    return word >> bits | word << (-bits & 31u);
}

static inline uint32_t twice(uint32_t byte)
{
    return (byte << 1 ^ (byte >> 7) * 0x11Bu) & 0xFFu;
}

void aes_make_tables(struct aes_tables *tables)
{
    uint32_t p = 1, q = 1; /* q is the inverse of p while p runs through all powers of 3 (FIPS 197, 5.1.1) */
    for (unsigned n = 0; n < 256; n++) {
        uint32_t s = 0x63, at = 0;
        if (n != 0) {
            s ^= q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4);
            at = p;
        }
        s &= 0xFFu;
        uint32_t word = twice(s) << 24 | s << 16 | s << 8 | (twice(s) ^ s);
        for (unsigned t = 0; t < 4; t++)
            tables->t[t][at] = rotate_right(word, 8 * t);
        if (n != 0) {
            p = p ^ twice(p);
            q ^= q << 1;
            q ^= q << 2;
            q ^= q << 4;
            q = (q ^ (q >> 7 & 1) * 0x09u) & 0xFFu;
        }
    }
}

/* S-box values in four bytes of a word, taken out of the tables. */
static inline uint32_t last(const struct aes_tables *tables, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return (AES_LOAD(tables, 2, a >> 24) & 0xFF000000u) | (AES_LOAD(tables, 3, b >> 16 & 0xFFu) & 0x00FF0000u) |
           (AES_LOAD(tables, 0, c >> 8 & 0xFFu) & 0x0000FF00u) | (AES_LOAD(tables, 1, d & 0xFFu) & 0x000000FFu);
}

static inline uint32_t inner(const struct aes_tables *tables, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return AES_LOAD(tables, 0, a >> 24) ^ AES_LOAD(tables, 1, b >> 16 & 0xFFu) ^
           AES_LOAD(tables, 2, c >> 8 & 0xFFu) ^ AES_LOAD(tables, 3, d & 0xFFu);
}

static uint32_t word_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void aes_expand(const struct aes_tables *tables, const uint8_t key[16], struct aes_key *expanded)
{
    uint32_t *w = expanded->words, round = 1;
    for (unsigned n = 0; n < 4; n++)
        w[n] = word_at(key + 4 * n);
    for (unsigned n = 4; n < 4 * (AES_ROUNDS + 1); n++) {
        uint32_t word = w[n - 1];
        if (n % 4 == 0) {
            word = rotate_right(word, 24);
            word = last(tables, word, word, word, word) ^ round << 24;
            round = twice(round);
        }
        w[n] = w[n - 4] ^ word;
    }
}

void aes_encrypt(const struct aes_tables *tables, const struct aes_key *key, const uint8_t in[16], uint8_t out[16])
{
    const uint32_t *w = key->words;
    uint32_t s[4];
    for (unsigned n = 0; n < 4; n++)
        s[n] = word_at(in + 4 * n) ^ *w++;
    for (unsigned round = 1; round < AES_ROUNDS; round++, w += 4) {
        uint32_t a = inner(tables, s[0], s[1], s[2], s[3]) ^ w[0];
        uint32_t b = inner(tables, s[1], s[2], s[3], s[0]) ^ w[1];
        uint32_t c = inner(tables, s[2], s[3], s[0], s[1]) ^ w[2];
        uint32_t d = inner(tables, s[3], s[0], s[1], s[2]) ^ w[3];
        s[0] = a;
        s[1] = b;
        s[2] = c;
        s[3] = d;
    }
    for (unsigned n = 0; n < 4; n++) {
        uint32_t word = last(tables, s[n], s[(n + 1) & 3], s[(n + 2) & 3], s[(n + 3) & 3]) ^ w[n];
        for (unsigned byte = 0; byte < 4; byte++)
            out[4 * n + byte] = (uint8_t)(word >> (24 - 8 * byte));
    }
}
