# SPDX-License-Identifier: Apache-2.0
"""Which of several sources goes next on a shared channel."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class FairPick(wiring.Component):
    """Chooses among sources in turn, without a cycle; a source once offered stays until it is taken.

    A source in the middle of a burst goes on as long as it has beats, and makes room for others when it pauses.

    Parameters
    ----------
    sources : int
        Number of sources, at least 2.

    Ports
    -----
    valid  : a bit a source: it has something. Must stay once it is chosen, until ``taken``.
    last   : a bit a source: what it has ends its burst.
    taken  : pulse: what the chosen source has was taken.
    chosen : the source; meaningless when no ``valid`` is 1.
    """

    def __init__(self, sources: int):
        self._sources = sources
        super().__init__({"valid": In(sources), "last": In(sources), "taken": In(1), "chosen": Out(range(sources))})

    def elaborate(self, platform):
        m = Module()
        held, inside, latest = Signal(), Signal(), Signal.like(self.chosen)
        with m.If(held | (inside & self.valid.bit_select(latest, 1))):
            m.d.comb += self.chosen.eq(latest)
        with m.Else():
            with m.Switch(latest):
                for n in range(self._sources):
                    with m.Case(n):
                        # The nearest after ``latest`` overrides the others.
                        for distance in range(self._sources, 0, -1):
                            after = (n + distance) % self._sources
                            with m.If(self.valid[after]):
                                m.d.comb += self.chosen.eq(after)
        with m.If(self.valid.any()):
            m.d.sync += [latest.eq(self.chosen), held.eq(~self.taken)]
            with m.If(self.taken):
                m.d.sync += inside.eq(~self.last.bit_select(self.chosen, 1))
        return m
