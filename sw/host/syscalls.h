/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls of user processes: a7 number, a0..a2 arguments, a0 result; negative results are errors (below).
 * Shared by the kernel and sw/user.
 */
#ifndef YZ_HOST_SYSCALLS_H
#define YZ_HOST_SYSCALLS_H

#include "user_magic.h"

#define SYS_EXIT 1u   /* (code); does not return */
#define SYS_WRITE 2u  /* (buffer, bytes) -> bytes written */
#define SYS_MMAP 3u   /* (bytes, populate) -> address of zeroed memory; populate 1: map now, 0: at first touch */
#define SYS_MUNMAP 4u /* (address, bytes), page aligned, part of one mapping -> 0 */
#define SYS_FORK 5u   /* () -> child's id in the parent, 0 in the child */
#define SYS_YIELD 6u  /* () -> 0 */
#define SYS_GETPID 7u /* () -> own id */
#define SYS_WAIT 8u   /* () -> id of a child that ended, its exit code in a1; -SYS_ECHILD without children */
#define SYS_TICKS 9u  /* () -> timer interrupts that took the hart from this process */
#define SYS_MEASURED 10u /* (value) -> 0; a number for the benches */

#define SYS_ENOSYS 38
#define SYS_ECHILD 10
#define SYS_EAGAIN 11
#define SYS_ENOMEM 12
#define SYS_EFAULT 14
#define SYS_EINVAL 22

/* Programs in the user image: a0 at entry; a1 is the program's argument. */
enum user_program {
    PROGRAM_HELLO,   /* writes a line, exits with its argument */
    PROGRAM_TOUCH,   /* demand paging: argument pages of mmap'ed memory, stack, written data and checked zeros */
    PROGRAM_MMAP,    /* mmap, munmap of a part, then a touch of the hole: ends by a page fault */
    PROGRAM_FORK,    /* fork; parent and child write the same page and see their own value; argument: generations */
    PROGRAM_SPIN,    /* computes without a system call; argument: rounds */
    PROGRAM_KV,      /* key-value store; argument: operations */
    PROGRAM_KERNELS, /* CPU kernels with known answers; argument: rounds */
    PROGRAM_PEEK,    /* loads from the address in its argument: kernel memory, tables, nowhere */
    PROGRAM_COUNT,
};

/* First bytes of the user image. */
struct user_header {
    unsigned magic;     /* USER_MAGIC */
    unsigned entry;     /* virtual address */
    unsigned data;      /* virtual address of the first writable page */
    unsigned end;       /* virtual address after the last page */
};

#endif
