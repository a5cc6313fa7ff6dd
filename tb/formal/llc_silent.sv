// SPDX-License-Identifier: Apache-2.0
// LLC.LOCK_SILENT (docs/llc.md, rule 15): two copies of one cache that get the same inputs, but for the victim's requests.
// Whichever locked lines the victim uses, to read or write, nothing that others see differs in any cycle.

// One copy: what its pipeline decides on, and whether that is the victim's secret.
module llc_secret #(parameter ENTRY = 14, parameter LINE = 10, parameter WAYS = 4, parameter SETS = 2,
                    parameter MSHRS = 2, parameter VICTIM = 0) (
    input clk,
    input valid, input [2:0] kind, input [1:0] source, input [LINE - 1:0] line, input user, input write,
    input [63:0] strobe,
    input hit, input [ENTRY - 1:0] entry, input waits_here, input [MSHRS - 1:0] under_way,
    input held, input [LINE - 1:0] held_line,
    input [WAYS * ENTRY - 1:0] entries, input [WAYS * SETS * ENTRY - 1:0] words,
    output secret
);
    localparam SET = $clog2(SETS);
    // Kind.REQUEST, Source.NEW
    wire request = valid && kind == 0 && source == 0 && user == VICTIM;
    wire locked = hit && entry[2];
    // A use of a locked line: no operation of its owner holds it, and nobody has waited for it since before it was locked.
    assign secret = request && locked && !(held && held_line == line) && !waits_here && under_way == 0
        && !(write && strobe == 0);
    integer way, set;
    always @* begin
        // What was read is what is kept; and a locked line counts as dirty (rule 13).
        if (valid) for (way = 0; way < WAYS; way = way + 1) begin
            assert (
                entries[way * ENTRY +: ENTRY] == words[(way * SETS + line[SET - 1:0]) * ENTRY +: ENTRY]);
        end
        for (way = 0; way < WAYS * SETS; way = way + 1) begin
            assert (!words[way * ENTRY + 2] || (words[way * ENTRY] && words[way * ENTRY + 1]));
        end
    end
endmodule

module llc_silent #(parameter STATE = 1, parameter SEEN = 1, parameter ITEM = 1, parameter PARK = 1,
                    parameter ENTRIES = 1, parameter TREE = 1, parameter LEVEL = 1, parameter LINE = 10) (
    input clk,
    // All that is kept, but for bytes of lines and what is in the pipeline.
    input [STATE - 1:0] one_state, input [STATE - 1:0] two_state,
    // What the attacker can see.
    input [SEEN - 1:0] one_seen, input [SEEN - 1:0] two_seen,
    // In the pipeline.
    input one_valid, input two_valid, input [ITEM - 1:0] one_item, input [ITEM - 1:0] two_item,
    input one_secret, input two_secret,
    input [ENTRIES - 1:0] one_entries, input [ENTRIES - 1:0] two_entries,
    input [TREE - 1:0] one_tree, input [TREE - 1:0] two_tree,
    // Requests that come from memories in front of it.
    input one_replay, input two_replay, input [PARK - 1:0] one_replayed, input [PARK - 1:0] two_replayed,
    input one_write, input two_write, input [LINE - 1:0] one_line, input [LINE - 1:0] two_line, input attacker_answered,
    input [LEVEL - 1:0] one_waits, input [LEVEL - 1:0] two_waits,
    input [PARK - 1:0] one_first, input [PARK - 1:0] two_first
);
    wire same = one_item == two_item;
    always @* begin
        // The secret.
        assume (!one_valid || !two_valid || same || (one_secret && two_secret));
        // The claim.
        attacker_sees_the_same: assert (one_seen == two_seen);
        // Why it holds.
        same_state: assert (one_state == two_state);
        same_times: assert (one_valid == two_valid);
        if (one_valid && same) begin
            same_set: assert (one_entries == two_entries && one_tree == two_tree);
        end
        if (one_replay) begin
            same_replay: assert (one_replayed == two_replayed);
        end
        if (one_waits != 0) begin
            same_waiting: assert (one_first == two_first);
        end
    end
    // There are secrets, other lines and other uses in both copies, and an attacker who is answered after.
    wire differs = one_valid && one_secret && two_secret && !same;
    reg differed = 0;
    always @(posedge clk) differed <= differed || differs;
    always @* begin
        cover (differs && one_line[0] != two_line[0]);
        cover (differs && one_write != two_write);
        cover (differed && attacker_answered);
    end
endmodule
