# SPDX-License-Identifier: Apache-2.0
"""Lines as they come from DRAM: kept as ciphertext, hashed on the way, compared with their MACs."""

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import BEAT_BITS, BEATS, LINE_BITS

from .config import MAC_BITS, MmtConfig
from .hash import HashKeys, HashTest, HashUnit


class LineRead(wiring.Component):
    """Ciphertext and hashes of the slots' lines.

    A comparison takes its slot in one cycle and answers in the next; one asked for in the cycle of ``near`` answers
    with ``arrived``, so no cycle is lost after the hash.

    Ports
    -----
    beat, index, data, slot, error : from DRAM; ``error`` counts with index 3.
    keys, test   : of the hash unit.
    near         : pulse: the hash of ``near_slot`` arrives in the next cycle.
    arrived      : pulse: line and hash of ``arrived_slot`` are here; ``arrived_error``: DRAM failed.
    check_slot   : whose hash to compare in the next cycle; ``check_near``: it is that of ``near``.
    mask, mac    : in that next cycle: what the hash is masked with, and what must come out.
    matches      : it does.
    read_slot    : whose ciphertext to read; ``cipher`` has the 512 bits one cycle later.
    """

    def __init__(self, config: MmtConfig):
        self._config = config
        slot = config.slot_bits
        super().__init__(
            {
                "beat": In(1),
                "index": In(2),
                "data": In(BEAT_BITS),
                "slot": In(slot),
                "error": In(1),
                "keys": In(HashKeys),
                "test": In(HashTest()),
                "near": Out(1),
                "near_slot": Out(slot),
                "arrived": Out(1),
                "arrived_slot": Out(slot),
                "arrived_error": Out(1),
                "check_slot": In(slot),
                "check_near": In(1),
                "mask": In(MAC_BITS),
                "mac": In(MAC_BITS),
                "matches": Out(1),
                "read_slot": In(slot),
                "cipher": Out(LINE_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        slots = self._config.slots
        for number in range(BEATS):
            m.submodules[f"cipher{number}"] = bank = memory.Memory(shape=BEAT_BITS, depth=slots, init=[])
            write, read = bank.write_port(), bank.read_port()
            m.d.comb += [
                write.addr.eq(self.slot),
                write.data.eq(self.data),
                write.en.eq(self.beat & (self.index == number)),
                read.addr.eq(self.read_slot),
                self.cipher.word_select(number, BEAT_BITS).eq(read.data),
            ]

        m.submodules.hash = unit = HashUnit()
        wiring.connect(m, wiring.flipped(self.test), unit.test)
        m.d.comb += [
            unit.valid.eq(self.beat),
            unit.index.eq(self.index),
            unit.data.eq(self.data),
            unit.keys.eq(self.keys),
        ]
        # Who is in the hash unit, from its last beat on.
        shape = data.StructLayout({"valid": 1, "slot": self._config.slot_bits, "error": 1})
        stages = [Signal(shape, name=f"stage{number}") for number in range(HashUnit.LATENCY + 1)]
        m.d.comb += [
            stages[0].valid.eq(self.beat & (self.index == BEATS - 1)),
            stages[0].slot.eq(self.slot),
            stages[0].error.eq(self.error),
        ]
        for before, after in zip(stages[:-1], stages[1:], strict=True):
            m.d.sync += after.eq(before)
        m.d.comb += [
            self.near.eq(stages[-2].valid),
            self.near_slot.eq(stages[-2].slot),
            self.arrived.eq(stages[-1].valid),
            self.arrived_slot.eq(stages[-1].slot),
            self.arrived_error.eq(stages[-1].error),
        ]

        m.submodules.hashes = hashes = memory.Memory(shape=MAC_BITS, depth=slots, init=[])
        write, read = hashes.write_port(), hashes.read_port()
        near = Signal()
        m.d.sync += near.eq(self.check_near)
        m.d.comb += [
            write.addr.eq(self.arrived_slot),
            write.data.eq(unit.value),
            write.en.eq(self.arrived),
            read.addr.eq(self.check_slot),
            # countermeasure: MMT.LINE_MAC
            self.matches.eq(Mux(near, unit.value, read.data) ^ self.mask == self.mac),
        ]
        return m
