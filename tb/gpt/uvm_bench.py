# SPDX-License-Identifier: Apache-2.0
"""pyuvm environment of the guard as a drop-in block: driver, monitor, scoreboard and coverage, each for itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster
from pyuvm import (
    ConfigDB,
    uvm_analysis_port,
    uvm_driver,
    uvm_monitor,
    uvm_sequence,
    uvm_sequence_item,
)

from tb.models import gpt_registers
from yingzhou.gpt.config import GptConfig

from .directed import Action, Both, Check, Reset, Walk, Write
from .stimulus import Entry, Read, Settings


@dataclass(frozen=True)
class RegisterWrite:
    """A write that the AXI4-Lite port answered."""

    address: int
    value: int
    accepted: bool


@dataclass(frozen=True)
class RegisterRead:
    """A read that the AXI4-Lite port answered."""

    address: int
    value: int
    accepted: bool


@dataclass(frozen=True)
class Cycle:
    """What the verdict ports showed in one cycle; ``None`` where nothing was asked."""

    request: tuple[int, int] | None
    request_rule: int
    answer: tuple[int, int, int] | None
    answer_rule: int
    pte: int
    irq: int


@dataclass(frozen=True)
class WasReset:
    """The guard was in reset."""


class Bfm:
    """Drives the block's ports. One object a test; monitors read the same ports on their own."""

    def __init__(self, dut: Any, config: GptConfig):
        self.dut, self.config = dut, config
        self._shadow: dict[int, int] = {}
        for name in ("req_valid", "req_addr", "req_level", "rsp_valid", "rsp_addr", "rsp_level", "rsp_data"):
            getattr(dut, name).value = 0
        dut.s_axi_awprot.value = dut.s_axi_arprot.value = 0
        dut.rst.value = 1
        Clock(dut.clk, 10, unit="ns").start()
        self._axi = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)

    async def reset(self) -> None:
        """Reset for two cycles."""
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 2)
        self.dut.rst.value = 0
        self._shadow = {}
        await RisingEdge(self.dut.clk)

    async def write(self, address: int, value: int) -> None:
        """Write a word, whatever the answer is."""
        self._shadow.pop(address, None)
        await self._axi.write(address, value.to_bytes(4, "little"))

    async def read(self, address: int) -> int:
        """Read a word."""
        return int.from_bytes((await self._axi.read(address, 4)).data, "little")

    async def configure(self, settings: Settings) -> None:
        """Write the registers that differ from ``settings``; an area is off while it changes."""
        for index, entry in enumerate(settings.areas):
            await self._configure_area(gpt_registers.AREAS + index * gpt_registers.AREA_BYTES, entry)
        await self._set(gpt_registers.CONTROL, settings.enable)
        await self._set(gpt_registers.WORLD, settings.world)

    async def _configure_area(self, address: int, entry: Entry) -> None:
        words = {
            gpt_registers.BASE_LO: entry.base & 0xFFFFFFFF,
            gpt_registers.BASE_HI: entry.base >> 32,
            gpt_registers.LIMIT_LO: entry.limit & 0xFFFFFFFF,
            gpt_registers.LIMIT_HI: entry.limit >> 32,
        }
        if any(self._shadow.get(address + offset, 0) != value for offset, value in words.items()):
            await self._set(address, 0)
            for offset, value in words.items():
                await self._set(address + offset, value)
        await self._set(address, entry.levels << 4 | entry.kind)

    async def _set(self, address: int, value: int) -> None:
        if self._shadow.get(address, 0) != value:
            await self.write(address, value)
            self._shadow[address] = value

    def _drive(self, side: str, read: Read | None) -> None:
        getattr(self.dut, f"{side}_valid").value = int(read is not None)
        if read is not None:
            getattr(self.dut, f"{side}_addr").value = read.address(self.config)
            getattr(self.dut, f"{side}_level").value = read.level
            if side == "rsp":
                self.dut.rsp_data.value = read.pte

    async def present(self, request: Read | None, answer: Read | None) -> bool:
        """Show a request, an answer or both for one cycle; return whether the request was refused."""
        self._drive("req", request)
        self._drive("rsp", answer)
        await FallingEdge(self.dut.clk)
        refused = bool(int(self.dut.req_deny.value))
        await RisingEdge(self.dut.clk)
        self._drive("req", None)
        self._drive("rsp", None)
        return refused


class GptItem(uvm_sequence_item):
    """One action of the stimulus."""

    def __init__(self, name: str, action: Action):
        super().__init__(name)
        self.action = action


class ActionSequence(uvm_sequence):
    """Sends a list of actions to the driver."""

    def __init__(self, name: str, actions: Iterable[Action]):
        super().__init__(name)
        self.actions = actions

    async def body(self):
        for action in self.actions:
            item = GptItem("item", action)
            await self.start_item(item)
            await self.finish_item(item)


class GptDriver(uvm_driver):
    """Turns actions into port activity."""

    def build_phase(self):
        self.bfm: Bfm = ConfigDB().get(self, "", "BFM")
        self.registers = [0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C, 0x20, 0x30, *gpt_registers.COUNTERS]
        for index in range(self.bfm.config.areas):
            first = gpt_registers.AREAS + index * gpt_registers.AREA_BYTES
            self.registers += [first + offset for offset in gpt_registers.WRITABLE]

    async def run_phase(self):
        await self.bfm.reset()
        while True:
            item = await self.seq_item_port.get_next_item()
            await self._do(item.action)
            self.seq_item_port.item_done()

    async def _do(self, action: Action) -> None:
        bfm = self.bfm
        match action:
            case Walk(settings, read, then):
                await bfm.configure(settings)
                if not await bfm.present(read, None):
                    if then is not None:
                        await bfm.configure(then)
                    await bfm.present(None, read)
            case Both(settings, request, answer):
                await bfm.configure(settings)
                await bfm.present(request, answer)
            case Write(address, value):
                await bfm.write(address, value)
            case Check():
                for address in self.registers:
                    await bfm.read(address)
            case Reset():
                await bfm.reset()


class GptMonitor(uvm_monitor):
    """Watches all ports in the middle of every cycle and publishes what happened, in order."""

    def build_phase(self):
        self.ap = uvm_analysis_port("ap", self)
        self.dut = ConfigDB().get(self, "", "BFM").dut

    async def run_phase(self):
        dut = self.dut
        written: list[int | None] = [None, None]
        reading = 0
        while True:
            await FallingEdge(dut.clk)
            if self._is(dut.rst):
                self.ap.write(WasReset())
                continue
            if self._is(dut.req_valid) or self._is(dut.rsp_valid):
                self.ap.write(self._cycle())
            if self._is(dut.s_axi_awvalid) and self._is(dut.s_axi_awready):
                written[0] = int(dut.s_axi_awaddr.value)
            if self._is(dut.s_axi_wvalid) and self._is(dut.s_axi_wready):
                written[1] = int(dut.s_axi_wdata.value)
            if self._is(dut.s_axi_bvalid) and self._is(dut.s_axi_bready):
                address, value = written
                assert address is not None and value is not None
                self.ap.write(RegisterWrite(address, value, int(dut.s_axi_bresp.value) == 0))
            if self._is(dut.s_axi_arvalid) and self._is(dut.s_axi_arready):
                reading = int(dut.s_axi_araddr.value)
            if self._is(dut.s_axi_rvalid) and self._is(dut.s_axi_rready):
                self.ap.write(RegisterRead(reading, int(dut.s_axi_rdata.value), int(dut.s_axi_rresp.value) == 0))

    @staticmethod
    def _is(signal: Any) -> bool:
        return str(signal.value) == "1"

    def _cycle(self) -> Cycle:
        dut = self.dut
        request = (int(dut.req_addr.value), int(dut.req_level.value)) if self._is(dut.req_valid) else None
        answer = None
        if self._is(dut.rsp_valid):
            answer = (int(dut.rsp_addr.value), int(dut.rsp_level.value), int(dut.rsp_data.value))
        rules = int(dut.req_rule.value), int(dut.rsp_rule.value)
        assert (int(dut.req_deny.value), int(dut.rsp_deny.value)) == (rules[0] != 0, rules[1] != 0)
        return Cycle(request, rules[0], answer, rules[1], int(dut.rsp_pte.value), int(dut.irq.value))
