# SPDX-License-Identifier: Apache-2.0
"""Shared libraries of the engine's bench, without an engine and with a Verilated one; each step cached by content."""

import pickle
from functools import cache
from pathlib import Path
from typing import Final

from yingzhou.mmt.config import MmtConfig

from .cache import cached, digest
from .paths import NATIVE, ROOT
from .toolchain import require_tools
from .tools import block_sources, elaborate, run_tool
from .verilated import CXX_FLAGS, library

_SOURCES: Final = NATIVE / "engine"
_RTL: Final = ROOT / "rtl" / "yingzhou"
_DIRECT: Final = "-DYZ_ENGINE_DIRECT"
_EMIT: Final = """
import pathlib, pickle, sys
from amaranth.back import verilog
from yingzhou.mmt.ip import MmtIp
block = MmtIp(pickle.loads(sys.stdin.buffer.read()))
text = verilog.convert(block, name="mmt", emit_src=False, strip_internal_attrs=True)
pathlib.Path(sys.argv[1]).write_text(text)
"""


@cache
def unprotected_library() -> Path:
    """Return the library of the bench without an engine: the master's port is the DRAM's."""
    require_tools()
    flags = (*CXX_FLAGS, _DIRECT)
    key = digest([*flags, _SOURCES, NATIVE / "dram.h"])

    def compile_(folder: Path) -> None:
        run_tool(["g++", *flags, "-o", str(folder / "bench.so"), str(_SOURCES / "engine.cpp")])

    return cached("engine-bench", key, compile_) / "bench.so"


def engine_verilog(config: MmtConfig) -> Path:
    """Return the engine's Verilog, elaborated in a process of its own with a fixed hash seed."""
    key = digest([_EMIT, repr(config), *block_sources("mmt", _RTL)])

    def emit(folder: Path) -> None:
        elaborate(["-c", _EMIT, str(folder / "mmt.v")], _RTL, input=pickle.dumps(config))

    return cached("engine-bench-verilog", key, emit) / "mmt.v"


def engine_library(config: MmtConfig, optimize: str = "-O2") -> Path:
    """Return the library of the bench with this engine between the master and DRAM. Some minutes the first time.

    ``optimize`` is for the C++ compiler; what is small and runs briefly is sooner done without.
    """
    require_tools()
    others = (_SOURCES, NATIVE / "dram.h")
    return library("engine-bench", "mmt", engine_verilog(config), _SOURCES / "engine.cpp", others, optimize=optimize)
