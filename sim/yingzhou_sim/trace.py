# SPDX-License-Identifier: Apache-2.0
"""``yingzhou trace``: memory traces of any Linux program, as memory behind a last-level cache sees them."""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from yingzhou.errors import ConfigError, require

from . import trace_record
from .trace_file import SUFFIX, Trace, read_trace, to_bytes
from .trace_filter import NO_LIMIT, PLACEMENTS, REPLACEMENTS, CacheShape

_SCALES: Final = {"": 0, "k": 1, "m": 2, "g": 3}

_EXAMPLES: Final = """
examples:
  yingzhou trace record -o sort.yzt -- sort words.txt
  yingzhou trace record --llc 64K --llc 1M --skip 50M --accesses 20000 -o kv.yzt -- ./kvstore 100000
  yingzhou trace info kv-64K.yzt
  yingzhou bench --trace kv-64K.yzt       replay it on every variant of the memory engine
  yingzhou trace record --llc none -o sort.yzt -- sort words.txt     for the last-level cache: bench --trace sort.yzt
"""


def count(text: str) -> int:
    """Return a number of instructions or accesses: ``250000``, ``20M``; k, M and G are powers of 1000."""
    return _scaled(text, 1000, "a whole number such as 250000 or 20M")


def size(text: str) -> int:
    """Return bytes: ``65536``, ``64K``, ``1MiB``; K, M and G are powers of 1024."""
    return _scaled(re.sub(r"(?<=[kmgKMG])(i?B)$", "", text), 1024, "a size such as 65536, 64K or 1MiB")


def last_level(text: str) -> int:
    """Return the size of a last-level cache, 0 for ``none``."""
    return 0 if text.strip().lower() == "none" else size(text)


def _scaled(text: str, base: int, what: str) -> int:
    found = re.fullmatch(r"(\d+)([kmg]?)", text.strip(), re.I)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return int(found[1]) * base ** _SCALES[found[2].lower()]


def size_name(number: int) -> str:
    """Return bytes as people write them: 64K, 1M; L1 when there is no last-level cache."""
    for unit, scale in (("M", 1 << 20), ("K", 1 << 10)):
        if number % scale == 0 and number:
            return f"{number // scale}{unit}"
    return str(number) if number else "L1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``yingzhou trace``."""
    parser.epilog = _EXAMPLES
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    raw = argparse.RawDescriptionHelpFormatter
    summary = "run a program and record what leaves its caches"
    record = actions.add_parser(
        "record",
        help=summary,
        description=f"{summary}: 32 KiB of instructions, 32 KiB of data, then a last-level cache; 8 ways of 64 bytes",
        formatter_class=raw,
        epilog=_EXAMPLES,
    )
    record.add_argument("command_line", nargs="+", metavar="PROGRAM [ARGS]", help="after --: the program")
    record.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"default NAME-LLC{SUFFIX}")
    record.add_argument(
        "--llc",
        type=last_level,
        action="append",
        metavar="SIZE",
        help="last-level cache, or none: record what leaves the first level; may be repeated (default 64K)",
    )
    record.add_argument("--replacement", default="lru", help=f"of that cache: {', '.join(REPLACEMENTS)} (default lru)")
    record.add_argument("--skip", type=count, default=0, metavar="N", help="instructions before recording (default 0)")
    record.add_argument("--limit", type=count, default=NO_LIMIT, metavar="N", help="instructions recorded at most")
    record.add_argument("--accesses", type=count, default=1000000, metavar="N", help="records at most (default 1000k)")
    record.add_argument(
        "--placement",
        default="sequential",
        help=f"physical pages in order of first touch: {', '.join(PLACEMENTS)} (default sequential)",
    )
    record.add_argument("--seed", type=count, default=1, metavar="N", help="of random placement (default 1)")
    record.add_argument("--memory-mib", type=count, default=256, metavar="N", help="physical memory (default 256)")
    record.add_argument("--name", default="", help="name of the trace (default the program's)")
    record.add_argument(
        "--method", default="auto", help=f"{', '.join(trace_record.METHODS)} (default auto: fast where it can be built)"
    )
    info = actions.add_parser("info", help="show what a trace holds", description="show what a trace holds")
    info.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(arguments: argparse.Namespace) -> int:
    """Record or show; return the exit code."""
    if arguments.action == "info":
        for path in arguments.files:
            _show(path, read_trace(path))
        return 0
    return _record(arguments)


def _record(arguments: argparse.Namespace) -> int:
    sizes = list(dict.fromkeys(arguments.llc or [64 << 10]))
    mib = arguments.memory_mib
    require(1 <= mib <= 1 << 14, f"--memory-mib is {mib}; accepted are 1 to {1 << 14}")
    require(arguments.limit > 0, "--limit is 0; accepted are at least 1")
    require(0 < arguments.accesses < 1 << 32, f"--accesses is {arguments.accesses}; accepted are 1 to {(1 << 32) - 1}")
    wanted = trace_record.Recording(
        command=arguments.command_line,
        llcs=[CacheShape(size=size, replacement=arguments.replacement) if size else None for size in sizes],
        skip=arguments.skip,
        limit=arguments.limit,
        accesses=arguments.accesses,
        placement=arguments.placement,
        seed=arguments.seed,
        memory_bytes=mib << 20,
        name=arguments.name,
        method=arguments.method,
    )
    base = arguments.output or Path((arguments.name or Path(arguments.command_line[0]).name) + SUFFIX)
    if not base.parent.is_dir():
        raise ConfigError(f"--output is {str(base)!r}; accepted are files in a folder that exists")
    traces = trace_record.record(wanted, _say)
    for trace in traces:
        named = arguments.output is not None and len(traces) == 1
        path = base if named else base.with_name(f"{base.stem}-{size_name(trace.llc_bytes)}{base.suffix}")
        path.write_bytes(to_bytes(trace))
        print(f"{path}: {_summary(trace)}, {path.stat().st_size} bytes")
    return 0


def _say(counts: dict[str, int]) -> None:
    print(f"recording: {counts['instructions'] / 1e6:.0f} M instructions", file=sys.stderr, flush=True)


def _summary(trace: Trace) -> str:
    reads, every = trace.reads, len(trace.records)
    return f"{reads} lines read, {every - reads} written back in {trace.manifest.get('instructions', 0)} instructions"


def _show(path: Path, trace: Trace) -> None:
    table = Table(title=f"{path}: {_summary(trace)}", show_header=False, title_justify="left")
    for key, value in trace.manifest.items():
        plain = isinstance(value, str | int | float)
        table.add_row(key, str(value) if plain else json.dumps(value, ensure_ascii=False))
    Console().print(table)
