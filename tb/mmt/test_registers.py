# SPDX-License-Identifier: Apache-2.0
"""Registers of the memory engine in the Amaranth simulator."""

import pytest
from amaranth.sim import Simulator

from yingzhou.mmt.config import preset
from yingzhou.mmt.registers import MmtRegisters
from yingzhou.mmt.signature import Command, Kind, Result
from yingzhou.regs import load
from yingzhou.regs.compile import registers_of

CONFIG = preset("paper", addr_width=32, protection_bit=30, memory_base=0x8000_0000, memory_bytes=256 << 20)
OFFSET = {path: offset for path, offset, _ in registers_of(load("mmt"))}
PAGE = (0x8000_0000 >> 12) + 7


class Bench:
    """Reads and writes by register name."""

    def __init__(self, ctx, dut: MmtRegisters):
        self.ctx, self.dut = ctx, dut

    async def write(self, name: str, value: int) -> bool:
        ctx, bus = self.ctx, self.dut.bus
        ctx.set(bus.addr, OFFSET[name])
        ctx.set(bus.w_data, value)
        ctx.set(bus.w_mask, 0xF)
        ctx.set(bus.w_stb, 1)
        accepted = not ctx.get(bus.err)
        await ctx.tick()
        ctx.set(bus.w_stb, 0)
        return accepted

    def read(self, name: str) -> int:
        ctx, bus = self.ctx, self.dut.bus
        ctx.set(bus.addr, OFFSET[name])
        ctx.set(bus.r_stb, 1)
        assert not ctx.get(bus.err)
        value = ctx.get(bus.r_data)
        ctx.set(bus.r_stb, 0)
        return value

    async def start(self) -> None:
        """Bring the engine to ``active``."""
        self.ctx.set(self.dut.ready, 1)
        assert await self.write("root_page_lo", PAGE)
        assert await self.write("control", 1)
        await self.ctx.tick()
        assert self.ctx.get(self.dut.settings.active)

    async def fail(self, port, *, line: int, kind: Kind, level: int = 0, root: int = 0) -> None:
        self.ctx.set(port.failure, {"kind": kind, "line": line, "level": level, "root": root, "tree": 0})
        self.ctx.set(port.valid, 1)
        await self.ctx.tick()
        self.ctx.set(port.valid, 0)


def simulate(steps, config=CONFIG) -> None:
    dut = MmtRegisters(config)

    async def bench(ctx):
        await steps(Bench(ctx, dut))

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()


def test_constants():
    async def steps(b: Bench):
        assert b.read("id") == 0x4D4D5401
        assert b.read("capabilities") == 3 | 1 << 4 | 32 << 8 | 22 << 16 | 28 << 24
        assert b.read("metadata_pages") == 145
        assert b.read("root_bytes") == 1024 + 128 + 64 + 64 + 64

    simulate(steps)


def test_meta_zone_is_fixed_once_enabled():
    """covers: MMT.CONFIG_LOCK. Threat M23: the control registers do not move again."""

    async def steps(b: Bench):
        await b.start()
        assert not await b.write("root_page_lo", PAGE + 1)
        assert not await b.write("root_page_hi", 1)
        assert b.read("root_page_lo") == PAGE
        await b.write("control", 0)
        assert b.read("control") & 1 == 1
        assert b.ctx.get(b.dut.settings.root_page) == 7

    simulate(steps)


@pytest.mark.parametrize(("page", "good"), [(0x80000, True), (0x8FFFF, True), (0x90000, False), (0x7FFFF, False)])
def test_meta_zone_lies_in_memory(page, good):
    """The last page is accepted because the meta zone of 256 MiB fits into it."""

    async def steps(b: Bench):
        b.ctx.set(b.dut.ready, 1)
        await b.write("root_page_lo", page)
        await b.write("control", 1)
        assert b.read("status") >> 12 & 1 == good
        assert b.ctx.get(b.dut.settings.active) == good

    simulate(steps)


def test_not_active_without_keys():
    async def steps(b: Bench):
        await b.write("root_page_lo", PAGE)
        await b.write("control", 1)
        assert not b.ctx.get(b.dut.settings.active)
        b.ctx.set(b.dut.failed, 3)
        assert b.read("status") >> 8 & 15 == 3
        assert b.ctx.get(b.dut.irq)

    simulate(steps)


@pytest.mark.parametrize("fatal", [0, 1])
def test_fatal_mode_stops_at_the_first_failure(fatal):
    """covers: MMT.FATAL."""

    async def steps(b: Bench):
        await b.start()
        await b.write("control", fatal << 1)
        await b.fail(b.dut.denied, line=0, kind=Kind.NOT_ALLOCATED)
        assert b.ctx.get(b.dut.settings.active)
        await b.fail(b.dut.failure, line=1, kind=Kind.LINE_MAC)
        assert b.ctx.get(b.dut.settings.active) != fatal
        assert b.read("status") >> 2 & 1 == fatal

    simulate(steps)


def test_records_keep_the_first():
    async def steps(b: Bench):
        await b.start()
        await b.fail(b.dut.failure, line=0x12345, kind=Kind.NODE_MAC, level=2, root=1)
        await b.fail(b.dut.failure, line=5, kind=Kind.LINE_MAC)
        await b.fail(b.dut.denied, line=6, kind=Kind.LOCKED)
        assert b.read("failure.state") == 1 | 1 << 1 | 2 << 4 | Kind.NODE_MAC.value << 8
        assert b.read("failure.address_lo") == 0x8000_0000 + 0x12345 * 64
        assert b.read("denied.state") == 1 | Kind.LOCKED.value << 8
        assert (b.read("counts.failure"), b.read("counts.denied")) == (2, 1)
        assert b.ctx.get(b.dut.irq)
        await b.write("failure.state", 1)
        assert not b.ctx.get(b.dut.irq)
        await b.fail(b.dut.failure, line=5, kind=Kind.LINE_MAC)
        assert b.read("failure.state") == 1 | Kind.LINE_MAC.value << 8

    simulate(steps)


def test_a_command_runs_once_and_alone():
    async def steps(b: Bench):
        ctx, commands = b.ctx, b.dut.commands
        await b.start()
        await b.write("command.subtree", 3)
        await b.write("command.page_lo", 0x80100)
        await b.write("command.op", Command.ALLOC.value)
        assert b.read("answer.state") & 1
        for name in ("command.op", "command.subtree", "command.page_lo"):
            assert not await b.write(name, 9)
        await ctx.tick()
        assert ctx.get(commands.request.valid)
        assert (ctx.get(commands.request.p.subtree), ctx.get(commands.request.p.page)) == (3, 0x100)
        assert ctx.get(commands.request.p.op) == Command.ALLOC
        ctx.set(commands.request.ready, 1)
        await ctx.tick()
        ctx.set(commands.request.ready, 0)
        assert not ctx.get(commands.request.valid)
        ctx.set(commands.result, Result.OVERLAP)
        ctx.set(commands.status, {"mounted": 1, "generation": 77})
        ctx.set(commands.page, 0x100)
        ctx.set(commands.done, 1)
        await ctx.tick()
        ctx.set(commands.done, 0)
        assert b.read("answer.state") == Result.OVERLAP.value << 4 | 1 << 8
        assert (b.read("answer.generation"), b.read("answer.page_lo")) == (77, 0x80100)

    simulate(steps)


@pytest.mark.parametrize(
    ("subtree", "page", "seen"),
    [(63, 0x8FFFF, (63, 0xFFFF)), (64, 0x90000, (64, 1 << 16)), (0xFFFF_FFFF, 0, (127, 1 << 16))],
)
def test_numbers_outside_reach_the_tree_as_such(subtree, page, seen):
    """Threat M29: a number beyond the end is not cut to one inside."""

    async def steps(b: Bench):
        await b.start()
        await b.write("command.subtree", subtree)
        await b.write("command.page_lo", page)
        p = b.dut.commands.request.p
        got = b.ctx.get(p.subtree), b.ctx.get(p.page)
        assert (got[0] >> 6 != 0, got[1] >> 16 != 0) == (seen[0] >> 6 != 0, seen[1] >> 16 != 0)
        if seen[1] >> 16 == 0:
            assert got == seen

    simulate(steps)


def test_events_count():
    async def steps(b: Bench):
        for _ in range(3):
            b.ctx.set(b.dut.events, {"leaf_hit": 1, "overflow": 1})
            await b.ctx.tick()
        b.ctx.set(b.dut.events, {})
        assert (b.read("counts.leaf_hit"), b.read("counts.overflow"), b.read("counts.mount")) == (3, 3, 0)

    simulate(steps)
