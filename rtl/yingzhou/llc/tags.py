# SPDX-License-Identifier: Apache-2.0
"""The tag entries of all sets and ways."""

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from .config import LlcConfig


def tag_entry(config: LlcConfig) -> data.StructLayout:
    """What is known of the line in a way; all 0: invalid.

    ``dirty``  : memory is older. Always 1 with ``locked`` (docs/llc.md, rule 13).
    ``owner``  : domain that the locked line belongs to; 0 when it is not locked.
    """
    return data.StructLayout({"valid": 1, "dirty": 1, "locked": 1, "owner": config.domain_bits, "tag": config.tag_bits})


class Tags(wiring.Component):
    """A synchronous memory a way. What is written in the cycle of a read of the same set is seen by it.

    After reset all sets are made invalid, one a cycle; until then ``ready`` is 0 and writes are lost.

    Parameters
    ----------
    config : LlcConfig
        With ``parity`` an entry is kept with a bit that makes its ones an even number.

    Ports
    -----
    ready     : the sweep after reset is over. Level.
    sweep_set : set that is made invalid in this cycle. Valid while ``ready`` is 0.
    read_set  : set to read.
    entries   : its entries, one cycle later.
    bad       : with them: one does not fit its parity bit. 0 without parity.
    write     : a bit a way: ``write_entry`` goes to ``write_set``. Idle: 0.
    """

    def __init__(self, config: LlcConfig):
        self._config = config
        self._entry = tag_entry(config)
        width = self._entry.size + config.parity
        self.memories = [memory.Memory(shape=width, depth=config.sets, init=[]) for _ in range(config.ways)]
        super().__init__(
            {
                "ready": Out(1),
                "sweep_set": Out(config.set_bits),
                "read_set": In(config.set_bits),
                "entries": Out(data.ArrayLayout(self._entry, config.ways)),
                "bad": Out(1),
                "write": In(config.ways),
                "write_set": In(config.set_bits),
                "write_entry": In(self._entry),
            }
        )

    def elaborate(self, platform):
        m = Module()
        entry = Signal(self._entry)
        bad = Signal(self._config.ways)
        m.d.sync += self.sweep_set.eq(self.sweep_set + ~self.ready)
        with m.If(self.sweep_set.all()):
            m.d.sync += self.ready.eq(1)
        with m.If(self.ready):
            m.d.comb += entry.eq(self.write_entry)
        kept = Cat(entry, entry.as_value().xor()) if self._config.parity else entry.as_value()
        for way, entries in enumerate(self.memories):
            m.submodules[f"way_{way}"] = entries
            write = entries.write_port()
            read = entries.read_port(transparent_for=[write])
            m.d.comb += [
                write.addr.eq(Mux(self.ready, self.write_set, self.sweep_set)),
                write.data.eq(kept),
                write.en.eq(self.write[way] | ~self.ready),
                read.addr.eq(self.read_set),
                self.entries[way].eq(read.data[: self._entry.size]),
            ]
            if self._config.parity:
                m.d.comb += bad[way].eq(read.data.xor())
        m.d.comb += self.bad.eq(bad.any())
        return m
