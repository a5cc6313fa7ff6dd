// SPDX-License-Identifier: Apache-2.0
// MMT.VERDICT_FIRST: nothing that was read leaves a slot of Lines, to Front, to Tree or into a line that is written,
// before the comparison of its MAC said yes in this life of the slot, or Tree said that the line is virgin: then it is
// zeros, whatever memory holds. Results of hash units and AES are arbitrary, so the comparison says yes or no at will.
module verdict_first #(parameter SLOT = 1) (
    input clk,
    input accepted, input [SLOT - 1:0] accepted_slot, input accepted_virgin,
    input counted, input [SLOT - 1:0] counted_slot, input counted_virgin,
    input checked, input [SLOT - 1:0] checked_slot, input checked_ok,
    input answered, input [SLOT - 1:0] answered_slot,
    input merged, input [SLOT - 1:0] merged_slot,
    input answer, input answer_error, input [511:0] answer_data,
    input read_valid, input read_ready
);
    (* anyconst *) reg [SLOT - 1:0] slot;
    // In this life: the verdict, and whether the line is virgin.
    reg verdict = 0, virgin = 0;
    reg was_answered = 0, was_merged = 0, was_waiting = 0;
    wire says_yes = checked && checked_ok && checked_slot == slot;
    always @(posedge clk) begin
        if (accepted && accepted_slot == slot) begin
            verdict <= 0; virgin <= accepted_virgin;
        end else begin
            if (says_yes) verdict <= 1;
            if (counted && counted_slot == slot) virgin <= counted_virgin;
        end
        // What was decided in the cycle before is shown in this one.
        was_answered <= answered && answered_slot == slot;
        was_merged <= merged && merged_slot == slot;
        was_waiting <= read_valid && !read_ready;
        if (was_answered && !answer_error) begin
            answer_has_verdict: assert (verdict || (virgin && answer_data == 0));
        end
        if (was_answered && answer_error) begin
            error_has_no_data: assert (answer_data == 0);
        end
        if (was_merged) begin
            merge_has_verdict: assert (verdict || (virgin && answer_data == 0));
        end
        // Front sees answers as they were decided, and no others.
        only_decided: assert (!read_valid || answer || was_waiting);
        cover (was_answered && answer && !answer_error && verdict);
        cover (was_answered && answer && !answer_error && virgin);
        cover (was_answered && answer_error && !verdict);
        cover (was_merged && verdict);
        cover (was_answered && !answer && !answer_error && verdict);
    end
endmodule

// What Lines may count on (rtl/yingzhou/mmt/signature.py): one lookup at a time, answered once; memory answers what was
// asked for, four beats of a line in order. It has at most MAX reads at a time.
module lines_protocol #(parameter MAX = 3) (
    input clk, input lookup_request_valid, input lookup_request_ready, input lookup_done,
    input memory_read_valid, input memory_read_ready, input memory_beat, input [1:0] memory_beat_index
);
    reg asked = 0; reg [1:0] index = 0, reads = 0;
    wire ends = memory_beat && index == 3;
    always @(posedge clk) begin
        asked <= (asked && !lookup_done) || (lookup_request_valid && lookup_request_ready);
        reads <= reads + (memory_read_valid && memory_read_ready) - ends;
        if (memory_beat) index <= index + 1;
        assume (!lookup_done || asked);
        assume (!memory_beat || (reads != 0 && memory_beat_index == index));
        assume (!memory_read_ready || reads != MAX);
    end
endmodule
