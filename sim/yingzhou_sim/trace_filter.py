# SPDX-License-Identifier: Apache-2.0
"""First-level and last-level caches as models: from a program's accesses to what memory behind them sees."""

import enum
import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from yingzhou.errors import ConfigError, power_of_two, require

from .cache import cached, digest
from .native_calls import declarations
from .paths import NATIVE
from .toolchain import require_tools

LINE_BYTES: Final = 64
PAGE_BYTES: Final = 4096
REPLACEMENTS: Final = ("lru", "plru")
PLACEMENTS: Final = ("sequential", "random")
NO_LIMIT: Final = 1 << 62
_SOURCES: Final = NATIVE / "trace"
_HEADER: Final = _SOURCES / "filter.h"
_FLAGS: Final = ("-O3", "-std=gnu++20", "-Wall", "-Wextra", "-fPIC", "-shared")


class Progress(enum.Enum):
    """How far reading a program's accesses is."""

    MORE = 0
    """More may come."""
    ENDED = 1
    """The program ended."""
    ENOUGH = 2
    """All that was asked for is recorded."""


@dataclass(frozen=True, kw_only=True)
class CacheShape:
    """Size of a cache: ``size`` in bytes, ``ways``, replacement ``lru`` or ``plru`` (tree). Lines of 64 bytes; written
    lines stay until they are replaced, and a write that misses allocates."""

    size: int
    ways: int = 8
    replacement: str = "lru"

    def __post_init__(self) -> None:
        require(
            self.ways in (1, 2, 4, 8, 16, 32), f"ways of a cache are {self.ways}; accepted are powers of two up to 32"
        )
        sets, rest = divmod(self.size, self.ways * LINE_BYTES)
        require(
            rest == 0 and power_of_two(sets) and self.size <= 1 << 30,
            f"a cache of {self.size} bytes; accepted are powers of two from {self.ways * LINE_BYTES} to {1 << 30}",
        )
        require(
            self.replacement in REPLACEMENTS,
            f"replacement is {self.replacement!r}; accepted are {', '.join(REPLACEMENTS)}",
        )


L1: Final = CacheShape(size=32 << 10)
"""Each of the two first-level caches."""


@dataclass(frozen=True)
class Record:
    """One access that leaves the last-level cache.

    ``instructions`` since the record before, this one's included; ``write`` a line written back, else a line read that
    the program waits for; ``line`` the physical line number.
    """

    instructions: int
    write: bool
    line: int


def physical_pages(placement: str, memory_bytes: int, seed: int) -> list[int]:
    """Return the physical pages in the order in which a program's pages get them at their first touch.

    ``sequential`` counts up, as a fresh pool does; ``random`` draws from all of memory, as a fragmented one does.
    """
    require(placement in PLACEMENTS, f"placement is {placement!r}; accepted are {', '.join(PLACEMENTS)}")
    pages = list(range(memory_bytes // PAGE_BYTES))
    if placement == "random":
        random.Random(seed).shuffle(pages)
    return pages


def _compile(folder: Path) -> None:
    command = ["g++", *_FLAGS, "-o", str(folder / "filter.so"), str(_SOURCES / "filter.cpp")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"g++ failed ({done.returncode}):\n{done.stderr[-4000:]}")


@cache
def _library() -> Any:
    require_tools()
    key = digest([*_FLAGS, *sorted(_SOURCES.glob("filter.*"))])
    return declarations(_HEADER).dlopen(str(cached("trace-filter", key, _compile) / "filter.so"))


class Filter:
    """Caches between a program and memory, and the records of what leaves them.

    Parameters
    ----------
    llcs : sequence of CacheShape or None
        Last-level caches. Each sees the same misses of the first level, and records for itself. None: no cache, what
        leaves the first level is recorded.
    pages : sequence of int
        Physical pages in order of first touch (:func:`physical_pages`).
    skip, limit : int
        Instructions before recording begins (caches and placement work from the first), and that it lasts at most.
    accesses : int
        Records kept for each last-level cache, at most 2^32 - 1.
    l1 : CacheShape
        Shape of the instruction and of the data cache.
    """

    def __init__(
        self,
        llcs: Sequence[CacheShape | None],
        pages: Sequence[int],
        *,
        skip: int = 0,
        limit: int = NO_LIMIT,
        accesses: int = (1 << 32) - 1,
        l1: CacheShape = L1,
    ):
        self.llcs = tuple(llcs)
        self._ffi, self._lib = declarations(_HEADER), _library()
        shapes = [self._shape(llc) for llc in llcs]
        self._handle = self._lib.yz_filter_open(
            self._ffi.new("struct yz_cache_shape *", self._shape(l1)),
            self._ffi.new("struct yz_cache_shape[]", shapes),
            len(shapes),
            self._ffi.new("uint32_t[]", pages),
            len(pages),
            skip,
            limit,
            accesses,
        )

    @staticmethod
    def _shape(shape: CacheShape | None) -> tuple[int, int, int]:
        if shape is None:
            return 0, 1, 0
        return shape.size, shape.ways, REPLACEMENTS.index(shape.replacement)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lib.yz_filter_close(self._handle)

    def access(self, kind: str, address: int, size: int) -> None:
        """Make one access: ``I`` (an instruction), ``L``, ``S``, or ``M`` (load and store)."""
        self._lib.yz_filter_access(self._handle, "ILSM".index(kind), address, size)

    def read(self, descriptor: int, binary: bool) -> Progress:
        """Take events from a file for a while."""
        match self._lib.yz_filter_read(self._handle, descriptor, int(binary)):
            case 3:
                raise ConfigError(
                    f"the program touches more than the {self.counts['pages']} pages of physical memory there are: "
                    "give more with --memory-mib"
                )
            case -1:
                raise OSError("reading the program's accesses failed")
            case code:
                return Progress(code)

    @property
    def counts(self) -> dict[str, int]:
        """Instructions, accesses and misses since the beginning, skipped ones included."""
        counts = self._lib.yz_filter_counts_of(self._handle)
        return {name: getattr(counts, name) for name, _ in self._ffi.typeof("struct yz_filter_counts").fields or []}

    def llc_accesses(self, llc: int) -> int:
        """Return the accesses that reached a last-level cache since the beginning."""
        return self._lib.yz_filter_llc_accesses(self._handle, llc)

    def llc_instructions(self, llc: int) -> int:
        """Return the instructions that a last-level cache's records span."""
        return self._lib.yz_filter_llc_instructions(self._handle, llc)

    def records(self, llc: int) -> list[Record]:
        """Return the records of a last-level cache."""
        out = self._ffi.new("struct yz_record **")
        count = self._lib.yz_filter_records(self._handle, llc, out)
        return [Record(r.instructions, bool(r.write), r.line) for r in (out[0][i] for i in range(count))]
