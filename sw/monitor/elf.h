/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static RV32 ELF executables (System V ABI, chapters 4 and 5), as an enclave's image.
 *
 * The headers are read once into the monitor's memory; every test and every later use is of that copy. Accepted:
 * ELFCLASS32, little endian, ET_EXEC, EM_RISCV, 1 to ELF_SEGMENTS_MAX program headers of 32 bytes, no PT_INTERP and no
 * PT_DYNAMIC. Each PT_LOAD with memory lies in [4096, YZ_ENCLAVE_VA_LIMIT), its bytes inside the file, p_filesz <=
 * p_memsz, p_vaddr and p_offset equal modulo 4; no two share a page; e_entry is 4-aligned and inside an executable one.
 * A segment with W and X is accepted: which pages are so is in the program headers that a measurement covers.
 */
#ifndef YZ_MONITOR_ELF_H
#define YZ_MONITOR_ELF_H

#include <stdbool.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 16u

struct elf_segment {
    uint32_t va;          /* first byte, any alignment */
    uint32_t memory_size; /* bytes; beyond file_size they are zero */
    uint32_t source_pa;   /* the bytes in the file */
    uint32_t file_size;
    uint32_t rwx;         /* PTE_R, PTE_W, PTE_X; R is added where RISC-V has no encoding without it */
};

struct elf_image {
    uint32_t entry;
    uint32_t segment_count;
    uint32_t pages;  /* of all segments together */
    uint32_t end_va; /* first page boundary after the highest segment */
    struct elf_segment segments[ELF_SEGMENTS_MAX];
};

static inline uint32_t elf_first_page(const struct elf_segment *segment)
{
    return segment->va >> 12;
}

/* Page after the last one; no overflow because segments end below YZ_ENCLAVE_VA_LIMIT. */
static inline uint32_t elf_end_page(const struct elf_segment *segment)
{
    return (segment->va + segment->memory_size + 4095) >> 12;
}

/*
 * Read the file at [pa, pa + size), host pages that the caller has checked. YZ_ERR_ELF, SBI_ERR_FAILED after an access
 * fault.
 */
int32_t elf_read(uint32_t pa, uint32_t size, struct elf_image *image);

#endif
