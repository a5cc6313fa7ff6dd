# SPDX-License-Identifier: Apache-2.0
"""Compiling a register description (SystemRDL 2.0, Accellera)."""

from pathlib import Path
from typing import Final

from systemrdl.compiler import RDLCompiler
from systemrdl.messages import MessagePrinter, RDLCompileError, Severity
from systemrdl.node import AddrmapNode, FieldNode, RegNode

from ..errors import ConfigError
from . import subset

RDL_FOLDER: Final = Path(__file__).parent / "rdl"
BLOCKS: Final = tuple(sorted(path.stem for path in RDL_FOLDER.glob("*.rdl")))
"""Names of the register maps of this project."""


class _Collect(MessagePrinter):
    """Keeps the compiler's messages for the exception instead of printing them."""

    def __init__(self):
        self.messages: list[str] = []

    def print_message(self, severity, text, src_ref):
        if severity == Severity.ERROR or not self.messages:
            path, line = getattr(src_ref, "path", None), getattr(src_ref, "line", None)
            self.messages.append(f"{Path(path).name}:{line}: {text}" if path and line else text)


def load(source: str | Path, **parameters: int) -> AddrmapNode:
    """Compile a register description and return its top address map.

    Parameters
    ----------
    source : str or Path
        Name of a map in ``rdl/`` ("gpt") or the path of an ``.rdl`` file.
    parameters : int
        Overrides of the top map's parameters, such as ``AREAS=8``.
    """
    if isinstance(source, str) and source in BLOCKS:
        path = RDL_FOLDER / f"{source}.rdl"
    else:
        path = Path(source)
        if path.suffix != ".rdl" or not path.is_file():
            raise ConfigError(
                f"register map {str(source)!r} is not known; accepted: {', '.join(BLOCKS)} or the path of an .rdl file"
            )
    collect = _Collect()
    compiler = RDLCompiler(message_printer=collect)
    try:
        compiler.compile_file(str(path))
        top = compiler.elaborate(parameters=dict(parameters)).top
    except RDLCompileError as error:
        reason = "; ".join(collect.messages) or str(error)
        raise ConfigError(f"register map {path.name} is not accepted: {reason}") from error
    subset.check(top)
    return top


def path_of(top: AddrmapNode, node: RegNode | FieldNode) -> str:
    """Return the name of a register or field below its map, such as ``area[0].attr.kind``."""
    return node.get_rel_path(top)


def registers_of(top: AddrmapNode) -> list[tuple[str, int, RegNode]]:
    """Return path, byte offset in the map, and node of every register, in order of address."""
    found = [
        (path_of(top, node), node.absolute_address - top.absolute_address, node)
        for node in top.descendants(unroll=True)
        if isinstance(node, RegNode)
    ]
    return sorted(found, key=lambda entry: entry[1])
