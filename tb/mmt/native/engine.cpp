// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <string>

#include "master.h"
#include "memory.h"
#include "nonces.h"
#include "registers.h"
#include "shared.h"
#include "stability.h"

namespace {

constexpr uint32_t kManyEvents = 4096;
constexpr uint32_t kQuiet = 64; // Cycles: more than a unit of the engine needs between two accesses to memory.

} // namespace

struct mmt_engine {
    Shared shared;
    Memory memory{shared};
    Master master{shared};
    Registers registers{shared};
    Stability stability{shared};
    Nonces nonces;
    std::deque<uint32_t> entropy;
    bool irq = false;

    explicit mmt_engine(uint64_t seed) : shared(seed) {}

    void check_nonces() {
        std::string wrong;
        if (shared.top.probe_encrypt_valid) {
            wrong += nonces.encrypt_line(shared.top.probe_encrypt_slot);
        }
        if (shared.top.probe_seal_valid) {
            wrong += nonces.seal_node();
        }
        if (shared.top.probe_lines_valid) {
            wrong += nonces.ask_line(shared.top.probe_lines_tag >> 3, shared.top.probe_lines_tag & 7,
                                     Nonces::input(shared.top.probe_lines_block, shared.top.probe_lines_key));
        }
        if (shared.top.probe_tree_valid) {
            wrong += nonces.ask_node(Nonces::input(shared.top.probe_tree_block, shared.top.probe_tree_key));
        }
        if (!wrong.empty()) {
            shared.broken(wrong);
        }
    }

    void step() {
        Vmmt &top = shared.top;
        top.clk = 0;
        memory.drive();
        master.drive();
        registers.drive();
        top.entropy_valid = !entropy.empty();
        top.entropy_data = entropy.empty() ? uint32_t(shared.rng.next()) : entropy.front();
        top.eval();
        memory.sample();
        master.sample();
        registers.sample();
        stability.check();
        check_nonces();
        if (top.entropy_valid && top.entropy_ready) {
            entropy.pop_front();
        }
        if (bool(top.irq) != irq) {
            irq = top.irq;
            shared.event(MMT_IRQ, irq, 0, 0, 0);
        }
        top.clk = 1;
        top.eval();
        shared.cycle++;
    }

    void reset(uint32_t cycles) {
        memory.reset();
        master.reset();
        registers.reset();
        stability.reset();
        nonces.clear();
        entropy.clear();
        irq = false;
        Vmmt &top = shared.top;
        top.rst = 1;
        for (uint32_t i = 0; i < cycles; i++) {
            top.clk = 0;
            top.s_axi_awvalid = top.s_axi_wvalid = top.s_axi_arvalid = top.s_axil_awvalid = top.s_axil_wvalid = 0;
            top.s_axil_arvalid = top.m_axi_bvalid = top.m_axi_rvalid = top.entropy_valid = 0;
            top.eval();
            top.clk = 1;
            top.eval();
            shared.cycle++;
        }
        top.rst = 0;
    }

    bool idle() const {
        return master.idle() && registers.idle() && memory.idle() && !shared.top.m_axi_awvalid &&
               !shared.top.m_axi_arvalid;
    }

    int run(uint64_t cycles, uint64_t until) {
        uint64_t quiet = 0;
        for (uint64_t i = 0; i < cycles; i++) {
            if (until && memory.beats >= until) {
                return MMT_STOP_BEATS;
            }
            if (shared.events.size() >= kManyEvents) {
                return MMT_STOP_EVENTS;
            }
            quiet = idle() ? quiet + 1 : 0;
            if (quiet > kQuiet) {
                return MMT_STOP_IDLE;
            }
            step();
        }
        return MMT_STOP_CYCLES;
    }
};

extern "C" {

mmt_engine *mmt_new(uint64_t seed) { return new mmt_engine(seed); }
void mmt_delete(mmt_engine *e) { delete e; }
struct mmt_settings *mmt_get_settings(mmt_engine *e) { return &e->shared.settings; }

void mmt_write(mmt_engine *e, uint32_t tag, uint16_t id, uint64_t addr, uint8_t len, uint8_t size, uint8_t burst,
               const uint8_t *data, const uint16_t *strobe) {
    Burst b{tag, id, addr, len, size, burst};
    b.data.resize(len + 1u);
    std::memcpy(b.data.data(), data, 16 * (len + 1u));
    b.strobe.assign(strobe, strobe + len + 1);
    e->master.write(std::move(b));
}

void mmt_read(mmt_engine *e, uint32_t tag, uint16_t id, uint64_t addr, uint8_t len, uint8_t size, uint8_t burst) {
    e->master.read({tag, id, addr, len, size, burst});
}

void mmt_lite(mmt_engine *e, uint32_t tag, uint8_t op, uint16_t addr, uint32_t data, uint32_t mask) {
    e->registers.queue({tag, op, addr, data, mask});
}

void mmt_entropy(mmt_engine *e, const uint32_t *words, uint32_t count) {
    e->entropy.insert(e->entropy.end(), words, words + count);
}

void mmt_test_keys(mmt_engine *e, int on) { e->shared.top.test_keys = on; }
void mmt_reset(mmt_engine *e, uint32_t cycles) { e->reset(cycles); }
int mmt_run(mmt_engine *e, uint64_t cycles, uint64_t beats) {
    return e->run(cycles, beats ? e->memory.beats + beats : 0);
}
uint64_t mmt_cycle(mmt_engine *e) { return e->shared.cycle; }
uint64_t mmt_beats(mmt_engine *e) { return e->memory.beats; }

uint32_t mmt_events(mmt_engine *e, const mmt_event **events, const uint8_t **arena) {
    *events = e->shared.events.data();
    *arena = e->shared.arena.data();
    return uint32_t(e->shared.events.size());
}

uint64_t mmt_nonces(mmt_engine *e) { return e->nonces.count(); }

void mmt_clear_events(mmt_engine *e) {
    e->shared.events.clear();
    e->shared.arena.clear();
}

void mmt_peek(mmt_engine *e, uint64_t addr, uint8_t *data) {
    auto at = e->memory.lines.find(addr & ~63ull);
    if (at == e->memory.lines.end()) {
        std::memset(data, 0, 64);
    } else {
        std::memcpy(data, at->second.data(), 64);
    }
}

void mmt_poke(mmt_engine *e, uint64_t addr, const uint8_t *data) { std::memcpy(e->memory.line(addr).data(), data, 64); }

uint32_t mmt_lines(mmt_engine *e, uint64_t *addrs, uint32_t room) {
    uint32_t count = 0;
    for (auto &[addr, line] : e->memory.lines) {
        if (count < room) {
            addrs[count] = addr;
        }
        count++;
    }
    return count;
}

void mmt_fault(mmt_engine *e, uint64_t addr, int kind) {
    if (kind) {
        e->memory.faults[addr & ~63ull] = kind;
    } else {
        e->memory.faults.erase(addr & ~63ull);
    }
}

}
