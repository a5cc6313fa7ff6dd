/* SPDX-License-Identifier: Apache-2.0 */
/* yz_snprintf against the C library's, over many formats and values. Ends with 1 at the first difference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib.h"

static int compared;

#define COMPARE(format, ...)                                                                                 \
    do {                                                                                                     \
        char ours[40], theirs[40];                                                                           \
        memset(ours, '#', sizeof ours);                                                                      \
        memset(theirs, '#', sizeof theirs);                                                                  \
        int a = yz_snprintf(ours, size, format, __VA_ARGS__), b = snprintf(theirs, size, format, __VA_ARGS__); \
        if (a != b || memcmp(ours, theirs, sizeof ours)) {                                                   \
            fprintf(stderr, "%s in %zu bytes: \"%.39s\" %d, not \"%.39s\" %d\n", format, size, ours, a, theirs, b); \
            return 1;                                                                                        \
        }                                                                                                    \
        compared++;                                                                                          \
    } while (0)

int main(void)
{
    static const int numbers[] = {0, 1, -1, 9, 10, -10, 255, 65536, 2147483647, -2147483647 - 1};
    static const char *const texts[] = {"", "a", "twelve chars", "more text than fits into the buffers"};
    for (size_t size = 1; size <= 32; size += 3) {
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            int n = numbers[i];
            COMPARE("%d|", n);
            COMPARE("%i", n);
            COMPARE("%5d|", n);
            COMPARE("%-7d|", n);
            COMPARE("%08d", n);
            COMPARE("%u", (unsigned)n);
            COMPARE("%x %X", (unsigned)n, (unsigned)n);
            COMPARE("0x%08x", (unsigned)n);
            COMPARE("%-10x|", (unsigned)n);
            COMPARE("%ld", (long)n * 1000003);
            COMPARE("%lu", (unsigned long)(long)n);
            COMPARE("%lx", (unsigned long)(long)n);
            COMPARE("%c%%", 'a' + (n & 15));
        }
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            COMPARE("%s", texts[i]);
            COMPARE("[%10s]", texts[i]);
            COMPARE("[%-10s]", texts[i]);
        }
    }
    char untouched = '#';
    if (yz_snprintf(&untouched, 0, "%d", 12345) != 5 || untouched != '#')
        return 1;
    char text[16];
    const char *volatile none = NULL; /* volatile: the compiler would see and refuse it */
    yz_snprintf(text, sizeof text, "%s", none);
    if (strcmp(text, "(null)"))
        return 1;
    printf("%d\n", compared);
    return 0;
}
