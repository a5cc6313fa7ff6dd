# SPDX-License-Identifier: Apache-2.0
"""One AXI4 master on two slaves, by one bit of the address; a range of pages can be closed to one of them."""

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, exact_log2

from yingzhou.errors import power_of_two, require
from yingzhou.parts.fair_pick import FairPick

from . import axi4
from .axi_refuse import AxiRefuse
from .id_targets import IdTargets

ADDRESS_NAMES = ("id", "addr", "len", "size", "burst")
PAGE_LOG = 12


class Target(enum.Enum, shape=2):
    """Where a burst goes."""

    CLEAR = 0
    SET = 1
    REFUSE = 2


class AxiSplit(wiring.Component):
    """Sends bursts with ``bit`` of the address set to one slave, the others to another, without adding a cycle to
    addresses and answers; the first beat of a write comes at least one cycle after its address.

    An identifier's bursts go to one slave at a time, so its answers keep their order; a burst for the other waits.
    Answers of different identifiers interleave where a slave pauses (Arm IHI 0022H, A5.3). Write beats follow their
    addresses, and are offered to a slave that has not yet accepted the address.

    MMT.META_CLOSED: a burst with ``bit`` clear that touches the closed pages is refused: SLVERR, zeros, nothing goes
    out. Refused as well, so that the first address tells which page is touched: what A3.4.1 forbids of bursts that
    move (INCR across 4 KiB, WRAP of other than 2, 4, 8 or 16 beats) and of all (sizes above the data's, the reserved
    type). The answer is judged in the cycle in which the burst is first offered; what was let through before the
    range was closed is not called back.

    Parameters
    ----------
    addr_width, data_width, id_width : int
        Widths in bits.
    bit : int
        The address bit, 12 or above.
    closed_bytes : int
        Size of the closed range in bytes, rounded up to pages of 4 KiB; 0: none.
    memory_bytes : int or None
        Size of the memory behind ``clear``, a power of two. Address bits above it do not open the closed range, because
        a memory controller may not look at them. None: all address bits below ``bit`` count.
    idents, depth : int
        Identifiers under way at once, and transactions of each (a power of two), each way.
    writes : int
        Write bursts whose beats have not all come, a power of two.

    Ports
    -----
    s_axi        : AXI4 slave. Paths lead from every input to its counterparts on the other side.
    set, clear   : AXI4 masters for addresses with the bit 1 and 0. The address is handed on unchanged.
    closed_valid : the closed range is in force. Idle: 0.
    closed_base  : its first byte, a multiple of 4096; the lowest 12 bits are not looked at.
    refused      : pulse: a burst is refused. Idle: 0.
    """

    def __init__(
        self,
        *,
        addr_width: int,
        data_width: int,
        id_width: int,
        bit: int,
        closed_bytes: int = 0,
        memory_bytes: int | None = None,
        idents: int = 8,
        depth: int = 16,
        writes: int = 8,
    ):
        require(PAGE_LOG <= bit < addr_width, f"bit is {bit}; accepted are {PAGE_LOG} to {addr_width - 1}")
        top = bit if memory_bytes is None else exact_log2(memory_bytes)
        require(
            PAGE_LOG <= top <= bit,
            f"memory_bytes is {memory_bytes}; accepted are powers of two from 4096 to {1 << bit}",
        )
        require(0 <= closed_bytes <= 1 << top, f"closed_bytes is {closed_bytes}; accepted are 0 to {1 << top}")
        for name, value in (("depth", depth), ("writes", writes)):
            require(value >= 2 and power_of_two(value), f"{name} is {value}; accepted are powers of two from 2")
        require(idents >= 1, f"idents is {idents}; accepted are 1 and more")
        self._bit, self._top, self._closed_pages = bit, top, -(-closed_bytes >> PAGE_LOG)
        self._widths = {"addr_width": addr_width, "data_width": data_width, "id_width": id_width}
        self._idents, self._depth, self._writes = idents, depth, writes
        bus = axi4.Signature(addr_width, data_width, id_width)
        super().__init__(
            {
                "s_axi": In(bus),
                "set": Out(bus),
                "clear": Out(bus),
                "closed_valid": In(1),
                "closed_base": In(addr_width),
                "refused": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.refuse = refuse = AxiRefuse(**self._widths)
        self._slaves = {Target.CLEAR: self.clear, Target.SET: self.set, Target.REFUSE: refuse.s_axi}
        self._begun = {}
        for half in ("ar", "aw"):
            self._addresses(m, half)
        self._write_beats(m)
        self._answers(m, "ar", "r", ("id", "data", "resp", "last"))
        self._answers(m, "aw", "b", ("id", "resp"))
        m.d.comb += self.refused.eq(
            Cat(refuse.s_axi.arvalid & refuse.s_axi.arready, refuse.s_axi.awvalid & refuse.s_axi.awready).any()
        )
        return m

    # countermeasure: MMT.META_CLOSED
    def _closed(self, half: str) -> Value:
        """Return whether the burst offered on an address channel may not go to ``clear``."""
        addr, length, size, burst = (getattr(self.s_axi, half + name) for name in ADDRESS_NAMES[1:])
        first, page = self.closed_base[PAGE_LOG : self._top], addr[PAGE_LOG : self._top]
        distance = (page - first)[: len(page)]
        closed = self.closed_valid & (distance < self._closed_pages)
        last_byte = (addr[:PAGE_LOG] >> size << size) + ((length + 1) << size) - 1
        steps = Cat(length == beats - 1 for beats in (2, 4, 8, 16)).any()
        forbidden = Cat(
            size > exact_log2(self._widths["data_width"] // 8),
            burst == 3,
            (burst == axi4.Burst.WRAP) & ~steps,
            (burst == axi4.Burst.INCR) & (last_byte >> PAGE_LOG != 0),
        ).any()
        return ~addr[self._bit] & (closed | forbidden)

    def _addresses(self, m: Module, half: str) -> None:
        """Choose the target of each burst when it is first offered, and keep to it until it is accepted."""
        axi = self.s_axi
        m.submodules[f"{half}_targets"] = targets = IdTargets(
            id_width=self._widths["id_width"], targets=len(Target), idents=self._idents, depth=self._depth
        )
        held, held_target = Signal(name=f"{half}_held"), Signal(Target, name=f"{half}_held_target")
        judged, target = Signal(Target, name=f"{half}_judged"), Signal(Target, name=f"{half}_target")
        begins, offered, ready = (Signal(name=f"{half}_{name}") for name in ("begins", "offered", "ready"))
        room = Signal(name=f"{half}_room", init=1)
        m.d.comb += [
            judged.eq(
                Mux(
                    self._closed(half),
                    Target.REFUSE,
                    Mux(getattr(axi, half + "addr")[self._bit], Target.SET, Target.CLEAR),
                )
            ),
            targets.ident.eq(getattr(axi, half + "id")),
            targets.target.eq(judged),
            targets.begin.eq(begins),
            begins.eq(getattr(axi, half + "valid") & ~held & targets.may & room),
            target.eq(Mux(held, held_target, judged)),
            offered.eq(begins | held),
            getattr(axi, half + "ready").eq(offered & ready),
        ]
        m.d.sync += [held.eq(offered & ~ready), held_target.eq(target)]
        for name, slave in self._slaves.items():
            m.d.comb += [getattr(slave, half + field).eq(getattr(axi, half + field)) for field in ADDRESS_NAMES]
            with m.If(target == name):
                m.d.comb += [getattr(slave, half + "valid").eq(offered), ready.eq(getattr(slave, half + "ready"))]
        self._begun[half] = (targets, begins, judged, room)

    def _write_beats(self, m: Module) -> None:
        """Send the beats where their addresses went, in that order."""
        axi = self.s_axi
        _, begins, judged, room = self._begun["aw"]
        queue = Array(Signal(Target, name=f"beats_to_{n}") for n in range(self._writes))
        newest, oldest = Signal(range(self._writes)), Signal(range(self._writes))
        waiting = Signal(bits_for(self._writes))
        ends = Signal()
        m.d.comb += [room.eq(waiting != self._writes), ends.eq(axi.wvalid & axi.wready & axi.wlast)]
        m.d.sync += [waiting.eq(waiting + begins - ends), newest.eq(newest + begins), oldest.eq(oldest + ends)]
        with m.If(begins):
            m.d.sync += queue[newest].eq(judged)
        for name, slave in self._slaves.items():
            m.d.comb += [getattr(slave, field).eq(getattr(axi, field)) for field in ("wdata", "wstrb", "wlast")]
            with m.If((waiting != 0) & (queue[oldest] == name)):
                m.d.comb += [slave.wvalid.eq(axi.wvalid), axi.wready.eq(slave.wready)]

    def _answers(self, m: Module, requests: str, half: str, names: tuple[str, ...]) -> None:
        axi = self.s_axi
        targets, *_ = self._begun[requests]
        m.submodules[f"{half}_pick"] = pick = FairPick(len(Target))
        slaves = self._slaves.values()
        taken = Signal(name=f"{half}_taken")
        valid, ready = getattr(axi, half + "valid"), getattr(axi, half + "ready")
        m.d.comb += [
            pick.valid.eq(Cat(getattr(slave, half + "valid") for slave in slaves)),
            pick.last.eq(Cat(slave.rlast for slave in slaves) if half == "r" else ~0),
            valid.eq(pick.valid.any()),
            taken.eq(valid & ready),
            pick.taken.eq(taken),
            targets.end.eq(taken & (axi.rlast if half == "r" else 1)),
            targets.end_id.eq(getattr(axi, half + "id")),
        ]
        for number, slave in enumerate(slaves):
            with m.If(pick.chosen == number):
                m.d.comb += [getattr(axi, half + name).eq(getattr(slave, half + name)) for name in names]
                m.d.comb += getattr(slave, half + "ready").eq(ready)
