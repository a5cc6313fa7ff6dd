# SPDX-License-Identifier: Apache-2.0
"""Many traces of the attacks: a native victim and attacker on the Verilated core of the default cache.

On the machine a trace costs thousands of simulated cycles; here the program around the accesses (sim/native/leak) costs
none.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from . import verilated
from .cache import cached, digest
from .leak import BLOCK, LINES, TABLES, Traces, parse
from .leak_core import MODULE
from .native_calls import declarations
from .paths import NATIVE, ROOT
from .toolchain import require_tools
from .tools import block_sources, elaborate, rtl_path

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


@cache
def library() -> Path:
    """Return the shared library, built when its sources changed. The RTL is that of the package that is imported."""
    require_tools()
    rtl = rtl_path()
    verilog = cached(
        "leak-verilog",
        digest([*block_sources("llc", rtl), ROOT / "sim/yingzhou_sim/leak_core.py"]),
        lambda folder: elaborate(["-m", "yingzhou_sim.leak_core", str(folder / "leak.v")], rtl),
    )
    sources = (_SOURCES, *sorted(_VICTIM.glob("aes.*")))
    flags = [f"-I{_SOURCES}", f"-I{_VICTIM}"]
    main = _SOURCES / "leak.cpp"
    return verilated.library("leak", MODULE, verilog / "leak.v", main, sources, optimize="-O2", flags=flags)


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
        self._ffi = declarations(_SOURCES / "leak.h")
        self._lib: Any = self._ffi.dlopen(str(library()))
        self._bench = self._ffi.gc(self._lib.leak_open(latency, 1), self._lib.leak_close)
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
        out = self._ffi.new("uint8_t[]", BLOCK)
        self._lib.leak_encrypt(self._bench, key, block, out)
        return bytes(self._ffi.buffer(out))

    def probe(self, traces: int, *, loads: int = WHOLE, tables: int = TABLES, replacement: bool = False) -> Traces:
        """Prime and probe the sets of the first ``tables`` tables; the victim makes the first ``loads`` loads.

        With ``replacement``, look at whose line one more has to take the place of.
        """
        sets = tables * LINES
        out = self._ffi.new("uint8_t[]", traces * (BLOCK + 2 * sets))
        self._lib.leak_probe(self._bench, KEY, loads, replacement, sets, traces, out)
        return parse(bytes(self._ffi.buffer(out)), tables)

    def time(self, traces: int) -> Traces:
        """Evict and time: whole encryptions, line 0 of the first table driven out before each."""
        out = self._ffi.new("uint8_t[]", traces * (BLOCK + 4))
        self._lib.leak_time(self._bench, KEY, traces, out)
        return parse(bytes(self._ffi.buffer(out)), 0)
