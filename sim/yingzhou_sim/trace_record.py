# SPDX-License-Identifier: Apache-2.0
"""A program under Valgrind, its accesses through the caches, traces out."""

import hashlib
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from yingzhou.errors import ConfigError, require

from . import trace_tool
from .trace_file import Trace
from .trace_filter import L1, NO_LIMIT, CacheShape, Filter, Progress, physical_pages

METHODS: Final = ("auto", "fast", "lackey")
INSTALL: Final = "Valgrind is not installed: install it to record traces (Debian: apt install valgrind)"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What to record.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    llcs : sequence of CacheShape or None
        One trace is made for each. None: what leaves the first level, for a last-level cache of hardware.
    skip, limit : int
        Instructions before recording begins, and that it lasts at most.
    accesses : int
        Records of a trace at most.
    placement : str
        ``sequential`` or ``random`` physical pages, see :func:`physical_pages`.
    seed : int
        Of random placement.
    memory_bytes : int
        Physical memory that pages are taken from.
    name : str
        Name of the trace; the program's by default.
    method : str
        How accesses are seen: ``fast`` (a Valgrind tool of our own), ``lackey`` (Valgrind's), or ``auto``: the first
        where it can be built.
    """

    command: Sequence[str]
    llcs: Sequence[CacheShape | None]
    skip: int = 0
    limit: int = NO_LIMIT
    accesses: int = (1 << 32) - 1
    placement: str = "sequential"
    seed: int = 1
    memory_bytes: int = 256 << 20
    name: str = ""
    method: str = "auto"


@dataclass(frozen=True)
class _Method:
    """``command`` goes before the program's; ``sink`` is the option that takes the accesses' file; ``binary`` is the
    form in which they come."""

    name: str
    command: tuple[str, ...]
    sink: str
    environment: dict[str, str]
    binary: bool


def _valgrind() -> str:
    found = shutil.which("valgrind")
    if found is None:
        raise ConfigError(INSTALL)
    return found


def _method(wanted: str) -> _Method:
    require(wanted in METHODS, f"--method is {wanted!r}; accepted are {', '.join(METHODS)}")
    valgrind = _valgrind()
    version = subprocess.run([valgrind, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if wanted != "lackey":
        folder = trace_tool.folder(valgrind)
        if folder is not None:
            command = (valgrind, "-q", f"--tool={trace_tool.NAME}")
            name = f"{version} {trace_tool.NAME}"
            return _Method(name, command, "--events=/proc/self/fd/{}", {"VALGRIND_LIB": str(folder)}, True)
        require(wanted == "auto", "the Valgrind here lacks what a tool is built with; use --method lackey")
    command = (valgrind, "--tool=lackey", "--trace-mem=yes", "--basic-counts=no")
    return _Method(f"{version} lackey", command, "--log-fd={}", {}, False)


def _program(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        what = "is not a program" if Path(name).exists() else "was not found"
        raise ConfigError(f"program {name!r} {what}; accepted is an executable file, by path or from PATH")
    return Path(found).absolute()


def record(wanted: Recording, progress: Callable[[dict[str, int]], None] = lambda counts: None) -> list[Trace]:
    """Run the program until it ends or enough is recorded; return a trace for each last-level cache.

    ``progress`` hears the counts now and then. The program's input and outputs are the caller's.
    """
    program = _program(wanted.command[0])
    method = _method(wanted.method)
    pages = physical_pages(wanted.placement, wanted.memory_bytes, wanted.seed)
    with Filter(wanted.llcs, pages, skip=wanted.skip, limit=wanted.limit, accesses=wanted.accesses) as caches:
        status = _run(method, [str(program), *wanted.command[1:]], caches, progress)
        counts = caches.counts
        if counts["bad_lines"]:
            raise RuntimeError(f"{counts['bad_lines']} lines of Valgrind's output were not understood")
        require(counts["instructions"] > 0, f"Valgrind could not run {wanted.command[0]!r}; its own words are above")
        require(
            counts["instructions"] > wanted.skip,
            f"the program ended after {counts['instructions']} instructions; accepted for --skip are fewer",
        )
        return [
            Trace(_manifest(wanted, method, program, status, caches, i), caches.records(i))
            for i in range(len(wanted.llcs))
        ]


def _run(method: _Method, command: list[str], caches: Filter, progress: Callable[[dict[str, int]], None]) -> int | None:
    """Feed the filter from the program; return its exit status, None when it was stopped because all was recorded."""
    source, sink = os.pipe()
    try:
        process = subprocess.Popen(
            [*method.command, method.sink.format(sink), "--", *command],
            pass_fds=(sink,),
            env={**os.environ, **method.environment},
        )
    finally:
        os.close(sink)
    try:
        said = time.monotonic()
        while (state := caches.read(source, method.binary)) is Progress.MORE:
            if time.monotonic() - said > 2:
                said = time.monotonic()
                progress(caches.counts)
        if state is Progress.ENDED:
            return process.wait()
    finally:
        os.close(source)
        process.kill()
        process.wait()
    return None


def _manifest(
    wanted: Recording, method: _Method, program: Path, status: int | None, caches: Filter, llc: int
) -> dict[str, Any]:
    records = caches.records(llc)
    last_level = caches.llcs[llc]
    reads = sum(not r.write for r in records)
    counts = caches.counts
    counts.pop("bad_lines")
    return {
        "name": wanted.name or program.name,
        "program": program.name,
        "program_sha256": hashlib.sha256(program.read_bytes()).hexdigest(),
        "arguments": list(wanted.command[1:]),
        "machine": platform.machine(),
        "recorder": method.name,
        "llc": asdict(last_level) if last_level else None,
        "l1": asdict(L1),
        "placement": {
            "pages": wanted.placement,
            "seed": wanted.seed if wanted.placement == "random" else None,
            "memory_bytes": wanted.memory_bytes,
        },
        "skipped_instructions": wanted.skip,
        "instructions": caches.llc_instructions(llc),
        "records": {"all": len(records), "reads": reads, "write_backs": len(records) - reads},
        "lines": len({r.line for r in records}),
        "pages": len({r.line >> 6 for r in records}),
        "whole_run": {"exit_status": status, **counts, "llc_accesses": caches.llc_accesses(llc)},
    }
