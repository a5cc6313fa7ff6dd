/* SPDX-License-Identifier: Apache-2.0 */
/* The HAL over machine.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_native.h"
#include "devices.h"
#include "engine_native.h"
#include "hal.h"
#include "machine.h"
#include "pages.h"

struct machine machine;
static uint32_t engine_built;

void machine_reset(uint32_t dram_pages, uint32_t checker, uint32_t guard_areas, uint32_t engine)
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
    machine.fault_at = machine.lost_at = UINT32_MAX;
    engine_built = engine;
    native_engine_reset(engine);
    native_cache_reset();
}

void machine_violation(const char *what, uint32_t address)
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

/* What an access does, and where the bytes are in DRAM. A load is never lost. */
enum fate { FAULTS, LOST, RAW, PROTECTED };
enum use { LOADS, STORES, ERASES };

static enum fate access(uint32_t pa, uint32_t bytes, enum use use, uint32_t *at)
{
    uint32_t offset = (pa & ~(1u << YZ_PROTECTION_BIT)) - YZ_DRAM_BASE;
    if (pa % bytes != 0)
        machine_violation("misaligned access", pa);
    if (offset >= machine.dram_pages * YZ_PAGE_BYTES)
        machine_violation("access outside DRAM", pa);
    if (offset < YZ_MONITOR_BYTES)
        machine_violation("access to the monitor's own region", pa);
    uint32_t owner = record_owner(page_records[offset / YZ_PAGE_BYTES]);
    bool raw = (pa & 1u << YZ_PROTECTION_BIT) == 0;
    if (raw && (owner == YZ_OWNER_ENCLAVE_TABLE || owner == YZ_OWNER_NODE || (owner == YZ_OWNER_ENCLAVE && use != ERASES)))
        machine_violation("raw access to a page of an enclave or of the memory engine", pa);
    native_cache_touch(offset / YZ_PAGE_BYTES, !raw);
    *at = offset;
    uint32_t number = machine.accesses++;
    if (number >= machine.fault_at && number - machine.fault_at < machine.fault_length)
        return FAULTS;
    if (use != LOADS && number >= machine.lost_at && number - machine.lost_at < machine.lost_length)
        return LOST;
    return raw || engine_built == NATIVE_NO_ENGINE ? RAW : PROTECTED;
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

static bool load(uint32_t pa, uint32_t bytes, uint32_t *value)
{
    uint32_t at;
    switch (access(pa, bytes, LOADS, &at)) {
    case FAULTS:
        return false;
    case PROTECTED:
        if (!native_engine_load(at, bytes, value))
            return false;
        break;
    default:
        *value = 0;
        memcpy(value, machine.dram + at, bytes);
        break;
    }
    record(OP_LOAD, pa, *value);
    race(pa);
    return true;
}

static bool store(uint32_t pa, uint32_t bytes, uint32_t value)
{
    uint32_t at;
    switch (access(pa, bytes, value == 0 ? ERASES : STORES, &at)) {
    case FAULTS:
        return false;
    case LOST:
        if ((pa & 1u << YZ_PROTECTION_BIT) == 0 || engine_built == NATIVE_NO_ENGINE) {
            machine.write_error = true;
            return true;
        }
        native_engine_lose(at);
        /* fallthrough */
    case PROTECTED:
        native_engine_store(at, bytes, value);
        break;
    default:
        native_engine_drain();
        memcpy(machine.dram + at, &value, bytes);
        break;
    }
    touch(pa);
    record(OP_STORE, pa, value);
    return true;
}

bool hal_load8(uint32_t pa, uint8_t *value)
{
    uint32_t word;
    if (!load(pa, 1, &word))
        return false;
    *value = (uint8_t)word;
    return true;
}

bool hal_load32(uint32_t pa, uint32_t *value)
{
    uint32_t word;
    if (!load(pa, 4, &word))
        return false;
    *value = word;
    return true;
}

bool hal_store8(uint32_t pa, uint8_t value)
{
    return store(pa, 1, value);
}

bool hal_store32(uint32_t pa, uint32_t value)
{
    return store(pa, 4, value);
}

uint32_t hal_device_read(uint32_t address)
{
    native_engine_drain();
    if (address - YZ_MMT_BASE < YZ_MMT_BYTES && engine_built != NATIVE_NO_ENGINE)
        return native_engine_read(address);
    if (address - YZ_LLC_BASE < YZ_LLC_BYTES)
        return native_cache_read(address);
    if (address - YZ_GUARD_BASE < sizeof(machine.guard)) {
        if (machine.checker == CHECKER_NONE)
            machine_violation("read of a guard that is not there", address);
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
        return machine.checker | LAST_LEVEL_CACHE << SYSINFO__FEATURES__CACHE_bp |
               YZ_PROTECTION_BIT << SYSINFO__FEATURES__PROTECTION_BIT_bp |
               (engine_built != NATIVE_NO_ENGINE ? MEMORY_ENGINE << SYSINFO__FEATURES__MEMORY_bp : 0);
    case SYSINFO_WRITE_ERROR:
        return machine.write_error ? SYSINFO__WRITE_ERROR__VALID_bm : 0;
    default:
        machine_violation("read of a device register that does not exist", address);
        return 0;
    }
}

/* As gpt.rdl says: a locked entry keeps its value, and the monitor is not meant to try. */
static void guard_write(uint32_t address, uint32_t value)
{
    if (machine.checker == CHECKER_NONE)
        machine_violation("write to a guard that is not there", address);
    for (uint32_t area = 0; area < machine.guard_areas; area++) {
        uint32_t attr = machine.guard[(GUARD_AREA_REGISTER(area, attr) - YZ_GUARD_BASE) / 4];
        if (address - GUARD_AREA(area) < sizeof(gpt__area_t__stride20_t) && (attr & GPT__AREA_T__ATTR_T__LOCK_bm) != 0)
            machine_violation("write to a locked area entry", address);
    }
    if (address >= GUARD_AREA(machine.guard_areas))
        machine_violation("write to an area entry that does not exist", address);
    machine.guard[(address - YZ_GUARD_BASE) / 4] = value;
}

void hal_device_write(uint32_t address, uint32_t value)
{
    record(OP_DEVICE_WRITE, address, value);
    native_engine_drain();
    if (address - YZ_MMT_BASE < YZ_MMT_BYTES && engine_built != NATIVE_NO_ENGINE)
        native_engine_write(address, value);
    else if (address - YZ_LLC_BASE < YZ_LLC_BYTES)
        native_cache_write(address, value);
    else if (address == SYSINFO_WRITE_ERROR)
        machine.write_error = machine.write_error && (value & SYSINFO__WRITE_ERROR__VALID_bm) == 0;
    else if (address - YZ_GUARD_BASE < sizeof(machine.guard))
        guard_write(address, value);
    else if (address != UART_TX)
        machine_violation("write to a device register that does not exist", address);
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
