/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute kernels with known answers: linked list, matrix, state machine, CRC, sort, sieve.
 *
 * Written for this project in the spirit of CoreMark's mix. Each is a pure function of its seed; its answer is a CRC-16 over
 * what it computed. tb/host/kernels_model.py computes the same answers independently.
 */
#ifndef YZ_KERNELS_H
#define YZ_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Next value of the generator (xorshift32: shifts 13, 17, 5); *state must not be 0. */
uint32_t kernel_random(uint32_t *state);

/* CRC-16/ARC (polynomial 0x8005 reflected, no final xor) of bytes, going on from crc. */
uint16_t kernel_crc16(uint16_t crc, const void *data, size_t bytes);
uint16_t kernel_crc16_u32(uint16_t crc, uint32_t value);

#define KERNEL_LIST_NODES 64
#define KERNEL_MATRIX_SIZE 12
#define KERNEL_TEXT_BYTES 256
#define KERNEL_CRC_BYTES 512
#define KERNEL_SORT_WORDS 128
#define KERNEL_SIEVE_LIMIT 2048

uint16_t kernel_list(uint32_t seed);   /* build, reverse, merge sort by key, search */
uint16_t kernel_matrix(uint32_t seed); /* multiply, add, transpose */
uint16_t kernel_state(uint32_t seed);  /* classify comma-separated tokens: integer, float, hex, word, invalid */
uint16_t kernel_crc(uint32_t seed);    /* CRC over random bytes */
uint16_t kernel_sort(uint32_t seed);   /* heap sort */
uint16_t kernel_sieve(uint32_t limit); /* primes below limit <= KERNEL_SIEVE_LIMIT */

/* List, matrix, state machine and CRC, `iterations` times with seeds seed, seed + 1, ...; folds all answers into one. */
uint16_t kernel_mix(uint32_t seed, uint32_t iterations);

#endif
