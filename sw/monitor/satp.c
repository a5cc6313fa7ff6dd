/* SPDX-License-Identifier: Apache-2.0 */
#include "satp.h"

#include "hal.h"
#include "hpt.h"

/*
 * CSR instruction: 31:20 csr | 19:15 rs1 or immediate | 14:12 funct3 | 11:7 rd | 6:0 SYSTEM
 * funct3: 1 csrrw, 2 csrrs, 3 csrrc, and with bit 2 set the immediate forms.
 */
#define OPCODE_MASK 0x7Fu
#define OPCODE_SYSTEM 0x73u
#define FUNCT3(instruction) ((instruction) >> 12 & 7u)
#define RD(instruction) ((instruction) >> 7 & 31u)
#define RS1(instruction) ((instruction) >> 15 & 31u)
#define SFENCE_VMA_MASK 0xFE007FFFu
#define SFENCE_VMA 0x12000073u

int32_t satp_set(uint32_t value)
{
    if (!hpt_ready())
        return YZ_ERR_STATE;
    /* countermeasure: MON.SATP_MODE */
    if ((value & SATP_SV32) == 0)
        return SBI_ERR_INVALID_PARAM;
    /* countermeasure: MON.SATP_ROOT */
    if (record_owner(pages_record_of(value & SATP_PPN)) != YZ_OWNER_HPT_ROOT)
        return YZ_ERR_PTE_LOCATION;
    hal_csr_write(CSR_SATP, value);
    hal_tlb_flush();
    return SBI_SUCCESS;
}

bool satp_is_paged(void)
{
    return (hal_csr_read(CSR_SATP) & SATP_SV32) != 0;
}

enum satp_trap satp_classify(uint32_t instruction, uint32_t status)
{
    if ((status & MSTATUS_MPP) != MSTATUS_MPP_S || (status & MSTATUS_TVM) == 0)
        return SATP_TRAP_NONE;
    if ((instruction & SFENCE_VMA_MASK) == SFENCE_VMA)
        return SATP_TRAP_FENCE;
    bool csr = (instruction & OPCODE_MASK) == OPCODE_SYSTEM && (FUNCT3(instruction) & 3u) != 0;
    return csr && instruction >> 20 == CSR_SATP ? SATP_TRAP_CSR : SATP_TRAP_NONE;
}

bool satp_emulate(struct frame *frame, uint32_t instruction)
{
    uint32_t rs1 = RS1(instruction);
    bool immediate = (FUNCT3(instruction) & 4u) != 0;
    uint32_t operand = immediate ? rs1 : rs1 == 0 ? 0 : frame->x[rs1];
    uint32_t old = hal_csr_read(CSR_SATP);
    uint32_t value;
    bool write = true;
    switch (FUNCT3(instruction) & 3u) {
    case 1:
        value = operand;
        break;
    case 2:
        value = old | operand;
        write = rs1 != 0;
        break;
    default:
        value = old & ~operand;
        write = rs1 != 0;
        break;
    }
    if (write && satp_set(value) != SBI_SUCCESS)
        return false;
    if (RD(instruction) != 0)
        frame->x[RD(instruction)] = old;
    return true;
}
