# SPDX-License-Identifier: Apache-2.0
"""The seams inside the memory engine. Every unit is written against these; ``engine.py`` joins them.

::

    AXI4 --> Front --line ops--> Lines <----lookup, service, line ops----> Tree <-- commands, Registers
                                 |   |                                     |  |
                                 |   +----------------- AES bank ----------|--+   (keys: KeyLoader)
                                 +----------------> MemoryPort <-----------+
                                                        |
                                                      AXI4

- *Front* (``yingzhou.line.front``): any legal AXI burst to line operations and back.
- *Lines*: the fast path. Slots with operations under way, the cache of MAC lines, pads, hashes.
- *Tree*: mount table, node cache, and the sequential walk that fetches, verifies and evicts nodes, mounts and unmounts.
- *MemoryPort* (``yingzhou.line.memory_port``): whole lines from several clients to one AXI4 master.

Conventions. ``stream.Signature`` where there is back-pressure. A *pulse* is a port that is 1 for one cycle, its
companions valid in that cycle only. Idle: 0.
"""

from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from yingzhou.geometry import BEAT_BITS, LINE_BITS

from .config import GENERATION_BITS, LOW_BITS, MmtConfig

Counter = data.StructLayout({"low": LOW_BITS, "generation": GENERATION_BITS})
"""A child's full counter (docs/mmt-format.md, section 2)."""


class Kind(enum.Enum, shape=4):
    """Why an access failed or was refused. The same numbers in registers, C and the model."""

    NONE = 0
    LINE_MAC = 1
    """A line's MAC did not match. Locks the subtree."""
    NODE_MAC = 2
    """A node's MAC did not match. Locks the subtree."""
    MEMORY_ERROR = 3
    """DRAM answered with an error. Locks the subtree."""
    EXHAUSTED = 4
    """A counter would have wrapped. Locks the subtree."""
    NOT_ALLOCATED = 5
    """The subtree's root entry is not valid."""
    LOCKED = 6
    """The subtree (or the root tree) is locked after a failure."""
    NOT_READY = 7
    """The engine is not enabled, has no keys, or stopped (self-test, fatal mode)."""
    OUTSIDE = 8
    """Not in memory, or in the meta zone."""
    TABLE_FULL = 9
    """The mount table has only pinned entries."""


INTEGRITY_KINDS = (Kind.LINE_MAC, Kind.NODE_MAC, Kind.MEMORY_ERROR, Kind.EXHAUSTED)
"""Failures that lock the subtree, are recorded as integrity failures, and raise the interrupt."""


# AES bank. Requests are answered in order, after any number of cycles; answers have no back-pressure.


class AesKey(enum.Enum, shape=1):
    PAD = 0
    MAC = 1


class AesDomain(enum.Enum, shape=2):
    DATA = 0
    DATA_MAC = 1
    NODE_MAC = 2
    HASH = 3


def aes_request(tag_bits: int) -> data.StructLayout:
    """One block to encrypt; ``tag`` comes back with the answer."""
    return data.StructLayout({"key": AesKey, "block": BEAT_BITS, "tag": tag_bits})


class AesClient(wiring.Signature):
    """A user of the AES bank: ``request`` stream out; ``done`` pulse with ``tag`` and ``result`` in."""

    def __init__(self, tag_bits: int):
        self.tag_bits = tag_bits
        super().__init__(
            {
                "request": Out(stream.Signature(aes_request(tag_bits))),
                "done": In(1),
                "tag": In(tag_bits),
                "result": In(BEAT_BITS),
            }
        )


# Lines and Tree.


class Verdict(enum.Enum, shape=2):
    """Answer of a lookup."""

    READY = 0
    """The leaf is cached and verified; counters are valid, a write's increment is made."""
    MISS = 1
    """The slow path is needed (mount, walk or overflow). Nothing has changed."""
    DENIED = 2
    """Refused for ``kind``."""


def lookup_answer(config: MmtConfig) -> data.StructLayout:
    """
    ``tree``     : index of the tree on chip.
    ``mac_line`` : line number in memory of the MAC line of this line.
    ``nearby``   : MISS: ``tree`` and ``mac_line`` hold all the same, as the subtree is mounted.
    ``old``      : counter of the line's present content. Virgin when ``old.low`` is 0.
    ``new``      : write: counter to encrypt under. Read: same as ``old``.
    """
    return data.StructLayout(
        {
            "verdict": Verdict,
            "kind": Kind,
            "tree": config.tree_bits,
            "mac_line": config.line_bits,
            "nearby": 1,
            "old": Counter,
            "new": Counter,
        }
    )


class LookupSignature(wiring.Signature):
    """Lines asks Tree for the counter of a line.

    ``request`` : stream of line number, ``write``, and ``serviced``: 1 for the first lookup after a service that ended
                  well. The answer comes as one ``done`` pulse with ``answer``, two cycles later when Tree is free, and
                  no second request is taken before it. While a service waits for its lookup, Tree takes only that one.
    """

    def __init__(self, config: MmtConfig):
        super().__init__(
            {
                "request": Out(
                    stream.Signature(data.StructLayout({"line": config.line_bits, "write": 1, "serviced": 1}))
                ),
                "done": In(1),
                "answer": In(lookup_answer(config)),
            }
        )


class ServiceSignature(wiring.Signature):
    """Lines has Tree do the slow path for a line whose lookup said MISS; one at a time.

    ``request`` : stream of line number and ``write``.
    ``done``    : pulse. ``ok`` 1: a lookup with ``serviced`` will say READY, and Tree waits for it. ``ok`` 0: the
                  access fails for ``kind``.
    """

    def __init__(self, config: MmtConfig):
        super().__init__(
            {
                "request": Out(stream.Signature(data.StructLayout({"line": config.line_bits, "write": 1}))),
                "done": In(1),
                "ok": In(1),
                "kind": In(Kind),
            }
        )


class JobKind(enum.Enum, shape=3):
    """What Tree asks of Lines."""

    READ = 0
    """Read and verify a line of the root table under ``old``. Answers its 512 bits."""
    WRITE = 1
    """Write ``data`` to a line of the root table under ``new``."""
    RECRYPT = 2
    """Bring a line from ``old`` to ``new``: read, verify, encrypt, write. Virgin ``old``: encrypt zeros."""
    FLUSH_MACS = 3
    """Write back the dirty MAC lines of ``tree``; they stay cached."""
    RELEASE_MACS = 4
    """As FLUSH_MACS, and the tree's MAC lines leave the cache."""
    DROP_MACS = 5
    """The tree's MAC lines leave the cache, unwritten."""


def job(config: MmtConfig) -> data.StructLayout:
    """
    ``tree``      : whose MAC lines, and for the MAC cache tag.
    ``root``      : 1: ``seed_line`` counts lines of the root table (bit 35 of the id), not of memory.
    ``seed_line`` : line number in the seeds.
    ``line``      : line number in memory.
    ``mac_line``  : line number in memory of its MAC line; the MAC is word ``seed_line % 8``.
    """
    return data.StructLayout(
        {
            "kind": JobKind,
            "tree": config.tree_bits,
            "root": 1,
            "seed_line": config.line_bits,
            "line": config.line_bits,
            "mac_line": config.line_bits,
            "old": Counter,
            "new": Counter,
            "data": LINE_BITS,
        }
    )


class JobSignature(wiring.Signature):
    """Tree's work for Lines, beside the operations of Front.

    ``request`` : stream of :func:`job`. RECRYPT may follow RECRYPT before the first is done; every other job only when
                  none is under way.
    ``done``    : pulse for each job, RECRYPTs in any order. ``ok`` 0: failed for ``kind`` (Lines reports the failure as
                  well). ``data``: the line of a READ, valid until the next job.
    ``query_leaf``, ``query_tree`` : level, leaf number (line number over arity) and tree.
    ``leaf_busy``, ``tree_busy``   : same cycle: a slot holds a counter of that leaf (not of the root tree), of that
                                     tree. A slot that waits for a lookup or a service does not count; one whose lookup
                                     answer is READY in this cycle does.
    """

    def __init__(self, config: MmtConfig):
        super().__init__(
            {
                "request": Out(stream.Signature(job(config))),
                "done": In(1),
                "ok": In(1),
                "kind": In(Kind),
                "data": In(LINE_BITS),
                "query_leaf": Out(max(1, config.line_bits - ceil_log2(config.arity(1)))),
                "leaf_busy": In(1),
                "query_tree": Out(config.tree_bits),
                "tree_busy": In(1),
            }
        )


# Failures, commands, settings.


def failure(config: MmtConfig) -> data.StructLayout:
    """
    ``line``  : line number in memory of what the access was about: the line, or for a node the node's own place.
    ``level`` : 0 a line, 1 a leaf node, up to the top.
    ``root``  : 1: of the root table or root tree.
    ``tree``  : tree on chip that is locked (an integrity failure).
    """
    return data.StructLayout({"kind": Kind, "line": config.line_bits, "level": 4, "root": 1, "tree": config.tree_bits})


class FailureSignature(wiring.Signature):
    """``valid`` pulse with ``failure``. Lines to Tree (which locks the tree), and Tree to Registers (which record)."""

    def __init__(self, config: MmtConfig):
        super().__init__({"valid": Out(1), "failure": Out(failure(config))})


class Command(enum.Enum, shape=4):
    """Operations offered by the registers."""

    NOP = 0
    ALLOC = 1
    FREE = 2
    MOUNT = 3
    UNMOUNT = 4
    FLUSH = 5
    FLUSH_ALL = 6
    UNLOCK = 7
    STATUS = 8
    PIN = 9
    UNPIN = 10


class Result(enum.Enum, shape=4):
    """How a command ended. Refused for another reason than INTEGRITY, it has changed nothing of its subtree."""

    OK = 0
    BAD_ADDRESS = 1
    """No such subtree, or a base that is not a page of memory with room for the metadata."""
    OVERLAP = 2
    """The metadata overlaps the subtree's own lines, the meta zone, or lines or metadata of a mounted subtree; or the
    subtree's lines overlap the meta zone or a mounted subtree's metadata."""
    ALREADY_ALLOCATED = 3
    NOT_ALLOCATED = 4
    ALREADY_MOUNTED = 5
    NOT_MOUNTED = 6
    TABLE_FULL = 7
    """Every mount table entry is pinned, or cannot be given up."""
    LOCKED = 8
    """The root tree is locked, or the subtree is and the command needs it unlocked."""
    INTEGRITY = 9
    """A check failed on the way; see the failure record."""
    EXHAUSTED = 10
    """The subtree's generations are used up."""
    NOT_READY = 11
    """Not enabled, no keys, or stopped."""
    BAD_COMMAND = 12
    PINNED = 13
    """The subtree is pinned: unpin it first."""


def command(config: MmtConfig) -> data.StructLayout:
    """
    ``subtree`` : subtree number; one bit wider than needed, so that numbers outside are seen.
    ``page``    : ALLOC: page number of the metadata's base, counted from the start of memory; one bit wider too.
    """
    return data.StructLayout({"op": Command, "subtree": config.subtree_bits + 1, "page": config.page_bits + 1})


Status = data.StructLayout(
    {"mounted": 1, "valid": 1, "locked": 1, "dirty": 1, "pinned": 1, "generation": GENERATION_BITS}
)
"""What a command answers about its subtree: before STATUS's, after the others' effect."""


class CommandSignature(wiring.Signature):
    """``request``: stream of :func:`command`; ``done``: pulse with ``result``, ``status`` and ``page``, its base."""

    def __init__(self, config: MmtConfig):
        super().__init__(
            {
                "request": Out(stream.Signature(command(config))),
                "done": In(1),
                "result": In(Result),
                "status": In(Status),
                "page": In(config.page_bits),
            }
        )


def settings(config: MmtConfig) -> data.StructLayout:
    """
    ``active``    : enabled, keys loaded, self-tests passed, not stopped by fatal mode. 0: everything is NOT_READY.
    ``root_page`` : page number of the meta zone, counted from the start of memory; constant while active.
    """
    return data.StructLayout({"active": 1, "root_page": config.page_bits})


Events = data.StructLayout(
    {
        "leaf_hit": 1,
        "leaf_miss": 1,
        "mac_hit": 1,
        "mac_miss": 1,
        "node_read": 1,
        "node_write": 1,
        "mount": 1,
        "unmount": 1,
        "overflow": 1,
    }
)
"""One-cycle pulses for counters."""
