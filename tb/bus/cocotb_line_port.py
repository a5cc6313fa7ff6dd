# SPDX-License-Identifier: Apache-2.0
"""Random traffic on both Wishbone ports of the line port; memory pauses on every channel, sometimes answers errors."""

import itertools
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge
from cocotbext.axi import AxiBus, AxiSlave
from cocotbext.axi.address_space import MemoryInterface

ALIAS = 1 << 30
"""The protection bit: two addresses that differ in it name the same memory."""
WINDOW = 0x4000
POISON = 0x8000_3000
"""Memory answers errors in the last 4 KiB of the window."""


class Memory(MemoryInterface):
    """What is behind the port: both windows on the same bytes, errors in the poisoned page."""

    def __init__(self):
        super().__init__(1 << 32)
        self.mem = bytearray(WINDOW)

    def _at(self, address: int) -> int:
        address &= ~ALIAS
        if not 0x8000_0000 <= address < POISON:
            raise ValueError(f"no memory at {address:#x}")
        return address - 0x8000_0000

    async def _read(self, address, length, **kwargs):
        return self.mem[self._at(address) : self._at(address) + length]

    async def _write(self, address, data, **kwargs):
        self.mem[self._at(address) : self._at(address) + len(data)] = data


class Bench:
    """Clock, memory and the history of every word, which is the reference model."""

    def __init__(self, dut, seed: int):
        self.dut = dut
        self.random = random.Random(seed)
        self.cycle = 0
        self.history: dict[int, list[tuple[int, int]]] = {}
        self.reads = self.errors = 0
        self.bursts: list[tuple[int, int]] = []
        """First address and beats of each write burst."""

    async def start(self) -> None:
        Clock(self.dut.clk, 10, unit="ns").start()
        self.dut.rst.value = 1
        for port in ("instr", "data"):
            for name in ("cyc", "stb", "we", "adr", "sel", "dat_w"):
                getattr(self.dut, f"{port}__{name}").value = 0
        self.dut.drain.value = 0
        self.memory = Memory()
        bus = AxiBus.from_prefix(self.dut, "mem_")
        self.slave = AxiSlave(bus, self.dut.clk, self.dut.rst, target=self.memory)
        for _ in range(3):
            await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0
        cocotb.start_soon(self._count())

    async def _count(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            self.cycle += 1
            if int(self.dut.mem__awvalid.value) and int(self.dut.mem__awready.value):
                self.bursts.append((int(self.dut.mem__awaddr.value), int(self.dut.mem__awlen.value) + 1))

    def pauses(self, share: float) -> None:
        """Stall every AXI channel in this share of cycles."""

        def pattern():
            rng = random.Random(self.random.random())
            return (rng.random() < share for _ in itertools.count())

        write, read = self.slave.write_if, self.slave.read_if
        assert write is not None and read is not None
        for channel in (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel):
            channel.set_pause_generator(pattern())

    def word(self) -> int:
        """A word address: few lines that share buffer entries, both windows, now and then the poisoned page."""
        address = 0x8000_0000 + self.random.choice((0, 0x40, 0x400, 0x1000, 0x2FC0)) + 4 * self.random.randrange(16)
        if self.random.random() < 0.03:
            address = POISON + 4 * self.random.randrange(32)
        return address | (ALIAS if self.random.random() < 0.3 else 0)

    async def transfer(self, port: str, address: int, write: int | None = None, sel: int = 15) -> tuple[bool, int, int]:
        """One Wishbone transfer; returns (ok, data, cycles from the request to the answer)."""

        def pin(name):
            return getattr(self.dut, f"{port}__{name}")

        begun = self.cycle
        pin("cyc").value = pin("stb").value = 1
        pin("we").value = write is not None
        pin("adr").value = address >> 2
        pin("sel").value = sel
        pin("dat_w").value = write or 0
        while True:
            await ReadOnly()
            ack, err, data = int(pin("ack").value), int(pin("err").value), int(pin("dat_r").value)
            assert not (ack and err), f"{port}: ack and err together"
            await RisingEdge(self.dut.clk)
            if ack or err:
                break
            assert self.cycle - begun < 2000, f"{port}: no answer for {address:#x}"
        pin("cyc").value = pin("stb").value = 0
        assert ack or data == 0, f"{port}: data {data:#x} with an error"
        return bool(ack), data, self.cycle - begun

    def current(self, address: int) -> int:
        return self.history.get(address & ~ALIAS, [(0, 0)])[-1][1]

    def possible(self, address: int, since: int) -> set[int]:
        """Values the word had from the cycle ``since`` on."""
        values = self.history.get(address & ~ALIAS, [(0, 0)])
        older = [v for t, v in values if t <= since][-1:]
        return {*older, *(v for t, v in values if t > since)} or {0}

    def wrote(self, address: int, data: int, sel: int) -> None:
        mask = sum(0xFF << 8 * lane for lane in range(4) if sel >> lane & 1)
        new = (self.current(address) & ~mask) | (data & mask)
        self.history.setdefault(address & ~ALIAS, [(0, 0)]).append((self.cycle, new))

    async def drained(self) -> None:
        """Have all writes reach memory."""
        self.dut.drain.value = 1
        begun = self.cycle
        while not int(self.dut.drained.value):
            await RisingEdge(self.dut.clk)
            assert self.cycle - begun < 2000, "writes do not drain"
        self.dut.drain.value = 0
        await RisingEdge(self.dut.clk)

    async def idle(self) -> None:
        for _ in range(self.random.choice((0, 0, 0, 1, 3))):
            await RisingEdge(self.dut.clk)

    async def data_traffic(self, count: int) -> None:
        for _ in range(count):
            address = self.word()
            poisoned = address & ~ALIAS >= POISON
            if self.random.random() < 0.5 and not poisoned:
                data, sel = self.random.getrandbits(32), self.random.choice((15, 15, 1, 2, 4, 8, 3, 12))
                ok, _, _ = await self.transfer("data", address, data, sel)
                assert ok
                self.wrote(address, data, sel)
            else:
                ok, data, _ = await self.transfer("data", address)
                assert ok == (not poisoned)
                assert not ok or data == self.current(address), f"read {data:#x} at {address:#x}"
            self._count_read(ok)
            await self.idle()

    async def instr_traffic(self, count: int) -> None:
        for _ in range(count):
            address, since = self.word(), self.cycle
            ok, data, _ = await self.transfer("instr", address)
            assert ok == (address & ~ALIAS < POISON)
            assert not ok or data in self.possible(address, since), f"fetched stale {data:#x} at {address:#x}"
            self._count_read(ok)
            await self.idle()

    def _count_read(self, ok: bool) -> None:
        self.reads += 1
        self.errors += not ok


@cocotb.test()
@cocotb.parametrize(pause=[0.0, 0.3, 0.8], seed=[1, 2])
async def random_traffic(dut, pause, seed):
    """Reads see every earlier write, whatever the pauses; errors reach the requester and are never kept."""
    bench = Bench(dut, seed)
    await bench.start()
    bench.pauses(pause)
    fetch = cocotb.start_soon(bench.instr_traffic(500))
    await bench.data_traffic(800)
    await fetch
    assert bench.errors > 10 and bench.reads > 500
    await bench.drained()
    for address, values in bench.history.items():
        at = address - 0x8000_0000
        assert int.from_bytes(bench.memory.mem[at : at + 4], "little") == values[-1][1], f"memory at {address:#x}"


@cocotb.test()
async def timing(dut):
    """A hit takes two cycles, a write to an empty queue one; only the first access of a line goes to memory."""
    bench = Bench(dut, 1)
    await bench.start()
    _, _, miss = await bench.transfer("data", 0x8000_0000)
    for _ in range(8):
        await RisingEdge(dut.clk)
    assert miss > 3
    for offset in range(0, 64, 4):
        assert (await bench.transfer("data", 0x8000_0000 + offset))[2] == 2
    assert (await bench.transfer("data", 0x8000_0004, 0x1234))[2] == 1
    assert (await bench.transfer("data", 0x8000_0004))[1:] == (0x1234, 2)


@cocotb.test()
async def fetch_port_never_writes(dut):
    """A write on the fetch port is refused and reaches no memory."""
    bench = Bench(dut, 1)
    await bench.start()
    ok, _, _ = await bench.transfer("instr", 0x8000_0000, 0xDEAD)
    assert not ok
    assert (await bench.transfer("data", 0x8000_0000))[1] == 0


@cocotb.test()
async def other_window_sees_the_write(dut):
    """A line held under one window's address is dropped when the other window writes it."""
    bench = Bench(dut, 1)
    await bench.start()
    for port in ("data", "instr"):
        await bench.transfer(port, 0x8000_0040)
    await bench.transfer("data", 0xC000_0040, 0x5A5A)
    for port in ("data", "instr"):
        assert (await bench.transfer(port, 0x8000_0040))[1] == 0x5A5A


LINE = 0x8000_0040


async def full_line(bench: Bench, address: int, between=None) -> None:
    """Store the 16 words of a line; ``between`` runs after each."""
    for i in range(16):
        assert (await bench.transfer("data", address + 4 * i, 0x1000 + i))[0]
        if between:
            await between(i)


@cocotb.test()
@cocotb.parametrize(what=["nothing", "pauses", "fetches", "loads", "waits"])
async def a_line_of_stores_is_one_burst(dut, what):
    """Stores that fill a line leave as one full-line write, whatever is fetched or loaded meanwhile."""
    bench = Bench(dut, 1)
    await bench.start()
    if what == "pauses":
        bench.pauses(0.7)

    async def between(i: int) -> None:
        if what == "fetches":
            await bench.transfer("instr", 0x8000_1000 + 64 * i)
        if what == "loads":
            await bench.transfer("data", 0x8000_1000 + 64 * i)
        if what == "waits":
            for _ in range(60):
                await RisingEdge(dut.clk)

    for n in range(4):
        await full_line(bench, 0x8000_0000 + 64 * n, between)
    await bench.drained()
    assert bench.bursts == [(0x8000_0000 + 64 * n, 4) for n in range(4)]


@cocotb.test()
async def only_what_was_stored_is_written(dut):
    """A gathered line goes out from its first beat with a store to its last, and leaves other bytes alone."""
    bench = Bench(dut, 1)
    await bench.start()
    bench.memory.mem[0x40:0x80] = bytes(range(64))
    await bench.transfer("data", LINE + 20, 0xAABBCCDD, 0b0110)
    await bench.transfer("data", LINE + 44, 0x11223344, 0b1000)
    await bench.transfer("data", LINE + 44, 0x55667788, 0b0001)
    await bench.drained()
    expected = bytearray(range(64))
    expected[21], expected[22], expected[47], expected[44] = 0xCC, 0xBB, 0x11, 0x88
    assert bench.memory.mem[0x40:0x80] == expected
    assert bench.bursts == [(LINE + 16, 2)]


@cocotb.test()
async def a_lonely_store_does_not_wait_for_ever(dut):
    """The open line leaves by itself when nothing comes."""
    bench = Bench(dut, 1)
    await bench.start()
    await bench.transfer("data", LINE, 0x1234)
    for _ in range(100):
        await RisingEdge(dut.clk)
    assert bench.memory.mem[0x40:0x42] == b"\x34\x12" and int(dut.drained.value)


@cocotb.test()
async def windows_stay_in_order(dut):
    """Stores to one line through both windows reach memory in the order of the program."""
    bench = Bench(dut, 3)
    await bench.start()
    bench.pauses(0.5)
    for i in range(40):
        await bench.transfer("data", LINE | (ALIAS if i % 2 else 0), i)
    await bench.drained()
    order = [a & ALIAS for a, _ in bench.bursts]
    assert len(order) == 40 and all(a != b for a, b in zip(order, order[1:], strict=False))
    assert bench.memory.mem[0x40] == 39


@cocotb.test()
async def a_refused_write_is_named(dut):
    """An error answer gives the line, of the right one among several, and buffered lines are forgotten."""
    bench = Bench(dut, 1)
    await bench.start()
    seen: list[int] = []

    async def watch() -> None:
        while True:
            await RisingEdge(dut.clk)
            if int(dut.write_error.value):
                seen.append(int(dut.write_error_line.value) << 6)

    cocotb.start_soon(watch())
    await bench.transfer("data", 0x8000_1000)
    bench.memory.mem[0x1000] = 0x77
    for address in (0x8000_0000, POISON + 0x80, 0x8000_0080, POISON + 0x40 | ALIAS, 0x8000_0100):
        assert (await bench.transfer("data", address, 5))[0]
    await bench.drained()
    assert seen == [POISON + 0x80, POISON + 0x40 | ALIAS]
    assert (await bench.transfer("data", 0x8000_1000))[1] == 0x77
