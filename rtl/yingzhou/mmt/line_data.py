# SPDX-License-Identifier: Apache-2.0
"""What is written, until it is; and plaintext, for one cycle at a time."""

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import LINE_BITS, LINE_BYTES

from .config import MmtConfig


class LineData(wiring.Component):
    """Data to be written, with its strobes, and its combinations with pads and ciphertext.

    Ports
    -----
    take, take_slot, data, strobe : pulse: keep what an operation writes. Not in a cycle with ``merge``.
    slot      : whose data to combine in the next cycle.
    cipher, pads : in that next cycle: ciphertext and pads of the same slot.
    zero      : in that next cycle: the slot's line shows as zeros, whatever these say.
    plain     : the line.
    sealed    : what is written, encrypted.
    merge     : in that next cycle: bytes without strobe are the line's from now on.
    """

    def __init__(self, config: MmtConfig):
        self._config = config
        super().__init__(
            {
                "take": In(1),
                "take_slot": In(config.slot_bits),
                "data": In(LINE_BITS),
                "strobe": In(LINE_BYTES),
                "slot": In(config.slot_bits),
                "cipher": In(LINE_BITS),
                "pads": In(LINE_BITS),
                "zero": In(1),
                "plain": Out(LINE_BITS),
                "sealed": Out(LINE_BITS),
                "merge": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        shape = data.StructLayout({"data": LINE_BITS, "strobe": LINE_BYTES})
        m.submodules.kept = kept = memory.Memory(shape=shape, depth=self._config.slots, init=[])
        write, read = kept.write_port(), kept.read_port()
        slot = Signal.like(self.slot)
        m.d.sync += slot.eq(self.slot)
        joined = [
            Mux(read.data.strobe[byte], read.data.data.word_select(byte, 8), self.plain.word_select(byte, 8))
            for byte in range(LINE_BYTES)
        ]
        m.d.comb += [
            read.addr.eq(self.slot),
            self.plain.eq(Mux(self.zero, 0, self.cipher ^ self.pads)),
            self.sealed.eq(read.data.data ^ self.pads),
            write.en.eq(self.take | self.merge),
            write.addr.eq(Mux(self.merge, slot, self.take_slot)),
            write.data.data.eq(Mux(self.merge, Cat(*joined), self.data)),
            write.data.strobe.eq(self.strobe),
        ]
        return m
