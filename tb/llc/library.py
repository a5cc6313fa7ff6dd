# SPDX-License-Identifier: Apache-2.0
"""The core of the last-level cache as a native library: its Verilog, Verilator, and a call a clock cycle.

Each step is cached by content.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cffi

from yingzhou.llc.config import LlcConfig
from yingzhou_sim.cache import cached, digest
from yingzhou_sim.toolchain import verilator_root
from yingzhou_sim.tools import block_sources, elaborate, rtl_path
from yingzhou_sim.verilated import compile_model, link

HERE: Final = Path(__file__).parent
USERS: Final = 2
"""Who use the cache: the second one is an attacker, or just another."""
TAG_BITS: Final = 5
_FLAGS: Final = (
    "--cc --top-module core --prefix Vcore -O3 --x-assign unique --x-initial unique --no-timing --no-decoration "
    "--output-split 30000 -Wno-fatal -Wno-lint -Wno-style"
).split()
_CDEF: Final = """
void *core_new(uint64_t seed);
void core_delete(void *core);
void core_cycle(void *core, const uint32_t *in, uint32_t *out);
"""


@dataclass(frozen=True)
class Port:
    """A port of the module: width in bits, first of its words in the array of its direction."""

    name: str
    width: int
    word: int

    @property
    def words(self) -> int:
        return -(-self.width // 32)


def emitted(config: LlcConfig) -> Path:
    """Return a folder with ``core.v`` and ``ports.json``, elaborated in a process with a fixed hash seed."""
    rtl = rtl_path()
    values = {**asdict(config), "users": USERS, "tag_bits": TAG_BITS}

    def make(folder: Path) -> None:
        elaborate(["-m", "tb.llc.emit", json.dumps(values), str(folder)], rtl)

    return cached("llc-verilog", digest([repr(values), *block_sources("llc", rtl), HERE / "emit.py"]), make)


@cache
def ports(folder: Path) -> tuple[dict[str, Port], dict[str, Port]]:
    """Return inputs and outputs by name, but for clock."""
    listed = json.loads((folder / "ports.json").read_text())
    halves: list[dict[str, Port]] = []
    for direction in ("in", "out"):
        word, half = 0, {}
        for name, width in listed[direction].items():
            half[name] = port = Port(name, width, word)
            word += port.words
        halves.append(half)
    return halves[0], halves[1]


def library(config: LlcConfig, optimize: str = "-O1") -> tuple[Path, Path]:
    """Return the shared library of a core, and the folder with its port list."""
    source = emitted(config)
    key = digest([verilator_root().name, *_FLAGS, optimize, source / "core.v", source / "ports.json", HERE / "native"])
    folder = cached("llc-lib", key, lambda folder: _build(folder, source, optimize))
    return folder / "libcore.so", source


def _member(name: str) -> str:
    """Return what Verilator calls a port: it keeps two underscores for itself."""
    return name.replace("__", "___05F")


def _build(folder: Path, source: Path, optimize: str) -> None:
    work = folder / "obj"
    work.mkdir()
    lists = [
        f"#define PORTS_{direction} "
        + " ".join(f"X({_member(port.name)}, {port.word})" for port in half.values())
        + "\n"
        for direction, half in zip(("IN", "OUT"), ports(source), strict=True)
    ]
    (work / "ports.h").write_text("".join(lists))
    optimized = [f"OPT_FAST={optimize}", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0"]
    compile_model(folder, "core", _FLAGS, ["-fPIC"], [source / "core.v"], optimized)
    link(folder / "libcore.so", HERE / "native" / "core.cpp", "core", work, [optimize, "-std=gnu++20", "-fPIC"])
    shutil.rmtree(work)


@cache
def _ffi() -> cffi.FFI:
    ffi = cffi.FFI()
    ffi.cdef(_CDEF)
    return ffi


class Core:
    """One core in simulation. Inputs keep their values until they are set again; outputs are those of the last cycle.

    Parameters
    ----------
    seed : int
        Of registers that have no reset.
    """

    def __init__(self, config: LlcConfig, seed: int = 1):
        path, source = library(config)
        ffi = _ffi()
        self._lib: Any = ffi.dlopen(str(path))
        self._core = ffi.gc(self._lib.core_new(seed), self._lib.core_delete)
        self.inputs, self.outputs = ports(source)
        self._words = tuple(
            ffi.new("uint32_t[]", 1 + sum(port.words for port in half.values())) for half in (self.inputs, self.outputs)
        )
        self._in, self._out = (memoryview(ffi.buffer(words)) for words in self._words)
        self._in_word, self._out_word = self._in.cast("I"), self._out.cast("I")

    def set(self, name: str, value: int) -> None:
        """Drive an input."""
        port = self.inputs[name]
        assert 0 <= value < 1 << port.width, f"{name} has {port.width} bits, not enough for {value:#x}"
        if port.words == 1:
            self._in_word[port.word] = value
        else:
            first, size = 4 * port.word, 4 * port.words
            self._in[first : first + size] = value.to_bytes(size, "little")

    def get(self, name: str) -> int:
        """Return an output."""
        port = self.outputs[name]
        if port.words == 1:
            return self._out_word[port.word]
        first, size = 4 * port.word, 4 * port.words
        return int.from_bytes(self._out[first : first + size], "little")

    def bytes_of(self, name: str) -> bytes:
        """Return an output as bytes, the lowest first."""
        port = self.outputs[name]
        first = 4 * port.word
        return bytes(self._out[first : first + port.width // 8])

    def driven(self, name: str) -> int:
        """Return an input of one word as it is driven."""
        return self._in_word[self.inputs[name].word]

    def cycle(self) -> None:
        """Let a clock cycle pass."""
        self._lib.core_cycle(self._core, *self._words)

    def copy_inputs(self, other: "Core") -> None:
        """Drive the inputs that another core of the same configuration is driven with."""
        self._in[:] = other._in

    def same_outputs(self, other: "Core") -> bool:
        """Return whether all outputs are the same."""
        return self._out == other._out


def new_core(config: LlcConfig, seed: int = 1) -> Any:
    """Return a fresh core; with ``YZ_LLC_SIMULATOR=amaranth`` one for which nothing is built (tb.llc.simulated)."""
    if os.environ.get("YZ_LLC_SIMULATOR", "native") == "amaranth":
        from .simulated import SimulatedCore

        return SimulatedCore(config, USERS, TAG_BITS)
    return Core(config, seed)
