/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on enclaves and from an enclave. */
#include "attack.h"

#include "lib.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define SMALL (6 * PAGE)

static bool create(struct enclave *e, enum enclave_example example)
{
    int32_t error = enclave_create(e, enclave_example(example), SMALL);
    e->quiet = true;
    return expect(error == 0, "create was refused: %s", error_name(error));
}

/* shared 0: without a buffer. */
static struct sbi_result create_raw(uint32_t elf, uint32_t elf_bytes, uint32_t memory, uint32_t shared)
{
    static _Alignas(64) struct yz_enclave_params p;
    p = (struct yz_enclave_params){YZ_ABI_VERSION, elf, elf_bytes, memory, SMALL, ENCLAVE_STACK_BYTES,
                                   shared, shared ? PAGE : 0};
    return monitor_call(YZ_HOST_CREATE_ENCLAVE, (uint32_t)(uintptr_t)&p, 0, 0, 0);
}

void attack_donate_twice(void)
{
    if (!attack_ready())
        return;
    struct enclave_file file = enclave_example(EXAMPLE_HELLO);
    uint32_t elf = (uint32_t)(uintptr_t)file.start, bytes = file.bytes, secret = attack.victim.memory;
    uint32_t memory = enclave_memory_take(SMALL), shared = pool_take(), victims_buffer = attack.victim.shared;
    refused(create_raw(elf, bytes, secret, shared), YZ_ERR_OWNER, "the pages of another enclave");
    refused(create_raw(elf, bytes, secret - PAGE, shared), YZ_ERR_OWNER, "pages that overlap another enclave");
    refused(create_raw(elf, bytes, HPT_BASE, shared), YZ_ERR_OWNER, "page tables");
    refused(create_raw(elf, bytes, YZ_MONITOR_BASE, shared), YZ_ERR_OWNER, "the monitor's pages");
    refused(create_raw(elf, bytes, ENCLAVE_TABLES, shared), YZ_ERR_OWNER, "enclave page tables");
    refused(create_raw(elf, bytes, memory | 1u << YZ_PROTECTION_BIT, shared), YZ_ERR_RANGE, "pages by the protected window");
    refused(create_raw(elf, bytes, memory, memory + PAGE), YZ_ERR_RANGE, "a buffer inside the donated pages");
    refused(create_raw(memory + 2 * PAGE, bytes, memory, shared), YZ_ERR_RANGE, "an ELF file inside the donated pages");
    refused(create_raw(elf, bytes, memory, secret), YZ_ERR_OWNER, "another enclave's page as buffer");
    refused(create_raw(elf, bytes, memory, HPT_BASE), YZ_ERR_OWNER, "a page table as buffer");
    refused(create_raw(elf, bytes, memory, YZ_MONITOR_BASE), YZ_ERR_OWNER, "a monitor page as buffer");
    refused(create_raw(secret, bytes, memory, shared), YZ_ERR_OWNER, "another enclave's page as ELF file");
    refused(create_raw(elf, bytes, victims_buffer, shared), YZ_ERR_OWNER, "a buffer in use as memory");
    expect(page_owner(secret) == YZ_OWNER_ENCLAVE && page_owner(victims_buffer) == YZ_OWNER_SHARED &&
               page_owner(memory) == YZ_OWNER_HOST && page_owner(shared) == YZ_OWNER_HOST,
           "a page changed its owner");
    enclave_memory_drop(memory, SMALL);
    pool_drop(shared);
    detail("13 donations of pages that are not the host's to give, or given twice, refused; owners unchanged");
}

void attack_donate_mapped(void)
{
    if (!attack_ready())
        return;
    struct enclave_file file = enclave_example(EXAMPLE_HELLO);
    uint32_t memory = pool_take_run(SMALL / PAGE), shared = pool_take();
    *(volatile uint32_t *)(uintptr_t)memory = 0x0DD;
    refused(create_raw((uint32_t)(uintptr_t)file.start, file.bytes, memory, shared), YZ_ERR_MAPPED, "under a superpage");
    expect(*(volatile uint32_t *)(uintptr_t)memory == 0x0DD && page_owner(memory) == YZ_OWNER_HOST, "the page changed");
    for (uint32_t i = 0; i < SMALL / PAGE; i++)
        pool_drop(memory + i * PAGE);
    pool_drop(shared);
    detail("pages that a superpage still reaches are refused with MAPPED (%d), contents kept", YZ_ERR_MAPPED);
}

void attack_enclave_ids(void)
{
    if (!attack_ready())
        return;
    uint32_t eid = attack.victim.eid;
    const uint32_t wrong[] = {0, 0xFFFFFFFF, 0x7FFFFFFF, eid + YZ_MAX_ENCLAVES, eid - YZ_MAX_ENCLAVES, eid ^ 1, eid | 1u << 31};
    for (uint32_t i = 0; i < COUNT(wrong); i++) {
        refused(monitor_call(YZ_HOST_RUN_ENCLAVE, wrong[i], 0, 0, 0), YZ_ERR_NO_ENCLAVE, "run");
        refused(monitor_call(YZ_HOST_RESUME_ENCLAVE, wrong[i], YZ_RESUME_TIMER, 0, 0), YZ_ERR_NO_ENCLAVE, "resume");
        refused(monitor_call(YZ_HOST_STOP_ENCLAVE, wrong[i], 0, 0, 0), YZ_ERR_NO_ENCLAVE, "stop");
        refused(monitor_call(YZ_HOST_DESTROY_ENCLAVE, wrong[i], 0, 0, 0), YZ_ERR_NO_ENCLAVE, "destroy");
    }
    detail("7 identifiers, old and next generation among them, name no enclave in 4 calls");
}

void attack_enclave_states(void)
{
    if (!attack_ready())
        return;
    uint32_t eid = attack.victim.eid; /* it has yielded: runnable */
    refused(monitor_call(YZ_HOST_RUN_ENCLAVE, eid, 0, 0, 0), YZ_ERR_STATE, "second first run");
    refused(monitor_call(YZ_HOST_RESUME_ENCLAVE, eid, YZ_RESUME_OCALL, 0, 0), YZ_ERR_STATE, "answer without an ocall");
    refused(monitor_call(YZ_HOST_RESUME_ENCLAVE, eid, YZ_RESUME_STOP, 0, 0), YZ_ERR_STATE, "release without a stop");
    refused(monitor_call(YZ_HOST_RESUME_ENCLAVE, eid, 3, 0, 0), SBI_ERR_INVALID_PARAM, "resume for reason 3");
    refused(monitor_call(YZ_HOST_RESUME_ENCLAVE, eid, 0xFFFFFFFF, 0, 0), SBI_ERR_INVALID_PARAM, "resume for reason -1");
    expect(monitor_call(YZ_HOST_STOP_ENCLAVE, eid, 0, 0, 0).error == 0, "a runnable enclave cannot be stopped");
    refused(monitor_call(YZ_HOST_STOP_ENCLAVE, eid, 0, 0, 0), YZ_ERR_STATE, "stop of a stopped one");
    refused(monitor_call(YZ_HOST_RUN_ENCLAVE, eid, 0, 0, 0), YZ_ERR_STATE, "run of a stopped one");
    refused(monitor_call(YZ_HOST_RESUME_ENCLAVE, eid, YZ_RESUME_TIMER, 0, 0), YZ_ERR_STATE, "resume of a stopped one");
    expect(monitor_call(YZ_HOST_RESUME_ENCLAVE, eid, YZ_RESUME_STOP, 0, 0).error == 0, "it cannot be released");
    detail("8 calls in a state where they are not legal refused; stop and release work");
}

void attack_other_side(void)
{
    static const uint32_t functions[] = {YZ_ENCLAVE_YIELD, YZ_ENCLAVE_GET_ID, YZ_ENCLAVE_OCALL, YZ_ENCLAVE_EXIT};
    for (uint32_t i = 0; i < COUNT(functions); i++)
        refused(sbi_call(YZ_EXT_ENCLAVE, functions[i], 0, 0, 0, 0, 0), 0, "enclave call of the host");
    struct enclave e;
    if (!attack_ready() || !create(&e, EXAMPLE_SNOOP))
        return;
    int32_t error = enclave_run_to_end(&e); /* without input it only tries calls */
    expect(error == 0 && e.exit_reason == YZ_EXIT_DONE && e.exit_value == 20, "host call %d of the enclave was not refused",
           (int)e.exit_value);
    enclave_reclaim(&e);
    detail("4 enclave calls refused to the host, 8 host, SBI and unknown calls refused to an enclave");
}

void attack_ocall_answers(void)
{
    struct enclave e;
    if (!attack_ready() || !create(&e, EXAMPLE_SNOOP))
        return;
    struct sbi_result r = monitor_call(YZ_HOST_RUN_ENCLAVE, e.eid, 0, 0, 0);
    expect(r.error == 0 && r.value == YZ_EXIT_OCALL && r.extra[0] == YZ_OCALL_READ && r.extra[2] == 5,
           "the enclave did not ask for 5 bytes");
    /* One more than asked, the whole buffer, negative, the least, a pointer into the enclave, one to the buffer. */
    static const uint32_t lies[] = {6, PAGE, 0xFFFFFFFF, 0x80000000, 0x00010000, YZ_ENCLAVE_SHM_VA};
    for (uint32_t i = 0; i < COUNT(lies); i++) {
        r = monitor_call(YZ_HOST_RESUME_ENCLAVE, e.eid, YZ_RESUME_OCALL, lies[i], 0);
        if (!expect(r.error == 0 && r.value == YZ_EXIT_OCALL, "the enclave did not survive the answer 0x%x", (unsigned)lies[i]))
            break;
    }
    if (r.error == 0 && r.value == YZ_EXIT_OCALL)
        r = monitor_call(YZ_HOST_RESUME_ENCLAVE, e.eid, YZ_RESUME_OCALL, 0, 0); /* the truth: no input */
    expect(r.error == 0 && r.value == YZ_EXIT_DONE && r.extra[0] == 20 + COUNT(lies), "it saw %d of %u lies",
           (int)r.extra[0] - 20, (unsigned)COUNT(lies));
    enclave_reclaim(&e);
    detail("the runtime rejected all 6 lengths beyond its buffer, negative ones and pointers, and went on");
}

void attack_host_csrs_kept(void)
{
    if (!attack_ready())
        return;
    csr_set(sie, SIE_STIE);
    uint32_t before[] = {csr_read(stvec), csr_read(sie), csr_read(scounteren), csr_read(sstatus), csr_read(sscratch),
                         probe_csrr_satp().value};
    uint64_t due = time_now() + 3000; /* leaves by the timer in the middle of the enclave's work */
    sbi_set_timer(due);
    uint32_t wrong, error;
    __asm__ volatile("li t0, 0x11111111\n li t1, 0x22222222\n li t2, 0x33333333\n li t3, 0x44444444\n"
                     "li t4, 0x55555555\n li t5, 0x66666666\n li t6, 0x77777777\n"
                     "mv a0, %2\n li a1, 0\n li a6, 95\n li a7, 0x100100\n ecall\n"
                     "mv %1, a0\n li a5, 0x11111111\n sub t0, t0, a5\n li a5, 0x22222222\n sub t1, t1, a5\n"
                     "li a5, 0x33333333\n sub t2, t2, a5\n li a5, 0x44444444\n sub t3, t3, a5\n"
                     "li a5, 0x55555555\n sub t4, t4, a5\n li a5, 0x66666666\n sub t5, t5, a5\n"
                     "li a5, 0x77777777\n sub t6, t6, a5\n"
                     "or t0, t0, t1\n or t0, t0, t2\n or t0, t0, t3\n or t0, t0, t4\n or t0, t0, t5\n or %0, t0, t6\n"
                     : "=&r"(wrong), "=&r"(error)
                     : "r"(attack.victim.eid)
                     : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "memory");
    sbi_set_timer(UINT64_MAX);
    uint32_t after[] = {csr_read(stvec), csr_read(sie), csr_read(scounteren), csr_read(sstatus), csr_read(sscratch),
                        probe_csrr_satp().value};
    static const char *const names[] = {"stvec", "sie", "scounteren", "sstatus", "sscratch", "satp"};
    expect(error == 0, "resume: %s", error_name((int32_t)error));
    expect(wrong == 0, "a temporary register of the host changed: 0x%x", (unsigned)wrong);
    for (uint32_t i = 0; i < COUNT(before); i++)
        expect(before[i] == after[i], "%s was 0x%08x, is 0x%08x", names[i], (unsigned)before[i], (unsigned)after[i]);
    detail("7 temporary registers and 6 CSRs are the host's own again after a slice of the enclave");
}

void attack_interrupted_anywhere(void)
{
    if (!attack_ready())
        return;
    uint32_t satp = probe_csrr_satp().value, status = csr_read(sstatus), rounds = 0;
    csr_set(sie, SIE_STIE);
    for (uint32_t offset = 0; offset < 2400; offset += 60, rounds++) {
        sbi_set_timer(time_now() + offset);
        struct sbi_result r = monitor_call(YZ_HOST_RESUME_ENCLAVE, attack.victim.eid, YZ_RESUME_TIMER, 0, 0);
        if (!expect(r.error == 0 && r.value == YZ_EXIT_TIMER, "timer after %u cycles: error %d, reason %u", (unsigned)offset,
                    (int)r.error, (unsigned)r.value))
            break;
        expect(r.extra[0] == 0 && r.extra[1] == 0 && r.extra[2] == 0, "a timer exit tells 0x%x, 0x%x, 0x%x",
               (unsigned)r.extra[0], (unsigned)r.extra[1], (unsigned)r.extra[2]);
    }
    sbi_set_timer(UINT64_MAX);
    expect(probe_csrr_satp().value == satp && csr_read(sstatus) == status, "satp or sstatus changed");
    detail("%u resumes with the timer due 0 to 2,340 cycles later: each came back for the timer and told nothing else",
           (unsigned)rounds);
}

void attack_left_translations(void)
{
    if (!attack_ready())
        return;
    sbi_set_timer(time_now() + 4000); /* long enough for the enclave to fill the TLB */
    struct sbi_result r = monitor_call(YZ_HOST_RESUME_ENCLAVE, attack.victim.eid, YZ_RESUME_TIMER, 0, 0);
    expect(r.error == 0 && r.value == YZ_EXIT_TIMER, "resume: %s", error_name(r.error));
    sbi_set_timer(UINT64_MAX);
    static const uint32_t addresses[] = {0x00010000, YZ_ENCLAVE_STACK_TOP - 16, YZ_ENCLAVE_SHM_VA};
    csr_set(sstatus, SSTATUS_SUM); /* the enclave's pages are user pages */
    for (uint32_t i = 0; i < COUNT(addresses); i++) {
        trapped(probe_load32(addresses[i]), CAUSE_LOAD_PAGE, addresses[i], "load by an enclave's address");
        trapped(probe_store32(addresses[i], 0), CAUSE_STORE_PAGE, addresses[i], "store by it");
    }
    csr_clear(sstatus, SSTATUS_SUM);
    detail("code, stack and buffer addresses of the enclave lead nowhere right after its slice (cause %u)", CAUSE_LOAD_PAGE);
}

void attack_destroy_mid_work(void)
{
    struct enclave e;
    if (!attack_ready() || !create(&e, EXAMPLE_COMPUTE))
        return;
    int32_t error = enclave_slice(&e);
    expect(error == 0 && e.life == ENCLAVE_READY, "it is not in the middle of its work: %s", error_name(error));
    uint32_t begin = cycles();
    error = enclave_destroy(&e);
    uint32_t taken = cycles() - begin;
    expect(error == 0, "destroy was refused: %s", error_name(error));
    refused(monitor_call(YZ_HOST_RESUME_ENCLAVE, e.eid, YZ_RESUME_TIMER, 0, 0), YZ_ERR_NO_ENCLAVE, "resume after destroy");
    uint32_t wrong = enclave_reclaim(&e);
    expect(wrong == 0, "%u lines of its pages are not zero", (unsigned)wrong);
    detail("its %u pages came back all zero (%u cycles), its identifier is dead", (unsigned)(SMALL / PAGE), (unsigned)taken);
}

void attack_exhaustion(void)
{
    if (!attack_ready())
        return;
    static struct enclave many[YZ_MAX_ENCLAVES + 1];
    /* The first has no buffer, so one page table fewer: the last create then fails with some tables already taken. */
    struct enclave_file file = enclave_example(EXAMPLE_HELLO);
    uint32_t made = 1, memory = enclave_memory_take(SMALL);
    struct sbi_result r = create_raw((uint32_t)(uintptr_t)file.start, file.bytes, memory, 0);
    expect(r.error == 0, "an enclave without buffer was refused: %s", error_name(r.error));
    many[0] = (struct enclave){.life = ENCLAVE_NEW, .eid = r.value, .memory = memory, .memory_bytes = SMALL};
    int32_t error = 0;
    while (made <= YZ_MAX_ENCLAVES) {
        memory = enclave_memory_take(SMALL);
        enclave_memory_drop(memory, SMALL); /* what the next create will offer */
        *(volatile uint32_t *)(uintptr_t)memory = 0x0FFE2;
        error = enclave_create(&many[made], enclave_example(EXAMPLE_HELLO), SMALL);
        if (error)
            break;
        made++;
    }
    expect(error == YZ_ERR_NO_MEMORY || error == YZ_ERR_NO_SLOT, "enclave %u: %s", (unsigned)made, error_name(error));
    for (uint32_t pa = memory; pa < memory + SMALL; pa += PAGE)
        expect(page_owner(pa) == YZ_OWNER_HOST, "page 0x%08x of the refused enclave has owner %u", (unsigned)pa,
               (unsigned)page_owner(pa));
    expect(*(volatile uint32_t *)(uintptr_t)memory == 0x0FFE2, "a page of the refused enclave was changed");
    /* What the first gives back and what was left over is exactly enough, if the refused create kept nothing. */
    expect(enclave_destroy(&many[0]) == 0 && enclave_reclaim(&many[0]) == 0, "the first enclave did not go");
    if (!create(&many[0], EXAMPLE_HELLO))
        many[0].life = ENCLAVE_NONE;
    for (uint32_t i = 0; i < made; i++)
        if (many[i].life != ENCLAVE_NONE)
            expect(enclave_destroy(&many[i]) == 0 && enclave_reclaim(&many[i]) == 0, "enclave %u did not go", (unsigned)i);
    detail("number %u was refused with %d, its pages stayed the host's unchanged; with one destroyed it works again",
           (unsigned)made + 2, (int)error); /* the victim is one of them */
}

void attack_snooping_enclave(void)
{
    if (!attack_ready())
        return;
    static const struct {
        char kind;
        uint32_t cause;
    } accesses[] = {{'r', CAUSE_LOAD_PAGE}, {'w', CAUSE_STORE_PAGE}, {'x', CAUSE_FETCH_PAGE}};
    const uint32_t targets[] = {KERNEL_CHUNK, HPT_BASE, attack.victim.memory | 1u << YZ_PROTECTION_BIT};
    for (uint32_t i = 0; i < COUNT(accesses); i++) {
        uint32_t va = targets[i];
        char input[5] = {accesses[i].kind, (char)va, (char)(va >> 8), (char)(va >> 16), (char)(va >> 24)};
        struct enclave e;
        if (!create(&e, EXAMPLE_SNOOP))
            return;
        e.input = input;
        e.input_bytes = sizeof input;
        int32_t error = enclave_run_to_end(&e);
        expect(error == 0 && e.exit_reason == YZ_EXIT_FAULT && e.exit_value == accesses[i].cause,
               "access '%c' to 0x%08x ended for reason %u with %u", accesses[i].kind, (unsigned)va, (unsigned)e.exit_reason,
               (unsigned)e.exit_value);
        enclave_reclaim(&e);
    }
    detail("a load from the kernel, a store to a page table and a fetch from another enclave each ended the enclave");
}

void attack_victim_unharmed(void)
{
    if (!attack_ready())
        return;
    expect(attack_victim_ends_well(), "the victim ended for reason %u with %d", (unsigned)attack.victim.exit_reason,
           (int)attack.victim.exit_value);
    expect(enclave_reclaim(&attack.victim) == 0, "its pages are not zero");
    detail("the enclave that waited through all attacks finished with its right answers, and its pages came back zero");
}
