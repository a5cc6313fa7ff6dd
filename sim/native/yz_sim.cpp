// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>
#include <string>

#include "Vyz_top.h"
#include "dram.h"
#include "verilated.h"
#if defined(YZ_TRACE_FST)
#include "verilated_fst_c.h"
using Trace = VerilatedFstC;
#elif defined(YZ_TRACE_VCD)
#include "verilated_vcd_c.h"
using Trace = VerilatedVcdC;
#endif

#include "yz_cache_view.h"

extern "C" {
#include "yz_sim.h"
}

// The harness's source of random words: repeatable, see yz_seed.
class Entropy {
  public:
    void seed(uint64_t seed) {
        // splitmix64, so that neighbouring seeds have nothing in common and the state is never 0.
        seed += 0x9E3779B97F4A7C15u;
        seed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9u;
        seed = (seed ^ seed >> 27) * 0x94D049BB133111EBu;
        state_ = (seed ^ seed >> 31) | 1u;
        next();
    }
    uint32_t word() const { return word_; }
    void next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        word_ = uint32_t(state_ * 0x2545F4914F6CDD1Du >> 32);
    }

  private:
    uint64_t state_ = 1;
    uint32_t word_ = 0;
};

struct yz_machine {
    VerilatedContext context;
    Vyz_top top;
    Dram<Vyz_top> dram;
    Entropy entropy;
    uint64_t cycle = 0;
    uint64_t engine_cycles = 0;
    bool engine_always = false;
    uint32_t exit_code = 0;
    yz_event event{};
    std::string console_out;
    std::deque<uint8_t> console_in;
#if defined(YZ_TRACE_FST) || defined(YZ_TRACE_VCD)
    std::unique_ptr<Trace> trace;
#endif

    yz_machine(uint64_t base, uint64_t size) : top(&context, "yz_top"), dram(base, size) {}

    void dump(uint64_t time) {
#if defined(YZ_TRACE_FST) || defined(YZ_TRACE_VCD)
        if (trace) {
            trace->dump(time);
        }
#else
        (void)time;
#endif
    }

    // Pins for the coming cycle: the machine has them after the next rising edge (yz_top.v).
    void drive() {
        dram.drive(top, cycle);
        top.entropy_valid = 1;
        top.entropy_data = entropy.word();
        top.uart_rx_valid = !console_in.empty();
        top.uart_rx_data = console_in.empty() ? 0 : console_in.front();
    }

    // What the machine does in this cycle, whose outputs are settled.
    int sample() {
        int stop = YZ_STOP_CYCLES;
        dram.sample(top, cycle);
        if (top.entropy_ready) {
            entropy.next();
        }
        if (top.uart_tx_valid) {
            console_out.push_back(char(top.uart_tx_data));
        }
        if (top.uart_rx_take) {
            console_in.pop_front();
        }
        if (top.event_valid) {
            event = {top.cycle, top.event_code, {top.event_arg0, top.event_arg1, top.event_arg2, top.event_arg3}};
            stop = YZ_STOP_EVENT;
        }
        if (top.exit_valid) {
            exit_code = top.exit_code;
            stop = YZ_STOP_EXIT;
        }
        return stop;
    }

    // One clock period, from just before a rising edge to just before the next one.
    int step() {
        int stop = sample();
        cycle++;
        drive();
        edge();
        return stop;
    }

    void edge() {
        const bool engine = top.engine_run || engine_always;
        engine_cycles += engine;
        top.clk = 1;
        top.engine_clk = engine;
        top.eval();
        dump(2 * cycle);
        top.clk = 0;
        top.engine_clk = 0;
        top.eval();
        dump(2 * cycle + 1);
    }

    void reset() {
        dram.reset();
        console_in.clear();
        exit_code = 0;
        for (int left = 4; left >= 0; left--) {
            top.rst = left != 0;
            cycle++;
            drive();
            edge();
        }
    }
};

yz_machine *yz_open(uint64_t dram_base, uint64_t dram_size, const struct yz_dram_timing *timing) {
    auto *m = new yz_machine(dram_base, dram_size);
    m->dram.timing = {timing->latency, timing->beat, timing->banks, timing->bank_busy};
    m->entropy.seed(1);
    m->reset();
    return m;
}

void yz_close(yz_machine *m) {
    yz_trace_stop(m);
    m->top.final();
    delete m;
}

void yz_seed(yz_machine *m, uint64_t seed) { m->entropy.seed(seed); }

void yz_reset(yz_machine *m) { m->reset(); }

int yz_run(yz_machine *m, uint64_t cycles) {
    for (uint64_t i = 0; i < cycles; i++) {
        if (int stop = m->step()) {
            return stop;
        }
    }
    return YZ_STOP_CYCLES;
}

void yz_engine_always(yz_machine *m, int always) { m->engine_always = always; }
uint64_t yz_engine_cycles(const yz_machine *m) { return m->engine_cycles; }
uint64_t yz_cycle(const yz_machine *m) { return m->top.cycle; }
uint64_t yz_retired(const yz_machine *m) { return m->top.retired; }
uint32_t yz_exit_code(const yz_machine *m) { return m->exit_code; }
struct yz_event yz_last_event(const yz_machine *m) { return m->event; }
uint64_t yz_dram_reads(const yz_machine *m) { return m->dram.reads; }
uint64_t yz_dram_writes(const yz_machine *m) { return m->dram.writes; }

uint32_t yz_console_read(yz_machine *m, uint8_t *out, uint32_t n) {
    n = uint32_t(std::min<size_t>(n, m->console_out.size()));
    std::memcpy(out, m->console_out.data(), n);
    m->console_out.erase(0, n);
    return n;
}

void yz_console_write(yz_machine *m, const uint8_t *in, uint32_t n) { m->console_in.insert(m->console_in.end(), in, in + n); }

static bool in_dram(const yz_machine *m, uint64_t offset, uint64_t n) {
    return offset <= m->dram.memory.size() && n <= m->dram.memory.size() - offset;
}

int yz_dram_read(yz_machine *m, uint64_t offset, uint8_t *out, uint64_t n) {
    if (!in_dram(m, offset, n)) {
        return -1;
    }
    m->dram.memory.read(offset, out, n);
    return 0;
}

int yz_read(const yz_machine *m, uint64_t offset, uint8_t *out, uint64_t n) {
    if (!in_dram(m, offset, n)) {
        return -1;
    }
    m->dram.memory.read(offset, out, n);
    const uint64_t first = m->dram.base() + offset;
    yz_cache_lines(m->top, [&](uint64_t address, const uint8_t *line) {
        const uint64_t low = std::max(address, first), high = std::min(address + YZ_LINE_BYTES, first + n);
        if (low < high) {
            std::memcpy(out + (low - first), line + (low - address), high - low);
        }
    });
    return 0;
}

int yz_dram_write(yz_machine *m, uint64_t offset, const uint8_t *in, uint64_t n) {
    if (!in_dram(m, offset, n)) {
        return -1;
    }
    m->dram.memory.write(offset, in, n);
    return 0;
}

uint64_t yz_dram_pages(yz_machine *m, uint64_t *out, uint64_t n) {
    const std::vector<uint64_t> pages = m->dram.memory.pages();
    std::copy_n(pages.begin(), std::min<uint64_t>(n, pages.size()), out);
    return pages.size();
}

void yz_dram_fault(yz_machine *m, uint64_t offset, uint64_t n) { m->dram.fail(offset, n); }

int yz_trace_start(yz_machine *m, const char *path) {
#if defined(YZ_TRACE_FST) || defined(YZ_TRACE_VCD)
    m->context.traceEverOn(true);
    m->trace = std::make_unique<Trace>();
    m->top.trace(m->trace.get(), 99);
    m->trace->open(path);
    return 0;
#else
    (void)m, (void)path;
    return -1;
#endif
}

void yz_trace_stop(yz_machine *m) {
#if defined(YZ_TRACE_FST) || defined(YZ_TRACE_VCD)
    if (m->trace) {
        m->trace->close();
        m->trace.reset();
    }
#else
    (void)m;
#endif
}
