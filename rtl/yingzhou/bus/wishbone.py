# SPDX-License-Identifier: Apache-2.0
"""Wishbone B4 classic, 32-bit data, the protocol of the hart's three ports."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

DATA_WIDTH = 32
"""Width of ``dat_w`` and ``dat_r`` in bits."""


class Signature(wiring.Signature):
    """A Wishbone B4 classic master port (Wishbone B4, chapter 3.2); ``In(Signature(..))`` is the slave.

    Parameters
    ----------
    addr_width : int
        Width of ``adr`` in bits. ``adr`` counts 32-bit words.

    Ports
    -----
    cyc, stb : a transfer is requested while both are high; held until ``ack`` or ``err``. Idle: 0.
    we       : 1 for a write. Valid with ``stb``.
    adr      : word address. Valid with ``stb``.
    sel      : byte lanes of the access. Valid with ``stb``.
    dat_w    : write data. Valid with ``stb & we``.
    ack      : the transfer ends well this cycle. Idle: 0.
    err      : the transfer ends refused this cycle; ``dat_r`` is then 0. Idle: 0. Never together with ``ack``.
    dat_r    : read data. Valid with ``ack``.
    """

    def __init__(self, addr_width: int):
        self.addr_width = addr_width
        super().__init__(
            {
                "cyc": Out(1),
                "stb": Out(1),
                "we": Out(1),
                "adr": Out(addr_width),
                "sel": Out(DATA_WIDTH // 8),
                "dat_w": Out(DATA_WIDTH),
                "ack": In(1),
                "err": In(1),
                "dat_r": In(DATA_WIDTH),
            }
        )


def forward(master, slave) -> list:
    """Return the statements that hand a master's transfer to a slave and the slave's answer back, without a cycle.

    Both may be any object with the signals of :class:`Signature`, as seen by their owner; widths may differ.
    """
    requests = [getattr(slave, name).eq(getattr(master, name)) for name in ("cyc", "stb", "we", "adr", "sel", "dat_w")]
    answers = [getattr(master, name).eq(getattr(slave, name)) for name in ("ack", "err", "dat_r")]
    return requests + answers
