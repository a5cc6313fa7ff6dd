# SPDX-License-Identifier: Apache-2.0
"""One set against one line: is it there, and who would have to go (docs/llc.md, rules 9 to 11 and 14)."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import LlcConfig
from .replacement import DRAW_BITS, circular_victim, lowest, touched, tree_victim
from .tags import tag_entry


class Lookup(wiring.Component):
    """Combinational.

    Ports
    -----
    entries  : of the set.
    line     : the line that is looked for.
    by_way   : 1: ``hit`` says whether ``given`` holds a valid line, whichever.
    given    : way of ``by_way``.
    reserved : a bit a way: a line is on its way there, or an operation holds the one there.
    allowed  : only with ``way_masks``: a bit a way: a new line may be put there.
    tree     : replacement state of the set. ``draw``: of the LFSR.
    hit, way : the line is there, and where; without a hit, the way of ``victim``. With ``by_way``: ``given``.
    entry    : entry of ``way``.
    held_line: line number of ``entry``.
    locked   : number of locked ways of the set.
    victim   : there is a way for a new line: the lowest that is invalid, else the one to be replaced.
    tree_touched : replacement state after ``way`` was used.
    """

    def __init__(self, config: LlcConfig):
        self._config = config
        super().__init__(
            {
                "entries": In(data.ArrayLayout(tag_entry(config), config.ways)),
                "line": In(config.line_bits),
                "by_way": In(1),
                "given": In(config.way_bits),
                "reserved": In(config.ways),
                **({"allowed": In(config.ways)} if config.way_masks else {}),
                "tree": In(config.ways - 1),
                "draw": In(DRAW_BITS),
                "hit": Out(1),
                "way": Out(config.way_bits),
                "entry": Out(tag_entry(config)),
                "held_line": Out(config.line_bits),
                "locked": Out(range(config.ways + 1)),
                "victim": Out(1),
                "tree_touched": Out(config.ways - 1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, ways = self._config, range(self._config.ways)
        entries = [self.entries[n] for n in ways]
        tag = self.line[config.set_bits :]
        matches, empty, candidates = (Signal(config.ways, name=name) for name in ("matches", "empty", "candidates"))
        place = Signal(config.way_bits)
        barred = self.reserved | ~self.allowed if config.way_masks else self.reserved
        m.d.comb += [
            matches.eq(Cat(entry.valid & (entry.tag == tag) for entry in entries)),
            empty.eq(~Cat(entry.valid for entry in entries) & ~barred),
            # countermeasure: LLC.LOCK_PINNED
            candidates.eq(Cat(entry.valid & ~entry.locked for entry in entries) & ~barred),
            self.victim.eq(empty.any() | candidates.any()),
            self.locked.eq(sum(entry.locked for entry in entries)),
        ]
        if config.replacement == "plru":
            m.d.comb += place.eq(tree_victim(self.tree, candidates))
        else:
            m.d.comb += place.eq(circular_victim(self.draw, candidates))
        with m.If(empty.any()):
            m.d.comb += place.eq(lowest(empty))
        m.d.comb += [
            self.hit.eq(Mux(self.by_way, self.entry.valid, matches.any())),
            self.way.eq(Mux(self.by_way, self.given, Mux(matches.any(), lowest(matches), place))),
            self.entry.eq(self.entries[self.way]),
            self.held_line.eq(Cat(self.line[: config.set_bits], self.entry.tag)),
            self.tree_touched.eq(touched(self.tree, self.way)),
        ]
        return m
