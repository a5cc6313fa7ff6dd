# SPDX-License-Identifier: Apache-2.0
"""A Verilog shell round a generated block that gives a testbench each channel as one vector.

Reading a signal costs a Python testbench more than a cycle of the block does, so the shell packs the payload of each
channel into one vector, and all handshakes of a port into another. It has no logic of its own.

Ports, for each AXI port P of the block (``s_axi``, ``m_axi``, ``s_axil``) and channel C:

``P_C_valid``, ``P_C_ready`` : inputs, the one that the testbench drives.
``P_C``                      : payload, input or output; fields from bit 0 up in the order of the block's ports.
``P_handshakes``             : output, bits 2k and 2k + 1: valid and ready of channel k of ``CHANNELS``; bit 10: reset.
                               Of ``m_axi`` also, from bit 11 up: which probes are valid.
``probes``                   : output, what a wrapper of the block shows of its inside; fields from bit 0 up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from amaranth.lib import wiring
from amaranth.lib.wiring import In

from .protocol import CHANNELS

PORTS: Final = ("s_axi", "m_axi", "s_axil")
RESET_BIT: Final = 2 * len(CHANNELS)
PROBE_BIT: Final = RESET_BIT + 1
"""First of the bits of the handshakes of ``m_axi`` that say which probes are valid."""


@dataclass(frozen=True)
class Field:
    """Bits of a channel's payload."""

    name: str
    low: int
    width: int


@dataclass(frozen=True)
class Channel:
    """One channel of one port. ``driven``: the testbench offers, the block takes."""

    port: str
    name: str
    driven: bool
    fields: tuple[Field, ...]

    @property
    def width(self) -> int:
        return sum(field.width for field in self.fields)


Widths = Mapping[str, tuple[int, bool]]
"""Of every port of a block by name: width in bits, whether it is an input."""


def widths_of(block: wiring.Component) -> Widths:
    """Return the ports of a block."""
    return {name: (member.shape, member.flow == In) for name, member in block.signature.members.items()}


def channels_of(widths: Widths, port: str) -> dict[str, Channel]:
    """Return the channels of an AXI port of a block."""
    found = {}
    for name in CHANNELS:
        fields, low = [], 0
        for member, (width, _) in widths.items():
            field = member.removeprefix(f"{port}_{name}")
            if field not in (member, "valid", "ready"):
                fields.append(Field(field, low, width))
                low += width
        found[name] = Channel(port, name, widths[f"{port}_{name}valid"][1], tuple(fields))
    return found


def probe_fields(probes: Mapping[str, int]) -> tuple[Field, ...]:
    """Return the fields of ``probes``, without their common prefix."""
    fields, low = [], 0
    for name, width in probes.items():
        fields.append(Field(name.removeprefix("probe_"), low, width))
        low += width
    return tuple(fields)


def shell(module: str, widths: Widths, block: str, probes: Mapping[str, int], valids: Sequence[str]) -> str:
    """Return the shell ``module`` of a block with the three AXI ports and the given probes; ``valids`` among these are
    shown with the handshakes of ``m_axi``.
    """
    ports, wires, inside, outside = ["input clk", "input rst"], [], [".clk(clk)", ".rst(rst)"], []
    for port in PORTS:
        shakes = []
        for name, channel in channels_of(widths, port).items():
            base = f"{port}_{name}"
            mine, other = ("valid", "ready") if channel.driven else ("ready", "valid")
            ports += [
                f"input {base}_{mine}",
                f"{'input' if channel.driven else 'output'} [{channel.width - 1}:0] {base}",
            ]
            wires.append(f"wire {base}_{other};")
            inside += [f".{base}{side}({base}_{side})" for side in ("valid", "ready")]
            inside += [f".{base}{field.name}({base}[{field.low} +: {field.width}])" for field in channel.fields]
            shakes = [f"{base}_ready", f"{base}_valid", *shakes]
        shakes.insert(0, "rst")
        if port == "m_axi":
            shakes = [*reversed(valids), *shakes]
        ports.append(f"output [{len(shakes) - 1}:0] {port}_handshakes")
        outside.append(f"assign {port}_handshakes = {{{', '.join(shakes)}}};")
    wires += [f"wire [{width - 1}:0] {name};" for name, width in probes.items()]
    inside += [f".{name}({name})" for name in probes]
    ports.append(f"output [{sum(probes.values()) - 1}:0] probes")
    outside.append(f"assign probes = {{{', '.join(reversed(list(probes)))}}};")
    for name, (width, is_input) in widths.items():
        if not name.startswith(tuple(port + "_" for port in PORTS)):
            ports.append(f"{'input' if is_input else 'output'} [{width - 1}:0] {name}")
            inside.append(f".{name}({name})")
    declared = ",\n".join(f"    {port} /* verilator public_flat_rw */" for port in ports)
    body = "\n".join(f"    {line}" for line in (*wires, f"{block} dut (", *_lines(inside), ");", *outside))
    return f"// SPDX-License-Identifier: Apache-2.0\nmodule {module} (\n{declared}\n);\n{body}\nendmodule\n"


def _lines(connections: list[str]) -> list[str]:
    return [f"    {text}{',' if number + 1 < len(connections) else ''}" for number, text in enumerate(connections)]


__all__ = [
    "CHANNELS", "PORTS", "PROBE_BIT", "RESET_BIT", "Channel", "Field", "Widths", "channels_of", "probe_fields", "shell",
    "widths_of",
]  # fmt: skip
