# SPDX-License-Identifier: Apache-2.0
"""AXI4 and AXI4-Lite port signatures (Arm IHI 0022H). Names are the specification's, lower case."""

from typing import Final

from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

CHANNELS: Final = ("aw", "w", "b", "ar", "r")
"""What the names of a channel's signals begin with."""


class Resp(enum.Enum, shape=2):
    """Response codes (A3.4.4)."""

    OKAY = 0
    EXOKAY = 1
    SLVERR = 2
    DECERR = 3


class Burst(enum.Enum, shape=2):
    """Burst types (A3.4.1)."""

    FIXED = 0
    INCR = 1
    WRAP = 2


class Signature(wiring.Signature):
    """An AXI4 master port; ``In(Signature(..))`` is the slave.

    Parameters
    ----------
    addr_width : int
        Width of ``awaddr`` and ``araddr`` in bits.
    data_width : int
        Width of ``wdata`` and ``rdata`` in bits.
    id_width : int
        Width of the transaction identifiers in bits, at least 1.
    """

    def __init__(self, addr_width: int, data_width: int, id_width: int = 1):
        self.addr_width, self.data_width, self.id_width = addr_width, data_width, id_width
        super().__init__(
            {
                "awvalid": Out(1),
                "awready": In(1),
                "awid": Out(id_width),
                "awaddr": Out(addr_width),
                "awlen": Out(8),
                "awsize": Out(3),
                "awburst": Out(2),
                "wvalid": Out(1),
                "wready": In(1),
                "wdata": Out(data_width),
                "wstrb": Out(data_width // 8),
                "wlast": Out(1),
                "bvalid": In(1),
                "bready": Out(1),
                "bid": In(id_width),
                "bresp": In(2),
                "arvalid": Out(1),
                "arready": In(1),
                "arid": Out(id_width),
                "araddr": Out(addr_width),
                "arlen": Out(8),
                "arsize": Out(3),
                "arburst": Out(2),
                "rvalid": In(1),
                "rready": Out(1),
                "rid": In(id_width),
                "rdata": In(data_width),
                "rresp": In(2),
                "rlast": In(1),
            }
        )


class LiteSignature(wiring.Signature):
    """An AXI4-Lite master port (chapter B1), 32-bit data; ``In(LiteSignature(..))`` is the slave."""

    def __init__(self, addr_width: int):
        self.addr_width = addr_width
        super().__init__(
            {
                "awvalid": Out(1),
                "awready": In(1),
                "awaddr": Out(addr_width),
                "awprot": Out(3),
                "wvalid": Out(1),
                "wready": In(1),
                "wdata": Out(32),
                "wstrb": Out(4),
                "bvalid": In(1),
                "bready": Out(1),
                "bresp": In(2),
                "arvalid": Out(1),
                "arready": In(1),
                "araddr": Out(addr_width),
                "arprot": Out(3),
                "rvalid": In(1),
                "rready": Out(1),
                "rdata": In(32),
                "rresp": In(2),
            }
        )
