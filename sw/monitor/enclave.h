/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enclaves: memory donated by the host, an ELF image in it, page tables from the pool, and one saved context.
 *
 *   FREE --create--> FRESH --run--> RUNNING --timer, yield--> RUNNABLE --resume(timer)--> RUNNING
 *                                   RUNNING --ocall--> OCALLING --resume(ocall)--> RUNNING
 *                                   RUNNABLE --stop--> STOPPED --resume(stop)--> RUNNABLE
 *   RUNNING --exit, fault, broken memory--> FREE        any but RUNNING --destroy--> FREE
 *   any but RUNNING --broken memory--> LOST --destroy--> FREE   (integrity.h)
 *
 * Identifier:  31 0 | 30..4 generation | 3..0 slot.  A slot's generation grows at every destroy, so an identifier of a
 * destroyed enclave never names another one; a slot whose generations are used up stays unused.
 *
 * Memory, in the order of the donated pages: ELF segments, stack, heap. Physical addresses are those of the protected
 * window. Virtual: segments where the ELF says, the heap right after the highest, the stack below YZ_ENCLAVE_STACK_TOP
 * with an unmapped page below it, the ocall buffer (raw window, host pages with owner SHARED) at YZ_ENCLAVE_SHM_VA.
 *
 * Invariants:
 * - A page of owner ENCLAVE is mapped by the tables of its one enclave and by nothing else.
 * - Its contents are zero or the enclave's from before it is the enclave's first, and zero before it is the host's
 *   again.
 * - The host sees of an enclave: its identifier, why it came back, and the registers that abi.h names. Its own
 *   registers are what they were at the call.
 */
#ifndef YZ_MONITOR_ENCLAVE_H
#define YZ_MONITOR_ENCLAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "elf.h"
#include "pages.h"
#include "sbi.h"
#include "trap.h"

enum enclave_state {
    ENCLAVE_FREE,
    ENCLAVE_FRESH,
    ENCLAVE_RUNNABLE,
    ENCLAVE_RUNNING,
    ENCLAVE_STOPPED,
    ENCLAVE_OCALLING,
    ENCLAVE_LOST, /* its memory failed a check and is no longer its */
};

struct enclave {
    enum enclave_state state;
    uint32_t generation;
    struct page_range memory;
    struct page_range shared; /* count 0: none */
    uint32_t root;            /* index of its root table */
    uint32_t x[32];           /* registers while it does not run; x[0] the program counter */
};

#define ENCLAVE_SLOT_BITS 4
#define ENCLAVE_GENERATION_MAX 0x07FFFFFFu
_Static_assert(YZ_MAX_ENCLAVES == 1u << ENCLAVE_SLOT_BITS, "an identifier holds a slot in four bits");

extern struct enclave enclaves[YZ_MAX_ENCLAVES];

void enclave_boot(void);

uint32_t enclave_id(const struct enclave *enclave);

/* The enclave with this identifier, or a null pointer. */
struct enclave *enclave_find(uint32_t eid);

/* Tag of its pages in the records (pages.h). */
uint32_t enclave_tag(const struct enclave *enclave);

/* YZ_HOST_CREATE_ENCLAVE. */
struct sbi_result enclave_create(uint32_t params_pa);

/* Fill `enclave` from checked parameters; on an error everything is the host's again (enclave_build.c). */
int32_t enclave_build(struct enclave *enclave, const struct yz_enclave_params *params, const struct elf_image *image);

/* True for one that holds memory: neither FREE nor LOST. */
static inline bool enclave_has_memory(const struct enclave *enclave)
{
    return enclave->state != ENCLAVE_FREE && enclave->state != ENCLAVE_LOST;
}

/* Give everything back: pages zeroed, tables freed, buffer the host's; then FREE, its identifier dead, or LOST. */
void enclave_release(struct enclave *enclave);
void enclave_lose(struct enclave *enclave);

/* YZ_HOST_DESTROY_ENCLAVE and YZ_HOST_STOP_ENCLAVE. */
int32_t enclave_destroy(uint32_t eid);
int32_t enclave_stop(uint32_t eid);

/*
 * YZ_HOST_RUN_ENCLAVE and YZ_HOST_RESUME_ENCLAVE: on success `frame` is the enclave's. Sets a0 and a1 of the host
 * otherwise.
 */
void enclave_run(struct frame *frame);
void enclave_resume(struct frame *frame);

/* A trap in world 1. On return `frame` is the enclave's or the host's. */
void enclave_trap(struct frame *frame);

#endif
