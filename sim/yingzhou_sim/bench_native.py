# SPDX-License-Identifier: Apache-2.0
"""One block in front of DRAM, in a native library: what the benches of the cache and of the memory engine share."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from yingzhou.errors import require

from .machine import DramTiming
from .native_calls import declarations

DRAM: Final = DramTiming(latency=40, beat=1)
"""Timing of the benches: 40 cycles latency and one beat of 128 bits a cycle."""
QUEUE: Final = 16
"""Requests of each direction that DRAM holds at once."""
WRITE_BUFFER: Final = 8
"""Lines on their way to memory that a replaying core may have behind it."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a bench counted since it was opened. ``skipped`` cycles of pauses were not simulated."""

    cycles: int
    skipped: int
    errors: int
    mismatches: int
    dram_reads: int
    dram_writes: int

    def complaint(self) -> str:
        """Say how many accesses went wrong."""
        return f"{self.errors} accesses failed and {self.mismatches} lines read differently than written"


class NativeBench[T: Totals]:
    """A block, just reset, over DRAM that is all zero.

    Parameters
    ----------
    library : Path
        With the block in it.
    dram : DramTiming
    write_buffer : int
        See :data:`WRITE_BUFFER`.
    skip_pauses : bool
        Count a core's long pauses in place of simulating them.
    options : Any
        What else is in the library's options.
    """

    HEADER: ClassVar[Path]
    """The library's C interface."""
    PREFIX: ClassVar[str]
    """What the names in it begin with."""
    TOTALS: type[T]
    """The library's totals: what it counts has the same names here."""
    QUIET: ClassVar[int]
    """Cycles of silence after which nothing in the block moves by itself."""
    WRITE_BUFFER_LIMIT: ClassVar[int]
    """Lines that a core can have on their way at most."""

    def __init__(self, library: Path, *, dram: DramTiming, write_buffer: int, skip_pauses: bool, **options: Any):
        limit = self.WRITE_BUFFER_LIMIT
        require(1 <= write_buffer <= limit, f"write_buffer is {write_buffer}; accepted are 1 to {limit}")
        self._ffi = declarations(self.HEADER)
        self._lib: Any = self._ffi.dlopen(str(library))
        quiet = self.QUIET if skip_pauses else 0
        options |= {**asdict(dram), "queue": QUEUE, "write_buffer": write_buffer, "quiet": quiet}
        self._handle = self._function("open")(self._ffi.new(f"struct {self.PREFIX}_options *", options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._call("close")

    def _function(self, name: str) -> Any:
        return getattr(self._lib, f"{self.PREFIX}_{name}")

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the library with this bench."""
        return self._function(name)(self._handle, *arguments)

    def _require_moving(self, code: int) -> None:
        if code < 0:
            raise RuntimeError(f"nothing moved for a million cycles, at cycle {self.totals.cycles}")

    @property
    def totals(self) -> T:
        """Counts so far."""
        totals = self._call("totals_of")
        return self.TOTALS(**{field.name: getattr(totals, field.name) for field in fields(self.TOTALS)})

    def require_sound(self, what: str) -> None:
        """Raise when anything was read but what was written: values of ``what`` would mean nothing."""
        totals = self.totals
        if totals.errors or totals.mismatches:
            raise RuntimeError(f"{what}: {totals.complaint()}")

    def idle(self, cycles: int) -> None:
        """Let time pass."""
        self._call("idle", cycles)

    def read_register(self, offset: int) -> int:
        """Return a word of the block's registers."""
        value = self._ffi.new("uint32_t *")
        response = self._call("reg_read", offset, value)
        if response:
            raise RuntimeError(f"register {offset:#x} cannot be read: {response}")
        return value[0]

    def write_register(self, offset: int, value: int) -> None:
        """Write a word of the block's registers."""
        response = self._call("reg_write", offset, value)
        if response:
            raise RuntimeError(f"register {offset:#x} does not take {value:#x}: {response}")
