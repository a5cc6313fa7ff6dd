# SPDX-License-Identifier: Apache-2.0
"""Mutation run of the GPT guard: ``python -m tb.mutation.gpt [NAME ...]``.

Each mutant of ``gpt.toml`` is put into a copy of the RTL; then tests, and when those see nothing the proofs, run on
the copy until one fails. A mutant that survives all of them is a hole in the tests. Results:
``build/mutation/gpt.json``.
threat: D09
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from yingzhou.errors import ConfigError
from yingzhou_sim.paths import BUILD, ROOT

OUT: Final = BUILD / "mutation"
_PYTEST = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")
_TESTS: Final = {
    "test_check": (*_PYTEST, "tb/gpt/test_check.py"),
    "test_registers": (*_PYTEST, "tb/gpt/test_registers.py"),
}
_PROOFS: Final = {
    name: ("-m", "yingzhou_sim", "prove", name, "--mode", "prove") for name in ("gpt_checker_sv32", "gpt_ip_sv39")
}
_FIRST: Final = {"gpt/registers.py": "test_registers", "regs/rdl/gpt.rdl": "test_registers"}
"""The test that is tried first for a file, when it is not ``test_check``."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change: in ``file`` (below rtl/yingzhou), ``old`` becomes ``new``; ``rule`` is what it breaks.

    ``quick`` mutants remove a rule as a whole and are tried in every test run.
    """

    name: str
    rule: str
    file: str
    old: str
    new: str
    quick: bool = False


MUTANTS: Final = tuple(
    Mutant(**entry) for entry in tomllib.loads(Path(__file__).with_suffix(".toml").read_text())["mutant"]
)


@dataclass(frozen=True)
class Outcome:
    """What noticed a mutant: ``killed_by`` is empty when nothing did."""

    name: str
    rule: str
    file: str
    killed_by: str
    seconds: float

    @property
    def killed(self) -> bool:
        return bool(self.killed_by)


def _mutated_copy(mutant: Mutant) -> Path:
    """Copy ``rtl`` with the mutant in it; return the copy."""
    copy = OUT / mutant.name / "rtl"
    shutil.rmtree(copy.parent, ignore_errors=True)
    shutil.copytree(ROOT / "rtl", copy, ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / "yingzhou" / mutant.file
    text = file.read_text()
    if text.count(mutant.old) != 1:
        raise ConfigError(
            f"mutant {mutant.name}: {mutant.old!r} is {text.count(mutant.old)} times in {mutant.file}, not once"
        )
    file.write_text(text.replace(mutant.old, mutant.new))
    return copy


def _fails(command: Sequence[str], copy: Path) -> bool:
    """Return whether a test command fails on the copy. One that does not even start is an error here."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(copy), str(ROOT / "sim"), str(ROOT)])}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    if "pytest" in command:
        command = [*command, "-o", f"pythonpath={copy} {ROOT / 'sim'} {ROOT}"]
    else:
        command = [*command, "--out", str(copy.parent / "prove")]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    (copy.parent / "log.txt").write_text(done.stdout + done.stderr)
    if done.returncode not in (0, 1) or "SyntaxError" in done.stderr or "error during collection" in done.stdout:
        raise RuntimeError(
            f"mutant in {copy} broke the run instead of failing it:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    return done.returncode == 1


def try_mutant(mutant: Mutant, proofs: bool = True) -> Outcome:
    """Return what notices ``mutant``; without ``proofs``, tests only."""
    begin = time.monotonic()
    copy = _mutated_copy(mutant)
    first = _FIRST.get(mutant.file, "test_check")
    tests = {first: _TESTS[first], **_TESTS}
    if mutant.file in ("gpt/walk_port.py", "gpt/walk_level.py"):
        tests = {}
    killed_by = ""
    for name, command in {**tests, **(_PROOFS if proofs else {})}.items():
        if _fails(command, copy):
            killed_by = name
            break
    shutil.rmtree(copy)
    return Outcome(mutant.name, mutant.rule, mutant.file, killed_by, round(time.monotonic() - begin, 1))


def run(names: Sequence[str]) -> list[Outcome]:
    """Try the named mutants, or all, and write the results."""
    known = {mutant.name: mutant for mutant in MUTANTS}
    for name in names:
        if name not in known:
            raise ConfigError(f"mutant {name!r} does not exist; accepted are {', '.join(known)}")
    outcomes = []
    for mutant in [known[name] for name in names] or MUTANTS:
        outcome = try_mutant(mutant)
        print(
            f"{outcome.name:28} {outcome.rule:18} {outcome.killed_by or 'SURVIVED':18} {outcome.seconds:6.1f} s",
            flush=True,
        )
        outcomes.append(outcome)
    OUT.mkdir(parents=True, exist_ok=True)
    killed = sum(outcome.killed for outcome in outcomes)
    report = {"mutants": len(outcomes), "killed": killed, "outcomes": [asdict(outcome) for outcome in outcomes]}
    (OUT / "gpt.json").write_text(json.dumps(report, indent=1) + "\n")
    return outcomes


def main() -> int:
    """Run the command line; 0 when every mutant was noticed."""
    parser = argparse.ArgumentParser(prog="python -m tb.mutation.gpt", description="Are missing rules noticed?")
    parser.add_argument("names", nargs="*", metavar="MUTANT", help="mutants to try (default: all)")
    try:
        outcomes = run(parser.parse_args().names)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    survived = [outcome.name for outcome in outcomes if not outcome.killed]
    print(
        f"{len(outcomes) - len(survived)} of {len(outcomes)} mutants noticed"
        + (f"; survived: {survived}" if survived else "")
    )
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
