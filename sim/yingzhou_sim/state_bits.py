# SPDX-License-Identifier: Apache-2.0
"""State on chip, counted from the netlist: bits of registers and of memories of a memory engine."""

import gc
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from amaranth.back.rtlil import convert  # type: ignore
from amaranth.lib import wiring

from yingzhou.mmt.config import MmtConfig
from yingzhou.mmt.ip import MmtIp

from .cache import cached, digest
from .paths import ROOT
from .tools import block_sources

_RTL = ROOT / "rtl" / "yingzhou"
_REGISTER = re.compile(r"^\s*cell \$(?:a|s)?dffe? .*?\n((?:\s*(?:parameter|connect) .*\n)*)", re.M)
_WIDTH = re.compile(r"parameter \\WIDTH (?:signed )?(\d+)")
_MEMORY = re.compile(r"^\s*memory width (\d+) size (\d+) ", re.M)


@dataclass(frozen=True)
class StateBits:
    """Bits of a block that keep their value: in registers, and in memories."""

    registers: int
    memories: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.registers + self.memories


def count(netlist: str) -> StateBits:
    """Count in RTLIL, where every register is a cell with a width and every memory says its size."""
    registers = 0
    for parameters in _REGISTER.findall(netlist):
        width = _WIDTH.search(parameters)
        if width is None:
            raise ValueError(f"a register without width: {parameters[:200]}")
        registers += int(width[1])
    return StateBits(registers, sum(int(width) * int(size) for width, size in _MEMORY.findall(netlist)))


def of_block(make: Callable[[], wiring.Component]) -> StateBits:
    """Count a block of Amaranth."""
    gc.disable()  # elaboration makes millions of objects, and all of them stay
    try:
        return count(convert(make(), emit_src=False))
    finally:
        gc.enable()


def of_engine(config: MmtConfig) -> StateBits:
    """Count a memory engine; kept by content."""
    key = digest([repr(config), Path(__file__), *block_sources("mmt", _RTL)])

    def make(folder: Path) -> None:
        (folder / "bits.json").write_text(json.dumps(asdict(of_block(lambda: MmtIp(config)))))

    return StateBits(**json.loads((cached("engine-bits", key, make) / "bits.json").read_text()))
