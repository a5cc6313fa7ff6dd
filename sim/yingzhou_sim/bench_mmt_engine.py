# SPDX-License-Identifier: Apache-2.0
"""An AXI master, the memory engine or plain wires, and DRAM: the bench that traces are replayed on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yingzhou.errors import require

from .bench_native import DRAM, WRITE_BUFFER, NativeBench, Totals
from .machine import DramTiming
from .paths import NATIVE
from .trace_filter import LINE_BYTES, Record


@dataclass(frozen=True, kw_only=True)
class EngineTotals(Totals):
    """Also lines that the master read and wrote, and the first that went wrong: all ones when there was none."""

    reads: int
    writes: int
    first_bad_line: int

    def complaint(self) -> str:
        """Say how many accesses went wrong, and where the first was."""
        return f"{super().complaint()}, the first at line {self.first_bad_line:#x}"


class EngineBench(NativeBench[EngineTotals]):
    """One bench: DRAM all zero, everything just reset.

    Parameters
    ----------
    library : Path
        Of :mod:`yingzhou_sim.bench_mmt_build`.
    size : int
        Bytes of DRAM, from ``base``.
    dram, write_buffer, skip_pauses
        See :class:`~yingzhou_sim.bench_native.NativeBench`.
    """

    HEADER = NATIVE / "engine" / "engine.h"
    PREFIX = "yz_engine"
    TOTALS = EngineTotals
    QUIET = 96
    """Without a word on AXI: what an engine still does when it has nothing to answer is to write nodes back, one every
    40 cycles at most."""
    WRITE_BUFFER_LIMIT = 16

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
        super().__init__(
            library,
            dram=dram,
            write_buffer=write_buffer,
            skip_pauses=skip_pauses,
            base=base,
            size=size,
            entropy_seed=1,
        )
        self.size = size

    def pattern(self, accesses: Sequence[tuple[int, bool]], outstanding: int) -> list[int]:
        """Make accesses (line, write) in order, at most ``outstanding`` at once; return each one's cycles."""
        require(1 <= outstanding <= 64, f"outstanding is {outstanding}; accepted are 1 to 64")
        latencies = self._ffi.new("uint32_t[]", max(1, len(accesses)))
        array = self._ffi.new("struct yz_access[]", [(line, 0, write) for line, write in accesses])
        code = self._call("pattern", array, len(accesses), outstanding, latencies)
        self._require_moving(code)
        return [latencies[i] for i in range(len(accesses))]

    def replay(self, records: Sequence[Record], chunk: int = 2000) -> int:
        """Replay a core's accesses (docs/benches.md); return the cycles they took."""
        require(
            all(r.line < self.size // LINE_BYTES for r in records),
            f"the trace reaches beyond the {self.size >> 20} MiB of memory here",
        )
        self._call("core_start")
        begin = self._call("core_cycle")
        for at in range(0, len(records), chunk):
            part = [(r.line, r.instructions, r.write) for r in records[at : at + chunk]]
            array = self._ffi.new("struct yz_access[]", part)
            self._require_moving(self._call("replay", array, len(part)))
        return self._call("core_cycle") - begin

    def await_register(self, offset: int, mask: int, wanted: int) -> int:
        """Return a register's word as soon as its bits of ``mask`` are ``wanted``."""
        value = self._ffi.new("uint32_t *")
        response = self._call("reg_until", offset, mask, wanted, value)
        if response:
            raise RuntimeError(f"register {offset:#x} stays {value[0]:#x}: {response}")
        return value[0]

    def peek(self, offset: int, size: int) -> bytes:
        """Return bytes of DRAM, behind the engine's back."""
        buffer = self._ffi.new("uint8_t[]", size)
        code = self._call("peek", offset, buffer, size)
        require(code == 0, f"{size} bytes at {offset:#x} are not in the {self.size:#x} bytes of DRAM")
        return bytes(self._ffi.buffer(buffer))

    def poke(self, offset: int, data: bytes) -> None:
        """Change bytes of DRAM, behind the engine's back."""
        code = self._call("poke", offset, data, len(data))
        require(code == 0, f"{len(data)} bytes at {offset:#x} are not in the {self.size:#x} bytes of DRAM")
