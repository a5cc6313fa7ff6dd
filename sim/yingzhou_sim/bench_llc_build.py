# SPDX-License-Identifier: Apache-2.0
"""Shared libraries of the bench of the last-level cache; each step cached by content."""

import pickle
from pathlib import Path
from typing import Final

from yingzhou.llc.config import LlcConfig

from .bench_llc_top import NAME
from .cache import cached, digest
from .paths import NATIVE, ROOT
from .toolchain import require_tools
from .tools import block_sources, elaborate
from .verilated import library

_SOURCES: Final = NATIVE / "llc"
_RTL: Final = ROOT / "rtl" / "yingzhou"


def cache_verilog(config: LlcConfig) -> Path:
    """Return the Verilog of the bench's top, elaborated in a process of its own with a fixed hash seed."""
    top = Path(__file__).parent / "bench_llc_top.py"
    key = digest([repr(config), top, *block_sources("llc", _RTL)])

    def emit(folder: Path) -> None:
        elaborate(["-m", "yingzhou_sim.bench_llc_top", str(folder / f"{NAME}.v")], _RTL, input=pickle.dumps(config))

    return cached("llc-bench-verilog", key, emit) / f"{NAME}.v"


def cache_library(config: LlcConfig, optimize: str = "-O2") -> Path:
    """Return the library of the bench around this cache. A minute or two the first time.

    ``optimize`` is for the C++ compiler.
    """
    require_tools()
    others = (_SOURCES, NATIVE / "engine" / "master.h", NATIVE / "dram.h")
    flags = (f"-DYZ_LLC_WAYS={config.ways}",)
    verilog = cache_verilog(config)
    return library("llc-bench", NAME, verilog, _SOURCES / "llc.cpp", others, optimize=optimize, flags=flags)
