# SPDX-License-Identifier: Apache-2.0
# amaranth: UnusedElaboratable=no
"""MemoryPort: several clients on one AXI4 memory that orders reads and writes as badly as it may.

threat: M24
"""

import random
from collections import deque
from collections.abc import Callable

import pytest
from amaranth.sim import Simulator

from tb.bus.axi_agent import INCR, LINE, SLVERR, AxiMemory
from yingzhou.errors import ConfigError
from yingzhou.line.memory_port import MemoryPort
from yingzhou.mmt.config import MmtConfig

BASE = 0x8000_0000
CONFIG = MmtConfig(addr_width=40, protection_bit=36, memory_base=BASE, memory_bytes=1 << 28, id_width=3)
BEAT_MASK = (1 << 128) - 1


class Client:
    """Sends reads and writes of lines, with pauses; ``done`` holds what came back.

    ``script`` : (line, None) a read, (line, value) a write; each half in its order. ``shared`` : what the lines
    may hold, for all clients.
    """

    def __init__(self, port, script, shared: "Shared", *, seed: int = 0, pause: float = 0.0):
        self._port, self._pause, self._shared = port, pause, shared
        self._rng = random.Random(seed)
        self._todo = {write: deque(i for i in script if (i[1] is not None) == write) for write in (False, True)}
        self._reads: deque[tuple[int, set[int]]] = deque()
        self._writes: deque[tuple[int, int]] = deque()
        self._beats: list[tuple[int, int]] = []
        self.answers: list[tuple[int, int, bool]] = []
        self.write_errors: list[bool] = []
        self.accepted_cycles: list[int] = []
        self.write_cycles: list[int] = []
        self.beat_cycles: list[int] = []
        self.cycle = 0

    @property
    def done(self) -> bool:
        return not (any(self._todo.values()) or self._reads or self._writes)

    async def run(self, ctx) -> None:
        port, rng = self._port, self._rng
        offered: dict[bool, tuple[int, int] | None] = {False: None, True: None}
        while True:
            for write, channel in ((False, port.read), (True, port.write)):
                if offered[write] is None and self._todo[write] and rng.random() >= self._pause:
                    offered[write] = item = self._todo[write].popleft()
                    ctx.set(channel.p, {"line": item[0], "data": item[1]} if write else item[0])
                ctx.set(channel.valid, offered[write] is not None)
            beat = (port.beat, port.beat_index, port.beat_data, port.beat_error)
            _, _, *values = await ctx.tick().sample(
                port.read.ready, port.write.ready, *beat, port.write_done, port.write_error
            )
            read_ready, write_ready, valid, index, data, error, write_done, write_error = values
            self.cycle += 1
            if valid:
                self._beat(index, data, error)
            if write_done:
                self._writes.popleft()
                self.write_errors.append(bool(write_error))
            if (item := offered[False]) is not None and read_ready:
                line = item[0]
                self._reads.append((line, self._shared.read(line, self.cycle)))
                self.accepted_cycles.append(self.cycle)
                offered[False] = None
            if (item := offered[True]) is not None and write_ready:
                self._shared.write(*item, self.cycle)
                self._writes.append(item)
                self.write_cycles.append(self.cycle)
                offered[True] = None

    def _beat(self, index: int, data: int, error: int) -> None:
        assert self._reads, "a beat that nobody asked for"
        assert index == len(self._beats), "beats are not counted from 0 to 3"
        self._beats.append((data, error))
        self.beat_cycles.append(self.cycle)
        if index == 3:
            line, allowed = self._reads.popleft()
            value = sum(beat << 128 * n for n, (beat, _) in enumerate(self._beats))
            failed = any(e for _, e in self._beats)
            self._shared.read_done(line, allowed)
            assert failed or value in allowed, f"line {line:#x} is {value:#x}"
            self.answers.append((line, value, failed))
            self._beats = []


class Shared:
    """What a line may hold, by the promise of the port: a read accepted after a write sees it."""

    def __init__(self, fill: Callable[[int], int]):
        self._fill = fill
        self._content: dict[int, int] = {}
        self._written: dict[int, tuple[int, int]] = {}
        self._racing: dict[int, list[set[int]]] = {}

    def read(self, line: int, cycle: int) -> set[int]:
        """Return the values that a read accepted now may answer; grows when a write is accepted before its end."""
        values = {self._content.get(line, self._fill(line))}
        written, before = self._written.get(line, (-1, 0))
        if written == cycle:
            # Accepted in the same cycle: no order.
            values.add(before)
        self._racing.setdefault(line, []).append(values)
        return values

    def read_done(self, line: int, values: set[int]) -> None:
        self._racing[line] = [other for other in self._racing[line] if other is not values]

    def write(self, line: int, value: int, cycle: int) -> None:
        for values in self._racing.get(line, []):
            values.add(value)
        self._written[line] = (cycle, self._content.get(line, self._fill(line)))
        self._content[line] = value


def run(scripts, *, seed: int = 0, pause: float = 0.0, memory=None, port=None, cycles: int = 30_000):
    """Run each client's script; return clients and memory."""
    dut = MemoryPort(CONFIG, clients=len(scripts), **(port or {}))
    model = AxiMemory(dut.m_axi, seed=seed, **(memory or {}))
    shared = Shared(lambda line: sum(model._fill(BASE + LINE * line + n) << 8 * n for n in range(LINE)))
    clients = [
        Client(getattr(dut, f"client{n}"), script, shared, seed=seed * 10 + n, pause=pause)
        for n, script in enumerate(scripts)
    ]
    sim = Simulator(dut)
    sim.add_clock(1e-6)

    async def until_done(ctx):
        for _ in range(cycles):
            _, _, rready, bready = await ctx.tick().sample(dut.m_axi.rready, dut.m_axi.bready)
            assert rready and bready, "an answer is stalled"
            if all(client.done for client in clients):
                await ctx.tick().repeat(20)
                return
        raise AssertionError("requests are not answered")

    sim.add_testbench(until_done)
    for agent in (model, *clients):
        sim.add_testbench(agent.run, background=True)
    sim.run()
    return clients, model


def random_script(rng: random.Random, count: int, lines: int, *, writes: float = 0.5) -> list:
    return [(rng.randrange(lines), rng.getrandbits(512) if rng.random() < writes else None) for _ in range(count)]


@pytest.mark.parametrize("seed", range(6))
def test_reads_see_writes_accepted_before(seed: int):
    """Few lines, three clients, a memory that lets reads pass writes and writes pass reads by up to 60 cycles."""
    rng = random.Random(seed)
    scripts = [random_script(rng, 80, (3, 12, 40)[seed % 3]) for _ in range(3)]
    memory = {"pause": (0.0, 0.4)[seed % 2], "latency": (1, 60), "wait_for_data": seed % 2 == 1}
    clients, model = run(scripts, seed=seed, pause=(0.0, 0.3, 0.7)[seed % 3], memory=memory)
    for client, script in zip(clients, scripts, strict=True):
        assert [line for line, _, _ in client.answers] == [line for line, value in script if value is None]
        assert not any(failed for _, _, failed in client.answers) and not any(client.write_errors)
    for burst in model.seen:
        assert (burst.ident, burst.length, burst.size, burst.burst, burst.addr % LINE) == (0, 3, 4, INCR, 0)
        assert all(strobe == 0xFFFF for _, strobe in burst.beats)


def test_a_held_read_does_not_block_others():
    """A read of a line being written waits for B; another client's read goes out in the cycle it is offered."""
    scripts = [[(5, 1), (1, 99)], [(2, None)] * 3 + [(1, None)] + [(4, None)], [(3, None)] * 8]
    clients, model = run(scripts, memory={"latency": (100, 100)})
    held, others = clients[1], clients[2]
    assert max(others.accepted_cycles) < 20
    gap = held.accepted_cycles[3] - held.accepted_cycles[2]
    assert gap > 90 and held.answers[3][1] == 99
    assert held.accepted_cycles[4] == held.accepted_cycles[3] + 1


def test_the_last_client_goes_first():
    """While the last client has reads, none of the first goes; then it does."""
    scripts = [[(n, None) for n in range(4)], [(n + 8, None) for n in range(10)]]
    _, model = run(scripts)
    assert [(b.addr - BASE) // LINE for b in model.seen] == [*range(8, 18), *range(4)]


def test_read_timing():
    """Accepted to ARVALID one cycle, R to client none; with reads waiting, a beat a cycle."""
    clients, model = run([[(n, None) for n in range(40)]])
    client = clients[0]
    assert model.seen[0].accepted == client.accepted_cycles[0] + 1
    beats = client.beat_cycles
    assert beats == list(range(beats[0], beats[0] + 160))
    assert client.accepted_cycles[:20] == list(range(client.accepted_cycles[0], client.accepted_cycles[0] + 20))


def test_write_timing():
    """Accepted to AWVALID one cycle, and a line every four cycles."""
    clients, model = run([[(n, n) for n in range(30)]])
    cycles = clients[0].write_cycles
    assert cycles == list(range(cycles[0], cycles[0] + 120, 4))
    assert model.seen[0].accepted == cycles[0] + 1


@pytest.mark.parametrize("reads, writes", [(2, 2), (4, 8), (32, 8)])
def test_lines_under_way_are_bounded(reads: int, writes: int):
    """As many lines under way as was chosen, and no more, while memory is slow."""
    scripts = [[(n, None) for n in range(50)] + [(100 + n, n) for n in range(20)]]
    clients, _ = run(scripts, memory={"latency": (300, 300)}, port={"reads": reads, "writes": writes})
    client = clients[0]
    early = [c for c in client.accepted_cycles if c < 250]
    assert len(early) == reads
    assert len([c for c in client.write_cycles if c < 250]) == writes


def test_error_answers_are_passed_on():
    """RRESP and BRESP of a line reach the client it belongs to, and no other line."""
    bad = {BASE + LINE * n for n in range(0, 30, 4)}
    scripts = [[(n, None) for n in range(30)], [(n + 64, n) for n in range(4)] + [(n, 5) for n in range(3)]]
    resp = lambda address: SLVERR if address // LINE * LINE in bad else 0  # noqa: E731
    clients, _ = run(scripts, memory={"resp": resp, "latency": (1, 9)})
    assert [failed for _, _, failed in clients[0].answers] == [n % 4 == 0 for n in range(30)]
    assert clients[1].write_errors == [False] * 4 + [True, False, False]


@pytest.mark.parametrize("wrong", [0, 1, 2, 3, 6, 11])
@pytest.mark.parametrize("stuck", [False, True])
def test_wrong_last_beat_is_an_error_never_a_hang(wrong: int, stuck: bool):
    """RLAST wrong at one beat, or from it on: that line and all after it fail, and all of them are answered."""

    def last(count: int, value: int) -> int:
        return 1 - value if count == wrong or (stuck and count > wrong) else value

    scripts = [[(n, None) for n in range(12)], [(n + 64, None) for n in range(12)] + [(200 + n, n) for n in range(12)]]
    clients, _ = run(scripts, pause=0.5, memory={"last": last, "latency": (1, 9)})
    assert all(len(client.answers) == 12 for client in clients) and len(clients[1].write_errors) == 12
    answers = [failed for client in clients for _, _, failed in client.answers]
    assert answers.count(False) == wrong // 4
    assert clients[1].write_errors[-1]


@pytest.mark.parametrize("what", ["r", "b", "rid", "bid"])
def test_answers_nobody_asked_for(what: str):
    """An answer out of nothing or with a wrong identifier: everything from then on fails, nothing hangs."""
    dut = MemoryPort(CONFIG, clients=1)
    axi, client = dut.m_axi, dut.client0
    sim = Simulator(dut)
    sim.add_clock(1e-6)

    async def bench(ctx):
        ctx.set(axi.awready, 1)
        ctx.set(axi.arready, 1)
        ctx.set(axi.wready, 1)
        if what in ("rid", "bid"):
            half = client.read if what == "rid" else client.write
            ctx.set(half.valid, 1)
            await ctx.tick().until(half.ready)
            ctx.set(half.valid, 0)
            ctx.set(getattr(axi, what), 1)
        ctx.set(axi.rvalid, what[0] == "r")
        ctx.set(axi.bvalid, what[0] == "b")
        error = client.beat_error if what[0] == "r" else client.write_error
        if what in ("rid", "bid"):
            assert ctx.get(error)
        await ctx.tick()
        ctx.set(axi.rvalid, 0)
        ctx.set(axi.bvalid, 0)
        ctx.set(client.read.valid, 1)
        ctx.set(axi.rdata, BEAT_MASK)
        failed = 0
        for _ in range(30):
            _, _, beat, beat_error, data = await ctx.tick().sample(client.beat, client.beat_error, client.beat_data)
            if beat:
                assert beat_error and data == 0
                failed += 1
        assert failed >= 24

    sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"clients": 0}, "clients is 0; accepted are 1 and more"),
        ({"clients": 1, "reads": 3}, "reads is 3; accepted are powers of two, 2 to 256"),
        ({"clients": 1, "writes": 512}, "writes is 512; accepted are powers of two, 2 to 256"),
    ],
)
def test_parameters_are_checked(arguments: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        MemoryPort(CONFIG, **arguments)
