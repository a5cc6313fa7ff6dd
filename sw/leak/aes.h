/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-128 encryption by tables (FIPS 197; the four-table form of the Rijndael submission): the victim.
 *
 * A round is 16 loads, four from each of four tables of 1 KiB, at indices that depend on data and key. The last round takes
 * its bytes out of the same tables, so all secret-dependent loads lie in one page. 16 entries of a table share a line of the
 * cache: in the first round the line of load i is (plaintext[i] ^ key[i]) >> 4 of table i mod 4.
 */
#ifndef YZ_LEAK_AES_H
#define YZ_LEAK_AES_H

#include <stdint.h>

#define AES_ROUNDS 10

struct aes_tables {
    uint32_t t[4][256];
};

struct aes_key {
    uint32_t words[4 * (AES_ROUNDS + 1)]; /* the bytes of a word from the highest */
};

void aes_make_tables(struct aes_tables *tables);
void aes_expand(const struct aes_tables *tables, const uint8_t key[16], struct aes_key *expanded);

/* in and out may overlap. */
void aes_encrypt(const struct aes_tables *tables, const struct aes_key *key, const uint8_t in[16], uint8_t out[16]);

#endif
