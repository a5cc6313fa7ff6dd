/* SPDX-License-Identifier: Apache-2.0 */
/* The victim: a key, its tables, and a block that it encrypts. Its own stack and code are where the program's are. */
#include "leak.h"

static struct aes_tables *tables;
static struct {
    struct aes_key expanded;
    uint8_t key[BLOCK];
    uint32_t block[BLOCK / 4]; /* as bytes */
} *own;

/* Nothing depends on which: any key. */
static const uint8_t key[BLOCK] = {0x3E, 0x91, 0x07, 0xC8, 0x5A, 0xF4, 0x62, 0xBD,
                                   0x80, 0x1F, 0xA9, 0x74, 0xE3, 0x2C, 0xD6, 0x4B};

_Static_assert(sizeof(struct aes_tables) == YZ_PAGE_BYTES, "the tables are a page");

void victim_setup(uint32_t page, uint32_t other_page)
{
    tables = (struct aes_tables *)(uintptr_t)page;
    own = (void *)(uintptr_t)other_page;
    aes_make_tables(tables);
    memcpy(own->key, key, BLOCK);
    aes_expand(tables, own->key, &own->expanded);
}

uint32_t *victim_block(void)
{
    return own->block;
}

const uint8_t *victim_key(void)
{
    return own->key;
}

void victim_encrypt(void)
{
    aes_encrypt(tables, &own->expanded, (uint8_t *)own->block, (uint8_t *)own->block);
}
