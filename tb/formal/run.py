# SPDX-License-Identifier: Apache-2.0
"""Proofs of guard, memory engine and last-level cache on their generated Verilog; results as JSON and as a table.

Each job is one ``.sby`` run in ``build/prove``. A proof is accompanied by a cover run of the same properties, so that a
proof that holds because nothing can happen does not go unseen.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from yingzhou.errors import ConfigError
from yingzhou_sim.paths import BUILD, ROOT

from . import axi_units, gpt, llc, mmt
from .job import BMC, MODES, Job, Result, run_job

JOBS: Final = gpt.JOBS + mmt.JOBS + axi_units.JOBS + llc.JOBS
AT_ONCE: Final = 2


def _run(job: Job, mode: str, outdir: Path, trace: bool) -> Result:
    result = run_job(job, mode, outdir, trace)
    print(
        f"{result.name:24} {result.mode:6} {result.status:6} {result.properties:4} properties "
        f"{result.reach} {result.seconds:7.1f} s",
        flush=True,
    )
    return result


def _table(results: Sequence[Result]) -> str:
    """Return what was proved of what, how and how far, as Markdown."""
    rows = [
        "| proof | unit | property | engine | holds for | result | s |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        claim = result.claim if result.mode == "prove" else "its cover statements are reached"
        cells = (result.name, result.unit, claim, result.engine, result.reach, result.status, result.seconds)
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows) + "\n"


def prove_all(
    outdir: Path = BUILD / "prove",
    names: Sequence[str] = (),
    modes: Sequence[str] = MODES,
    *,
    trace: bool = True,
    cycles: int | None = None,
) -> list[Result]:
    """Run every proof and vacuity check, or those named; write ``results.json`` and ``results.md`` into ``outdir``.

    ``trace`` : show how a property fails. ``cycles`` : look for a failure in so many cycles only.
    """
    known = [job.name for job in JOBS]
    for name in names:
        if name not in known:
            raise ConfigError(f"proof {name!r} does not exist; accepted are {', '.join(known)}")
    jobs = JOBS
    if cycles is not None:
        jobs = [replace(job, engine=BMC, prove_depth=cycles, bound="on demand") for job in JOBS]
    chosen = [(job, mode) for job in jobs if not names or job.name in names for mode in modes]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda each: _run(each[0], each[1], outdir, trace), chosen))
    outdir.mkdir(parents=True, exist_ok=True)
    (outdir / "results.json").write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")
    (outdir / "results.md").write_text(_table(results))
    return results


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``yingzhou prove``."""
    parser.epilog = "example: yingzhou prove gpt_checker_sv32"
    parser.add_argument(
        "names", nargs="*", metavar="PROOF", help=f"proofs to run: {', '.join(job.name for job in JOBS)}; default all"
    )
    parser.add_argument(
        "--mode", choices=MODES, action="append", help="prove, or cover: the vacuity check (default: both)"
    )
    parser.add_argument("--no-trace", action="store_true", help="do not show how a property fails: that takes minutes")
    parser.add_argument("--cycles", type=int, metavar="N", help="only look for failures in the first N cycles")
    parser.add_argument("--out", type=Path, default=BUILD / "prove", help="folder for results and traces (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Run ``yingzhou prove``: 0 when everything holds, 1 otherwise."""
    results = prove_all(
        arguments.out,
        arguments.names,
        arguments.mode or MODES,
        trace=not arguments.no_trace,
        cycles=arguments.cycles,
    )
    print(f"table: {os.path.relpath(arguments.out / 'results.md', ROOT)}")
    failed = [result for result in results if result.status != "pass"]
    for result in failed:
        folder = arguments.out / f"{result.name}_{result.mode}" / "run"
        print(
            f"{result.name} ({result.mode}): {result.status}; log and trace in {os.path.relpath(folder, ROOT)}",
            file=sys.stderr,
        )
    return 1 if failed else 0
