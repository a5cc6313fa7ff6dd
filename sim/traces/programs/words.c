/* SPDX-License-Identifier: Apache-2.0 */
/* Input for programs that sort and compress: LINES lines (argument) of five words from a vocabulary of 20,000, common
 * ones more often. Always the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { VOCABULARY = 20000 };

static uint32_t random32(void) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

int main(int argc, char **argv) {
    static char words[VOCABULARY][12];
    long lines = argc > 1 ? atol(argv[1]) : 50000;
    for (int i = 0; i < VOCABULARY; i++) {
        int length = 2 + (int)(random32() % 9);
        for (int j = 0; j < length; j++) {
            words[i][j] = j % 2 ? "aeiou"[random32() % 5] : "bcdfghklmnprstvw"[random32() % 16];
        }
    }
    for (long i = 0; i < lines; i++) {
        for (int j = 0; j < 5; j++) {
            uint32_t bound = 1 + random32() % VOCABULARY;
            printf("%s%c", words[random32() % bound], j == 4 ? '\n' : ' ');
        }
    }
    return 0;
}
