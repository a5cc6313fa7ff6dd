# SPDX-License-Identifier: Apache-2.0
"""The node that is worked on, and the hash unit."""

from amaranth import *

from yingzhou.geometry import LINE_BITS

from .config import MmtConfig
from .hash import HashUnit
from .node import Counters
from .node_cache import NodeCache
from .place import LEVEL_BITS, Places


class NodePort:
    """The node register with the logic on it, and what hash, AES and memory serve.

    One node is in ``node`` at a time; whoever of the slow path is at work loads it from the cache or fetches it.

    Attributes
    ----------
    node     : 512 bits.
    counters : :class:`Counters` of child ``child`` of ``node``, taken as a node of ``level`` (both drive; idle 0).
    load     : drive 1 in the cycle after ``cache.read_go``: ``node`` becomes what was read.
    hash     : the hash unit, shared by ``Chain`` and ``Seal``, which never run at the same time.
    """

    def __init__(self, m: Module, config: MmtConfig, cache: NodeCache, hash_keys: Value):
        self.node = Signal(LINE_BITS, name="node")
        self.level, self.child = (
            Signal(LEVEL_BITS, name="node_level"),
            Signal(Places(config).child_bits, name="node_child"),
        )
        self.counters = Counters(m, config, "node", self.node, self.level, self.child)
        self.load = Signal(name="node_load")
        with m.If(self.load):
            m.d.sync += self.node.eq(cache.data)
        m.submodules.hash = self.hash = HashUnit()
        m.d.comb += [self.hash.keys.eq(hash_keys), self.hash.node.eq(1)]

    def select(self, m: Module, level: Value | int, child: Value | int) -> None:
        """Add to a state: ``counters`` are those of this child."""
        m.d.comb += [self.level.eq(level), self.child.eq(child)]
