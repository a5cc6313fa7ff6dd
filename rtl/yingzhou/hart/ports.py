# SPDX-License-Identifier: Apache-2.0
"""The hart's ports, written once for the hart itself and for the black box that stands for it."""

from amaranth.lib.wiring import In, Out

from yingzhou.bus import wishbone

ADDR_WIDTH = 32
"""Width of the ports' word addresses: Sv32 gives 34-bit physical byte addresses (Privileged ISA 12.3)."""

MODULE = "yz_hart"
"""Verilog module name. The hart is emitted on its own, once per hart configuration."""


def members() -> dict:
    """Return the members of the hart's signature; :class:`yingzhou.hart.hart.Hart` says what they mean."""
    port = Out(wishbone.Signature(ADDR_WIDTH))
    return {
        "instr": port,
        "data": port,
        "walk": port,
        "walk_start": Out(1),
        "walk_done": Out(1),
        "software_interrupt": In(1),
        "timer_interrupt": In(1),
        "external_interrupt": In(1),
        "mtime": In(64),
        "retired": Out(64),
    }
