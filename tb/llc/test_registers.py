# SPDX-License-Identifier: Apache-2.0
"""Registers of the last-level cache in the Amaranth simulator."""

from amaranth.sim import Simulator

from yingzhou.llc.config import LlcConfig
from yingzhou.llc.registers import LlcRegisters
from yingzhou.llc.signature import Failure, Op, Result, Scope
from yingzhou.regs import load
from yingzhou.regs.compile import registers_of

CONFIG = LlcConfig(size_bytes=64 << 10, ways=4, mshrs=2, domains=3, addr_width=39, replacement="random", parity=True)
OFFSET = {path: offset for path, offset, _ in registers_of(load("llc", DOMAINS=3))}


class Bench:
    """Reads and writes by register name."""

    def __init__(self, ctx, dut: LlcRegisters):
        self.ctx, self.dut = ctx, dut

    async def write(self, name: str, value: int) -> bool:
        ctx, bus = self.ctx, self.dut.bus
        for member, driven in (("addr", OFFSET[name]), ("w_data", value), ("w_mask", 0xF), ("w_stb", 1)):
            ctx.set(getattr(bus, member), driven)
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

    async def fail(self, kind: Failure, line: int) -> None:
        port = self.dut.failure
        self.ctx.set(port.kind, kind)
        self.ctx.set(port.line, line)
        self.ctx.set(port.valid, 1)
        await self.ctx.tick()
        self.ctx.set(port.valid, 0)


def simulate(steps) -> None:
    dut = LlcRegisters(CONFIG)

    async def bench(ctx):
        await steps(Bench(ctx, dut))

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()


def test_constants_and_status():
    async def steps(b: Bench):
        assert b.read("id") == 0x4C4C4301
        assert b.read("capabilities") == 4 | 8 << 8 | 3 << 16 | 2 << 20 | 1 << 28 | 1 << 29 | 1 << 30
        for ready, stopped in ((0, 0), (1, 0), (1, 1)):
            b.ctx.set(b.dut.ready, ready)
            b.ctx.set(b.dut.stopped, stopped)
            assert b.read("status") == ready | stopped << 1

    simulate(steps)


def test_an_operation():
    """From the write that starts it to its answer; meanwhile its registers refuse writes."""

    async def steps(b: Bench):
        ctx, port = b.ctx, b.dut.operation
        assert await b.write("operation.address_lo", 0x8000_1040)
        assert await b.write("operation.address_hi", 0x12)
        assert await b.write("operation.domain", 0x102)
        assert not ctx.get(port.request.valid) and b.read("answer.state") == 0
        assert await b.write("operation.op", Op.FLUSH.value | Scope.PAGE.value << 4)
        assert b.read("answer.state") & 1, "busy from the cycle after the write on"
        assert not await b.write("operation.op", 1)
        for name in ("op", "domain", "address_lo", "address_hi"):
            assert ctx.get(port.request.valid)
            request = ctx.get(port.request.p)
            assert (request.op, request.scope, request.domain, request.address) == (4, 1, 2, 0x12_8000_1040)
            assert not await b.write(f"operation.{name}", 1)
        ctx.set(port.request.ready, 1)
        await ctx.tick()
        ctx.set(port.request.ready, 0)
        assert not ctx.get(port.request.valid) and b.read("answer.state") & 1
        assert not await b.write("operation.op", 1)
        ctx.set(port.result, Result.OTHER_OWNER)
        ctx.set(port.line, 0x7F_FFFF_FF40 >> 6)
        ctx.set(port.status, {"present": 1, "locked": 1, "owner": 3})
        ctx.set(port.done, 1)
        await ctx.tick()
        ctx.set(port.done, 0)
        ctx.set(port.line, 0)
        assert b.read("answer.state") == 7 << 4 | 1 << 8 | 1 << 9 | 3 << 12
        assert (b.read("answer.address_lo"), b.read("answer.address_hi")) == (0xFFFF_FF40, 0x7F)
        assert await b.write("operation.op", 6)

    simulate(steps)


def test_quotas():
    async def steps(b: Bench):
        ctx, port = b.ctx, b.dut.quota
        assert [ctx.get(port.quota[n]) for n in range(3)] == [0, 0, 0]
        assert await b.write("domain[1].quota", 5)
        assert await b.write("domain[3].quota", 0xFFFF_FFFF)
        assert await b.write("domain[2].quota", CONFIG.lines)
        assert [ctx.get(port.quota[n]) for n in range(3)] == [5, 1024, 1024]
        assert not await b.write("domain[0].quota", 1), "domain 0 is nobody"
        assert b.read("domain[0].quota") == 0
        ctx.set(port.count[1], 77)
        assert [b.read(f"domain[{n}].locked") for n in range(4)] == [0, 0, 77, 0]

    simulate(steps)


def test_the_first_failure_is_recorded():
    async def steps(b: Bench):
        ctx = b.ctx
        assert not ctx.get(b.dut.irq)
        await b.fail(Failure.WRITE_BACK, 0x12_3456_7880 >> 6)
        await b.fail(Failure.PARITY, 5)
        assert ctx.get(b.dut.irq)
        assert b.read("failure.state") == 1 | 1 << 4
        assert (b.read("failure.address_lo"), b.read("failure.address_hi")) == (0x3456_7880, 0x12)
        assert b.read("counts.failure") == 2
        assert await b.write("failure.state", 1)
        assert not ctx.get(b.dut.irq) and not b.read("failure.state") & 1
        await b.fail(Failure.PARITY, 5)
        assert b.read("failure.state") == 1 | 2 << 4 and b.read("failure.address_lo") == 5 << 6

    simulate(steps)


def test_counters():
    async def steps(b: Bench):
        ctx = b.ctx
        for times, name in enumerate(("hit", "miss", "write_back", "lock"), 1):
            ctx.set(getattr(b.dut.events, name), 1)
            for _ in range(times):
                await ctx.tick()
            ctx.set(getattr(b.dut.events, name), 0)
        assert [b.read(f"counts.{name}") for name in ("hit", "miss", "write_back", "lock")] == [1, 2, 3, 4]

    simulate(steps)
