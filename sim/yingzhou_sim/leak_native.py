# SPDX-License-Identifier: Apache-2.0
"""Many traces of the attacks: a native victim and attacker on the Verilated core of the default cache.

On the machine a trace costs thousands of simulated cycles; here the program around the accesses (sim/native/leak) costs
none.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import cffi

import yingzhou

from .cache import cached, digest
from .leak import BLOCK, LINES, TABLES, Traces, parse
from .leak_core import MODULE
from .paths import NATIVE, ROOT
from .toolchain import require_tools, run_verilator, verilator_env, verilator_root

KEY: Final = bytes.fromhex("3e9107c85af462bd801fa974e32cd64b")
"""Nothing depends on which."""
FIRST_ROUND: Final = 16
WHOLE: Final = 160
"""Loads of tables: of the first round, and of an encryption."""
LATENCY: Final = 10
"""Cycles of memory to the first beat."""
_LOCK: Final = 1
_SOURCES: Final = NATIVE / "leak"
_VICTIM: Final = ROOT / "sw" / "leak"
_FLAGS: Final = (
    f"--cc --top-module {MODULE} --prefix V{MODULE} -O3 --x-assign fast --x-initial fast --no-timing --no-assert "
    "--no-decoration --output-split 30000 -Wno-fatal -Wno-lint -Wno-style"
).split()
_CXX_FLAGS: Final = ("-fPIC", "-march=native", "-fno-strict-aliasing")


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}):\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


@cache
def library() -> Path:
    """Return the shared library, built when its sources changed. The RTL is that of the package that is imported."""
    require_tools()
    rtl = Path(yingzhou.__path__[0])
    verilog = cached(
        "leak-verilog",
        digest([rtl / "llc", rtl / "bus", rtl / "mmt", rtl / "errors.py", ROOT / "sim/yingzhou_sim/leak_core.py"]),
        lambda folder: _emit(folder / "leak.v", rtl),
    )
    model = digest([verilator_root().name, *_FLAGS, *_CXX_FLAGS, verilog / "leak.v"])
    archives = cached("leak-model", model, lambda folder: _verilate(folder, verilog / "leak.v"))
    key = digest([model, _SOURCES, *sorted(_VICTIM.glob("aes.*"))])
    return cached("leak-lib", key, lambda folder: _link(folder, archives)) / "libleak.so"


def _emit(out: Path, rtl: Path) -> None:
    path = os.pathsep.join([str(rtl.parent), str(ROOT / "sim"), *sys.path])
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path}
    _run([sys.executable, "-m", "yingzhou_sim.leak_core", str(out)], environment)


def _verilate(folder: Path, verilog: Path) -> None:
    print(
        "building: simulator of the attacked cache, a minute; kept for the next time",
        file=sys.stderr,
        flush=True,
    )
    work = folder / "obj"
    work.mkdir()
    run_verilator([*_FLAGS, "--Mdir", str(work), "-CFLAGS", " ".join(_CXX_FLAGS), str(verilog)], cwd=folder)
    _run(
        ["make", "-C", str(work), "-f", f"V{MODULE}.mk", "-j2", "OPT_FAST=-O2", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1"],
        verilator_env(),
    )
    for kept in (*work.glob("*.h"), *work.glob("*.a")):
        kept.rename(folder / kept.name)
    shutil.rmtree(work)


def _link(folder: Path, model: Path) -> None:
    root = verilator_root() / "include"
    includes = [f"-I{path}" for path in (model, _SOURCES, _VICTIM, root, root / "vltstd")]
    archives = [str(model / f"libV{MODULE}.a"), str(model / "libverilated.a")]
    _run(
        ["g++", "-O2", "-std=gnu++20", "-Wall", "-Wextra", *_CXX_FLAGS, "-shared", *includes]
        + ["-o", str(folder / "libleak.so"), str(_SOURCES / "leak.cpp"), "-Wl,--whole-archive", *archives]
        + ["-Wl,--no-whole-archive", "-pthread", "-latomic"],
        verilator_env(),
    )


@cache
def _ffi() -> cffi.FFI:
    ffi = cffi.FFI()
    ffi.cdef((_SOURCES / "leak.h").read_text().split("/* cffi: begin */")[1].split("/* cffi: end */")[0])
    return ffi


class Scene:
    """A cache after reset with a victim and an attacker.

    Parameters
    ----------
    locked : bool
        The victim's page of tables is locked.
    latency : int
        Cycles of memory to the first beat of a line.
    """

    def __init__(self, locked: bool, latency: int = LATENCY):
        self._lib: Any = _ffi().dlopen(str(library()))
        self._bench = _ffi().gc(self._lib.leak_open(latency, 1), self._lib.leak_close)
        if locked:
            result = self._lib.leak_operate(self._bench, _LOCK)
            assert result == 0, f"LOCK was refused: {result}"
        self.fits: int = self._lib.leak_fits(self._bench)
        """How many lines of a set the attacker can keep."""

    @property
    def cycles(self) -> int:
        """Cycles since reset."""
        return self._lib.leak_cycles(self._bench)

    def encrypt(self, key: bytes, block: bytes) -> bytes:
        """Return a block as the victim's cipher encrypts it."""
        out = _ffi().new("uint8_t[]", BLOCK)
        self._lib.leak_encrypt(self._bench, key, block, out)
        return bytes(_ffi().buffer(out))

    def probe(self, traces: int, *, loads: int = WHOLE, tables: int = TABLES, replacement: bool = False) -> Traces:
        """Prime and probe the sets of the first ``tables`` tables; the victim makes the first ``loads`` loads.

        With ``replacement``, look at whose line one more has to take the place of.
        """
        sets = tables * LINES
        out = _ffi().new("uint8_t[]", traces * (BLOCK + 2 * sets))
        self._lib.leak_probe(self._bench, KEY, loads, replacement, sets, traces, out)
        return parse(bytes(_ffi().buffer(out)), tables)

    def time(self, traces: int) -> Traces:
        """Evict and time: whole encryptions, line 0 of the first table driven out before each."""
        out = _ffi().new("uint8_t[]", traces * (BLOCK + 4))
        self._lib.leak_time(self._bench, KEY, traces, out)
        return parse(bytes(_ffi().buffer(out)), 0)
