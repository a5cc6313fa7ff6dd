// SPDX-License-Identifier: Apache-2.0
// LLC.LOCK_PINNED, LLC.LOCK_QUOTA and LLC.LOCK_MAINTAIN (docs/llc.md, rules 14, 16, 17) on the state of one cache, and that
// every request is answered once, by induction: what makes them hold is asserted too. All about tags is said of sets that were swept after reset.
// States of Operations (rtl/yingzhou/llc/operations.py), numbered as Amaranth does; codes of Op and Kind.

module llc_locks #(
    parameter WAYS = 4, parameter SETS = 2, parameter MSHRS = 2, parameter DOMAINS = 2, parameter OWNER = 2,
    parameter LINE = 10, parameter COUNT = 4, parameter IDLE = 0, parameter CHECK = 1,
    parameter ANSWER = 3, parameter DECIDE = 4, parameter WRITE = 6, parameter FINISH = 9,
    parameter FINISHED = 10,
    parameter WAY = $clog2(WAYS), parameter SET = $clog2(SETS), parameter MSHR = $clog2(MSHRS),
    parameter TAG = LINE - SET, parameter ENTRY = 3 + OWNER + TAG
) (
    input clk,
    // Tags
    input swept, input [SET - 1:0] sweep, input [WAYS * SETS * ENTRY - 1:0] words, input [WAYS * ENTRY - 1:0] entries,
    // The item in the pipeline, and what is decided of it
    input valid, input [2:0] kind, input [1:0] source, input [LINE - 1:0] line, input [WAY - 1:0] way,
    input [MSHR - 1:0] index, input hit, input [ENTRY - 1:0] entry, input [MSHRS - 1:0] under_way, input being_written,
    input [WAYS - 1:0] tags_write, input allocate, input write_back, input [2:0] action, input lock,
    // Misses under way
    input [MSHRS - 1:0] used, input [MSHRS - 1:0] whole, input [MSHRS * LINE - 1:0] lines, input [MSHRS * WAY - 1:0] ways,
    input [MSHRS - 1:0] for_lock, input [MSHRS * MSHR - 1:0] order, input [MSHR - 1:0] newest, input [MSHR - 1:0] asked,
    input [MSHR - 1:0] come, input [MSHR:0] to_ask, input arrived, input [MSHR - 1:0] arrived_index,
    input replay, input [MSHR - 1:0] replay_index, input replay_for_lock, input error, input replay_error,
    // The operation
    input held, input [LINE - 1:0] held_line, input [WAY - 1:0] held_way, input [3:0] state, input [3:0] op,
    input [1:0] scope, input undo,
    input [OWNER - 1:0] domain, input [DOMAINS * COUNT - 1:0] counts, input [DOMAINS * COUNT - 1:0] quotas,
    // Requests: those that wait, and each user's
    input [MSHR:0] level, input [MSHR:0] queued, input waited, input [1:0] asks_now, input [1:0] answers_now,
    // Memory
    input read_valid, input read_ready, input beat, input [1:0] beat_index
);
    localparam REQUEST = 0, FILL = 1, BY_LINE = 2, BY_ENTRY = 3, END = 4, PARKED = 2, LOCKED = 2;
    localparam OP_LOCK = 1, OP_UNLOCK = 2, OP_CLEAN = 3, OP_FLUSH = 4, OP_DISCARD = 5, NOTHING = 0, SCOPE_ALL = 2;
    localparam WORDS = WAYS * SETS;

    // Memory answers what it was asked for: four beats of a line, in the order of the lines.
    reg [MSHR:0] reads = 0; reg [1:0] beats = 0;
    wire asks = read_valid && read_ready, ends = beat && beats == 3;
    always @(posedge clk) begin
        reads <= reads + asks - ends;
        if (beat) beats <= beats + 1;
    end
    always @* assume (!beat || (reads != 0 && beat_index == beats));

    // What is where: word = way * SETS + set.
    wire [ENTRY - 1:0] word [0:WORDS - 1];
    wire [WORDS - 1:0] known, locked, present;
    genvar g;
    generate for (g = 0; g < WORDS; g = g + 1) begin : each
        assign word[g] = words[g * ENTRY +: ENTRY];
        assign known[g] = swept || (g % SETS) < sweep;
        assign present[g] = known[g] && word[g][0];
        assign locked[g] = present[g] && word[g][LOCKED];
    end endgenerate

    // A miss is put in, and in the next cycle its request made again; from then on its line is in the cache.
    wire again = valid && source == PARKED && (kind == REQUEST || kind == BY_LINE);
    wire [MSHR + 1:0] wanted = to_ask + reads;
    wire visits = valid && (kind == BY_LINE || kind == BY_ENTRY);
    integer n, k, w, d, e;
    reg [MSHRS - 1:0] asked_for;
    reg [MSHR - 1:0] first, second;
    reg [COUNT - 1:0] sum, locks, operations;
    always @* begin
        // Misses in the order in which they are asked for and come.
        asked_for = 0;
        for (n = 0; n < MSHRS; n = n + 1) begin
            first = come + n;
            if (n < wanted) begin
                assert (!asked_for[order[first * MSHR +: MSHR]]);
                asked_for[order[first * MSHR +: MSHR]] = 1;
            end
        end
        first = come + reads; second = asked + to_ask;
        assert (wanted <= MSHRS && first == asked && second == newest && (reads != 0 || beats == 0));
        assert (!arrived || beats == 0 || (beats == 1 && !replay));
        assert (replay == (valid && kind == FILL));
        if (replay) begin
            assert (used[replay_index] && lines[replay_index * LINE +: LINE] == line && !again
                && ways[replay_index * WAY +: WAY] == way && replay_for_lock == for_lock[replay_index]);
        end
        if (replay) assert (error == replay_error);
        if (again) begin
            assert (error || hit);
            assert (!(held && held_line == line));
            assert (used[index] && lines[index * LINE +: LINE] == line && (kind == BY_LINE) == for_lock[index]);
        end
        assert (!valid || source == 0 || again || (source == 1 && kind == REQUEST));
        assert (!valid || kind <= END);
        operations = valid && kind != REQUEST && kind != FILL && kind != END && source != PARKED;
        for (n = 0; n < MSHRS; n = n + 1) begin
            // Each is in one place.
            assert (used[n] == (whole[n] || asked_for[n] || (arrived && arrived_index == n)
                || (replay && replay_index == n) || (again && index == n)));
            assert (whole[n] + asked_for[n] + (arrived && arrived_index == n) + (replay && replay_index == n)
                + (again && index == n) <= 1);
            operations = operations + (used[n] && for_lock[n]);
            for (k = 0; k < n; k = k + 1) begin
                assert (!used[n] || !used[k] || lines[n * LINE +: LINE] != lines[k * LINE +: LINE]);
                assert (!used[n] || !used[k] || lines[n * LINE +: SET] != lines[k * LINE +: SET]
                    || ways[n * WAY +: WAY] != ways[k * WAY +: WAY]);
            end
            for (w = 0; w < WORDS; w = w + 1) if (used[n] && !(again && index == n) && lines[n * LINE +: SET] == w % SETS) begin
                // Its way is empty, and its line nowhere else.
                assert (!(present[w] && ways[n * WAY +: WAY] == w / SETS));
                assert (!(present[w] && word[w][ENTRY - 1 -: TAG] == lines[n * LINE + SET +: TAG]));
            end
        end
        // One step of an operation at a time.
        assert (operations == (state == DECIDE));
        assert ((valid && kind == END) == (state == FINISHED));
        assert (held == (state == WRITE || state == FINISH || state == FINISHED));
        if (held) for (w = 0; w < WORDS; w = w + 1) if (held_line[SET - 1:0] == w % SETS && held_way == w / SETS) begin
            assert (present[w] && word[w][ENTRY - 1 -: TAG] == held_line[SET +: TAG]);
            assert (!locked[w] || word[w][3 +: OWNER] == domain);
        end
        if (held) assert (op == OP_UNLOCK || op == OP_CLEAN || op == OP_FLUSH || undo);
        if (undo) assert (op == OP_LOCK);
        if (state != IDLE && state != CHECK && state != ANSWER) assert (!(op == OP_LOCK && scope == SCOPE_ALL));
        if (valid && kind == BY_ENTRY) assert (scope == SCOPE_ALL);
        if (valid && kind == END) assert (held && line == held_line && way == held_way);
        // Tags: nothing happens before they are swept; no line twice; a locked line is dirty and somebody's.
        if (!swept) assert (!valid && used == 0 && !held && counts == 0);
        for (w = 0; w < WORDS; w = w + 1) begin
            if (!swept && known[w]) assert (word[w] == 0);
            if (known[w]) begin
                assert (!word[w][LOCKED] || (word[w][0] && word[w][1] && word[w][3 +: OWNER] != 0
                    && word[w][3 +: OWNER] <= DOMAINS));
                if (valid && line[SET - 1:0] == w % SETS) assert (entries[w / SETS * ENTRY +: ENTRY] == word[w]);
            end
            for (k = 0; k < w; k = k + 1) if (k % SETS == w % SETS) begin
                assert (!(present[k] && present[w] && word[k][ENTRY - 1 -: TAG] == word[w][ENTRY - 1 -: TAG]));
            end
        end
    end

    // LLC.LOCK_QUOTA: two ways of every set are never locked; a domain's count is what it has locked, and never more
    // than the highest quota it was given; when it locks it has less than its quota.
    reg [DOMAINS * COUNT - 1:0] highest = 0;
    reg [DOMAINS * COUNT - 1:0] highest_now;
    always @* begin
        highest_now = highest;
        for (d = 0; d < DOMAINS; d = d + 1)
            if (quotas[d * COUNT +: COUNT] > highest[d * COUNT +: COUNT])
                highest_now[d * COUNT +: COUNT] = quotas[d * COUNT +: COUNT];
    end
    always @(posedge clk) highest <= highest_now;
    always @* begin
        for (e = 0; e < SETS; e = e + 1) begin
            locks = 0;
            for (w = 0; w < WORDS; w = w + 1) if (w % SETS == e) locks = locks + locked[w];
            assert (locks <= WAYS - 2);
        end
        for (d = 0; d < DOMAINS; d = d + 1) begin
            sum = 0;
            for (w = 0; w < WORDS; w = w + 1) sum = sum + (locked[w] && word[w][3 +: OWNER] == d + 1);
            assert (counts[d * COUNT +: COUNT] == sum);
            assert (counts[d * COUNT +: COUNT] <= highest_now[d * COUNT +: COUNT]);
            assert (!lock || domain != d + 1 || counts[d * COUNT +: COUNT] < quotas[d * COUNT +: COUNT]);
        end
    end

    // LLC.LOCK_PINNED: a locked line stays where it is, locked for its owner, but for an operation of its owner that unlocks.
    reg [WORDS * ENTRY - 1:0] was = 0; reg [WORDS - 1:0] was_locked = 0; reg [OWNER - 1:0] was_domain = 0; reg was_unlocking = 0;
    reg ever_locked = 0;
    always @(posedge clk) begin
        was <= words; was_locked <= locked; was_domain <= domain; ever_locked <= ever_locked || locked != 0;
        was_unlocking <= valid && (kind == BY_LINE || kind == BY_ENTRY || kind == END)
            && (op == OP_UNLOCK || op == OP_FLUSH || op == OP_DISCARD || (op == OP_LOCK && undo));
    end
    always @* for (w = 0; w < WORDS; w = w + 1) if (was_locked[w]) begin
        assert (word[w] == was[w * ENTRY +: ENTRY]
            || (was_unlocking && was_domain == was[w * ENTRY + 3 +: OWNER] && word[w] == 0));
    end

    // LLC.LOCK_MAINTAIN: at a line that is locked for another, an operation other than LOCK, UNLOCK and STATUS does what it does
    // where there is no line: nothing, at once.
    wire others = visits && hit && entry[LOCKED] && entry[3 +: OWNER] != domain;
    always @* if (others && !undo && op >= OP_CLEAN && op <= OP_DISCARD && !being_written) begin
        maintain: assert (action == NOTHING && tags_write == 0 && !allocate && !write_back);
    end

    // What llc_silent counts on: nothing is under way for a locked line.
    always @* if (valid && kind == REQUEST && source != PARKED && hit && entry[LOCKED]) begin
        locked_is_not_under_way: assert (under_way == 0);
    end

    // Every request is answered once: those that are not answered yet are each in one place.
    reg [MSHR + 2:0] open = 0;
    reg [MSHR + 2:0] places;
    reg was_tried = 0;
    wire new_request = valid && kind == REQUEST && source == 0;
    always @(posedge clk) begin
        open <= open + asks_now[0] + asks_now[1] - answers_now[0] - answers_now[1];
        was_tried <= waited;
    end
    always @* begin
        places = answers_now[0] + answers_now[1] + new_request + level;
        for (n = 0; n < MSHRS; n = n + 1) places = places + (used[n] && !for_lock[n]);
        assert (open == places);
        assert (level == queued && level + new_request <= MSHRS);
        assert ((valid && kind == REQUEST && source == 1) == was_tried);
        assert (!was_tried || level != 0);
    end

    always @* begin
        cover (ever_locked && locked == 0 && swept);
        cover (others && op == OP_FLUSH);
        cover (locked != 0 && valid && kind == FILL);
        cover (locked != 0 && allocate && entry[0]);
    end
endmodule
