/* SPDX-License-Identifier: Apache-2.0 */
/* The user programs: each returns 0 when everything it saw was right, or the number of the first thing that was not. */
#include "kernels.h"
#include "kernels_expected.h"
#include "user.h"

#define PAGE 4096u

static uint32_t counter = 40; /* in .data: copied on write from the image */
static uint32_t cleared[4];   /* in .bss */

static int32_t hello(uint32_t argument)
{
    user_printf("hello from user mode, id %d\n", (int)syscall(SYS_GETPID, 0, 0).value);
    return (int32_t)argument;
}

static int32_t touch(uint32_t pages)
{
    uint32_t *memory = user_mmap(pages * PAGE, 0);
    if (!memory)
        return 1;
    uint32_t words = PAGE / sizeof *memory;
    for (uint32_t i = 0; i < pages; i++)
        if (memory[i * words] || memory[i * words + words - 1])
            return 2; /* not zero at first touch */
    for (uint32_t i = 0; i < pages; i++)
        memory[i * words + i] = i + 1;
    for (uint32_t i = 0; i < pages; i++)
        if (memory[i * words + i] != i + 1)
            return 3;
    counter += 2;
    cleared[0]++;
    return counter == 42 && cleared[0] == 1 && cleared[1] == 0 ? 0 : 4;
}

static int32_t map_unmap(void)
{
    volatile uint32_t *memory = user_mmap(4 * PAGE, 1);
    if (!memory)
        return 1;
    uint32_t words = PAGE / sizeof *memory, base = (uint32_t)(uintptr_t)memory;
    for (uint32_t i = 0; i < 4; i++)
        memory[i * words] = 100 + i;
    if (syscall(SYS_MUNMAP, base + PAGE, 2 * PAGE).value)
        return 2;
    if (syscall(SYS_MUNMAP, base + PAGE, PAGE).value != -SYS_EINVAL)
        return 3; /* already gone */
    if (syscall(SYS_MUNMAP, base + 1, PAGE).value != -SYS_EINVAL)
        return 4;
    if (memory[0] != 100 || memory[3 * words] != 103)
        return 5; /* the rest must stay */
    return (int32_t)memory[words] | 0x1000; /* the hole: does not come back */
}

static int32_t fork_once(uint32_t generations)
{
    volatile uint32_t *memory = user_mmap(2 * PAGE, 0);
    if (!memory)
        return 1;
    memory[0] = 7;
    memory[PAGE / 4] = 8;
    counter = 1000;
    int32_t child = syscall(SYS_FORK, 0, 0).value;
    if (child < 0)
        return 2;
    if (child == 0) {
        if (memory[0] != 7 || counter != 1000)
            user_exit(10);
        memory[0] = 70; /* must not be seen by the parent */
        counter = 2000;
        if (generations > 1)
            user_exit(fork_once(generations - 1) ? 11 : 20);
        user_exit(memory[0] == 70 && memory[PAGE / 4] == 8 && counter == 2000 ? 20 : 12);
    }
    memory[PAGE / 4] = 80;
    struct syscall_result ended = syscall(SYS_WAIT, 0, 0);
    if (ended.value != child || ended.second != 20)
        return 3;
    if (syscall(SYS_WAIT, 0, 0).value != -SYS_ECHILD)
        return 4;
    return memory[0] == 7 && memory[PAGE / 4] == 80 && counter == 1000 ? 0 : 5;
}

static int32_t spin(uint32_t rounds)
{
    uint32_t state = 1;
    for (uint32_t i = 0; i < rounds; i++)
        kernel_random(&state);
    return syscall(SYS_TICKS, 0, 0).value > 0 ? 0 : 1;
}

static int32_t kernels_once(void)
{
    if (kernel_list(KERNEL_SEED) != EXPECTED_LIST)
        return 1;
    if (kernel_matrix(KERNEL_SEED) != EXPECTED_MATRIX)
        return 2;
    if (kernel_state(KERNEL_SEED) != EXPECTED_STATE)
        return 3;
    if (kernel_crc(KERNEL_SEED) != EXPECTED_CRC)
        return 4;
    if (kernel_sort(KERNEL_SEED) != EXPECTED_SORT)
        return 5;
    return kernel_sieve(KERNEL_SIEVE_LIMIT) == EXPECTED_SIEVE ? 0 : 6;
}

static uint32_t user_cycles(void)
{
    uint32_t now;
    __asm__ volatile("rdcycle %0" : "=r"(now));
    return now;
}

/* The first round brings code and data in; the time of the others is told to the kernel. */
static int32_t kernels(uint32_t rounds)
{
    int32_t wrong = kernels_once();
    uint32_t begin = user_cycles();
    while (--rounds && !wrong)
        wrong = kernels_once();
    syscall(SYS_MEASURED, user_cycles() - begin, 0);
    return wrong;
}

int32_t user_main(uint32_t program, uint32_t argument)
{
    switch (program) {
    case PROGRAM_HELLO:
        return hello(argument);
    case PROGRAM_TOUCH:
        return touch(argument);
    case PROGRAM_MMAP:
        return map_unmap();
    case PROGRAM_FORK:
        return fork_once(argument);
    case PROGRAM_SPIN:
        return spin(argument);
    case PROGRAM_KV:
        return key_value_store(argument);
    case PROGRAM_KERNELS:
        return kernels(argument);
    case PROGRAM_PEEK:
        return *(volatile int32_t *)(uintptr_t)argument;
    default:
        return -1;
    }
}
