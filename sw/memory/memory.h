/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks on protected memory, as a bare program: a probe on the memory bus and a hand on the power switch.
 *
 * Machine mode plays the monitor's part (the engine's registers), the harness the attacker's: an event asks for a flipped
 * bit, a copy, an old content put back, a power cut (enum yz_attack), and the program then judges what the engine made of
 * it. Each scenario first does the same without an attack, and at the end puts everything back and finds it whole.
 *
 * Physical layout (DRAM offsets):
 *
 *   0x000000 this program         0x400000 meta zone       0x800000 metadata of subtree FIRST, FIRST + 1, ...
 *   0x300000 page that resets keep                         subtree n: n * 4 MiB; those from FIRST on are protected
 */
#ifndef YZ_MEMORY_H
#define YZ_MEMORY_H

#include <stdbool.h>
#include <yz/abi.h>
#include <yz/memory_map.h>
#include <yz/mmt_regs.h>
#include <yz/sim_device.h>
#include <yz/sysinfo_regs.h>
#include <yz_bare.h>

/* Geometry of the preset `paper` (docs/mmt-format.md), compared with the engine's registers at the start. */
#define LINE 64u
#define LEVELS 3u
#define SUBTREE_LOG 22u
#define LEAF_LINES 64u             /* lines under a leaf */
#define METADATA_PAGES 145u
#define MACS_BYTES 0x80000u        /* then the nodes of level 1, 2, 3 */
#define NODE_BYTES {0x10000u, 0x800u, 0x40u}
#define ROOT_MACS 0x400u           /* in the meta zone: MAC lines of the root table, then the root tree's nodes */
#define ROOT_NODES 0x480u

#define KEPT_PAGE (YZ_DRAM_BASE + 0x300000u)
#define META_ZONE (YZ_DRAM_BASE + 0x400000u)
#define METADATA (YZ_DRAM_BASE + 0x800000u)
#define FIRST 16u
#define A FIRST
#define B (FIRST + 1)
#define C (FIRST + 2)

#define CAUSE_FETCH_ACCESS 1u
#define CAUSE_LOAD_ACCESS 5u
#define CAUSE_STORE_ACCESS 7u
#define CAUSE_ECALL 11u
#define CAUSE_INTERRUPT_EXTERNAL (1u << 31 | 11u)
#define INTERRUPT_EXTERNAL (1u << 11)

/* Numbers of mmt.rdl. */
enum op { OP_ALLOC = 1, OP_FREE, OP_MOUNT, OP_UNMOUNT, OP_FLUSH, OP_FLUSH_ALL, OP_UNLOCK, OP_STATUS };
enum result { OK, BAD_ADDRESS, OVERLAP, ALREADY_ALLOCATED, NOT_ALLOCATED, ALREADY_MOUNTED, NOT_MOUNTED, TABLE_FULL,
              RESULT_LOCKED, INTEGRITY };
enum kind { NONE, LINE_MAC, NODE_MAC, MEMORY_ERROR, EXHAUSTED, DENIED_NOT_ALLOCATED, DENIED_LOCKED, DENIED_NOT_READY,
            DENIED_OUTSIDE };

struct record {
    uint32_t kind, level, address;
    bool root;
};

/* --- engine.c: the engine, and where things lie --- */
extern volatile mmt_t *const engine;
extern volatile sysinfo_t *const sysinfo;
bool engine_start(void);
enum result command(enum op op, uint32_t subtree);
enum result allocate(uint32_t subtree, uint32_t page); /* page: a physical page number */
bool is_locked(uint32_t subtree);
struct record take(volatile mmt__record_t_t *record); /* and clear it; kind 0: nothing was recorded */
static inline uint32_t data(uint32_t subtree, uint32_t line)
{
    return YZ_DRAM_BASE + (subtree << SUBTREE_LOG) + line * LINE;
}
uint32_t metadata(uint32_t subtree);
uint32_t mac(uint32_t subtree, uint32_t line);                  /* 8 bytes */
uint32_t node(uint32_t subtree, uint32_t level, uint32_t line); /* the node above a line, 64 bytes */
uint32_t root_line(uint32_t subtree);                           /* the line of its root entry */
uint32_t root_mac(uint32_t subtree);
uint32_t root_node(uint32_t level);
static inline uint32_t protected(uint32_t physical)
{
    return physical | 1u << YZ_PROTECTION_BIT;
}

/* --- cached.c: the last-level cache, or line buffers in its place --- */
/* What lies there may be in the cache: put_away flushes it. For addresses that no function here gets. */
void touch(uint32_t address);
/* The line is not in the cache any more; memory has it. */
void put_out(uint32_t address);
bool clean(uint32_t address); /* Memory has the line. False: memory refused it; it is nowhere. */
void clean_page(uint32_t address);
bool flush_subtree(uint32_t subtree); /* all that was touched of it; false: memory refused a line */
void discard_subtree(uint32_t subtree);

/* --- access.c: accesses that may fail, and what is near the hart put away --- */
uint32_t load(uint32_t address, uint32_t *value); /* cause, or 0. From memory, not from the cache. */
uint32_t store(uint32_t address, uint32_t value); /* cause, or 0. Memory has answered it, see sysinfo.write_error. */
/* The store is refused: it traps; or it was posted, and is recorded with its line. Then the record is cleared. */
bool store_refused(uint32_t address, uint32_t value);
uint32_t fetch(uint32_t address);                 /* cause of a jump there */
uint32_t wait_for_interrupt(void);                /* cause of the trap that comes with interrupts on, or CAUSE_ECALL */
bool interrupt_pending(void);
uint32_t word(uint32_t physical); /* a word as DRAM has it */
/* New contents for `lines` lines of a subtree, `step` lines apart: every word of line n is content(seed, n). */
uint32_t content(uint32_t seed, uint32_t line);
bool fill(uint32_t subtree, uint32_t lines, uint32_t step, uint32_t seed);
bool holds(uint32_t subtree, uint32_t lines, uint32_t step, uint32_t seed);
/* FREE if it is allocated, ALLOC, fill. */
bool fresh(uint32_t subtree, uint32_t lines, uint32_t step, uint32_t seed);
/* Everything of a subtree leaves the chip. */
bool put_away(uint32_t subtree);
/* Everything of the root table and the root tree leaves the chip, and of subtree A. */
bool put_away_root(void);

/* --- attacker.c: the harness is asked to do it --- */
void flip(uint32_t address, uint32_t bit);
void splice(uint32_t source, uint32_t destination, uint32_t bytes);
void snapshot(uint32_t slot, uint32_t address, uint32_t bytes); /* 0 bytes: all of DRAM */
void replay(uint32_t slot);
void overwrite(uint32_t address, uint32_t bytes, uint32_t value);
void break_dram(uint32_t address, uint32_t bytes); /* DRAM answers errors there; 0 bytes: no more */
void find_pattern(bool present, uint32_t seed, uint32_t words);
/* The power is cut in some cycles, slot `old` put back meanwhile (NO_SLOT: nothing), and switched on again: the scenario
   goes on with the next phase. */
#define NO_SLOT 0xFFu
void cut_power(uint32_t cycles, uint32_t old);
_Noreturn void power_cycle(uint32_t old); /* now */

/* --- report.c: judging --- */
bool check(bool holds, const char *what);
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The load fails, and everything that must follow does: record, interrupt, lock, others live. Then the record is cleared. */
bool detected(const char *attack, uint32_t subtree, uint32_t line, struct record expected);
bool recorded(const char *attack, struct record expected);
/* The attack is undone, the subtree opened: everything is there again. */
bool recovered(uint32_t subtree, uint32_t lines, uint32_t step, uint32_t seed);

/* What survives a power cycle, in the page that it keeps. */
struct kept {
    uint32_t magic, scenario, phase, failed, failures, detections;
    char text[512];
    uint32_t words[64]; /* the scenario's own */
};
#define kept ((struct kept *)(uintptr_t)KEPT_PAGE)

struct scenario {
    const char *name;
    const char *threats; /* NULL: a functional one */
    bool (*run)(uint32_t phase);
};
extern const struct scenario work_scenarios[], line_scenarios[], node_scenarios[], command_scenarios[], root_scenarios[],
    power_scenarios[], window_scenarios[], lock_scenarios[];

#endif
