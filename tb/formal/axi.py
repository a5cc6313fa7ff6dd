# SPDX-License-Identifier: Apache-2.0
"""Proof tops for components with AXI4 ports: every input free, each AXI4 port under ``axi4_rules.sv``.

Works on any component with flat ports, a whole engine as well: name its AXI4 ports by prefix, and what stands at its
other ports, if anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from amaranth.lib import wiring

from yingzhou.bus import axi4
from yingzhou.generate_verilog import flat_ports, to_verilog


@dataclass(frozen=True, kw_only=True)
class Side:
    """One AXI4 port: its prefix, whether the design is the slave there, and the parameters of ``axi4_rules``.

    ``burst_max`` : bursts of one identifier under way. ``trust`` : answers of the other side keep the rules (master
    ports). ``one`` : follow one arbitrary identifier in place of all. ``beats`` : longest burst of an assumed master.
    """

    prefix: str
    slave: bool
    burst_max: int = 2
    trust: bool = True
    one: bool = False
    beats: int = 256


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A module of ``axi_environments.sv`` at the ports with a prefix, with its parameters."""

    module: str
    prefix: str
    parameters: Mapping[str, int] = field(default_factory=dict)


def _instance(module: str, name: str, parameters: Mapping[str, int], ports: Mapping[str, str]) -> str:
    chosen = ", ".join(f".{key}({value})" for key, value in parameters.items())
    connected = ", ".join(f".{port}({signal})" for port, signal in ports.items())
    return f"    {module} #({chosen}) {name} (.clk(clk), {connected});"


def proof_top(
    component: wiring.Component,
    name: str,
    sides: tuple[Side, ...],
    environments: tuple[Environment, ...] = (),
    constants: Mapping[str, int] | None = None,
) -> str:
    """Return the Verilog of ``component`` as module ``name`` and of its proof top ``name_proof``.

    ``constants`` : inputs that keep one value; every other input is free in every cycle. There is no reset but the
    start.
    """
    ports = flat_ports(component)
    held = dict(constants or {})
    inputs = [f"input [{len(v) - 1}:0] {p}" for p, (v, d) in ports.items() if d.value == "input" and p not in held]
    wires = [f"    wire [{len(v) - 1}:0] {p};" for p, (v, d) in ports.items() if d.value == "output"]
    fixed = [f"    wire [{len(ports[p][0]) - 1}:0] {p} = {value};" for p, value in held.items()]
    connected = ", ".join(f".{p}({p})" for p in ports)
    body = [f"module {name}_proof (input clk, {', '.join(inputs)});", *wires, *fixed]
    body.append(f"    {name} dut (.clk(clk), .rst(1'b0), {connected});")
    for side in sides:
        members = [
            member for path, *_ in axi4.Signature(1, 8).flatten(axi4.Signature(1, 8).create()) for member in path
        ]
        widths = {part: len(ports[f"{side.prefix}_{part}"][0]) for part in ("araddr", "arid", "rdata")}
        parameters = {
            "SLAVE": int(side.slave),
            "TRUST": int(side.trust),
            "ADDR": widths["araddr"],
            "ID": widths["arid"],
            "MAX": side.burst_max,
            "ONE": int(side.one),
            "DATA": widths["rdata"],
            "BEATS": side.beats,
        }
        signals = {str(member): f"{side.prefix}_{member}" for member in members}
        body.append(_instance("axi4_rules", f"{side.prefix}_rules", parameters, signals))
    for environment in environments:
        prefix = environment.prefix + "_"
        signals = {p.removeprefix(prefix): p for p in ports if p.startswith(prefix)}
        body.append(_instance(environment.module, f"{environment.prefix}_rules", environment.parameters, signals))
    return "\n".join([to_verilog(component, name), *body, "endmodule", ""])
