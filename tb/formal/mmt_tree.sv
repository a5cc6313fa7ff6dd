// SPDX-License-Identifier: Apache-2.0
// What must hold of the state of Tree (docs/mmt-format.md, section 5), from probes on its tables. Nothing is
// assumed: every input of Tree is free in every cycle, Lines, AES and memory may say anything at any time.

// MMT.MOUNT_ONCE: no two entries of the mount table in use hold the same subtree.
module mount_once #(parameter ENTRIES = 2, parameter SUBTREE = 4) (
    input clk, input [ENTRIES - 1:0] mounted, input [ENTRIES * SUBTREE - 1:0] subtrees
);
    integer i, j;
    always @(posedge clk) begin
        for (i = 0; i < ENTRIES; i = i + 1)
            for (j = 0; j < i; j = j + 1) begin
                assert (!(mounted[i] && mounted[j]
                    && subtrees[SUBTREE * i +: SUBTREE] == subtrees[SUBTREE * j +: SUBTREE]));
            end
    end
    reg was_mounted = 0;
    always @(posedge clk) begin
        was_mounted <= was_mounted || mounted[0];
        cover (mounted[0]);
        cover (was_mounted && !mounted[0]);
    end
endmodule
