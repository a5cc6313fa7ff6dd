// SPDX-License-Identifier: Apache-2.0
// Proof of the walk checker on Wishbone (Sv32, 34-bit addresses, protection bit 30). Every input is free in every cycle:
// nothing is assumed about hart, memory or software.
module gpt_checker_proof #(parameter AREAS = 2) (
    input clk, input rst,
    input hart_cyc, input hart_stb, input hart_we, input [31:0] hart_adr, input [3:0] hart_sel, input [31:0] hart_dat_w,
    input mem_ack, input mem_err, input [31:0] mem_dat_r, input walk_start,
    input [11:0] addr, input r_stb, input w_stb, input [31:0] w_data, input [3:0] w_mask
);
    wire hart_ack, hart_err, mem_cyc, mem_stb, mem_we, regs_err, lock, fault_valid, world, fault;
    wire [31:0] hart_dat_r, mem_adr, mem_dat_w;
    wire [3:0] mem_sel, fault_level, fault_rule;
    wire [1 + 94 * AREAS:0] settings;
    wire [AREAS - 1:0] area_lock;
    wire [63:0] fault_address; wire [43:0] fault_page; wire fault_world, fault_leaf, pending, orphan;
    wire [1:0] dut_walk;
    wire [31:0] count_allowed, count_host_area, count_host_leaf, count_enclave_area, count_reset_deny;

    gpt_checker dut (
        .clk(clk), .rst(rst),
        .hart__cyc(hart_cyc), .hart__stb(hart_stb), .hart__we(hart_we), .hart__adr(hart_adr), .hart__sel(hart_sel),
        .hart__dat_w(hart_dat_w), .hart__ack(hart_ack), .hart__err(hart_err), .hart__dat_r(hart_dat_r),
        .mem__cyc(mem_cyc), .mem__stb(mem_stb), .mem__we(mem_we), .mem__adr(mem_adr), .mem__sel(mem_sel),
        .mem__dat_w(mem_dat_w), .mem__ack(mem_ack), .mem__err(mem_err), .mem__dat_r(mem_dat_r),
        .walk_start(walk_start), .world(world), .fault(fault),
        .regs__addr(addr), .regs__r_stb(r_stb), .regs__w_stb(w_stb), .regs__w_data(w_data), .regs__w_mask(w_mask),
        .regs__err(regs_err),
        .probe_settings(settings), .probe_lock(lock), .probe_area_lock(area_lock), .probe_fault_valid(fault_valid),
        .probe_fault_world(fault_world), .probe_fault_leaf(fault_leaf), .probe_fault_level(fault_level),
        .probe_fault_rule(fault_rule), .probe_fault_address(fault_address), .probe_fault_page(fault_page),
        .probe_count_allowed(count_allowed), .probe_count_host_area(count_host_area),
        .probe_count_host_leaf(count_host_leaf), .probe_count_enclave_area(count_enclave_area),
        .probe_count_reset_deny(count_reset_deny), .probe_walk(dut_walk), .probe_orphan(orphan),
        .probe_pending(pending)
    );

    gpt_shadow #(.AREAS(AREAS)) shadow (
        .clk(clk), .rst(rst), .addr(addr), .w_stb(w_stb), .w_data(w_data), .w_mask(w_mask), .err(regs_err),
        .settings(settings), .lock(lock), .area_lock(area_lock));

    // The walk, by the rules: starts at the root, goes down with each pointer the walker got, and ends with anything else.
    localparam NONE = 2;
    wire request = hart_cyc && hart_stb;
    wire ended = hart_ack || hart_err;
    reg busy = 0, stale = 0; // a transfer was requested and has not ended; it is older than the walk that began
    reg [1:0] walk = NONE;
    always @(posedge clk) begin
        busy <= request && !ended;
        if ((ended || !request) && (busy || request)) begin
            stale <= 0;
            if (!stale) walk <= hart_ack && hart_dat_r[3:0] == 1 && walk == 1 ? 0 : NONE;
        end
        if (walk_start) begin
            walk <= 1;
            stale <= request && !ended;
        end
        if (rst) begin busy <= 0; stale <= 0; walk <= NONE; end
    end
    always @* begin
        assert (pending == busy);
        assert (dut_walk == walk && orphan == stale);
        if (stale) assert (busy);
    end

    // The verdicts of the rules. A write is no part of any walk.
    (* anyconst *) reg [43:0] any_page;
    wire [2:0] judged = hart_we || stale ? NONE : walk;
    wire [2:0] before, after; wire forbidden, is_leaf, is_pointer;
    gpt_rules #(.AREAS(AREAS), .DEVICES_FIRST(44'hE0000), .DEVICES_LAST(44'hFFFFF)) rules (
        .settings(settings), .page(hart_adr[31:10]), .level(judged), .pte({32'b0, mem_dat_r}), .any_page(any_page),
        .before(before), .after(after), .any_page_forbidden(forbidden), .is_leaf(is_leaf), .is_pointer(is_pointer));

    wire fresh = request && !busy;           // memory has not seen this transfer yet
    wire refused_before = fresh && before != 0;
    wire answered = mem_stb && mem_ack && !mem_err;
    wire refused_after = answered && after != 0;
    always @* begin
        // A refused read never reaches memory, and the walker is told in the same cycle.
        if (refused_before) begin
            no_read_when_refused: assert (!mem_stb && !mem_cyc && hart_err);
        end
        if (fresh && !settings[0]) begin
            gpt_reset_deny: assert (hart_err && !mem_stb);
        end
        // Every read of the host's walker lies in an HPT area of its level when its PTE is used; the enclave's likewise.
        if (hart_ack) begin
            ack_only_when_allowed: assert (settings[0] && before == 0 && after == 0 && request && !hart_we && !stale);
        end
        // No page that a host leaf maps is forbidden: any_page is arbitrary, so this is for all pages.
        if (hart_ack && !settings[1] && is_leaf) begin
            gpt_host_leaf: assert (!forbidden);
        end
        // No data of a refused read; never both answers.
        if (!hart_ack) begin
            no_data_without_ack: assert (hart_dat_r == 0);
        end
        assert (!(hart_ack && hart_err));
        // An allowed read passes unchanged and in the same cycle, on the way out and on the way back.
        if (request && (busy || before == 0)) begin
            same_cycle_out: assert (mem_stb && mem_cyc && mem_adr == hart_adr && mem_sel == hart_sel);
        end
        if (answered && after == 0) begin
            same_cycle_back: assert (hart_ack && hart_dat_r == mem_dat_r);
        end
        // Memory is asked for nothing else, and never written.
        assert (mem_stb == mem_cyc && !mem_we && (!mem_stb || request));
        if (hart_ack) assert (answered);
        // Nothing is refused without a reason.
        assert (hart_err == (refused_before || refused_after || (mem_stb && mem_err)));
        assert (world == settings[1] && fault == fault_valid);
    end

    // One transfer, one access: what memory has seen stays requested until memory answers or the walker gives up.
    reg live = 0, open = 0;
    always @(posedge clk) begin
        live <= !rst; open <= mem_stb && !mem_ack && !mem_err;
        if (live && open && request) begin
            one_access: assert (mem_stb);
        end
    end

    wire [2:0] rule = refused_after ? after : before;
    wire [43:0] refused_page = refused_after && after == 2 ? mem_dat_r[31:10] : 0;
    wire [3:0] refused_level = judged;
    gpt_record record (
        .clk(clk), .rst(rst), .addr(addr), .w_stb(w_stb), .w_data(w_data), .w_mask(w_mask),
        .refused(refused_before || refused_after), .allowed(hart_ack),
        .refused_rules(refused_before || refused_after ? 4'b1 << rule - 1 : 4'b0),
        .fault({settings[1], refused_after, refused_level, 1'b0, rule, 30'b0, hart_adr, 2'b0, refused_page}),
        .valid(fault_valid),
        .record({fault_world, fault_leaf, fault_level, fault_rule, fault_address, fault_page}),
        .count_allowed(count_allowed), .counts({count_reset_deny, count_enclave_area, count_host_leaf, count_host_area}));

    // Not vacuous: each of these happens.
    always @(posedge clk) begin
        cover (hart_ack && !settings[1] && is_pointer);
        cover (hart_ack && !settings[1] && is_leaf && judged == 1);
        cover (hart_ack && !settings[1] && is_leaf && judged == 0);
        cover (hart_ack && settings[1] && is_leaf && mem_dat_r[28]);
        cover (refused_before && before == 1);
        cover (refused_before && before == 3);
        cover (refused_before && before == 4);
        cover (refused_after && after == 1);
        cover (refused_after && after == 2 && judged == 0);
        cover (refused_after && after == 2 && judged == 1);
        cover (refused_after && after == 3);
        cover (refused_after && after == 4);
        cover (live && open && hart_ack);
    end
endmodule
