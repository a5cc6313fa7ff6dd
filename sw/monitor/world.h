/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hart looks like in each world, and the switch between them.
 *
 *   register   | world 0, host               | world 1, enclave (U-mode only)      | at a switch
 *   -----------+-----------------------------+-------------------------------------+----------------------
 *   mstatus    | TVM after SM_INIT; SUM, MXR, | TVM, TW, TSR; SUM, MXR, SIE 0; MPP U | saved, set / restored
 *              | SIE, SPIE, SPP as the host set |                                    |
 *   medeleg    | all but ecall from S, after  | 0: every trap comes to the monitor  | set / set
 *              | SM_INIT all but illegal too  |                                     |
 *   mideleg    | S interrupts                | 0                                   | set / set
 *   mie        | what the host enabled (sie) | the same: they end the run          | kept
 *   satp       | the host's                  | the enclave's root                  | saved, set / restored
 *   scounteren | the host's                  | cycle, time, instret readable       | saved, set / restored
 *   senvcfg    | the host's                  | 0                                   | saved, set / restored
 *   stvec, sepc, scause, stval, sscratch | the host's | not readable, not written: no trap is delegated | kept
 *   stimecmp   | the host's                  | the same                            | kept
 *   mcounteren, menvcfg | constant           | constant                            | kept
 *   PMP 1      | closed                      | open                                | set / set
 *   guard world| 0                           | 1                                   | set / set
 *   TLB        | flushed at every switch, and fence.i when enclave pages changed
 *
 * FS, VS and XS do not exist on this hart (read-only zero). mstatus.MPRV is 0 always.
 */
#ifndef YZ_MONITOR_WORLD_H
#define YZ_MONITOR_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "trap.h"

enum world { WORLD_HOST = 0, WORLD_ENCLAVE = 1 };

/* Who runs below machine mode. */
extern enum world world_current;

/* The registers of the table for a host that has not called SM_INIT. */
void world_boot(void);

/* From SM_INIT on the host's paging is guarded: satp and sfence.vma trap. Changes frame->status. */
void world_guard_paging(struct frame *frame);

/* Leave the host with `frame` as its registers; run the enclave whose root table is the page number `root_ppn`. */
void world_enter_enclave(struct frame *frame, uint32_t root_ppn);

/* Back to the host: `frame` becomes what world_enter_enclave saved. */
void world_enter_host(struct frame *frame);

#endif
