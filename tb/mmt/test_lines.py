# SPDX-License-Identifier: Apache-2.0
"""Lines against its neighbours of ``lines_bench``; what lies in DRAM against the model's cryptography."""

from random import Random
from typing import Any

import pytest

from tb.mmt.lines_bench import ZEROS, Bench, Op, Pace, config_of
from yingzhou.mmt.config import MmtConfig
from yingzhou.mmt.signature import Kind

TINY = config_of(slots=2, mac_cache_lines=2, aes="iterative")
SMALL = config_of(slots=4, mac_cache_lines=8)
DEFAULT = config_of()
SLOW = Pace(dram=25, aes=15, aes_interval=3, write=30, stall=0.3, gap=0.2)
FULL = 2**64 - 1


def sealed(config: MmtConfig, lines: range | list[int], seed: int = 1, **options: Any) -> Bench:
    """Return a bench with known content in ``lines``."""
    bench = Bench(config, seed=seed, **options)
    rng = Random(seed + 100)
    for line in lines:
        bench.seal(line, rng.randbytes(64), 1 + rng.randrange(1000))
    return bench


def draw(rng: Random, lines: list[int], count: int, writes: float = 0.5) -> list[Op]:
    ops = []
    for _ in range(count):
        op = Op(rng.choice(lines), id=rng.randrange(4))
        if rng.random() < writes:
            op.write, op.data = True, rng.randbytes(64)
            op.strobe = rng.choice([FULL, FULL, rng.getrandbits(64), 1 << rng.randrange(64), 0])
        op.outside = rng.random() < 0.03
        ops.append(op)
    return ops


def settled(bench: Bench) -> None:
    """Every line in DRAM is what was written, under the counter that Tree gave, with its MAC."""
    for line, root in bench.counters:
        want = bench.root_shadow.get(line, ZEROS) if root else bench.shadow.get(line, ZEROS)
        assert bench.unseal(line, root=root) == want, f"line {line:#x} {root}"


LINES = [*range(24), 60, 61, 62, 64, 65, 127, 130, 200, 1000, 5000, 5001, 5008]


@pytest.mark.regress
@pytest.mark.parametrize("config", [TINY, SMALL, DEFAULT], ids=["tiny", "small", "default"])
@pytest.mark.parametrize("pace", [Pace(), SLOW, Pace(dram=2, aes=1, write=1)], ids=["usual", "slow", "fast"])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_mix(config: MmtConfig, pace: Pace, seed: int):
    """Reads, writes of all kinds, misses, overflows and root jobs beside each other: no false alarm, DRAM right.

    covers: MMT.LINE_ORDER
    """
    rng = Random(seed)
    bench = sealed(config, [n for n in LINES if n % 3], seed, pace=pace, miss=0.02, overflow=0.03, unserved=0.1)
    if seed == 2:
        bench.read_ready = lambda cycle: cycle % 7 < 3

    async def scenario(b: Bench) -> None:
        await b.play(draw(rng, LINES, 250))
        await b.flush()

    bench.run(scenario)
    assert not bench.failures
    assert bench.recrypted > 0 and bench.root_shadow
    settled(bench)


@pytest.mark.parametrize(
    ("config", "pace", "seed", "count"),
    [(TINY, SLOW, 2, 25), (SMALL, Pace(), 1, 40)],
    ids=["tiny-slow", "small-usual"],
)
def test_few_at_random(config: MmtConfig, pace: Pace, seed: int, count: int):
    """As above, with few operations on few lines.

    covers: MMT.LINE_ORDER
    """
    few = [0, 1, 2, 8, 62, 64, 130, 5000]
    bench = sealed(config, [n for n in few if n % 3], seed, pace=pace, miss=0.05, overflow=0.05, unserved=0.1)
    if pace.stall:
        bench.read_ready = lambda cycle: cycle % 7 < 3

    async def scenario(b: Bench) -> None:
        await b.play(draw(Random(seed), few, count))
        await b.flush()

    bench.run(scenario)
    assert not bench.failures
    settled(bench)


def test_what_was_changed_in_memory():
    """Content, MAC, place or age of a line changed, or an error of memory: zeros with an error, a record for each, and
    a write of a part does not happen. Neighbours are served.

    covers: MMT.LINE_MAC MMT.VERDICT_FIRST
    """
    content, mac, moved, with_, old, broken, no_mac, part, denied = (3, 12, 17, 18, 33, 40, 48, 66, 70)
    whole, good = 67, [4, 13, 34, 68, 130]
    bench = sealed(SMALL, [content, mac, moved, with_, old, broken, no_mac, part, denied, whole, *good])
    memory = bench.memory

    def flip(line: int, bit: int) -> None:
        value = int.from_bytes(memory[line], "little") ^ 1 << bit
        memory[line] = value.to_bytes(64, "little")

    flip(content, 511)
    flip(bench.mac_line(mac), mac % 8 * 64)
    memory[moved], memory[with_] = memory[with_], memory[moved]
    before = memory[old], memory[bench.mac_line(old)]
    bench.seal(old, bytes(range(64)), bench.counters[old, False] + 1)
    memory[old], memory[bench.mac_line(old)] = before
    flip(part, 0)
    part_before = memory[part]
    flip(whole, 77)  # a write of a whole line does not look at it
    bench.bad_reads |= {broken, bench.mac_line(no_mac)}
    bench.denied.add(denied)
    changed = [content, mac, moved, with_, old, broken, no_mac]
    kinds = {line: Kind.LINE_MAC for line in (*changed, part)} | dict.fromkeys((broken, no_mac), Kind.MEMORY_ERROR)

    async def scenario(b: Bench) -> None:
        wrong = [Op(line, id=line % 4, error=True) for line in changed]
        right = [Op(line, id=line % 4) for line in good]
        writes = [
            Op(part, write=True, data=b"\x55" * 64, strobe=1, error=True),
            Op(whole, write=True, data=b"\xaa" * 64),
            Op(denied, write=True, data=b"\xaa" * 64),
        ]
        await b.play([op for pair in zip(wrong, right + writes, strict=False) for op in pair] + writes[2:])
        await b.play([Op(line) for line in (*good, whole, denied)])
        await b.flush()

    bench.run(scenario)
    tree = bench.tree_of
    assert sorted(bench.failures, key=repr) == sorted(
        [(kind, line, False, tree(line)) for line, kind in kinds.items()], key=repr
    )
    assert memory[part] == part_before
    assert bench.unseal(whole) == b"\xaa" * 64


def test_nothing_while_not_active():
    """Before keys and after a stop every operation ends with an error, and memory hears nothing."""
    bench = sealed(TINY, [1, 2])
    bench.active = False

    async def scenario(b: Bench) -> None:
        await b.play([Op(1), Op(2, write=True), Op(2, write=True, strobe=1), Op(9), Op(1)])

    bench.run(scenario)
    assert not bench.dram_reads and not bench.dram_writes and not bench.failures
