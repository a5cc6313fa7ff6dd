/* SPDX-License-Identifier: Apache-2.0 */
#include "syscalls.h"

#include "console.h"
#include "layout.h"
#include "lib.h"
#include "process.h"
#include "riscv.h"

/* Copy from user memory through the kernel's mapping of each page; false when a byte is not the process's to read. */
static bool copy_from_user(struct process *p, void *to, uint32_t va, uint32_t bytes)
{
    char *out = to;
    while (bytes) {
        uint32_t pa = va < YZ_DRAM_BASE ? space_translate(&p->space, va, false) : 0;
        if (!pa)
            return false;
        uint32_t part = PAGE - (va & (PAGE - 1));
        part = part < bytes ? part : bytes;
        memcpy(out, (const void *)(uintptr_t)pa, part);
        out += part;
        va += part;
        bytes -= part;
    }
    return true;
}

static int32_t sys_write(struct process *p, uint32_t va, uint32_t bytes)
{
    char part[64], prefix[24];
    yz_snprintf(prefix, sizeof prefix, "[process %u] ", (unsigned)p->id);
    for (uint32_t done = 0; done < bytes;) {
        uint32_t n = bytes - done < sizeof part ? bytes - done : (uint32_t)sizeof part;
        if (!copy_from_user(p, part, va + done, n))
            return done ? (int32_t)done : -SYS_EFAULT;
        console_lines(prefix, part, n);
        done += n;
    }
    return (int32_t)bytes;
}

static int32_t sys_mmap(struct process *p, uint32_t bytes, uint32_t populate)
{
    if (!bytes || bytes > USER_MMAP_END - p->mmap_next)
        return -SYS_EINVAL;
    uint32_t start = p->mmap_next, end = start + ((bytes + PAGE - 1) & ~(PAGE - 1));
    if (!space_add(&p->space, (struct region){REGION_ZERO, start, end, PTE_R | PTE_W, 0}))
        return -SYS_ENOMEM;
    if (populate && !space_populate(&p->space, start, end)) {
        space_remove(&p->space, start, end);
        return -SYS_ENOMEM;
    }
    p->mmap_next = end + PAGE; /* a hole between mappings: running over an end faults */
    return (int32_t)start;
}

static int32_t sys_munmap(struct process *p, uint32_t va, uint32_t bytes)
{
    if ((va | bytes) & (PAGE - 1) || !bytes || bytes > YZ_DRAM_BASE - va || va >= YZ_DRAM_BASE)
        return -SYS_EINVAL;
    return space_remove(&p->space, va, va + bytes) ? 0 : -SYS_EINVAL;
}

static int32_t sys_fork(struct process *p)
{
    struct process *child = process_fork(p);
    if (!child)
        return -SYS_EAGAIN;
    child->frame.x[REG_A0] = 0;
    return (int32_t)child->id;
}

/* Waiting is calling again: the process runs its ecall anew when a child has ended. */
static void sys_wait(struct process *p)
{
    bool children = false;
    for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *child = &processes[i];
        if (child->state == PROCESS_FREE || child->parent != p->id)
            continue;
        children = true;
        if (child->state == PROCESS_ENDED) {
            p->frame.x[REG_A0] = child->id;
            p->frame.x[REG_A1] = (uint32_t)child->exit_code;
            process_reap(child);
            return;
        }
    }
    if (children) {
        p->state = PROCESS_WAITING;
        p->frame.x[0] -= 4;
    } else {
        p->frame.x[REG_A0] = (uint32_t)-SYS_ECHILD;
    }
}

void system_call(struct process *p)
{
    uint32_t *x = p->frame.x;
    uint32_t a0 = x[REG_A0], a1 = x[REG_A1];
    x[0] += 4;
    switch (x[REG_A7]) {
    case SYS_EXIT:
        process_end(p, (int32_t)a0);
        return;
    case SYS_WRITE:
        x[REG_A0] = (uint32_t)sys_write(p, a0, a1);
        return;
    case SYS_MMAP:
        x[REG_A0] = (uint32_t)sys_mmap(p, a0, a1);
        return;
    case SYS_MUNMAP:
        x[REG_A0] = (uint32_t)sys_munmap(p, a0, a1);
        return;
    case SYS_FORK:
        x[REG_A0] = (uint32_t)sys_fork(p);
        return;
    case SYS_YIELD:
        x[REG_A0] = 0;
        return;
    case SYS_GETPID:
        x[REG_A0] = p->id;
        return;
    case SYS_WAIT:
        sys_wait(p);
        return;
    case SYS_TICKS:
        x[REG_A0] = p->preemptions;
        return;
    case SYS_MEASURED:
        p->measured = a0;
        x[REG_A0] = 0;
        return;
    default:
        x[REG_A0] = (uint32_t)-SYS_ENOSYS;
    }
}
