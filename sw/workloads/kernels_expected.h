/* SPDX-License-Identifier: Apache-2.0 */
/* Known answers of the kernels; tb/host/kernels_model.py computes them and a test compares. */
#ifndef YZ_KERNELS_EXPECTED_H
#define YZ_KERNELS_EXPECTED_H

#define KERNEL_SEED 7
#define KERNEL_MIX_ITERATIONS 2
#define EXPECTED_LIST 0x1BBFu
#define EXPECTED_MATRIX 0x7F53u
#define EXPECTED_STATE 0x87CFu
#define EXPECTED_CRC 0x776Eu
#define EXPECTED_SORT 0xFC4Au
#define EXPECTED_SIEVE 0x5E50u
#define EXPECTED_MIX 0x38A1u

#endif
