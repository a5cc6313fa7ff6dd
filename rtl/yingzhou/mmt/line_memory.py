# SPDX-License-Identifier: Apache-2.0
"""Data lines and MAC lines share one client of the memory port; what comes back is told apart by order."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import BEAT_BITS, BEATS, LINE_BITS
from yingzhou.line.signature import MemoryClient
from yingzhou.parts.queue import Queue

from .config import MmtConfig


def read_request(config: MmtConfig, owner_bits: int) -> data.StructLayout:
    """``owner``: the slot, or the entry of the MAC cache, that the line is for."""
    return data.StructLayout({"owner": owner_bits, "line": config.line_bits})


def written_line(config: MmtConfig) -> data.StructLayout:
    """A line on its way to DRAM. ``slot`` is unused for a MAC line."""
    return data.StructLayout({"slot": config.slot_bits, "tree": config.tree_bits, "root": 1, "line": config.line_bits})


def write_request(config: MmtConfig) -> data.StructLayout:
    return data.StructLayout({"about": written_line(config), "data": LINE_BITS})


class LineMemory(wiring.Component):
    """Joins two users. MAC lines go first; what was offered stays until it is taken.

    Parameters
    ----------
    config : MmtConfig
    entry_bits : int
        Width of an entry of the MAC cache.

    Ports
    -----
    memory     : the memory port.
    data_read, mac_read   : streams of :func:`read_request`.
    data_beat, mac_beat   : pulse: a beat for ``slot`` or ``entry``; ``index``, ``beat``; with index 3 ``error``: a beat
                            of the line was not OKAY.
    data_write, mac_write : streams of :func:`write_request`.
    data_written, mac_written : pulse: the write of ``written`` is done; ``write_error``: it failed.
    """

    def __init__(self, config: MmtConfig, entry_bits: int):
        self._config, self._entry_bits = config, entry_bits
        super().__init__(
            {
                "memory": Out(MemoryClient(config)),
                "data_read": In(stream.Signature(read_request(config, config.slot_bits))),
                "mac_read": In(stream.Signature(read_request(config, entry_bits))),
                "data_beat": Out(1),
                "mac_beat": Out(1),
                "slot": Out(config.slot_bits),
                "entry": Out(entry_bits),
                "index": Out(2),
                "beat": Out(BEAT_BITS),
                "error": Out(1),
                "data_write": In(stream.Signature(write_request(config))),
                "mac_write": In(stream.Signature(write_request(config))),
                "data_written": Out(1),
                "mac_written": Out(1),
                "written": Out(written_line(config)),
                "write_error": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._reads(m)
        self._writes(m)
        return m

    def _join(self, m: Module, first, second, joined, room) -> Value:
        """Offer ``first`` or else ``second`` as ``joined`` while there is ``room``. Return whether it is ``first``."""
        held, held_first, use_first = Signal(), Signal(), Signal()
        m.d.comb += [
            use_first.eq(Mux(held, held_first, first.valid)),
            joined.valid.eq((first.valid | second.valid) & room),
            first.ready.eq(joined.ready & room & use_first),
            second.ready.eq(joined.ready & room & ~use_first),
        ]
        m.d.sync += [held.eq(joined.valid & ~joined.ready), held_first.eq(use_first)]
        return use_first

    def _reads(self, m: Module) -> None:
        owner_bits = max(self._entry_bits, self._config.slot_bits)
        order_shape = data.StructLayout({"mac": 1, "owner": owner_bits})
        # Every slot can have its line and a line of MACs on the way.
        m.submodules.reads = order = Queue(order_shape, 2 * self._config.slots)
        memory, first, second = self.memory, self.mac_read, self.data_read
        mac = self._join(m, first, second, memory.read, order.i.ready)
        failed = Signal()
        last = memory.beat_index == BEATS - 1
        m.d.comb += [
            memory.read.payload.eq(Mux(mac, first.p.line, second.p.line)),
            order.i.valid.eq(memory.read.valid & memory.read.ready),
            order.i.p.mac.eq(mac),
            order.i.p.owner.eq(Mux(mac, first.p.owner, second.p.owner)),
            order.o.ready.eq(memory.beat & last),
            self.data_beat.eq(memory.beat & ~order.o.p.mac),
            self.mac_beat.eq(memory.beat & order.o.p.mac),
            self.slot.eq(order.o.p.owner),
            self.entry.eq(order.o.p.owner),
            self.index.eq(memory.beat_index),
            self.beat.eq(memory.beat_data),
            self.error.eq(failed | memory.beat_error),
        ]
        with m.If(memory.beat):
            m.d.sync += failed.eq(~last & self.error)

    def _writes(self, m: Module) -> None:
        order_shape = data.StructLayout({"mac": 1, "about": written_line(self._config)})
        m.submodules.writes = order = Queue(order_shape, 2 * self._config.slots)
        memory, first, second = self.memory, self.mac_write, self.data_write
        mac = self._join(m, first, second, memory.write, order.i.ready)
        about = Mux(mac, first.p.about.as_value(), second.p.about.as_value())
        m.d.comb += [
            memory.write.p.line.eq(Mux(mac, first.p.about.line, second.p.about.line)),
            memory.write.p.data.eq(Mux(mac, first.p.data, second.p.data)),
            order.i.valid.eq(memory.write.valid & memory.write.ready),
            order.i.p.mac.eq(mac),
            order.i.p.about.eq(about),
            order.o.ready.eq(memory.write_done),
            self.data_written.eq(memory.write_done & ~order.o.p.mac),
            self.mac_written.eq(memory.write_done & order.o.p.mac),
            self.written.eq(order.o.p.about),
            self.write_error.eq(memory.write_done & memory.write_error),
        ]
