// SPDX-License-Identifier: Apache-2.0
// The master of the engine's AXI4 slave: sends the bursts that are queued, with pauses, and tells their answers.
#pragma once
#include <deque>
#include <string>
#include <unordered_map>

#include "burst.h"
#include "shared.h"

class Master {
  public:
    explicit Master(Shared &shared) : shared_(shared), top_(shared.top) {}

    void write(Burst b) {
        write_addresses_.push_back(b);
        write_data_.push_back(std::move(b));
        under_way_++;
    }

    void read(Burst b) {
        reads_.push_back(std::move(b));
        under_way_++;
    }

    bool idle() const { return under_way_ == 0; }

    void drive() {
        aw_valid_ = aw_valid_ || (!write_addresses_.empty() && !shared_.master_pauses());
        top_.s_axi_awvalid = aw_valid_;
        if (aw_valid_) {
            const Burst &b = write_addresses_.front();
            top_.s_axi_awid = b.id;
            top_.s_axi_awaddr = b.addr;
            top_.s_axi_awlen = b.len;
            top_.s_axi_awsize = b.size;
            top_.s_axi_awburst = b.burst;
        }
        bool may = !write_data_.empty() && (shared_.settings.write_lead || data_sent_ < addresses_sent_ || aw_valid_);
        w_valid_ = w_valid_ || (may && !shared_.master_pauses());
        top_.s_axi_wvalid = w_valid_;
        if (w_valid_) {
            const Burst &b = write_data_.front();
            put16(top_.s_axi_wdata, b.data[b.sent].data());
            top_.s_axi_wstrb = b.strobe[b.sent];
            top_.s_axi_wlast = b.sent == b.len;
        } else {
            top_.s_axi_wlast = shared_.rng.next() & 1;
        }
        ar_valid_ = ar_valid_ || (!reads_.empty() && !shared_.master_pauses());
        top_.s_axi_arvalid = ar_valid_;
        if (ar_valid_) {
            const Burst &b = reads_.front();
            top_.s_axi_arid = b.id;
            top_.s_axi_araddr = b.addr;
            top_.s_axi_arlen = b.len;
            top_.s_axi_arsize = b.size;
            top_.s_axi_arburst = b.burst;
        }
        top_.s_axi_bready = !shared_.master_pauses();
        top_.s_axi_rready = !shared_.master_pauses();
    }

    void sample() {
        if (top_.s_axi_awvalid && top_.s_axi_awready) {
            Burst b = std::move(write_addresses_.front());
            write_addresses_.pop_front();
            aw_valid_ = false;
            addresses_sent_++;
            shared_.event(MMT_WRITE_ISSUED, 0, b.id, b.tag, b.addr);
            unanswered_writes_[b.id].push_back(std::move(b));
        }
        if (top_.s_axi_wvalid && top_.s_axi_wready) {
            Burst &b = write_data_.front();
            if (b.sent++ == b.len) {
                write_data_.pop_front();
                data_sent_++;
            }
            w_valid_ = false;
        }
        if (top_.s_axi_arvalid && top_.s_axi_arready) {
            Burst b = std::move(reads_.front());
            reads_.pop_front();
            ar_valid_ = false;
            shared_.event(MMT_READ_ISSUED, 0, b.id, b.tag, b.addr);
            unanswered_reads_[b.id].push_back(std::move(b));
        }
        if (top_.s_axi_bvalid && top_.s_axi_bready) {
            auto &waiting = unanswered_writes_[top_.s_axi_bid];
            if (waiting.empty()) {
                shared_.broken("s_axi_b without a write of identifier " + std::to_string(top_.s_axi_bid));
            } else {
                const Burst &b = waiting.front();
                shared_.event(MMT_WRITE_DONE, top_.s_axi_bresp, top_.s_axi_bid, b.tag, b.addr);
                waiting.pop_front();
                under_way_--;
            }
        }
        if (top_.s_axi_rvalid && top_.s_axi_rready) {
            auto &waiting = unanswered_reads_[top_.s_axi_rid];
            if (waiting.empty()) {
                shared_.broken("s_axi_r without a read of identifier " + std::to_string(top_.s_axi_rid));
                return;
            }
            Burst &b = waiting.front();
            b.data.emplace_back();
            get16(top_.s_axi_rdata, b.data.back().data());
            b.resp.push_back(top_.s_axi_rresp);
            bool last = b.data.size() == b.len + 1u;
            if (bool(top_.s_axi_rlast) != last) {
                shared_.broken("s_axi_rlast is " + std::to_string(top_.s_axi_rlast) + " at beat " +
                               std::to_string(b.data.size()) + " of " + std::to_string(b.len + 1));
            }
            if (last) {
                std::vector<uint8_t> all(17 * b.data.size());
                for (size_t i = 0; i < b.data.size(); i++) {
                    std::memcpy(&all[16 * i], b.data[i].data(), 16);
                    all[16 * b.data.size() + i] = b.resp[i];
                }
                shared_.event(MMT_READ_DONE, 0, b.id, b.tag, b.addr, all.data(), all.size());
                waiting.pop_front();
                under_way_--;
            }
        }
    }

    void reset() {
        write_addresses_.clear();
        write_data_.clear();
        reads_.clear();
        unanswered_writes_.clear();
        unanswered_reads_.clear();
        under_way_ = 0;
        addresses_sent_ = data_sent_ = 0;
        aw_valid_ = w_valid_ = ar_valid_ = false;
    }

  private:
    Shared &shared_;
    Vmmt &top_;
    std::deque<Burst> write_addresses_, write_data_, reads_;
    uint64_t addresses_sent_ = 0, data_sent_ = 0; // Bursts whose address, whose data has been sent.
    std::unordered_map<uint16_t, std::deque<Burst>> unanswered_writes_, unanswered_reads_;
    uint32_t under_way_ = 0;
    bool aw_valid_ = false, w_valid_ = false, ar_valid_ = false; // Driven now; kept until taken.
};
