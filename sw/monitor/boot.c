/* SPDX-License-Identifier: Apache-2.0 */
#include "boot.h"

#include <yz/memory_map.h>

#include "cache.h"
#include "devices.h"
#include "enclave.h"
#include "engine.h"
#include "guard.h"
#include "hal.h"
#include "hpt.h"
#include "nodes.h"
#include "pages.h"
#include "pmp.h"
#include "table_pool.h"
#include "world.h"

void boot(struct frame *frame)
{
    guard_boot(hal_device_read(SYSINFO_DRAM_PAGES));
    pages_init(hal_device_read(SYSINFO_DRAM_PAGES));
    cache_boot();
    engine_boot();
    nodes_boot();
    hpt_boot();
    table_pool_boot();
    enclave_boot();
    world_boot();
    pmp_boot();

    *frame = (struct frame){0};
    frame->x[0] = YZ_HOST_BASE;
    frame->x[REG_A0] = hal_csr_read(CSR_MHARTID);
    frame->x[REG_A1] = YZ_BOOT_ARGS;
    frame->status = MSTATUS_MPP_S;
    frame->status_changed = 1;
}
