// SPDX-License-Identifier: Apache-2.0
// What stands at the inner ports of the memory engine's AXI units in their proofs (rtl/yingzhou/mmt/signature.py).

// Behind Front: Lines. Reads are answered in any order that keeps each identifier's, writes in any order at all.
// Payloads are vectors, first field lowest: op = {tag, strobe, data, line, outside, write, id},
// read = {data, error, tag, id}.
module lines_environment #(parameter ID = 1, parameter LINE = 7, parameter MAX = 4, parameter KEPT = 8) (
    input clk,
    input op_valid, input op_ready, input [ID + LINE + 595:0] op_payload,
    input read_valid, input read_ready, input [ID + 530:0] read_payload,
    input write_done, input [17:0] write_tag, input write_error
);
    wire [ID - 1:0] op_id = op_payload[0 +: ID];
    wire op_write = op_payload[ID];
    wire [17:0] op_tag = op_payload[ID + LINE + 578 +: 18];
    wire [ID + 17:0] answer = read_payload[0 +: ID + 18];

    // An operation stays as it is until it is taken; of data and strobes KEPT bits at each end are followed.
    localparam [575:0] FOLLOWED = ((1 << KEPT) - 1) | ~({576{1'b1}} >> KEPT);
    axi4_stable #(.WIDTH(ID + LINE + 596)) op_kept (.clk(clk), .valid(op_valid), .ready(op_ready),
        .payload({op_payload[ID + LINE + 578 +: 18], op_payload[ID + LINE + 2 +: 576] & FOLLOWED,
            op_payload[0 +: ID + LINE + 2]}));

    // Reads under way, oldest first.
    reg [ID + 17:0] asked [0:MAX - 1];
    reg [3:0] count = 0;
    reg [MAX - 1:0] fits;
    reg [3:0] chosen;
    integer k, j;
    always @* begin
        chosen = MAX;
        for (k = MAX - 1; k >= 0; k = k - 1) begin
            fits[k] = k < count && asked[k] == answer;
            for (j = 0; j < k; j = j + 1)
                if (asked[j][ID - 1:0] == answer[ID - 1:0]) fits[k] = 0;
            if (fits[k]) chosen = k;
        end
    end
    wire op_read = op_valid && op_ready && !op_write;
    wire gone = read_valid && read_ready;
    wire [3:0] place = count - gone;
    always @(posedge clk) begin
        assume (!read_valid || |fits);
        assume (!(op_valid && op_ready && !op_write && count == MAX));
        count <= count + op_read - gone;
        for (k = 0; k < MAX; k = k + 1) begin
            if (gone && k >= chosen && k + 1 < MAX) asked[k] <= asked[k + 1];
            if (op_read && place == k) asked[k] <= {op_tag, op_id};
        end
    end

    // Writes under way, by tag: the number of a burst, 0 or 1.
    reg [3:0] pending [0:1];
    initial begin
        pending[0] = 0; pending[1] = 0;
    end
    wire op_is_write = op_valid && op_ready && op_write;
    always @(posedge clk) begin
        if (op_valid && op_write) tag_is_a_burst: assert (op_tag < 2);
        assume (!write_done || (write_tag < 2 && pending[write_tag[0]] != 0));
        for (k = 0; k < 2; k = k + 1)
            pending[k] <= pending[k] + (op_is_write && op_tag[0] == k) - (write_done && write_tag[0] == k);
        cover (gone && chosen != 0);
        cover (op_is_write && pending[0] != 0 && pending[1] != 0);
    end
endmodule

// A client of MemoryPort: it may offer what it likes; every line asked for is answered once, beats in order.
module client_environment #(parameter LINE = 7) (
    input clk,
    input read_valid, input read_ready, input [LINE - 1:0] read_payload,
    input beat, input [1:0] beat_index, input [127:0] beat_data, input beat_error,
    input write_valid, input write_ready, input [LINE + 511:0] write_payload,
    input write_done, input write_error
);
    reg [3:0] reads = 0, writes = 0; reg [1:0] index = 0;
    wire asks = read_valid && read_ready, ends = beat && index == 3;
    always @(posedge clk) begin
        reads <= reads + asks - ends;
        writes <= writes + (write_valid && write_ready) - write_done;
        if (beat) index <= index + 1;
        beat_asked: assert (!beat || (reads != 0 && beat_index == index));
        done_asked: assert (!write_done || writes != 0);
        cover (ends && !beat_error);
        cover (ends && beat_error);
        cover (write_done && !write_error);
    end
endmodule
