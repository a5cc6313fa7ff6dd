// SPDX-License-Identifier: Apache-2.0
// Behind an AxiPort of the cache: LlcCore as a user sees it (rtl/yingzhou/llc/signature.py). Each request is answered once, reads
// in any order. Payload of a request, first field lowest: {tag, data, strobe, write, line}. A read's tag is its place; several
// writes may have one tag.
module llc_user #(parameter LINE = 10, parameter TAG = 3, parameter KEPT = 8) (
    input clk,
    input request_valid, input request_ready, input [LINE + TAG + 576:0] request_payload,
    input answer, input [TAG - 1:0] answer_tag, input answer_write, input answer_error, input [511:0] answer_data
);
    wire write = request_payload[LINE];
    wire [TAG - 1:0] tag = request_payload[LINE + 577 +: TAG];
    wire asks = request_valid && request_ready;
    reg [(1 << TAG) - 1:0] reads = 0;
    reg [3:0] writes [0:(1 << TAG) - 1];
    integer k;
    initial for (k = 0; k < 1 << TAG; k = k + 1) writes[k] = 0;
    always @(posedge clk) begin
        if (asks && !write) reads[tag] <= 1;
        if (answer && !answer_write) reads[answer_tag] <= 0;
        for (k = 0; k < 1 << TAG; k = k + 1)
            writes[k] <= writes[k] + (asks && write && tag == k) - (answer && answer_write && answer_tag == k);
        assume (!answer || (answer_write ? writes[answer_tag] != 0 : reads[answer_tag]));
        assume (!(asks && write && writes[tag] == 15));
        if (asks && !write) place_is_free: assert (!reads[tag]);
        cover (answer && !answer_write && reads[answer_tag - 3'd1]);
        cover (answer && answer_write);
    end
endmodule
