/* SPDX-License-Identifier: Apache-2.0 */
/* The HAL over machine.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "hal.h"
#include "machine.h"
#include "pages.h"

struct machine machine;


void machine_reset(uint32_t dram_pages, uint32_t checker, uint32_t guard_areas)
{
    free(machine.dram);
    free(machine.dirty);
    memset(&machine, 0, sizeof(machine));
    machine.dram = calloc(dram_pages, YZ_PAGE_BYTES);
    machine.dirty = calloc(dram_pages, 1);
    if (machine.dram == NULL || machine.dirty == NULL)
        abort();
    machine.dram_pages = dram_pages;
    machine.checker = checker;
    machine.guard_areas = guard_areas;
    machine.fault_at = UINT32_MAX;
}

static void violation(const char *what, uint32_t address)
{
    fprintf(stderr, "the monitor broke the contract of hal.h: %s at 0x%08x\n", what, address);
    abort();
}

static void record(enum machine_op op, uint32_t address, uint32_t value)
{
    if (machine.log_count < MACHINE_LOG_MAX)
        machine.log[machine.log_count] = (struct machine_log_entry){op, address, value};
    machine.log_count++;
}

/* Where the bytes are, or a null pointer for an access that faults. */
static uint8_t *access(uint32_t pa, uint32_t bytes)
{
    uint32_t offset = (pa & ~(1u << YZ_PROTECTION_BIT)) - YZ_DRAM_BASE;
    if (pa % bytes != 0)
        violation("misaligned access", pa);
    if (offset >= machine.dram_pages * YZ_PAGE_BYTES)
        violation("access outside DRAM", pa);
    if (offset < YZ_MONITOR_BYTES)
        violation("access to the monitor's own region", pa);
    uint32_t owner = record_owner(page_records[offset / YZ_PAGE_BYTES]);
    bool raw = (pa & 1u << YZ_PROTECTION_BIT) == 0;
    if (raw && (owner == YZ_OWNER_ENCLAVE || owner == YZ_OWNER_ENCLAVE_TABLE))
        violation("raw access to a page of an enclave", pa);
    uint32_t number = machine.accesses++;
    if (number >= machine.fault_at && number - machine.fault_at < machine.fault_length)
        return NULL;
    return machine.dram + offset;
}

static void race(uint32_t pa)
{
    for (uint32_t i = 0; i < machine.race_count; i++) {
        if (machine.races[i].pa == pa) {
            memcpy(machine.dram + (pa - YZ_DRAM_BASE), &machine.races[i].value, 4);
            machine.races[i] = machine.races[--machine.race_count];
            return;
        }
    }
}

static void touch(uint32_t pa)
{
    machine.dirty[((pa & ~(1u << YZ_PROTECTION_BIT)) - YZ_DRAM_BASE) / YZ_PAGE_BYTES] = 1;
}

bool hal_load8(uint32_t pa, uint8_t *value)
{
    const uint8_t *at = access(pa, 1);
    if (at == NULL)
        return false;
    *value = *at;
    record(OP_LOAD, pa, *value);
    return true;
}

bool hal_load32(uint32_t pa, uint32_t *value)
{
    const uint8_t *at = access(pa, 4);
    if (at == NULL)
        return false;
    memcpy(value, at, 4);
    record(OP_LOAD, pa, *value);
    race(pa);
    return true;
}

bool hal_store8(uint32_t pa, uint8_t value)
{
    uint8_t *at = access(pa, 1);
    if (at == NULL)
        return false;
    *at = value;
    touch(pa);
    record(OP_STORE, pa, value);
    return true;
}

bool hal_store32(uint32_t pa, uint32_t value)
{
    uint8_t *at = access(pa, 4);
    if (at == NULL)
        return false;
    memcpy(at, &value, 4);
    touch(pa);
    record(OP_STORE, pa, value);
    return true;
}

uint32_t hal_device_read(uint32_t address)
{
    if (address - YZ_GUARD_BASE < sizeof(machine.guard)) {
        if (machine.checker == CHECKER_NONE)
            violation("read of a guard that is not there", address);
        return address == GUARD_CAPABILITIES ? machine.guard_areas : machine.guard[(address - YZ_GUARD_BASE) / 4];
    }
    switch (address) {
    case UART_STATUS:
        return (machine.console_busy ? 0 : UART__STATUS__TX_READY_bm) |
               (machine.console_in_taken < machine.console_in_bytes ? UART__STATUS__RX_VALID_bm : 0);
    case UART_RX:
        return machine.console_in[machine.console_in_taken++];
    case SYSINFO_DRAM_PAGES:
        return machine.dram_pages;
    case SYSINFO_FEATURES:
        return machine.checker | YZ_PROTECTION_BIT << SYSINFO__FEATURES__PROTECTION_BIT_bp;
    default:
        violation("read of a device register that does not exist", address);
        return 0;
    }
}

/* As gpt.rdl says: a locked entry keeps its value, and the monitor is not meant to try. */
static void guard_write(uint32_t address, uint32_t value)
{
    if (machine.checker == CHECKER_NONE)
        violation("write to a guard that is not there", address);
    for (uint32_t area = 0; area < machine.guard_areas; area++) {
        uint32_t attr = machine.guard[(GUARD_AREA_REGISTER(area, attr) - YZ_GUARD_BASE) / 4];
        if (address - GUARD_AREA(area) < sizeof(gpt__area_t__stride20_t) && (attr & GPT__AREA_T__ATTR_T__LOCK_bm) != 0)
            violation("write to a locked area entry", address);
    }
    if (address >= GUARD_AREA(machine.guard_areas))
        violation("write to an area entry that does not exist", address);
    machine.guard[(address - YZ_GUARD_BASE) / 4] = value;
}

void hal_device_write(uint32_t address, uint32_t value)
{
    record(OP_DEVICE_WRITE, address, value);
    if (address - YZ_GUARD_BASE < sizeof(machine.guard))
        guard_write(address, value);
    else if (address != UART_TX)
        violation("write to a device register that does not exist", address);
    else if (machine.console_out_bytes < MACHINE_CONSOLE_BYTES)
        machine.console_out[machine.console_out_bytes++] = (uint8_t)value;
}

uint32_t hal_csr_read(uint32_t csr)
{
    return machine.csr[csr];
}

void hal_csr_write(uint32_t csr, uint32_t value)
{
    record(OP_CSR_WRITE, csr, value);
    machine.csr[csr] = value;
}

void hal_tlb_flush(void)
{
    record(OP_TLB_FLUSH, 0, 0);
}

void hal_instruction_fence(void)
{
    record(OP_INSTRUCTION_FENCE, 0, 0);
}

void hal_stop(uint32_t code)
{
    machine.stop_code = code;
    longjmp(machine.stopped, 1);
}
