# SPDX-License-Identifier: Apache-2.0
"""Two AXI4 masters on one slave."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.parts.fair_pick import FairPick
from yingzhou.parts.stream_buffer import StreamBuffer

from . import axi4

ADDRESS_NAMES = ("id", "addr", "len", "size", "burst")


class AxiJoin(wiring.Component):
    """Joins two masters; the top bit of the identifier says whose a transaction is.

    Write addresses take one cycle more, everything else none. Requests take turns. A write burst is let through when
    its address and its first beat are both there, and its beats keep the channel until the last: W has no identifier
    and follows AW (Arm IHI 0022H, A5.4). So no master waits for beats that another master has not yet offered, and two
    masters that depend on each other do not lock up.

    A write address is taken before its data, for masters that wait for that.

    A master that leaves an answer waiting also holds up answers to the other behind it.

    Parameters
    ----------
    addr_width, data_width : int
        Widths in bits.
    id_width : int
        Width of the two masters' identifiers in bits; those of ``m_axi`` are one bit wider.

    Ports
    -----
    first, second : AXI4 slaves towards the masters; their answers carry top bit 0 and 1 at ``m_axi``.
    m_axi         : AXI4 master. Paths lead from every input to its counterpart on the other side.
    """

    def __init__(self, *, addr_width: int, data_width: int, id_width: int):
        self._id_width = id_width
        self._address = data.StructLayout({"id": id_width, "addr": addr_width, "len": 8, "size": 3, "burst": 2})
        master = axi4.Signature(addr_width, data_width, id_width)
        super().__init__(
            {
                "first": In(master),
                "second": In(master),
                "m_axi": Out(axi4.Signature(addr_width, data_width, id_width + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        self._read_addresses(m)
        self._writes(m)
        self._answers(m, "r", ("id", "data", "resp", "last"))
        self._answers(m, "b", ("id", "resp"))
        return m

    def _read_addresses(self, m: Module) -> None:
        out = self.m_axi
        m.submodules.read_pick = pick = FairPick(2)
        m.d.comb += [
            pick.valid.eq(Cat(self.first.arvalid, self.second.arvalid)),
            pick.last.eq(~0),
            pick.taken.eq(out.arvalid & out.arready),
            out.arvalid.eq(pick.valid.any()),
        ]
        for number, source in enumerate((self.first, self.second)):
            mine = pick.chosen == number
            m.d.comb += source.arready.eq(out.arready & mine)
            with m.If(mine):
                m.d.comb += out.arid.eq(Cat(source.arid, C(number, 1)))
                m.d.comb += [getattr(out, "ar" + name).eq(getattr(source, "ar" + name)) for name in ADDRESS_NAMES[1:]]

    def _writes(self, m: Module) -> None:
        out, sources = self.m_axi, (self.first, self.second)
        addresses = []
        for number, source in enumerate(sources):
            m.submodules[f"address_{number}"] = address = StreamBuffer(self._address)
            m.d.comb += [address.i.valid.eq(source.awvalid), source.awready.eq(address.i.ready)]
            m.d.comb += [address.i.p[name].eq(getattr(source, "aw" + name)) for name in ADDRESS_NAMES]
            addresses.append(address.o)
        m.submodules.write_pick = pick = FairPick(2)
        aw_done, w_done = Signal(), Signal()
        under_way, active, aw_now, w_now, finished = (Signal() for _ in range(5))
        m.d.comb += [
            # While a burst is under way the choice is held, so its ``valid`` need not be looked at.
            pick.valid.eq(
                Cat(address.valid & source.wvalid for address, source in zip(addresses, sources, strict=True))
                | under_way.replicate(2)
            ),
            pick.last.eq(~0),
            pick.taken.eq(finished),
            active.eq(pick.valid.any()),
            aw_now.eq(aw_done | (out.awvalid & out.awready)),
            w_now.eq(w_done | (out.wvalid & out.wready & out.wlast)),
            finished.eq(active & aw_now & w_now),
        ]
        m.d.sync += [
            under_way.eq(active & ~finished),
            aw_done.eq(active & aw_now & ~finished),
            w_done.eq(active & w_now & ~finished),
        ]
        for number, (address, source) in enumerate(zip(addresses, sources, strict=True)):
            with m.If(pick.chosen == number):
                m.d.comb += out.awid.eq(Cat(address.p.id, C(number, 1)))
                m.d.comb += [getattr(out, "aw" + name).eq(address.p[name]) for name in ADDRESS_NAMES[1:]]
                m.d.comb += [getattr(out, name).eq(getattr(source, name)) for name in ("wdata", "wstrb", "wlast")]
                with m.If(active):
                    m.d.comb += [
                        out.awvalid.eq(address.valid & ~aw_done),
                        address.ready.eq(out.awready & ~aw_done),
                        out.wvalid.eq(source.wvalid & ~w_done),
                        source.wready.eq(out.wready & ~w_done),
                    ]

    def _answers(self, m: Module, half: str, names: tuple[str, ...]) -> None:
        out = self.m_axi
        ident = getattr(out, half + "id")
        for number, source in enumerate((self.first, self.second)):
            mine = ident[self._id_width] == number
            m.d.comb += [getattr(source, half + name).eq(getattr(out, half + name)) for name in names if name != "id"]
            m.d.comb += [
                getattr(source, half + "id").eq(ident[: self._id_width]),
                getattr(source, half + "valid").eq(getattr(out, half + "valid") & mine),
            ]
            with m.If(mine):
                m.d.comb += getattr(out, half + "ready").eq(getattr(source, half + "ready"))
