# SPDX-License-Identifier: Apache-2.0
"""An AXI master, the memory engine or plain wires, and DRAM: the bench that traces are replayed on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import cffi

from yingzhou.errors import require

from .machine import DramTiming
from .paths import NATIVE
from .trace_filter import LINE_BYTES, Record

DRAM: Final = DramTiming(latency=40, beat=1)
"""Timing of the engine's benches: 40 cycles latency and one beat of 128 bits a cycle."""
QUEUE: Final = 16
"""Requests of each direction that DRAM holds at once."""
QUIET: Final = 96
"""Cycles without a word on AXI after which nothing moves by itself: what an engine still does when it has nothing to
answer is to write nodes back, one every 40 cycles at most."""
WRITE_BUFFER: Final = 8
"""Lines on their way to memory that a replaying core may have behind it."""


@cache
def _ffi() -> cffi.FFI:
    ffi = cffi.FFI()
    text = (NATIVE / "engine" / "engine.h").read_text()
    ffi.cdef(text.split("/* cffi: begin */")[1].split("/* cffi: end */")[0])
    return ffi


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a bench counted since it was opened: cycles and lines. ``skipped`` cycles of pauses were not simulated."""

    cycles: int
    skipped: int
    reads: int
    writes: int
    errors: int
    mismatches: int
    first_bad_line: int
    dram_reads: int
    dram_writes: int


class EngineBench:
    """One bench: DRAM all zero, everything just reset.

    Parameters
    ----------
    library : Path
        Of :mod:`yingzhou_sim.bench_mmt_build`.
    size : int
        Bytes of DRAM, from ``base``.
    dram : DramTiming
    write_buffer : int
        See :data:`WRITE_BUFFER`.
    skip_pauses : bool
        Count a replaying core's long pauses in place of simulating them.
    """

    def __init__(
        self,
        library: Path,
        size: int,
        *,
        base: int = 0,
        dram: DramTiming = DRAM,
        write_buffer: int = WRITE_BUFFER,
        skip_pauses: bool = True,
    ):
        require(1 <= write_buffer <= 16, f"write_buffer is {write_buffer}; accepted are 1 to 16")
        self.size = size
        self._ffi = _ffi()
        self._lib: Any = self._ffi.dlopen(str(library))
        options = {
            "latency": dram.latency,
            "beat": dram.beat,
            "banks": dram.banks,
            "bank_busy": dram.bank_busy,
            "queue": QUEUE,
            "write_buffer": write_buffer,
            "quiet": QUIET if skip_pauses else 0,
            "base": base,
            "size": size,
            "entropy_seed": 1,
        }
        self._handle = self._lib.yz_engine_open(self._ffi.new("struct yz_engine_options *", options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lib.yz_engine_close(self._handle)

    @property
    def totals(self) -> Totals:
        """Counts so far."""
        totals = self._lib.yz_engine_totals_of(self._handle)
        return Totals(**{name: getattr(totals, name) for name in Totals.__dataclass_fields__})

    def pattern(self, accesses: Sequence[tuple[int, bool]], outstanding: int) -> list[int]:
        """Make accesses (line, write) in order, at most ``outstanding`` at once; return each one's cycles."""
        require(1 <= outstanding <= 64, f"outstanding is {outstanding}; accepted are 1 to 64")
        latencies = self._ffi.new("uint32_t[]", max(1, len(accesses)))
        array = self._ffi.new("struct yz_access[]", [(line, 0, write) for line, write in accesses])
        code = self._lib.yz_engine_pattern(self._handle, array, len(accesses), outstanding, latencies)
        self._require_moving(code)
        return [latencies[i] for i in range(len(accesses))]

    def replay(self, records: Sequence[Record], chunk: int = 2000) -> int:
        """Replay a core's accesses (docs/benches.md); return the cycles they took."""
        require(
            all(r.line < self.size // LINE_BYTES for r in records),
            f"the trace reaches beyond the {self.size >> 20} MiB of memory here",
        )
        self._lib.yz_engine_core_start(self._handle)
        begin = self._lib.yz_engine_core_cycle(self._handle)
        for at in range(0, len(records), chunk):
            part = [(r.line, r.instructions, r.write) for r in records[at : at + chunk]]
            array = self._ffi.new("struct yz_access[]", part)
            self._require_moving(self._lib.yz_engine_replay(self._handle, array, len(part)))
        return self._lib.yz_engine_core_cycle(self._handle) - begin

    def _require_moving(self, code: int) -> None:
        if code:
            raise RuntimeError(f"nothing moved on AXI for a million cycles, at cycle {self.totals.cycles}")

    def read_register(self, offset: int) -> int:
        """Return a word of the engine's registers."""
        value = self._ffi.new("uint32_t *")
        response = self._lib.yz_engine_reg_read(self._handle, offset, value)
        if response:
            raise RuntimeError(f"register {offset:#x} cannot be read: {response}")
        return value[0]

    def write_register(self, offset: int, value: int) -> None:
        """Write a word of the engine's registers."""
        response = self._lib.yz_engine_reg_write(self._handle, offset, value)
        if response:
            raise RuntimeError(f"register {offset:#x} does not take {value:#x}: {response}")

    def await_register(self, offset: int, mask: int, wanted: int) -> int:
        """Return a register's word as soon as its bits of ``mask`` are ``wanted``."""
        value = self._ffi.new("uint32_t *")
        response = self._lib.yz_engine_reg_until(self._handle, offset, mask, wanted, value)
        if response:
            raise RuntimeError(f"register {offset:#x} stays {value[0]:#x}: {response}")
        return value[0]

    def idle(self, cycles: int) -> None:
        """Let time pass."""
        self._lib.yz_engine_idle(self._handle, cycles)

    def peek(self, offset: int, size: int) -> bytes:
        """Return bytes of DRAM, behind the engine's back."""
        buffer = self._ffi.new("uint8_t[]", size)
        code = self._lib.yz_engine_peek(self._handle, offset, buffer, size)
        require(code == 0, f"{size} bytes at {offset:#x} are not in the {self.size:#x} bytes of DRAM")
        return bytes(self._ffi.buffer(buffer))

    def poke(self, offset: int, data: bytes) -> None:
        """Change bytes of DRAM, behind the engine's back."""
        code = self._lib.yz_engine_poke(self._handle, offset, data, len(data))
        require(code == 0, f"{len(data)} bytes at {offset:#x} are not in the {self.size:#x} bytes of DRAM")
