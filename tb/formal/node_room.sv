// SPDX-License-Identifier: Apache-2.0
// A dirty node in the cache stays as it is, where it is, and dirty, until its content was handed to memory at its own
// place, or until it is given up with a subtree that is freed (docs/mmt-format.md, section 5). What is written into a
// node makes it dirty. BIT is one bit of the content; nothing between cache and memory tells bits below the MAC apart.
module dirty_nodes #(
    parameter WAYS = 8, parameter TREES = 3, parameter TREE = 2, parameter PLACE = 2, parameter PAGE = 1,
    parameter LINE = 7, parameter LEAVES = 1, parameter TOPS = 5, parameter ROOT_LEAVES = 5, parameter ROOT_TOPS = 7,
    parameter TOP_LOG = 1, parameter CHILD = 2,
    parameter ROOT_LEAF_COUNT = 2, parameter ROOT_TOP_COUNT = 1, parameter BIT = 0
) (
    input clk,
    input [WAYS - 1:0] present, input [WAYS - 1:0] dirty, input [WAYS * (TREE + 4 + PLACE) - 1:0] names,
    input [TREES * PAGE - 1:0] pages,
    input lookup_write, input [$clog2(WAYS) - 1:0] lookup_way, input [511:0] lookup_data,
    input write, input [$clog2(WAYS) - 1:0] write_way, input [511:0] write_data,
    input remove, input [$clog2(WAYS) - 1:0] remove_way,
    input evict_discard, input evict_drop, input sweeping, input [3:0] sweep_state, input [WAYS - 1:0] sweep_left, input [1:0] sweep_what, input [TREE - 1:0] sweep_tree,
    input memory_valid, input memory_ready, input [LINE + 511:0] memory_payload,
    input [WAYS - 1:0] taken, input [WAYS - 1:0] usable, input [WAYS * $clog2(WAYS) - 1:0] parents, input [WAYS * $clog2(WAYS) - 1:0] children,
    input evicting, input [$clog2(WAYS) - 1:0] evict_way, input [TREE + 4 + PLACE - 1:0] evict_name,
    input [$clog2(WAYS) - 1:0] evict_parent,
    input [4:0] evict_state, input evict_top, input [TREE + 4 + PLACE - 1:0] evict_each, input evict_cached,
    input [$clog2(WAYS) - 1:0] evict_sibling, input [CHILD - 1:0] evict_child, input [CHILD - 1:0] evict_number,
    input fetching, input [511:0] read_data, input [WAYS * 512 - 1:0] contents,
    input [1:0] seal_state, input [TREE + 4 + PLACE - 1:0] seal_name, input [LINE - 1:0] seal_line, input [511:0] node
);
    localparam NAME = TREE + 4 + PLACE;
    (* anyconst *) reg [$clog2(WAYS) - 1:0] way;
    wire [NAME - 1:0] name = names >> NAME * way;
    wire [TREE - 1:0] tree = name[0 +: TREE];
    wire [3:0] level = name[TREE +: 4];
    wire [PLACE - 1:0] place = name[TREE + 4 +: PLACE];
    wire root = tree == TREES - 1;
    wire [PAGE - 1:0] page = pages >> PAGE * tree;
    // Section 3: where the node is in memory.
    wire [LINE - 1:0] line = (page << 6)
        + (level == 1 ? (root ? ROOT_LEAVES : LEAVES) + place : (root ? ROOT_TOPS : TOPS) + (place >> TOP_LOG));

    // The base of the meta zone is set once, before anything is mounted.
    (* anyconst *) reg [PAGE - 1:0] meta_page;
    always @* assume (meta_page == pages[PAGE * (TREES - 1) +: PAGE]);

    reg content = 0;
    wire lookup_writes = lookup_write && lookup_way == way, writes = write && write_way == way;
    wire soiled = present[way] && dirty[way];
    wire handed = memory_valid && memory_ready && memory_payload[LINE - 1:0] == line
        && memory_payload[LINE + BIT] == content && !lookup_writes && !writes;
    wire freed = remove && remove_way == way && evict_discard && sweeping && sweep_what == 2 && sweep_tree == tree;

    reg was_soiled = 0, was_handed = 0, was_freed = 0, was_written = 0, was_present = 0;
    reg [NAME - 1:0] was_name;
    always @(posedge clk) begin
        if (lookup_writes) content <= lookup_data[BIT];
        else if (writes) content <= write_data[BIT];
        was_soiled <= soiled; was_name <= name; was_handed <= handed; was_freed <= freed;
        was_written <= lookup_writes || writes; was_present <= present[way];
    end
    always @* begin
        dirty_stays: assert (!was_soiled || (soiled && name == was_name) || was_handed || was_freed);
        written_is_dirty: assert (!(was_present && was_written) || soiled);
    end

    // What the proof rests on, and is proved with it. States of Evict by their numbers in the Verilog.
    localparam WAY = $clog2(WAYS), LEAVE = 3, FETCH_OWN = 7, OWN = 10, SEAL_OWN = 11, SEALING_OWN = 12, EACH = 9,
        EACH_PARENT = 13, TURN = 14, EACH_SEAL = 18, EACH_FETCH = 19, EACH_OWN = 20, EACH_NEXT = 21, EACH_SEALING = 22,
        TURN_LOAD = 23, TURNED = 24;
    function [NAME - 1:0] name_of(input [WAY - 1:0] of); name_of = names >> NAME * of; endfunction
    wire [511:0] words = contents >> 512 * way;
    wire mine = evict_way == way, here = evict_cached && evict_sibling == way;
    wire [NAME - 1:0] evicted = name_of(evict_way);
    wire [WAY - 1:0] evicted_parent = parents >> WAY * evict_way;
    wire [WAY - 1:0] evicted_children = children >> WAY * evict_way;
    wire own = evict_state == OWN || evict_state == SEAL_OWN || evict_state == SEALING_OWN;
    wire turning = evict_state == TURN || evict_state == TURN_LOAD || evict_state == TURNED;
    wire sibling = evict_state == EACH_PARENT || evict_state >= 15 && evict_state <= 22;
    wire visited = sibling && (evict_child > evict_number || evict_child == evict_number && evict_state == EACH_NEXT)
        || evict_state == EACH && evict_child > evict_number || turning;
    reg was_evicting = 0;
    reg [WAYS - 1:0] was_usable = 0;
    always @(posedge clk) begin
        was_evicting <= evicting;
        was_usable <= usable;
    end
    genvar at, to;
    generate
        for (at = 0; at < WAYS; at = at + 1) begin: each
            wire [NAME - 1:0] its = names[NAME * at +: NAME];
            wire [WAY - 1:0] parent = parents[WAY * at +: WAY];
            wire [NAME - 1:0] above = name_of(parent);
            wire [PLACE - 1:0] top_place = its[TREE + 4 +: PLACE] >> TOP_LOG << TOP_LOG;
            wire [WAYS - 1:0] under;
            for (to = 0; to < WAYS; to = to + 1) begin
                assign under[to] = present[to] && names[NAME * to + TREE +: 4] == 1 && parents[WAY * to +: WAY] == at;
                if (to < at) always @*
                    assert (!present[at] || !present[to] || its != names[NAME * to +: NAME]);
            end
            wire [WAY - 1:0] below = $countones(under);
            always @* begin
                assert (!present[at] || its[TREE +: 4] == 1 || its[TREE +: 4] == 2);
                assert (!present[at] || its[TREE +: 4] == 2
                    || (present[parent] && parent != at && above == {top_place, 4'd2, its[0 +: TREE]}));
                assert (!present[at] || children[WAY * at +: WAY] == below);
                assert (!present[at] || (taken[at] && (its[TREE +: 4] == 1 || its[TREE + 4 +: PLACE] == top_place)));
                assert (!present[at] || its[0 +: TREE] != TREES - 1 || (its[TREE +: 4] == 1
                    ? its[TREE + 4 +: PLACE] < ROOT_LEAF_COUNT : its[TREE + 4 +: PLACE] >> TOP_LOG < ROOT_TOP_COUNT));
                assert (!usable[at] || (present[at] && its[TREE +: 4] == 1));
                assert (!sibling || evict_cached || !present[at] || its != evict_each);
            end
        end
    endgenerate
    always @* begin
        in_memory: assert (words[BIT] == content);
        seen: assert (!lookup_write || (present[lookup_way] && was_usable[lookup_way]));
        idle: assert (evicting == (evict_state != 0) && (!evicting || was_evicting || evict_state == 1));
        later: assert (evict_state != 1 || !was_evicting);
        sweeps: assert (sweeping == (sweep_state != 0)
            && (!sweeping || evicting == (sweep_state == 4 || sweep_state == 6)));
        flushes: assert (!(sweep_state == 3 || sweep_state == 4)
            || ((sweep_left & ~present) == 0 && !(evicting && evict_drop)));
        named: assert (!evicting || present[evict_way]);
        childless: assert (!evicting || !evict_drop || evicted_children == 0);
        kept: assert (evict_state <= 1 || (evict_name == evicted && evict_parent == evicted_parent));
        hidden: assert (!evicting || !usable[evict_way]);
        hidden_before: assert (!(evict_state >= 2 && was_usable[evict_way])
            && !(sibling && evict_cached && evict_state != EACH_PARENT && was_usable[evict_sibling]));
        top: assert (evict_state <= 1 || evict_top == (evict_name[TREE +: 4] == 2));
        below_top: assert (!(sibling || turning || evict_state == EACH) || evict_name[TREE +: 4] == 1);
        own_each: assert (!own || evict_each == evict_name);
        own_read: assert (evict_state != OWN || !mine || read_data[BIT] == content);
        own_node: assert (evict_state != SEAL_OWN || !mine || node[BIT] == content);
        sibling_known: assert (!sibling || !evict_cached
            || (present[evict_sibling] && name_of(evict_sibling) == evict_each
                && (!usable[evict_sibling] || evict_state == EACH_NEXT)));
        fetched: assert (evict_state != EACH_FETCH || !evict_cached);
        sibling_read: assert (evict_state != EACH_OWN || !here || read_data[BIT] == content);
        sibling_node: assert (evict_state != EACH_SEAL || !here || node[BIT] == content);
        cleaned: assert (!(visited || evict_state == LEAVE) || !dirty[evict_way] || evict_discard);
        discards: assert (!evicting || !evict_discard
            || (sweeping && sweep_what == 2 && evicted[0 +: TREE] == sweep_tree));
        fetches: assert (!fetching || evict_state == EACH_FETCH);
        only_then: assert ((seal_state != 0) == (evict_state == SEALING_OWN || evict_state == EACH_SEALING));
        its_name: assert (seal_state == 0 || seal_name == evict_each);
        its_place: assert (seal_state == 0 || !present[way] || seal_name != name || seal_line == line);
        its_content: assert (seal_state == 0 || !present[way] || seal_name != name || node[BIT] == content);
    end
    always @(posedge clk) begin
        cover (soiled);
        cover (was_soiled && !soiled && was_handed);
        cover (was_soiled && !soiled && was_freed);
        cover (was_soiled && !present[way] && level == 1);
    end
endmodule
