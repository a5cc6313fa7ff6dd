/* SPDX-License-Identifier: Apache-2.0 */
/* User processes: table, life, round-robin scheduling. System calls are in syscalls.c. */
#ifndef YZ_HOST_PROCESS_H
#define YZ_HOST_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "space.h"
#include "syscalls.h"

#define PROCESSES_MAX 6u

enum process_state { PROCESS_FREE, PROCESS_READY, PROCESS_WAITING, PROCESS_ENDED };

/* Exit code of a process killed by a fault. */
#define EXIT_KILLED (-11)

struct process {
    enum process_state state;
    uint32_t id, parent;    /* parent 0: the kernel */
    struct frame frame;
    struct space space;
    int32_t exit_code;
    uint32_t fault_cause, fault_address; /* cause CAUSE_NONE unless killed */
    uint32_t page_faults;                /* kept promises */
    uint32_t preemptions;
    uint32_t measured; /* what SYS_MEASURED last told */
    uint32_t mmap_next;
    bool quiet; /* a fatal fault is expected: say nothing */
};

extern struct process processes[PROCESSES_MAX];

/* Start a program of the user image. NULL when there is no slot or no memory. */
struct process *process_start(enum user_program program, uint32_t argument);

/* Give an ended process's slot back. */
void process_reap(struct process *process);

struct process *process_find(uint32_t id);

/* Copy the running process; returns the child or NULL. */
struct process *process_fork(struct process *parent);
void process_end(struct process *process, int32_t exit_code);

/* Time slice in ticks of rdtime (= cycles). */
#define QUANTUM 20000u

/*
 * Run ready processes, each a time slice at a time, until none is ready. `between`, when given, is called after each slice
 * and may run something else for a slice (an enclave); while it returns true it is called even without a ready process.
 */
void schedule(bool (*between)(void));

/* Switches of satp that the scheduler made. */
extern uint32_t context_switches;

/* Serve the system call in the process's frame. */
void system_call(struct process *process);

/* After a run of processes: go back to the kernel's own root table. */
void kernel_space_enter(void);

#endif
