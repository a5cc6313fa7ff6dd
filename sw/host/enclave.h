/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of enclaves: memory for them, running them as schedulable things, serving their ocalls.
 *
 * An enclave is never trusted: offsets and lengths of ocalls are checked against its shared buffer.
 */
#ifndef YZ_HOST_ENCLAVE_H
#define YZ_HOST_ENCLAVE_H

#include <stdbool.h>
#include <stdint.h>

enum enclave_life { ENCLAVE_NONE, ENCLAVE_NEW, ENCLAVE_READY, ENCLAVE_ENDED };

struct enclave {
    enum enclave_life life;
    uint32_t eid;
    uint32_t memory, memory_bytes; /* donated pages */
    uint32_t shared, shared_bytes; /* ocall buffer */
    uint32_t exit_reason;          /* YZ_EXIT_DONE, YZ_EXIT_FAULT or YZ_EXIT_INTEGRITY once ended */
    uint32_t exit_value;           /* code or cause */
    uint32_t timer_exits, yields, ocalls, written; /* written: bytes */
    const void *input;             /* what YZ_OCALL_READ gives */
    uint32_t input_bytes;
    int32_t pending;               /* answer to the ocall to resume with; only while `calling` */
    bool calling;
    bool quiet;                    /* do not print what it writes */
};

/* An ELF file in host memory. */
struct enclave_file {
    const void *start;
    uint32_t bytes;
};

/* The files of sw/enclaves, embedded in the kernel. */
enum enclave_example { EXAMPLE_HELLO, EXAMPLE_COMPUTE, EXAMPLE_FAULT, EXAMPLE_SNOOP };
struct enclave_file enclave_example(enum enclave_example example);

#define ENCLAVE_STACK_BYTES 8192u

/*
 * Lend the monitor the metadata pages that the memory engine needs before the 4 MiB around pa hold enclaves or their
 * tables. They come back by themselves when the last enclave there is gone. 0 or the monitor's error; 0 on a machine
 * without memory engine.
 */
int32_t enclave_lend_nodes(uint32_t pa);

/* Give the monitor memory for enclave page tables, and undo the superpage over the enclave pool. Once. 0 or an error. */
int32_t enclaves_init(void);

/* Donate memory_bytes and create. 0 or the monitor's error, after which nothing is donated. */
int32_t enclave_create(struct enclave *enclave, struct enclave_file file, uint32_t memory_bytes);

/* Run it until it ends, its time slice ends or it yields; ocalls are served and go on. 0 or the monitor's error. */
int32_t enclave_slice(struct enclave *enclave);

/* Slices until it ends. */
int32_t enclave_run_to_end(struct enclave *enclave);

/* Destroy one that has not ended. 0 or the monitor's error. */
int32_t enclave_destroy(struct enclave *enclave);

/* After the end: map the pages again, count lines of 32 bytes that are not zero (0 is right), give the pages back to the enclave pool. */
uint32_t enclave_reclaim(struct enclave *enclave);

/* Pages of the enclave pool that follow each other: the first address of `bytes` bytes, or 0; and back. */
uint32_t enclave_memory_take(uint32_t bytes);
void enclave_memory_drop(uint32_t pa, uint32_t bytes);

#endif
