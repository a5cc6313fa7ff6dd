# SPDX-License-Identifier: Apache-2.0
"""The block with what coverage wants to know of its inside on ports, and the shell round it.

The cache itself is the one that is delivered: nothing in it is changed, the ports of this wrapper look at signals.
Nothing but coverage depends on them: the scoreboard knows what every user of the block sees.
"""

import json
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tb.uvm.harness import Widths, shell, widths_of
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.ip import LlcIp
from yingzhou_sim.cache import cached, digest
from yingzhou_sim.tools import block_sources, elaborate, rtl_path

MODULE: Final = "llc_harness"
KINDS: Final = ("read", "full write", "partial write", "write without bytes")


def probes(config: LlcConfig) -> dict[str, int]:
    """Return name and width of each port for coverage.

    probe_valid   : one of the pulses below.
    probe_accept  : a request of ``kind`` (:data:`KINDS`) to ``line`` enters the pipeline. It is decided in the next
                    cycle, in which the following are about it.
    probe_hit, probe_miss, probe_lock : pulses of ``Events``.
    probe_reserve, probe_put_in, probe_error, probe_visit, probe_finish, probe_seen_line, probe_way : of the core's
                    ``trace``.
    probe_running : an operation runs. Level.
    """
    pulses = ("valid", "accept", "hit", "miss", "lock", "reserve", "put_in", "visit", "finish")
    widths = dict.fromkeys(pulses, 1) | {"error": 1, "running": 1, "kind": 2}
    widths |= {"line": config.line_bits, "seen_line": config.line_bits, "way": config.way_bits}
    return {f"probe_{name}": width for name, width in widths.items()}


class ProbedIp(wiring.Component):
    """The ports of ``LlcIp``, and those of :func:`probes` beside them."""

    def __init__(self, config: LlcConfig):
        self.ip = LlcIp(config)
        self._probes = probes(config)
        super().__init__({**self.ip.signature.members, **{name: Out(width) for name, width in self._probes.items()}})

    def elaborate(self, platform):
        m = Module()
        m.submodules.ip = ip = self.ip
        for name, member in ip.signature.members.items():
            inner, outer = getattr(ip, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
        core: Any = ip.llc.core
        request, seen, events = core.user0.request, core.trace, core.events
        whole, nothing = request.p.strobe.all(), ~request.p.strobe.any()
        values = {
            "accept": request.valid & request.ready,
            "kind": Mux(request.p.write, Mux(whole, 1, Mux(nothing, 3, 2)), 0),
            "line": request.p.line,
            "running": ~core.operation.request.ready,
            **{name: getattr(events, name) for name in ("hit", "miss", "lock")},
            **{name: getattr(seen, name) for name in ("reserve", "put_in", "visit", "finish", "error", "way")},
            "seen_line": seen.line,
        }
        for name, value in values.items():
            m.d.comb += getattr(self, f"probe_{name}").eq(value)
        pulses = [name for name, width in self._probes.items() if width == 1]
        none = ("probe_valid", "probe_error", "probe_running")
        m.d.comb += self.probe_valid.eq(Cat(getattr(self, name) for name in pulses if name not in none).any())
        return m


@cache
def widths(config: LlcConfig) -> Widths:
    """Return the ports of the block."""
    block = LlcIp(config)
    for part in (block, block.llc, block.llc.core, block.llc.registers):
        part._MustUse__used = True  # Amaranth warns about a component that is not elaborated
    return widths_of(block)


def verilog(config: LlcConfig) -> str:
    """Return the shell."""
    return shell(MODULE, widths(config), "llc", probes(config), ["probe_valid"])


def verilog_file(config: LlcConfig) -> Path:
    """Return the probed block's Verilog, elaborated in a process of its own with a fixed hash seed."""
    rtl = rtl_path()

    def make(folder: Path) -> None:
        elaborate(["-m", "tb.llc.uvm.probe", json.dumps(asdict(config)), str(folder / "llc.v")], rtl)

    return cached("llc-uvm-verilog", digest([repr(config), *block_sources("llc", rtl), Path(__file__)]), make) / "llc.v"


def configuration(text: str) -> LlcConfig:
    """Return a configuration from JSON."""
    values = json.loads(text)
    if values["cacheable"] is not None:
        values["cacheable"] = tuple(tuple(part) for part in values["cacheable"])
    return LlcConfig(**values)


def main(text: str, target: str) -> None:
    from amaranth.back.verilog import convert

    block = ProbedIp(configuration(text))
    Path(target).write_text(convert(block, name="llc", emit_src=False, strip_internal_attrs=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
