// SPDX-License-Identifier: Apache-2.0
// DRAM behind an AXI4 slave: sparse storage and a timing model. Everything in it is the attacker's.
//
// Timing (cycles of the system clock):
//   - a request waits until its bank is free, then needs `latency` cycles to its first beat (or, for a write, to its answer);
//   - beats share one data bus, `beat` cycles each, reads and writes alike; when both want it they take turns by burst;
//   - answers of one direction keep request order;
//   - a bank is busy for `bank_busy` cycles from the start of an access. Banks interleave by 64-byte line.
// There is no row buffer and no refresh: latency does not depend on earlier addresses.
#ifndef YZ_DRAM_H
#define YZ_DRAM_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

struct DramTiming {
    uint32_t latency = 10;
    uint32_t beat = 1;
    uint32_t banks = 8;
    uint32_t bank_busy = 4;
    uint32_t queue = 8; // requests of each direction that are held at once
};

// Sparse bytes, zero until written.
class SparseMemory {
  public:
    static constexpr uint64_t kPage = 4096;
    explicit SparseMemory(uint64_t size) : size_(size) {}
    uint64_t size() const { return size_; }
    uint8_t *page(uint64_t offset) {
        auto &slot = pages_[offset / kPage];
        if (!slot) {
            slot.reset(new uint8_t[kPage]());
        }
        return slot.get() + offset % kPage;
    }
    const uint8_t *peek(uint64_t offset) const {
        static const uint8_t zeros[kPage] = {};
        const auto found = pages_.find(offset / kPage);
        return (found == pages_.end() ? zeros : found->second.get()) + offset % kPage;
    }
    void read(uint64_t offset, uint8_t *out, uint64_t n) const {
        for (uint64_t done = 0; done < n;) {
            uint64_t part = std::min(n - done, kPage - (offset + done) % kPage);
            std::memcpy(out + done, peek(offset + done), part);
            done += part;
        }
    }
    void write(uint64_t offset, const uint8_t *in, uint64_t n) {
        for (uint64_t done = 0; done < n;) {
            uint64_t part = std::min(n - done, kPage - (offset + done) % kPage);
            std::memcpy(page(offset + done), in + done, part);
            done += part;
        }
    }
    // Offsets of the pages that were ever written, in no order.
    std::vector<uint64_t> pages() const {
        std::vector<uint64_t> offsets;
        for (const auto &entry : pages_) {
            offsets.push_back(entry.first * kPage);
        }
        return offsets;
    }

  private:
    uint64_t size_;
    std::unordered_map<uint64_t, std::unique_ptr<uint8_t[]>> pages_;
};

// AXI4 slave. `Top` is the Verilated model with ports m_axi_*. Call drive() before the rising edge is evaluated with the
// inputs for this cycle, and sample() with what the model answered, once a cycle each.
template <class Top> class Dram {
  public:
    static constexpr uint32_t kBeatBytes = 16;
    Dram(uint64_t base, uint64_t size) : memory(size), base_(base), size_(size) {}

    SparseMemory memory;
    uint64_t base() const { return base_; }
    DramTiming timing;
    uint64_t reads = 0, writes = 0;

    void reset() {
        read_queue_.clear();
        write_queue_.clear();
        addresses_.clear();
        bank_free_.assign(timing.banks, 0);
        bus_free_ = 0;
        fetched_ = write_waits_ = write_last_ = false;
        write_paused_ = true;
        reads = writes = 0;
    }

    // Sets the model's inputs for the cycle `now`. Once a cycle: it gives the bus away.
    void drive(Top &top, uint64_t now) {
        if (bus_free_ <= now && read_due(now) && !(write_due() && write_first())) {
            fetched_ = true;
            write_last_ = false;
            bus_free_ = now + timing.beat;
        }
        top.m_axi_arready = read_queue_.size() < timing.queue;
        top.m_axi_awready = addresses_.size() < timing.queue;
        top.m_axi_wready = bus_free_ <= now && !addresses_.empty() && write_queue_.size() < timing.queue;
        top.m_axi_rvalid = fetched_;
        if (top.m_axi_rvalid) {
            Read &r = read_queue_.front();
            top.m_axi_rid = r.id;
            top.m_axi_rlast = r.left == 1;
            top.m_axi_rresp = r.error ? 3 : 0;
            uint8_t bytes[kBeatBytes] = {};
            if (!r.error) {
                memory.read(r.address - base_, bytes, kBeatBytes);
            }
            std::memcpy(&top.m_axi_rdata, bytes, kBeatBytes);
        }
        top.m_axi_bvalid = !write_queue_.empty() && write_queue_.front().ready <= now;
        if (top.m_axi_bvalid) {
            top.m_axi_bid = write_queue_.front().id;
            top.m_axi_bresp = write_queue_.front().error ? 3 : 0;
        }
    }

    // Every access that touches these bytes is answered with an error, until the next call.
    void fail(uint64_t offset, uint64_t n) {
        bad_first_ = base_ + offset;
        bad_end_ = bad_first_ + n;
    }

    // Takes the handshakes of the cycle `now`; call with the model settled and before the rising edge.
    void sample(Top &top, uint64_t now) {
        if (top.m_axi_rvalid && top.m_axi_rready) {
            Read &r = read_queue_.front();
            fetched_ = false;
            if (--r.left == 0) {
                read_queue_.pop_front();
            } else {
                r.advance();
            }
        }
        if (top.m_axi_bvalid && top.m_axi_bready) {
            write_queue_.pop_front();
        }
        write_waits_ = top.m_axi_wvalid && !top.m_axi_wready;
        write_paused_ = !top.m_axi_wvalid;
        if (top.m_axi_wvalid && top.m_axi_wready) {
            write_last_ = true;
            take_write(top, now);
        }
        if (top.m_axi_awvalid && top.m_axi_awready) {
            addresses_.push_back({top.m_axi_awaddr, uint32_t(top.m_axi_awid), 0});
        }
        if (top.m_axi_arvalid && top.m_axi_arready) {
            reads++;
            uint32_t beats = top.m_axi_arlen + 1u;
            Read r{top.m_axi_araddr, uint32_t(top.m_axi_arid), beats, beats, top.m_axi_arburst == 2, false, 0};
            r.error = !inside(r.address & ~uint64_t(beats * kBeatBytes - 1), beats * kBeatBytes);
            r.ready = start(r.address, now) + timing.latency;
            read_queue_.push_back(r);
        }
    }

  private:
    struct Read {
        uint64_t address;
        uint32_t id, left, beats;
        bool wrap, error;
        uint64_t ready;
        void advance() {
            uint64_t span = uint64_t(beats) * kBeatBytes;
            uint64_t next = address + kBeatBytes;
            address = wrap ? (address & ~(span - 1)) | (next & (span - 1)) : next;
        }
    };
    struct Address {
        uint64_t address;
        uint32_t id;
        uint32_t beat;
    };
    struct Answer {
        uint32_t id;
        bool error;
        uint64_t ready;
    };

    // A beat of the oldest read may have the bus. A beat that the master does not take does not keep it.
    bool read_due(uint64_t now) const { return !fetched_ && !read_queue_.empty() && read_queue_.front().ready <= now; }
    // A beat of the oldest write is there, or follows one that was.
    bool write_due() const {
        return !addresses_.empty() && write_queue_.size() < timing.queue &&
               (write_waits_ || (addresses_.front().beat > 0 && !write_paused_));
    }
    // Both are due: bursts are not torn apart, and take turns.
    bool write_first() const {
        return addresses_.front().beat > 0 || (read_queue_.front().left == read_queue_.front().beats && !write_last_);
    }

    bool inside(uint64_t address, uint64_t n) const {
        bool bad = address < bad_end_ && bad_first_ < address + n;
        return address >= base_ && address - base_ + n <= size_ && !bad;
    }

    uint64_t start(uint64_t address, uint64_t now) {
        uint64_t &free = bank_free_[address / 64 % timing.banks];
        uint64_t at = std::max(now, free);
        free = at + timing.bank_busy;
        return at;
    }

    void take_write(Top &top, uint64_t now) {
        Address &a = addresses_.front();
        uint64_t at = (a.address & ~uint64_t(kBeatBytes - 1)) + uint64_t(a.beat) * kBeatBytes;
        bool good = inside(at, kBeatBytes);
        if (good) {
            const uint8_t *data = reinterpret_cast<const uint8_t *>(&top.m_axi_wdata);
            uint8_t *cell = memory.page(at - base_);
            for (uint32_t i = 0; i < kBeatBytes; i++) {
                if (top.m_axi_wstrb >> i & 1) {
                    cell[i] = data[i];
                }
            }
        }
        bus_free_ = now + timing.beat;
        a.beat++;
        if (top.m_axi_wlast) {
            writes++;
            write_queue_.push_back({a.id, !good, std::max(start(a.address, now), bus_free_) + timing.latency});
            addresses_.pop_front();
        }
    }

    uint64_t base_, size_;
    uint64_t bad_first_ = 0, bad_end_ = 0; // answered with errors
    std::deque<Read> read_queue_;
    std::deque<Address> addresses_;
    std::deque<Answer> write_queue_;
    std::vector<uint64_t> bank_free_;
    uint64_t bus_free_ = 0;
    bool fetched_ = false;      // the beat that is offered has crossed the bus
    bool write_waits_ = false;  // a beat was offered in the last cycle and not taken
    bool write_paused_ = true;  // none was offered
    bool write_last_ = false;   // the bus was last a write's
};

#endif
