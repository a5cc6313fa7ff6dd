/* SPDX-License-Identifier: Apache-2.0 */
/* A program whose code, data and stack lie in protected memory. Returns how many of its kernels have the right answer. */
#include <kernels.h>
#include <kernels_expected.h>

uint32_t inside(void);

uint32_t inside(void)
{
    return (kernel_list(KERNEL_SEED) == EXPECTED_LIST) + (kernel_crc(KERNEL_SEED) == EXPECTED_CRC) +
           (kernel_sort(KERNEL_SEED) == EXPECTED_SORT);
}
