# SPDX-License-Identifier: Apache-2.0
"""The memory engine as a native library: generated Verilog, Verilator, and the ports' counterparts in C++.

Each step is cached by content. About a minute for a small engine.
"""

import json
import os
import shutil
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from yingzhou.mmt.config import MmtConfig
from yingzhou_sim.cache import cached, digest
from yingzhou_sim.native_calls import declarations
from yingzhou_sim.toolchain import verilator_root
from yingzhou_sim.tools import block_sources, elaborate, rtl_path
from yingzhou_sim.verilated import compile_model, link

NATIVE: Final = Path(__file__).parent / "native"
_FLAGS: Final = (
    "--cc --top-module mmt --prefix Vmmt -O3 --x-assign unique --x-initial unique --no-timing --no-decoration "
    "--output-split 30000 -Wno-fatal -Wno-lint -Wno-style"
).split()
_EMIT: Final = """
import json, pathlib, sys
from amaranth.back import verilog
from yingzhou.mmt.config import MmtConfig
from tb.mmt.probe import ProbedIp
values = json.loads(sys.argv[1])
config = MmtConfig(**{**values, "arities": tuple(values["arities"])})
text = verilog.convert(ProbedIp(config), name="mmt", emit_src=False, strip_internal_attrs=True)
pathlib.Path(sys.argv[2]).write_text(text)
"""


def verilog_file(config: MmtConfig) -> Path:
    """Return the engine's Verilog, elaborated in a process of its own with a fixed hash seed."""
    rtl = rtl_path()
    key = digest([repr(config), *block_sources("mmt", rtl), Path(__file__).parent / "probe.py"])

    def make(folder: Path) -> None:
        elaborate(["-c", _EMIT, json.dumps(asdict(config)), str(folder / "mmt.v")], rtl)

    return cached("mmt-verilog", key, make) / "mmt.v"


def library(config: MmtConfig, optimize: str = "-O1") -> Path:
    """Return the shared library of an engine; ``optimize`` is for the C++ compiler."""
    source = verilog_file(config)
    key = digest([str(verilator_root().name), *_FLAGS, optimize, source, NATIVE])
    return cached("mmt-lib", key, lambda folder: _build(folder, source, optimize)) / "libmmt.so"


def _build(folder: Path, source: Path, optimize: str) -> None:
    optimized = [f"OPT_FAST={optimize}", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0"]
    cflags = ["-fPIC", "-march=native", f"-I{NATIVE}"]
    work = compile_model(folder, "mmt", _FLAGS, cflags, [source], optimized)
    link(folder / "libmmt.so", NATIVE / "engine.cpp", "mmt", work, [optimize, "-std=gnu++20", "-fPIC", f"-I{NATIVE}"])
    shutil.rmtree(work)


class Kind(IntEnum):
    """Kinds of events (``native/engine.h``)."""

    WRITE_ISSUED = 0
    WRITE_DONE = 1
    READ_ISSUED = 2
    READ_DONE = 3
    MEMORY_WRITE = 4
    MEMORY_READ = 5
    LITE_DONE = 6
    IRQ = 7
    PROTOCOL = 8


class Stop(IntEnum):
    """Why :meth:`Library.run` came back."""

    IDLE = 0
    CYCLES = 1
    BEATS = 2
    EVENTS = 3


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a port, in order."""

    kind: int
    resp: int
    id: int
    tag: int
    cycle: int
    addr: int
    data: bytes


@dataclass(frozen=True)
class Traffic:
    """How the ports' counterparts behave: pauses in 256ths of cycles, memory latency in cycles."""

    pause_master: int = 0
    pause_memory: int = 0
    latency_min: int = 4
    latency_max: int = 4
    log_reads: int = 0
    write_lead: int = 0


FAST: Final = Traffic()
ROUGH: Final = Traffic(pause_master=90, pause_memory=90, latency_min=0, latency_max=60, write_lead=1)


class Library:
    """One engine in simulation. Addresses are physical byte addresses."""

    _EVENT: Final = struct.Struct("<BBHIQQII")

    def __init__(self, path: Path, seed: int = 1):
        self._ffi = declarations(NATIVE / "engine.h")
        self._lib: Any = self._ffi.dlopen(str(path))
        self._engine = self._ffi.gc(self._lib.mmt_new(seed), self._lib.mmt_delete)

    def configure(self, traffic: Traffic) -> None:
        """Change the behaviour of the ports' counterparts."""
        settings = self._lib.mmt_get_settings(self._engine)
        for name, value in asdict(traffic).items():
            setattr(settings, name, value)

    def write(
        self, tag: int, id: int, addr: int, beats: list[bytes], strobes: list[int], size: int = 4, burst: int = 1
    ) -> None:
        """Queue a write burst: each beat 16 bytes in their lanes and 16 strobe bits."""
        strobe = self._ffi.new("uint16_t[]", strobes)
        self._lib.mmt_write(self._engine, tag, id, addr, len(beats) - 1, size, burst, b"".join(beats), strobe)

    def read(self, tag: int, id: int, addr: int, beats: int, size: int = 4, burst: int = 1) -> None:
        """Queue a read burst."""
        self._lib.mmt_read(self._engine, tag, id, addr, beats - 1, size, burst)

    def lite(self, tag: int, op: str, addr: int, data: int = 0, mask: int = 0) -> None:
        """Queue a register access: ``read``, ``write``, or ``until`` (word & mask) == data."""
        self._lib.mmt_lite(self._engine, tag, ("read", "write", "until").index(op), addr, data, mask)

    def entropy(self, words: list[int]) -> None:
        """Offer random words."""
        self._lib.mmt_entropy(self._engine, self._ffi.new("uint32_t[]", words), len(words))

    def test_keys(self, on: bool) -> None:
        """Set the strap."""
        self._lib.mmt_test_keys(self._engine, int(on))

    def reset(self, cycles: int = 3) -> None:
        """Reset; what is queued or under way is lost."""
        self._lib.mmt_reset(self._engine, cycles)

    def run(self, cycles: int, beats: int = 0) -> Stop:
        """Run until idle, for a number of cycles, or for a number of transfers on the memory's channels."""
        return Stop(self._lib.mmt_run(self._engine, cycles, beats))

    @property
    def cycle(self) -> int:
        return self._lib.mmt_cycle(self._engine)

    @property
    def beats(self) -> int:
        """Transfers on the memory's channels so far."""
        return self._lib.mmt_beats(self._engine)

    @property
    def nonces(self) -> int:
        """AES inputs that were used for writes since the last reset, each once."""
        return self._lib.mmt_nonces(self._engine)

    def events(self) -> Iterator[Event]:
        """Return and forget what happened since the last call."""
        first, arena = self._ffi.new("const struct mmt_event **"), self._ffi.new("const uint8_t **")
        count = self._lib.mmt_events(self._engine, first, arena)
        raw = bytes(self._ffi.buffer(first[0], count * self._EVENT.size)) if count else b""
        fields = list(self._EVENT.iter_unpack(raw))
        size = max((offset + length for *_, offset, length in fields), default=0)
        data = bytes(self._ffi.buffer(arena[0], size)) if size else b""
        self._lib.mmt_clear_events(self._engine)
        for kind, resp, id, tag, cycle, addr, offset, length in fields:
            yield Event(kind, resp, id, tag, cycle, addr, data[offset : offset + length])

    def peek(self, addr: int) -> bytes:
        """Return the line of memory at ``addr``."""
        line = self._ffi.new("uint8_t[64]")
        self._lib.mmt_peek(self._engine, addr, line)
        return bytes(self._ffi.buffer(line))

    def poke(self, addr: int, data: bytes) -> None:
        """Change the line of memory at ``addr`` behind the engine's back."""
        assert len(data) == 64
        self._lib.mmt_poke(self._engine, addr, data)

    def lines(self) -> list[int]:
        """Return the addresses of all lines of memory that were ever touched."""
        count = self._lib.mmt_lines(self._engine, self._ffi.NULL, 0)
        addrs = self._ffi.new("uint64_t[]", count)
        self._lib.mmt_lines(self._engine, addrs, count)
        return sorted(addrs)

    def fault(self, addr: int, kind: str) -> None:
        """Have memory answer ``reads``, ``writes``, ``both`` or ``none`` of a line with an error."""
        self._lib.mmt_fault(self._engine, addr, ("none", "reads", "writes", "both").index(kind))


def built(config: MmtConfig, seed: int = 1) -> Library:
    """Return a fresh engine; builds it when needed. ``YZ_MMT_OPTIMIZE`` is for a build that is soon thrown away."""
    return Library(library(config, os.environ.get("YZ_MMT_OPTIMIZE", "-O1")), seed)


__all__ = ["FAST", "ROUGH", "Event", "Kind", "Library", "Stop", "Traffic", "built", "library", "verilog_file"]
