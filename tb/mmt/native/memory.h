// SPDX-License-Identifier: Apache-2.0
// Memory behind the engine's AXI4 master: answers of different identifiers in any order, any latency, pauses, errors.
#pragma once
#include <deque>
#include <string>
#include <unordered_map>

#include "burst.h"
#include "shared.h"

class Memory {
  public:
    using Line = std::array<uint8_t, 64>;
    std::unordered_map<uint64_t, Line> lines;
    std::unordered_map<uint64_t, int> faults;
    uint64_t beats = 0; // Transfers on all channels.

    explicit Memory(Shared &shared) : shared_(shared), top_(shared.top) {}

    Line &line(uint64_t addr) {
        auto [at, fresh] = lines.try_emplace(addr & ~63ull);
        if (fresh) {
            at->second.fill(0);
        }
        return at->second;
    }

    void drive() {
        top_.m_axi_awready = !shared_.memory_pauses();
        top_.m_axi_wready = !shared_.memory_pauses();
        top_.m_axi_arready = !shared_.memory_pauses() && reads_.size() < 64;
        if (writing_ < 0 && !shared_.memory_pauses()) {
            writing_ = choose(writes_);
            if (writing_ >= 0) {
                apply(writes_[writing_]);
            }
        }
        top_.m_axi_bvalid = writing_ >= 0;
        if (writing_ >= 0) {
            top_.m_axi_bid = writes_[writing_].id;
            top_.m_axi_bresp = writes_[writing_].resp[0];
        } else {
            top_.m_axi_bid = shared_.rng.next();
            top_.m_axi_bresp = shared_.rng.next() & 3;
        }
        if (reading_ < 0 && !shared_.memory_pauses()) {
            reading_ = choose(reads_);
            if (reading_ >= 0 && !reads_[reading_].sampled) {
                read(reads_[reading_]);
            }
        }
        top_.m_axi_rvalid = reading_ >= 0;
        if (reading_ >= 0) {
            Burst &b = reads_[reading_];
            top_.m_axi_rid = b.id;
            put16(top_.m_axi_rdata, b.data[b.sent].data());
            top_.m_axi_rresp = b.resp[b.sent];
            top_.m_axi_rlast = b.sent == b.len;
        } else { // Nothing is promised about payloads without valid.
            uint8_t noise[16];
            for (int i = 0; i < 16; i += 8) {
                uint64_t word = shared_.rng.next();
                std::memcpy(noise + i, &word, 8);
            }
            put16(top_.m_axi_rdata, noise);
            top_.m_axi_rid = shared_.rng.next();
            top_.m_axi_rresp = shared_.rng.next() & 3;
            top_.m_axi_rlast = shared_.rng.next() & 1;
        }
    }

    void sample() {
        if (top_.m_axi_awvalid && top_.m_axi_awready) {
            beats++;
            addresses_.push_back(accepted("m_axi_aw", {.id = top_.m_axi_awid,
                                                       .addr = top_.m_axi_awaddr,
                                                       .len = top_.m_axi_awlen,
                                                       .size = top_.m_axi_awsize,
                                                       .burst = top_.m_axi_awburst}));
        }
        if (top_.m_axi_wvalid && top_.m_axi_wready) {
            beats++;
            std::array<uint8_t, 19> beat;
            get16(top_.m_axi_wdata, beat.data());
            beat[16] = uint8_t(top_.m_axi_wstrb);
            beat[17] = uint8_t(top_.m_axi_wstrb >> 8);
            beat[18] = top_.m_axi_wlast;
            early_.push_back(beat);
        }
        while (!early_.empty() && !addresses_.empty()) {
            data_beat(early_.front());
            early_.pop_front();
        }
        if (top_.m_axi_bvalid && top_.m_axi_bready) {
            beats++;
            writes_.erase(writes_.begin() + writing_);
            writing_ = -1;
        }
        if (top_.m_axi_arvalid && top_.m_axi_arready) {
            beats++;
            Burst b = accepted("m_axi_ar", {.id = top_.m_axi_arid,
                                            .addr = top_.m_axi_araddr,
                                            .len = top_.m_axi_arlen,
                                            .size = top_.m_axi_arsize,
                                            .burst = top_.m_axi_arburst});
            b.due = due();
            reads_.push_back(std::move(b));
        }
        if (top_.m_axi_rvalid && top_.m_axi_rready) {
            beats++;
            Burst &b = reads_[reading_];
            if (b.sent++ == b.len) {
                reads_.erase(reads_.begin() + reading_);
            }
            reading_ = -1;
        }
    }

    // Writes under way take effect or do not, at random.
    void reset() {
        for (auto &b : writes_) {
            if (b.resp.empty() && (shared_.rng.next() >> 30 & 1)) {
                apply(b);
            }
        }
        addresses_.clear();
        early_.clear();
        writes_.clear();
        reads_.clear();
        writing_ = reading_ = -1;
    }

    bool idle() const { return writes_.empty() && addresses_.empty() && reads_.empty(); }

  private:
    Shared &shared_;
    Vmmt &top_;
    std::deque<Burst> addresses_;                // Writes whose data is still to come.
    std::deque<std::array<uint8_t, 19>> early_; // Data that came before its address: 16 bytes, strobe, last.
    std::vector<Burst> writes_, reads_;          // To be answered, oldest first.
    int writing_ = -1, reading_ = -1;            // Answered now; kept until taken.

    int fault(uint64_t addr) const {
        auto at = faults.find(addr & ~63ull);
        return at == faults.end() ? 0 : at->second;
    }

    // Whole lines are told when they arrive, in the order in which the engine sent them; parts when they take effect.
    void tell_whole(const Burst &b) {
        for (uint32_t n = 0; n <= b.len; n += 4) {
            if (!b.lost[n]) {
                shared_.event(MMT_MEMORY_WRITE, 0, b.id, 0, b.beat_addr(n), b.data[n].data(), 64);
            }
        }
    }

    void apply(Burst &b) {
        uint64_t current = ~0ull;
        uint8_t resp = 0;
        bool told = b.whole();
        for (uint32_t n = 0; n <= b.len; n++) {
            uint64_t addr = b.beat_addr(n);
            if (b.lost[n]) {
                resp = 2;
                continue;
            }
            if (!told && current != ~0ull && current != (addr & ~63ull)) {
                shared_.event(MMT_MEMORY_WRITE, 0, b.id, 0, current, line(current).data(), 64);
            }
            current = addr & ~63ull;
            Line &to = line(addr);
            for (uint32_t i = 0; i < 16; i++) {
                if (b.strobe[n] >> i & 1) {
                    to[(addr & 48) + i] = b.data[n][i];
                }
            }
        }
        if (!told && current != ~0ull) {
            shared_.event(MMT_MEMORY_WRITE, 0, b.id, 0, current, line(current).data(), 64);
        }
        b.resp.assign(1, resp);
    }

    void read(Burst &b) {
        uint64_t current = ~0ull;
        b.data.resize(b.len + 1u);
        b.resp.resize(b.len + 1u);
        for (uint32_t n = 0; n <= b.len; n++) {
            uint64_t addr = b.beat_addr(n);
            std::memcpy(b.data[n].data(), &line(addr)[addr & 48], 16);
            b.resp[n] = fault(addr) & 1 ? 2 : 0;
            if (shared_.settings.log_reads && current != (addr & ~63ull)) {
                current = addr & ~63ull;
                shared_.event(MMT_MEMORY_READ, 0, b.id, 0, current);
            }
        }
        b.sampled = true;
    }

    uint64_t due() {
        const mmt_settings &is = shared_.settings;
        return shared_.cycle + is.latency_min + shared_.rng.below(is.latency_max - is.latency_min + 1ull);
    }

    // The oldest burst of its identifier that is due; -1: none. Any identifier may go first.
    int choose(const std::vector<Burst> &bursts) {
        int chosen = -1;
        uint32_t count = 0;
        for (size_t i = 0; i < bursts.size(); i++) {
            bool first = bursts[i].due <= shared_.cycle;
            for (size_t j = 0; j < i && first; j++) {
                first = bursts[j].id != bursts[i].id;
            }
            if (first && shared_.rng.below(++count) == 0) {
                chosen = int(i);
            }
        }
        return chosen;
    }

    void data_beat(const std::array<uint8_t, 19> &beat) {
        Burst &b = addresses_.front();
        std::array<uint8_t, 16> data;
        std::memcpy(data.data(), beat.data(), 16);
        b.data.push_back(data);
        b.strobe.push_back(uint16_t(beat[16] | beat[17] << 8));
        bool last = b.data.size() == b.len + 1u;
        if (bool(beat[18]) != last) {
            shared_.broken("m_axi_wlast is " + std::to_string(beat[18]) + " at beat " + std::to_string(b.data.size()));
        }
        if (last) {
            b.due = due();
            for (uint32_t n = 0; n <= b.len; n++) {
                b.lost.push_back(fault(b.beat_addr(n)) & 2);
            }
            if (b.whole()) {
                tell_whole(b);
            }
            writes_.push_back(std::move(b));
            addresses_.pop_front();
        }
    }

    Burst accepted(const std::string &name, Burst b) {
        if (b.size > 4 || b.burst == 3 || (b.burst == 2 && (b.len + 1u & b.len))) {
            shared_.broken(name + ": size " + std::to_string(b.size) + ", burst " + std::to_string(b.burst));
        }
        uint64_t end = (b.addr & ~((1ull << b.size) - 1)) + (b.len + 1ull << b.size);
        if (b.burst == 1 && (b.addr ^ end - 1) >> 12) {
            shared_.broken(name + " crosses 4 KiB");
        }
        return b;
    }
};
