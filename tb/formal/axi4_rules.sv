// SPDX-License-Identifier: Apache-2.0
// AXI4 (Arm IHI 0022H, chapters A3 and A5) as rules on one port. Nothing here comes from the RTL.
//
// SLAVE = 1: the design under proof is the slave: what a master must do is assumed, what a slave must do is asserted.
// SLAVE = 0: the other way round. TRUST = 0: nothing is assumed of what the other side answers (SLAVE = 0 only).
// MAX: bursts of one identifier under way, each way; the side that is assumed keeps to it.
// BEATS: longest burst, a power of two from 2: an assumed master sends no longer one, an asserted one must not.
// KEPT: bits at each end of the data that are followed while they wait to be taken; bits are not told apart.
// IDENTS: identifiers that are in use; the cover statements are about them.

module axi4_rules #(
    parameter SLAVE = 1, parameter TRUST = 1, parameter ADDR = 16, parameter ID = 1, parameter MAX = 2,
    parameter IDENTS = 2, parameter DATA = 128, parameter KEPT = 8, parameter BEATS = 256
) (
    input clk,
    input awvalid, input awready, input [ID - 1:0] awid, input [ADDR - 1:0] awaddr, input [7:0] awlen,
    input [2:0] awsize, input [1:0] awburst,
    input wvalid, input wready, input [DATA - 1:0] wdata, input [DATA / 8 - 1:0] wstrb, input wlast,
    input bvalid, input bready, input [ID - 1:0] bid, input [1:0] bresp,
    input arvalid, input arready, input [ID - 1:0] arid, input [ADDR - 1:0] araddr, input [7:0] arlen,
    input [2:0] arsize, input [1:0] arburst,
    input rvalid, input rready, input [ID - 1:0] rid, input [DATA - 1:0] rdata, input [1:0] rresp, input rlast
);
    // A3.2.1: what is offered stays offered and unchanged until it is taken. A3.1.2: nothing is offered out of reset.
    axi4_stable #(.WIDTH(ID + ADDR + 13), .ASSUME(SLAVE)) aw (.clk(clk), .valid(awvalid), .ready(awready),
        .payload({awid, awaddr, awlen, awsize, awburst}));
    axi4_stable #(.WIDTH(ID + ADDR + 13), .ASSUME(SLAVE)) ar (.clk(clk), .valid(arvalid), .ready(arready),
        .payload({arid, araddr, arlen, arsize, arburst}));
    localparam [DATA - 1:0] FOLLOWED = ((1 << KEPT) - 1) | ~({DATA{1'b1}} >> KEPT);
    axi4_stable #(.WIDTH(DATA + DATA / 8 + 1), .ASSUME(SLAVE)) w (.clk(clk), .valid(wvalid), .ready(wready),
        .payload({wdata & FOLLOWED, wstrb, wlast}));
    generate if (SLAVE || TRUST) begin : answers
        axi4_stable #(.WIDTH(ID + DATA + 3), .ASSUME(!SLAVE)) r (.clk(clk), .valid(rvalid), .ready(rready),
            .payload({rid, rdata & FOLLOWED, rresp, rlast}));
        axi4_stable #(.WIDTH(ID + 2), .ASSUME(!SLAVE)) b (.clk(clk), .valid(bvalid), .ready(bready),
            .payload({bid, bresp}));
    end endgenerate

    axi4_shape #(.ADDR(ADDR), .SIZE($clog2(DATA / 8)), .ASSUME(SLAVE)) aw_shape (.clk(clk), .valid(awvalid), .addr(awaddr), .len(awlen),
        .size(awsize), .burst(awburst));
    axi4_shape #(.ADDR(ADDR), .SIZE($clog2(DATA / 8)), .ASSUME(SLAVE)) ar_shape (.clk(clk), .valid(arvalid), .addr(araddr), .len(arlen),
        .size(arsize), .burst(arburst));

    // A5.4: write data comes in the order of the addresses. It may come before its address; here at most one burst does.
    wire aw_taken = awvalid && awready, w_taken = wvalid && wready;
    localparam LEN = $clog2(BEATS), COUNT = $clog2(MAX + 1);
    reg [LEN - 1:0] lens [0:MAX - 1];
    reg [ID - 1:0] idents [0:MAX - 1];
    reg [COUNT - 1:0] addresses = 0;
    reg [LEN:0] beats = 0;
    reg ahead = 0; reg [LEN - 1:0] ahead_len = 0;
    wire data_done = w_taken && wlast;
    wire pair_later = addresses != 0 && data_done;
    wire pair_now = addresses == 0 && aw_taken && (ahead || data_done);
    wire complete = pair_later || pair_now;
    wire [ID - 1:0] complete_id = pair_later ? idents[0] : awid;
    wire push = aw_taken && !pair_now;
    wire [COUNT - 1:0] place = addresses - pair_later;
    integer k;
    always @(posedge clk) begin
        addresses <= addresses + push - pair_later;
        for (k = 0; k < MAX; k = k + 1) begin
            if (pair_later && k + 1 < MAX) begin
                lens[k] <= lens[k + 1]; idents[k] <= idents[k + 1];
            end
            if (push && place == k) begin
                lens[k] <= awlen; idents[k] <= awid;
            end
        end
        if (w_taken) beats <= wlast ? 0 : beats + 1;
        if (data_done && addresses == 0 && !aw_taken) begin
            ahead <= 1; ahead_len <= beats;
        end
        if (ahead && aw_taken) ahead <= 0;
        // The assumed side: at most MAX addresses before their data, at most one burst of data before its address.
        if (SLAVE) assume (!(awvalid && (addresses == MAX || awlen >= BEATS)) && !(wvalid && ahead)
            && !(arvalid && arlen >= BEATS));
        else begin
            length: assert (!(awvalid && awlen >= BEATS) && !(arvalid && arlen >= BEATS));
        end
        if (!SLAVE) assume (!(awvalid && awready && addresses == MAX) && !(wready && wvalid && ahead));
    end

    // A3.4.1: a burst has AxLEN + 1 beats, the last of them with WLAST.
    wire known = !(wvalid && addresses != 0) || wlast == (beats == lens[0]);
    wire met = !(w_taken && aw_taken && addresses == 0 && !ahead) || wlast == (beats == awlen);
    wire begun = !(aw_taken && addresses == 0 && !ahead && !w_taken) || beats <= awlen;
    wire early = !(aw_taken && ahead) || awlen == ahead_len;
    wire counted = beats < BEATS;
    always @(posedge clk) begin
        if (SLAVE) assume (known && met && begun && early && counted);
        else begin
            wlast_known: assert (known);
            wlast_met: assert (met && begun && early && counted);
        end
    end

    genvar i;
    generate for (i = 0; i < 1 << ID; i = i + 1) begin : ident
        axi4_answers #(.SLAVE(SLAVE), .TRUST(TRUST), .MAX(MAX), .LEN(LEN), .COVER(i < IDENTS)) follow (
            .clk(clk),
            .ar_valid(arvalid && arid == i), .arready(arready), .arlen(arlen[LEN - 1:0]),
            .r_valid(rvalid && rid == i), .rready(rready), .rlast(rlast),
            .aw_valid(awvalid && awid == i), .awready(awready), .w_complete(complete && complete_id == i),
            .b_valid(bvalid && bid == i), .bready(bready));
    end endgenerate
endmodule

module axi4_stable #(parameter WIDTH = 1, parameter ASSUME = 0) (
    input clk, input valid, input ready, input [WIDTH - 1:0] payload
);
    reg first = 1, waiting = 0; reg [WIDTH - 1:0] was;
    wire holds = (!first || !valid) && (!waiting || (valid && payload == was));
    always @(posedge clk) begin
        first <= 0; waiting <= valid && !ready; was <= payload;
        if (ASSUME) assume (holds);
        else offer_is_kept: assert (holds);
    end
endmodule

// A3.4.1: sizes up to the data's, WRAP of 2, 4, 8 or 16 aligned beats, FIXED of up to 16, INCR within 4 KiB.
module axi4_shape #(parameter ADDR = 16, parameter SIZE = 4, parameter ASSUME = 0) (
    input clk, input valid, input [ADDR - 1:0] addr, input [7:0] len, input [2:0] size, input [1:0] burst
);
    wire [11:0] low = addr;
    wire [12:0] below = (13'd1 << size) - 1;
    wire [13:0] bytes = {6'd0, len} + 14'd1 << size;
    wire [13:0] first = {2'b0, low} & ~{1'b0, below};
    wire wrap = (len == 1 || len == 3 || len == 7 || len == 15) && (low & below) == 0;
    wire legal = size <= SIZE && burst != 3 && (burst != 2 || wrap) && (burst != 0 || len <= 15)
        && (burst != 1 || first + bytes <= 4096);
    always @(posedge clk) begin
        if (ASSUME) assume (!valid || legal);
        else shape: assert (!valid || legal);
    end
endmodule

// A5.3: answers of one identifier: only what was asked for, in order, each once, with RLAST at the last beat alone.
module axi4_answers #(parameter SLAVE = 1, parameter TRUST = 1, parameter MAX = 2, parameter LEN = 8,
                      parameter COVER = 1) (
    input clk,
    input ar_valid, input arready, input [LEN - 1:0] arlen, input r_valid, input rready, input rlast,
    input aw_valid, input awready, input w_complete, input b_valid, input bready
);
    localparam COUNT = $clog2(MAX + 1);
    reg [LEN - 1:0] lens [0:MAX - 1];
    reg [COUNT - 1:0] reads = 0, writes = 0, due = 0;
    reg [LEN - 1:0] beat = 0;
    wire ar_taken = ar_valid && arready, r_taken = r_valid && rready;
    wire aw_taken = aw_valid && awready, b_taken = b_valid && bready;
    wire read_ends = r_taken && rlast;
    wire [COUNT - 1:0] place = reads - read_ends;
    integer k;
    always @(posedge clk) begin
        reads <= reads + ar_taken - read_ends;
        writes <= writes + aw_taken - b_taken;
        due <= due + w_complete - b_taken;
        if (r_taken) beat <= rlast ? 0 : beat + 1;
        for (k = 0; k < MAX; k = k + 1) begin
            if (read_ends && k + 1 < MAX) lens[k] <= lens[k + 1];
            if (ar_taken && place == k) lens[k] <= arlen;
        end
        // The assumed side takes at most MAX.
        if (SLAVE) assume (!(ar_valid && reads == MAX) && !(aw_valid && writes == MAX));
        else assume (!(ar_taken && reads == MAX) && !(aw_taken && writes == MAX));
    end
    wire r_asked = !r_valid || (reads != 0 && rlast == (beat == lens[0]));
    wire b_asked = !b_valid || due != 0;
    always @(posedge clk) begin
        if (SLAVE) begin
            read_answer: assert (r_asked);
            write_answer: assert (b_asked);
        end else if (TRUST) assume (r_asked && b_asked);
        // Neither the rules nor the limits keep anything from happening.
        if (COVER) begin
            cover (read_ends && beat != 0);
            cover (read_ends && reads == MAX);
            cover (b_taken);
            cover (b_taken && writes == MAX);
        end
    end
endmodule
