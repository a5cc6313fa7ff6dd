/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only door from the monitor to memory, devices and CSRs.
 *
 * On the target these are inline instructions (hal_target.h). In the native build (YZ_NATIVE) they are functions over
 * an array of bytes, where tests look at every access and make any of them fail (native/hal_native.c).
 *
 * Contract:
 * - Memory functions take physical addresses of DRAM in either window. The caller has checked range and owner.
 * - They return false when the memory answered with an access fault; the value is then not written. No fault hangs.
 * - 32-bit accesses are 4-byte aligned. Each call is one access: reading an argument once is reading it exactly once.
 * - Device and CSR functions do not fail: a fault there is fatal (trap.h).
 */
#ifndef YZ_MONITOR_HAL_H
#define YZ_MONITOR_HAL_H

#include <stdbool.h>
#include <stdint.h>

#include "csr.h"

#ifdef YZ_NATIVE
bool hal_load8(uint32_t pa, uint8_t *value);
bool hal_store8(uint32_t pa, uint8_t value);
bool hal_load32(uint32_t pa, uint32_t *value);
bool hal_store32(uint32_t pa, uint32_t value);
uint32_t hal_device_read(uint32_t address);
void hal_device_write(uint32_t address, uint32_t value);
uint32_t hal_csr_read(uint32_t csr);
void hal_csr_write(uint32_t csr, uint32_t value);
void hal_tlb_flush(void);
void hal_instruction_fence(void);
__attribute__((noreturn)) void hal_stop(uint32_t code);
#else
#include "hal_target.h"
#endif

/*
 * Wait until memory has answered every store so far. False when it refused one since the last call: stores are posted,
 * so hal_store32 and what is made of it cannot tell. (A device access waits for them; sysinfo.rdl.)
 */
bool hal_settle(void);

/*
 * Zero `bytes` from `pa`; both multiples of 4. False after a fault: an unknown part is zeroed.
 * Whole lines of 64 bytes are written as one each (llc/store_gather.py): it must do nothing between the stores that loads
 * from the line or touches a device. So they may be lines of protected memory that the host has overwritten, which the
 * memory engine would refuse to read.
 */
bool hal_zero(uint32_t pa, uint32_t bytes);

/* Copy `bytes`; the two addresses have the same alignment modulo 4. False after a fault: an unknown part is copied. */
bool hal_copy(uint32_t destination, uint32_t source, uint32_t bytes);

#endif
