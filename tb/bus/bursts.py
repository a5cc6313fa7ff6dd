# SPDX-License-Identifier: Apache-2.0
"""AXI bursts as operations on lines (Arm IHI 0022H, A3.4): what the scoreboard expects of them."""

from dataclasses import dataclass, field
from itertools import groupby
from random import Random
from typing import Final

FIXED, INCR, WRAP = 0, 1, 2
LANES: Final = 16
FULL: Final = 2**64 - 1


@dataclass(frozen=True)
class Burst:
    """A burst. ``size`` is a logarithm; ``strobes`` and ``data`` are a beat's 16 lanes, for a write."""

    write: bool
    id: int
    addr: int
    beats: int
    size: int = 4
    kind: int = INCR
    data: tuple[bytes, ...] = ()
    strobes: tuple[int, ...] = ()

    def beat_addr(self, number: int) -> int:
        """Return the first byte of a beat."""
        if self.kind == FIXED or number == 0:
            return self.addr
        step = 1 << self.size
        addr = self.addr // step * step + number * step
        if self.kind == WRAP:
            span = step * self.beats
            addr = self.addr // span * span + addr % span
        return addr

    def lanes(self, number: int) -> range:
        """Return the byte lanes that a beat may use."""
        first = self.beat_addr(number) % LANES
        return range(first, (first // (1 << self.size) + 1) * (1 << self.size))


@dataclass
class Chunk:
    """Consecutive beats of a burst in one line: one operation of the engine. ``line`` is an address / 64."""

    line: int
    beats: list[int] = field(default_factory=list)
    data: bytes = bytes(64)
    strobe: int = 0


def chunks(burst: Burst) -> list[Chunk]:
    """Return the operations on lines that a burst is."""
    result = []
    for line, beats in groupby(range(burst.beats), lambda number: burst.beat_addr(number) // 64):
        chunk = Chunk(line, list(beats))
        if burst.write:
            data = bytearray(64)
            for number in chunk.beats:
                base = burst.beat_addr(number) % 64 // LANES * LANES
                for lane in range(LANES):
                    if burst.strobes[number] >> lane & 1:
                        data[base + lane] = burst.data[number][lane]
                        chunk.strobe |= 1 << base + lane
            chunk.data = bytes(data)
        result.append(chunk)
    return result


def line_write(id: int, addr: int, data: bytes, strobe: int = FULL) -> Burst:
    """Return the burst that writes bytes of one line."""
    beats = tuple(data[16 * i : 16 * i + 16] for i in range(4))
    return Burst(True, id, addr, 4, 4, INCR, beats, tuple(strobe >> 16 * i & 0xFFFF for i in range(4)))


def line_read(id: int, addr: int) -> Burst:
    """Return the burst that reads one line."""
    return Burst(False, id, addr, 4)


def draw(rng: Random, addr: int, id: int, write: bool) -> Burst:
    """Return some legal burst that begins in the line of ``addr``."""
    style = rng.choice(("line", "line", "incr", "long", "narrow", "wrap", "fixed"))
    addr = addr // 64 * 64
    size, kind, beats = 4, INCR, 4
    match style:
        case "incr":
            addr, beats = addr + rng.randrange(64), rng.randint(1, 8)
        case "long":
            beats = rng.choice((16, 33, 64))
        case "narrow":
            size = rng.randrange(4)
            addr, beats = addr + rng.randrange(64), rng.randint(1, 40)
        case "wrap":
            size, kind, beats = rng.choice((4, 4, 3, 2, 0)), WRAP, rng.choice((2, 4, 8, 16))
            addr += rng.randrange(64) >> size << size
        case "fixed":
            size, kind, beats = rng.randrange(5), FIXED, rng.randint(1, 16)
            addr += rng.randrange(64)
    if kind == INCR:  # Not beyond 4 KiB
        room = (addr // 4096 + 1) * 4096 - (addr >> size << size)
        beats = min(beats, room >> size)
    burst = Burst(write, id, addr, beats, size, kind)
    if not write:
        return burst
    sparse = rng.random()
    data, strobes = [], []
    for number in range(beats):
        lanes = sum(1 << lane for lane in burst.lanes(number))
        strobe = lanes if sparse < 0.6 else lanes & rng.getrandbits(16) if sparse < 0.95 else 0
        data.append(rng.randbytes(16))
        strobes.append(strobe)
    return Burst(True, id, addr, beats, size, kind, tuple(data), tuple(strobes))
