# SPDX-License-Identifier: Apache-2.0
"""Walkers, memory and registers around all three walk checkers at once, cycle by cycle.

Each checker has a walker and a memory of its own, with the same tables and the same wait states, so that what they do
can be compared cycle for cycle.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out, connect, flipped
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer

from yingzhou.gpt.config import GptConfig
from yingzhou.gpt.signature import WalkCheckerSignature
from yingzhou.gpt.walk_port import BitmapChecker, GptChecker, NoneChecker

CHECKERS: Final = ("none", "gpt", "bitmap")
CONFIG: Final = GptConfig(areas=4)
CACHE_WORDS: Final = 4


class WalkPorts(wiring.Component):
    """The three checkers side by side; ports are those of the checkers, prefixed with their names."""

    def __init__(self):
        super().__init__({name: Out(WalkCheckerSignature()) for name in CHECKERS})

    def elaborate(self, platform):
        m = Module()
        made = {"none": NoneChecker(), "gpt": GptChecker(CONFIG), "bitmap": BitmapChecker(CONFIG, CACHE_WORDS)}
        for name, checker in made.items():
            m.submodules[name] = checker
            outside = getattr(self, name)
            connect(m, flipped(outside.hart), checker.hart)
            connect(m, flipped(outside.regs), checker.regs)
            connect(m, checker.mem, flipped(outside.mem))
            m.d.comb += [
                checker.walk_start.eq(outside.walk_start),
                outside.world.eq(checker.world),
                outside.fault.eq(checker.fault),
            ]
        return m


@dataclass(frozen=True)
class Start:
    """The walker begins a walk."""


@dataclass(frozen=True)
class Transfer:
    """The walker asks for the word at a byte address; ``give_up_after``: cycles until it drops the transfer."""

    address: int
    write: bool = False
    give_up_after: int | None = None


@dataclass(frozen=True)
class Answer:
    """How a transfer ended: ``ack``, ``err``, or neither when the walker gave up."""

    ack: bool
    err: bool
    data: int


type Walker = Generator[Start | Transfer | None, Answer | None, Any]


def walk(root: int, address: int) -> Walker:
    """Translate ``address`` as a hart would (Privileged ISA 12.3.2); return the leaf PTE, or what stopped the walk."""
    yield Start()
    table = root
    for level in (1, 0):
        index = address >> 12 + 10 * level & 0x3FF
        answer = yield Transfer(table * 4096 + 4 * index)
        assert answer is not None
        if answer.err:
            assert answer.data == 0
            return "access fault"
        pte = answer.data
        if not pte & 1 or pte & 0b110 == 0b100:
            return "page fault"
        if pte & 0b1010:
            return pte
        table = pte >> 10
    return "page fault"


@dataclass
class Side:
    """One checker's walker and memory."""

    name: str
    dut: Any
    memory: dict[int, int]
    wait: Callable[[int], int]
    fails: Callable[[int], bool] = lambda address: False
    accesses: list[tuple[int, int]] = field(default_factory=list)
    results: list[tuple[int, Any]] = field(default_factory=list)
    queue: list[Walker] = field(default_factory=list)
    gap: Callable[[], int] = lambda: 1
    _walker: Walker | None = None
    _action: Start | Transfer | None = None
    _left: int | None = None
    _held: int = 0
    _idle: int = 0

    def signal(self, path: str) -> Any:
        return getattr(self.dut, f"{self.name}__{path}")

    def drive(self, cycle: int) -> None:
        """Just after the clock edge: the walker's outputs for this cycle."""
        if self._walker is None and self.queue and self._idle == 0:
            self._walker = self.queue.pop(0)
            self._step(None, cycle)
        self._idle = max(0, self._idle - 1)
        action = self._action
        transfer = action if isinstance(action, Transfer) else None
        self.signal("walk_start").value = int(isinstance(action, Start))
        for line in ("cyc", "stb"):
            self.signal(f"hart__{line}").value = int(transfer is not None)
        if transfer is not None:
            self.signal("hart__adr").value = transfer.address >> 2
            self.signal("hart__we").value = int(transfer.write)
            self.signal("hart__dat_w").value = 0xBADBAD
            self.signal("hart__sel").value = 0xF

    def respond(self, cycle: int) -> None:
        """In the middle of the cycle: memory answers, when the wait states of this access are over."""
        asked = str(self.signal("mem__stb").value) == "1"
        assert asked == (str(self.signal("mem__cyc").value) == "1")
        ack = err = 0
        if asked:
            assert int(self.signal("mem__we").value) == 0, "a walk checker never writes"
            address = int(self.signal("mem__adr").value) * 4
            if self._left is None:
                self.accesses.append((cycle, address))
                self._left = self.wait(len(self.accesses))
            if self._left == 0:
                err = int(self.fails(address))
                ack = 1 - err
                self._left = None
                # Data on an error is garbage, to see that it stays here.
                self.signal("mem__dat_r").value = 0xDEAD_BEEF if err else self.memory.get(address, 0)
            else:
                self._left -= 1
        else:
            self._left = None
        self.signal("mem__ack").value = ack
        self.signal("mem__err").value = err

    def sample(self, cycle: int) -> None:
        """At the end of the cycle: the walker takes what it got."""
        action = self._action
        ack, err = (str(self.signal(f"hart__{line}").value) == "1" for line in ("ack", "err"))
        data = int(self.signal("hart__dat_r").value)
        assert not (ack and err)
        assert ack or data == 0 or self.name == "none", f"{self.name}: data {data:#x} without ack"
        if not isinstance(action, Transfer):
            assert not ack and not err
            if self._walker is not None:
                self._step(None, cycle)
            return
        self._held += 1
        gave_up = action.give_up_after is not None and self._held > action.give_up_after
        if ack or err or gave_up:
            self._held = 0
            self._step(Answer(ack, err, data), cycle)

    def _step(self, answer: Answer | None, cycle: int) -> None:
        assert self._walker is not None
        try:
            self._action = self._walker.send(answer)
        except StopIteration as stop:
            self.results.append((cycle, stop.value))
            self._walker, self._action = None, None
            self._idle = self.gap()

    @property
    def done(self) -> bool:
        return self._walker is None and not self.queue


class Bench:
    """Clock, reset, register accesses, and the sides in lockstep."""

    def __init__(self, dut: Any):
        self.dut, self.cycle = dut, 0
        self.sides: list[Side] = []
        Clock(dut.clk, 10, unit="ns").start()

    async def reset(self) -> None:
        """Reset with all inputs idle."""
        for name in CHECKERS:
            for path in ("hart__cyc", "hart__stb", "hart__we", "hart__adr", "hart__sel", "hart__dat_w", "walk_start"):
                getattr(self.dut, f"{name}__{path}").value = 0
            for path in ("mem__ack", "mem__err", "mem__dat_r", "regs__r_stb", "regs__w_stb", "regs__addr"):
                getattr(self.dut, f"{name}__{path}").value = 0
            getattr(self.dut, f"{name}__regs__w_mask").value = 0xF
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 2)
        self.dut.rst.value = 0
        await RisingEdge(self.dut.clk)

    async def run(self, limit: int = 20000) -> None:
        """Run the sides until their walks are done."""
        end = self.cycle + limit
        while not all(side.done for side in self.sides):
            assert self.cycle < end, "walks did not end"
            await self.step()
        await self.step()  # lets the walkers' outputs go idle

    async def step(self) -> None:
        """Run one cycle."""
        for side in self.sides:
            side.drive(self.cycle)
        await FallingEdge(self.dut.clk)
        for side in self.sides:
            side.respond(self.cycle)
        await Timer(2, unit="ns")
        for side in self.sides:
            side.sample(self.cycle)
        await RisingEdge(self.dut.clk)
        self.cycle += 1

    async def write(self, name: str, address: int, value: int) -> bool:
        """Write a register in one cycle; return whether it was accepted."""
        regs = {path: getattr(self.dut, f"{name}__regs__{path}") for path in ("addr", "w_stb", "w_data", "err")}
        regs["addr"].value, regs["w_data"].value, regs["w_stb"].value = address, value, 1
        await FallingEdge(self.dut.clk)
        refused = str(regs["err"].value) == "1"
        await RisingEdge(self.dut.clk)
        regs["w_stb"].value = 0
        return not refused

    async def read(self, name: str, address: int) -> int | None:
        """Read a register in one cycle; None when it is refused."""
        regs = {path: getattr(self.dut, f"{name}__regs__{path}") for path in ("addr", "r_stb", "r_data", "err")}
        regs["addr"].value, regs["r_stb"].value = address, 1
        await FallingEdge(self.dut.clk)
        value = None if str(regs["err"].value) == "1" else int(regs["r_data"].value)
        await RisingEdge(self.dut.clk)
        regs["r_stb"].value = 0
        return value
