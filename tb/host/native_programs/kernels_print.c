/* SPDX-License-Identifier: Apache-2.0 */
/* Print every kernel's answer: arguments seed, sieve limit, iterations. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels.h"

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    uint32_t seed = (uint32_t)strtoul(argv[1], NULL, 0);
    uint32_t limit = (uint32_t)strtoul(argv[2], NULL, 0);
    uint32_t iterations = (uint32_t)strtoul(argv[3], NULL, 0);
    printf("list %u\nmatrix %u\nstate %u\ncrc %u\nsort %u\nsieve %u\nmix %u\n", kernel_list(seed), kernel_matrix(seed),
           kernel_state(seed), kernel_crc(seed), kernel_sort(seed), kernel_sieve(limit), kernel_mix(seed, iterations));
    return 0;
}
