# SPDX-License-Identifier: Apache-2.0
"""Keys, self-test and failures of the crypto unit in the Amaranth simulator."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest
from amaranth.hdl import Fragment, Module, ResetInserter, Signal
from amaranth.sim import Simulator

from tb.mmt import crypto_reference as reference
from yingzhou.errors import ConfigError
from yingzhou.mmt import aes as circuit
from yingzhou.mmt import self_test
from yingzhou.mmt.aes_cores import LATENCY
from yingzhou.mmt.config import AES_KINDS, MmtConfig
from yingzhou.mmt.crypto import Crypto
from yingzhou.mmt.hash import HashUnit
from yingzhou.mmt.keys import TEST_KEYS, Failure
from yingzhou.mmt.signature import AesKey

MASK = (1 << 32) - 1


def words_of(keys: tuple[int, ...]) -> list[int]:
    """Return keys as words of entropy."""
    return [key >> 32 * number & MASK for key in keys for number in range(4)]


def random_keys(seed: int) -> tuple[int, int, int]:
    rng = Random(seed)
    return rng.getrandbits(128), rng.getrandbits(128), rng.getrandbits(128)


class Bench:
    """A crypto unit with its reset, and the tests' way to it. ``ctx`` is that of the running testbench."""

    def __init__(self, kind: str = "iterative", cores: int = 1, hash_units: int = 1):
        self.unit = Crypto(MmtConfig(aes=kind, aes_cores=cores), (8, 4), hash_units)
        self.reset = Signal()
        self.top = Module()
        self.top.submodules.unit = ResetInserter(self.reset)(self.unit)
        self.hash_units = [HashUnit() for _ in range(hash_units)]
        for number, unit in enumerate(self.hash_units):
            self.top.submodules[f"hash{number}"] = unit
            port = getattr(self.unit, f"hash_test{number}")
            self.top.d.comb += [
                unit.keys.eq(self.unit.hash_keys),
                unit.test.active.eq(port.active),
                unit.test.beats.valid.eq(port.beats.valid),
                unit.test.beats.index.eq(port.beats.index),
                unit.test.beats.data.eq(port.beats.data),
                unit.test.beats.node.eq(port.beats.node),
                port.beats.done.eq(unit.test.beats.done),
                port.beats.value.eq(unit.test.beats.value),
            ]
        self.taken = 0
        self.ctx = None

    def run(self, scenario: Callable) -> None:
        async def bench(ctx):
            self.ctx = ctx
            await scenario(self)

        simulator = Simulator(self.top)
        simulator.add_clock(1e-6)
        simulator.add_testbench(bench)
        simulator.run()

    async def start(self, words: list[int] | None = None, limit: int = 4000) -> int:
        """Reset, offer words, and step to ``ready`` or ``failed``. Clients ask all the time, and must get nothing
        before. Return the cycles it took."""
        ctx, unit = self.ctx, self.unit
        ctx.set(self.reset, 1)
        await ctx.tick()
        ctx.set(self.reset, 0)
        self.taken = 0
        queue = list(words or [])
        for cycle in range(limit):
            for client in (unit.client0, unit.client1):
                ctx.set(client.request.valid, 1)
            ctx.set(unit.entropy.valid, bool(queue))
            if queue:
                ctx.set(unit.entropy.payload, queue[0])
            if ctx.get(unit.ready) or ctx.get(unit.failed) != Failure.NONE:
                return cycle
            self.refused()
            if queue and ctx.get(unit.entropy.ready):
                queue.pop(0)
                self.taken += 1
            await ctx.tick()
        return limit

    def refused(self) -> None:
        """No client gets anything."""
        for client in (self.unit.client0, self.unit.client1):
            assert not self.ctx.get(client.request.ready)
            assert not self.ctx.get(client.done)

    async def stays_closed(self, cycles: int = 60) -> None:
        """Failed for good: no answer, no result, no hash key, and no more entropy taken."""
        ctx, unit = self.ctx, self.unit
        reason = ctx.get(unit.failed)
        assert reason != Failure.NONE
        await ctx.tick().repeat(LATENCY + 22)  # what was under way is over
        for _ in range(cycles):
            self.refused()
            assert ctx.get(unit.client0.result) == ctx.get(unit.client1.result) == 0
            assert ctx.get(unit.hash_keys.as_value()) == 0
            assert not ctx.get(unit.entropy.ready) and not ctx.get(unit.ready)
            assert ctx.get(unit.failed) == reason
            await ctx.tick()

    async def encrypt(self, key: AesKey, block: int) -> int:
        """Ask as client 0."""
        ctx, client = self.ctx, self.unit.client0
        ctx.set(self.unit.client1.request.valid, 0)
        ctx.set(client.request.valid, 0)
        await ctx.tick().repeat(2 * LATENCY)
        ctx.set(client.request.p, {"key": key, "block": block, "tag": 0x5A})
        ctx.set(client.request.valid, 1)
        await ctx.tick().until(client.request.ready)
        ctx.set(client.request.valid, 0)
        tag, result = await ctx.tick().sample(client.tag, client.result).until(client.done)
        assert tag == 0x5A
        return result

    async def has_keys(self, keys: tuple[int, ...]) -> None:
        """The bank encrypts under these keys, and the hash keys are theirs."""
        assert self.ctx.get(self.unit.ready) and self.ctx.get(self.unit.failed) == Failure.NONE
        assert list(self.ctx.get(self.unit.hash_keys)) == reference.hash_keys(keys[2])
        for key in AesKey:
            assert await self.encrypt(key, 0x1234 << 99) == reference.aes(keys[key.value], 0x1234 << 99)


def test_constants():
    """The constants that the self-test compares with follow from its description."""
    for kind in AES_KINDS:
        assert (self_test.EXPECTED_AES[kind], self_test.EXPECTED_HASH[kind]) == reference.self_test(kind)
    assert (self_test.FIPS_KEY, self_test.FIPS_BLOCK) == (reference.FIPS_KEY, reference.FIPS_PLAIN)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the self-test of units made from here on be short: what it finds is the matter of other tests."""
    for kind, blocks in (("pipelined", 12), ("iterative", 2)):
        aes_sum, hash_sum = reference.self_test(kind, blocks)
        monkeypatch.setitem(self_test.BLOCKS, kind, blocks)
        monkeypatch.setitem(self_test.EXPECTED_AES, kind, aes_sum)
        monkeypatch.setitem(self_test.EXPECTED_HASH, kind, hash_sum)


@pytest.mark.regress
@pytest.mark.parametrize(("kind", "cores", "hash_units"), [("pipelined", 2, 1), ("iterative", 1, 3)])
def test_keys_after_whole_test(kind: str, cores: int, hash_units: int):
    """As below, after the self-test in its full length."""
    check_keys(Bench(kind, cores, hash_units), resets=2)


@pytest.mark.covers("MMT.KEYS", "M18")
@pytest.mark.parametrize(("kind", "cores", "hash_units", "resets"), [("pipelined", 1, 1, 1), ("iterative", 2, 3, 2)])
def test_keys(kind: str, cores: int, hash_units: int, resets: int, brief):
    check_keys(Bench(kind, cores, hash_units), resets)


def check_keys(bench: Bench, resets: int) -> None:
    """Twelve words become the keys that the bank uses; a second reset takes twelve others, and they are other keys."""

    async def scenario(bench: Bench):
        for seed in range(resets):
            keys = random_keys(seed)
            await bench.start([*words_of(keys), 0xDEAD, 0xBEEF])
            assert bench.taken == 12
            assert not bench.ctx.get(bench.unit.test_keys_used)
            await bench.has_keys(keys)

    bench.run(scenario)


@pytest.mark.covers("MMT.KEYS", "M17")
def test_no_key_before_all_words(brief):
    """Eleven words are not enough: nothing is answered, however long it takes. No port reads a key."""

    async def scenario(bench: Bench):
        assert await bench.start(words_of(random_keys(3))[:11], limit=600) == 600
        assert bench.taken == 11 and not bench.ctx.get(bench.unit.ready)
        bench.refused()

    bench = Bench()
    bench.run(scenario)
    assert set(bench.unit.signature.members) == {
        "entropy", "test_keys", "test_keys_used", "client0", "client1", "hash_keys", "hash_test0", "ready", "failed",
    }  # fmt: skip


def _equal_word(place: int, like: int) -> list[int]:
    words = words_of(random_keys(4))
    words[place] = words[like]
    return words


BAD_ENTROPY = {
    "stuck": [0x5555] * 12,
    "zeros": [0] * 12,
    "zero-last": [*words_of(random_keys(4))[:11], 0],
    "next": _equal_word(1, 0),
    "period-3": [1, 2, 3] * 4,
    "same-key": words_of((random_keys(4)[0], random_keys(4)[0], random_keys(4)[2])),
    "first-and-last": _equal_word(11, 0),
}


@pytest.mark.covers("MMT.KEYS", "M18")
def test_entropy_repeats(brief):
    """Words that repeat: in a row, with a period, a whole key, the last of all. Fails closed."""

    async def scenario(bench: Bench):
        for words in BAD_ENTROPY.values():
            await bench.start(words)
            assert bench.ctx.get(bench.unit.failed) == Failure.ENTROPY_REPEAT
            await bench.stays_closed(10)

    Bench().run(scenario)


@pytest.mark.covers("MMT.KEYS", "M18")
def test_keys_of_before(brief):
    """Any of the three keys again after a reset fails closed, and leaves the memory of the last good keys alone."""

    async def scenario(bench: Bench):
        first, second = random_keys(5), random_keys(6)
        await bench.start(words_of(first))
        await bench.has_keys(first)
        for number in range(3):
            keys = tuple(first[n] if n == number else second[n] for n in range(3))
            await bench.start(words_of(keys))
            assert bench.ctx.get(bench.unit.failed) == Failure.KEYS_REPEAT
            await bench.stays_closed(10)
        await bench.start(words_of(second))
        await bench.has_keys(second)

    Bench().run(scenario)


@pytest.mark.covers("MMT.KEYS", "M18")
def test_strap(brief):
    """The strap gives fixed keys, says so, takes no entropy, and counts only in the first cycle after reset."""

    async def scenario(bench: Bench):
        for _ in range(2):  # the same keys again are no failure here
            bench.ctx.set(bench.unit.test_keys, 1)
            await bench.start(words_of(random_keys(7)))
            assert bench.taken == 0 and bench.ctx.get(bench.unit.test_keys_used)
            await bench.has_keys(TEST_KEYS)
        bench.ctx.set(bench.unit.test_keys, 0)
        await bench.start(words_of(random_keys(7)))
        bench.ctx.set(bench.unit.test_keys, 1)
        await bench.has_keys(random_keys(7))
        assert not bench.ctx.get(bench.unit.test_keys_used)

    Bench().run(scenario)


# Stuck-at faults: every node of the cores' logic is made by `wire`, so one can be broken.


@contextmanager
def stuck(chosen: Callable[[int, str], tuple[int, int] | None]) -> Iterator[list[str]]:
    """Break nodes while hardware is made. ``chosen`` gives (bit, value) for the n-th node by name, or None."""
    made: list[str] = []
    real = circuit.wire

    def wire(m: Module, name: str, value, width: int):
        signal = real(m, name, value, width)
        fault = chosen(len(made), name)
        made.append(name)
        if fault is None:
            return signal
        bit, level = fault
        broken = Signal(width, name=f"{name}_broken")
        m.d.comb += broken.eq(signal | 1 << bit % width if level else signal & ~(1 << bit % width))
        return broken

    circuit.wire = wire
    try:
        yield made
    finally:
        circuit.wire = real


def reason_with(bench: Bench, chosen: Callable[[int, str], tuple[int, int] | None]) -> tuple[Failure, list[str]]:
    """Return how a unit made with a fault comes out of reset, checked to stay closed when it fails."""
    reasons = []

    async def scenario(bench: Bench):
        await bench.start(words_of(random_keys(8)))
        reasons.append(Failure(bench.ctx.get(bench.unit.failed)))
        if reasons[0] != Failure.NONE:
            await bench.stays_closed(5)

    with stuck(chosen) as made:
        bench.run(scenario)
    return reasons[0], made


@pytest.mark.regress
@pytest.mark.parametrize(
    ("kind", "cores", "samples"), [("iterative", 1, 60), ("pipelined", 1, 12), ("pipelined", 2, 4)]
)
def test_stuck_node_many(kind: str, cores: int, samples: int):
    """As below, many times."""
    test_stuck_node(kind, cores, samples)


@pytest.mark.covers("MMT.SELF_TEST", "M44")
@pytest.mark.parametrize(("kind", "cores", "samples"), [("iterative", 1, 1)])
def test_stuck_node(kind: str, cores: int, samples: int):
    """A single bit of a single node of S-boxes, rows, columns or key expansion, stuck at 0 or 1: never ready."""
    rng = Random(samples)
    with stuck(lambda number, name: None) as made:
        Fragment.get(Bench(kind, cores).top, None).prepare()
    for _ in range(samples):
        target, bit, level = rng.randrange(len(made)), rng.randrange(16), rng.getrandbits(1)
        reason, _ = reason_with(Bench(kind, cores), lambda n, name: (bit, level) if n == target else None)  # noqa: B023
        assert reason == Failure.AES_TEST, f"{made[target]} bit {bit} stuck at {level}"


@pytest.mark.covers("MMT.SELF_TEST", "M44")
def test_every_gate_of_every_sbox():
    """Any gate of any S-box stuck at 0 or 1 changes an output for a byte that the self-test sends through it.

    Exhaustive, by the bytes each S-box of an encryption sees in the test (from the round inputs of plain AES), and the
    same gate list as the hardware's.
    """
    every = list(range(256))
    planes = [sum((value >> bit & 1) << value for value in every) for bit in range(8)]
    good = circuit.substitute(planes, (1 << 256) - 1, lambda _, value: value)
    noticed = {}
    for gate, *_ in circuit.GATES:
        for level in (0, (1 << 256) - 1):
            bad = circuit.substitute(planes, (1 << 256) - 1, lambda n, v: level if n == gate else v)  # noqa: B023
            difference = 0
            for right, wrong in zip(good, bad, strict=True):
                difference |= right ^ wrong
            noticed[gate, level & 1] = difference
    for kind in AES_KINDS:
        for number, seen in enumerate(bytes_seen(kind)):
            for fault, inputs in noticed.items():
                assert seen & inputs, f"{kind}: S-box {number}, {fault}"


def bytes_seen(kind: str) -> list[int]:
    """Return, for each S-box of a core, the set of bytes it sees, as a mask of 256 bits."""
    sbox = [circuit.sub_byte(value) for value in range(256)]
    double = [circuit.field_multiply(value, 2) for value in range(256)]

    def rounds(key: int, block: int) -> Iterator[bytes]:
        """Yield the input of SubBytes in each round."""
        words = [key.to_bytes(16, "little")[4 * n : 4 * n + 4] for n in range(4)]
        constant = 1
        for n in range(4, 44):
            last = words[-1]
            if n % 4 == 0:
                last = bytes([sbox[last[1]] ^ constant, sbox[last[2]], sbox[last[3]], sbox[last[0]]])
                constant = double[constant]
            words.append(bytes(a ^ b for a, b in zip(words[n - 4], last, strict=True)))
        state = block.to_bytes(16, "little")
        for number in range(10):
            state = bytes(a ^ b for a, b in zip(state, b"".join(words[4 * number : 4 * number + 4]), strict=True))
            yield state
            moved = [sbox[state[(n + 4 * (n % 4)) % 16]] for n in range(16)]
            mixed = []
            for n in range(16):
                a, b, c, d = (moved[n // 4 * 4 + (n + k) % 4] for k in range(4))
                mixed.append(double[a] ^ double[b] ^ b ^ c ^ d)
            state = bytes(mixed)

    blocks, chains = self_test.BLOCKS[kind], LATENCY // self_test.interval_of(kind)
    seen = [0] * (160 if kind == "pipelined" else 16)
    for flip in (0, (1 << 128) - 1):
        answers: list[int] = []
        for step in range(blocks):
            key = (self_test.OTHER_KEY if step % 2 else self_test.FIPS_KEY) ^ flip
            block = answers[step - chains] if step >= chains else self_test.FIPS_BLOCK ^ step
            answers.append(reference.aes(key, block))
            for number, state in enumerate(rounds(key, block)):
                for place, value in enumerate(state):
                    seen[(16 * number + place) % len(seen)] |= 1 << value
    return seen


@pytest.mark.parametrize("hash_units", [0, 5])
def test_hash_units_refused(hash_units: int):
    unit = Crypto.__new__(Crypto)
    unit._MustUse__used = True  # Amaranth warns about a component that is not elaborated
    with pytest.raises(ConfigError, match=f"hash_units is {hash_units}; accepted are 1 to 4"):
        unit.__init__(MmtConfig(), (1,), hash_units)
