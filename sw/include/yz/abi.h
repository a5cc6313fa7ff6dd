/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Monitor ABI, version 1: what a host kernel and an enclave may ask of the monitor.
 *
 * Every call is an ecall in the SBI manner (SBI 2.0, chapter 3): a7 extension, a6 function, a0..a4 arguments;
 * a0 returns an error (0 or negative), a1 a value. ENCLAVE_RUN and ENCLAVE_RESUME also return in a2..a4.
 * Function numbers and meanings are PENGLAI's where they are sound; docs/monitor-abi.md says where they differ and why.
 * Shared by monitor, host, enclave runtime, native tests and scenarios: nothing of it is typed a second time in C.
 */
#ifndef YZ_ABI_H
#define YZ_ABI_H

#include <stdint.h>

#define YZ_ABI_VERSION 1u

/* Extensions (a7). */
#define SBI_EXT_BASE 0x10u
#define SBI_EXT_TIME 0x54494D45u
#define SBI_EXT_DBCN 0x4442434Eu
#define SBI_EXT_SRST 0x53525354u
#define YZ_EXT_HOST 0x00100100u    /* from S-mode, world 0 */
#define YZ_EXT_ENCLAVE 0x00100101u /* from U-mode, world 1 */

/* One extend-only list of errors: standard SBI first, ours from -100 down. A number never changes its meaning. */
#define SBI_SUCCESS 0
#define SBI_ERR_FAILED (-1)
#define SBI_ERR_NOT_SUPPORTED (-2)
#define SBI_ERR_INVALID_PARAM (-3)
#define SBI_ERR_DENIED (-4)
#define SBI_ERR_INVALID_ADDRESS (-5)
#define SBI_ERR_ALREADY_AVAILABLE (-6)
#define YZ_ERR_ALIGN (-100)       /* address, size or PTE value not aligned as the call asks */
#define YZ_ERR_RANGE (-101)       /* range empty, wraps, or leaves DRAM */
#define YZ_ERR_OWNER (-102)       /* a page is not owned by whom the call needs */
#define YZ_ERR_PTE_LOCATION (-103)/* PTE address outside the host page tables, or wrong level there */
#define YZ_ERR_PTE_TARGET (-104)  /* PTE points to a page this entry may not reach */
#define YZ_ERR_PTE_FORMAT (-105)  /* reserved bits, W without R, non-leaf with A/D/U, misaligned superpage */
#define YZ_ERR_STATE (-106)       /* call not legal now (not initialised, initialised before, enclave state) */
#define YZ_ERR_NO_MEMORY (-107)   /* enclave page-table pool or donated memory exhausted */
#define YZ_ERR_NO_SLOT (-108)     /* no free enclave, area or PMP slot */
#define YZ_ERR_NO_ENCLAVE (-109)  /* no such enclave, or not the caller's */
#define YZ_ERR_ELF (-110)         /* not a static RV32 executable that fits */
#define YZ_ERR_MAPPED (-111)      /* page still reachable through a host superpage that must be split first */
#define YZ_ERR_COUNT (-112)       /* batch or copy larger than YZ_BATCH_MAX entries */
#define YZ_ERR_BUSY (-113)        /* page or subtree is in use (shared buffer, table in use, metadata given or held) */
#define YZ_ERR_NO_NODES (-114)    /* a page's subtree of the memory engine has no metadata: MMT_EXTEND first */
#define YZ_ERR_INTEGRITY (-115)   /* protected memory failed a check: the enclave is lost, or the memory engine stopped */

/* Host extension: functions (a6). */
#define YZ_HOST_MAP_PTE 81u            /* (pte_pa, table_pa): split the 4 MiB leaf at pte_pa into table_pa, an empty leaf table */
#define YZ_HOST_PT_AREA_SEPARATION 83u /* (root_order, leaf_order=0): first 2^root_order pages of the area hold roots, the rest leaf tables */
#define YZ_HOST_MEMORY_EXTEND 92u      /* (pa, size): give contiguous pages to the enclave page-table area */
#define YZ_HOST_DESTROY_ENCLAVE 94u    /* (eid) */
#define YZ_HOST_RESUME_ENCLAVE 95u     /* (eid, reason YZ_RESUME_*, value): reason must match the state; value is the ocall's result */
#define YZ_HOST_STOP_ENCLAVE 96u       /* (eid) */
#define YZ_HOST_RUN_ENCLAVE 97u        /* (eid): first entry */
#define YZ_HOST_CREATE_ENCLAVE 99u     /* (params_pa): a1 = eid */
#define YZ_HOST_SM_INIT 100u           /* (area_pa, area_size, 0, 0, 0): HPT area, power of two, naturally aligned; once */
#define YZ_HOST_SET_PTE 101u           /* (op YZ_PTE_*, arg1, arg2, arg3) */
#define YZ_HOST_HPT_EXTEND 110u        /* (pa, size, level): another HPT area, power of two, naturally aligned; level 1 roots, 0 leaf tables */
#define YZ_HOST_SATP 111u              /* (satp): same policy as an emulated csrw satp, without the decoding */
#define YZ_HOST_PAGE_OWNER 112u        /* (pa): a1 = enum yz_owner of the page, for diagnosis */
#define YZ_HOST_MMT_EXTEND 113u        /* (pa, size, served_pa): lend pages for the memory engine's metadata of the subtree that holds served_pa */
#define YZ_HOST_MMT_INFO 114u          /* (what YZ_MMT_*): a1 = what was asked */

/* MMT_INFO (a0). */
#define YZ_MMT_PAGES 0u       /* pages of metadata that a subtree needs; 0: this machine has no memory engine */
#define YZ_MMT_SUBTREE_LOG 1u /* bytes of a subtree, as a power of two; 0 as above */

/* SET_PTE operations (a0). Addresses are physical; entries are 4 bytes. */
#define YZ_PTE_SET_ONE 1u    /* (pte_pa, value) */
#define YZ_PTE_MEMSET 2u     /* (pte_pa, 0, size): zero size bytes of entries */
#define YZ_PTE_MEMCPY 3u     /* (dst_pa, src_pa, size): copy size bytes of entries; src is any host-owned or HPT page */
#define YZ_PTE_BATCH_ZERO 4u /* (array_pa, count): array of struct yz_pte_update; value: bytes to zero from pte_pa */
#define YZ_PTE_BATCH_SET 5u  /* (array_pa, count): array of struct yz_pte_update */
#define YZ_BATCH_MAX 1024u   /* largest count, and largest MEMSET / MEMCPY size / 4 */

struct yz_pte_update {
    uint32_t pte_pa;
    uint32_t value;
};

/* Owner of a 4 KiB page. Every page has exactly one. */
enum yz_owner {
    YZ_OWNER_FREE = 0,          /* not DRAM, or never usable */
    YZ_OWNER_HOST = 1,          /* host data; may be mapped by the host, donated */
    YZ_OWNER_HPT_ROOT = 2,      /* host root tables */
    YZ_OWNER_HPT_LEAF = 3,      /* host leaf tables */
    YZ_OWNER_MONITOR = 4,
    YZ_OWNER_ENCLAVE_TABLE = 5, /* enclave page tables */
    YZ_OWNER_ENCLAVE = 6,       /* private page of one enclave */
    YZ_OWNER_SHARED = 7,        /* host page lent to an enclave as its ocall buffer */
    YZ_OWNER_NODE = 8,          /* metadata of the memory engine, lent by the host */
    YZ_OWNER_SHADOW = 9,        /* reserved: shadow enclave template */
};

/* CREATE_ENCLAVE parameters: one struct inside one host page, snapshotted once. */
struct yz_enclave_params {
    uint32_t version;     /* YZ_ABI_VERSION */
    uint32_t elf_pa;      /* static RV32 ELF image, host pages, contiguous */
    uint32_t elf_size;    /* bytes */
    uint32_t mem_pa;      /* donated pages, contiguous, page aligned, raw window */
    uint32_t mem_size;    /* bytes, multiple of 4096 */
    uint32_t stack_size;  /* bytes, multiple of 4096, from the donated pages */
    uint32_t shm_pa;      /* ocall buffer: host pages that stay the host's, page aligned */
    uint32_t shm_size;    /* bytes, multiple of 4096, at most YZ_SHM_MAX */
};

/* Enclave virtual layout besides the ELF's own segments. */
#define YZ_ENCLAVE_SHM_VA 0x70000000u   /* ocall buffer, RW, not X */
#define YZ_ENCLAVE_STACK_TOP 0x60000000u/* stack grows down from here; the page below the stack is not mapped */
#define YZ_ENCLAVE_VA_LIMIT 0x50000000u /* ELF segments and heap lie in [4096, limit) */
#define YZ_SHM_MAX 65536u
#define YZ_MAX_ENCLAVES 16u

/* At entry the enclave has: pc = e_entry, sp = stack top, a0 = YZ_ENCLAVE_SHM_VA, a1 = shm_size, a2 = heap start VA, a3 = heap bytes. */

/* Why RUN or RESUME came back (a1 when a0 is 0); a2..a4 as below. */
#define YZ_EXIT_TIMER 1u  /* host timer is due; RESUME with YZ_RESUME_TIMER */
#define YZ_EXIT_OCALL 2u  /* a2 ocall number, a3 and a4 its arguments; RESUME with YZ_RESUME_OCALL */
#define YZ_EXIT_DONE 3u   /* a2 exit code; the enclave is destroyed */
#define YZ_EXIT_FAULT 4u  /* a2 cause (scause encoding); address and pc are not told; the enclave is destroyed */
#define YZ_EXIT_YIELD 5u  /* RESUME with YZ_RESUME_TIMER */
#define YZ_EXIT_INTEGRITY 6u /* its memory failed a check: a2 kind and a3 level as the engine records them (mmt.rdl); the enclave is destroyed */
#define YZ_RESUME_TIMER 0u
#define YZ_RESUME_STOP 1u  /* mark a stopped enclave runnable again; does not enter it */
#define YZ_RESUME_OCALL 2u

/* Enclave extension: functions (a6). */
#define YZ_ENCLAVE_YIELD 89u
#define YZ_ENCLAVE_GET_ID 90u
#define YZ_ENCLAVE_OCALL 98u /* (number, arg0, arg1): a0 error, a1 the host's result */
#define YZ_ENCLAVE_EXIT 99u  /* (code) */

/* Ocall numbers: a contract between enclave runtime and host, not interpreted by the monitor. */
#define YZ_OCALL_WRITE 3u /* (offset in the shared buffer, length): write to the console; result = bytes written */
#define YZ_OCALL_READ 4u  /* (offset in the shared buffer, capacity): read input; result = bytes put there, 0 at the end */

/* What the harness tells the host: one page at YZ_BOOT_ARGS. */
#define YZ_BOOT_MAGIC 0x41425A59u /* "YZBA" */
enum yz_boot_mode {
    YZ_MODE_DEMO = 0,    /* functional scenarios: boot, processes, paging, timer, enclave life */
    YZ_MODE_ATTACK = 1,  /* hostile host */
    YZ_MODE_BENCH = 2,   /* workloads and latencies, results through bench events */
    YZ_MODE_ENCLAVE = 3, /* run the enclave ELF in the initrd, exit with its code */
    YZ_MODE_TAMPER = 4,  /* attacks on DRAM under enclaves; needs a memory engine */
};
#define YZ_BOOT_UNGUARDED 1u /* flags: never initialise the guard; write page tables directly (baseline for benches) */
struct yz_boot_args {
    uint32_t magic;
    uint32_t version; /* YZ_ABI_VERSION */
    uint32_t mode;
    uint32_t flags;
    uint32_t dram_size; /* bytes */
    uint32_t initrd_pa;
    uint32_t initrd_size; /* bytes, 0: none */
    uint32_t seed;
    uint32_t scenario; /* 0: all, else only the scenario with this number */
    uint32_t param[7];
};

/* Events on the simulation device (register event; arguments in arg[0..3]). Strings are physical addresses in DRAM, NUL terminated. */
#define YZ_EVENT_SCENARIO_BEGIN 1u /* arg0 name, arg1 kind: 0 function 1 attack, arg2 threat ids ("W01,W02" or 0), arg3 0 */
#define YZ_EVENT_SCENARIO_END 2u   /* arg0 1 pass 0 fail, arg1 detail string */
#define YZ_EVENT_BENCH 3u          /* arg0 bench name, arg1 metric name, arg2 value, arg3 unit name */
#define YZ_EVENT_MARK 4u           /* arg0..3 free; logged with the cycle */
#define YZ_EVENT_ATTACK 5u         /* arg0 enum yz_attack, arg1..3 its arguments: the harness plays the physical attacker, then the program goes on */
#define YZ_EVENT_DATA 6u           /* arg0 enum yz_leak, arg1 address, arg2 bytes: what the open scenario saw, or what follows on it */

/* What a measurement of a side channel hands over (sim/yingzhou_sim/leak.py): plaintext blocks, each with the times seen. */
enum yz_leak {
    YZ_LEAK_KEY = 1,   /* the secret, for the judge alone */
    YZ_LEAK_PROBE = 2, /* times: a half word for each line of the tables */
    YZ_LEAK_TIME = 3,  /* a word: the whole encryption */
    YZ_LEAK_LIMIT = 4, /* with TIME, words: cycles of an encryption that missed, how many must fit a guess, bytes of the key it is about */
    YZ_LEAK_LOCKED = 16, /* flag: the tables are locked, so nothing may be found */
};

/* Attacks on DRAM behind the chip's back. Addresses are of the raw window. An attack that fails, fails the scenario. */
enum yz_attack {
    YZ_ATTACK_FLIP = 1,     /* address, bit: counted from bit 0 of that byte */
    YZ_ATTACK_SPLICE = 2,   /* source, destination, bytes */
    YZ_ATTACK_SNAPSHOT = 3, /* slot, address, bytes; 0 bytes: all of DRAM */
    YZ_ATTACK_REPLAY = 4,   /* slot */
    YZ_ATTACK_FILL = 5,     /* address, bytes, value of each */
    YZ_ATTACK_ABSENT = 6,   /* seed, words: no page of DRAM may hold these words (sim/yingzhou_sim/attacker.py: pattern) */
    YZ_ATTACK_PRESENT = 7,  /* seed, words: some page must */
    YZ_ATTACK_RESET = 8,    /* cycles to go on first, slot + 1 to replay while the power is off or 0, page to keep or 0: then the program is loaded again and starts anew; the kept page is not part of it */
    YZ_ATTACK_FAULT = 9,    /* address, bytes: DRAM answers every access there with an error, from now on; 0 bytes: nowhere any more */
};

#endif
