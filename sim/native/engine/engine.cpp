// SPDX-License-Identifier: Apache-2.0
#include "../dram.h"
#include "master.h"
#ifdef YZ_ENGINE_DIRECT
#include "direct.h"
using Top = Direct;
#else
#include "Vmmt.h"
#include "verilated.h"
using Top = Vmmt;
#endif

extern "C" {
#include "engine.h"
}

namespace {
constexpr uint64_t kStuck = 1000000;
}

struct yz_engine {
#ifdef YZ_ENGINE_DIRECT
    Top top;
#else
    VerilatedContext context;
    Top top{&context, "mmt"};
#endif
    Dram<Top> dram;
    Master<Top> master;
    yz_engine_options options;
    uint64_t now = 0, skipped = 0, quiet = 0, entropy;
    uint64_t core_at = 0; // cycle from which the core goes on
    bool core_half = false;

    explicit yz_engine(const yz_engine_options &o) : dram(o.base, o.size), options(o), entropy(o.entropy_seed) {
        dram.timing = {o.latency, o.beat, o.banks, o.bank_busy, o.queue};
        dram.reset();
        top.rst = 1;
        for (int i = 0; i < 4; i++) {
            step();
        }
        top.rst = 0;
        now = quiet = 0;
    }

    // One clock period. Inputs change at the falling edge; outputs are read settled before the rising edge.
    void step() {
        top.clk = 0;
        master.drive(top);
        dram.drive(top, now);
        top.entropy_valid = 1;
        top.entropy_data = uint32_t(mix(entropy));
        top.eval();
        quiet = top.s_axi_arvalid | top.s_axi_awvalid | top.s_axi_wvalid | top.s_axi_rvalid | top.s_axi_bvalid |
                        top.m_axi_arvalid | top.m_axi_awvalid | top.m_axi_wvalid | top.m_axi_rvalid | top.m_axi_bvalid |
                        top.s_axil_arvalid | top.s_axil_awvalid | top.s_axil_rvalid | top.s_axil_bvalid
                    ? 0
                    : quiet + 1;
        if (!top.rst) {
            master.sample(top, now);
            dram.sample(top, now);
        }
        if (top.entropy_ready) {
            entropy += 0x9e3779b97f4a7c15u;
        }
        top.clk = 1;
        top.eval();
        now++;
    }

    // Steps until `done`; false when nothing ended for kStuck cycles.
    template <class F> bool until(F done) {
        for (uint64_t waited = 0; !done(); waited++) {
            if (waited > kStuck) {
                return false;
            }
            step();
        }
        return true;
    }

    // Waits for the cycle `at`. Nothing moves by itself in an engine that was silent for `quiet` cycles with no access
    // under way: from then on only the time is counted.
    void pause_until(uint64_t at) {
        while (now < at) {
            if (options.quiet && quiet >= options.quiet && master.idle()) {
                skipped += at - now;
                now = at;
            } else {
                step();
            }
        }
    }

    bool replay(const yz_access &a) {
        uint64_t halves = uint64_t(a.instructions) * 3 + core_half;
        core_half = halves & 1;
        pause_until(core_at + halves / 2);
        bool free = until([&] {
            return !master.busy(a.line, a.write) && master.room(a.write) &&
                   (!a.write || master.under_way() < options.write_buffer);
        });
        if (!free) {
            return false;
        }
        core_at = now;
        master.ended().clear();
        master.start(a.line, a.write, !a.write, now);
        if (a.write) {
            return true;
        }
        bool ended = until([&] {
            auto &list = master.ended();
            return std::any_of(list.begin(), list.end(), [](const auto &d) { return d.tag == 1; });
        });
        core_at = now;
        return ended;
    }
};

yz_engine *yz_engine_open(const struct yz_engine_options *options) { return new yz_engine(*options); }

void yz_engine_close(yz_engine *e) {
    e->top.final();
    delete e;
}

struct yz_engine_totals yz_engine_totals_of(const yz_engine *e) {
    const auto &m = e->master;
    return {e->now,       e->skipped,       m.reads,          m.writes,     m.errors,
            m.mismatches, m.first_bad_line, e->dram.reads, e->dram.writes};
}

int yz_engine_irq(const yz_engine *e) { return e->top.irq; }

void yz_engine_idle(yz_engine *e, uint64_t cycles) {
    while (cycles--) {
        e->step();
    }
}

int yz_engine_pattern(yz_engine *e, const struct yz_access *accesses, uint64_t n, uint32_t outstanding,
                      uint32_t *latencies) {
    uint64_t started = 0, ended = 0, moved = e->now;
    e->master.ended().clear();
    while (ended < n) {
        while (started < n && e->master.under_way() < outstanding &&
               !e->master.busy(accesses[started].line, accesses[started].write) &&
               e->master.room(accesses[started].write)) {
            e->master.start(accesses[started].line, accesses[started].write, started, e->now);
            started++;
        }
        e->step();
        for (const auto &done : e->master.ended()) {
            ended++;
            moved = e->now;
            if (latencies) {
                latencies[done.tag] = done.cycles;
            }
        }
        e->master.ended().clear();
        if (e->now - moved > kStuck) {
            return -1;
        }
    }
    return 0;
}

void yz_engine_core_start(yz_engine *e) {
    e->core_at = e->now;
    e->core_half = false;
}

uint64_t yz_engine_core_cycle(const yz_engine *e) { return e->core_at; }

int yz_engine_replay(yz_engine *e, const struct yz_access *accesses, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        if (!e->replay(accesses[i])) {
            return -1;
        }
    }
    return 0;
}

int yz_engine_reg_read(yz_engine *e, uint32_t offset, uint32_t *value) {
    Top &top = e->top;
    int response = -1;
    bool asked = false;
    top.s_axil_araddr = offset;
    top.s_axil_rready = 1;
    e->until([&] {
        top.s_axil_arvalid = !asked;
        // step() evaluates again with the same inputs before its edge, so what is seen here is what happens there.
        top.clk = 0;
        top.eval();
        asked |= top.s_axil_arready;
        if (top.s_axil_rvalid) {
            *value = top.s_axil_rdata;
            response = top.s_axil_rresp;
        }
        return response >= 0;
    });
    e->step(); // takes the answer
    top.s_axil_arvalid = 0;
    return response;
}

int yz_engine_reg_write(yz_engine *e, uint32_t offset, uint32_t value) {
    Top &top = e->top;
    int response = -1;
    bool addressed = false, given = false;
    top.s_axil_awaddr = offset;
    top.s_axil_wdata = value;
    top.s_axil_wstrb = 0xf;
    top.s_axil_bready = 1;
    e->until([&] {
        top.s_axil_awvalid = !addressed;
        top.s_axil_wvalid = !given;
        top.clk = 0;
        top.eval();
        addressed |= top.s_axil_awready;
        given |= top.s_axil_wready;
        if (top.s_axil_bvalid) {
            response = top.s_axil_bresp;
        }
        return response >= 0;
    });
    e->step();
    top.s_axil_awvalid = top.s_axil_wvalid = 0;
    return response;
}

int yz_engine_reg_until(yz_engine *e, uint32_t offset, uint32_t mask, uint32_t wanted, uint32_t *value) {
    for (uint64_t begin = e->now; e->now - begin < kStuck;) {
        int response = yz_engine_reg_read(e, offset, value);
        if (response != 0 || (*value & mask) == wanted) {
            return response;
        }
    }
    return -1;
}

static bool in_dram(const yz_engine *e, uint64_t offset, uint64_t n) {
    return offset <= e->options.size && n <= e->options.size - offset;
}

int yz_engine_peek(yz_engine *e, uint64_t offset, uint8_t *out, uint64_t n) {
    if (!in_dram(e, offset, n)) {
        return -1;
    }
    e->dram.memory.read(offset, out, n);
    return 0;
}

int yz_engine_poke(yz_engine *e, uint64_t offset, const uint8_t *in, uint64_t n) {
    if (!in_dram(e, offset, n)) {
        return -1;
    }
    e->dram.memory.write(offset, in, n);
    return 0;
}
