# SPDX-License-Identifier: Apache-2.0
"""The memory engine's proofs: small configurations, since nothing in a property depends on how large tables are."""

from typing import Final

from yingzhou.mmt.config import MmtConfig
from yingzhou.mmt.lines import Lines
from yingzhou.mmt.tree import Tree

from .job import BMC, PDR, Job
from .tops import Attached, proof_top

ONE_LEVEL: Final = MmtConfig(
    addr_width=16,
    memory_bytes=1 << 13,
    arities=(8,),
    id_width=1,
    mount_entries=2,
    node_cache_lines=4,
    mac_cache_lines=2,
    slots=2,
)
"""16 subtrees of 512 bytes, each with one node, which is leaf and top; two of them mounted at a time."""


def _mount_probes(config: MmtConfig) -> tuple[dict[str, int], dict[str, str]]:
    entries, bits = config.mount_entries, config.subtree_bits
    widths = {"mounted": entries, "subtrees": entries * bits}
    inner = {}
    for number in range(entries):
        inner[f"mounted[{number}]"] = f"tree_{number}.mounted"
        inner[f"subtrees[{bits * (number + 1) - 1}:{bits * number}]"] = f"tree_{number}.subtree"
    return widths, inner


def mount_verilog() -> str:
    """Return Tree under the rule of the mount table."""
    widths, _ = _mount_probes(ONE_LEVEL)
    rules = Attached(
        module="mount_once",
        name="rules",
        ports={name: name for name in widths},
        parameters={"ENTRIES": ONE_LEVEL.mount_entries, "SUBTREE": ONE_LEVEL.subtree_bits},
    )
    return proof_top(Tree(ONE_LEVEL), "mmt_tree", [rules], widths)


MOUNT_PROBES: Final = _mount_probes(ONE_LEVEL)[1]

LINES: Final = ONE_LEVEL
"""One slot for operations, one for jobs."""
VERDICT_PROBES: Final = {
    "accepted": "slots.accepted__valid",
    "accepted_slot": "slots.accepted__slot",
    "accepted_virgin": "slots.accepted__start.virgin",
    "counted": "slots.counted__valid",
    "counted_slot": "slots.counted__slot",
    "counted_virgin": "slots.counted__virgin",
    "checked": "slots.checked__valid",
    "checked_slot": "slots.checked__slot",
    "checked_ok": "slots.checked__ok",
    "answered": "slots.answered__valid",
    "answered_slot": "slots.answered__slot",
    "merged": "slots.merged__valid",
    "merged_slot": "slots.merged__slot",
    "answer": "answers.answer",
    "answer_error": "answers.error",
    "answer_data": "answers.data",
}
VERDICT_CUTS: Final = ("reader.matches", "reader.cipher", "pads.pads", "macs.mac")
"""The comparison, and what is in DRAM, in the cache of MACs and made by AES."""


def lines_verilog() -> str:
    """Return Lines under the rule that verdicts come first."""
    bits = LINES.slot_bits
    widths = {name: 512 if name.endswith("data") else bits if name.endswith("slot") else 1 for name in VERDICT_PROBES}
    front = {"read_valid": "ops_read_valid", "read_ready": "ops_read_ready"}
    rules = Attached(
        module="verdict_first",
        name="rules",
        ports={name: name for name in widths} | front,
        parameters={"SLOT": bits},
    )
    lookup = tuple(f"lookup_{name}" for name in ("request_valid", "request_ready", "done"))
    memory = tuple(f"memory_{name}" for name in ("read_valid", "read_ready", "beat", "beat_index"))
    protocol = Attached(module="lines_protocol", name="neighbours", ports={name: name for name in lookup + memory})
    return proof_top(Lines(LINES, 2), "mmt_lines", [rules, protocol], widths)


JOBS: Final = (
    Job(
        name="mmt_mount_once",
        unit="Tree: mount table of 2 entries, 16 subtrees of one node, whole slow path",
        claim="MMT.MOUNT_ONCE: no two entries in use hold the same subtree",
        top="mmt_tree",
        verilog=mount_verilog,
        sources=("mmt_tree.sv",),
        engine=PDR,
        cover_depth=60,
        probes=MOUNT_PROBES,
        cuts=("node", "hash.value", "lookup_content"),
    ),
    Job(
        name="mmt_verdict_first",
        unit="Lines: 2 slots, 2 lines of MACs",
        claim="MMT.VERDICT_FIRST: no data leaves a slot before its verdict, or before Tree said it is virgin",
        top="mmt_lines",
        verilog=lines_verilog,
        sources=("mmt_lines.sv",),
        engine=BMC,
        prove_depth=18,
        cover_depth=16,
        bound="an operation takes 12 cycles; that every beat finds its slot is too much for PDR in minutes",
        probes=VERDICT_PROBES,
        cuts=VERDICT_CUTS,
    ),
)
