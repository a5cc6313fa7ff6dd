# SPDX-License-Identifier: Apache-2.0
"""Ciphertext on its way out: to DRAM, and through the hash to its MAC."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import BEAT_BITS, BEATS, LINE_BITS

from .config import MAC_BITS, MmtConfig
from .hash import HashKeys, HashTest, HashUnit
from .line_memory import write_request, written_line


class LineWrite(wiring.Component):
    """One line every four cycles, when DRAM takes them.

    Ports
    -----
    ready     : a line may be loaded in the next cycle.
    load      : pulse: ``cipher`` is the line of ``about``.
    write     : stream of lines to DRAM.
    keys, test : of the hash unit.
    mask_slot : whose mask is wanted in the next cycle, on ``mask``.
    mac       : stream of MACs, each with its ``slot``; taken before the next one comes.
    """

    def __init__(self, config: MmtConfig):
        self._config = config
        super().__init__(
            {
                "ready": Out(1),
                "load": In(1),
                "about": In(written_line(config)),
                "cipher": In(LINE_BITS),
                "write": Out(stream.Signature(write_request(config))),
                "keys": In(HashKeys),
                "test": In(HashTest()),
                "mask_slot": Out(config.slot_bits),
                "mask": In(MAC_BITS),
                "mac": Out(stream.Signature(data.StructLayout({"slot": config.slot_bits, "mac": MAC_BITS}))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        unsent, hashing = Signal(), Signal()
        beat = Signal(range(BEATS))
        sent = ~unsent | self.write.ready
        m.d.comb += [
            self.write.valid.eq(unsent),
            # From here on a line is loaded in the next cycle, while this one's last beat is hashed.
            self.ready.eq(~self.load & sent & (~hashing | (beat >= BEATS - 2))),
        ]
        with m.If(self.write.ready):
            m.d.sync += unsent.eq(0)
        with m.If(hashing):
            m.d.sync += beat.eq(beat + 1)
            with m.If(beat == BEATS - 1):
                m.d.sync += hashing.eq(0)
        with m.If(self.load):
            m.d.sync += [
                unsent.eq(1),
                hashing.eq(1),
                self.write.p.about.eq(self.about),
                self.write.p.data.eq(self.cipher),
            ]

        m.submodules.hash = unit = HashUnit()
        wiring.connect(m, wiring.flipped(self.test), unit.test)
        m.d.comb += [
            unit.valid.eq(hashing),
            unit.index.eq(beat),
            unit.data.eq(self.write.p.data.word_select(beat, BEAT_BITS)),
            unit.keys.eq(self.keys),
        ]
        shape = data.StructLayout({"valid": 1, "slot": self._config.slot_bits})
        stages = [Signal(shape, name=f"stage{number}") for number in range(HashUnit.LATENCY + 1)]
        m.d.comb += [
            stages[0].valid.eq(hashing & (beat == BEATS - 1)),
            stages[0].slot.eq(self.write.p.about.slot),
            self.mask_slot.eq(stages[-2].slot),
        ]
        for before, after in zip(stages[:-1], stages[1:], strict=True):
            m.d.sync += after.eq(before)
        with m.If(self.mac.ready):
            m.d.sync += self.mac.valid.eq(0)
        with m.If(stages[-1].valid):
            m.d.sync += [
                self.mac.valid.eq(1),
                self.mac.p.slot.eq(stages[-1].slot),
                self.mac.p.mac.eq(unit.value ^ self.mask),
            ]
        return m
