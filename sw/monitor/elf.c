/* SPDX-License-Identifier: Apache-2.0 */
#include "elf.h"

#include <yz/abi.h>

#include "hal.h"
#include "pte.h"

struct file_header {
    uint32_t magic;
    uint8_t class, data, version, padding[9];
    uint16_t type, machine;
    uint32_t version2, entry, phoff, shoff, flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program_header {
    uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
};

#define ELF_MAGIC 0x464C457Fu
#define ELF_CLASS32 1
#define ELF_LITTLE_ENDIAN 1
#define ELF_EXECUTABLE 2
#define ELF_RISCV 243
#define PT_LOAD 1u
#define PT_DYNAMIC 2u
#define PT_INTERP 3u
#define PF_X 1u
#define PF_W 2u
#define PF_R 4u

union file_header_words {
    struct file_header header;
    uint32_t words[sizeof(struct file_header) / 4];
};

union program_header_words {
    struct program_header header;
    uint32_t words[sizeof(struct program_header) / 4];
};

static bool read_words(uint32_t pa, uint32_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!hal_load32(pa + 4 * i, &words[i]))
            return false;
    }
    return true;
}

static bool header_good(const struct file_header *header, uint32_t size)
{
    /* countermeasure: MON.ELF_HEADER */
    return header->magic == ELF_MAGIC && header->class == ELF_CLASS32 && header->data == ELF_LITTLE_ENDIAN &&
           header->type == ELF_EXECUTABLE && header->machine == ELF_RISCV &&
           header->phentsize == sizeof(struct program_header) && header->phnum >= 1 &&
           header->phnum <= ELF_SEGMENTS_MAX && header->phoff % 4 == 0 && header->phoff <= size &&
           header->phnum * sizeof(struct program_header) <= size - header->phoff;
}

static bool segment_good(const struct program_header *header, uint32_t size)
{
    /* countermeasure: MON.ELF_FILE_RANGE */
    if (header->offset > size || header->filesz > size - header->offset || header->filesz > header->memsz)
        return false;
    /* countermeasure: MON.ELF_VA_RANGE */
    if (header->vaddr < YZ_PAGE_BYTES || header->vaddr >= YZ_ENCLAVE_VA_LIMIT ||
        header->memsz > YZ_ENCLAVE_VA_LIMIT - header->vaddr)
        return false;
    return ((header->vaddr ^ header->offset) & 3) == 0;
}

static uint32_t segment_rwx(uint32_t flags)
{
    uint32_t rwx = (flags & PF_R ? PTE_R : 0) | (flags & PF_W ? PTE_R | PTE_W : 0) | (flags & PF_X ? PTE_X : 0);
    return rwx != 0 ? rwx : PTE_R;
}

static bool add_segment(struct elf_image *image, uint32_t pa, const struct program_header *header)
{
    struct elf_segment *segment = &image->segments[image->segment_count];
    *segment = (struct elf_segment){header->vaddr, header->memsz, pa + header->offset, header->filesz,
                                    segment_rwx(header->flags)};
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *other = &image->segments[i];
        /* countermeasure: MON.ELF_OVERLAP */
        if (elf_first_page(segment) < elf_end_page(other) && elf_first_page(other) < elf_end_page(segment))
            return false;
    }
    image->segment_count++;
    image->pages += elf_end_page(segment) - elf_first_page(segment);
    uint32_t end_va = elf_end_page(segment) << 12;
    if (end_va > image->end_va)
        image->end_va = end_va;
    return true;
}

static bool entry_good(const struct elf_image *image)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if ((segment->rwx & PTE_X) != 0 && image->entry - segment->va < segment->memory_size)
            return image->entry % 4 == 0;
    }
    return false;
}

int32_t elf_read(uint32_t pa, uint32_t size, struct elf_image *image)
{
    union file_header_words file;
    if (pa % 4 != 0 || size < sizeof(file))
        return YZ_ERR_ELF;
    if (!read_words(pa, file.words, sizeof(file) / 4))
        return SBI_ERR_FAILED;
    if (!header_good(&file.header, size))
        return YZ_ERR_ELF;
    image->entry = file.header.entry;
    image->segment_count = 0;
    image->pages = 0;
    image->end_va = 0;
    for (uint32_t i = 0; i < file.header.phnum; i++) {
        union program_header_words program;
        uint32_t program_pa = pa + file.header.phoff + i * (uint32_t)sizeof(program);
        if (!read_words(program_pa, program.words, sizeof(program) / 4))
            return SBI_ERR_FAILED;
        const struct program_header *header = &program.header;
        if (header->type == PT_DYNAMIC || header->type == PT_INTERP)
            return YZ_ERR_ELF;
        if (header->type != PT_LOAD || header->memsz == 0)
            continue;
        if (!segment_good(header, size) || !add_segment(image, pa, header))
            return YZ_ERR_ELF;
    }
    /* countermeasure: MON.ELF_ENTRY */
    return entry_good(image) ? SBI_SUCCESS : YZ_ERR_ELF;
}
