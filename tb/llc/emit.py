# SPDX-License-Identifier: Apache-2.0
"""Write the core's Verilog and its list of ports: ``python -m tb.llc.emit CONFIG FOLDER``, CONFIG as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

from amaranth import Module
from amaranth.back import verilog
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped

from yingzhou.llc.config import LlcConfig
from yingzhou.llc.core import LlcCore


class Top(wiring.Component):
    """The core; its port ``trace`` is called ``seen``, since a Verilated module has a member of that name."""

    def __init__(self, core: LlcCore):
        self._core = core
        signature: Any = core.signature
        members = dict(signature.members)
        super().__init__({"seen" if name == "trace" else name: member for name, member in members.items()})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.core = core = self._core
        signature: Any = core.signature
        for name, member in signature.members.items():
            mine, its = getattr(self, "seen" if name == "trace" else name), getattr(core, name)
            if member.is_signature:
                connect(m, flipped(mine), its)
            elif member.flow is wiring.In:
                m.d.comb += its.eq(mine)
            else:
                m.d.comb += mine.eq(its)
        return m


def port_list(component: wiring.Component) -> dict[str, dict[str, int]]:
    """Return widths by name of inputs (with reset) and outputs."""
    found: dict[str, dict[str, int]] = {"in": {"rst": 1}, "out": {}}
    signature: Any = component.signature
    for path, member, value in signature.flatten(component):
        width = len(Value.cast(value))
        if width:
            half = "in" if member.flow is wiring.In else "out"
            found[half]["__".join(str(part) for part in path)] = width
    return found


def main(text: str, target: str) -> None:
    values = json.loads(text)
    users, tag_bits, folder = values.pop("users"), values.pop("tag_bits"), Path(target)
    if values["cacheable"] is not None:
        values["cacheable"] = tuple(tuple(part) for part in values["cacheable"])
    top = Top(LlcCore(LlcConfig(**values), users=users, tag_bits=tag_bits))
    (folder / "ports.json").write_text(json.dumps(port_list(top)))
    (folder / "core.v").write_text(verilog.convert(top, name="core", emit_src=False, strip_internal_attrs=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
