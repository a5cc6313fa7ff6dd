# SPDX-License-Identifier: Apache-2.0
"""Which level of the page table a read on the walker's port is of: the port itself does not say."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import GptConfig


class WalkLevel(wiring.Component):
    """Follows the walks on a walker's port.

    ``walk_start`` puts the level to the root; each pointer that the walker got takes it down by one. Anything else that
    ends a transfer (a leaf, an invalid PTE, an error, a transfer given up) ends the walk: the level is then
    ``no_level`` until the next ``walk_start``, and a checker that finds ``no_level`` refuses. So does a transfer that
    is still under way at ``walk_start``: it belongs to an older walk.

    Ports
    -----
    walk_start : pulse, at least one cycle before the first read of a walk. Idle: 0.
    request    : a transfer is requested, held until it ends. Idle: 0.
    ended      : the transfer ends in this cycle. Idle: 0.
    pointer    : the transfer gave the walker a pointer to the next table. Valid with ``ended``.
    level      : level of the read that is requested, or ``no_level``.
    pending    : the transfer was already requested, and not ended, in the cycle before.
    """

    def __init__(self, config: GptConfig):
        self.config = config
        self.walk = Signal(config.level_bits, init=config.no_level)  # level of the walk that began last
        self.orphan = Signal()  # the transfer under way is older than that walk
        super().__init__(
            {
                "walk_start": In(1),
                "request": In(1),
                "ended": In(1),
                "pointer": In(1),
                "level": Out(config.level_bits),
                "pending": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        no_level = self.config.no_level
        walk, orphan = self.walk, self.orphan

        m.d.comb += self.level.eq(Mux(orphan, no_level, walk))
        m.d.sync += self.pending.eq(self.request & ~self.ended)
        dropped = self.pending & ~self.request
        with m.If(self.ended | dropped):
            m.d.sync += orphan.eq(0)
            with m.If(~orphan):
                # A pointer in a table of level 0 leads nowhere; the walker faults.
                descends = self.ended & self.pointer & (walk != 0) & (walk != no_level)
                m.d.sync += walk.eq(Mux(descends, walk - 1, no_level))
        with m.If(self.walk_start):
            m.d.sync += [walk.eq(self.config.levels - 1), orphan.eq(self.request & ~self.ended)]
        return m
