// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "../dram.h"
#include "Vllc_bench.h"
#include "line_port.h"
#include "verilated.h"

extern "C" {
#include "llc.h"
}

namespace {
constexpr uint64_t kStuck = 1000000;
constexpr uint32_t kStatus = 0x08;
using Top = Vllc_bench;
using Port = LinePort<VlWide<16>>;

// A port and the master in the same words.
bool room(const Port &port, bool) { return port.room(); }
bool room(const Master<Top> &master, bool write) { return master.room(write); }
uint64_t name(const Port::Done &done) { return done.name; }
uint64_t name(const Master<Top>::Done &done) { return done.tag; }

#define YZ_PINS(top, u)                                                                                                    \
    {top.u##_valid,        top.u##_ready,  top.u##_write, top.u##_tag,  top.u##_answer,     top.u##_answer_tag,            \
     top.u##_answer_error, top.u##_line,   top.u##_strobe, top.u##_data, top.u##_answer_data}

// A blocking in-order core that goes round its accesses.
struct Core {
    const yz_llc_access *accesses = nullptr;
    uint64_t n = 0, from = 0, to = 0;
    yz_llc_core seen{};
    uint64_t resume = 0; // cycle in which the next access may be made
    bool half = false, blocked = false;

    bool there() const { return !n || !to || seen.done >= to; }
    bool pauses(uint64_t now) const { return !n || (!blocked && now < resume); }

    void plan(uint64_t now) {
        uint64_t halves = uint64_t(accesses[seen.done % n].instructions) * 3 + half;
        half = halves & 1;
        resume = now + halves / 2;
    }

    void ended(uint64_t now) {
        mark(++seen.done, now);
        plan(now);
    }

    void mark(uint64_t done, uint64_t now) {
        seen.start = done == from ? now : seen.start;
        seen.end = to && done == to ? now : seen.end;
    }

    // Before the cycle `now`: makes the access that is due.
    void drive(Port &port, uint32_t write_buffer, uint64_t now) {
        if (!n || blocked || now < resume) {
            return;
        }
        const yz_llc_access &a = accesses[seen.done % n];
        if (!port.room() || port.busy(a.line, a.write) || (a.write && port.writes_under_way() >= write_buffer)) {
            return;
        }
        port.start(a.line, a.write, !a.write, now);
        if (a.write) {
            ended(now);
        } else {
            blocked = true;
        }
    }

    // After it; `now` is the next cycle.
    void sample(Port &port, uint64_t now) {
        for (const auto &done : port.ended()) {
            if (done.name == 1) {
                blocked = false;
                bool counts = seen.done >= from && !(to && seen.done >= to);
                seen.reads += counts;
                seen.hits += counts && done.hit;
                ended(now);
            }
        }
        port.ended().clear();
    }
};
} // namespace

struct yz_llc {
    VerilatedContext context;
    Top top{&context, "llc_bench"};
    Dram<Top> dram;
    Master<Top> master;
    std::array<Port, 2> ports{Port(YZ_PINS(top, u0)), Port(YZ_PINS(top, u1))};
    std::array<Core, 2> cores;
    yz_llc_options options;
    uint64_t now = 0, skipped = 0, quiet = 0, at_memory = 0;
    uint64_t first_beat = 0; // cycle of the latest first beat on s_axi
    bool burst_ended = true; // the next beat there is one

    explicit yz_llc(const yz_llc_options &o) : dram(0, o.size), options(o) {
        dram.timing = {o.latency, o.beat, o.banks, o.bank_busy, o.queue};
        dram.reset();
        top.way_masks = 0;
        for (int n = 2; n >= 0; n--) {
            top.way_masks = top.way_masks << YZ_LLC_WAYS | o.way_masks[n];
        }
        top.rst = 1;
        for (int i = 0; i < 4; i++) {
            step();
        }
        top.rst = 0;
        uint32_t status = 0;
        for (uint64_t i = 0; i < kStuck && !(status & 1); i++) {
            yz_llc_reg_read(this, kStatus, &status);
        }
        now = quiet = 0;
    }

    // One clock period. Inputs change at the falling edge; outputs are read settled before the rising edge.
    void step() {
        top.clk = 0;
        for (Port &port : ports) {
            port.drive();
        }
        master.drive(top);
        dram.drive(top, now);
        top.eval();
        if (!top.rst) {
            at_memory += (top.m_axi_arvalid && top.m_axi_arready) + (top.m_axi_awvalid && top.m_axi_awready);
            at_memory -= (top.m_axi_rvalid && top.m_axi_rready && top.m_axi_rlast) +
                         (top.m_axi_bvalid && top.m_axi_bready);
            if (top.s_axi_rvalid) {
                first_beat = burst_ended ? now : first_beat;
                burst_ended = top.s_axi_rlast;
            }
            for (Port &port : ports) {
                port.sample(now);
            }
            master.sample(top, now);
            dram.sample(top, now);
        }
        bool idle = !at_memory && !top.m_axi_arvalid && !top.m_axi_awvalid && !top.m_axi_wvalid && master.idle() &&
                    ports[0].idle() && ports[1].idle();
        quiet = idle ? quiet + 1 : 0;
        top.clk = 1;
        top.eval();
        now++;
    }

    // Makes the accesses of `user`, a port or the master. `first_beats` is the master's.
    template <class User>
    bool pattern(User &user, const yz_llc_access *accesses, uint64_t n, uint32_t outstanding, uint32_t *latencies,
                 uint32_t *first_beats) {
        uint64_t started = 0, ended = 0, moved = now;
        user.ended().clear();
        while (ended < n) {
            while (started < n && user.under_way() < outstanding &&
                   !user.busy(accesses[started].line, accesses[started].write) &&
                   room(user, accesses[started].write)) {
                user.start(accesses[started].line, accesses[started].write, started, now);
                started++;
            }
            step();
            for (const auto &done : user.ended()) {
                ended++;
                moved = now;
                if (latencies) {
                    latencies[name(done)] = done.cycles;
                }
                if (first_beats && !accesses[name(done)].write) {
                    first_beats[name(done)] = uint32_t(first_beat - (now - done.cycles) + 1);
                }
            }
            user.ended().clear();
            if (now - moved > kStuck) {
                return false;
            }
        }
        return true;
    }

    // One cycle of the cores; or, when both pause and nothing is under way, all of the pause (but not beyond `until`).
    void cores_step(uint64_t until) {
        if (options.quiet && quiet >= options.quiet && cores[0].pauses(now) && cores[1].pauses(now)) {
            uint64_t to = until;
            for (const Core &core : cores) {
                to = core.n ? std::min(to, core.resume) : to;
            }
            if (to > now) {
                skipped += to - now;
                now = to;
                return;
            }
        }
        for (int i = 0; i < 2; i++) {
            cores[i].drive(ports[i], options.write_buffer, now);
        }
        step();
        for (int i = 0; i < 2; i++) {
            cores[i].sample(ports[i], now);
        }
    }
};

yz_llc *yz_llc_open(const struct yz_llc_options *options) { return new yz_llc(*options); }

void yz_llc_close(yz_llc *l) {
    l->top.final();
    delete l;
}

struct yz_llc_totals yz_llc_totals_of(const yz_llc *l) {
    uint64_t errors = l->master.errors, mismatches = l->master.mismatches;
    for (const Port &port : l->ports) {
        errors += port.errors;
        mismatches += port.mismatches;
    }
    return {l->now, l->skipped, errors, mismatches, l->dram.reads, l->dram.writes};
}

void yz_llc_idle(yz_llc *l, uint64_t cycles) {
    while (cycles--) {
        l->step();
    }
}

int yz_llc_pattern(yz_llc *l, uint32_t user, const struct yz_llc_access *accesses, uint64_t n, uint32_t outstanding,
                   uint32_t *latencies, uint32_t *first_beats) {
    bool ended = user == YZ_LLC_AXI ? l->pattern(l->master, accesses, n, outstanding, latencies, first_beats)
                                    : l->pattern(l->ports[user], accesses, n, outstanding, latencies, nullptr);
    return ended ? 0 : -1;
}

void yz_llc_core_begin(yz_llc *l, uint32_t user, const struct yz_llc_access *accesses, uint64_t n, uint64_t from,
                       uint64_t to) {
    Core &core = l->cores[user];
    core = Core();
    core.accesses = accesses;
    core.n = n;
    core.from = from;
    core.to = to;
    core.seen.start = core.seen.end = ~uint64_t(0);
    core.mark(0, l->now);
    l->ports[user].ended().clear();
    if (n) {
        core.plan(l->now);
    }
}

int yz_llc_run(yz_llc *l, uint64_t cycles) {
    const Core &first = l->cores[0], &second = l->cores[1];
    uint64_t until = l->now + cycles, moved = l->now, done = 0;
    bool asked = first.to || second.to;
    while (l->now < until && !(asked && first.there() && second.there())) {
        l->cores_step(until);
        uint64_t sum = first.seen.done + second.seen.done;
        bool pausing = first.pauses(l->now) && second.pauses(l->now);
        moved = sum != done || pausing ? l->now : moved;
        done = sum;
        if (l->now - moved > kStuck) {
            return -1;
        }
    }
    return 0;
}

struct yz_llc_core yz_llc_core_of(const yz_llc *l, uint32_t user) { return l->cores[user].seen; }

int yz_llc_reg_read(yz_llc *l, uint32_t offset, uint32_t *value) {
    Top &top = l->top;
    top.bus_addr = uint16_t(offset);
    top.bus_r_stb = 1;
    top.clk = 0;
    top.eval();
    *value = top.bus_r_data;
    int error = top.bus_err;
    l->step();
    top.bus_r_stb = 0;
    return error;
}

int yz_llc_reg_write(yz_llc *l, uint32_t offset, uint32_t value) {
    Top &top = l->top;
    top.bus_addr = uint16_t(offset);
    top.bus_w_data = value;
    top.bus_w_stb = 1;
    top.clk = 0;
    top.eval();
    int error = top.bus_err;
    l->step();
    top.bus_w_stb = 0;
    return error;
}

int64_t yz_llc_reg_run(yz_llc *l, uint32_t offset, uint32_t value, uint32_t polled, uint32_t mask) {
    uint64_t begin = l->now;
    yz_llc_reg_write(l, offset, value);
    Top &top = l->top;
    top.bus_addr = uint16_t(polled);
    top.bus_r_stb = 1;
    int64_t cycles = -1;
    while (cycles < 0 && l->now - begin <= kStuck) {
        top.clk = 0;
        top.eval();
        if (!(top.bus_r_data & mask)) {
            cycles = int64_t(l->now - begin);
        }
        l->step();
    }
    top.bus_r_stb = 0;
    return cycles;
}
