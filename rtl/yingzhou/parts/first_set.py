# SPDX-License-Identifier: Apache-2.0
"""Small selectors."""

from collections.abc import Sequence

from amaranth import *
from amaranth.hdl import ValueLike
from amaranth.utils import ceil_log2


class FirstSet:
    """The lowest bit that is set. Combinational.

    Attributes
    ----------
    any   : some bit is set.
    index : number of the lowest one. 0 when none is.
    """

    def __init__(self, m: Module, name: str, bits: Sequence[ValueLike]):
        self.any = Signal(name=f"{name}_any")
        self.index = Signal(max(1, ceil_log2(len(bits))), name=f"{name}_index")
        m.d.comb += self.any.eq(Cat(*bits).any())
        for number in reversed(range(len(bits))):
            with m.If(bits[number]):
                m.d.comb += self.index.eq(number)


class OneHot:
    """The number of the bit that is set, of at most one. Combinational. Attributes as :class:`FirstSet`'s."""

    def __init__(self, m: Module, name: str, bits: Sequence[ValueLike]):
        self.any = Signal(name=f"{name}_any")
        self.index = Signal(max(1, ceil_log2(len(bits))), name=f"{name}_index")
        index = Const(0, len(self.index))
        for number, bit in enumerate(bits):
            index = index | Mux(bit, number, 0)
        m.d.comb += [self.any.eq(Cat(*bits).any()), self.index.eq(index)]
