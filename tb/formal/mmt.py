# SPDX-License-Identifier: Apache-2.0
"""The memory engine's proofs: small configurations, since nothing in a property depends on how large tables are."""

from typing import Final

from amaranth.utils import exact_log2

from yingzhou.geometry import LINE_BITS, LINE_LOG
from yingzhou.mmt.config import MmtConfig
from yingzhou.mmt.lines import Lines
from yingzhou.mmt.place import Places, node_name
from yingzhou.mmt.tree import Tree

from .job import ABC_INDUCTION, BMC, PDR, Job
from .node_room import NodeRoom
from .probes import Part, Probes
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

TWO_LEVELS: Final = MmtConfig(
    addr_width=16,
    memory_bytes=1 << 13,
    arities=(4, 2),
    id_width=1,
    mount_entries=2,
    node_cache_lines=8,
    mac_cache_lines=2,
    slots=2,
)
"""Two leaves under a top node, so that there are parents and siblings."""


def _room_probes() -> Probes:
    """Return what the rule of dirty nodes, and what its proof rests on, see of the design."""
    config = TWO_LEVELS
    way, name = exact_log2(config.node_cache_lines), node_name(config).size
    ways, child = range(config.node_cache_lines), Places(config).child_bits
    of_ways = {"taken": 1, "present": 1, "dirty": 1, "usable": 1, "name": name, "parent": way, "children": way}
    plural = {"name": "names", "parent": "parents"}
    vectors = {
        plural.get(what, what): [Part(path=f"way_{at}.{what}", width=width) for at in ways]
        for what, width in of_ways.items()
    }
    page = config.page_bits
    pages = [f"tree_{at}.page" for at in range(config.mount_entries)]
    vectors["pages"] = [Part(path=path, width=page) for path in [*pages, "settings.root_page"]]
    vectors["contents"] = [Part(path=f"nodes[{at}]", width=LINE_BITS, word=True) for at in ways]
    for wire, path, width in (
        ("lookup_write", "node_lookup_write", 1),
        ("lookup_way", "node_lookup_write_way", way),
        ("lookup_data", "node_lookup_data", LINE_BITS),
        ("write", "node_write_go", 1),
        ("write_way", "node_write_way", way),
        ("write_data", "node_write_data", LINE_BITS),
        ("remove", "node_remove", 1),
        ("remove_way", "node_remove_way", way),
        ("evicting", "evicting", 1),
        ("evict_state", "evict_state", 5),
        ("evict_way", "evict_way", way),
        ("evict_name", "evict_name", name),
        ("evict_parent", "evict_parent", way),
        ("evict_top", "evict_top", 1),
        ("evict_drop", "evict_drop", 1),
        ("evict_discard", "evict_discard", 1),
        ("evict_each", "evict_each", name),
        ("evict_cached", "evict_cached", 1),
        ("evict_sibling", "evict_sibling", way),
        ("evict_child", "evict_child", child),
        ("evict_number", "evict_number", child),
        ("sweeping", "sweeping", 1),
        ("sweep_state", "sweep_state", 4),
        ("sweep_left", "sweep_left", len(ways)),
        ("sweep_what", "sweep_what", 2),
        ("sweep_tree", "sweep_tree", config.tree_bits),
        ("fetching", "fetch_active", 1),
        ("read_data", "read_port__data", LINE_BITS),
        ("seal_state", "seal_state", 2),
        ("seal_name", "seal_name", name),
        ("seal_line", "seal_line", config.line_bits),
        ("node", "node", LINE_BITS),
    ):
        vectors[wire] = [Part(path=path, width=width)]
    return Probes(vectors)


def room_verilog() -> str:
    """Return the way of nodes out of the chip under the rule of dirty nodes."""
    config, widths = TWO_LEVELS, _room_probes().widths
    memory = {f"memory_{name}": f"memory_write_{name}" for name in ("valid", "ready", "payload")}
    rules = Attached(
        module="dirty_nodes",
        name="rules",
        ports={name: name for name in widths} | memory,
        parameters={
            "WAYS": config.node_cache_lines,
            "TREES": config.mount_entries + 1,
            "TREE": config.tree_bits,
            "PLACE": Places(config).place_bits,
            "PAGE": config.page_bits,
            "LINE": config.line_bits,
            "LEAVES": config.node_offset(1) >> LINE_LOG,
            "TOPS": config.node_offset(2) >> LINE_LOG,
            "ROOT_LEAVES": config.root_node_offset(1) >> LINE_LOG,
            "ROOT_TOPS": config.root_node_offset(2) >> LINE_LOG,
            "ROOT_LEAF_COUNT": config.root_nodes(1),
            "ROOT_TOP_COUNT": config.root_nodes(2),
            "CHILD": Places(config).child_bits,
            "TOP_LOG": exact_log2(config.arity(2)),
        },
    )
    return proof_top(NodeRoom(config), "mmt_node_room", [rules], widths)


ROOM_CUTS: Final = (
    "hash.value",
    *(f"node_{name}" for name in ("next", "turned", "low", "next_low", "turned_low", "overflows", "exhausted")),
    *(f"lookup_{name}" for name in ("next", "low", "next_low", "overflows", "exhausted")),
)
"""What nodes count, and the hash."""

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
        name="mmt_dirty_nodes",
        unit="NodeCache, Evict, Sweep, Seal and Lookup of Tree: 8 nodes, 3 trees of two levels",
        claim="a dirty node stays until its content was handed to memory at its place, or its subtree is freed",
        top="mmt_node_room",
        verilog=room_verilog,
        sources=("node_room.sv",),
        engine=ABC_INDUCTION,
        prove_depth=1,
        cover_depth=30,
        inside=_room_probes,
        cuts=ROOM_CUTS,
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
