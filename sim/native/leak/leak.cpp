// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <deque>
#include <vector>

#include "Vleak.h"
#include "verilated.h"

extern "C" {
#include "leak.h"
}

// The victim's loads, in order, while it encrypts.
static std::vector<uint32_t> *recorded;
static uint32_t recorded_load(const uint32_t *entry, uint32_t table, uint32_t index) {
    if (recorded) {
        recorded->push_back(1024 * table + 4 * index);
    }
    return *entry;
}
#define AES_LOAD(tables, n, index) recorded_load(&(tables)->t[n][index], n, index)
#include "aes.c"

namespace {

constexpr uint32_t LINE = 64, PAGE = 4096, BLOCK = 16;
constexpr uint32_t COLOUR = 3 * PAGE, WAY_BYTES = 4 * PAGE; // of the default cache
constexpr uint32_t TABLES = 0xC400'0000 + COLOUR, LINES = 0x8100'0000 + COLOUR;
constexpr uint32_t MOST = 16, SLACK = 2, TRIES = 12;
constexpr int32_t WARM_UP = 4; // traces that are not kept: caches are cold
constexpr uint32_t BEATS = 4, PAGE_SCOPE = 1;
constexpr int VICTIM = 0, ATTACKER = 1;

class Bench {
public:
    Bench(uint32_t latency, uint64_t seed) : latency_(latency) {
        context_.randReset(2);
        context_.randSeed(static_cast<int>(seed));
        aes_make_tables(&tables_);
        top_.rst = 1;
        tick();
        tick();
        top_.rst = 0;
        do {
            tick();
        } while (!seen_.ready);
    }

    uint64_t cycles() const { return cycle_; }

    // Read lines of these addresses, all offered at once, taken in order; cycles from the first offer to the last answer.
    uint32_t read(int user, const uint32_t *addresses, uint32_t count) {
        CData &valid = user == VICTIM ? top_.user0_valid : top_.user1_valid;
        CData &tag = user == VICTIM ? top_.user0_tag : top_.user1_tag;
        IData &line = user == VICTIM ? top_.user0_line : top_.user1_line;
        uint64_t begun = cycle_;
        for (uint32_t asked = 0, answered = 0; answered < count;) {
            valid = asked < count;
            line = addresses[std::min(asked, count - 1)] / LINE;
            tag = static_cast<CData>(asked);
            tick();
            asked += seen_.taken[user];
            answered += seen_.answered[user];
        }
        valid = 0;
        return static_cast<uint32_t>(cycle_ - begun);
    }

    uint32_t operate(uint32_t code) {
        top_.operation_code = code;
        top_.operation_scope = PAGE_SCOPE;
        top_.operation_address = TABLES;
        top_.operation_valid = 1;
        do {
            tick();
        } while (!seen_.operation_taken);
        top_.operation_valid = 0;
        do {
            tick();
        } while (!seen_.operation_done);
        return seen_.operation_result;
    }

    // The attacker's lines of a set, as in sw/leak/watch.c.
    uint32_t pass(uint32_t set, uint32_t lines, uint32_t first = 0) {
        uint32_t addresses[MOST];
        for (uint32_t n = 0; n < lines; n++) {
            addresses[n] = LINES + set * LINE + (first + n) * WAY_BYTES;
        }
        return read(ATTACKER, addresses, lines);
    }

    uint32_t quiet(uint32_t lines) {
        uint32_t least = ~0u;
        for (uint32_t n = 0; n < TRIES; n++) {
            uint32_t cycles = pass(0, lines);
            least = n > 2 ? std::min(least, cycles) : least;
        }
        return least;
    }

    uint32_t fits() {
        uint32_t one = quiet(1), more = quiet(2) - one, lines = 2;
        while (lines < MOST && quiet(lines + 1) <= one + more * lines + SLACK) {
            lines++;
        }
        return lines;
    }

    // As many lines as fit into their sets; `quiet`: cycles of a pass when they are there.
    void settle(uint32_t lines, uint32_t sets, uint32_t quiet) {
        for (uint32_t set = 0; set < sets; set++) {
            for (uint32_t n = 0; n < TRIES && pass(set, lines) > quiet; n++) {
            }
        }
    }

    // The victim's loads of one encryption of `block`.
    std::vector<uint32_t> loads(const aes_key &key, const uint8_t *block) {
        std::vector<uint32_t> found;
        uint8_t out[BLOCK];
        recorded = &found;
        aes_encrypt(&tables_, &key, block, out);
        recorded = nullptr;
        for (uint32_t &address : found) {
            address += TABLES;
        }
        return found;
    }

    aes_key expand(const uint8_t *key) const {
        aes_key expanded;
        aes_expand(&tables_, key, &expanded);
        return expanded;
    }

    void encrypt(const uint8_t *key, const uint8_t *in, uint8_t *out) const {
        aes_key expanded = expand(key);
        aes_encrypt(&tables_, &expanded, in, out);
    }

    void new_block(uint8_t *block) {
        for (uint32_t n = 0; n < BLOCK; n += 4) {
            random_ ^= random_ << 13;
            random_ ^= random_ >> 17;
            random_ ^= random_ << 5;
            std::memcpy(block + n, &random_, 4);
        }
    }

private:
    void tick() {
        // Memory: lines in the order in which they were asked for, beats in a row.
        bool due = !reads_.empty() && reads_.front() <= cycle_;
        top_.read_ready = 1;
        top_.write_ready = 1;
        top_.beat = due;
        top_.beat_index = beat_;
        top_.write_done = !writes_.empty() && writes_.front() <= cycle_;
        top_.clk = 0;
        top_.eval();
        seen_ = {{bool(top_.user0_valid & top_.user0_ready), bool(top_.user1_valid & top_.user1_ready)},
                 {bool(top_.user0_answer), bool(top_.user1_answer)},
                 bool(top_.ready),
                 bool(top_.operation_valid & top_.operation_ready),
                 bool(top_.operation_done),
                 top_.operation_result};
        if (top_.write_done) {
            writes_.pop_front();
        }
        if (due && ++beat_ == BEATS) {
            beat_ = 0;
            reads_.pop_front();
        }
        if (top_.read_valid) {
            reads_.push_back(cycle_ + latency_);
        }
        if (top_.write_valid) {
            writes_.push_back(cycle_ + latency_);
        }
        top_.clk = 1;
        top_.eval();
        cycle_++;
    }

    VerilatedContext context_;
    Vleak top_{&context_};
    struct {
        bool taken[2], answered[2], ready, operation_taken, operation_done;
        uint32_t operation_result;
    } seen_{};
    uint32_t latency_;
    CData beat_ = 0;
    uint32_t random_ = 0x1BAD'B002;
    uint64_t cycle_ = 0;
    std::deque<uint64_t> reads_, writes_;
    aes_tables tables_;
};

Bench &of(void *bench) { return *static_cast<Bench *>(bench); }

} // namespace

extern "C" {

void *leak_open(uint32_t latency, uint64_t seed) { return new Bench(latency, seed); }

void leak_close(void *bench) { delete &of(bench); }

uint64_t leak_cycles(const void *bench) { return static_cast<const Bench *>(bench)->cycles(); }

void leak_encrypt(void *bench, const uint8_t *key, const uint8_t *in, uint8_t *out) {
    of(bench).encrypt(key, in, out);
}

uint32_t leak_operate(void *bench, uint32_t code) { return of(bench).operate(code); }

uint32_t leak_fits(void *bench) { return of(bench).fits(); }

void leak_probe(void *bench, const uint8_t *key, uint32_t loads, uint32_t replacement, uint32_t sets, uint32_t traces,
                uint8_t *out) {
    Bench &b = of(bench);
    aes_key expanded = b.expand(key);
    uint32_t lines = b.fits(), quiet = b.quiet(lines);
    for (int32_t trace = -WARM_UP; trace < static_cast<int32_t>(traces); trace++) {
        uint8_t block[BLOCK];
        b.new_block(block);
        std::vector<uint32_t> addresses = b.loads(expanded, block);
        b.settle(lines, sets, quiet);
        b.read(VICTIM, addresses.data(), std::min<uint32_t>(loads, addresses.size()));
        std::vector<uint16_t> cycles;
        for (uint32_t set = 0; set < sets; set++) {
            if (replacement) {
                b.pass(set, 1, lines);
            }
            cycles.push_back(static_cast<uint16_t>(b.pass(set, replacement ? lines / 2 : lines)));
        }
        if (trace >= 0) {
            std::memcpy(out, block, BLOCK);
            std::memcpy(out + BLOCK, cycles.data(), 2 * sets);
            out += BLOCK + 2 * sets;
        }
    }
}

void leak_time(void *bench, const uint8_t *key, uint32_t traces, uint8_t *out) {
    Bench &b = of(bench);
    aes_key expanded = b.expand(key);
    uint32_t lines = b.fits();
    for (int32_t trace = -WARM_UP; trace < static_cast<int32_t>(traces); trace++) {
        uint8_t block[BLOCK];
        b.new_block(block);
        std::vector<uint32_t> addresses = b.loads(expanded, block);
        b.pass(0, lines);
        b.pass(0, lines);
        uint32_t cycles = 0;
        for (uint32_t address : addresses) {
            cycles += b.read(VICTIM, &address, 1);
        }
        if (trace >= 0) {
            std::memcpy(out, block, BLOCK);
            std::memcpy(out + BLOCK, &cycles, 4);
            out += BLOCK + 4;
        }
    }
}
}
