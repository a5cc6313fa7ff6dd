# SPDX-License-Identifier: Apache-2.0
"""Registers of the guard in the Amaranth simulator, against the register model."""

from collections.abc import Iterator
from random import Random

import pytest
from amaranth.sim import Simulator

from tb.models import gpt_registers as registers
from tb.models.gpt import Fault, Rule
from yingzhou.gpt.config import GptConfig
from yingzhou.gpt.registers import GptRegisters

CONFIG = GptConfig(areas=2)
ADDRESSES = (0x00, 0x04, *range(0x08, 0x24, 4), 0x30, *registers.COUNTERS, *range(0x100, 0x140, 4), 0x44, 0x140, 0xFFC)


async def write(ctx, dut: GptRegisters, address: int, value: int) -> bool:
    ctx.set(dut.bus.addr, address)
    ctx.set(dut.bus.w_stb, 1)
    ctx.set(dut.bus.w_data, value)
    ctx.set(dut.bus.w_mask, 0xF)
    accepted = not ctx.get(dut.bus.err)
    await ctx.tick()
    ctx.set(dut.bus.w_stb, 0)
    return accepted


def read(ctx, dut: GptRegisters, address: int) -> int | None:
    ctx.set(dut.bus.addr, address)
    ctx.set(dut.bus.r_stb, 1)
    value = None if ctx.get(dut.bus.err) else ctx.get(dut.bus.r_data)
    ctx.set(dut.bus.r_stb, 0)
    return value


def simulate(dut: GptRegisters, bench) -> None:
    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()


def draw_writes(rng: Random) -> Iterator[tuple[int, int]]:
    """Yield writes; locking is rare enough for most of them to be accepted first."""
    for number in range(400):
        address = rng.choice(ADDRESSES)
        value = rng.randrange(1 << 32)
        if address == registers.CONTROL and (number < 200 or rng.random() < 0.7):
            value &= 1
        if address in (0x100, 0x120) and (number < 100 or rng.random() < 0.9):
            value &= 0xFF
        yield address, value


def compare(ctx, dut: GptRegisters, model: registers.Registers) -> None:
    words: dict[int, int] = {}
    for address in ADDRESSES:
        value = read(ctx, dut, address)
        assert (value is not None) == model.exists(address), hex(address)
        if value is not None and 0x10 <= address <= 0x20:
            words[address] = value
        elif value is not None:
            assert value == model.read(address), hex(address)
    assert model.fault(words) == model.record.fault


@pytest.mark.parametrize("seed", range(5))
def test_random_writes_and_faults_against_the_model(seed: int):
    """covers: GPT.LOCK. threat: W32"""
    dut, rng = GptRegisters(CONFIG), Random(seed)
    model = registers.Registers(CONFIG.mode, CONFIG.areas, CONFIG.pa_width, CONFIG.protection_bit)

    async def bench(ctx):
        refused = 0
        for address, value in draw_writes(rng):
            accepted = await write(ctx, dut, address, value)
            assert accepted == model.write(address, value), (hex(address), hex(value))
            refused += not accepted
            settings = ctx.get(dut.settings)
            assert settings.enable == model.guard.enable and settings.world == model.guard.world
            for index, area in enumerate(model.guard.areas):
                held = settings.areas[index]
                assert (held.kind, range(held.base, held.limit)) == (area.kind, area.pages)
            if rng.random() < 0.3:
                fault = Fault(
                    rng.randrange(2), bool(rng.randrange(2)), rng.randrange(3), Rule(rng.randrange(1, 5)),
                    rng.randrange(1 << 34), rng.randrange(1 << 22),
                )  # fmt: skip
                value = {"world": fault.world, "leaf": fault.leaf, "level": fault.level, "rule": fault.rule}
                ctx.set(dut.fault, {**value, "address": fault.address, "ppn": fault.page})
                ctx.set(dut.refused, 1 << fault.rule)
                ctx.set(dut.allowed, 1)
                await ctx.tick()
                model.record.note(fault)
                model.record.pass_one()
                ctx.set(dut.refused, 0)
                ctx.set(dut.allowed, 0)
            assert ctx.get(dut.recorded) == (model.record.fault is not None)
        compare(ctx, dut, model)
        assert refused > 40, "locks and missing registers were met"

    simulate(dut, bench)


def test_lock_holds_until_reset():
    """Each lock refuses every write that it covers, and only those. covers: GPT.LOCK. threat: W32"""
    dut = GptRegisters(CONFIG)

    async def bench(ctx):
        for offset, value in ((4, 5), (8, 6), (12, 7), (16, 8), (0, 1 << 31 | 0x32)):
            assert await write(ctx, dut, 0x100 + offset, value)
        for offset in registers.WRITABLE:
            assert not await write(ctx, dut, 0x100 + offset, 0)
            assert await write(ctx, dut, 0x120 + offset, 0)
        assert [read(ctx, dut, 0x100 + offset) for offset in registers.WRITABLE] == [0x80000032, 5, 6, 7, 8]
        assert await write(ctx, dut, registers.CONTROL, 3)
        for address in (registers.CONTROL, *(0x120 + offset for offset in registers.WRITABLE)):
            before = read(ctx, dut, address)
            assert not await write(ctx, dut, address, 0xFFFFFFFF)
            assert read(ctx, dut, address) == before
        assert await write(ctx, dut, registers.WORLD, 1)
        assert await write(ctx, dut, registers.FAULT_STATUS, 1)
        assert read(ctx, dut, registers.CONTROL) == 3

    simulate(dut, bench)


def test_counters_of_refusals_stay_at_their_maximum():
    """A counter that wrapped to 0 would hide an attack; allowed reads may wrap."""
    dut = GptRegisters(CONFIG)
    top = 2**32 - 1

    async def bench(ctx):
        for name in ("count_host_leaf", "count_allowed"):
            ctx.set(dut.block.field(f"{name}.count").value, top - 1)
        ctx.set(dut.refused, 1 << Rule.HOST_LEAF)
        ctx.set(dut.allowed, 1)
        for leaf, allowed in ((top, top), (top, 0), (top, 1)):
            await ctx.tick()
            assert (read(ctx, dut, 0x38), read(ctx, dut, 0x30)) == (leaf, allowed)

    simulate(dut, bench)
