// SPDX-License-Identifier: Apache-2.0
// The master of the engine's registers (AXI4-Lite): one access after the other.
#pragma once
#include <deque>

#include "shared.h"

class Registers {
  public:
    struct Access {
        uint32_t tag;
        uint8_t op; // 0 read, 1 write, 2 read until (word & mask) == data
        uint16_t addr;
        uint32_t data, mask;
    };

    explicit Registers(Shared &shared) : shared_(shared), top_(shared.top) {}
    void queue(const Access &access) { accesses_.push_back(access); }
    bool idle() const { return accesses_.empty(); }

    void drive() {
        bool write = !accesses_.empty() && accesses_.front().op == 1;
        bool read = !accesses_.empty() && accesses_.front().op != 1;
        bool pause = shared_.master_pauses();
        aw_valid_ = aw_valid_ || (write && !aw_taken_ && !pause);
        w_valid_ = w_valid_ || (write && !w_taken_ && !shared_.master_pauses());
        ar_valid_ = ar_valid_ || (read && !ar_taken_ && !pause);
        top_.s_axil_awvalid = aw_valid_;
        top_.s_axil_wvalid = w_valid_;
        top_.s_axil_arvalid = ar_valid_;
        top_.s_axil_awprot = top_.s_axil_arprot = 0;
        top_.s_axil_wstrb = 15;
        if (!accesses_.empty()) {
            top_.s_axil_awaddr = accesses_.front().addr;
            top_.s_axil_araddr = accesses_.front().addr;
            top_.s_axil_wdata = accesses_.front().data;
        }
        top_.s_axil_bready = !pause;
        top_.s_axil_rready = !pause;
    }

    void sample() {
        if (top_.s_axil_awvalid && top_.s_axil_awready) {
            aw_valid_ = false;
            aw_taken_ = true;
        }
        if (top_.s_axil_wvalid && top_.s_axil_wready) {
            w_valid_ = false;
            w_taken_ = true;
        }
        if (top_.s_axil_arvalid && top_.s_axil_arready) {
            ar_valid_ = false;
            ar_taken_ = true;
        }
        if (top_.s_axil_bvalid && top_.s_axil_bready) {
            shared_.event(MMT_LITE_DONE, top_.s_axil_bresp, 0, accesses_.front().tag, 0);
            accesses_.pop_front();
            aw_taken_ = w_taken_ = false;
        }
        if (top_.s_axil_rvalid && top_.s_axil_rready) {
            const Access &access = accesses_.front();
            uint32_t word = top_.s_axil_rdata;
            ar_taken_ = false;
            if (access.op != 2 || top_.s_axil_rresp || (word & access.mask) == access.data) {
                shared_.event(MMT_LITE_DONE, top_.s_axil_rresp, 0, access.tag, word);
                accesses_.pop_front();
            }
        }
    }

    void reset() {
        accesses_.clear();
        aw_valid_ = w_valid_ = ar_valid_ = aw_taken_ = w_taken_ = ar_taken_ = false;
    }

  private:
    Shared &shared_;
    Vmmt &top_;
    std::deque<Access> accesses_;
    bool aw_valid_ = false, w_valid_ = false, ar_valid_ = false; // Driven now; kept until taken.
    bool aw_taken_ = false, w_taken_ = false, ar_taken_ = false; // Of the first access.
};
