# SPDX-License-Identifier: Apache-2.0
"""Counters of all lines: mount table, node cache, and the sequential slow path behind them."""

from typing import Final

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from yingzhou.line.signature import MemoryClient

from .ahead import Ahead
from .chain import Chain
from .commands import Commands
from .config import MmtConfig
from .evict import Evict
from .hash import HashKeys, HashTest
from .lookup import Lookup
from .mount_table import MountTable
from .node_cache import NodeCache
from .node_port import NodePort
from .place import Places
from .recrypt import Jobs, Recrypt
from .report import Report
from .root_entry import RootEntry
from .seal import Seal
from .signature import (
    INTEGRITY_KINDS,
    AesClient,
    CommandSignature,
    Events,
    FailureSignature,
    JobSignature,
    LookupSignature,
    ServiceSignature,
    settings,
)
from .sweep import Sweep
from .tree_parts import TreeParts
from .unmount import Unmount
from .walk import Walk

AES_TAG_BITS: Final = 1
"""The tag says who asked, :class:`Chain` (0) or :class:`Seal` (1). Nobody needs it: answers come in order."""


class Tree(wiring.Component):
    """Answers lookups (:mod:`lookup`), and beside them runs one thing at a time of the slow path::

        Commands -- RootEntry -- Walk -- Evict -- Chain, Seal -- NodePort, NodeCache, Ahead
            |  `--- Unmount -- Sweep ---'    |
            `------ Recrypt -----------------'

    Each of these is a small state machine with ``start`` and ``done``; who starts one waits for it, so that only the
    innermost is at work. They share one module, whose signals they drive in their own states only.

    Parameters
    ----------
    config : MmtConfig
        Geometry, mount table, node cache.

    Ports
    -----
    lookup, service, jobs : Lines.
    line_failure : failures of Lines: an integrity failure locks its tree in this cycle.
    failure      : own failures, all of them integrity failures; the tree is locked in the cycle after.
    commands     : registers.
    settings     : see :func:`yingzhou.mmt.signature.settings`.
    hash_keys    : k_0 to k_7, constant while active.
    hash_test    : the hash unit's place in the self-test.
    aes, memory  : clients of the AES bank and of the memory port.
    events       : one-cycle pulses for counters.
    """

    def __init__(self, config: MmtConfig):
        self.config = config
        super().__init__(
            {
                "lookup": In(LookupSignature(config)),
                "service": In(ServiceSignature(config)),
                "jobs": Out(JobSignature(config)),
                "line_failure": In(FailureSignature(config)),
                "failure": Out(FailureSignature(config)),
                "commands": In(CommandSignature(config)),
                "settings": In(settings(config)),
                "hash_keys": In(HashKeys),
                "hash_test": In(HashTest()),
                "aes": Out(AesClient(AES_TAG_BITS)),
                "memory": Out(MemoryClient(config)),
                "events": Out(Events),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        places = Places(config)
        self.table = table = MountTable(m, config, self.settings)
        report = Report(m, config, table, self.failure)
        self.cache = cache = NodeCache(m, config, places)
        port = NodePort(m, config, cache, self.hash_keys)
        connect(m, flipped(self.hash_test), port.hash.test)
        ahead = Ahead(m, config, self.memory)
        parts = TreeParts(m, config, places, table, cache, port, report)
        chain = Chain(parts, ahead.chain, self.aes)
        seal = Seal(parts, self.memory, self.aes)
        lookup = Lookup(m, config, places, table, cache, self.lookup)
        evict = Evict(parts, chain, seal)
        walk = Walk(parts, chain, evict)
        jobs = Jobs(m, config, places, table, self.jobs)
        recrypt = Recrypt(parts, jobs)
        entry = RootEntry(parts, walk, jobs, recrypt)
        sweep = Sweep(m, config, cache, evict, seal, jobs)
        unmount = Unmount(m, config, table, sweep, entry, jobs)
        commands = Commands(parts, lookup, evict, walk, recrypt, entry, sweep, unmount, self.service, self.commands)
        line_failed = Signal()
        m.d.comb += [
            lookup.stall.eq(chain.arriving),
            ahead.want.eq(lookup.leaf_missed),
            ahead.line.eq(lookup.leaf_line),
            ahead.served.eq(self.service.done),
            ahead.quiet.eq(commands.quiet),
            line_failed.eq(
                self.line_failure.valid & Cat(self.line_failure.failure.kind == kind for kind in INTEGRITY_KINDS).any()
            ),
            self.events.leaf_hit.eq(lookup.hit),
            self.events.leaf_miss.eq(lookup.miss),
            self.events.node_read.eq(self.memory.read.valid & self.memory.read.ready),
            self.events.node_write.eq(self.memory.write.valid & self.memory.write.ready),
            self.events.mount.eq(commands.mounted),
            self.events.unmount.eq(commands.unmounted),
            self.events.overflow.eq(evict.overflowed | recrypt.start),
        ]
        table.locks.append((line_failed, self.line_failure.failure.tree))
        table.finish()
        return m
