# SPDX-License-Identifier: Apache-2.0
"""Where the transactions of each AXI identifier are under way."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class IdTargets(wiring.Component):
    """Lets an identifier's transactions go to one target at a time, so that its answers keep their order.

    A transaction for another target waits until the earlier ones are answered (Arm IHI 0022H, A5.3).

    Parameters
    ----------
    id_width : int
        Width of identifiers in bits.
    targets : int
        Number of targets.
    idents : int
        Identifiers under way at once.
    depth : int
        Transactions of one identifier under way at once, a power of two.

    Ports
    -----
    ident, target : the next transaction.
    may           : it can go now. Stays 1 until ``begin`` for the same ``ident`` and ``target``.
    begin         : pulse, with ``may``: it goes.
    end, end_id   : pulse: the oldest transaction of this identifier is answered.
    """

    def __init__(self, *, id_width: int, targets: int, idents: int, depth: int):
        self._idents, self._depth = idents, depth
        super().__init__(
            {
                "ident": In(id_width),
                "target": In(range(targets)),
                "may": Out(1),
                "begin": In(1),
                "end": In(1),
                "end_id": In(id_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        same, same_target, full, free = (Signal(self._idents) for _ in range(4))
        lowest_free = free & (~free + 1)[: self._idents]
        m.d.comb += self.may.eq(Mux(same.any(), (same & same_target & ~full).any(), free.any()))
        for n in range(self._idents):
            ident, target = Signal.like(self.ident, name=f"ident_{n}"), Signal.like(self.target, name=f"target_{n}")
            count = Signal(range(self._depth + 1), name=f"count_{n}")
            begins = self.begin & Mux(same.any(), same[n], lowest_free[n])
            ends = self.end & (count != 0) & (ident == self.end_id)
            m.d.comb += [
                free[n].eq(count == 0),
                same[n].eq((count != 0) & (ident == self.ident)),
                same_target[n].eq(target == self.target),
                full[n].eq(count == self._depth),
            ]
            m.d.sync += count.eq(count + begins - ends)
            with m.If(begins):
                m.d.sync += [ident.eq(self.ident), target.eq(self.target)]
        return m
