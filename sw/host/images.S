/* SPDX-License-Identifier: Apache-2.0 */
/* Files carried inside the kernel: the user programs as one flat image, enclaves as ELF files. Each starts a page. */
.macro embed name, file
    .balign 4096
    .globl image_\name
    .globl image_\name\()_end
image_\name:
    .incbin "\file"
image_\name\()_end:
.endm

    .section .images, "a", @progbits
    embed user, USER_IMAGE_FILE
    embed enclave_hello, ENCLAVE_HELLO_FILE
    embed enclave_compute, ENCLAVE_COMPUTE_FILE
    embed enclave_fault, ENCLAVE_FAULT_FILE
    embed enclave_snoop, ENCLAVE_SNOOP_FILE
    .balign 4096
