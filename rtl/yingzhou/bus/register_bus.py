# SPDX-License-Identifier: Apache-2.0
"""The one-cycle bus that every register block understands; AXI4-Lite and Wishbone reach it through an adapter."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Signature(wiring.Signature):
    """Initiator side of the register bus; ``In(Signature(..))`` is the register block.

    Every access takes the one cycle in which its strobe is high; there is no wait state.

    Parameters
    ----------
    addr_width : int
        Width of ``addr`` in bits. ``addr`` counts bytes and is a multiple of 4.

    Ports
    -----
    addr   : byte address inside the block. Valid with a strobe.
    r_stb  : read this cycle. Idle: 0. Never together with ``w_stb``.
    w_stb  : write this cycle, taken at the clock edge. Idle: 0.
    w_data : data to write. Valid with ``w_stb``.
    w_mask : byte lanes to write. Valid with ``w_stb``.
    r_data : combinational read data. 0 unless ``r_stb`` hits a readable register.
    err    : combinational. 1 when a strobe hits no register, or when a write is refused by a lock. Idle: 0.
    """

    def __init__(self, addr_width: int):
        self.addr_width = addr_width
        super().__init__(
            {
                "addr": Out(addr_width),
                "r_stb": Out(1),
                "w_stb": Out(1),
                "w_data": Out(32),
                "w_mask": Out(4),
                "r_data": In(32),
                "err": In(1),
            }
        )
