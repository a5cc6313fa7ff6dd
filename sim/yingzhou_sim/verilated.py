# SPDX-License-Identifier: Apache-2.0
"""One block's Verilog as a native library with a bench around it; each step cached by content."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from .cache import cached, digest
from .paths import NATIVE
from .toolchain import run_verilator, verilator_env, verilator_root
from .tools import run_tool

CXX_FLAGS: Final = ("-O2", "-std=gnu++20", "-Wall", "-Wextra", "-fPIC", "-shared")
"""Of a bench."""
_MODEL_FLAGS: Final = ("-fPIC", "-march=native", "-fno-strict-aliasing", "-DVL_TIME_CONTEXT")


def build_all(makers: Sequence[Callable[[], Path]]) -> list[Path]:
    """Make several libraries at once."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [made.result() for made in [pool.submit(make) for make in makers]]


def _verilator_flags(module: str) -> list[str]:
    return (
        f"--cc --top-module {module} --prefix V{module} -O3 --x-assign fast --x-initial fast --no-timing --no-assert "
        "--no-decoration --output-split 20000 --output-split-cfuncs 2000 -Wno-fatal -Wno-lint -Wno-style"
    ).split()


def library(
    kind: str,
    module: str,
    verilog: Path,
    main: Path,
    others: Sequence[Path],
    *,
    optimize: str,
    flags: Sequence[str] = (),
) -> Path:
    """Return the library ``bench.so``.

    Parameters
    ----------
    kind : str
        Folder in the cache; the Verilated model is in ``kind-model``.
    module : str
        Top module of ``verilog``; its class in C++ is ``V`` and the name.
    main : Path
        The bench, one C++ file; ``others`` are files and folders that it includes.
    optimize : str
        For the C++ compiler; what is small and runs briefly is sooner done without.
    flags : sequence of str
        More flags of the bench.
    """
    model = digest([verilator_root().name, *_verilator_flags(module), *_MODEL_FLAGS, optimize, verilog])
    archive = cached(f"{kind}-model", model, lambda folder: _verilate(folder, module, verilog, optimize))
    key = digest([model, *CXX_FLAGS, *_MODEL_FLAGS, *flags, *others])
    return cached(kind, key, lambda folder: _link(folder, module, archive, main, flags)) / "bench.so"


def _verilate(folder: Path, module: str, verilog: Path, optimize: str) -> None:
    print(f"building: simulator of {module}, some minutes; kept for the next time", file=sys.stderr, flush=True)
    optimized = (f"OPT_FAST={optimize}", f"OPT_GLOBAL={optimize}", "OPT_SLOW=-O0")
    work = compile_model(folder, module, _verilator_flags(module), _MODEL_FLAGS, [verilog], optimized)
    for kept in (*work.glob("*.h"), *work.glob("*.a")):
        kept.rename(folder / kept.name)
    shutil.rmtree(work)


def _link(folder: Path, module: str, model: Path, main: Path, flags: Sequence[str]) -> None:
    link(folder / "bench.so", main, module, model, [*CXX_FLAGS, *_MODEL_FLAGS, *flags, f"-I{NATIVE}"])


def compile_model(
    folder: Path,
    module: str,
    flags: Sequence[str],
    cflags: Sequence[str],
    sources: Sequence[Path],
    optimized: Sequence[str],
) -> Path:
    """Verilate ``sources`` and compile what comes out; return the folder with headers and archives, ``obj``.

    ``cflags`` are for all of it, ``optimized`` settings of Verilator's makefile, such as ``OPT_FAST=-O2``.
    """
    work = folder / "obj"
    work.mkdir(exist_ok=True)
    texts = [str(source) for source in sources]
    run_verilator([*flags, "--Mdir", str(work), "-CFLAGS", " ".join(cflags), *texts], cwd=folder)
    jobs = f"-j{os.cpu_count() or 1}"
    run_tool(["make", "-C", str(work), "-f", f"V{module}.mk", jobs, *optimized], env=verilator_env())
    return work


def link(out: Path, main: Path, module: str, model: Path, flags: Sequence[str], libraries: Sequence[str] = ()) -> None:
    """Compile ``main`` and link it with a model into a shared library; ``flags`` and ``libraries`` as for g++."""
    root = verilator_root() / "include"
    includes = [f"-I{path}" for path in (model, root, root / "vltstd")]
    archives = [str(model / f"libV{module}.a"), str(model / "libverilated.a")]
    run_tool(
        ["g++", *flags, *includes, "-shared", "-o", str(out), str(main)]
        + ["-Wl,--whole-archive", *archives, "-Wl,--no-whole-archive", *libraries, "-pthread", "-latomic"],
        env=verilator_env(),
    )
