/* SPDX-License-Identifier: Apache-2.0 */
/* Entry of an enclave. sp is set; a0 shared buffer, a1 its bytes, a2 heap, a3 its bytes (yz/abi.h). */
    .section .text.start, "ax"
    .globl _start
_start:
    la t0, __bss_start
    la t1, __bss_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  call enclave_start
