# SPDX-License-Identifier: Apache-2.0
"""A small cache for proofs, and where in its Verilog is what they are about."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from yingzhou.generate_verilog import flat_ports, to_verilog
from yingzhou.geometry import LINE_BITS
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.core import LlcCore
from yingzhou.llc.items import item
from yingzhou.llc.tags import tag_entry
from yingzhou.llc.waiting import parked

from .probes import Part, Probes
from .verilog_state import kept_in

SMALL: Final = LlcConfig(size_bytes=512, ways=4, mshrs=2, addr_width=16, domains=2)
"""Two sets of four ways. Lines have all their bytes: what is not about bytes does not read them."""
USERS: Final = 2
TAG_BITS: Final = 1
USER_BITS: Final = 1
CORE: Final = "llc_core"
UNIT: Final = "2 sets of 4 ways, 2 misses, 2 domains, 2 users"

# What of the core's state is bytes of lines, or a request with bytes in it: parts of paths.
BYTES: Final = ("mshrs.fill_data", "mshrs.parts", ".lines.items[")
REQUESTS: Final = ("mshrs.parked[", "waiting.requests.items[")


@cache
def core_verilog() -> tuple[str, dict[str, int], dict[str, int]]:
    """Return the core as Verilog, and the widths of its inputs and outputs."""
    core = LlcCore(SMALL, USERS, TAG_BITS)
    ports = flat_ports(core)
    inputs, outputs = (
        {name: len(value) for name, (value, way) in ports.items() if way.value == chosen}
        for chosen in ("input", "output")
    )
    return to_verilog(core, CORE), inputs, outputs


def _without_bytes(path: str, word: bool = False) -> list[Part]:
    """Return the parts of a request that is kept, all but the bytes of its line."""
    layout = parked(TAG_BITS, USER_BITS)
    low = layout["data"].offset
    high = low + LINE_BITS
    after = Part(path=path, width=layout.size - high, low=high, word=word)
    return [Part(path=path, width=low, word=word), after]


def state() -> Iterator[Part]:
    """Yield all that the core keeps, but for bytes, and for its pipeline, whose registers are in its top module."""
    for kept in kept_in(core_verilog()[0], CORE):
        if any(part in kept.path for part in REQUESTS):
            yield from _without_bytes(kept.path, kept.word)
        elif "." in kept.path and not any(part in kept.path for part in BYTES):
            yield Part(path=kept.path, width=kept.width, word=kept.word)


def words() -> list[Part]:
    """Return the tag entries: those of all sets of way 0, then of way 1 and so on."""
    width = tag_entry(SMALL).size
    return [
        Part(path=f"tags.way_{way}[{number}]", width=width, word=True)
        for way in range(SMALL.ways)
        for number in range(SMALL.sets)
    ]


def pipeline() -> dict[str, list[Part]]:
    """Return what is in cycle 1 of the pipeline, what is known of it, and what may come next."""
    config, fields, entry = SMALL, item(SMALL, TAG_BITS, USER_BITS), tag_entry(SMALL).size
    widths = {
        "valid": ("decide.valid", 1),
        "item": ("decide.item", fields.size),
        **{name: (f"decide.item.{name}", fields[name].width) for name in fields.members},
        "hit": ("decide.lookup.hit", 1),
        "entry": ("decide.lookup.entry", entry),
        "waits_here": ("decide.waits_here", 1),
        "under_way": ("decide.under_way", config.mshrs),
        "entries": ("decide.entries", entry * config.ways),
        "tree": ("decide.tree", config.ways - 1),
        "held": ("decide.held.valid", 1),
        "held_line": ("decide.held.line", config.line_bits),
        "replay": ("mshrs.replay", 1),
        "waits": ("waiting.level", config.mshr_bits + 1),
    }
    parts = {name: [Part(path=path, width=width)] for name, (path, width) in widths.items()}
    return parts | {
        "words": words(),
        "replayed": _without_bytes("mshrs.replay_park"),
        "first": _without_bytes("waiting.first_request"),
    }


@cache
def locks_probes() -> Probes:
    """Return what the rules of locks are about (llc_locks.sv)."""
    config, mshrs = SMALL, range(SMALL.mshrs)
    # Registers without names of their own: the MSHRs in use, and those that need no fetch.
    used, whole = (
        kept.path
        for kept in kept_in(core_verilog()[0], CORE)
        if kept.path.startswith("mshrs.$signal") and kept.width == config.mshrs
    )
    widths = {
        "swept": ("tags.ready", 1),
        "sweep": ("tags.sweep_set", config.set_bits),
        "being_written": ("decide.being_written", 1),
        "tags_write": ("decide.tags_write", config.ways),
        "allocate": ("decide.allocate", 1),
        "write_back": ("decide.write_back", 1),
        "action": ("decide.outcome.action", 3),
        "lock": ("decide.lock", 1),
        "used": (used, config.mshrs),
        "whole": (whole, config.mshrs),
        **{name: (f"mshrs.{name}", config.mshr_bits) for name in ("newest", "asked", "come", "replay_index")},
        "to_ask": ("mshrs.to_ask", config.mshr_bits + 1),
        "replay_error": ("mshrs.replay_error", 1),
        "arrived": ("mshrs.fill_fetched", 1),
        "arrived_index": ("mshrs.index", config.mshr_bits),
        "level": ("waiting.level", config.mshr_bits + 1),
        "queued": ("waiting.requests.level", config.mshr_bits + 1),
        "waited": ("waiting.tried", 1),
        "held_way": ("decide.held.way", config.way_bits),
        "state": ("operations.fsm_state", 4),
        "op": ("operations.op", 4),
        "scope": ("operations.scope", 2),
        "undo": ("operations.undo", 1),
        "domain": ("operations.domain", config.domain_bits),
    }
    shared = (
        *("valid", "kind", "source", "line", "way", "index", "hit", "entry", "entries", "under_way", "held"),
        *("error", "held_line", "replay", "words"),
    )
    return Probes(
        {name: [Part(path=path, width=width)] for name, (path, width) in widths.items()}
        | {name: parts for name, parts in pipeline().items() if name in shared}
        | {
            "lines": [Part(path=f"mshrs.line_{n}", width=config.line_bits) for n in mshrs],
            "ways": [Part(path=f"mshrs.way_{n}", width=config.way_bits) for n in mshrs],
            "order": [Part(path=f"mshrs.order_{n}", width=config.mshr_bits) for n in mshrs],
            "for_lock": [Part(path=f"mshrs.parked[{n}]", width=1, bit=True, word=True) for n in mshrs],
            "replay_for_lock": [Part(path="mshrs.replay_park", width=1, bit=True)],
        }
    )
