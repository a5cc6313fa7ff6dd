/* SPDX-License-Identifier: Apache-2.0 */
/* Run by attacks/probe.S: some cycles with interrupts on, and what else the program carries. */
    .text
    .balign 4
    .globl stub_WAIT
stub_WAIT:
    li t0, 64
    csrsi mstatus, 8
1:  addi t0, t0, -1
    bnez t0, 1b
    csrci mstatus, 8
    ecall

    .section .rodata.inside, "a"
    .balign 4
    .globl image_inside, image_inside_end
image_inside:
    .incbin INSIDE_FILE
image_inside_end:
