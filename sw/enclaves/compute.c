/* SPDX-License-Identifier: Apache-2.0 */
/* Computes for longer than a time slice, so that the timer takes the hart away in the middle, and checks its own answer. */
#include <kernels.h>
#include <kernels_expected.h>
#include <yz_enclave.h>

int enclave_main(void)
{
    if (kernel_list(KERNEL_SEED) != EXPECTED_LIST)
        return 1;
    enclave_yield();
    if (kernel_matrix(KERNEL_SEED) != EXPECTED_MATRIX)
        return 2;
    if (kernel_sort(KERNEL_SEED) != EXPECTED_SORT)
        return 3;
    enclave_printf("enclave %x: list, matrix and sort are right\n", (unsigned)enclave_id());
    return 42;
}
