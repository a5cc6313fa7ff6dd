/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include "console.h"
#include "kernel_space.h"
#include "layout.h"
#include "lib.h"
#include "riscv.h"
#include "sbi.h"
#include "tables.h"

struct process processes[PROCESSES_MAX];
uint32_t context_switches;

extern const struct user_header image_user;

static uint32_t next_id = 1;
static uint32_t current_root;

static struct process *process_new(uint32_t parent)
{
    for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *p = &processes[i];
        if (p->state != PROCESS_FREE)
            continue;
        memset(p, 0, sizeof *p);
        if (!space_init(&p->space))
            return NULL;
        p->id = next_id++;
        p->parent = parent;
        p->fault_cause = CAUSE_NONE;
        p->mmap_next = USER_MMAP_VA;
        return p;
    }
    return NULL;
}

struct process *process_start(enum user_program program, uint32_t argument)
{
    const struct user_header *header = &image_user;
    struct process *p = process_new(0);
    if (!p)
        return NULL;
    uint32_t source = (uint32_t)(uintptr_t)header;
    struct region text = {REGION_IMAGE, USER_IMAGE_VA, header->data, PTE_R | PTE_X, source};
    struct region data = {REGION_IMAGE, header->data, header->end, PTE_R | PTE_W, source + (header->data - USER_IMAGE_VA)};
    struct region stack = {REGION_ZERO, USER_STACK_TOP - USER_STACK_BYTES, USER_STACK_TOP, PTE_R | PTE_W, 0};
    if (header->magic != USER_MAGIC || !space_add(&p->space, text) || !space_add(&p->space, data) ||
        !space_add(&p->space, stack))
        panic("the user image is damaged");
    p->frame.x[0] = header->entry;
    p->frame.x[REG_SP] = USER_STACK_TOP;
    p->frame.x[REG_A0] = (uint32_t)program;
    p->frame.x[REG_A1] = argument;
    p->state = PROCESS_READY;
    return p;
}

struct process *process_find(uint32_t id)
{
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].state != PROCESS_FREE && processes[i].id == id)
            return &processes[i];
    return NULL;
}

struct process *process_fork(struct process *parent)
{
    struct process *child = process_new(parent->id);
    if (!child)
        return NULL;
    if (!space_fork(&child->space, &parent->space)) {
        space_destroy(&child->space);
        return NULL;
    }
    child->frame = parent->frame;
    child->mmap_next = parent->mmap_next;
    child->quiet = parent->quiet;
    child->state = PROCESS_READY;
    return child;
}

void kernel_space_enter(void)
{
    if (current_root != kernel_root)
        satp_load(kernel_root);
    current_root = kernel_root;
}

void process_end(struct process *process, int32_t exit_code)
{
    kernel_space_enter();
    space_destroy(&process->space);
    process->exit_code = exit_code;
    process->state = PROCESS_ENDED;
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].state != PROCESS_FREE && processes[i].parent == process->id)
            processes[i].parent = 0;
    struct process *parent = process_find(process->parent);
    if (parent && parent->state == PROCESS_WAITING)
        parent->state = PROCESS_READY;
}

void process_reap(struct process *process)
{
    process->state = PROCESS_FREE;
}

static const char *cause_name(uint32_t cause)
{
    switch (cause) {
    case CAUSE_FETCH_ACCESS:
        return "fetch access fault";
    case CAUSE_ILLEGAL:
        return "illegal instruction";
    case CAUSE_LOAD_MISALIGNED:
        return "misaligned load";
    case CAUSE_LOAD_ACCESS:
        return "load access fault";
    case CAUSE_STORE_MISALIGNED:
        return "misaligned store";
    case CAUSE_STORE_ACCESS:
        return "store access fault";
    case CAUSE_FETCH_PAGE:
        return "fetch page fault";
    case CAUSE_LOAD_PAGE:
        return "load page fault";
    case CAUSE_STORE_PAGE:
        return "store page fault";
    default:
        return "trap";
    }
}

static void handle_trap(struct process *p, uint32_t cause, uint32_t value)
{
    switch (cause) {
    case CAUSE_TIMER:
        p->preemptions++;
        return;
    case CAUSE_ECALL_U:
        system_call(p);
        return;
    case CAUSE_FETCH_PAGE:
    case CAUSE_LOAD_PAGE:
    case CAUSE_STORE_PAGE:
        if (space_fault(&p->space, value, cause)) {
            p->page_faults++;
            return;
        }
        break;
    default:
        break;
    }
    if (!p->quiet)
        kprintf("host: process %u killed: %s (cause %u) at address 0x%08x, pc 0x%08x\n", (unsigned)p->id, cause_name(cause),
                (unsigned)cause, (unsigned)value, (unsigned)p->frame.x[0]);
    p->fault_cause = cause;
    p->fault_address = value;
    process_end(p, EXIT_KILLED);
}

/* Run one process until its slice ends or it stops being ready. */
static void run_slice(struct process *p)
{
    if (current_root != p->space.root) {
        satp_load(p->space.root);
        current_root = p->space.root;
        context_switches++;
    }
    sbi_set_timer(time_now() + QUANTUM);
    csr_write(sstatus, SSTATUS_SPIE); /* SPP 0: user mode, interrupts on there */
    csr_write(sie, SIE_STIE);
    uint32_t preemptions = p->preemptions;
    while (p->state == PROCESS_READY && p->preemptions == preemptions) {
        enter_user(&p->frame);
        uint32_t cause = csr_read(scause);
        bool yields = cause == CAUSE_ECALL_U && p->frame.x[REG_A7] == SYS_YIELD;
        handle_trap(p, cause, csr_read(stval));
        if (yields)
            break;
    }
    sbi_set_timer(UINT64_MAX);
}

void schedule(bool (*between)(void))
{
    uint32_t last = 0;
    for (;;) {
        struct process *p = NULL;
        for (uint32_t n = 1; n <= PROCESSES_MAX && !p; n++) {
            struct process *candidate = &processes[(last + n) % PROCESSES_MAX];
            if (candidate->state == PROCESS_READY)
                p = candidate;
        }
        bool more = between && between();
        if (!p && !more)
            break;
        if (!p)
            continue;
        last = (uint32_t)(p - processes);
        if (p->state == PROCESS_READY)
            run_slice(p);
    }
    kernel_space_enter();
}
