# SPDX-License-Identifier: Apache-2.0
"""Coverage plan of the guard's bench: every point has a name, and the test fails when one is not hit.

``points`` lists the names for a configuration; the ``observe_*`` functions say which of them one observation hits.
Names read ``group/what/where``. Positions are those of a page (or a superpage's edge) against an area: one ``before``,
the ``first``, the ``last``, one ``after``.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

from tb.models import gpt as model
from tb.models import gpt_registers as registers
from tb.models.gpt import Guard, Pte, Rule, meets
from yingzhou.gpt.config import GptConfig

from .stimulus import Read

POSITIONS: Final = ("before", "first", "last", "after")
WORLDS: Final = ("host", "enclave")
KINDS: Final = {model.HPT_AREA: "hpt", model.ENCLAVE_TABLES: "enclave", model.RESERVED: "reserved"}

OFFSET_NAMES: Final = dict(zip(registers.WRITABLE, ("attr", "base_lo", "base_hi", "limit_lo", "limit_hi"), strict=True))

REGISTER_POINTS: Final = (
    "lock/control/refuses-control",
    "lock/control/refuses-area",
    "lock/control/accepts-world",
    *(f"lock/area/refuses-{name}" for name in OFFSET_NAMES.values()),
    "lock/area/accepts-neighbour",
    "lock/reset-releases",
    "record/first-kept",
    "record/cleared",
    "record/again-after-clear",
    "record/answer-before-request",
    "register/no-such-address",
)


def points(config: GptConfig) -> list[str]:
    """Return the names of all points of ``config``."""
    levels = [f"level{level}" for level in range(config.levels)]
    names = list(REGISTER_POINTS)
    names += [f"read/{world}/{level}/{position}" for world, level, position in product(WORLDS, levels, POSITIONS)]
    names += [
        f"leaf/{kind}/{level}/{position}/{access}"
        for kind, level, position, access in product(KINDS.values(), levels, POSITIONS, ("ro", "rw"))
    ]
    for level in levels:
        names += [f"verdict/{rule}/read/{level}" for rule in ("RESET_DENY", "HOST_AREA", "ENCLAVE_AREA")]
        names += [f"verdict/HOST_LEAF/answer/{level}"]
        names += [f"allow/{world}/{pte}/{level}" for world, pte in product(WORLDS, ("pointer", "leaf", "invalid"))]
    names += [f"verdict/{rule}/answer-after-change" for rule in ("RESET_DENY", "HOST_AREA", "ENCLAVE_AREA")]
    names += ["read/outside-a-walk", "read/reserved-kind", "read/wrong-level"]
    names += ["overlap/read-in-two-areas", "overlap/leaf-in-hpt-and-enclave/ro", "overlap/leaf-in-hpt-and-enclave/rw"]
    if config.protection_bit is not None:
        names += [f"window/protected-leaf/{level}" for level in levels]
        names += ["window/raw-alias-of-enclave-area", "window/raw-alias-of-hpt-area", "window/table-by-other-window"]
    if config.device_region is not None:
        names += [f"devices/leaf/{level}" for level in levels]
        names += [f"devices/leaf/{position}" for position in POSITIONS]
        names += ["devices/leaf-in-closed-area"]
    if config.has_napot:
        names += ["napot/sixteen/hit", "napot/sixteen/miss", "napot/reserved/hit", "napot/reserved/miss"]
    if config.pte_ppn_bits > config.ppn_bits:
        names += ["beyond/host/pointer", "beyond/enclave/pointer", "beyond/host/leaf", "beyond/enclave/leaf"]
    return names


def _positions(pages: range, area: range) -> Iterator[str]:
    if area.start < area.stop:
        if pages.stop == area.start:
            yield "before"
        if area.start in pages:
            yield "first"
        if area.stop - 1 in pages:
            yield "last"
        if pages.start == area.stop:
            yield "after"


def observe_request(guard: Guard, read: Read, rule: Rule) -> Iterator[str]:
    """Yield the points that the request of ``read`` hits; ``rule`` is its verdict."""
    world, level = WORLDS[guard.world], f"level{read.level}"
    page = range(read.page, read.page + 1)
    if read.level == guard.paging.levels:
        yield "read/outside-a-walk"
        return
    if rule:
        yield f"verdict/{rule.name}/read/{level}"
    if not guard.enable:
        return
    own = model.HPT_AREA if guard.world == model.HOST else model.ENCLAVE_TABLES
    here = [area for area in guard.areas if area.kind == own and read.level in area.levels]
    for area in here:
        for position in _positions(page, area.pages):
            yield f"read/{world}/{level}/{position}"
    if sum(meets(page, area.pages) for area in here) > 1:
        yield "overlap/read-in-two-areas"
    if rule and any(area.kind == own and meets(page, area.pages) for area in guard.areas):
        yield "read/wrong-level"
    if any(area.kind == model.RESERVED and meets(page, area.pages) for area in guard.areas):
        yield "read/reserved-kind"
    if guard.protection_bit is not None and rule:
        other = read.page ^ 1 << guard.protection_bit - 12
        if any(other in area.pages for area in here):
            yield "window/table-by-other-window"


def observe_answer(guard: Guard, read: Read, rule: Rule, changed: bool) -> Iterator[str]:
    """Yield the points that the answer to ``read`` hits; ``changed``: the settings are not those of the request."""
    world, level = WORLDS[guard.world], f"level{read.level}"
    pte = Pte.decode(guard.paging, read.pte)
    kind = "invalid" if not pte.valid else "leaf" if pte.leaf else "pointer"
    if rule == Rule.HOST_LEAF:
        yield f"verdict/HOST_LEAF/answer/{level}"
    elif rule and changed:
        yield f"verdict/{rule.name}/answer-after-change"
    elif not rule:
        yield f"allow/{world}/{kind}/{level}"
    if guard.read(read.page, read.level):
        return
    if pte.valid and pte.ppn >= 1 << guard.pa_width - 12:
        yield f"beyond/{world}/{kind}"
    elif kind == "leaf" and guard.world == model.HOST:
        yield from _observe_host_leaf(guard, read, pte, rule)


def _observe_host_leaf(guard: Guard, read: Read, pte: Pte, rule: Rule) -> Iterator[str]:
    level, access = f"level{read.level}", "rw" if pte.write else "ro"
    pages = pte.pages(guard.paging, read.level)
    closed = [area for area in guard.areas if area.kind in KINDS]
    hits = {area.kind for area in closed if meets(pages, area.pages)}
    if pte.napot:
        size = "sixteen" if len(pages) == 16 else "reserved"
        yield f"napot/{size}/{'hit' if rule else 'miss'}"
        return
    for position in _positions(pages, guard.devices):
        yield f"devices/leaf/{position}"
    if pages.start in guard.devices and pages.stop - 1 in guard.devices:
        yield "devices/leaf-in-closed-area" if rule else f"devices/leaf/{level}"
    if guard.protected(pages):
        yield f"window/protected-leaf/{level}"
        return
    for area in closed:
        for position in _positions(pages, area.pages):
            yield f"leaf/{KINDS[area.kind]}/{level}/{position}/{access}"
    if {model.HPT_AREA, model.ENCLAVE_TABLES} <= hits:
        yield f"overlap/leaf-in-hpt-and-enclave/{access}"
    for area in closed:
        seen = [meets(window, area.pages) for window in guard.windows(pages)]
        if seen == [False, True] and rule and area.kind != model.RESERVED:
            yield f"window/raw-alias-of-{KINDS[area.kind]}-area"


def observe_write(state: registers.Registers, address: int, accepted: bool) -> Iterator[str]:
    """Yield the points that a register write hits; ``state`` is from before the write."""
    locked = bool(state.read(registers.CONTROL) & 2)
    area, offset = divmod(address - registers.AREAS, registers.AREA_BYTES)
    in_area = 0 <= area < state.areas and offset in registers.WRITABLE
    if not state.exists(address):
        yield "register/no-such-address"
    if locked and address == registers.CONTROL and not accepted:
        yield "lock/control/refuses-control"
    if locked and in_area and not accepted:
        yield "lock/control/refuses-area"
    if not locked and in_area and not accepted:
        yield f"lock/area/refuses-{OFFSET_NAMES[offset]}"
    if locked and address == registers.WORLD and accepted:
        yield "lock/control/accepts-world"
    if not locked and in_area and accepted:
        neighbours = (index for index in range(state.areas) if index != area)
        attributes = (state.read(registers.AREAS + index * registers.AREA_BYTES) for index in neighbours)
        if any(attribute >> 31 for attribute in attributes):
            yield "lock/area/accepts-neighbour"
