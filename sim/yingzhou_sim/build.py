# SPDX-License-Identifier: Apache-2.0
"""From a :class:`SocConfig` to a shared library: hart Verilog, fabric Verilog, Verilator, C++; each step cached by
content."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from yingzhou.hart.config import HartConfig
from yingzhou.soc.config import SocConfig

from . import cache_view
from .cache import cached, digest
from .paths import NATIVE, ROOT
from .toolchain import verilator_root
from .tools import elaborate, hdl_versions
from .verilated import compile_model, link

LIBRARY: Final = "libyz_soc.so"
_RTL: Final = ROOT / "rtl" / "yingzhou"
_VERILATOR_FLAGS: Final = (
    "--cc --top-module yz_top --prefix Vyz_top -O3 --x-assign fast --x-initial fast --no-timing "
    "--no-assert --no-decoration --output-split 30000 --output-split-cfuncs 3000 -Wno-fatal -Wno-lint -Wno-style"
).split()
_OPTIMIZED: Final = ("OPT_FAST=-O2", "OPT_SLOW=-O0")
_CXX_FLAGS: Final = ("-fPIC", "-march=native", "-fno-strict-aliasing", "-DVL_TIME_CONTEXT")

_EMIT = """
import pathlib, pickle, sys
from yingzhou.{module} import {function}
pathlib.Path(sys.argv[1]).write_text({function}(pickle.loads(sys.stdin.buffer.read())))
"""


def _emit(module: str, function: str, config: object, out: Path) -> None:
    """Elaborate in a process of its own with a fixed hash seed: same input, same Verilog."""
    script = _EMIT.format(module=module, function=function)
    elaborate(["-c", script, str(out)], _RTL, input=pickle.dumps(config))


def _say(what: str) -> None:
    """Tell the user why nothing happens for a while; standard output stays the program's."""
    print(f"building: {what}; kept for the next time", file=sys.stderr, flush=True)


def hart_verilog(config: HartConfig) -> Path:
    """Return the hart's Verilog file for this configuration. About a minute the first time."""
    sources = [_RTL / "hart", _RTL / "bus" / "wishbone.py"]
    key = digest([hdl_versions(), repr(config), *sources])

    def make(folder: Path) -> None:
        _say("elaborating the hart, about a minute")
        _emit("hart.hart", "emit_hart", config, folder / "yz_hart.v")

    return cached("hart", key, make) / "yz_hart.v"


def soc_verilog(config: SocConfig) -> Path:
    """Return the Verilog file of everything but the hart."""
    key = digest([hdl_versions(), repr(config), _RTL])
    return cached("soc", key, lambda folder: _emit("soc.emit", "emit_soc", config, folder / "yz_soc.v")) / "yz_soc.v"


def can_write_fst() -> bool:
    """Return whether the compiler finds ``lz4.h``, which Verilator's FST writer includes."""
    probe = subprocess.run(
        ["g++", "-E", "-xc++", "-"], input="#include <lz4.h>\n", capture_output=True, text=True, check=False
    )
    return probe.returncode == 0


def library(config: SocConfig, trace: str | None = None) -> Path:
    """Return the shared library that simulates this machine.

    Parameters
    ----------
    config : SocConfig
        The machine.
    trace : str or None
        ``fst`` or ``vcd`` builds waves of everything around the hart in.
    """
    hart, soc = hart_verilog(config.hart), soc_verilog(config)
    flags = [*_VERILATOR_FLAGS, *([f"--trace-{trace}"] if trace else [])]
    # Folders below are libraries of their own.
    native = sorted(path for path in NATIVE.iterdir() if path.is_file())
    view = {cache_view.HEADER: cache_view.header(config), cache_view.PUBLIC: cache_view.public(config)}
    key = digest([str(verilator_root().name), *flags, *_OPTIMIZED, *_CXX_FLAGS, hart, soc, *native, *view.values()])
    return cached("lib", key, lambda folder: _verilate(folder, hart, soc, flags, trace, view)) / LIBRARY


def _verilate(folder: Path, hart: Path, soc: Path, flags: list[str], trace: str | None, view: dict[str, str]) -> None:
    _say(f"the simulator{f' with {trace} waves' if trace else ''}, some minutes")
    work = folder / "obj"
    work.mkdir()
    for name, text in view.items():
        (work / name).write_text(text)
    defines = [f"-DYZ_TRACE_{trace.upper()}"] if trace else []
    cflags = [*_CXX_FLAGS, *defines, f"-I{NATIVE}"]
    settings = [work / cache_view.PUBLIC, *([NATIVE / "waves.vlt"] if trace else [])]
    sources = [*settings, NATIVE / "yz_top.v", soc, hart]
    compile_model(folder, "yz_top", flags, cflags, sources, _OPTIMIZED)
    libraries = ["-lz", "-llz4"] if trace == "fst" else []
    link(folder / LIBRARY, NATIVE / "yz_sim.cpp", "yz_top", work, ["-O2", "-std=gnu++20", *cflags], libraries)
    shutil.rmtree(work)
