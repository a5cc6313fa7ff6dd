# SPDX-License-Identifier: Apache-2.0
"""Rules of AXI4 and AXI4-Lite (Arm IHI 0022H) that a port is held to, by either side, cycle by cycle.

| rule | what | section |
|---|---|---|
| RESET | nothing is offered in the first cycle after reset | A3.1.2 |
| STABLE | what is offered stays offered and unchanged until it is taken | A3.2.1 |
| SHAPE | size, length and type of a burst are legal; INCR stays within 4 KiB | A3.4.1 |
| LANES | strobes only of lanes that the beat has | A3.4.3 |
| WLAST | at the last beat of a burst and only there | A3.4.1 |
| ASKED | an answer only to what was asked, B after the last beat of its burst, each once | A3.3, A5.3 |
| RLAST | at the last beat of a burst and only there | A3.4.1 |
| RESP | OKAY, SLVERR or DECERR | A3.4.4 |

Pure Python, so that the checker itself is tested without a simulator.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tb.bus.bursts import FIXED, INCR, WRAP, Burst
from yingzhou.bus.axi4 import CHANNELS

VALIDS: Final = 0x155
"""The valids among the handshakes."""
EXOKAY: Final = 1
PAGE: Final = 4096


class Violation(AssertionError):
    """A rule was broken. ``rule`` is its name."""

    def __init__(self, port: str, rule: str, text: str):
        super().__init__(f"{port}: {rule}: {text}")
        self.rule = rule


@dataclass
class Open:
    """A burst that has no complete answer. ``beats``: of a write, its data as far as it has come."""

    burst: Burst
    tag: int
    beats: list[tuple[int, int]] = field(default_factory=list)
    answer: list[tuple[int, int]] = field(default_factory=list)
    sent: bool = False


def shape_fault(burst: Burst, lanes: int) -> str | None:
    """Return what is wrong with a burst on a port of ``lanes`` bytes, or None."""
    step = 1 << burst.size
    if step > lanes:
        return f"a beat of {step} bytes on {lanes} lanes"
    match burst.kind:
        case 0:
            return f"FIXED of {burst.beats} beats" if burst.beats > 16 else None
        case 2:
            if burst.beats not in (2, 4, 8, 16):
                return f"WRAP of {burst.beats} beats"
            return f"WRAP from {burst.addr:#x}, not aligned to {step}" if burst.addr % step else None
        case 1:
            end = (burst.addr >> burst.size << burst.size) + (burst.beats << burst.size) - 1
            return f"{burst.addr:#x} to {end:#x} crosses 4 KiB" if burst.addr // PAGE != end // PAGE else None
    return f"type {burst.kind}"


class Checker:
    """Follows one port.

    ``opened``, ``beat``, ``closed`` are called with the burst when its address was taken, when a beat of write data
    has found its address, and when its answer is complete. ``lite``: AXI4-Lite, bursts of one beat, no identifiers.
    """

    def __init__(self, port: str, *, lite: bool = False, lanes: int = 16):
        self.port, self.lite, self.lanes = port, lite, lanes
        self.opened: Callable[[Open], None] = lambda entry: None
        self.beat: Callable[[Open], None] = lambda entry: None
        self.closed: Callable[[Open], None] = lambda entry: None
        self.transfers: dict[str, int] = dict.fromkeys(CHANNELS, 0)
        self.stalls: dict[str, int] = dict.fromkeys(CHANNELS, 0)
        self._tag = 0
        self.reset()

    def reset(self) -> None:
        """The port is in reset: everything under way is gone."""
        self._held: dict[str, int] = {}
        self._first = True
        self._reads: dict[int, deque[Open]] = {}
        self._writes: dict[int, deque[Open]] = {}
        self._addressed: deque[Open] = deque()
        self._ahead: deque[dict[str, int]] = deque()

    @property
    def under_way(self) -> int:
        """Bursts without a complete answer."""
        return sum(map(len, (*self._reads.values(), *self._writes.values())))

    def kinds_under_way(self) -> set[bool]:
        """Return whether writes (True), reads (False) have no complete answer."""
        return {entry.burst.write for queue in (*self._reads.values(), *self._writes.values()) for entry in queue}

    def cycle(self, shakes: int, payload: Callable[[str], int], unpack: Callable[[str, int], dict[str, int]]) -> None:
        """One cycle outside reset: handshakes as in the shell, and ways to a channel's payload and fields."""
        if not shakes & VALIDS and not self._held:
            self._first = False
            return
        now: dict[str, int] = {}
        taken: list[tuple[str, int]] = []
        for number, channel in enumerate(CHANNELS):
            valid, ready = shakes >> 2 * number & 1, shakes >> 2 * number + 1 & 1
            if not valid:
                self._rule("STABLE", channel not in self._held, f"{channel} was withdrawn")
                continue
            self._rule("RESET", not self._first, f"{channel} is offered right after reset")
            value = payload(channel)
            held = self._held.get(channel, value)
            self._rule("STABLE", value == held, f"{channel} changed from {held:#x} to {value:#x}")
            if ready:
                taken.append((channel, value))
                self.transfers[channel] += 1
            else:
                now[channel] = value
                self.stalls[channel] += 1
        self._held, self._first = now, False
        # Answers first: what is asked in this cycle cannot be answered in it.
        for channel in ("b", "r", "aw", "ar", "w"):
            for name, value in taken:
                if name == channel:
                    getattr(self, f"_{channel}")(unpack(channel, value))

    def rest(self) -> None:
        """Nothing may be under way."""
        self._rule("ASKED", not self.under_way, f"{self.under_way} bursts have no answer")
        self._rule("ASKED", not self._ahead, "write data without an address")

    def _rule(self, rule: str, good: bool, text: str) -> None:
        if not good:
            raise Violation(self.port, rule, text)

    def _burst(self, write: bool, fields: dict[str, int]) -> Open:
        self._tag += 1
        if self.lite:
            return Open(Burst(write, 0, fields["addr"], 1, self.lanes.bit_length() - 1, INCR), self._tag)
        burst = Burst(write, fields["id"], fields["addr"], fields["len"] + 1, fields["size"], fields["burst"])
        fault = shape_fault(burst, self.lanes)
        self._rule("SHAPE", fault is None, f"{'AW' if write else 'AR'}: {fault}")
        return Open(burst, self._tag)

    def _aw(self, fields: dict[str, int]) -> None:
        entry = self._burst(True, fields)
        self._writes.setdefault(entry.burst.id, deque()).append(entry)
        self._addressed.append(entry)
        self.opened(entry)
        while self._ahead and self._addressed:
            self._pair(self._ahead.popleft())

    def _ar(self, fields: dict[str, int]) -> None:
        entry = self._burst(False, fields)
        self._reads.setdefault(entry.burst.id, deque()).append(entry)
        self.opened(entry)

    def _w(self, fields: dict[str, int]) -> None:
        if self._addressed:
            self._pair(fields)
        else:
            self._ahead.append(fields)

    def _pair(self, fields: dict[str, int]) -> None:
        """Give a beat to the oldest address without all of its data (A5.4)."""
        entry = self._addressed[0]
        number = len(entry.beats)
        strobe = fields["strb"]
        if not self.lite:
            allowed = sum(1 << lane for lane in entry.burst.lanes(number))
            self._rule("LANES", strobe & ~allowed == 0, f"strobes {strobe:#x} at beat {number} of {entry.burst}")
        last = number + 1 == entry.burst.beats
        self._rule("WLAST", self.lite or fields["last"] == last, f"WLAST at beat {number} of {entry.burst}")
        entry.beats.append((fields["data"], strobe))
        if last:
            entry.sent = True
            self._addressed.popleft()
        self.beat(entry)

    def _answer(self, entries: dict[int, deque[Open]], fields: dict[str, int], name: str) -> Open:
        ident = fields.get("id", 0)
        queue = entries.get(ident)
        self._rule("ASKED", bool(queue), f"{name} for identifier {ident}, which asked for nothing")
        assert queue is not None
        self._rule("RESP", fields["resp"] != EXOKAY, f"{name} answers EXOKAY")
        queue[0].answer.append((fields.get("data", 0), fields["resp"]))
        return queue[0]

    def _b(self, fields: dict[str, int]) -> None:
        entry = self._answer(self._writes, fields, "B")
        self._rule("ASKED", entry.sent, f"B before the last beat of {entry.burst}")
        self._writes[entry.burst.id].popleft()
        self.closed(entry)

    def _r(self, fields: dict[str, int]) -> None:
        entry = self._answer(self._reads, fields, "R")
        last = len(entry.answer) == entry.burst.beats
        self._rule("RLAST", self.lite or fields["last"] == last, f"RLAST at beat {len(entry.answer)} of {entry.burst}")
        if last:
            self._reads[entry.burst.id].popleft()
            self.closed(entry)


__all__ = ["CHANNELS", "FIXED", "INCR", "WRAP", "Checker", "Open", "Violation", "shape_fault"]
