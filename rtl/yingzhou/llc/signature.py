# SPDX-License-Identifier: Apache-2.0
"""The seams of the last-level cache (docs/llc.md).

::

    Wishbone -- WordPort --+                       +-- Operations <-- Registers <-- register bus
    Wishbone -- WordPort --+-- requests --> Llc core
    AXI4 ------ AxiPort ---+                       +-- memory: whole lines (MemoryPort) --> AXI4

Conventions. ``stream.Signature`` where there is back-pressure. A *pulse* is a port that is 1 for one cycle, its
companions valid in that cycle only. Idle: 0. A *line* is a line number: physical byte address / 64.
"""

from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.bus import axi4, register_bus
from yingzhou.geometry import BEAT_BITS, LINE_BITS, LINE_BYTES
from yingzhou.line.signature import MemoryClient

from .config import DOMAINS_MAX, LlcConfig

REGISTER_ADDR_WIDTH = 12
"""Width of the register bus address: one page."""


class Op(enum.Enum, shape=4):
    """Operations. The same numbers in registers, C and the model; others are BAD_COMMAND."""

    NONE = 0
    LOCK = 1
    UNLOCK = 2
    CLEAN = 3
    FLUSH = 4
    DISCARD = 5
    STATUS = 6


class Scope(enum.Enum, shape=2):
    """What an operation is about."""

    LINE = 0
    PAGE = 1
    ALL = 2


class Result(enum.Enum, shape=4):
    """How an operation ended."""

    DONE = 0
    BAD_COMMAND = 1
    BAD_DOMAIN = 2
    BAD_ADDRESS = 3
    TOO_LARGE = 4
    QUOTA = 5
    SET_FULL = 6
    OTHER_OWNER = 7
    NOT_LOCKED = 8
    MEMORY_ERROR = 9


class Failure(enum.Enum, shape=2):
    """What is recorded."""

    NONE = 0
    WRITE_BACK = 1
    """Memory refused a line that was written back."""
    PARITY = 2
    """A tag entry did not fit its parity bit; the cache has stopped."""


# Requests


def request(config: LlcConfig, tag_bits: int) -> data.StructLayout:
    """A read of a line, or a write of bytes of it.

    ``line``           : line number.
    ``write``          : 1 write, 0 read.
    ``strobe``, ``data`` : for a write, a bit a byte and 512 bits. A write of no bytes is answered at once.
    ``tag``            : comes back with the answer.
    """
    return data.StructLayout(
        {"line": config.line_bits, "write": 1, "strobe": LINE_BYTES, "data": LINE_BITS, "tag": tag_bits}
    )


class RequestSignature(wiring.Signature):
    """One who uses the cache; ``In(RequestSignature(..))`` is the cache.

    ``request`` : stream of :func:`request`.
    ``answer``  : pulse, always taken, once a request: a hit two cycles after it was accepted. Answers to one line come
                  in the order of the requests, to different lines in any order. ``answer_tag`` and ``answer_write`` of
                  the request; ``answer_error``: the line could not be had, or is not cacheable; ``answer_data``: the
                  line that was read, zeros with an error or after a write.
    """

    def __init__(self, config: LlcConfig, tag_bits: int):
        self.tag_bits = tag_bits
        super().__init__(
            {
                "request": Out(stream.Signature(request(config, tag_bits))),
                "answer": In(1),
                "answer_tag": In(tag_bits),
                "answer_write": In(1),
                "answer_error": In(1),
                "answer_data": In(LINE_BITS),
            }
        )


# Operations

DOMAIN_FIELD_BITS = 8
"""Width of a domain in a command, more than any configuration needs, so that numbers outside are seen."""
ADDRESS_BITS = 64
"""Width of a byte address in a command."""

Command = data.StructLayout({"op": 4, "scope": 2, "domain": DOMAIN_FIELD_BITS, "address": ADDRESS_BITS})
"""What to do: numbers of :class:`Op` and :class:`Scope`, for whom, and byte address (not looked at for ALL)."""

Status = data.StructLayout({"present": 1, "locked": 1, "owner": DOMAINS_MAX.bit_length()})
"""What STATUS tells of a line; ``owner`` 0 when it is not locked. All 0 after other operations."""


class OperationSignature(wiring.Signature):
    """One who has operations made; ``In(OperationSignature(..))`` is the cache.

    ``request`` : stream of :data:`Command`; accepted when no operation runs.
    ``done``    : pulse: the operation ended with ``result``. ``line``: where it was refused (QUOTA, SET_FULL,
                  OTHER_OWNER, MEMORY_ERROR), else 0. ``status``: see :data:`Status`.
    """

    def __init__(self, config: LlcConfig):
        super().__init__(
            {
                "request": Out(stream.Signature(Command)),
                "done": In(1),
                "result": In(Result),
                "line": In(config.line_bits),
                "status": In(Status),
            }
        )


class QuotaSignature(wiring.Signature):
    """Lines that each domain may lock and has locked; ``In(QuotaSignature(..))`` is the cache.

    ``quota`` : lines that a domain may lock, levels; element 0 is domain 1.
    ``count`` : lines that it has locked.
    """

    def __init__(self, config: LlcConfig):
        counts = data.ArrayLayout(config.count_bits, config.domains)
        super().__init__({"quota": Out(counts), "count": In(counts)})


class FailureSignature(wiring.Signature):
    """``valid`` pulse with ``kind`` and ``line`` (PARITY: of the request that met it). Out of the cache."""

    def __init__(self, config: LlcConfig):
        super().__init__({"valid": Out(1), "kind": Out(Failure), "line": Out(config.line_bits)})


Events = data.StructLayout({"hit": 1, "miss": 1, "write_back": 1, "lock": 1})
"""One-cycle pulses for counters.

``hit``        : a request found its line, also one that waited behind others for it.
``miss``       : a request takes an MSHR.
``write_back`` : memory answered the write of a line.
``lock``       : a line is locked.
"""


def trace(config: LlcConfig) -> data.StructLayout:
    """What the core decides in a cycle, for test benches; nothing depends on it. One ``line`` and ``way`` for all.

    ``reserve``  : a way is reserved for a line that misses. ``lock``: for a LOCK. ``draw``: the LFSR, when it was used.
    ``put_in``   : a line that was under way is put in, or with ``error`` its fetch is given up.
    ``visit``    : an operation does something at a line, or finds that there is nothing to do (also at one that is not
                   in the cache; with scope ALL at a valid line only).
    ``finish``   : the operation lets go of a line that memory has taken.
    ``serve``    : a request is served; it is answered in the next cycle. ``port``: whose.
    """
    return data.StructLayout(
        {
            "reserve": 1,
            "lock": 1,
            "put_in": 1,
            "error": 1,
            "visit": 1,
            "finish": 1,
            "serve": 1,
            "port": 3,
            "line": config.line_bits,
            "way": config.way_bits,
            "draw": 16,
        }
    )


def _way_masks(config: LlcConfig, users: int) -> dict[str, wiring.Member]:
    """Return the port that only a cache with ``way_masks`` has: for each user a bit a way, that its misses may take it.

    Levels, at least one bit of each user's is 1. Hits are not concerned, nor is what is there already.
    """
    return {"way_masks": Out(data.ArrayLayout(config.ways, users))} if config.way_masks else {}


class CoreSignature(wiring.Signature):
    """Ports of :class:`yingzhou.llc.core.LlcCore`, seen from outside: what its environment drives is ``Out``.

    ``user*``     : those who use the cache, numbered from 0.
    ``memory``    : whole lines, see :class:`yingzhou.line.signature.MemoryClient`; the cache is the client.
    ``operation`` : operations, one at a time.
    ``quota``     : lines that domains may lock.
    ``failure``   : pulses, what goes into the record.
    ``events``    : pulses, what is counted.
    ``ready``     : the sweep after reset is over. Level.
    ``drained``   : no line is on its way to memory. Level.
    ``stopped``   : a parity error stopped the cache. Level.
    ``trace``     : see :func:`trace`.
    ``way_masks`` : see :func:`_way_masks`.
    """

    def __init__(self, config: LlcConfig, users: int, tag_bits: int):
        super().__init__(
            {
                **{f"user{n}": Out(RequestSignature(config, tag_bits)) for n in range(users)},
                **_way_masks(config, users),
                "memory": In(MemoryClient(config)),
                "operation": Out(OperationSignature(config)),
                "quota": Out(QuotaSignature(config)),
                "failure": In(FailureSignature(config)),
                "events": In(Events),
                "ready": In(1),
                "drained": In(1),
                "stopped": In(1),
                "trace": In(trace(config)),
            }
        )


class LlcSignature(wiring.Signature):
    """Ports of :class:`yingzhou.llc.llc.Llc`, seen from outside: the core with its registers and AXI4 master.

    ``user*`` : as above.
    ``m_axi`` : AXI4 master of the cache, 128-bit data, INCR bursts of one line (:mod:`yingzhou.line.memory_port`).
    ``bus``   : register bus (rdl/llc.rdl).
    ``irq``   : level: a failure is recorded and not cleared.
    ``drained`` : level: no line is on its way to memory, every write is answered.
    ``trace`` : see :func:`trace`.
    ``way_masks`` : see :func:`_way_masks`.
    """

    def __init__(self, config: LlcConfig, users: int, tag_bits: int):
        super().__init__(
            {
                **{f"user{n}": Out(RequestSignature(config, tag_bits)) for n in range(users)},
                **_way_masks(config, users),
                "m_axi": In(axi4.Signature(config.addr_width, BEAT_BITS, config.id_width)),
                "bus": Out(register_bus.Signature(REGISTER_ADDR_WIDTH)),
                "irq": In(1),
                "drained": In(1),
                "trace": In(trace(config)),
            }
        )
