/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bus probe against enclaves: the host asks the harness to change DRAM under an enclave that waits in the middle of its
 * work, and then lets it go on. It must end there, by the monitor and not by its own results, and everything else live on.
 * What a probe sees and changes is DRAM, so the host first drives everything out of the last-level cache.
 * Needs a machine with a memory engine.
 */
#include <yz/sim_device.h>

#include "attack.h"

#include "console.h"

#define SMALL (6 * PAGE)
#define LINE 64u
/* Kinds of failures as the engine records them (mmt.rdl). */
enum { LINE_MAC = 1, NODE_MAC = 2, MEMORY_ERROR = 3 };
enum { SLOT_MEMORY, SLOT_METADATA };
/* The end of the host's own memory: ten lines for each set of the cache (128 KiB in 8 ways, SocConfig.llc), twice. */
#define EVICT_BYTES 0x28000u

static void physical(enum yz_attack what, uint32_t a, uint32_t b, uint32_t c)
{
    yz_sim_event(SIM_VA, YZ_EVENT_ATTACK, what, a, b, c);
}

/*
 * Read so much else that no line of anybody is left in the cache: dirty ones are in DRAM now, through the engine. What was
 * read the last time may still be there and would take nobody's place, so there are two halves in turn.
 */
static void evict(void)
{
    static bool second;
    second = !second;
    uint32_t base = POOL_END - (second ? 2 : 1) * EVICT_BYTES;
    for (uint32_t at = base; at < base + EVICT_BYTES; at += LINE)
        (void)*(volatile uint32_t *)(uintptr_t)at;
}

/* One bit in each line; which one of them is read next does not matter then. */
static void flip_all(uint32_t pa, uint32_t bytes)
{
    evict();
    for (uint32_t at = pa; at < pa + bytes; at += LINE)
        physical(YZ_ATTACK_FLIP, at, (at >> 6) % (8 * LINE), 0);
}

static uint32_t metadata_bytes(void)
{
    return monitor_call(YZ_HOST_MMT_INFO, YZ_MMT_PAGES, 0, 0, 0).value * PAGE;
}

/* An enclave that has yielded in the middle of its work. */
static bool waiting(struct enclave *e)
{
    int32_t error = enclave_create(e, enclave_example(EXAMPLE_COMPUTE), SMALL);
    e->quiet = true;
    while (!error && e->yields == 0 && e->life != ENCLAVE_ENDED)
        error = enclave_slice(e);
    return expect(!error && e->life == ENCLAVE_READY, "the enclave does not get to its yield: %s", error_name(error));
}

/* Its pages are the host's again, and zero. */
static void given_back(struct enclave *e)
{
    for (uint32_t pa = e->memory; pa < e->memory + e->memory_bytes; pa += PAGE)
        expect(page_owner(pa) == YZ_OWNER_HOST, "page 0x%08x has owner %u after the end", (unsigned)pa,
               (unsigned)page_owner(pa));
    uint32_t wrong = enclave_reclaim(e);
    expect(wrong == 0, "%u lines of its pages are not zero", (unsigned)wrong);
}

static bool ends_well(struct enclave *e)
{
    int32_t error = enclave_run_to_end(e);
    bool good = expect(error == 0 && e->exit_reason == YZ_EXIT_DONE && e->exit_value == 42,
                       "without an attack it ended for reason %u with %d", (unsigned)e->exit_reason, (int)e->exit_value);
    given_back(e);
    return good;
}

/* The control of all attacks, after them: the same enclave, the same slices, nothing done to it. */
static void undisturbed(void)
{
    struct enclave e;
    if (waiting(&e) && ends_well(&e))
        detail("yielded in the middle of its work, went on, right answers; its pages came back zero");
}

/* It ends because its memory failed a check; its identifier is dead, its pages come back, the next one works. */
static void ends_broken(struct enclave *e, uint32_t kind, uint32_t other_kind, const char *what)
{
    int32_t error = enclave_run_to_end(e);
    expect(error == 0 && e->exit_reason == YZ_EXIT_INTEGRITY, "%s: error %d, reason %u, value %d", what, (int)error,
           (unsigned)e->exit_reason, (int)e->exit_value);
    expect(e->exit_value == kind || e->exit_value == other_kind, "%s: recorded as kind %u", what, (unsigned)e->exit_value);
    refused(monitor_call(YZ_HOST_RESUME_ENCLAVE, e->eid, YZ_RESUME_TIMER, 0, 0), YZ_ERR_NO_ENCLAVE, "resume after its end");
    given_back(e);
}

static void bits_of_pages(void)
{
    struct enclave e;
    if (!waiting(&e))
        return;
    flip_all(e.memory, e.memory_bytes);
    ends_broken(&e, LINE_MAC, LINE_MAC, "one bit flipped in each line");
    detail("the enclave ended with reason %u, kind LINE_MAC, at its next access; its pages came back zero",
           YZ_EXIT_INTEGRITY);
}

static void old_pages(void)
{
    struct enclave e;
    if (!waiting(&e))
        return;
    uint32_t metadata = NODES_FOR_TABLES + metadata_bytes();
    evict();
    physical(YZ_ATTACK_SNAPSHOT, SLOT_MEMORY, e.memory, e.memory_bytes);
    physical(YZ_ATTACK_SNAPSHOT, SLOT_METADATA, metadata, metadata_bytes());
    int32_t error = enclave_slice(&e);
    if (!expect(!error && e.life == ENCLAVE_READY, "it is not interrupted in its work: %s", error_name(error)))
        return;
    evict();
    physical(YZ_ATTACK_REPLAY, SLOT_MEMORY, 0, 0);
    physical(YZ_ATTACK_REPLAY, SLOT_METADATA, 0, 0);
    ends_broken(&e, LINE_MAC, NODE_MAC, "all pages, MACs and nodes as they were a slice ago");
    detail("pages, MACs and nodes of a slice ago, together: ended with reason %u", YZ_EXIT_INTEGRITY);
}

static void other_enclaves_pages(void)
{
    struct enclave e, other;
    if (!waiting(&e) || !waiting(&other))
        return;
    evict();
    physical(YZ_ATTACK_SPLICE, other.memory, e.memory, e.memory_bytes);
    ends_broken(&e, LINE_MAC, LINE_MAC, "pages of another enclave");
    /* Both lie in one subtree, which is the unit that a failure closes. */
    refused(monitor_call(YZ_HOST_RESUME_ENCLAVE, other.eid, YZ_RESUME_TIMER, 0, 0), YZ_ERR_INTEGRITY, "the neighbour's resume");
    expect(enclave_destroy(&other) == 0, "the neighbour cannot be destroyed");
    given_back(&other);
    detail("ended with reason %u; its neighbour in the subtree answers INTEGRITY (%d) and can be destroyed",
           YZ_EXIT_INTEGRITY, YZ_ERR_INTEGRITY);
}

static void page_tables(void)
{
    struct enclave e;
    if (!waiting(&e))
        return;
    flip_all(ENCLAVE_TABLES, 4 * PAGE);
    ends_broken(&e, LINE_MAC, LINE_MAC, "one bit flipped in each line of its page tables");
    detail("no changed entry was used: ended with reason %u by the walk; tables began anew", YZ_EXIT_INTEGRITY);
}

static void old_life(void)
{
    struct enclave e;
    if (!waiting(&e))
        return;
    uint32_t memory = e.memory, metadata = NODES_FOR_TABLES + metadata_bytes();
    evict();
    physical(YZ_ATTACK_SNAPSHOT, SLOT_MEMORY, memory, e.memory_bytes);
    physical(YZ_ATTACK_SNAPSHOT, SLOT_METADATA, metadata, metadata_bytes());
    if (!ends_well(&e))
        return;
    evict();
    /* The first create lends the metadata again; what the attacker put there before says nothing. */
    physical(YZ_ATTACK_REPLAY, SLOT_MEMORY, 0, 0);
    physical(YZ_ATTACK_REPLAY, SLOT_METADATA, 0, 0);
    if (!waiting(&e) || !expect(e.memory == memory, "the next enclave lies elsewhere") || !ends_well(&e))
        return;
    /* And while the next one waits. */
    if (!waiting(&e))
        return;
    evict();
    physical(YZ_ATTACK_REPLAY, SLOT_MEMORY, 0, 0);
    physical(YZ_ATTACK_REPLAY, SLOT_METADATA, 0, 0);
    ends_broken(&e, LINE_MAC, NODE_MAC, "the life before of the same pages");
    detail("memory of a dead enclave under the next one: of no effect before it begins, found when it is used");
}

static void errors_of_dram(void)
{
    struct enclave e;
    if (!attack_ready() || !waiting(&e))
        return;
    evict();
    physical(YZ_ATTACK_FAULT, e.memory, e.memory_bytes, 0);
    int32_t error = enclave_slice(&e);
    physical(YZ_ATTACK_FAULT, 0, 0, 0);
    expect(error == 0 && e.life == ENCLAVE_ENDED && e.exit_reason == YZ_EXIT_INTEGRITY && e.exit_value == MEMORY_ERROR,
           "error %d, reason %u, value %d", (int)error, (unsigned)e.exit_reason, (int)e.exit_value);
    /* Its pages could not be zeroed while DRAM was broken, so they are nobody's any more. */
    expect(page_owner(e.memory) == YZ_OWNER_FREE, "a page that was not zeroed has owner %u", (unsigned)page_owner(e.memory));
    /* The host's own: a page that another subtree's DRAM holds. */
    volatile uint32_t *page = (volatile uint32_t *)(uintptr_t)attack.page;
    evict();
    physical(YZ_ATTACK_FAULT, attack.page, PAGE, 0);
    struct probe p = probe_load32(attack.page + 128);
    physical(YZ_ATTACK_FAULT, 0, 0, 0);
    expect(p.cause == CAUSE_LOAD_ACCESS, "a load from broken DRAM: cause %u", (unsigned)p.cause);
    page[1] = 77;
    expect(page[1] == 77, "the page does not work when DRAM does");
    detail("the enclave ended with reason %u, kind MEMORY_ERROR; a load of the host took an access fault; both went on",
           YZ_EXIT_INTEGRITY);
}

static void engine_closed(void)
{
    if (!attack_ready())
        return;
    static const uint32_t registers[] = {0x00, 0x10, 0x14, 0x18, 0x20, 0x2C, 0x30, 0x40};
    for (uint32_t i = 0; i < sizeof registers / sizeof registers[0]; i++) {
        uint32_t entry = pte_make(YZ_MMT_BASE, LEAF);
        refused(set_one(play_pte(3), entry), YZ_ERR_PTE_TARGET, "a mapping of the engine's registers");
        trapped(probe_load32(PLAY_VA + 3 * PAGE + registers[i]), CAUSE_LOAD_PAGE, PLAY_VA + 3 * PAGE + registers[i],
                "load from the engine's registers");
    }
    /* The metadata that the host lent is not the host's to map. */
    uint32_t metadata = NODES_FOR_TABLES;
    refused(set_one(play_pte(3), pte_make(metadata, LEAF)), YZ_ERR_PTE_TARGET, "a mapping of lent metadata");
    refused(set_one(play_pte(3), pte_make(YZ_MONITOR_BASE + YZ_MONITOR_BYTES - PAGE, LEAF)), YZ_ERR_PTE_TARGET,
            "a mapping of the meta zone");
    detail("no mapping of the engine's registers, of lent metadata or of the meta zone is accepted");
}

static void wrong_metadata(void)
{
    if (!attack_ready())
        return;
    uint32_t bytes = metadata_bytes(), served = POOL_END - PAGE, sums = attack_sums();
    const struct {
        uint32_t pa, bytes, served;
        const char *what;
    } calls[] = {
        {YZ_MONITOR_BASE, bytes, served, "the monitor as metadata"},
        {HPT_BASE, bytes, served, "page tables as metadata"},
        {ENCLAVE_TABLES, bytes, served, "enclave tables as metadata"},
        {attack.victim.memory, bytes, served, "an enclave's pages as metadata"},
        {NODES_FOR_TABLES, bytes, served, "metadata lent twice"},
        {served & ~(PAGE - 1), bytes, served, "metadata in the subtree that it serves"},
        {NODES_FOR_TABLES + 2 * bytes, bytes - PAGE, served, "a page too few"},
        {NODES_FOR_TABLES + 2 * bytes, bytes + PAGE, served, "a page too many"},
        {NODES_FOR_TABLES + 2 * bytes, bytes, attack.victim.memory, "a subtree that has metadata"},
        {NODES_FOR_TABLES + 2 * bytes, bytes, YZ_MONITOR_BASE, "the monitor's subtree"},
        {NODES_FOR_TABLES + 2 * bytes, bytes, YZ_MMT_BASE, "a subtree in MMIO"},
        {0xFFFFF000u, bytes, served, "metadata that wraps"},
        {YZ_MMT_BASE, bytes, served, "metadata in MMIO"},
    };
    for (uint32_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        refused(monitor_call(YZ_HOST_MMT_EXTEND, calls[i].pa, calls[i].bytes, calls[i].served, 0), 0, calls[i].what);
    expect(attack_sums() == sums, "a table changed");
    /* The control of the attacks that follow: this enclave waited as their victims do. */
    expect(attack_victim_ends_well() && enclave_reclaim(&attack.victim) == 0, "the enclave that waited is harmed");
    detail("%u calls with metadata that is somebody else's, overlaps, or serves the wrong subtree refused; the enclave that "
           "waited ended with its right answers",
           (unsigned)(sizeof calls / sizeof calls[0]));
}

const struct scenario tamper_scenarios[] = {
    {"engine closed to the host", "M22,M23", engine_closed},
    {"wrong metadata lent", "M29,M37", wrong_metadata},
    {"bits of an enclave's pages flipped", "M01,M43", bits_of_pages},
    {"enclave's past put back", "M05,M06", old_pages},
    {"pages of one enclave under another", "M08", other_enclaves_pages},
    {"bits of an enclave's page tables flipped", "M01,M43", page_tables},
    {"dead enclave's memory under the next", "M36", old_life},
    {"DRAM errors under enclave and host", NULL, errors_of_dram},
    {"enclave after all attacks", NULL, undisturbed},
};
const size_t tamper_scenario_count = sizeof tamper_scenarios / sizeof tamper_scenarios[0];
