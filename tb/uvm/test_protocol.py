# SPDX-License-Identifier: Apache-2.0
"""The checker of a port finds each rule broken, without a simulator."""

from collections.abc import Iterable

import pytest

from tb.bus.bursts import FIXED, INCR, WRAP

from .protocol import CHANNELS, Checker, Open, Violation

Beat = tuple[str, bool, dict[str, int]]
"""A channel that offers, whether it is taken, and the payload."""


def play(checker: Checker, cycles: Iterable[list[Beat]]) -> None:
    """Show a checker cycles of a port; after a first one in which nothing is offered."""
    for beats in ([], *cycles):
        offered = {channel: fields for channel, _, fields in beats}
        shakes = 0
        for channel, ready, _ in beats:
            shakes |= (1 | ready << 1) << 2 * CHANNELS.index(channel)
        table = {channel: hash(tuple(sorted(fields.items()))) for channel, fields in offered.items()}
        checker.cycle(shakes, table.__getitem__, lambda channel, _, offered=offered: offered[channel])


def ar(id: int = 0, beats: int = 2, addr: int = 0x40, size: int = 4, burst: int = INCR) -> dict[str, int]:
    return {"id": id, "addr": addr, "len": beats - 1, "size": size, "burst": burst}


def r(last: int, id: int = 0, resp: int = 0, data: int = 5) -> dict[str, int]:
    return {"id": id, "data": data, "resp": resp, "last": last}


def w(last: int, strb: int = 0xFFFF) -> dict[str, int]:
    return {"data": 1, "strb": strb, "last": last}


def b(id: int = 0, resp: int = 0) -> dict[str, int]:
    return {"id": id, "resp": resp}


GOOD: list[list[Beat]] = [
    [("ar", False, ar(1))],
    [("ar", True, ar(1)), ("aw", True, ar(2)), ("w", True, w(0))],
    [("r", False, r(0, 1)), ("w", False, w(1))],
    [("r", True, r(0, 1)), ("w", True, w(1))],
    [("r", True, r(1, 1)), ("b", True, b(2))],
]
READ: list[list[Beat]] = [[("ar", True, ar())]]
WRITE: list[list[Beat]] = [[("aw", True, ar())]]
BAD: dict[str, tuple[str, list[list[Beat]]]] = {
    "withdrawn": ("STABLE", [[("ar", False, ar())], []]),
    "changed": ("STABLE", [[("ar", False, ar(1))], [("ar", True, ar(2))]]),
    "answer changed": ("STABLE", [*READ, [("r", False, r(0))], [("r", True, r(0, data=6))]]),
    "wide": ("SHAPE", [[("ar", True, ar(size=5))]]),
    "over a page": ("SHAPE", [[("ar", True, ar(addr=0xFF0))]]),
    "long FIXED": ("SHAPE", [[("aw", True, ar(beats=17, burst=FIXED))]]),
    "odd WRAP": ("SHAPE", [[("ar", True, ar(beats=3, burst=WRAP))]]),
    "crooked WRAP": ("SHAPE", [[("ar", True, ar(addr=0x48, burst=WRAP))]]),
    "no type": ("SHAPE", [[("ar", True, ar(burst=3))]]),
    "other lanes": ("LANES", [[("aw", True, ar(size=2))], [("w", True, w(0, 0x10))]]),
    "early WLAST": ("WLAST", [*WRITE, [("w", True, w(1))]]),
    "late WLAST": ("WLAST", [*WRITE, [("w", True, w(0))], [("w", True, w(0))]]),
    "R for nobody": ("ASKED", [*READ, [("r", True, r(0, 1))]]),
    "R with its address": ("ASKED", [[("ar", True, ar()), ("r", True, r(0))]]),
    "R twice": ("ASKED", [*READ, [("r", True, r(0))], [("r", True, r(1))], [("r", True, r(1))]]),
    "B before the data": ("ASKED", [*WRITE, [("w", True, w(0))], [("b", True, b())]]),
    "B with the last beat": ("ASKED", [*WRITE, [("w", True, w(0))], [("w", True, w(1)), ("b", True, b())]]),
    "early RLAST": ("RLAST", [*READ, [("r", True, r(1))]]),
    "late RLAST": ("RLAST", [*READ, [("r", True, r(0))], [("r", True, r(0))]]),
    "EXOKAY": ("RESP", [*READ, [("r", True, r(0, resp=1))]]),
}


def test_legal_traffic_passes():
    checker = Checker("port")
    closed: list[Open] = []
    checker.closed = closed.append
    play(checker, GOOD)
    checker.rest()
    assert [len(entry.answer) for entry in closed] == [1, 2] or [len(entry.answer) for entry in closed] == [2, 1]


@pytest.mark.parametrize("name", BAD)
def test_every_rule_is_found_broken(name: str):
    rule, cycles = BAD[name]
    with pytest.raises(Violation) as broken:
        play(Checker("port"), cycles)
    assert broken.value.rule == rule


def test_offered_right_after_reset():
    checker = Checker("port")
    with pytest.raises(Violation) as broken:
        checker.cycle(1, lambda channel: 0, lambda channel, value: {})
    assert broken.value.rule == "RESET"


def test_what_is_left_over_is_found():
    checker = Checker("port")
    play(checker, READ)
    with pytest.raises(Violation):
        checker.rest()
