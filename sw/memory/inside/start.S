/* SPDX-License-Identifier: Apache-2.0 */
/* Called as a function; changes to a stack of its own and back. */
    .section .text.start, "ax"
    .globl _start
_start:
    la t0, __stack_top - 16
    sw sp, 0(t0)
    sw ra, 4(t0)
    mv sp, t0
    call inside
    lw ra, 4(sp)
    lw sp, 0(sp)
    ret
