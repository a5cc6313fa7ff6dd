# SPDX-License-Identifier: Apache-2.0
"""Coverage plan of the environment: every point has a name; the test fails when one is not hit.

Names read ``group/what/where``. A *path* point is sampled for an access that had the block to itself, from what it read
from memory; the state before it comes from the model:

- ``path/OPERATION/NODES/MAC``: how far up nodes were fetched (``hit``: none, ``leaf``: its parent was cached,
  ``parent``: the leaf and its parent, ... ``top``), and whether the MAC line was (``mac hit``, ``mac miss``).
- ``virgin/OPERATION/WHAT``: the highest thing on the path that was never written: a line, a node of a level.
- ``mount/OPERATION/STATE``: the subtree's place: mounted, mounted on demand, or why it was refused.
- ``overflow/...``: what became of a counter that was all ones: of a line's write, or of a node's write-back.
"""

from itertools import product
from typing import Final

from yingzhou.mmt.config import MmtConfig

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
RESETS: Final = ("idle", "keys", "write under way", "read under way", "memory write", "memory read", "command")
TREES: Final = ("subtree", "root tree")
KINDS: Final = {0: "fixed", 1: "incr", 2: "wrap"}


def levels(config: MmtConfig) -> list[str]:
    """Return what nodes are called, leaf first."""
    return [level_name(config, level) for level in range(1, config.levels + 1)]


def level_name(config: MmtConfig, level: int) -> str:
    """Return what a node of a level is called."""
    if level == config.levels:
        return "top"
    return {1: "leaf", 2: "parent"}.get(level, f"level {level}")


def points(config: MmtConfig) -> list[str]:
    """Return the names of all points of ``config``."""
    nodes = levels(config)
    names = [
        f"path/{operation}/{fetched}/mac {mac}"
        for operation, fetched, mac in product(OPERATIONS, ("hit", *nodes), ("hit", "miss"))
    ]
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
    names += [f"raw/{way}/{what}" for way, what in product(("read", "write"), ("through", "closed"))]
    names += [f"stall/{port}/{channel}" for port, channel in product(("s_axi", "m_axi"), ("aw", "w", "b", "ar", "r"))]
    names += ["registers/read refused", "registers/write refused", "registers/no such address"]
    names += ["keys/stuck entropy refused", "keys/no entropy", "keys/test keys"]
    return names


__all__ = ["COMMANDS", "KINDS", "MOUNTS", "OPERATIONS", "RESETS", "level_name", "levels", "points"]
