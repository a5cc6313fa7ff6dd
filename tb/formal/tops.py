# SPDX-License-Identifier: Apache-2.0
"""Proof tops: a component with every input free, and modules with properties at its ports and at wires inside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from amaranth.lib import wiring

from yingzhou.generate_verilog import flat_ports, to_verilog


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A module of properties: its parameters, and what is at its ports besides the clock."""

    module: str
    name: str
    ports: Mapping[str, str]
    parameters: Mapping[str, int] = field(default_factory=dict)

    def text(self) -> str:
        chosen = ", ".join(f".{key}({value})" for key, value in self.parameters.items())
        connected = ", ".join(f".{port}({signal})" for port, signal in self.ports.items())
        return f"    {self.module} #({chosen}) {self.name} (.clk(clk), {connected});"


def proof_top(
    component: wiring.Component,
    name: str,
    attached: Sequence[Attached],
    probes: Mapping[str, int] | None = None,
) -> str:
    """Return the Verilog of ``component`` as module ``name``, and of its proof top ``name_proof``.

    ``probes`` : wires of the proof top and their widths, which a job drives from inside the design.
    Every input is free in every cycle. There is no reset but the start.
    """
    ports = flat_ports(component)
    inputs = [f"input [{len(value) - 1}:0] {port}" for port, (value, way) in ports.items() if way.value == "input"]
    wires = {port: len(value) for port, (value, way) in ports.items() if way.value == "output"} | dict(probes or {})
    return "\n".join(
        [
            to_verilog(component, name),
            f"module {name}_proof (input clk, {', '.join(inputs)});",
            *(f"    wire [{width - 1}:0] {wire};" for wire, width in wires.items()),
            f"    {name} dut (.clk(clk), .rst(1'b0), {', '.join(f'.{port}({port})' for port in ports)});",
            *(properties.text() for properties in attached),
            "endmodule",
            "",
        ]
    )
