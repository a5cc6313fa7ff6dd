/* SPDX-License-Identifier: Apache-2.0 */
/* Page tables, guard, PMP, and accesses in another mode. */
#include "attack.h"

#define STUB_TABLE (LEAF_AREA + 0x1000u)
#define USER_TABLE (LEAF_AREA + 0x2000u)
#define PMP_NAPOT 0x18u
#define PMP_RWX 0x07u

volatile gpt_t *const guard = (volatile gpt_t *)YZ_GUARD_BASE;
volatile sysinfo_t *const sysinfo = (volatile sysinfo_t *)YZ_SYSINFO_BASE;

extern const char stub_page[];
extern const char stub_LOAD[], stub_LOAD_BYTE[], stub_LOAD_RESERVED[], stub_STORE[], stub_STORE_BYTE[],
    stub_STORE_HALF[], stub_STORE_CONDITIONAL[], stub_AMO[], stub_FETCH[], stub_LR_SC[], stub_SQUASHED[];
void enter(struct outcome *out, uint32_t pc, uint32_t a0, uint32_t a1);
void enter_mprv(struct outcome *out, uint32_t pc, uint32_t a0, uint32_t a1);
void under_mprv(struct outcome *out, uint32_t pc, uint32_t a0, uint32_t a1);

static const char *const stubs[OP_COUNT] = {
    [LOAD] = stub_LOAD,
    [LOAD_BYTE] = stub_LOAD_BYTE,
    [LOAD_RESERVED] = stub_LOAD_RESERVED,
    [STORE] = stub_STORE,
    [STORE_BYTE] = stub_STORE_BYTE,
    [STORE_HALF] = stub_STORE_HALF,
    [STORE_CONDITIONAL] = stub_STORE_CONDITIONAL,
    [AMO] = stub_AMO,
    [FETCH] = stub_FETCH,
    [LR_SC] = stub_LR_SC,
    [SQUASHED_0] = stub_SQUASHED,
    [SQUASHED_1] = stub_SQUASHED + 64,
    [SQUASHED_2] = stub_SQUASHED + 128,
};

/* Poll until none of `bits` differs from `value`; false when it takes too long. */
static bool wait_for(const volatile uint32_t *reg, uint32_t bits, uint32_t value)
{
    for (uint32_t poll = 0; poll < 100000u; poll++)
        if ((*reg & bits) == value)
            return true;
    return false;
}

bool open_secure(void)
{
    volatile mmt_t *engine = (volatile mmt_t *)YZ_MMT_BASE;
    if ((sysinfo->features & SYSINFO__FEATURES__MEMORY_bm) == 0)
        return true;
    engine->root_page_lo = META_ZONE >> 12;
    engine->control = MMT__CONTROL__ENABLE_bm;
    if (!wait_for(&engine->status, MMT__STATUS__ACTIVE_bm, MMT__STATUS__ACTIVE_bm))
        return false;
    uint32_t log = (engine->capabilities & MMT__CAPABILITIES__SUBTREE_LOG_bm) >> MMT__CAPABILITIES__SUBTREE_LOG_bp;
    engine->command.subtree = (SECURE - YZ_PROTECTED_BASE) >> log;
    engine->command.page_lo = METADATA >> 12;
    engine->command.op = 1; /* ALLOC */
    return wait_for(&engine->answer.state, MMT__ANSWER_T__STATE__BUSY_bm, 0) &&
           (engine->answer.state & MMT__ANSWER_T__STATE__RESULT_bm) == 0;
}

volatile uint32_t *at(uint32_t physical)
{
    return (volatile uint32_t *)(uintptr_t)physical;
}

uint32_t pte(uint64_t physical, uint32_t flags)
{
    return (uint32_t)(physical >> 12) << 10 | flags;
}

uint32_t access_cause(enum op op, bool page_fault)
{
    if (op == FETCH)
        return page_fault ? CAUSE_FETCH_PAGE : CAUSE_FETCH_ACCESS;
    /* This hart makes an AMO as a load and a store and reports the half that was refused, so 5 where the ISA says 7. */
    if (op == LOAD || op == LOAD_BYTE || op == LOAD_RESERVED || op == LR_SC || op == AMO)
        return page_fault ? CAUSE_LOAD_PAGE : CAUSE_LOAD_ACCESS;
    return page_fault ? CAUSE_STORE_PAGE : CAUSE_STORE_ACCESS;
}

void flush(void)
{
    __asm__ volatile("sfence.vma\n fence.i" ::: "memory");
}

void set_root(uint32_t physical)
{
    CSR_WRITE(satp, SATP_SV32 | physical >> 12);
    flush();
}

void map_a(uint64_t physical, uint32_t flags)
{
    *at(TABLE_A) = pte(physical, flags);
    flush();
}

void fresh_tables(void)
{
    uint32_t stub = (uint32_t)(uintptr_t)stub_page;
    static bool cleared;
    if (!cleared) {
        memset((void *)(uintptr_t)ROOT, 0, YZ_PAGE_BYTES);
        memset((void *)(uintptr_t)TABLE_A, 0, 3 * YZ_PAGE_BYTES);
        cleared = true;
    }
    /* Afterwards only what scenarios write: clearing pages is most of the run time otherwise. */
    *at(TABLE_A) = *at(TABLE_A + 4) = *at(ROOT + (VA_SUPER >> 22) * 4) = 0;
    *at(ROOT + (VA_A >> 22) * 4) = pte(TABLE_A, PTE_POINTER);
    *at(ROOT + (stub >> 22) * 4) = pte(STUB_TABLE, PTE_POINTER);
    *at(ROOT + (VA_USER >> 22) * 4) = pte(USER_TABLE, PTE_POINTER);
    *at(STUB_TABLE + (stub >> 12 & 0x3FFu) * 4) = pte(stub, PTE_READ | PTE_X);
    *at(USER_TABLE) = pte(stub, PTE_READ | PTE_X | PTE_U);
    CSR_CLEAR(mstatus, MSTATUS_MXR | MSTATUS_SUM | MSTATUS_MPRV);
    guard->world = 0;
    pmp_open();
    set_root(ROOT);
    guard_clear();
}

void guard_area(uint32_t index, uint32_t kind, uint32_t levels, uint32_t base, uint32_t limit)
{
    guard->area[index].attr = 0;
    guard->area[index].base_lo = base >> 12;
    guard->area[index].base_hi = 0;
    guard->area[index].limit_lo = limit >> 12;
    guard->area[index].limit_hi = 0;
    guard->area[index].attr = kind | levels << GPT__AREA_T__ATTR_T__LEVELS_bp;
}

void guard_areas(void)
{
    guard_area(0, 1, 2, ROOT_AREA, ROOT_AREA + ROOT_PAGES * YZ_PAGE_BYTES);
    guard_area(1, 1, 1, LEAF_AREA, LEAF_AREA + LEAF_PAGES * YZ_PAGE_BYTES);
    guard_area(2, 2, 0xF, ENCLAVE_AREA, ENCLAVE_AREA + ENCLAVE_PAGES * YZ_PAGE_BYTES);
    guard->control = GPT__CONTROL__ENABLE_bm;
}

void guard_clear(void)
{
    guard->fault_status = GPT__FAULT_STATUS__VALID_bm;
}

void pmp_open(void)
{
    CSR_WRITE(pmpcfg0, 0);
    CSR_WRITE(pmpaddr1, 0xFFFFFFFFu);
    CSR_WRITE(pmpcfg0, (PMP_NAPOT | PMP_RWX) << 8);
    flush();
}

void pmp_close(uint32_t physical, uint32_t bytes, uint32_t permissions)
{
    CSR_WRITE(pmpaddr0, physical >> 2 | ((bytes >> 3) - 1));
    CSR_SET(pmpcfg0, PMP_NAPOT | permissions);
    flush();
}

struct outcome make_access(const struct access *a)
{
    struct outcome out;
    uint32_t stub = (uint32_t)(uintptr_t)stubs[a->op];
    uint32_t value = ~*at(a->pa); /* a store that happens is seen */
    bool user = a->mode == AS_U || a->mode == MPRV_U;
    CSR_CLEAR(mstatus, MSTATUS_MPP);
    if (!user)
        CSR_SET(mstatus, a->mode == AS_M ? MSTATUS_MPP : MSTATUS_MPP_S);
    if (a->mode == MPRV_S || a->mode == MPRV_U || a->mode == AS_M)
        under_mprv(&out, stub, a->va, value);
    else
        enter(&out, user ? VA_USER | (stub & 0xFFFu) : stub, a->va, value);
    return out;
}

struct outcome enter_with_mprv(const struct access *a)
{
    struct outcome out;
    CSR_CLEAR(mstatus, MSTATUS_MPP);
    CSR_SET(mstatus, MSTATUS_MPP_S);
    enter_mprv(&out, (uint32_t)(uintptr_t)stubs[a->op], a->va, 0);
    return out;
}

bool is_done(const struct outcome *o, const struct access *a)
{
    /* A fetch runs the ecall that lies at its target; everything else runs the stub's. */
    uint32_t ecall = a->mode == AS_S ? CAUSE_ECALL_S : a->mode == AS_U ? CAUSE_ECALL_U : 11u;
    return o->cause == ecall && (a->op == FETCH ? o->pc == a->va : o->pc != a->va);
}
