# SPDX-License-Identifier: Apache-2.0
"""Pads and MAC masks of the lines under way: asked from AES, kept until used (docs/mmt-format.md, section 4)."""

from typing import Final

from amaranth import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from yingzhou.geometry import BEAT_BITS, BEATS, LINE_BITS
from yingzhou.parts.queue import Queue

from .config import LINE_BITS_MAX, MAC_BITS, MmtConfig
from .signature import AesClient, AesDomain, AesKey, Counter

AES_TAG_BITS: Final = 8
"""Slot (up to 5 bits) and number of the block: 0 to 3 pads, 4 mask."""
_MASK: Final = BEATS


def pad_request(config: MmtConfig) -> data.StructLayout:
    """``line`` is the line number in the seeds; ``root``: it counts lines of the root table."""
    return data.StructLayout({"slot": config.slot_bits, "root": 1, "line": config.line_bits, "counter": Counter})


class Pads(wiring.Component):
    """For each request four pads and a mask, a block a cycle when AES keeps up.

    Ports
    -----
    request      : stream of :func:`pad_request`. Always ready for one request of each slot.
    aes          : AES bank.
    done         : pulse: pads and mask of ``done_slot`` can be read from the next cycle on.
    slot         : whose pads to read; ``pads`` has the 512 bits one cycle later.
    mask_slot    : whose masks to read, for two users; ``masks`` has them one cycle later.
    """

    def __init__(self, config: MmtConfig):
        self._config = config
        slot = config.slot_bits
        super().__init__(
            {
                "request": In(stream.Signature(pad_request(config))),
                "aes": Out(AesClient(AES_TAG_BITS)),
                "done": Out(1),
                "done_slot": Out(slot),
                "slot": In(slot),
                "pads": Out(LINE_BITS),
                "mask_slot": In(data.ArrayLayout(slot, 2)),
                "masks": Out(data.ArrayLayout(MAC_BITS, 2)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        slots = self._config.slots
        m.submodules.queue = queue = Queue(pad_request(self._config), slots)
        connect(m, flipped(self.request), queue.i)
        request = self.aes.request
        now = Signal(pad_request(self._config))
        block = Signal(range(BEATS + 1))
        mask = block == _MASK
        seed_line = Signal(LINE_BITS_MAX)
        m.d.comb += [
            # The first block of a request that comes to an empty queue is asked for while it enters.
            now.eq(Mux(queue.o.valid, queue.o.p, self.request.p)),
            seed_line.eq(now.line),
            request.valid.eq(queue.o.valid | self.request.valid),
            request.p.key.eq(Mux(mask, AesKey.MAC, AesKey.PAD)),
            request.p.block.eq(
                Cat(
                    now.counter,
                    seed_line,
                    now.root,
                    block[:2],
                    Mux(mask, AesDomain.DATA_MAC, AesDomain.DATA),
                )
            ),
            request.p.tag.eq(Cat(block, now.slot)),
            queue.o.ready.eq(request.ready & mask),
        ]
        with m.If(request.valid & request.ready):
            m.d.sync += block.eq(Mux(mask, 0, block + 1))

        answered, slot = self.aes.tag[:3], self.aes.tag[3 : 3 + self._config.slot_bits]
        m.d.comb += [self.done.eq(self.aes.done & (answered == _MASK)), self.done_slot.eq(slot)]
        for number in range(BEATS):
            m.submodules[f"pad{number}"] = bank = memory.Memory(shape=BEAT_BITS, depth=slots, init=[])
            write, read = bank.write_port(), bank.read_port()
            m.d.comb += [
                write.addr.eq(slot),
                write.data.eq(self.aes.result),
                write.en.eq(self.aes.done & (answered == number)),
                read.addr.eq(self.slot),
                self.pads.word_select(number, BEAT_BITS).eq(read.data),
            ]
        m.submodules.masks = masks = memory.Memory(shape=MAC_BITS, depth=slots, init=[])
        write = masks.write_port()
        m.d.comb += [write.addr.eq(slot), write.data.eq(self.aes.result[:MAC_BITS]), write.en.eq(self.done)]
        for user in range(2):
            read = masks.read_port()
            m.d.comb += [read.addr.eq(self.mask_slot[user]), self.masks[user].eq(read.data)]
        return m
