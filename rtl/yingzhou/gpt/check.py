# SPDX-License-Identifier: Apache-2.0
"""The check of the GPT guard: pure functions of (request, configuration), written once.

The same lines make the RTL (arguments are Amaranth values) and answer in Python (arguments are integers). They hold no
state and use only operators that mean the same for both; a choice is :func:`mux`, a negation is ``== 0``.

There are two stages. :func:`check_read` judges a PTE read by its page and level before it goes out.
:func:`check_answer` judges it again when the PTE is back, with the configuration of that moment, and looks at what the
PTE points to.

Truth table (docs/gpt.md says why). The first line that matches decides; ``-`` is any.

====== ===== ===================================== ===== ======================================== =============
enable world PTE page and level                    PTE   it points to                             verdict
====== ===== ===================================== ===== ======================================== =============
0      -     -                                     -     -                                        RESET_DENY
1      1     not in an enclave area of this level  -     -                                        ENCLAVE_AREA
1      0     not in an HPT area of this level      -     -                                        HOST_AREA
1      -     ok                                    V=0   -                                        allow
1      1     ok                                    ptr   above pa_width                           ENCLAVE_AREA
1      0     ok                                    ptr   above pa_width                           HOST_AREA
1      -     ok                                    ptr   -                                        allow
1      1     ok                                    leaf  -                                        allow
1      0     ok                                    leaf  a page above pa_width                    HOST_LEAF
1      0     ok                                    leaf  a page with the protection bit, not dev. HOST_LEAF
1      0     ok                                    leaf  a page of an enclave area, either window HOST_LEAF
1      0     ok                                    leaf  a page of an HPT area and W, either w.   HOST_LEAF
1      0     ok                                    leaf  -                                        allow
====== ===== ===================================== ===== ======================================== =============

"Not dev.": unless all pages of the leaf are in ``config.device_region``, where that bit is an ordinary address bit.
"Of this level": bit ``level`` of the entry's ``levels`` is set. "Either window": an area is compared with the leaf's
pages as they are and with the protection bit set, so an area given in protected-window addresses also covers its raw
alias; the opposite alias needs no comparison, a leaf with the protection bit is refused already. Grants (the first
three lines) compare exactly: a table reached through its other window is not in its area.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from amaranth.hdl import Mux, Value, ValueCastable

from .config import PAGE_LOG, GptConfig


class Rule(IntEnum):
    """Why a walk was refused. Values are those of register field ``fault_status.rule``."""

    ALLOW = 0
    HOST_AREA = 1
    HOST_LEAF = 2
    ENCLAVE_AREA = 3
    RESET_DENY = 4


RULE_BITS = 3
"""Width of a rule signal in bits."""


class Kind(IntEnum):
    """What an area holds. Values are those of register field ``area.attr.kind``.

    3 is reserved and fails closed: such an area grants nothing, and host leaves may not reach it.
    """

    OFF = 0
    HOST = 1
    ENCLAVE = 2
    RESERVED = 3


@dataclass(frozen=True, kw_only=True)
class Area:
    """One area entry; integers or Amaranth values. Pages ``base`` up to, not including, ``limit``."""

    kind: Any
    levels: Any
    base: Any
    limit: Any


@dataclass(frozen=True, kw_only=True)
class State:
    """The configuration that a walk is judged by; integers or Amaranth values."""

    enable: Any
    world: Any
    areas: Sequence[Area]


def mux(condition: Any, yes: Any, no: Any) -> Any:
    """Choose ``yes`` when ``condition`` is not 0, in hardware or in Python."""
    if isinstance(condition, Value | ValueCastable):
        return Mux(condition, yes, no)
    return yes if condition else no


def either(conditions: Sequence[Any]) -> Any:
    """Return whether any of ``conditions`` holds. None at all: no."""
    result: Any = 0
    for condition in conditions:
        result = result | condition
    return result


def in_area(config: GptConfig, state: State, kind: Kind, ppn: Any, level: Any) -> Any:
    """Return whether page ``ppn`` may hold a table of ``level`` according to an area of ``kind``. No match means no."""
    return either(
        [
            (area.kind == kind)
            & either([(level == number) & (area.levels >> number & 1) for number in range(config.levels)])
            & (area.base <= ppn)
            & (ppn < area.limit)
            for area in state.areas
        ]
    )


def is_leaf(pte: Any) -> Any:
    """Return whether ``pte`` maps pages: V and any of R, W and X. W alone is reserved, and judged all the same."""
    return (pte & 1) & ((pte >> 1 & 0b111) != 0)


def is_pointer(pte: Any) -> Any:
    """Return whether ``pte`` points to the next table: V alone."""
    return (pte & 0b1111) == 0b0001


def check_read(config: GptConfig, state: State, ppn: Any, level: Any) -> Any:
    """Return the :class:`Rule` that refuses the read of a PTE in page ``ppn``, table level ``level``; or ALLOW.

    ``level`` counts down from ``config.levels - 1`` at the root to 0; ``config.no_level`` is refused like a wrong
    level.
    """
    # countermeasure: GPT.HOST_AREA
    host = mux(in_area(config, state, Kind.HOST, ppn, level), Rule.ALLOW, Rule.HOST_AREA)
    # countermeasure: GPT.ENCLAVE_AREA
    enclave = mux(in_area(config, state, Kind.ENCLAVE, ppn, level), Rule.ALLOW, Rule.ENCLAVE_AREA)
    # countermeasure: GPT.RESET_DENY
    return mux(state.enable, mux(state.world, enclave, host), Rule.RESET_DENY)


def leaf_offset_mask(config: GptConfig, pte: Any, level: Any) -> Any:
    """Return the page-number bits that a leaf of ``level`` does not fix: it maps ``ppn & ~mask`` to ``ppn | mask``.

    A leaf of level n maps 2**(n * vpn_bits) pages, aligned; the walker refuses a misaligned one, and until it does, the
    aligned range around it is judged. With N set (Svnapot) level 0 and encoding 1000 map 16 pages; every other encoding
    is reserved and is judged as the largest range that it could come to mean, all pages of its table.
    """
    bits = config.vpn_bits

    def pages(number: int) -> int:
        return (1 << number * bits) - 1

    plain: Any = pages(config.levels)
    napot: Any = pages(config.levels)
    for number in range(config.levels):
        plain = mux(level == number, pages(number), plain)
        napot = mux(level == number, pages(number + 1), napot)
    if not config.has_napot:
        return plain
    ppn = pte >> 10
    napot = mux((level == 0) & ((ppn & 0xF) == 0x8), 0xF, napot)
    return mux(pte >> 63 & 1, napot, plain)


def leaf_hits_area(config: GptConfig, state: State, first: Any, last: Any, writable: Any) -> Any:
    """Return whether pages ``first`` to ``last`` meet an area that the host may not map this way, in either window."""
    windows = [0]
    if config.protection_bit is not None:
        windows.append(1 << config.protection_bit - PAGE_LOG)
    hits = []
    for area in state.areas:
        meets = either([((first | bit) < area.limit) & (area.base <= (last | bit)) for bit in windows])
        # An HPT area may be read by the host, never written; enclave areas and the reserved kind are closed.
        closed = (area.kind >= Kind.ENCLAVE) | ((area.kind == Kind.HOST) & writable)
        hits.append(closed & (area.base < area.limit) & meets)
    return either(hits)


def check_leaf(config: GptConfig, state: State, pte: Any, level: Any) -> Any:
    """Return the :class:`Rule` that refuses what ``pte``, read from a table of ``level``, points to; or ALLOW."""
    writable = pte >> 2 & 1
    ppn = pte >> 10 & (1 << config.pte_ppn_bits) - 1

    mask = leaf_offset_mask(config, pte, level)
    last = ppn | mask
    first = last ^ mask
    beyond = (ppn >> config.ppn_bits) != 0
    leaf_beyond = (last >> config.ppn_bits) != 0
    protected: Any = 0
    if config.protection_bit is not None:
        protected = last >> config.protection_bit - PAGE_LOG & 1
        if config.device_region is not None:
            low, high = (address >> PAGE_LOG for address in config.device_region)
            protected = protected & (((low <= first) & (last < high)) == 0)

    # countermeasure: GPT.HOST_LEAF
    bad_leaf = leaf_beyond | protected | leaf_hits_area(config, state, first, last, writable)
    host_leaf = mux(bad_leaf, Rule.HOST_LEAF, Rule.ALLOW)
    # A pointer that needs unimplemented address bits leads outside every area; cut off, it could lead into one.
    pointer = mux(beyond, mux(state.world, Rule.ENCLAVE_AREA, Rule.HOST_AREA), Rule.ALLOW)
    leaf = mux(state.world, Rule.ALLOW, host_leaf)
    return mux(is_leaf(pte), leaf, mux(is_pointer(pte), pointer, Rule.ALLOW))


def check_answer(config: GptConfig, state: State, ppn: Any, level: Any, pte: Any) -> Any:
    """Return the verdict on a PTE that came back from page ``ppn``: :func:`check_read` of now, then :func:`check_leaf`.

    Judging the read again costs nothing and makes an answer unusable when the world or the areas changed under it.
    """
    before = check_read(config, state, ppn, level)
    return mux(before != Rule.ALLOW, before, check_leaf(config, state, pte, level))
