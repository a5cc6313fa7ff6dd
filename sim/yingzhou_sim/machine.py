# SPDX-License-Identifier: Apache-2.0
"""One simulated machine: the shared library behind Python."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from yingzhou.errors import require
from yingzhou.soc.config import SocConfig
from yingzhou.soc.memory_map import DRAM_BASE

from . import build
from .elf import Image, read_elf, require_range
from .native_calls import declarations
from .paths import NATIVE


@dataclass(frozen=True, kw_only=True)
class DramTiming:
    """Timing of the DRAM model, in cycles of the system clock (sim/native/dram.h says how they are used).

    Parameters
    ----------
    latency : int
        From a request at a free bank to its first beat, 1 to 10000.
    beat : int
        Time a 16-byte beat holds the data bus, 1 to 100.
    banks : int
        Banks, interleaved by 64-byte line, 1 to 64.
    bank_busy : int
        Time an access holds its bank, 0 to 10000.
    """

    latency: int = 10
    beat: int = 1
    banks: int = 8
    bank_busy: int = 4

    def __post_init__(self) -> None:
        limits = {"latency": (1, 10000), "beat": (1, 100), "banks": (1, 64), "bank_busy": (0, 10000)}
        for f in fields(self):
            low, high = limits[f.name]
            value = getattr(self, f.name)
            require(low <= value <= high, f"DRAM {f.name} is {value}; accepted are {low} to {high}")


class Stop(enum.Enum):
    """Why :meth:`Machine.run` came back."""

    CYCLES = 0
    EXIT = 1
    EVENT = 2


@dataclass(frozen=True)
class Event:
    """What a program told the simulation device (codes: ``sw/include/yz/abi.h``)."""

    cycle: int
    code: int
    args: tuple[int, int, int, int]


def trace_kind(waves: Path | None) -> str | None:
    """Return what must be built in to write this waves file: ``fst``, ``vcd`` or None."""
    if waves is None:
        return None
    kind = waves.suffix[1:]
    require(kind in ("fst", "vcd"), f"waves file {waves} must end in .fst or .vcd")
    require(
        kind == "vcd" or build.can_write_fst(),
        f"cannot write {waves}: lz4.h is missing (Debian: apt install liblz4-dev); or name a file that ends in .vcd",
    )
    return kind


class Machine:
    """A machine after reset, its DRAM all zero.

    Parameters
    ----------
    config : SocConfig
        The machine; built if it was not built before.
    dram : DramTiming
        Timing of the memory outside the chip.
    entropy_seed : int
        Seed of the words at the entropy port, 0 to 2^64 - 1. The words go on over resets: keys always differ.
    waves : Path or None
        Write waves to this file from the first cycle; ``.fst`` or ``.vcd``.
    engine_always : bool
        The memory engine's clock never stops. By default it does while the engine is idle, which nothing but the
        simulator's speed tells.
    """

    def __init__(
        self,
        config: SocConfig | None = None,
        *,
        dram: DramTiming | None = None,
        entropy_seed: int = 1,
        waves: Path | None = None,
        engine_always: bool = False,
    ):
        require(0 <= entropy_seed < 1 << 64, f"entropy_seed is {entropy_seed}; accepted are 0 to {(1 << 64) - 1}")
        self.config = config or SocConfig()
        self.dram = dram or DramTiming()
        trace = trace_kind(waves)
        self._ffi = declarations(NATIVE / "yz_sim.h")
        self._lib: Any = self._ffi.dlopen(str(build.library(self.config, trace)))
        timing = self._ffi.new("struct yz_dram_timing *")
        for f in fields(self.dram):
            setattr(timing, f.name, getattr(self.dram, f.name))
        self._handle = self._lib.yz_open(DRAM_BASE, self.config.dram_bytes, timing)
        self._lib.yz_seed(self._handle, entropy_seed)
        self._lib.yz_engine_always(self._handle, engine_always)
        self._before = 0, 0
        """Cycles and instructions before the last reset."""
        if waves:
            waves.parent.mkdir(parents=True, exist_ok=True)
            self._lib.yz_trace_start(self._handle, str(waves).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish waves and free the machine."""
        if self._handle is not None:
            self._lib.yz_close(self._handle)
            self._handle = None

    def reset(self) -> None:
        """Reset the chip; DRAM keeps its contents."""
        self._before = self.total_cycles, self.total_retired
        self._lib.yz_reset(self._handle)

    def run(self, cycles: int) -> Stop:
        """Run at most ``cycles`` cycles; after an exit or event the next call goes on."""
        return Stop(self._lib.yz_run(self._handle, cycles))

    @property
    def engine_cycles(self) -> int:
        """Clock edges that the memory engine has seen since power-on."""
        return self._lib.yz_engine_cycles(self._handle)

    @property
    def cycle(self) -> int:
        """Cycles since reset."""
        return self._lib.yz_cycle(self._handle)

    @property
    def retired(self) -> int:
        """Instructions retired since reset."""
        return self._lib.yz_retired(self._handle)

    @property
    def total_cycles(self) -> int:
        """Cycles since the machine was opened, over all resets."""
        return self._before[0] + self.cycle

    @property
    def total_retired(self) -> int:
        """Instructions retired since the machine was opened, over all resets."""
        return self._before[1] + self.retired

    @property
    def exit_code(self) -> int:
        """Exit code of the program, after :attr:`Stop.EXIT`."""
        return self._lib.yz_exit_code(self._handle)

    @property
    def event(self) -> Event:
        """The latest event."""
        e = self._lib.yz_last_event(self._handle)
        return Event(e.cycle, e.code, tuple(e.arg))

    @property
    def dram_counts(self) -> tuple[int, int]:
        """Read and write requests that DRAM saw."""
        return self._lib.yz_dram_reads(self._handle), self._lib.yz_dram_writes(self._handle)

    def console(self) -> str:
        """Take what the program printed since the last call."""
        buffer = self._ffi.new("uint8_t[]", 1 << 16)
        out = bytearray()
        while n := self._lib.yz_console_read(self._handle, buffer, len(buffer)):
            out += self._ffi.buffer(buffer, n)[:]
        return out.decode(errors="replace")

    def type(self, data: bytes) -> None:
        """Send bytes to the program's console input."""
        self._lib.yz_console_write(self._handle, data, len(data))

    def peek(self, address: int, size: int) -> bytes:
        """Read the DRAM chips, behind the chip's back; ``address`` is physical, in the raw window."""
        self._require_dram(address, size)
        buffer = self._ffi.new("uint8_t[]", size)
        self._lib.yz_dram_read(self._handle, address - DRAM_BASE, buffer, size)
        return bytes(self._ffi.buffer(buffer))

    def read(self, address: int, size: int) -> bytes:
        """Read memory as the chip would, through its cache; ``address`` is physical, in the raw window.

        Whole while a program writes to a device, as when it reports an event: nothing is on its way to memory then.
        """
        self._require_dram(address, size)
        buffer = self._ffi.new("uint8_t[]", size)
        self._lib.yz_read(self._handle, address - DRAM_BASE, buffer, size)
        return bytes(self._ffi.buffer(buffer))

    def poke(self, address: int, data: bytes) -> None:
        """Write DRAM behind the chip's back; ``address`` is physical, in the raw window."""
        self._require_dram(address, len(data))
        self._lib.yz_dram_write(self._handle, address - DRAM_BASE, data, len(data))

    def break_dram(self, address: int, size: int) -> None:
        """Make DRAM answer every access to this range, in the raw window, with an error; size 0: to none any more."""
        if size:
            self._require_dram(address, size)
        self._lib.yz_dram_fault(self._handle, address - DRAM_BASE if size else 0, size)

    def pages(self) -> list[int]:
        """Return the addresses of the 4 KiB pages of DRAM that were ever written, ascending."""
        count = self._lib.yz_dram_pages(self._handle, self._ffi.NULL, 0)
        offsets = self._ffi.new("uint64_t[]", count)
        self._lib.yz_dram_pages(self._handle, offsets, count)
        return sorted(DRAM_BASE + offset for offset in offsets)

    @property
    def dram_range(self) -> range:
        """Addresses of DRAM in the raw window."""
        return range(DRAM_BASE, DRAM_BASE + self.config.dram_bytes)

    def _require_dram(self, address: int, size: int) -> None:
        end = DRAM_BASE + self.config.dram_bytes
        require(
            DRAM_BASE <= address <= end - size,
            f"{size} bytes at {address:#x} are not in DRAM ({DRAM_BASE:#x} to {end - 1:#x})",
        )

    def string(self, address: int, limit: int = 512) -> str:
        """Read a NUL-terminated string; empty for address 0, which firmware uses for "none"."""
        if address == 0:
            return ""
        limit = min(limit, DRAM_BASE + self.config.dram_bytes - address)
        return self.read(address, limit).split(b"\0")[0].decode(errors="replace")

    def load_elf(self, path: Path, *, entry: int | None = None) -> Image:
        """Load the segments of an ELF file into DRAM, refusing one that does not fit or does not start at ``entry``."""
        image = read_elf(path)
        require_range(image, DRAM_BASE, DRAM_BASE + self.config.dram_bytes, entry)
        for segment in image.segments:
            self.poke(segment.address, segment.data + bytes(segment.size - len(segment.data)))
        return image

    def run_to_end(self, max_cycles: int, on_event: Callable[[Event], None], chunk: int = 20000) -> Stop:
        """Run until exit or ``max_cycles``, handing each event to ``on_event``."""
        while self.cycle < max_cycles:
            match self.run(min(chunk, max_cycles - self.cycle)):
                case Stop.EXIT:
                    return Stop.EXIT
                case Stop.EVENT:
                    on_event(self.event)
        return Stop.CYCLES
