// SPDX-License-Identifier: Apache-2.0
// The simulated chip: the machine, with its inputs changing at the rising clock edge.
//
// Whatever depends on an input is computed again at every evaluation. Behind these registers nothing does but the
// registers themselves, so each cycle is computed once: nearly half of the time of a machine with the memory engine.
// What the harness puts on a pin before an edge is on the machine's port after it.
//
// The memory engine's clock may stop while engine_run is 0: what is not clocked is not computed, and it is idle most of
// the time.
module yz_top (
    input              clk,
    input              engine_clk,
    output             engine_run,
    input              rst,
    input              entropy_valid,
    input      [31:0]  entropy_data,
    output             entropy_ready,
    input              uart_rx_valid,
    input      [7:0]   uart_rx_data,
    output             uart_rx_take,
    output             uart_tx_valid,
    output     [7:0]   uart_tx_data,
    output             exit_valid,
    output     [31:0]  exit_code,
    output             event_valid,
    output     [31:0]  event_code, event_arg0, event_arg1, event_arg2, event_arg3,
    output     [63:0]  cycle, retired,
    output             m_axi_arvalid,
    input              m_axi_arready,
    output     [31:0]  m_axi_araddr,
    output     [1:0]   m_axi_arid, m_axi_arburst,
    output     [7:0]   m_axi_arlen,
    input              m_axi_rvalid,
    output             m_axi_rready,
    input      [127:0] m_axi_rdata,
    input      [1:0]   m_axi_rid, m_axi_rresp,
    input              m_axi_rlast,
    output             m_axi_awvalid,
    input              m_axi_awready,
    output     [31:0]  m_axi_awaddr,
    output     [1:0]   m_axi_awid,
    output             m_axi_wvalid,
    input              m_axi_wready,
    output     [127:0] m_axi_wdata,
    output     [15:0]  m_axi_wstrb,
    output             m_axi_wlast,
    input              m_axi_bvalid,
    output             m_axi_bready,
    input      [1:0]   m_axi_bid, m_axi_bresp
);
    reg         rst_q, entropy_valid_q, uart_rx_valid_q, arready_q, rvalid_q, rlast_q, awready_q, wready_q, bvalid_q;
    reg [31:0]  entropy_data_q;
    reg [7:0]   uart_rx_data_q;
    reg [127:0] rdata_q;
    reg [1:0]   rid_q, rresp_q, bid_q, bresp_q;

    always @(posedge clk) begin
        rst_q <= rst;
        entropy_valid_q <= entropy_valid;
        entropy_data_q <= entropy_data;
        uart_rx_valid_q <= uart_rx_valid;
        uart_rx_data_q <= uart_rx_data;
        arready_q <= m_axi_arready;
        rvalid_q <= m_axi_rvalid;
        rdata_q <= m_axi_rdata;
        rid_q <= m_axi_rid;
        rresp_q <= m_axi_rresp;
        rlast_q <= m_axi_rlast;
        awready_q <= m_axi_awready;
        wready_q <= m_axi_wready;
        bvalid_q <= m_axi_bvalid;
        bid_q <= m_axi_bid;
        bresp_q <= m_axi_bresp;
    end

    yz_soc machine (
        .clk(clk), .rst(rst_q), .engine_clk(engine_clk), .engine_run(engine_run),
        .entropy_valid(entropy_valid_q), .entropy_data(entropy_data_q), .entropy_ready(entropy_ready),
        .uart_rx_valid(uart_rx_valid_q), .uart_rx_data(uart_rx_data_q), .uart_rx_take(uart_rx_take),
        .uart_tx_valid(uart_tx_valid), .uart_tx_data(uart_tx_data),
        .exit_valid(exit_valid), .exit_code(exit_code),
        .event_valid(event_valid), .event_code(event_code), .event_arg0(event_arg0), .event_arg1(event_arg1),
        .event_arg2(event_arg2), .event_arg3(event_arg3),
        .cycle(cycle), .retired(retired),
        .m_axi_arvalid(m_axi_arvalid), .m_axi_arready(arready_q), .m_axi_araddr(m_axi_araddr), .m_axi_arid(m_axi_arid),
        .m_axi_arburst(m_axi_arburst), .m_axi_arlen(m_axi_arlen), .m_axi_arsize(),
        .m_axi_rvalid(rvalid_q), .m_axi_rready(m_axi_rready), .m_axi_rdata(rdata_q), .m_axi_rid(rid_q),
        .m_axi_rresp(rresp_q), .m_axi_rlast(rlast_q),
        .m_axi_awvalid(m_axi_awvalid), .m_axi_awready(awready_q), .m_axi_awaddr(m_axi_awaddr), .m_axi_awid(m_axi_awid),
        .m_axi_awburst(), .m_axi_awlen(), .m_axi_awsize(),
        .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(wready_q), .m_axi_wdata(m_axi_wdata), .m_axi_wstrb(m_axi_wstrb),
        .m_axi_wlast(m_axi_wlast),
        .m_axi_bvalid(bvalid_q), .m_axi_bready(m_axi_bready), .m_axi_bid(bid_q), .m_axi_bresp(bresp_q)
    );
endmodule
