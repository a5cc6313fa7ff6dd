/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens when protected memory fails a check: the bytes in DRAM are not what the engine wrote there.
 *
 * The engine answers such an access with an error, locks the subtree, and raises the machine external interrupt; a
 * posted store that memory refuses does the last (sysinfo). Then
 * - every enclave with a page or a table in a locked subtree is lost: its pages are zeroed and the host's again, it
 *   never runs again, and every call about it but DESTROY answers YZ_ERR_INTEGRITY;
 * - the enclave that was running leaves with YZ_EXIT_INTEGRITY and is gone;
 * - the subtree begins anew, empty. Other subtrees, their enclaves and the host go on.
 */
#ifndef YZ_MONITOR_INTEGRITY_H
#define YZ_MONITOR_INTEGRITY_H

#include <stdint.h>

#include "engine.h"

/* True when the engine has found something since integrity_recover was last called. */
bool integrity_broken(void);

/* Do the above, but for the running enclave's exit. What was found first; kind 0 when nothing was. */
struct engine_failure integrity_recover(void);

/* Why an access of the monitor failed: YZ_ERR_INTEGRITY after a recovery, SBI_ERR_FAILED when the engine found nothing. */
int32_t integrity_error(void);

#endif
