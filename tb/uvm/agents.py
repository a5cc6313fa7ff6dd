# SPDX-License-Identifier: Apache-2.0
"""Agents of the AXI ports: items, drivers and monitors. Drivers and monitors know nothing of each other.

Handles come from the ConfigDB under the agent's path: ``PORT`` (:class:`tb.uvm.pins.Port`), ``PACE`` and ``RNG``.
"""

from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Any

from cocotb.triggers import Event
from pyuvm import ConfigDB, uvm_agent, uvm_analysis_port, uvm_driver, uvm_monitor, uvm_sequence_item, uvm_sequencer

from tb.bus.bursts import Burst

from .pins import Port
from .protocol import Checker, Open


@dataclass
class Pace:
    """How willing a side is: chance of a pause in each cycle, for each channel. Changed at any time.

    ``lead``: write data may come before its address. ``latency``: cycles of a memory, from and to. ``mix``: a memory
    answers other identifiers out of order, and reads beat by beat.
    """

    aw: float = 0.0
    w: float = 0.0
    b: float = 0.0
    ar: float = 0.0
    r: float = 0.0
    lead: bool = False
    latency: tuple[int, int] = (2, 2)
    mix: bool = False

    def set(self, other: "Pace") -> None:
        """Become as ``other``."""
        self.__dict__.update(other.__dict__)


FAST = Pace()


def rough(rng: Random) -> Pace:
    """Return a pace with pauses on every channel."""
    pauses = [rng.choice((0.0, 0.2, 0.5, 0.8)) for _ in range(5)]
    return Pace(*pauses, lead=rng.random() < 0.5, latency=rng.choice(((0, 3), (0, 40), (20, 20))), mix=True)


class AxiItem(uvm_sequence_item):
    """A burst to send. ``answer``: data and response of each beat (of a write one); None when a reset took it away."""

    def __init__(self, burst: Burst):
        super().__init__("burst")
        self.burst = burst
        self.answer: list[tuple[int, int]] | None = None
        self.done = Event()

    @property
    def ok(self) -> bool:
        """Whether every beat was answered with OKAY."""
        return self.answer is not None and not any(resp for _, resp in self.answer)

    @property
    def data(self) -> list[bytes]:
        assert self.answer is not None
        return [data.to_bytes(16, "little") for data, _ in self.answer]


class AxiMonitor(uvm_monitor):
    """Watches a port, holds it to the protocol, and publishes what happened: ``(what, Open)``, ``("reset", None)``.

    ``what`` is ``open``, ``beat`` or ``close``, see :class:`tb.uvm.protocol.Checker`.
    """

    def build_phase(self):
        self.ap = uvm_analysis_port("ap", self)
        self.port: Port = ConfigDB().get(self, "", "PORT")
        lite = self.port.name == "s_axil"
        self.checker = Checker(self.port.name, lite=lite, lanes=4 if lite else 16)
        self.checker.opened = lambda entry: self.ap.write(("open", entry))
        self.checker.beat = lambda entry: self.ap.write(("beat", entry))
        self.checker.closed = lambda entry: self.ap.write(("close", entry))
        self.cycle = 0

        self.running = True
        self.port.listeners.append(self.step)

    def step(self) -> None:
        """A clock edge."""
        port, checker = self.port, self.checker
        self.cycle += 1
        if not port.in_reset:
            checker.cycle(port.shakes & 0x3FF, port.raw, port.unpack)
            self.running = True
        elif self.running:
            checker.reset()
            self.running = False
            self.ap.write(("reset", None))


class AxiDriver(uvm_driver):
    """Sends bursts to a slave port of the block, any number at once; ``limit`` under way."""

    limit = 16

    def build_phase(self):
        self.port: Port = ConfigDB().get(self, "", "PORT")
        self.pace: Pace = ConfigDB().get(self, "", "PACE")
        self.rng: Random = ConfigDB().get(self, "", "RNG")

    def _clear(self) -> None:
        for item in self._everything():
            item.done.set()
        self._addresses: dict[str, deque[AxiItem]] = {"aw": deque(), "ar": deque()}
        self._beats: deque[tuple[AxiItem, int]] = deque()
        self._offered: dict[str, Any] = {"aw": None, "w": None, "ar": None}
        self._addressed: set[int] = set()
        self._waiting: dict[tuple[bool, int], deque[AxiItem]] = {}
        self._answers: dict[int, list[tuple[int, int]]] = {}

    def _everything(self) -> set[AxiItem]:
        if not hasattr(self, "_waiting"):
            return set()
        queues = [*self._addresses.values(), *self._waiting.values()]
        return {item for queue in queues for item in queue} | {item for item, _ in self._beats}

    @property
    def under_way(self) -> int:
        return sum(map(len, (*self._addresses.values(), *self._waiting.values())))

    async def run_phase(self):
        self._clear()
        self.port.idle()
        self.port.listeners.append(self.step)
        await self._fetch()

    def step(self) -> None:
        """A clock edge."""
        if self.port.in_reset:
            self._clear()
            self.port.idle()
            return
        if self.port.shakes:
            self._sample()
        self._drive()

    async def _fetch(self) -> None:
        """Take items from the sequencer as long as not too many are under way."""
        while True:
            item = await self.seq_item_port.get_next_item()
            self._accept(item)
            self.seq_item_port.item_done()
            while self.under_way >= self.limit:
                await self.port.edge()

    def _accept(self, item: AxiItem) -> None:
        burst = item.burst
        self._addresses["aw" if burst.write else "ar"].append(item)
        if burst.write:
            self._beats.extend((item, number) for number in range(burst.beats))

    def _sample(self) -> None:
        port = self.port
        for channel in ("aw", "ar"):
            if port.taken(channel):
                item = self._addresses[channel].popleft()
                self._offered[channel] = None
                self._addressed.add(id(item))
                self._waiting.setdefault((item.burst.write, item.burst.id), deque()).append(item)
        if port.taken("w"):
            self._beats.popleft()
            self._offered["w"] = None
        for channel in ("r", "b"):
            if port.taken(channel):
                fields = port.read(channel)
                queue = self._waiting.get((channel == "b", fields["id"]))
                if not queue:
                    continue  # The monitor complains.
                item = queue[0]
                answer = self._answers.setdefault(id(item), [])
                answer.append((fields.get("data", 0), fields["resp"]))
                if channel == "b" or len(answer) == item.burst.beats:
                    queue.popleft()
                    self._addressed.discard(id(item))
                    item.answer = self._answers.pop(id(item))
                    item.done.set()

    def _drive(self) -> None:
        port, rng, pace = self.port, self.rng, self.pace
        for channel, queue in self._addresses.items():
            if self._offered[channel] is None:
                offer = bool(queue) and rng.random() >= getattr(pace, channel)
                if offer:
                    burst = queue[0].burst
                    self._offered[channel] = queue[0]
                    kind = {"len": burst.beats - 1, "size": burst.size, "burst": burst.kind}
                    port.put(channel, id=burst.id, addr=burst.addr, **kind)
                port.drive(channel, offer)
        if self._offered["w"] is None:
            offer = bool(self._beats) and rng.random() >= pace.w
            if offer:
                item, number = self._beats[0]
                burst = item.burst
                offer = pace.lead or number > 0 or id(item) in self._addressed or self._offered["aw"] is item
                if offer:
                    self._offered["w"] = item
                    data = int.from_bytes(burst.data[number], "little")
                    port.put("w", data=data, strb=burst.strobes[number], last=int(number + 1 == burst.beats))
            port.drive("w", offer)
        for channel in ("b", "r"):
            port.drive(channel, pace.__dict__[channel] == 0.0 or rng.random() >= getattr(pace, channel))


class AxiAgent(uvm_agent):
    """Sequencer, driver and monitor of a slave port of the block."""

    driver_class: type[uvm_driver] = AxiDriver

    def build_phase(self):
        self.sequencer = uvm_sequencer("sequencer", self)
        self.driver = self.driver_class("driver", self)
        self.monitor = AxiMonitor("monitor", self)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)


__all__ = ["FAST", "AxiAgent", "AxiDriver", "AxiItem", "AxiMonitor", "Open", "Pace", "rough"]
