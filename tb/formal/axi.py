# SPDX-License-Identifier: Apache-2.0
"""AXI4 ports of components under ``axi4_rules.sv``, and what stands at their other ports."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from amaranth.lib import wiring

from yingzhou.bus import axi4
from yingzhou.generate_verilog import flat_ports

from .tops import Attached, proof_top


@dataclass(frozen=True, kw_only=True)
class Side:
    """One AXI4 port: its prefix, whether the design is the slave there, and the parameters of ``axi4_rules``.

    ``burst_max`` : bursts of one identifier under way. ``beats`` : longest burst. ``trust`` : answers of the other side
    keep the rules (master ports). ``kept`` : bits of data at each end that are followed. ``idents`` : identifiers that
    are in use, for the cover statements.
    """

    prefix: str
    slave: bool
    burst_max: int = 2
    beats: int = 4
    trust: bool = True
    kept: int = 8
    idents: int = 2


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A module of ``axi_environments.sv`` at the ports with a prefix, with its parameters."""

    module: str
    prefix: str
    parameters: dict[str, int] = field(default_factory=dict)


def _rules(component: wiring.Component, side: Side) -> Attached:
    ports = flat_ports(component)
    members = axi4.Signature(1, 8).members
    widths = {part: len(ports[f"{side.prefix}_{part}"][0]) for part in ("araddr", "arid", "rdata")}
    return Attached(
        module="axi4_rules",
        name=f"{side.prefix}_rules",
        ports={member: f"{side.prefix}_{member}" for member in members},
        parameters={
            "SLAVE": int(side.slave),
            "TRUST": int(side.trust),
            "ADDR": widths["araddr"],
            "ID": widths["arid"],
            "DATA": widths["rdata"],
            "MAX": side.burst_max,
            "BEATS": side.beats,
            "IDENTS": side.idents,
            "KEPT": side.kept,
        },
    )


def _environment(component: wiring.Component, environment: Environment) -> Attached:
    prefix = environment.prefix + "_"
    ports = {port.removeprefix(prefix): port for port in flat_ports(component) if port.startswith(prefix)}
    return Attached(
        module=environment.module,
        name=f"{environment.prefix}_rules",
        ports=ports,
        parameters=environment.parameters,
    )


def axi_top(
    component: wiring.Component, name: str, sides: Sequence[Side], environments: Sequence[Environment] = ()
) -> str:
    """Return the proof top of a component with AXI4 ports."""
    attached = [_rules(component, side) for side in sides]
    return proof_top(component, name, attached + [_environment(component, each) for each in environments])
