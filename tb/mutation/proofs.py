# SPDX-License-Identifier: Apache-2.0
"""Proofs that must fail: ``python -m tb.mutation.proofs [NAME ...]``.

Each mutant of ``proofs.toml`` is put into a copy of the RTL, and its proof is run on the Verilog of the copy. A proof
that still holds says nothing.
"""

import os
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yingzhou.errors import ConfigError
from yingzhou_sim.paths import BUILD, ROOT

OUT: Final = BUILD / "mutation" / "proofs"


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change: in ``file`` (below rtl/yingzhou), ``old`` becomes ``new``; ``proof`` notices.

    ``cycles`` : when the failure is in so many cycles after reset, but too deep for the proof's own engine to find.
    """

    name: str
    proof: str
    file: str
    old: str
    new: str
    cycles: int | None = None


MUTANTS: Final = tuple(
    Mutant(**entry) for entry in tomllib.loads(Path(__file__).with_suffix(".toml").read_text())["mutant"]
)


def refuted(mutant: Mutant) -> bool:
    """Return whether the proof fails on a copy of the RTL with the mutant. One that does not run is an error."""
    copy = OUT / mutant.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / "rtl", copy / "rtl", ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / "rtl" / "yingzhou" / mutant.file
    text = file.read_text()
    if text.count(mutant.old) != 1:
        raise ConfigError(f"mutant {mutant.name}: {mutant.old!r} is {text.count(mutant.old)} times in {mutant.file}")
    file.write_text(text.replace(mutant.old, mutant.new))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(copy / "rtl"), str(ROOT / "sim"), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "yingzhou_sim", "prove", mutant.proof, "--mode", "prove", "--no-trace"]
    if mutant.cycles is not None:
        command += ["--cycles", str(mutant.cycles)]
    done = subprocess.run(
        [*command, "--out", str(copy)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1) or f"{mutant.proof} " not in done.stdout:
        raise RuntimeError(f"mutant {mutant.name} broke the proof instead of refuting it:\n{done.stderr[-3000:]}")
    return done.returncode == 1


def main() -> int:
    """Run the command line; 0 when every proof noticed its mutant."""
    chosen = [mutant for mutant in MUTANTS if not sys.argv[1:] or mutant.name in sys.argv[1:]]
    survived = 0
    for mutant in chosen:
        begin = time.monotonic()
        noticed = refuted(mutant)
        survived += not noticed
        result = "noticed" if noticed else "SURVIVED"
        print(f"{mutant.name:28} {mutant.proof:24} {result:8} {time.monotonic() - begin:6.1f} s", flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
