/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute benchmark: list, matrix, state machine and CRC kernels with known answers (sw/workloads/kernels.h).
 * Exits with 0 when every answer is right, 1 otherwise.
 */
#include <kernels.h>
#include <kernels_expected.h>
#include <yz_bare.h>

struct kernel {
    const char *name;
    uint16_t (*run)(uint32_t argument);
    uint32_t argument;
    uint16_t expected;
};

static uint16_t mix(uint32_t iterations)
{
    return kernel_mix(KERNEL_SEED, iterations);
}

int main(void)
{
    static const struct kernel kernels[] = {
        {"list", kernel_list, KERNEL_SEED, EXPECTED_LIST},    {"matrix", kernel_matrix, KERNEL_SEED, EXPECTED_MATRIX},
        {"state", kernel_state, KERNEL_SEED, EXPECTED_STATE}, {"crc", kernel_crc, KERNEL_SEED, EXPECTED_CRC},
        {"sort", kernel_sort, KERNEL_SEED, EXPECTED_SORT},    {"sieve", kernel_sieve, KERNEL_SIEVE_LIMIT, EXPECTED_SIEVE},
        {"mix", mix, KERNEL_MIX_ITERATIONS, EXPECTED_MIX},
    };
    int wrong = 0;
    printf("kernel      cycles  instructions  answer\n");
    for (unsigned i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        const struct kernel *k = &kernels[i];
        uint64_t instructions = bare_instructions(), cycles = bare_cycles();
        uint16_t answer = k->run(k->argument);
        uint32_t cycles_taken = (uint32_t)(bare_cycles() - cycles);
        uint32_t instructions_taken = (uint32_t)(bare_instructions() - instructions);
        printf("%-8s %9u %13u    %04x %s\n", k->name, (unsigned)cycles_taken, (unsigned)instructions_taken, answer,
               answer == k->expected ? "right" : "WRONG");
        bare_report(k->name, "cycles", cycles_taken, "cycles");
        wrong += answer != k->expected;
    }
    return wrong != 0;
}
