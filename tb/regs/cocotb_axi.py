# SPDX-License-Identifier: Apache-2.0
"""AXI4-Lite traffic against the register model, under pauses on every channel."""

import itertools
import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge, gather
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from tb.regs.model import Cycle, RegisterModel

QUIET_NAMES = {
    "live": {"next": 0},
    "we": {"next": 0, "we": 0},
    "incr": {"incr": 0},
    "incrsaturate": {"incr": 0},
}


class Bench:
    """Clock, reset, AXI4-Lite master and the model."""

    def __init__(self, dut):
        self.dut = dut
        self.model = RegisterModel()
        self.quiet = {name: QUIET_NAMES[spec.hw] for name, spec in self.model.fields.items() if spec.hw in QUIET_NAMES}
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)

    async def start(self, pauses: bool = False) -> None:
        """Reset; with ``pauses`` every channel stops at random."""
        Clock(self.dut.clk, 10, unit="ns").start()
        self.dut.rst.value = 1
        for _ in range(3):
            await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0
        if pauses:
            w: Any = self.master.write_if
            r: Any = self.master.read_if
            for channel in (w.aw_channel, w.w_channel, w.b_channel, r.ar_channel, r.r_channel):
                channel.set_pause_generator(random.choice([0, 0, 1]) for _ in itertools.count())

    def expect(self, cycle: Cycle):
        """Return what the model sees for one access; the bus never has two in a row, so a cycle without one follows."""
        cycle.hardware = self.quiet
        seen = self.model.step(cycle)
        self.model.step(Cycle(hardware=self.quiet))
        return seen

    async def access(self, op: str, addr: int, data: int, first: int, count: int) -> None:
        """Make one access of ``count`` byte lanes from ``first`` and compare answer and data."""
        lanes = (1 << count) - 1 << first
        answer: Any
        if op == "write":
            answer = await self.master.write(addr + first, (data >> 8 * first).to_bytes(8, "little")[:count])
            seen = self.expect(Cycle("write", addr, data & 0xFFFF_FFFF, lanes))
        else:
            answer = await self.master.read(addr, 4)
            seen = self.expect(Cycle("read", addr))
            assert int.from_bytes(answer.data, "little") == seen.r_data, f"data of {addr:#x}"
        assert answer.resp == (AxiResp.SLVERR if seen.err else AxiResp.OKAY), f"{op} {addr:#x}: {answer.resp}"


async def random_traffic(dut, pauses: bool) -> None:
    bench = Bench(dut)
    await bench.start(pauses)
    addresses = [*sorted({spec.offset for spec in bench.model.fields.values()}), 0x0C, 0x44, 0xFC]
    for _ in range(400):
        first = random.randrange(4)
        count = random.randint(1, 4 - first)
        if random.random() < 0.6:
            first, count = 0, 4
        data = random.getrandbits(32) & ~(random.random() < 0.7 and 0x0001_0000)
        await bench.access(random.choice(["read", "write"]), random.choice(addresses), data, first, count)
    await ReadOnly()
    assert dut.value.value.to_unsigned() == bench.model.fields["plain.across"].value


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def traffic_without_pauses(dut):
    """Reads and narrow writes to registers and holes, one after the other."""
    await random_traffic(dut, pauses=False)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def traffic_with_pauses(dut):
    """The same with every channel stopping at random: addresses before data, data before addresses, late responses."""
    await random_traffic(dut, pauses=True)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def every_access_happens_once(dut):
    """Queued reads and writes together, responses held back: as many pulses as accesses, and every write in order."""
    bench = Bench(dut)
    await bench.start(pauses=True)
    writes, reads = 120, 90

    async def write_all():
        tasks = [cocotb.start_soon(bench.master.write_dword(0x00, index << 6)) for index in range(writes)]
        await gather(*tasks)

    async def read_all():
        values = []
        for _ in range(reads):
            values.append((await bench.master.read_dword(0x00)) >> 6 & 0xFFFF)
        seen = [value for value in values if value != 0xBEEF]
        assert seen == sorted(seen), "an older value came back after a newer one"

    await gather(cocotb.start_soon(write_all()), cocotb.start_soon(read_all()))
    for _ in range(4):
        await RisingEdge(dut.clk)
    await ReadOnly()
    changes = dut.changes.value.to_unsigned()
    assert changes & 0xFFFF == writes
    assert changes >> 16 == writes + reads
    assert dut.value.value.to_unsigned() == writes - 1


@cocotb.test(timeout_time=200, timeout_unit="us")
async def data_before_address_and_held_response(dut):
    """W long before AW, and AW long before W; a response not taken holds the next write back, without touching it."""
    Clock(dut.clk, 10, unit="ns").start()
    for name in ("awvalid", "wvalid", "bready", "arvalid", "rready", "awprot", "arprot"):
        dut[f"s_axi_{name}"].value = 0
    dut.rst.value = 1
    for _ in range(2):
        await RisingEdge(dut.clk)
    dut.rst.value = 0

    async def send(channel: str, **signals: int) -> None:
        for name, value in signals.items():
            dut[f"s_axi_{name}"].value = value
        dut[f"s_axi_{channel}valid"].value = 1
        await RisingEdge(dut.clk)
        while not dut[f"s_axi_{channel}ready"].value:
            await RisingEdge(dut.clk)
        dut[f"s_axi_{channel}valid"].value = 0

    async def field() -> int:
        await ReadOnly()
        value = dut.value.value.to_unsigned()
        await RisingEdge(dut.clk)
        return value

    await RisingEdge(dut.clk)
    await send("w", wdata=1 << 6, wstrb=15)
    for _ in range(10):
        assert await field() == 0xBEEF, "written before its address came"
    await send("aw", awaddr=0)
    for _ in range(4):
        await RisingEdge(dut.clk)
    assert await field() == 1
    await send("aw", awaddr=0)
    await send("w", wdata=2 << 6, wstrb=15)
    for _ in range(10):
        assert await field() == 1, "written while the last response still waits"
        assert dut.s_axi_bvalid.value == 1
    dut.s_axi_bready.value = 1
    for _ in range(4):
        await RisingEdge(dut.clk)
    assert await field() == 2


@cocotb.test(timeout_time=200, timeout_unit="us")
async def held_read_keeps_its_data(dut):
    """A read answer not taken stays as it is, and the next read waits: it does not reach its register yet."""
    Clock(dut.clk, 10, unit="ns").start()
    for name in ("awvalid", "wvalid", "bready", "arvalid", "rready", "awprot", "arprot"):
        dut[f"s_axi_{name}"].value = 0
    dut.rst.value = 1
    for _ in range(2):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    answers = []
    for addr in (0x14, 0x00):
        dut.s_axi_araddr.value = addr
        dut.s_axi_arvalid.value = 1
        await RisingEdge(dut.clk)
        while not dut.s_axi_arready.value:
            await RisingEdge(dut.clk)
    dut.s_axi_arvalid.value = 0
    for _ in range(10):
        await RisingEdge(dut.clk)
        assert dut.s_axi_rvalid.value == 1
        assert dut.s_axi_rdata.value.to_unsigned() == 0x1234, "the answer changed while it waited"
        assert dut.changes.value.to_unsigned() == 0, "the next read reached its register before it could be answered"
    dut.s_axi_rready.value = 1
    while len(answers) < 2:
        await RisingEdge(dut.clk)
        if dut.s_axi_rvalid.value:
            answers.append(dut.s_axi_rdata.value.to_unsigned())
    assert answers == [0x1234, 0x902F_BBEA]
