// SPDX-License-Identifier: Apache-2.0
// AXI4 master that reads and writes whole lines and knows what it should read.
#ifndef YZ_ENGINE_MASTER_H
#define YZ_ENGINE_MASTER_H
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <unordered_map>
#include <vector>

// The function of splitmix64: every bit of the result depends on every bit of `z`.
inline uint64_t mix(uint64_t z) {
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// Content of lines by how often each was written; line 0 times written is zeros.
class Contents {
  public:
    void next(uint64_t line, uint8_t *out) { fill(line, ++versions_[line], out); }
    bool equals(uint64_t line, const uint8_t *data) const {
        uint8_t expected[64] = {};
        if (auto found = versions_.find(line); found != versions_.end()) {
            fill(line, found->second, expected);
        }
        return std::memcmp(expected, data, 64) == 0;
    }

  private:
    static void fill(uint64_t line, uint32_t version, uint8_t *out) {
        for (uint64_t word = 0; word < 8; word++) {
            uint64_t z = mix((line * 8 + word) * 0x9e3779b97f4a7c15u + version * 0xd1b54a32d192ed03u);
            std::memcpy(out + 8 * word, &z, 8);
        }
    }
    std::unordered_map<uint64_t, uint32_t> versions_;
};

// Begin an access with start() when room() says so; ended() lists what was completed since it was last cleared.
template <class Top> class Master {
  public:
    struct Done {
        uint64_t tag;
        uint32_t cycles;
    };
    uint64_t reads = 0, writes = 0, errors = 0, mismatches = 0, first_bad_line = ~uint64_t(0);

    // One address of each direction waits at most, so that latency counts from when it is offered.
    bool room(bool write) const { return write ? !address_valid_[1] && beats_.size() < 4 : !address_valid_[0]; }
    bool busy(uint64_t line, bool write) const {
        auto found = lines_.find(line);
        return found != lines_.end() && (write || found->second.writes > 0);
    }
    size_t under_way() const { return under_way_; }
    bool idle() const { return under_way_ == 0; }
    std::vector<Done> &ended() { return ended_; }

    void start(uint64_t line, bool write, uint64_t tag, uint64_t now) {
        uint32_t id = next_id_[write]++ % kIds;
        waiting_[write][id].push_back({line, tag, now});
        address_valid_[write] = true;
        address_[write] = {line * 64, id};
        lines_[line].count(write, 1);
        under_way_++;
        (write ? writes : reads)++;
        if (write) {
            uint8_t data[64];
            contents_.next(line, data);
            for (int beat = 0; beat < 4; beat++) {
                Beat b;
                std::memcpy(b.data, data + 16 * beat, 16);
                b.last = beat == 3;
                beats_.push_back(b);
            }
        }
    }

    void drive(Top &top) {
        top.s_axi_arvalid = address_valid_[0];
        top.s_axi_araddr = address_[0].address;
        top.s_axi_arid = address_[0].id;
        top.s_axi_awvalid = address_valid_[1];
        top.s_axi_awaddr = address_[1].address;
        top.s_axi_awid = address_[1].id;
        top.s_axi_arlen = top.s_axi_awlen = 3;
        top.s_axi_arsize = top.s_axi_awsize = 4;
        top.s_axi_arburst = top.s_axi_awburst = 1;
        top.s_axi_wvalid = !beats_.empty();
        if (!beats_.empty()) {
            std::memcpy(&top.s_axi_wdata, beats_.front().data, 16);
            top.s_axi_wlast = beats_.front().last;
            top.s_axi_wstrb = 0xffff;
        }
        top.s_axi_rready = top.s_axi_bready = 1;
    }

    void sample(Top &top, uint64_t now) {
        if (top.s_axi_arvalid && top.s_axi_arready) {
            address_valid_[0] = false;
        }
        if (top.s_axi_awvalid && top.s_axi_awready) {
            address_valid_[1] = false;
        }
        if (top.s_axi_wvalid && top.s_axi_wready) {
            beats_.pop_front();
        }
        if (top.s_axi_rvalid) {
            take_beat(top, now);
        }
        if (top.s_axi_bvalid) {
            finish(true, top.s_axi_bid, top.s_axi_bresp == 0, nullptr, now);
        }
    }

  private:
    static constexpr uint32_t kIds = 16;
    struct Waiting {
        uint64_t line, tag, since;
    };
    struct Address {
        uint64_t address = 0;
        uint32_t id = 0;
    };
    struct Beat {
        uint8_t data[16];
        bool last;
    };
    struct Users {
        uint32_t reads = 0, writes = 0;
        void count(bool write, int step) { (write ? writes : reads) += uint32_t(step); }
    };
    struct Arriving {
        uint8_t data[64];
        uint32_t beats = 0;
        bool good = true;
    };

    void bad(uint64_t line) {
        if (first_bad_line == ~uint64_t(0)) {
            first_bad_line = line;
        }
    }

    void take_beat(Top &top, uint64_t now) {
        Arriving &a = arriving_[top.s_axi_rid % kIds];
        std::memcpy(a.data + 16 * (a.beats & 3), &top.s_axi_rdata, 16);
        a.good &= top.s_axi_rresp == 0;
        a.beats++;
        if (top.s_axi_rlast) {
            finish(false, top.s_axi_rid, a.good && a.beats == 4, a.data, now);
            a.beats = 0;
            a.good = true;
        }
    }

    void finish(bool write, uint32_t id, bool good, const uint8_t *data, uint64_t now) {
        auto &queue = waiting_[write][id % kIds];
        if (queue.empty()) { // an answer to nothing
            errors++;
            return;
        }
        Waiting w = queue.front();
        queue.pop_front();
        auto users = lines_.find(w.line);
        users->second.count(write, -1);
        if (users->second.reads + users->second.writes == 0) {
            lines_.erase(users);
        }
        under_way_--;
        if (!good) {
            errors++;
            bad(w.line);
        } else if (data && !contents_.equals(w.line, data)) {
            mismatches++;
            bad(w.line);
        }
        ended_.push_back({w.tag, uint32_t(now - w.since + 1)});
    }

    Contents contents_;
    std::deque<Waiting> waiting_[2][kIds]; // reads, writes
    bool address_valid_[2] = {};
    Address address_[2];
    std::deque<Beat> beats_;
    Arriving arriving_[kIds];
    std::unordered_map<uint64_t, Users> lines_;
    std::vector<Done> ended_;
    uint64_t next_id_[2] = {};
    size_t under_way_ = 0;
};

#endif
