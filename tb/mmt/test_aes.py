# SPDX-License-Identifier: Apache-2.0
"""AES cores and bank in the Amaranth simulator, against the library ``cryptography``."""

from collections import deque
from dataclasses import dataclass, field
from random import Random

import pytest
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from tb.mmt.crypto_reference import FIPS_CIPHER, FIPS_KEY, FIPS_PLAIN, aes
from yingzhou.errors import ConfigError
from yingzhou.mmt import aes as circuit
from yingzhou.mmt.aes_cores import LATENCY
from yingzhou.mmt.bank import AesBank
from yingzhou.mmt.config import AES_KINDS, MmtConfig
from yingzhou.mmt.signature import AesKey

TAG_BITS = (8, 5)


@dataclass
class Client:
    """What one client asks, when, and what it got. ``starts[n]``: no earlier than this cycle."""

    requests: list[tuple[int, int, int]]  # key, block, tag
    starts: list[int]
    taken: list[int] = field(default_factory=list)
    answers: list[tuple[int, int, int]] = field(default_factory=list)  # cycle, tag, result


def clients_of(rng: Random, counts: list[int], gap: float, tag_bits: tuple[int, ...] = TAG_BITS) -> list[Client]:
    """Return clients with random requests; after each, random idle cycles with probability ``gap``."""
    clients = []
    for count, bits in zip(counts, tag_bits, strict=True):
        starts, cycle = [], 0
        for _ in range(count):
            starts.append(cycle)
            while rng.random() < gap:
                cycle += 1
        requests = [(rng.getrandbits(1), rng.getrandbits(128), rng.getrandbits(bits)) for _ in range(count)]
        clients.append(Client(requests, starts))
    return clients


def run_bank(config: MmtConfig, keys: list[int], clients: list[Client], tag_bits: tuple[int, ...] = TAG_BITS) -> None:
    """Load the keys, open the bank, and let the clients ask until all is answered."""
    bank = AesBank(config, tag_bits)
    ports = [getattr(bank, f"client{number}") for number in range(len(tag_bits))]

    async def bench(ctx):
        for key, value in enumerate(keys):
            ctx.set(bank.keys[key], value)
        ctx.set(bank.load, 1)
        await ctx.tick()
        ctx.set(bank.load, 0)
        busy = 0
        while ctx.get(bank.busy):
            busy += 1
            await ctx.tick()
        assert busy == (22 if bank.pipelined else 0)
        ctx.set(bank.open, 1)
        waiting = [deque(zip(client.requests, client.starts, strict=True)) for client in clients]
        idle = cycle = 0
        while idle < 2 * LATENCY:
            assert cycle < 20_000
            for port, queue in zip(ports, waiting, strict=True):
                offered = bool(queue) and queue[0][1] <= cycle
                ctx.set(port.request.valid, offered)
                if offered:
                    key, block, tag = queue[0][0]
                    ctx.set(port.request.p, {"key": AesKey(key), "block": block, "tag": tag})
            for port, queue, client in zip(ports, waiting, clients, strict=True):
                if ctx.get(port.request.valid & port.request.ready):
                    queue.popleft()
                    client.taken.append(cycle)
                if ctx.get(port.done):
                    client.answers.append((cycle, ctx.get(port.tag), ctx.get(port.result)))
            idle = 0 if any(waiting) else idle + 1
            cycle += 1
            await ctx.tick()

    simulator = Simulator(bank)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def check(keys: list[int], clients: list[Client]) -> None:
    """Every request of each client is answered in order, the fixed latency later, with its tag and the right block."""
    for client in clients:
        expected = [
            (cycle + LATENCY, tag, aes(keys[key], block))
            for cycle, (key, block, tag) in zip(client.taken, client.requests, strict=True)
        ]
        assert client.answers == expected


def test_definition():
    """The S-box by definition has the values printed in FIPS 197, figure 7; the circuit agrees with it everywhere."""
    assert [circuit.sub_byte(value) for value in (0x00, 0x01, 0x53, 0x9A, 0xFF)] == [0x63, 0x7C, 0xED, 0xB8, 0x16]
    assert sorted(map(circuit.sub_byte, range(256))) == list(range(256))
    assert circuit.sbox_is_right()


def test_reference():
    """The reference itself: FIPS 197, appendix C.1."""
    assert aes(FIPS_KEY, FIPS_PLAIN) == FIPS_CIPHER


@pytest.mark.parametrize("kind", AES_KINDS)
def test_fips_197(kind: str):
    """The example of appendix C.1, and of appendix B, one under each key."""
    keys = [FIPS_KEY, int.from_bytes(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"), "little")]
    block = int.from_bytes(bytes.fromhex("3243f6a8885a308d313198a2e0370734"), "little")
    client = Client([(0, FIPS_PLAIN, 1), (1, block, 2)], [0, 0])
    run_bank(MmtConfig(aes=kind), keys, [client], (8,))
    results = [result.to_bytes(16, "little").hex() for _, _, result in client.answers]
    assert results == ["69c4e0d86a7b0430d8cdb78070b4c55a", "3925841d02dc09fbdc118597196a0b32"]


@pytest.mark.parametrize(
    ("kind", "cores"), [("pipelined", 1), ("pipelined", 2), ("iterative", 1), ("iterative", 2), ("iterative", 3)]
)
def test_random(kind: str, cores: int):
    """Both keys and both clients mixed, with gaps."""
    rng = Random(cores)
    keys = [rng.getrandbits(128) for _ in range(2)]
    clients = clients_of(rng, [24, 20], 0.3)
    run_bank(MmtConfig(aes=kind, aes_cores=cores), keys, clients)
    check(keys, clients)


@settings(max_examples=5, deadline=None)
@given(
    kind=st.sampled_from(AES_KINDS),
    cores=st.integers(1, 8),
    counts=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    gap=st.sampled_from([0.0, 0.5, 0.9]),
    seed=st.integers(0, 1 << 32),
)
def test_any_bank(kind: str, cores: int, counts: list[int], gap: float, seed: int):
    """Any number of cores and clients."""
    rng = Random(seed)
    keys = [rng.getrandbits(128) for _ in range(2)]
    tag_bits = tuple(rng.randrange(1, 12) for _ in counts)
    clients = clients_of(rng, counts, gap, tag_bits)
    run_bank(MmtConfig(aes=kind, aes_cores=cores), keys, clients, tag_bits)
    check(keys, clients)


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Cycles from the first request taken to the last when ``counts`` blocks are asked for back to back."""

    kind: str
    cores: int
    counts: tuple[int, int]
    cycles: int


RATES = [
    Rate(kind="pipelined", cores=1, counts=(30, 0), cycles=30),
    Rate(kind="pipelined", cores=1, counts=(15, 15), cycles=30),
    Rate(kind="pipelined", cores=2, counts=(25, 25), cycles=25),
    Rate(kind="pipelined", cores=4, counts=(25, 25), cycles=25),
    Rate(kind="iterative", cores=1, counts=(10, 0), cycles=91),
    Rate(kind="iterative", cores=2, counts=(10, 0), cycles=42),
    Rate(kind="iterative", cores=8, counts=(20, 20), cycles=48),
]


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{rate.kind}-{rate.cores}-{rate.counts}")
def test_throughput(rate: Rate):
    """A pipelined core answers a block a cycle, two cores two; iterative cores a block in ten cycles each, also when
    one client asks. Two that share take turns."""
    rng = Random(9)
    keys = [rng.getrandbits(128) for _ in range(2)]
    clients = clients_of(rng, list(rate.counts), 0)
    run_bank(MmtConfig(aes=rate.kind, aes_cores=rate.cores), keys, clients)
    check(keys, clients)
    taken = [cycle for client in clients for cycle in client.taken]
    assert max(taken) - min(taken) + 1 == rate.cycles
    if min(rate.counts) and rate.cores == 1:
        assert all(later - earlier == 2 for c in clients for earlier, later in zip(c.taken, c.taken[1:], strict=False))


def test_closed():
    """While not open nothing is taken and nothing answers, not even what was under way."""
    bank = AesBank(MmtConfig(), TAG_BITS)

    async def bench(ctx):
        ctx.set(bank.client0.request.valid, 1)
        for opened in (0, 1, 0):
            ctx.set(bank.open, opened)
            for _ in range(LATENCY if opened else 2 * LATENCY):
                assert ctx.get(bank.client0.request.ready) == opened
                assert not ctx.get(bank.client0.done | bank.client1.done)
                assert not ctx.get(bank.direct.done) or ctx.get(bank.open) == 0
                await ctx.tick()

    simulator = Simulator(bank)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("tag_bits", [(), (1,) * 9])
def test_clients_refused(tag_bits: tuple[int, ...]):
    with pytest.raises(ConfigError, match=f"there are {len(tag_bits)} clients; accepted are 1 to 8"):
        AesBank(MmtConfig(), tag_bits)
