# SPDX-License-Identifier: Apache-2.0
"""``yingzhou sim``: all scenarios with a report, or one program of the user's."""

import argparse
import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from yingzhou.errors import require
from yingzhou.soc.config import CACHES, CHECKERS, MEMORIES, SocConfig
from yingzhou.soc.memory_map import HOST_BASE

from . import build, firmware
from .elf import read_elf, require_range
from .leak_page import leak_figure
from .machine import DramTiming, Stop, trace_kind
from .options import natural, positive
from .parallel import execute_all
from .paths import BUILD
from .plots import svg
from .progress import Display
from .report import SimReport, read_coverage
from .runs import BootMode, Outcome, Run

SCENARIO_RUNS: Final = {
    "hostile": ("a hostile host against monitor and enclaves", ("monitor", "host"), BootMode.ATTACK),
    "tamper": ("a bus probe against enclaves under monitor and host", ("monitor", "host"), BootMode.TAMPER),
    "host": ("functional scenarios: boot, processes, paging, an enclave's life", ("monitor", "host"), BootMode.DEMO),
    "memory": ("a bus probe and power cuts against the memory engine, and work in its memory", ("memory",), None),
    "leak": ("an attacker who times its own cache lines against a cipher, its tables locked and not", ("leak",), None),
    "walker": ("page tables that attack the guard, without a monitor in the way", ("walker",), None),
}
"""Name: what it is for, images, boot mode. The longest first, so that two at once end together."""
ENGINE_RUNS: Final = ("tamper", "memory")
"""Runs that a machine without the memory engine cannot make."""
CACHE_RUNS: Final = ("leak",)
"""Runs that a machine without the last-level cache cannot make."""

_LEAK_FIGURE: Final = (
    "Mutual information of the time that was seen for a line of the cipher's tables and of what a guess of half a byte "
    "of the key predicts for it, in bits; the same attacks without a lock and with it (docs/leak.md)."
)

_EXAMPLES: Final = """
examples:
  yingzhou sim                                    run all scenarios, write build/sim/report.json and report.html
  yingzhou sim --run hostile                      only the hostile host
  yingzhou sim --elf prog.elf --waves waves.fst   a bare-metal program of your own
  yingzhou sim --enclave hello.elf                an enclave of your own, run by the host kernel

exit code: 0 when every scenario passed or the program ended with 0; 1 when one failed, the program ended with another
code (it is printed), ran into --max-cycles or was interrupted; 2 for wrong input
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``yingzhou sim``."""
    parser.epilog = _EXAMPLES
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--elf", type=Path, metavar="FILE", help="run this RV32IMA program in M-mode from 0x80000000")
    what.add_argument("--enclave", type=Path, metavar="FILE", help="run this enclave under monitor and host kernel")
    what.add_argument(
        "--run",
        action="append",
        choices=list(SCENARIO_RUNS),
        help="run only these scenarios: " + "; ".join(f"{name}: {text[0]}" for name, text in SCENARIO_RUNS.items()),
    )
    parser.add_argument(
        "--checker",
        choices=CHECKERS,
        default="gpt",
        help="what judges page walks; other than gpt only with --elf (default gpt)",
    )
    parser.add_argument(
        "--memory",
        choices=MEMORIES,
        default="mmt",
        help="mmt: the memory engine stands before DRAM; plain: nothing does, for comparison (default mmt)",
    )
    parser.add_argument(
        "--cache",
        choices=CACHES,
        default=SocConfig.cache,
        help="llc: the last-level cache stands behind the hart; lines: line buffers do, for comparison "
        f"(default {SocConfig.cache})",
    )
    parser.add_argument(
        "--entropy-seed", type=natural, default=1, metavar="N", help="seed of the simulated entropy source (default 1)"
    )
    parser.add_argument("--dram-latency", type=positive, metavar="CYCLES", help="DRAM latency (default 10)")
    parser.add_argument("--dram-mib", type=positive, metavar="MIB", help="size of DRAM in MiB (default 256)")
    parser.add_argument("--max-cycles", type=positive, metavar="N", help="give up after N cycles (default 100000000)")
    parser.add_argument(
        "--waves", type=Path, metavar="FILE", help="write waves, .fst or .vcd; needs --elf, --enclave or one --run"
    )
    parser.add_argument(
        "--jobs", type=positive, default=os.cpu_count() or 1, help="simulations at once (default: cores)"
    )
    parser.add_argument(
        "--out", type=Path, default=BUILD / "sim", metavar="DIR", help="where the report goes (default build/sim)"
    )


def _base(arguments: argparse.Namespace) -> Run:
    """Return a run that has everything but its program."""
    changes = {} if arguments.dram_mib is None else {"dram_bytes": arguments.dram_mib << 20}
    return Run(
        name="program",
        images=(),
        config=SocConfig(checker=arguments.checker, memory=arguments.memory, cache=arguments.cache, **changes),
        entropy_seed=arguments.entropy_seed,
        dram=DramTiming() if arguments.dram_latency is None else DramTiming(latency=arguments.dram_latency),
        max_cycles=arguments.max_cycles or 100_000_000,
        waves=arguments.waves,
    )


def run(arguments: argparse.Namespace) -> int:
    """Run and return the exit code: 0 when everything passed or the program ended with 0, else 1."""
    base = _base(arguments)
    if base.waves:
        trace_kind(base.waves)
        base.waves.parent.mkdir(parents=True, exist_ok=True)
    if arguments.elf:
        image = read_elf(arguments.elf)
        low = base.config.hart.reset_pc
        require_range(image, low, low + base.config.dram_bytes, entry=low)
        return _single(dataclasses.replace(base, name=arguments.elf.name, images=(arguments.elf,)))
    require(
        base.config.checker == "gpt", f"checker {base.config.checker!r} needs --elf: the monitor works with 'gpt' only"
    )
    if arguments.enclave:
        require_range(read_elf(arguments.enclave), 4096, 0x5000_0000)
        images = tuple(firmware.build_image(name) for name in ("monitor", "host"))
        return _single(
            dataclasses.replace(
                base, name=arguments.enclave.name, images=images, mode=BootMode.ENCLAVE, initrd=arguments.enclave
            )
        )
    engine = base.config.memory == "mmt"
    cannot = [*(() if engine else ENGINE_RUNS), *(() if base.config.cache == "llc" else CACHE_RUNS)]
    names = arguments.run or [name for name in SCENARIO_RUNS if name not in cannot]
    for name in names:
        require(
            engine or name not in ENGINE_RUNS, f"run {name!r} needs the memory engine; it is not with --memory plain"
        )
        require(name not in cannot, f"run {name!r} needs the last-level cache; it is not with --cache lines")
    require(
        arguments.waves is None or len(names) == 1, f"--waves {arguments.waves} needs --elf, --enclave or one --run"
    )
    require(
        base.config.dram_bytes >= 64 << 20,
        f"--dram-mib {arguments.dram_mib} is too small for the host kernel at {HOST_BASE:#x}; at least 64 are needed",
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    return _scenarios(base, names, arguments)


def _single(run: Run) -> int:
    build.library(run.config, trace_kind(run.waves))
    with Display() as display:
        outcomes, _ = execute_all([run], display, jobs=1)
    outcome = outcomes[0] if outcomes else Outcome(run.name)
    cpi = outcome.cycles / outcome.retired if outcome.retired else 0.0
    print(
        f"{run.name}: {_how_it_ended(run, outcome)}; {outcome.cycles} cycles, {outcome.retired} instructions retired, "
        f"{cpi:.2f} cycles per instruction, {outcome.khz:.0f} kHz"
    )
    if run.waves:
        print(f"waves: {run.waves}")
    return 0 if outcome.ok else 1


def _how_it_ended(run: Run, outcome: Outcome) -> str:
    match outcome.stop:
        case Stop.EXIT:
            return f"exit code {outcome.exit_code}"
        case Stop.CYCLES:
            return f"stopped at --max-cycles {run.max_cycles}"
        case _:
            return "interrupted"


def _scenarios(base: Run, names: list[str], arguments: argparse.Namespace) -> int:
    print(
        f"building the machine ({base.config.checker}, {base.config.memory}, {base.config.cache}) and its firmware; "
        "the first time takes some minutes",
        flush=True,
    )
    with ThreadPoolExecutor() as pool:  # the compilers run in processes of their own
        library = pool.submit(build.library, base.config, trace_kind(base.waves))
        runs = []
        for name in names:
            _, images, mode = SCENARIO_RUNS[name]
            files = tuple(firmware.build_image(image) for image in images)
            runs.append(dataclasses.replace(base, name=name, images=files, mode=mode))
        library.result()
    with Display() as display:
        outcomes, interrupted = execute_all(runs, display, arguments.jobs)
    covered = {row[0]: [row[-1]] for row in read_coverage().rows}
    report = SimReport(config=base.config, dram=base.dram, interrupted=interrupted, coverage_map=covered)
    for run, outcome in zip(runs, outcomes, strict=False):
        _add(report, run, outcome)
    if figure := leak_figure([finding for outcome in outcomes for finding in outcome.findings]):
        report.figures.append(("What the cache tells", _LEAK_FIGURE, svg(figure)))
    report.write(arguments.out)
    print(
        f"{'interrupted; ' if interrupted else ''}{report.passed} passed, {report.failed} failed; "
        f"{report.cycles} cycles, {report.khz:.0f} kHz; "
        f"report: {arguments.out / 'report.html'}"
    )
    complete = not interrupted and len(outcomes) == len(runs)
    return 0 if complete and report.failed == 0 else 1


def _add(report: SimReport, run: Run, outcome: Outcome) -> None:
    """Put a run's scenarios into the report, and one line for the run itself, so that an early end cannot hide."""
    report.cycles += outcome.cycles
    report.seconds += outcome.seconds
    for s in outcome.scenarios:
        report.add(name=s.name, kind=s.kind, threat=s.threats, passed=s.passed, cycles=s.cycles, detail=s.detail)
    if outcome.stop is None:  # the user interrupted it: neither passed nor failed
        return
    report.add(
        name=f"{run.name}: ends by itself",
        kind="function",
        threat=None,
        passed=outcome.ok and bool(outcome.scenarios),
        cycles=outcome.cycles,
        detail=f"{_how_it_ended(run, outcome)}, {len(outcome.scenarios)} scenarios, {outcome.retired} instructions",
    )
