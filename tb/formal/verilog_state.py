# SPDX-License-Identifier: Apache-2.0
"""What is kept from one cycle to the next in a generated design: its registers and the words of its memories."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MODULE: Final = re.compile(r"^module (\S+?) ?\(.*?^endmodule", re.M | re.S)
MEMORY: Final = re.compile(r"^  reg \[(\d+):0\] (\S+) \[(\d+):0\];", re.M)
REGISTER: Final = re.compile(r"^  reg (?:\[(\d+):0\] )?(\S+) +=", re.M)
"""A register has a first value; combinational signals, declared alike, and read ports of memories have none."""
INSTANCE: Final = re.compile(r"^  (\S+) +(\S+) +\($", re.M)
TOOLS_OWN: Final = r"\$auto$"


@dataclass(frozen=True)
class Kept:
    """A register, or with ``word`` one word of a memory: its path below the top module, and its width in bits."""

    path: str
    width: int
    word: bool = False


def kept_in(verilog: str, top: str) -> list[Kept]:
    """Return all that the module ``top`` of ``verilog`` keeps, in and below it."""
    modules = {match[1]: match[0] for match in MODULE.finditer(verilog)}
    return list(_kept(modules, top, ""))


def _kept(modules: dict[str, str], name: str, prefix: str) -> Iterator[Kept]:
    text = modules[name]
    for high, register in REGISTER.findall(text):
        if not register.startswith(TOOLS_OWN):
            yield Kept(prefix + _plain(register), int(high or 0) + 1)
    for high, memory, last in MEMORY.findall(text):
        yield from (Kept(f"{prefix}{_plain(memory)}[{n}]", int(high) + 1, True) for n in range(int(last) + 1))
    for module, instance in INSTANCE.findall(text):
        yield from _kept(modules, module, f"{prefix}{_plain(instance)}.")


def _plain(name: str) -> str:
    """Return a name as Yosys knows it in a path: without the mark of an escaped one."""
    return name.removeprefix("\\")
