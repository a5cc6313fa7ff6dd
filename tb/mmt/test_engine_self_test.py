# SPDX-License-Identifier: Apache-2.0
"""The self-test of the joined engine reaches every hash unit that is in it."""

from dataclasses import replace

import pytest
from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.sim import Simulator

from tb.mmt import crypto_reference as reference
from tb.mmt.geometries import ONE_LEVEL
from yingzhou.mmt import hash as hash_module
from yingzhou.mmt import self_test
from yingzhou.mmt.engine import MmtEngine
from yingzhou.mmt.keys import Failure
from yingzhou.regs import load
from yingzhou.regs.compile import registers_of

CONFIG = replace(ONE_LEVEL, aes_cores=1, mount_entries=1, slots=2)
BLOCKS = 16
"""Blocks of a pass, fewer than usual: one group, three hashes."""
STATUS = next(offset for path, offset, _ in registers_of(load("mmt")) if path == "status")
FAILED_LOW, FAILED_MASK = next(
    (field.low, (1 << field.width) - 1)
    for path, _, node in registers_of(load("mmt"))
    if path == "status"
    for field in node.fields()
    if field.inst_name == "failed"
)
PRODUCTS = 2 * 3**hash_module.SPLITS
"""Products of one hash unit."""


@pytest.mark.covers("MMT.SELF_TEST", "M44")
def test_every_hash_unit(monkeypatch: pytest.MonkeyPatch):
    """A bit of a product stuck at 0 in any one of the engine's hash units: HASH_TEST, irq, no word of entropy taken.
    Without a fault entropy is taken."""
    aes_sum, hash_sum = reference.self_test("iterative", BLOCKS)
    monkeypatch.setitem(self_test.BLOCKS, "iterative", BLOCKS)
    monkeypatch.setitem(self_test.EXPECTED_AES, "iterative", aes_sum)
    monkeypatch.setitem(self_test.EXPECTED_HASH, "iterative", hash_sum)
    stuck = Signal(8)  # bit n: in unit n
    real, made = hash_module.product, []

    def product(m: Module, a, b):
        number = len(made)
        made.append(None)
        value = real(m, a, b)
        unit, place = divmod(number, PRODUCTS)
        return Mux(stuck[unit], value & ~(1 << 7), value) if place == 5 else value

    monkeypatch.setattr(hash_module, "product", product)
    reset, top, engine = Signal(), Module(), MmtEngine(CONFIG)
    top.submodules.engine = ResetInserter(reset)(engine)
    outcomes = []

    async def bench(ctx):
        ctx.set(engine.bus.addr, STATUS)
        ctx.set(engine.bus.r_stb, 1)
        for faults in (0, *(1 << unit for unit in range(len(made) // PRODUCTS))):
            ctx.set(stuck, faults)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            for _ in range(1000):
                await ctx.tick()
                if ctx.get(engine.irq) or ctx.get(engine.entropy.ready):
                    break
            await ctx.tick()
            failed = Failure(ctx.get(engine.bus.r_data) >> FAILED_LOW & FAILED_MASK)
            outcomes.append((failed, ctx.get(engine.irq), ctx.get(engine.entropy.ready)))

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(made) == 3 * PRODUCTS  # reads of lines, writes of lines, nodes
    assert outcomes == [(Failure.NONE, 0, 1), *[(Failure.HASH_TEST, 1, 0)] * 3]
