# SPDX-License-Identifier: Apache-2.0
"""Register reference in Markdown, one page a map."""

from pathlib import Path

from systemrdl.node import AddrmapNode, FieldNode, RegfileNode, RegNode

from .compile import BLOCKS, load

_HEADER = """\
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Generated from rtl/yingzhou/regs/rdl/{name}.rdl by `make docs`; do not edit. -->
"""
_ONWRITE = {
    "woset": "write 1 sets",
    "woclr": "write 1 clears",
    "wot": "write 1 toggles",
    "wzs": "write 0 sets",
    "wzc": "write 0 clears",
    "wzt": "write 0 toggles",
    "wset": "any write sets",
    "wclr": "any write clears",
}


def _access(field: FieldNode) -> str:
    notes = []
    if onwrite := field.get_property("onwrite"):
        notes.append(_ONWRITE[onwrite.name])
    if field.get_property("singlepulse"):
        notes.append("back to 0 after one cycle")
    if field.get_property("counter"):
        notes.append("counter, saturates" if field.get_property("incrsaturate") else "counter, wraps")
    gate = field.get_property("swwel")
    if isinstance(gate, FieldNode):
        notes.append(f"refused while {gate.parent.inst_name}.{gate.inst_name} is set")
    return ", ".join([field.get_property("sw").name, *notes])


def _reset(field: FieldNode) -> str:
    if not field.implements_storage and field.is_hw_writable:
        return "hardware"
    return f"0x{field.get_property('reset'):X}"


def _register(node: RegNode, heading: str) -> list[str]:
    lines = [heading, "", (node.get_property("desc") or "").strip(), ""]
    lines += ["| bits | field | access | reset | meaning |", "|---|---|---|---|---|"]
    for field in sorted(node.fields(), key=lambda field: -field.low):
        bits = f"{field.high}:{field.low}" if field.width > 1 else f"{field.low}"
        meaning = " ".join((field.get_property("desc") or "").split())
        lines.append(f"| {bits} | `{field.inst_name}` | {_access(field)} | {_reset(field)} | {meaning} |")
    return [*lines, ""]


def _steps(node: RegNode | RegfileNode) -> str:
    """Return what an array adds to its first element's offset."""
    if not node.is_array:
        return ""
    assert node.array_dimensions is not None and node.array_stride is not None
    return f" + 0x{node.array_stride:X} i, i < {node.array_dimensions[0]}"


def _children(parent: AddrmapNode | RegfileNode, prefix: str, level: int, base: int = 0, steps: str = "") -> list[str]:
    """Return the sections below ``parent``, which begins at ``base`` of the map, ``steps`` more by element."""
    lines = []
    for node in parent.children(unroll=False):
        if not isinstance(node, RegNode | RegfileNode):
            continue
        index = "[i]" if node.is_array else ""
        path = f"{prefix}{node.inst_name}{index}"
        title = node.get_property("name")
        named = f": {title}" if title != node.inst_name else ""
        offset, more = base + node.raw_address_offset, steps + _steps(node)
        heading = f"{'#' * level} 0x{offset:02X}{more} `{path}`{named}"
        if isinstance(node, RegNode):
            lines += _register(node, heading)
        else:
            described = node.get_property("desc")
            lines += [
                heading,
                "",
                *([described, ""] if described else []),
                *_children(node, f"{path}.", level + 1, offset, more),
            ]
    return lines


def page(name: str) -> str:
    """Return the reference page of map ``name``. All offsets count from the start of the map."""
    top = load(name)
    assert isinstance(top, AddrmapNode)
    lines = [f"# {top.get_property('name')}", "", top.get_property("desc") or "", ""]
    parameters = [f"`{p.name}` = {p.get_value()}" for p in top.inst.parameters]
    if parameters:
        lines += [f"Parameters, here with their defaults: {', '.join(parameters)}.", ""]
    lines += [f'C: `#include "yz/{name}_regs.h"`. Offsets are in bytes; every register is 32 bits wide.', ""]
    return _HEADER.format(name=name) + "\n".join([*lines, *_children(top, "", 2)]).rstrip() + "\n"


def write_docs(folder: Path) -> list[Path]:
    """Write ``NAME.md`` of every map into ``folder``; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in BLOCKS:
        (folder / f"{name}.md").write_text(page(name))
    return [folder / f"{name}.md" for name in BLOCKS]
