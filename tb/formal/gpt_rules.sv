// SPDX-License-Identifier: Apache-2.0
// The rules of the GPT guard for Sv32, written from their text (docs/gpt.md), and the register state they are about.
// Shared by the proofs of the walk checker and of the drop-in block; nothing here comes from the RTL.

// Register state as software sees it: follows the writes on a register bus by the rules of the register map, and demands
// that the guard's own registers (probes) hold the same, in every cycle.
module gpt_shadow #(parameter AREAS = 2) (
    input clk, input rst,
    input [11:0] addr, input w_stb, input [31:0] w_data, input [3:0] w_mask, input err,
    input [1 + 94 * AREAS:0] settings, input lock, input [AREAS - 1:0] area_lock
);
    reg enable = 0, world = 0, locked = 0;

    // Byte lanes of a write.
    function [31:0] merge(input [31:0] old);
        merge = {w_mask[3] ? w_data[31:24] : old[31:24], w_mask[2] ? w_data[23:16] : old[23:16],
                 w_mask[1] ? w_data[15:8] : old[15:8], w_mask[0] ? w_data[7:0] : old[7:0]};
    endfunction

    wire writes_control = w_stb && addr[11:2] == 10'h002;
    wire writes_world = w_stb && addr[11:2] == 10'h003;
    always @(posedge clk) begin
        if (writes_control && w_mask[0] && !locked) begin
            enable <= w_data[0];
            locked <= locked | w_data[1];
        end
        if (writes_world && w_mask[0]) world <= w_data[0];
        if (rst) begin
            enable <= 0; world <= 0; locked <= 0;
        end
    end

    always @* begin
        assert (settings[0] == enable);
        assert (settings[1] == world);
        assert (lock == locked);
        // Refused writes say so.
        if (writes_control && w_mask[0] && locked) assert (err);
    end

    genvar i;
    generate for (i = 0; i < AREAS; i = i + 1) begin : area
        reg [31:0] attr = 0;
        reg [43:0] base = 0, limit = 0;
        wire here = w_stb && addr >= 12'h100 + 12'h20 * i && addr < 12'h100 + 12'h20 * (i + 1);
        wire closed = locked || attr[31];
        always @(posedge clk) begin
            if (here && !closed) case (addr[4:2])
                0: attr <= merge(attr) & 32'h800000F3 | attr & 32'h80000000;
                1: base[31:0] <= merge(base[31:0]);
                2: base[43:32] <= merge({20'b0, base[43:32]});
                3: limit[31:0] <= merge(limit[31:0]);
                4: limit[43:32] <= merge({20'b0, limit[43:32]});
            endcase
            if (rst) begin
                attr <= 0; base <= 0; limit <= 0;
            end
        end
        wire [93:0] held = settings[2 + 94 * i +: 94];
        always @* begin
            assert (held[1:0] == attr[1:0]);
            assert (held[5:2] == attr[7:4]);
            assert (area_lock[i] == attr[31]);
            assert (held[49:6] == base);
            assert (held[93:50] == limit);
            if (here && closed && addr[4:2] <= 4) assert (err);
        end
    end endgenerate

    // GPT.LOCK, once more and directly on the guard's registers, whatever is written.
    reg live = 0, was_lock; reg [AREAS - 1:0] was_area_lock; reg [1 + 94 * AREAS:0] was;
    integer k;
    always @(posedge clk) begin
        live <= !rst; was_lock <= lock; was_area_lock <= area_lock; was <= settings;
        if (live && was_lock) begin
            gpt_lock_holds: assert (lock && settings[0] == was[0] && settings[1 + 94 * AREAS:2] == was[1 + 94 * AREAS:2]);
        end
        for (k = 0; k < AREAS; k = k + 1)
            if (live && was_area_lock[k]) begin
                assert (area_lock[k] && settings[2 + 94 * k +: 94] == was[2 + 94 * k +: 94]);
            end
        cover (live && was_lock && w_stb && addr == 12'h100);
        cover (live && was_area_lock == 1 && !lock && settings[2 + 94 +: 94] != was[2 + 94 +: 94]);
    end
endmodule

// What the rules say about one read: may it be made, and may its answer be used.
module gpt_rules #(parameter AREAS = 2, parameter PPN = 22, parameter PBIT = 18, parameter PTE_PPN = 22,
                   parameter LEVELS = 2, parameter INDEX = 10,
                   parameter [43:0] DEVICES_FIRST = 1, parameter [43:0] DEVICES_LAST = 0) (
    input [1 + 94 * AREAS:0] settings,
    input [PPN - 1:0] page, input [2:0] level, input [63:0] pte, input [43:0] any_page,
    output reg [2:0] before, output reg [2:0] after, output reg any_page_forbidden, output is_leaf, output is_pointer
);
    localparam ALLOW = 0, HOST_AREA = 1, HOST_LEAF = 2, ENCLAVE_AREA = 3, RESET_DENY = 4;
    wire enable = settings[0], world = settings[1];

    // A PTE and the pages that it maps, both ends included: [first, last].
    wire v = pte[0], r = pte[1], w = pte[2], x = pte[3];
    assign is_leaf = v && (r || w || x);
    assign is_pointer = v && !r && !w && !x;
    wire [43:0] ppn = pte[10 +: PTE_PPN];
    wire n = LEVELS > 2 && pte[63];
    reg [6:0] size; // log2 of the number of pages
    always @* begin
        size = INDEX * (n ? level + 1 : level);
        if (n && level == 0 && ppn[3:0] == 4'b1000) size = 4;
    end
    wire [43:0] first = (ppn >> size) << size;
    wire [43:0] last = first + (44'b1 << size) - 1;

    integer i;
    reg granted, mapped;
    reg [93:0] area; reg [1:0] kind; reg [43:0] base, limit, shifted;
    reg hits, closed, bad_leaf, beyond, devices;
    always @* begin
        granted = 0; bad_leaf = 0; any_page_forbidden = 0;
        beyond = (ppn >> PPN) != 0;
        mapped = any_page >= first && any_page <= last;
        shifted = 44'b1 << PBIT;

        // A leaf is bad when one of its pages is beyond memory or in the protected window ...
        if ((last >> PPN) != 0) bad_leaf = 1;
        devices = first >= DEVICES_FIRST && last <= DEVICES_LAST;
        if (!devices && (first[PBIT] || last[PBIT] || last - first >= shifted)) bad_leaf = 1;
        if (mapped && ((any_page >> PPN) != 0 || any_page[PBIT] && !(any_page >= DEVICES_FIRST && any_page <= DEVICES_LAST)))
            any_page_forbidden = 1;
        for (i = 0; i < AREAS; i = i + 1) begin
            area = settings[2 + 94 * i +: 94];
            kind = area[1:0]; base = area[49:6]; limit = area[93:50];
            if (kind == (world ? 2 : 1) && level < LEVELS && area[2 + level] && base <= page && page < limit) granted = 1;
            // ... or in a closed area, through either window: an area's page p is also reached as p without its bit.
            closed = kind == 2 || kind == 3 || (kind == 1 && w);
            hits = base < limit && ((first < limit && last >= base) ||
                    (!devices && first + shifted < limit && last + shifted >= base));
            if (closed && hits) bad_leaf = 1;
            if (mapped && closed && ((any_page >= base && any_page < limit)
                || ((any_page | shifted) >= base && (any_page | shifted) < limit))) any_page_forbidden = 1;
        end

        before = !enable ? RESET_DENY : granted ? ALLOW : world ? ENCLAVE_AREA : HOST_AREA;
        after = before;
        if (before == ALLOW) begin
            if (is_pointer && beyond) after = world ? ENCLAVE_AREA : HOST_AREA;
            if (is_leaf && !world && bad_leaf) after = HOST_LEAF;
        end
    end
endmodule

// The fault record and the counters, against the refusals of each cycle.
module gpt_record (
    input clk, input rst,
    input [11:0] addr, input w_stb, input [31:0] w_data, input [3:0] w_mask,
    input refused, input allowed, input [4:1] refused_rules, input [64 + 44 + 9:0] fault,
    input valid, input [64 + 44 + 9:0] record,
    input [31:0] count_allowed, input [4 * 32 - 1:0] counts
);
    reg live = 0, was_valid, was_refused, was_allowed, was_clear;
    reg [4:1] was_rules; reg [117:0] was_fault, was_record; reg [31:0] was_count_allowed; reg [127:0] was_counts;
    integer k;
    always @(posedge clk) begin
        live <= !rst; was_valid <= valid; was_refused <= refused; was_fault <= fault; was_record <= record;
        was_allowed <= allowed; was_rules <= refused_rules; was_count_allowed <= count_allowed; was_counts <= counts;
        was_clear <= w_stb && addr[11:2] == 10'h004 && w_mask[0] && w_data[0];
        if (live) begin
            if (was_valid) assert (record == was_record);
            if (!was_valid && was_refused) assert (valid && record == was_fault);
            if (!was_valid && !was_refused) assert (!valid);
            if (was_valid) assert (valid == !was_clear);
            assert (count_allowed == was_count_allowed + was_allowed);
            for (k = 1; k <= 4; k = k + 1)
                assert (counts[32 * (k - 1) +: 32]
                        == was_counts[32 * (k - 1) +: 32] + (was_rules[k] && was_counts[32 * (k - 1) +: 32] != 32'hFFFFFFFF));
        end
        cover (live && was_valid && was_refused);
        cover (live && was_valid && was_clear && !valid);
    end
endmodule
