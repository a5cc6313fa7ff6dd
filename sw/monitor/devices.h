/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the device registers the monitor uses. Offsets and fields come from the generated register headers. */
#ifndef YZ_MONITOR_DEVICES_H
#define YZ_MONITOR_DEVICES_H

#include <stddef.h>
#include <stdint.h>

#include <yz/bitmap_regs.h>
#include <yz/gpt_regs.h>
#include <yz/memory_map.h>
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
/* Values of sysinfo.features.checker. */
#define CHECKER_NONE 0u
#define CHECKER_GPT 1u
#define CHECKER_BITMAP 2u

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
