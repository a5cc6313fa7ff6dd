/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata of the memory engine: nodes and MACs of each subtree in use, in pages that the host lends.
 *
 *   subtree:  without metadata --MMT_EXTEND--> with metadata --last secure page gone--> without metadata
 *
 * Secure pages are those of owner ENCLAVE and ENCLAVE_TABLE: what is read and written through the protected window.
 *
 * Invariants:
 * - A secure page lies in a subtree with metadata (and so in one that is allocated in the engine).
 * - Metadata pages have owner NODE, serve one subtree, and lie in no subtree with metadata.
 * - While a subtree has metadata, the pages are not the host's; when it has no secure page left it is freed in the
 *   engine, and then its metadata pages are the host's again.
 *
 * Metadata needs no zeroing, neither way: the engine reads none that it has not written in this life of the subtree, and
 * whoever probes memory sees it anyway. Without an engine every page may be secure, and no metadata is taken.
 */
#ifndef YZ_MONITOR_NODES_H
#define YZ_MONITOR_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "pages.h"
#include "sbi.h"

/* After engine_boot and pages_init. */
void nodes_boot(void);

/* YZ_HOST_MMT_EXTEND. */
int32_t nodes_extend(uint32_t pa, uint32_t size, uint32_t served_pa);

/* YZ_HOST_MMT_INFO. */
struct sbi_result nodes_info(uint32_t what);

/* SBI_SUCCESS when every subtree of the range has metadata, YZ_ERR_NO_NODES otherwise. */
int32_t nodes_check(struct page_range range);

/* Pages of the range have stopped being secure: free the subtrees that have none left. */
void nodes_release(struct page_range range);

/*
 * The engine has locked a subtree: begin it anew, empty, with the same metadata. False when that cannot be; then the
 * metadata is the host's again, and table pages in it are never used again (FREE).
 */
bool nodes_renew(uint32_t number);

#endif
