/* SPDX-License-Identifier: Apache-2.0 */
/* Header of the user image (struct user_header) and entry of every program: a0 program, a1 argument. */
#include "../host/user_magic.h"

    .section .header, "ax"
    .word USER_MAGIC
    .word _start
    .word __data_start
    .word __image_end

    .globl _start
_start:
    call user_main
    li a7, 1 /* SYS_EXIT */
    ecall
