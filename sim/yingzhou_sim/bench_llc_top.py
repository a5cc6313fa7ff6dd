# SPDX-License-Identifier: Apache-2.0
"""What the bench of the last-level cache drives: ``python -m yingzhou_sim.bench_llc_top FILE`` writes its Verilog.

The configuration comes pickled on standard input.
"""

import pathlib
import pickle
import sys
from typing import Any, Final

from amaranth import Module
from amaranth.back import verilog
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.bus import axi4
from yingzhou.geometry import LINE_BITS, LINE_BYTES
from yingzhou.llc.axi_port import AxiPort, tag_bits_of
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.llc import Llc
from yingzhou.llc.signature import REGISTER_ADDR_WIDTH

PORTS: Final = 2
"""Line ports, each for a core: an enclave's and a host's."""
TAG_BITS: Final = 4
"""Width of the line ports' tags in bits."""
NAME: Final = "llc_bench"


class BenchTop(wiring.Component):
    """The cache with flat ports: two users that ask for lines, one behind AXI4, registers, and AXI4 to memory.

    Ports
    -----
    u0_*, u1_* : :class:`yingzhou.llc.signature.RequestSignature`, the request's fields apart.
    s_axi_*    : third user (:class:`yingzhou.llc.axi_port.AxiPort`).
    m_axi_*    : to memory.
    bus_*      : register bus (rdl/llc.rdl).
    way_masks  : a bit a way for each of the three users, the first one's lowest; only looked at with ``way_masks``.
    """

    def __init__(self, config: LlcConfig):
        self.config = config
        axi = axi4.Signature(config.addr_width, 128, config.id_width)
        user = {
            "valid": In(1),
            "ready": Out(1),
            "line": In(config.line_bits),
            "write": In(1),
            "strobe": In(LINE_BYTES),
            "data": In(LINE_BITS),
            "tag": In(TAG_BITS),
            "answer": Out(1),
            "answer_tag": Out(TAG_BITS),
            "answer_error": Out(1),
            "answer_data": Out(LINE_BITS),
        }
        bus = {"addr": In(REGISTER_ADDR_WIDTH), "w_stb": In(1), "w_data": In(32), "r_stb": In(1), "r_data": Out(32)}
        super().__init__(
            {
                **{f"u{n}_{name}": member for n in range(PORTS) for name, member in user.items()},
                **{f"s_axi_{name}": member.flip() for name, member in axi.members.items()},
                **{f"m_axi_{name}": member for name, member in axi.members.items()},
                **{f"bus_{name}": member for name, member in bus.items()},
                "bus_err": Out(1),
                "way_masks": In(config.ways * (PORTS + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Wire the ports to the cache."""
        m = Module()
        ports: Any = self
        llc: Any = Llc(self.config, PORTS + 1, max(TAG_BITS, tag_bits_of(self.config)))
        axi: Any = AxiPort(self.config)
        m.submodules.llc, m.submodules.axi = llc, axi
        for n in range(PORTS):
            user = getattr(llc, f"user{n}")
            for name in ("line", "write", "strobe", "data", "tag"):
                m.d.comb += getattr(user.request.p, name).eq(getattr(ports, f"u{n}_{name}"))
            m.d.comb += [user.request.valid.eq(getattr(ports, f"u{n}_valid"))]
            m.d.comb += [getattr(ports, f"u{n}_ready").eq(user.request.ready)]
            for name in ("answer", "answer_tag", "answer_error", "answer_data"):
                m.d.comb += getattr(ports, f"u{n}_{name}").eq(getattr(user, name))
        self._same(m, axi.user, getattr(llc, f"user{PORTS}"))
        for prefix, inner in (("s_axi", axi.s_axi), ("m_axi", llc.m_axi)):
            for name, member in ports.signature.members.items():
                if name.startswith(prefix + "_"):
                    outer, port = getattr(ports, name), getattr(inner, name.removeprefix(prefix + "_"))
                    m.d.comb += port.eq(outer) if member.flow == In else outer.eq(port)
        m.d.comb += [
            *(
                getattr(llc.bus, name).eq(getattr(ports, f"bus_{name}"))
                for name in ("addr", "w_stb", "w_data", "r_stb")
            ),
            llc.bus.w_mask.eq(0xF),
            ports.bus_r_data.eq(llc.bus.r_data),
            ports.bus_err.eq(llc.bus.err),
        ]
        if self.config.way_masks:
            m.d.comb += llc.way_masks.eq(ports.way_masks)
        return m

    @staticmethod
    def _same(m: Module, narrow: Any, wide: Any) -> None:
        """Connect two users' ports whose tags differ in width."""
        request = wide.request
        for name in ("line", "write", "strobe", "data", "tag"):
            m.d.comb += getattr(request.p, name).eq(getattr(narrow.request.p, name))
        m.d.comb += [request.valid.eq(narrow.request.valid), narrow.request.ready.eq(request.ready)]
        for name in ("answer", "answer_tag", "answer_write", "answer_error", "answer_data"):
            m.d.comb += getattr(narrow, name).eq(getattr(wide, name))


if __name__ == "__main__":
    top = BenchTop(pickle.load(sys.stdin.buffer))
    text = verilog.convert(top, name=NAME, emit_src=False, strip_internal_attrs=True)
    pathlib.Path(sys.argv[1]).write_text(text)
