# SPDX-License-Identifier: Apache-2.0
"""When the memory engine needs its clock."""

from typing import Final

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

SETTLE: Final = 64
"""Cycles that the clock goes on after the last sign of work, for pipelines to run empty."""


class EngineClock(wiring.Component):
    """Says at which clock edges the memory engine must not be left out.

    A program that stays in the cache leaves the engine nothing to do, and it is the largest block of the machine: its
    clock can stop meanwhile. Whoever says something to the engine, or hears something from it, does so in a cycle whose
    edge it sees, so nothing is lost or taken twice, whenever the clock stops. Work inside would only be late; there is
    none while ``busy`` is 0, but for pipelines that run empty, for which ``SETTLE`` cycles are enough.

    Ports
    -----
    busy : level: an operation or a command is under way.
    said : level: some port of the engine has a valid or a strobe, in either direction.
    run  : the engine must see the edge at the end of this cycle. Combinational. 1 in reset. Idle: 0.
    """

    def __init__(self):
        super().__init__({"busy": In(1), "said": In(1), "run": Out(1)})

    def elaborate(self, platform):
        m = Module()
        left = Signal(range(SETTLE + 1), init=SETTLE)
        with m.If(self.busy | self.said):
            m.d.sync += left.eq(SETTLE)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        m.d.comb += self.run.eq(self.busy | self.said | (left != 0) | ResetSignal())
        return m
