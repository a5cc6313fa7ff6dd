# SPDX-License-Identifier: Apache-2.0
"""Reads of one AXI identifier are answered in order."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class ReadOrder(wiring.Component):
    """Knows for each slot which read must be answered before.

    Parameters
    ----------
    slots : int
        Reads under way at once, at least 2.
    id_width : int
        Width of AXI identifiers in bits.

    Ports
    -----
    accepted, accepted_slot, accepted_id : pulse: a read begins.
    answered, answered_slot              : pulse: a read is answered; also in the same cycle as another begins.
    blocked : for each slot: an older read of its identifier is not answered.
    """

    def __init__(self, slots: int, id_width: int):
        self._slots, self._id_width = slots, id_width
        super().__init__(
            {
                "accepted": In(1),
                "accepted_slot": In(range(slots)),
                "accepted_id": In(id_width),
                "answered": In(1),
                "answered_slot": In(range(slots)),
                "blocked": Out(slots),
            }
        )

    def elaborate(self, platform):
        m = Module()
        slots = range(self._slots)
        newest = Signal(self._slots)
        """Not answered, and no younger read of its identifier."""
        ids = [Signal(self._id_width, name=f"id{slot}") for slot in slots]
        before = [Signal(slots, name=f"before{slot}") for slot in slots]
        going = Signal(self._slots)
        older = Signal(self._slots)
        older_slot = Signal(slots)
        m.d.comb += going.eq(self.answered << self.answered_slot)
        for slot in slots:
            m.d.comb += older[slot].eq(newest[slot] & ~going[slot] & (ids[slot] == self.accepted_id))
            with m.If(older[slot]):
                m.d.comb += older_slot.eq(slot)
        for slot in slots:
            with m.If(going[slot]):
                m.d.sync += newest[slot].eq(0)
            with m.If(self.answered & (before[slot] == self.answered_slot)):
                m.d.sync += self.blocked[slot].eq(0)
            with m.If(self.accepted):
                with m.If(older[slot]):
                    m.d.sync += newest[slot].eq(0)
                with m.If(self.accepted_slot == slot):
                    m.d.sync += [
                        newest[slot].eq(1),
                        ids[slot].eq(self.accepted_id),
                        before[slot].eq(older_slot),
                        self.blocked[slot].eq(older.any()),
                    ]
        return m
