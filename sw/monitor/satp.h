/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's satp and sfence.vma once they trap (mstatus.TVM, Privileged Architecture 3.1.6.5).
 *
 * Policy for a new value: mode Sv32, and the root a page of owner HPT_ROOT. So the host can neither leave its guarded
 * tables nor switch paging off again. Any ASID. A refused csrw is an illegal instruction to the host; a refused
 * YZ_HOST_SATP an error.
 */
#ifndef YZ_MONITOR_SATP_H
#define YZ_MONITOR_SATP_H

#include <stdbool.h>
#include <stdint.h>

#include "trap.h"

/*
 * Load the host's satp and flush the TLB. YZ_ERR_STATE before PT_AREA_SEPARATION, SBI_ERR_INVALID_PARAM for a mode
 * other than Sv32, YZ_ERR_PTE_LOCATION for another root.
 */
int32_t satp_set(uint32_t value);

/* True when the host's paging is on. */
bool satp_is_paged(void);

enum satp_trap { SATP_TRAP_NONE, SATP_TRAP_FENCE, SATP_TRAP_CSR };

/* What an illegal instruction of the host is: nothing of ours, an sfence.vma, or an access to satp. */
enum satp_trap satp_classify(uint32_t instruction, uint32_t status);

/* Do the access to satp. False: refused, nothing changed. Needs all registers of the frame. */
bool satp_emulate(struct frame *frame, uint32_t instruction);

#endif
