/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native monitor as a process: commands on standard input, answers on standard output, little endian words.
 * tb/monitor/native.py is the other side and describes each command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "cache_native.h"
#include "enclave.h"
#include "engine_native.h"
#include "guard.h"
#include "hal.h"
#include "machine.h"
#include "pages.h"
#include "trap.h"

static struct frame frame;

static void get(void *to, size_t bytes)
{
    if (bytes != 0 && fread(to, bytes, 1, stdin) != 1)
        exit(0);
}

static uint32_t word(void)
{
    uint32_t value;
    get(&value, 4);
    return value;
}

static void put(const void *from, size_t bytes)
{
    if (bytes != 0)
        fwrite(from, bytes, 1, stdout);
}

static void put_word(uint32_t value)
{
    put(&value, 4);
}

/* Registers, then mstatus, then 1 and the exit code when the monitor stopped the machine. */
static void answer_frame(bool stopped)
{
    if (frame.status_changed)
        machine.csr[CSR_MSTATUS] = frame.status;
    put(frame.x, sizeof(frame.x));
    put_word(machine.csr[CSR_MSTATUS]);
    put_word(stopped);
    put_word(machine.stop_code);
}

static void reset(void)
{
    uint32_t pages = word(), checker = word(), areas = word(), engine = word();
    machine_reset(pages, checker, areas, engine);
    memset(page_records, 0xA5, sizeof(page_records)); /* DRAM after power-on */
    bool stopped = setjmp(machine.stopped) != 0;
    if (!stopped)
        boot(&frame);
    answer_frame(stopped);
}

/* The monitor's part of a trap whose cause and registers are in `frame`. */
static void handle(void)
{
    frame.status = machine.csr[CSR_MSTATUS];
    frame.status_changed = 0;
    native_cache_trap();
    if (trap_handle(&frame))
        trap_switch(&frame);
    native_engine_drain();
    native_cache_judge();
    if (frame.status_changed)
        machine.csr[CSR_MSTATUS] = frame.status;
}

/* What hardware does at a trap from mode `mpp`, then the monitor, then mret; and again for what is pending then. */
static void trap(void)
{
    get(frame.x, sizeof(frame.x));
    frame.cause = word();
    machine.csr[CSR_MTVAL] = word();
    uint32_t mpp = word();
    machine.csr[CSR_MSTATUS] = (machine.csr[CSR_MSTATUS] & ~MSTATUS_MPP) | mpp;
    machine.accesses = 0;
    machine.log_count = 0;
    bool stopped = setjmp(machine.stopped) != 0;
    if (!stopped) {
        handle();
        while ((machine.csr[CSR_MIE] & INTERRUPT_MEI) != 0 && (native_engine_interrupt() || native_cache_interrupt())) {
            frame.cause = CAUSE_MEI;
            handle();
        }
    }
    answer_frame(stopped);
}

static uint8_t *dram(uint32_t pa, uint32_t bytes)
{
    uint32_t offset = pa - YZ_DRAM_BASE;
    if (offset > machine.dram_pages * YZ_PAGE_BYTES || bytes > machine.dram_pages * YZ_PAGE_BYTES - offset)
        abort();
    return machine.dram + offset;
}

static void dirty_pages(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < machine.dram_pages; i++)
        count += machine.dirty[i];
    put_word(count);
    for (uint32_t i = 0; i < machine.dram_pages; i++) {
        if (machine.dirty[i])
            put_word(i);
    }
    memset(machine.dirty, 0, machine.dram_pages);
}

static void command(int name)
{
    uint32_t a, b;
    switch (name) {
    case 'R':
        reset();
        break;
    case 'T':
        trap();
        break;
    case 'r': /* read DRAM */
        a = word();
        b = word();
        put(dram(a, b), b);
        break;
    case 'w': /* write DRAM */
        a = word();
        b = word();
        get(dram(a, b), b);
        break;
    case 'p': /* read the protected window */
        a = word() - (YZ_PROTECTED_BASE - YZ_DRAM_BASE);
        b = word();
        dram(a, b);
        put(native_engine_plain(a - YZ_DRAM_BASE, b), b);
        break;
    case 'q': /* write it, as an enclave does */
        a = word() - (YZ_PROTECTED_BASE - YZ_DRAM_BASE);
        b = word();
        dram(a, b);
        get(native_engine_plain(a - YZ_DRAM_BASE, b), b);
        native_engine_seal(a - YZ_DRAM_BASE, b);
        break;
    case 'V': /* a load through the protected window, as an enclave makes it: 1 when it goes well */
        a = word() - YZ_PROTECTED_BASE;
        dram(a + YZ_DRAM_BASE, 4);
        put_word(native_engine_load(a, 4, &b));
        break;
    case 'W': /* memory refuses a store of the enclave that runs */
        machine.write_error = true;
        break;
    case 'K': /* the root tree is broken */
        native_engine_lock_root();
        break;
    case 'g': /* generation of subtree a */
        a = word();
        native_engine_set_generation(a, word());
        break;
    case 'S': /* subtrees as the monitor and as the engine know them */
        put(page_subtrees, NATIVE_SUBTREES * sizeof(page_subtrees[0]));
        put(native_subtrees, sizeof(native_subtrees));
        break;
    case 'l': /* stores from access number a on, b of them, are acknowledged and lost */
        machine.lost_at = word();
        machine.lost_length = word();
        break;
    case 'k': /* the next a CLEANs of the cache find a line that memory refuses */
        native_cache_refuse(word());
        break;
    case 'j': /* the cache records a failure of kind a */
        native_cache_fail(word());
        break;
    case 'C': /* read CSR */
        put_word(machine.csr[word() & 4095]);
        break;
    case 'c': /* write CSR */
        a = word();
        machine.csr[a & 4095] = word();
        break;
    case 'D':
        dirty_pages();
        break;
    case 'F': /* fault at access number a, for b accesses */
        machine.fault_at = word();
        machine.fault_length = word();
        break;
    case 'N': /* accesses of the last trap */
        put_word(machine.accesses);
        break;
    case 'X': /* the word at a becomes b after its first load */
        a = machine.race_count++ % MACHINE_RACES_MAX;
        machine.races[a].pa = word();
        machine.races[a].value = word();
        break;
    case 'P': /* page records and chunks */
        put(page_records, machine.dram_pages * 4);
        put(page_chunks, sizeof(page_chunks));
        break;
    case 'E': /* set the generation of enclave slot a */
        a = word();
        enclaves[a % YZ_MAX_ENCLAVES].generation = word();
        break;
    case 'B': /* ownership bitmap */
        put(guard_bitmap, machine.dram_pages / 8);
        break;
    case 'G':
        put(machine.guard, sizeof(machine.guard));
        break;
    case 'L': /* log of the last trap */
        a = machine.log_count < MACHINE_LOG_MAX ? machine.log_count : MACHINE_LOG_MAX;
        put_word(machine.log_count);
        put_word(a);
        put(machine.log, a * sizeof(machine.log[0]));
        break;
    case 'O': /* take console output */
        put_word(machine.console_out_bytes);
        put(machine.console_out, machine.console_out_bytes);
        machine.console_out_bytes = 0;
        break;
    case 'I': /* console input; bit 31: the transmitter stays busy */
        a = word();
        machine.console_busy = a >> 31;
        machine.console_in_bytes = a & (MACHINE_CONSOLE_BYTES - 1);
        machine.console_in_taken = 0;
        get(machine.console_in, machine.console_in_bytes);
        break;
    default:
        abort();
    }
    fflush(stdout);
}

int main(void)
{
    for (int name = getchar(); name != EOF; name = getchar())
        command(name);
    return 0;
}
