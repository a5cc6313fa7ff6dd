/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enclave runtime's input and output against a host that answers what the command line says.
 *
 * Arguments: w or r, bytes, size of the shared buffer, then the host's answers, each ERROR:RESULT. After the last answer
 * the host answers 0. Prints the result, the ocalls as number:offset:asked, and for a read the bytes got.
 * AddressSanitizer watches the data and the shared buffer, both of exactly their size.
 */
#include <stdio.h>
#include <stdlib.h>

#include "runtime.h"
#include "yz_enclave.h"

struct enclave_memory enclave_memory;

static char **answers;
static int answers_left;
static unsigned char fill = 0x40;

int enclave_ocall(uint32_t number, uint32_t a0, uint32_t a1, int32_t *result)
{
    printf("ocall %u:%u:%u", number, a0, a1);
    if (number == 3)
        for (uint32_t i = 0; i < a1; i++)
            printf("%s%02x", i ? "" : " ", enclave_memory.shared[i]);
    printf("\n");
    /* The buffer is the host's: it writes what it likes, whenever it likes. */
    for (uint32_t i = 0; i < enclave_memory.shared_bytes; i++)
        enclave_memory.shared[i] = fill++;
    *result = 0;
    if (!answers_left)
        return 0;
    answers_left--;
    char *text = *answers++;
    int error = (int)strtol(text, &text, 0);
    *result = (int32_t)strtoll(text + 1, NULL, 0);
    return error;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    uint32_t bytes = (uint32_t)strtoul(argv[2], NULL, 0), shared = (uint32_t)strtoul(argv[3], NULL, 0);
    enclave_memory.shared = malloc(shared ? shared : 1);
    enclave_memory.shared_bytes = shared;
    answers = argv + 4;
    answers_left = argc - 4;
    uint32_t real = bytes > 100000 ? 1 : bytes; /* a length that lies is refused before the data is touched */
    unsigned char *data = malloc(real ? real : 1);
    for (uint32_t i = 0; i < real; i++)
        data[i] = (unsigned char)i;
    int result = argv[1][0] == 'w' ? enclave_write(data, bytes) : enclave_read(data, bytes);
    printf("result %d\n", result);
    if (argv[1][0] == 'r') {
        printf("data ");
        for (uint32_t i = 0; i < real; i++)
            printf("%02x", data[i]);
        printf("\n");
    }
    free(data);
    free(enclave_memory.shared);
    return 0;
}
