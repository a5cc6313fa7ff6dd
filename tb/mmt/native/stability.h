// SPDX-License-Identifier: Apache-2.0
// Of every channel that the engine drives: what is valid and not taken stays as it is (Arm IHI 0022H, A3.2.1).
#pragma once
#include <string>

#include "shared.h"

class Stability {
  public:
    explicit Stability(Shared &shared) : shared_(shared), top_(shared.top) {}

    void check() {
        struct Address {
            uint64_t addr;
            uint32_t id, len, size, burst;
        };
        Address aw{top_.m_axi_awaddr, top_.m_axi_awid, top_.m_axi_awlen, top_.m_axi_awsize, top_.m_axi_awburst};
        Address ar{top_.m_axi_araddr, top_.m_axi_arid, top_.m_axi_arlen, top_.m_axi_arsize, top_.m_axi_arburst};
        std::array<uint8_t, 20> w{}, r{};
        get16(top_.m_axi_wdata, w.data());
        w[16] = uint8_t(top_.m_axi_wstrb);
        w[17] = uint8_t(top_.m_axi_wstrb >> 8);
        w[18] = top_.m_axi_wlast;
        get16(top_.s_axi_rdata, r.data());
        r[16] = top_.s_axi_rresp;
        r[17] = top_.s_axi_rlast;
        r[18] = uint8_t(top_.s_axi_rid);
        r[19] = uint8_t(top_.s_axi_rid >> 8);
        uint32_t b = uint32_t(top_.s_axi_bid) << 2 | top_.s_axi_bresp;
        channel(0, top_.m_axi_awvalid, top_.m_axi_awready, &aw, sizeof aw, "m_axi_aw");
        channel(1, top_.m_axi_wvalid, top_.m_axi_wready, w.data(), w.size(), "m_axi_w");
        channel(2, top_.m_axi_arvalid, top_.m_axi_arready, &ar, sizeof ar, "m_axi_ar");
        channel(3, top_.s_axi_bvalid, top_.s_axi_bready, &b, sizeof b, "s_axi_b");
        channel(4, top_.s_axi_rvalid, top_.s_axi_rready, r.data(), r.size(), "s_axi_r");
    }

    void reset() {
        for (auto &h : held_) {
            h.on = false;
        }
    }

  private:
    struct Held {
        bool on = false;
        std::string value;
    };

    Shared &shared_;
    Vmmt &top_;
    Held held_[5];

    void channel(int number, bool valid, bool ready, const void *payload, size_t length, const char *name) {
        Held &h = held_[number];
        std::string now(static_cast<const char *>(payload), length);
        if (h.on && (!valid || now != h.value)) {
            shared_.broken(std::string(name) + " changed while it waited");
        }
        h.on = valid && !ready;
        h.value = std::move(now);
    }
};
