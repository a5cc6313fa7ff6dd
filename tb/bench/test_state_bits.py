# SPDX-License-Identifier: Apache-2.0
"""State on chip is counted as it is written down, and grows with the width of line numbers alone."""

from dataclasses import replace

import pytest
from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.mmt.config import preset
from yingzhou.mmt.node_cache import NodeCache
from yingzhou.mmt.place import Places
from yingzhou_sim.bench_mmt_goals import goals
from yingzhou_sim.bench_mmt_space import state_on_chip
from yingzhou_sim.bench_mmt_variant import VARIANTS
from yingzhou_sim.state_bits import StateBits, of_block


class Inner(wiring.Component):
    """5 bits of registers, 16 x 12 bits of memory."""

    def __init__(self):
        super().__init__({"i": In(12), "o": Out(12)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.kept = kept = memory.Memory(shape=12, depth=16, init=[])
        write, read = kept.write_port(), kept.read_port(domain="comb")
        count = Signal(5)
        m.d.sync += count.eq(count + self.i[0])
        m.d.comb += [write.addr.eq(count), write.data.eq(self.i), write.en.eq(1), read.addr.eq(count)]
        m.d.comb += self.o.eq(read.data)
        return m


class Outer(wiring.Component):
    """Two of them and 12 bits more, of which some only change when told."""

    def __init__(self):
        super().__init__({"i": In(12), "en": In(1), "o": Out(12)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.a, m.submodules.b = a, b = Inner(), Inner()
        held = Signal(12)
        with m.If(self.en):
            m.d.sync += held.eq(self.i)
        m.d.comb += [a.i.eq(held), b.i.eq(a.o), self.o.eq(b.o)]
        return m


def test_registers_and_memories_of_all_modules_count() -> None:
    assert of_block(Outer) == StateBits(registers=2 * 5 + 12, memories=2 * 16 * 12)


class Cache(wiring.Component):
    """A node cache alone."""

    def __init__(self, config):
        self._config = config
        super().__init__({"i": In(1), "o": Out(1)})

    def elaborate(self, platform):
        m = Module()
        cache = NodeCache(m, self._config, Places(self._config))
        m.d.comb += [cache.take.eq(self.i), self.o.eq(cache.free.any)]
        return m


def test_a_node_cache_does_not_grow_with_memory() -> None:
    config = preset("small")
    small = replace(config, addr_width=28)
    assert of_block(lambda: Cache(config)) == of_block(lambda: Cache(small))


@pytest.mark.regress
def test_an_engine_does_not_grow_with_memory() -> None:
    """All of the delivered engine, for 512 GB and for 256 MB: wider line numbers, and nothing more."""
    [goal] = [goal for goal in goals(state_on_chip(VARIANTS["mmt"])) if "state on chip" in goal.text]
    assert goal.verdict == "PASS" and goal.reached is not None and goal.reached > 0
