# SPDX-License-Identifier: Apache-2.0
"""Coverage plan of the environment: every point has a name; the test fails when one is not hit.

Names read ``group/what/where``. A *path* point is sampled for an access that had the block to itself, from what it read
from memory; the state before it comes from the model:

- ``path/OPERATION/NODES/MAC/COUNTER/MOUNT``: the cross of operation, tree level, state of the caches, overflow and
  state of the mount table. How far up nodes were fetched (``hit``: none, ``leaf``: its parent was cached, ``parent``:
  the leaf and its parent, ... ``top``); whether the MAC line was (``mac hit``, ``mac miss``); the line's counter
  (``room``, ``minor full``: its leaf overflows, ``major full``: it cannot); mounted or mounted on demand. Crosses that
  cannot be are left out by the rules of :func:`excluded`; one that is observed all the same fails the run.
- ``virgin/OPERATION/WHAT``: the highest thing on the path that was never written: a line, a node of a level.
- ``mount/OPERATION/STATE``: the subtree's place: mounted, mounted on demand, or why it was refused.
- ``overflow/...``: what became of a counter that was all ones: of a line's write, or of a node's write-back.
- ``edge/OPERATION/WHERE``: a line at an end of a subtree, or where the index of its leaf, parent, ... changes.
- ``order/...``: what was under way at once; two writes ``under one leaf`` are of different lines.
"""

from itertools import product
from typing import Final

from yingzhou.bus.axi4 import CHANNELS
from yingzhou.mmt.config import MmtConfig

MINOR_MAX: Final = 63
"""Of a leaf of 64."""
OPERATIONS: Final = ("read", "full write", "partial write")
MOUNTS: Final = ("mounted", "on demand", "not allocated", "locked", "table full", "meta zone", "not active")
COMMANDS: Final = {
    "NOP": ("OK", "NOT_READY"),
    "ALLOC": ("OK", "BAD_ADDRESS", "OVERLAP", "ALREADY_ALLOCATED", "TABLE_FULL", "NOT_READY"),
    "FREE": ("OK", "BAD_ADDRESS", "NOT_ALLOCATED", "PINNED"),
    "MOUNT": ("OK", "BAD_ADDRESS", "ALREADY_MOUNTED", "NOT_ALLOCATED", "TABLE_FULL", "INTEGRITY", "LOCKED"),
    "UNMOUNT": ("OK", "BAD_ADDRESS", "NOT_MOUNTED", "PINNED"),
    "FLUSH": ("OK", "BAD_ADDRESS", "NOT_MOUNTED"),
    "FLUSH_ALL": ("OK",),
    "UNLOCK": ("OK", "BAD_ADDRESS", "NOT_MOUNTED"),
    "STATUS": ("OK", "BAD_ADDRESS"),
    "PIN": ("OK", "BAD_ADDRESS", "NOT_MOUNTED"),
    "UNPIN": ("OK", "BAD_ADDRESS", "NOT_MOUNTED"),
    "code 15": ("BAD_COMMAND",),
}
"""Commands and the results that each must have been seen to end with."""
RESETS: Final = (
    "idle", "keys", "write under way", "read under way", "memory write", "memory read", "command", "re-encryption",
)  # fmt: skip
TREES: Final = ("subtree", "root tree")
KINDS: Final = {0: "fixed", 1: "incr", 2: "wrap"}
MACS: Final = ("mac hit", "mac miss", "mac unused")
COUNTERS: Final = ("room", "minor full", "major full")
PLACES: Final = ("mounted", "on demand")
"""States of the mount table in which an access gets as far as the caches; in the others of ``MOUNTS`` it is refused."""


def levels(config: MmtConfig) -> list[str]:
    """Return what nodes are called, leaf first."""
    return [level_name(config, level) for level in range(1, config.levels + 1)]


def level_name(config: MmtConfig, level: int) -> str:
    """Return what a node of a level is called."""
    if level == config.levels:
        return "top"
    return {1: "leaf", 2: "parent"}.get(level, f"level {level}")


def excluded(config: MmtConfig, operation: str, nodes: str, mac: str, counter: str, mount: str) -> str | None:
    """Return the rule by which a cross cannot be, None when it can."""
    if operation == "read" and counter != "room":
        return "a read moves no counter"
    if counter == "minor full" and not config.split:
        return "a flat counter is part of no major"
    if (mac == "mac unused") != (counter == "major full"):
        return "a MAC is not used by a write that is refused at its leaf, and by every other access"
    if mount == "on demand" and (nodes != level_name(config, config.levels) or mac == "mac hit"):
        return "nodes and MACs of a subtree that is not mounted are in no cache"
    return None


def crosses(config: MmtConfig) -> dict[str, str | None]:
    """Return every cross by name, with the rule that leaves it out, or None."""
    axes = (OPERATIONS, ("hit", *levels(config)), MACS, COUNTERS, PLACES)
    return {f"path/{'/'.join(cross)}": excluded(config, *cross) for cross in product(*axes)}


def edges(config: MmtConfig) -> dict[int, str]:
    """Return the lines of a subtree at its ends and round the end of its first node of each level, by index."""
    found = {0: "first line", config.subtree_lines - 1: "last line"}
    for level, node in enumerate(levels(config)[:-1], 1):
        end = config.node_lines(level)
        found |= {end - 1: f"last under a {node}", end: f"first under the next {node}"}
    return found


def points(config: MmtConfig) -> list[str]:
    """Return the names of all points of ``config``."""
    nodes = levels(config)
    names = [cross for cross, rule in crosses(config).items() if rule is None]
    names += [f"edge/{operation}/{where}" for operation, where in product(OPERATIONS, edges(config).values())]
    names += [f"virgin/{operation}/{what}" for operation, what in product(OPERATIONS, ("line", *nodes))]
    names += [f"mount/{operation}/{state}" for operation, state in product(OPERATIONS, MOUNTS)]
    names += [f"write-back/{tree}/{what}" for tree, what in product(TREES, ("line", "MACs", *nodes))]
    if config.split:
        names += [f"overflow/{what}/minor" for what in ("full write", "partial write")]
        names += [f"overflow/write-back of {node}/minor" for node in nodes[:-1]]
    names += [f"overflow/{what}/refused" for what in ("full write", "partial write")]
    names += [f"overflow/write-back of {node}/refused" for node in nodes[:-1]]
    names += [f"failure/{operation}/{what}" for operation, what in product(OPERATIONS, nodes)]
    names += [f"failure/{operation}/{what}" for operation, what in product(OPERATIONS, ("root entry", "memory error"))]
    names += [f"failure/{operation}/{what}" for operation, what in product(("read", "partial write"), ("line", "MAC"))]
    names += [f"command/{op}/{result}" for op, results in COMMANDS.items() for result in results]
    names += ["command/refused while one runs"]
    names += [f"reset/{what}" for what in RESETS]
    names += [
        f"burst/{way}/{kind}/{1 << size} bytes"
        for way, kind, size in product(("read", "write"), KINDS.values(), range(5))
    ]
    names += ["burst/write without bytes", "burst/two lines", "order/answers overtake", "order/same line queued"]
    names += [f"order/writes under one {node}" for node in nodes]
    names += [f"raw/{way}/{what}" for way, what in product(("read", "write"), ("through", "closed"))]
    names += [f"stall/{port}/{channel}" for port, channel in product(("s_axi", "m_axi"), CHANNELS)]
    names += ["registers/read refused", "registers/write refused", "registers/no such address"]
    names += ["aes inputs/line", "aes inputs/node"]
    names += ["keys/stuck entropy refused", "keys/no entropy", "keys/test keys"]
    return names


__all__ = [
    "COMMANDS", "KINDS", "MOUNTS", "OPERATIONS", "RESETS", "crosses", "edges", "excluded", "level_name", "levels",
    "points",
]  # fmt: skip
