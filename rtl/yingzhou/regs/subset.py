# SPDX-License-Identifier: Apache-2.0
"""The part of SystemRDL 2.0 that the exporter builds. Everything else is refused here, before any hardware exists."""

from typing import Any, Final

from systemrdl.node import AddrmapNode, FieldNode, MemNode, Node, RegfileNode, RegNode, SignalNode
from systemrdl.rdltypes.builtin_enums import AccessType, OnWriteType, PrecedenceType

from ..errors import ConfigError

_DESCRIPTIVE: Final = {"name", "desc"}
_PROPERTIES: Final[dict[type[Node], set[str]]] = {
    AddrmapNode: _DESCRIPTIVE,
    RegfileNode: _DESCRIPTIVE,
    RegNode: _DESCRIPTIVE | {"regwidth", "accesswidth"},
    FieldNode: _DESCRIPTIVE
    | {"sw", "hw", "reset", "fieldwidth", "encode", "precedence", "we", "swwel", "swmod", "swacc", "singlepulse"}
    | {"onwrite", "woset", "woclr", "counter", "incrsaturate", "saturate"},
}
"""Properties (SystemRDL 2.0, annex F) that may be set to something else than their default, by kind of node."""

ONWRITE: Final = (None, *(kind for kind in OnWriteType if kind is not OnWriteType.wuser))
_ACCESS: Final = {
    "sw": (AccessType.rw, AccessType.r, AccessType.w),
    "hw": (AccessType.na, AccessType.r, AccessType.w, AccessType.rw),
}


def _refuse(node: Node, name: str, value: Any, accepted: str):
    shown = getattr(value, "name", value)
    if isinstance(value, Node):
        shown = value.get_path()
    raise ConfigError(f"property {name} = {shown} of {node.get_path()} is not supported; accepted: {accepted}")


def _check_field(field: FieldNode) -> None:
    get = field.get_property
    for name, accepted in _ACCESS.items():
        if get(name) not in accepted:
            _refuse(field, name, get(name), ", ".join(kind.name for kind in accepted))
    for name in ("we", "incrsaturate"):
        if not isinstance(get(name), bool):
            _refuse(field, name, get(name), "true or false")
    if not isinstance(get("swwel"), bool | FieldNode) or get("swwel") is True:
        _refuse(field, "swwel", get("swwel"), "a field of the same map")
    if get("onwrite") not in ONWRITE:
        _refuse(field, "onwrite", get("onwrite"), "woset, woclr, wot, wzs, wzc, wzt, wset, wclr")
    if get("precedence") not in (PrecedenceType.sw, PrecedenceType.hw):
        _refuse(field, "precedence", get("precedence"), "sw, hw")
    constant = not field.implements_storage and not field.is_hw_writable
    if (field.implements_storage or constant) and not isinstance(get("reset"), int):
        _refuse(field, "reset", get("reset"), "a number, on every field that is stored or constant")
    if field.implements_storage and field.is_hw_writable and not get("we"):
        _refuse(field, "we", False, "true, on every stored field that hardware writes")
    if get("counter") and field.is_hw_writable:
        _refuse(field, "hw", get("hw"), "na or r on a counter")
    if get("singlepulse") and (get("reset") != 0 or get("counter") or field.is_hw_writable):
        _refuse(field, "singlepulse", True, "false, unless reset is 0 and hardware does not write the field")


def check(top: AddrmapNode) -> None:
    """Raise :class:`ConfigError` naming property and node when ``top`` uses what the exporter does not build."""
    for node in [top, *top.descendants(unroll=True)]:
        if not isinstance(node, RegfileNode | RegNode | FieldNode) and node is not top:
            kind = {MemNode: "memory", SignalNode: "signal"}.get(type(node), "map")
            raise ConfigError(f"{node.get_path()} is a nested {kind}; accepted below a map: regfile, reg, field")
        if isinstance(node, RegNode | RegfileNode) and node.external:
            _refuse(node, "external", True, "internal")
        if isinstance(node, RegNode) and node.is_alias:
            _refuse(node, "alias", True, "registers that are no alias")
        kind = next(kind for kind in _PROPERTIES if isinstance(node, kind))
        for name in node.list_properties():
            if name not in _PROPERTIES[kind] and node.get_property(name) not in (None, False):
                known = ", ".join(sorted(_PROPERTIES[kind]))
                _refuse(node, name, node.get_property(name), f"the properties {known}")
        if isinstance(node, RegNode):
            for name in ("regwidth", "accesswidth"):
                if node.get_property(name) != 32:
                    _refuse(node, name, node.get_property(name), "32")
        if isinstance(node, FieldNode):
            _check_field(node)
