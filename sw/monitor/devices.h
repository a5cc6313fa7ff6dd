/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the device registers the monitor uses. Offsets and fields come from the generated register headers. */
#ifndef YZ_MONITOR_DEVICES_H
#define YZ_MONITOR_DEVICES_H

#include <stddef.h>
#include <stdint.h>

#include <yz/bitmap_regs.h>
#include <yz/gpt_regs.h>
#include <yz/llc_regs.h>
#include <yz/memory_map.h>
#include <yz/mmt_regs.h>
#include <yz/sim_regs.h>
#include <yz/sysinfo_regs.h>
#include <yz/uart_regs.h>

#define REGISTER(base, type, member) ((base) + (uint32_t)offsetof(type, member))

#define UART_TX REGISTER(YZ_UART_BASE, uart_t, tx)
#define UART_RX REGISTER(YZ_UART_BASE, uart_t, rx)
#define UART_STATUS REGISTER(YZ_UART_BASE, uart_t, status)

#define SIM_EXIT REGISTER(YZ_SIM_BASE, sim_t, exit)

#define SYSINFO_DRAM_PAGES REGISTER(YZ_SYSINFO_BASE, sysinfo_t, dram_pages)
#define SYSINFO_FEATURES REGISTER(YZ_SYSINFO_BASE, sysinfo_t, features)
#define SYSINFO_WRITE_ERROR REGISTER(YZ_SYSINFO_BASE, sysinfo_t, write_error)
/* Value of sysinfo.features.memory. */
#define MEMORY_ENGINE 1u
/* Value of sysinfo.features.cache. */
#define LAST_LEVEL_CACHE 1u
/* Values of sysinfo.features.checker. */
#define CHECKER_NONE 0u
#define CHECKER_GPT 1u
#define CHECKER_BITMAP 2u

#define ENGINE_REGISTER(member) REGISTER(YZ_MMT_BASE, mmt_t, member)
#define ENGINE_CAPABILITIES ENGINE_REGISTER(capabilities)
#define ENGINE_METADATA_PAGES ENGINE_REGISTER(metadata_pages)
#define ENGINE_ROOT_BYTES ENGINE_REGISTER(root_bytes)
#define ENGINE_CONTROL ENGINE_REGISTER(control)
#define ENGINE_STATUS_REGISTER ENGINE_REGISTER(status)
#define ENGINE_ROOT_PAGE_LO ENGINE_REGISTER(root_page_lo)
#define ENGINE_ROOT_PAGE_HI ENGINE_REGISTER(root_page_hi)
#define ENGINE_SUBTREE ENGINE_REGISTER(command.subtree)
#define ENGINE_PAGE_LO ENGINE_REGISTER(command.page_lo)
#define ENGINE_PAGE_HI ENGINE_REGISTER(command.page_hi)
#define ENGINE_OP ENGINE_REGISTER(command.op)
#define ENGINE_ANSWER ENGINE_REGISTER(answer.state)
#define ENGINE_FAILURE ENGINE_REGISTER(failure.state)

#define CACHE_REGISTER(member) REGISTER(YZ_LLC_BASE, llc_t, member)
#define CACHE_ADDRESS_LO CACHE_REGISTER(operation.address_lo)
#define CACHE_OP CACHE_REGISTER(operation.op)
#define CACHE_ANSWER CACHE_REGISTER(answer.state)
#define CACHE_FAILURE CACHE_REGISTER(failure.state)

/* Control and world lie at the same place in both checkers. */
#define GUARD_CAPABILITIES REGISTER(YZ_GUARD_BASE, gpt_t, capabilities)
#define GUARD_CONTROL REGISTER(YZ_GUARD_BASE, gpt_t, control)
#define GUARD_WORLD REGISTER(YZ_GUARD_BASE, gpt_t, world)
_Static_assert(offsetof(gpt_t, control) == offsetof(bitmap_t, control), "one name for control");
_Static_assert(offsetof(gpt_t, world) == offsetof(bitmap_t, world), "one name for world");

/* Register `member` of area entry `i`. */
#define GUARD_AREA(i) (REGISTER(YZ_GUARD_BASE, gpt_t, area) + (uint32_t)sizeof(gpt__area_t__stride20_t) * (i))
#define GUARD_AREA_REGISTER(i, member) REGISTER(GUARD_AREA(i), gpt__area_t__stride20_t, member)

#define BITMAP_REGISTER(member) REGISTER(YZ_GUARD_BASE, bitmap_t, member)

#endif
