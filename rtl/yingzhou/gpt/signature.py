# SPDX-License-Identifier: Apache-2.0
"""Ports that every checker on the page-table walker's port has."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.bus import register_bus, wishbone

ADDR_WIDTH = 12
"""Width of a checker's register addresses in bits: one page, whatever the number of areas."""

WORD_ADDR_WIDTH = 32
"""Width of the Wishbone word addresses: 34-bit byte addresses of Sv32 (Privileged ISA 12.3)."""


class WalkCheckerSignature(wiring.Signature):
    """Ports that every walk checker has; a checker is a component with this signature.

    Ports
    -----
    hart       : Wishbone slave of the walker's master. A refusal is ``err`` with ``dat_r`` 0.
    mem        : Wishbone master towards memory. Never writes.
    walk_start : pulse before the first read of a walk, at least one cycle ahead of its ``stb``. Idle: 0.
    regs       : register bus of the checker, ``ADDR_WIDTH`` bits of byte address.
    world      : 0 host, 1 enclave; 0 where a checker has no worlds.
    fault      : level, a fault is recorded and not yet cleared. Idle: 0.
    """

    def __init__(self):
        super().__init__(
            {
                "hart": In(wishbone.Signature(WORD_ADDR_WIDTH)),
                "mem": Out(wishbone.Signature(WORD_ADDR_WIDTH)),
                "walk_start": In(1),
                "regs": In(register_bus.Signature(ADDR_WIDTH)),
                "world": Out(1),
                "fault": Out(1),
            }
        )
