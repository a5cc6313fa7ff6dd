/* SPDX-License-Identifier: Apache-2.0 */
#include "lib.h"

#define WORD sizeof(uint32_t)

/* The word loops write through pointers of another type than the object's: tell the compiler. */
typedef uint32_t __attribute__((may_alias)) word_t;

static int words_fit(uintptr_t a, uintptr_t b)
{
    return ((a | b) & (WORD - 1)) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if (words_fit((uintptr_t)t, (uintptr_t)f)) {
        for (; bytes >= 4 * WORD; bytes -= 4 * WORD, t += 4 * WORD, f += 4 * WORD) {
            const word_t *in = (const word_t *)f;
            word_t *out = (word_t *)t;
            word_t a = in[0], b = in[1], c = in[2], d = in[3];
            out[0] = a;
            out[1] = b;
            out[2] = c;
            out[3] = d;
        }
        for (; bytes >= WORD; bytes -= WORD, t += WORD, f += WORD)
            *(word_t *)t = *(const word_t *)f;
    }
    while (bytes--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if ((uintptr_t)t - (uintptr_t)f >= bytes)
        return memcpy(to, from, bytes);
    while (bytes--)
        t[bytes] = f[bytes];
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    unsigned char *t = to;
    word_t pattern = (unsigned char)value * 0x01010101u;
    for (; bytes && ((uintptr_t)t & (WORD - 1)); bytes--)
        *t++ = (unsigned char)value;
    for (; bytes >= 8 * WORD; bytes -= 8 * WORD, t += 8 * WORD) {
        word_t *out = (word_t *)t;
        out[0] = pattern;
        out[1] = pattern;
        out[2] = pattern;
        out[3] = pattern;
        out[4] = pattern;
        out[5] = pattern;
        out[6] = pattern;
        out[7] = pattern;
    }
    for (; bytes >= WORD; bytes -= WORD, t += WORD)
        *(word_t *)t = pattern;
    while (bytes--)
        *t++ = (unsigned char)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a, *y = b;
    for (; bytes; bytes--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

size_t strlen(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}
