// SPDX-License-Identifier: Apache-2.0
// Wires in place of the engine: the ports of the Verilated block, s_axi joined to m_axi.
#ifndef YZ_ENGINE_DIRECT_H
#define YZ_ENGINE_DIRECT_H
#include <cstdint>
#include <cstring>

struct Direct {
    uint8_t clk = 0, rst = 0;
#define YZ_AXI(p)                                                                                                          \
    uint8_t p##arvalid = 0, p##arready = 0, p##arlen = 0, p##arsize = 0, p##arburst = 0, p##rvalid = 0, p##rready = 0,     \
            p##rresp = 0, p##rlast = 0, p##awvalid = 0, p##awready = 0, p##awlen = 0, p##awsize = 0, p##awburst = 0,       \
            p##wvalid = 0, p##wready = 0, p##wlast = 0, p##bvalid = 0, p##bready = 0, p##bresp = 0;                        \
    uint16_t p##arid = 0, p##rid = 0, p##awid = 0, p##bid = 0, p##wstrb = 0;                                               \
    uint64_t p##araddr = 0, p##awaddr = 0;                                                                                 \
    uint32_t p##rdata[4] = {}, p##wdata[4] = {};
    YZ_AXI(s_axi_)
    YZ_AXI(m_axi_)
#undef YZ_AXI
    uint8_t s_axil_arvalid = 0, s_axil_arready = 0, s_axil_rvalid = 0, s_axil_rready = 0, s_axil_rresp = 0;
    uint8_t s_axil_awvalid = 0, s_axil_awready = 0, s_axil_wvalid = 0, s_axil_wready = 0, s_axil_wstrb = 0;
    uint8_t s_axil_bvalid = 0, s_axil_bready = 0, s_axil_bresp = 0;
    uint32_t s_axil_araddr = 0, s_axil_awaddr = 0, s_axil_wdata = 0, s_axil_rdata = 0;
    uint8_t entropy_valid = 0, entropy_ready = 0, test_keys = 0, irq = 0;
    uint32_t entropy_data = 0;

    void eval() {
#define YZ_DOWN(name) m_axi_##name = s_axi_##name
#define YZ_UP(name) s_axi_##name = m_axi_##name
        YZ_DOWN(arvalid), YZ_DOWN(arid), YZ_DOWN(araddr), YZ_DOWN(arlen), YZ_DOWN(arsize), YZ_DOWN(arburst);
        YZ_DOWN(awvalid), YZ_DOWN(awid), YZ_DOWN(awaddr), YZ_DOWN(awlen), YZ_DOWN(awsize), YZ_DOWN(awburst);
        YZ_DOWN(wvalid), YZ_DOWN(wstrb), YZ_DOWN(wlast), YZ_DOWN(rready), YZ_DOWN(bready);
        YZ_UP(arready), YZ_UP(awready), YZ_UP(wready), YZ_UP(rvalid), YZ_UP(rid), YZ_UP(rresp), YZ_UP(rlast);
        YZ_UP(bvalid), YZ_UP(bid), YZ_UP(bresp);
#undef YZ_DOWN
#undef YZ_UP
        std::memcpy(m_axi_wdata, s_axi_wdata, sizeof m_axi_wdata);
        std::memcpy(s_axi_rdata, m_axi_rdata, sizeof s_axi_rdata);
    }
    void final() {}
};

#endif
