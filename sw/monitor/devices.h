/* SPDX-License-Identifier: Apache-2.0 */
/* Byte offsets and fields of the device registers the monitor uses (source: rtl/yingzhou/regs/rdl). */
#ifndef YZ_MONITOR_DEVICES_H
#define YZ_MONITOR_DEVICES_H

#include <yz/memory_map.h>

#define UART_TX (YZ_UART_BASE + 0x00u)
#define UART_RX (YZ_UART_BASE + 0x04u)
#define UART_STATUS (YZ_UART_BASE + 0x08u)
#define UART_STATUS_TX_READY (1u << 0)
#define UART_STATUS_RX_VALID (1u << 1)

#define SIM_EXIT (YZ_SIM_BASE + 0x04u)

#define SYSINFO_DRAM_PAGES (YZ_SYSINFO_BASE + 0x04u)
#define SYSINFO_FEATURES (YZ_SYSINFO_BASE + 0x08u)
#define FEATURES_CHECKER 0xFu
#define CHECKER_NONE 0u
#define CHECKER_GPT 1u
#define CHECKER_BITMAP 2u

#define GUARD_CAPABILITIES (YZ_GUARD_BASE + 0x04u)
#define GUARD_CAPABILITIES_AREAS 0xFFu
#define GUARD_CONTROL (YZ_GUARD_BASE + 0x08u)
#define GUARD_CONTROL_ENABLE (1u << 0)
#define GUARD_WORLD (YZ_GUARD_BASE + 0x0Cu)
#define GUARD_AREA(i) (YZ_GUARD_BASE + 0x100u + 0x20u * (i))
#define GUARD_AREA_ATTR(i) (GUARD_AREA(i) + 0x00u)
#define GUARD_AREA_BASE_LO(i) (GUARD_AREA(i) + 0x04u)
#define GUARD_AREA_BASE_HI(i) (GUARD_AREA(i) + 0x08u)
#define GUARD_AREA_LIMIT_LO(i) (GUARD_AREA(i) + 0x0Cu)
#define GUARD_AREA_LIMIT_HI(i) (GUARD_AREA(i) + 0x10u)
#define GUARD_ATTR_LEVELS_SHIFT 4
#define GUARD_ATTR_LOCK (1u << 31)

#endif
