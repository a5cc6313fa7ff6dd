// SPDX-License-Identifier: Apache-2.0
// Proof of the guard as a drop-in block with AXI4-Lite registers. Every input is free in every cycle.
// MODE_*: paging mode and width of the block that the proof runs on.
`ifdef MODE_SV48
`define WIDE
`define LEVELS 4
`define LEVEL 3
`endif
`ifdef MODE_SV39
`define WIDE
`define LEVELS 3
`define LEVEL 2
`endif
`ifdef WIDE
`define PPN 44
`define PBIT 43
`define PTE_PPN 44
`define INDEX 9
`define PTE 64
`else
`define PPN 22
`define PBIT 18
`define PTE_PPN 22
`define LEVELS 2
`define INDEX 10
`define PTE 32
`define LEVEL 2
`endif
module gpt_ip_proof #(parameter AREAS = 2) (
    input clk, input rst,
    input awvalid, input [11:0] awaddr, input wvalid, input [31:0] wdata, input [3:0] wstrb, input bready,
    input arvalid, input [11:0] araddr, input rready,
    input req_valid, input [`PPN + 11:0] req_addr, input [`LEVEL - 1:0] req_level,
    input rsp_valid, input [`PPN + 11:0] rsp_addr, input [`LEVEL - 1:0] rsp_level, input [`PTE - 1:0] rsp_data
);
    wire req_deny, rsp_deny, world, irq, lock, fault_valid, fault_world, fault_leaf, bus_w_stb, bus_err;
    wire [2:0] req_rule, rsp_rule;
    wire [`PTE - 1:0] rsp_pte;
    wire [1 + 94 * AREAS:0] settings;
    wire [AREAS - 1:0] area_lock;
    wire [63:0] fault_address; wire [43:0] fault_page; wire [3:0] fault_level, fault_rule, bus_w_mask;
    wire [11:0] bus_addr; wire [31:0] bus_w_data;
    wire [31:0] count_allowed, count_host_area, count_host_leaf, count_enclave_area, count_reset_deny;
    wire awready, wready, bvalid, arready, rvalid; wire [1:0] bresp, rresp; wire [31:0] rdata;

    gpt_ip dut (
        .clk(clk), .rst(rst),
        .s_axi_awvalid(awvalid), .s_axi_awready(awready), .s_axi_awaddr(awaddr), .s_axi_awprot(3'b0),
        .s_axi_wvalid(wvalid), .s_axi_wready(wready), .s_axi_wdata(wdata), .s_axi_wstrb(wstrb),
        .s_axi_bvalid(bvalid), .s_axi_bready(bready), .s_axi_bresp(bresp),
        .s_axi_arvalid(arvalid), .s_axi_arready(arready), .s_axi_araddr(araddr), .s_axi_arprot(3'b0),
        .s_axi_rvalid(rvalid), .s_axi_rready(rready), .s_axi_rdata(rdata), .s_axi_rresp(rresp),
        .req_valid(req_valid), .req_addr(req_addr), .req_level(req_level), .req_deny(req_deny), .req_rule(req_rule),
        .rsp_valid(rsp_valid), .rsp_addr(rsp_addr), .rsp_level(rsp_level), .rsp_data(rsp_data),
        .rsp_deny(rsp_deny), .rsp_rule(rsp_rule), .rsp_pte(rsp_pte), .world(world), .irq(irq),
        .probe_settings(settings), .probe_lock(lock), .probe_area_lock(area_lock), .probe_fault_valid(fault_valid),
        .probe_fault_world(fault_world), .probe_fault_leaf(fault_leaf), .probe_fault_level(fault_level),
        .probe_fault_rule(fault_rule), .probe_fault_address(fault_address), .probe_fault_page(fault_page),
        .probe_count_allowed(count_allowed), .probe_count_host_area(count_host_area),
        .probe_count_host_leaf(count_host_leaf), .probe_count_enclave_area(count_enclave_area),
        .probe_count_reset_deny(count_reset_deny), .probe_bus_addr(bus_addr), .probe_bus_w_stb(bus_w_stb),
        .probe_bus_w_data(bus_w_data), .probe_bus_w_mask(bus_w_mask), .probe_bus_err(bus_err)
    );

    gpt_shadow #(.AREAS(AREAS)) shadow (
        .clk(clk), .rst(rst), .addr(bus_addr), .w_stb(bus_w_stb), .w_data(bus_w_data), .w_mask(bus_w_mask), .err(bus_err),
        .settings(settings), .lock(lock), .area_lock(area_lock));

    (* anyconst *) reg [43:0] any_page;
    wire [2:0] req_before, req_after, rsp_before, rsp_after;
    wire req_forbidden, req_leaf, req_pointer, rsp_forbidden, rsp_leaf, rsp_pointer;
    wire [63:0] pte = rsp_data;
    gpt_rules #(.AREAS(AREAS), .PPN(`PPN), .PBIT(`PBIT), .PTE_PPN(`PTE_PPN), .LEVELS(`LEVELS), .INDEX(`INDEX)) req_rules (
        .settings(settings), .page(req_addr >> 12), .level({1'b0, req_level}), .pte(64'b0), .any_page(any_page),
        .before(req_before), .after(req_after), .any_page_forbidden(req_forbidden),
        .is_leaf(req_leaf), .is_pointer(req_pointer));
    gpt_rules #(.AREAS(AREAS), .PPN(`PPN), .PBIT(`PBIT), .PTE_PPN(`PTE_PPN), .LEVELS(`LEVELS), .INDEX(`INDEX)) rsp_rules (
        .settings(settings), .page(rsp_addr >> 12), .level({1'b0, rsp_level}), .pte(pte), .any_page(any_page),
        .before(rsp_before), .after(rsp_after), .any_page_forbidden(rsp_forbidden),
        .is_leaf(rsp_leaf), .is_pointer(rsp_pointer));

    always @* begin
        request_verdict: assert (req_rule == (req_valid ? req_before : 3'd0));
        answer_verdict: assert (rsp_rule == (rsp_valid ? rsp_after : 3'd0));
        assert (req_deny == (req_rule != 0) && rsp_deny == (rsp_rule != 0));
        no_data_when_refused: assert (rsp_pte == (rsp_valid && rsp_after == 0 ? rsp_data : 0));
        if (rsp_valid && !rsp_deny && !settings[1] && rsp_leaf) begin
            gpt_host_leaf: assert (!rsp_forbidden);
        end
        if (!settings[0]) begin
            gpt_reset_deny: assert (req_deny == req_valid && rsp_deny == rsp_valid);
        end
        assert (world == settings[1] && irq == fault_valid);
    end

    // The answer is the older of the two when both are refused.
    wire from_answer = rsp_rule != 0;
    wire [2:0] rule = from_answer ? rsp_rule : req_rule;
    wire [3:0] level = from_answer ? rsp_level : req_level;
    wire [63:0] address = from_answer ? rsp_addr : req_addr;
    wire [43:0] page = rsp_rule == 2 ? pte[10 +: `PTE_PPN] : 0;
    wire [4:0] rules = 5'b1 << req_rule | 5'b1 << rsp_rule;
    gpt_record record (
        .clk(clk), .rst(rst), .addr(bus_addr), .w_stb(bus_w_stb), .w_data(bus_w_data), .w_mask(bus_w_mask),
        .refused(req_deny || rsp_deny), .allowed(rsp_valid && !rsp_deny), .refused_rules(rules[4:1]),
        .fault({settings[1], from_answer, level, 1'b0, rule, address, page}),
        .valid(fault_valid),
        .record({fault_world, fault_leaf, fault_level, fault_rule, fault_address, fault_page}),
        .count_allowed(count_allowed), .counts({count_reset_deny, count_enclave_area, count_host_leaf, count_host_area}));

    // GPT.LOCK reaches the AXI4-Lite port: a refused register write is answered with SLVERR.
    reg live = 0, was_write, was_err;
    always @(posedge clk) begin
        live <= !rst; was_write <= bus_w_stb; was_err <= bus_err;
        if (live && was_write) assert (bvalid && bresp == (was_err ? 2'b10 : 2'b00));
        cover (live && bvalid && bresp == 2'b10 && lock);
        cover (rsp_valid && !rsp_deny && !settings[1] && rsp_leaf && rsp_level == 0);
        cover (rsp_valid && !rsp_deny && !settings[1] && rsp_leaf && rsp_level == `LEVELS - 1);
        cover (rsp_valid && !rsp_deny && !settings[1] && rsp_pointer);
        cover (rsp_valid && !rsp_deny && settings[1] && rsp_leaf);
        cover (req_rule == 1); cover (req_rule == 3); cover (req_rule == 4);
        cover (rsp_rule == 1); cover (rsp_rule == 2); cover (rsp_rule == 3); cover (rsp_rule == 4);
        cover (req_deny && rsp_deny && req_rule != rsp_rule);
`ifdef WIDE
        cover (rsp_rule == 2 && pte[63] && rsp_level == 0);
`endif
    end
endmodule
