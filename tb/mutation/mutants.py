# SPDX-License-Identifier: Apache-2.0
"""What the mutation runs share: mutants, what became of them, and the command line."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from yingzhou.errors import ConfigError
from yingzhou_sim.paths import BUILD, ROOT

OUT: Final = BUILD / "mutation"
PYTEST: Final = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")


@dataclass(frozen=True, kw_only=True)
class Change:
    """In ``file``, ``old``, which is there once, becomes ``new``."""

    name: str
    file: str
    old: str
    new: str

    def put_into(self, folder: Path) -> None:
        """Make the change in a copy of the sources."""
        text = (folder / self.file).read_text()
        count = text.count(self.old)
        if count != 1:
            raise ConfigError(f"mutant {self.name}: {self.old!r} is {count} times in {self.file}, not once")
        (folder / self.file).write_text(text.replace(self.old, self.new))


@dataclass(frozen=True, kw_only=True)
class Mutant(Change):
    """A change that breaks ``rule``. ``quick`` ones remove a rule as a whole and are tried in every test run."""

    rule: str
    quick: bool = False


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


def changes[T: Change](script: str, kind: type[T]) -> tuple[T, ...]:
    """Return the changes in the TOML file beside a script."""
    return tuple(kind(**entry) for entry in tomllib.loads(Path(script).with_suffix(".toml").read_text())["mutant"])


def mutants(script: str) -> tuple[Mutant, ...]:
    """Return the mutants in the TOML file beside a script."""
    return changes(script, Mutant)


def fails(command: Sequence[str], environment: Mapping[str, str], log: Path, broken: Sequence[str] = ()) -> bool:
    """Return whether a Python command fails, as a test does. One that does not even start is an error here.

    ``broken``: texts in its output that mean the same.
    """
    environment = {**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    log.write_text(output)
    if done.returncode not in (0, 1) or any(text in output for text in ("error during collection", *broken)):
        raise RuntimeError(f"{log} broke the run instead of failing it:\n{output[-4000:]}")
    return done.returncode == 1


def rtl_with(mutant: Change, out: Path = OUT) -> Path:
    """Copy ``rtl`` with the mutant in it; return the copy, in a folder of its own below ``out``."""
    copy = out / mutant.name / "rtl"
    shutil.rmtree(copy.parent, ignore_errors=True)
    shutil.copytree(ROOT / "rtl", copy, ignore=shutil.ignore_patterns("__pycache__"))
    mutant.put_into(copy / "yingzhou")
    return copy


def fails_on_rtl(command: Sequence[str], copy: Path, environment: Mapping[str, str] | None = None) -> bool:
    """Return whether a Python command fails with a copy of ``rtl`` in place of the checkout's."""
    path = [str(copy), str(ROOT / "sim"), str(ROOT)]
    if "pytest" in command:
        command = [*command, "-o", f"pythonpath={' '.join(path)}"]
    environment = {**(environment or {}), "PYTHONPATH": os.pathsep.join(path)}
    return fails(command, environment, copy.parent / "log.txt", ["SyntaxError"])


def main[T: Change](name: str, known: Sequence[T], attempt: Callable[[T], Outcome]) -> int:
    """Run the command line of ``python -m tb.mutation.NAME``; 0 when every mutant was noticed."""
    parser = argparse.ArgumentParser(prog=f"python -m tb.mutation.{name}", description="Are missing rules noticed?")
    parser.add_argument("names", nargs="*", metavar="MUTANT", help="mutants to try (default: all)")
    names = parser.parse_args().names
    unknown = [name for name in names if name not in {mutant.name for mutant in known}]
    if unknown:
        parser.error(f"unknown mutants {', '.join(unknown)}; accepted are {', '.join(m.name for m in known)}")
    OUT.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for mutant in [m for m in known if not names or m.name in names]:
        outcome = attempt(mutant)
        print(
            f"{outcome.name:36} {outcome.rule:20} {outcome.killed_by or 'SURVIVED':24} {outcome.seconds:6.1f} s",
            flush=True,
        )
        outcomes.append(outcome)
    survived = [outcome.name for outcome in outcomes if not outcome.killed]
    killed = len(outcomes) - len(survived)
    report = {"mutants": len(outcomes), "killed": killed, "outcomes": [asdict(outcome) for outcome in outcomes]}
    (OUT / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")
    text = f"{killed} of {len(outcomes)} mutants noticed"
    print(text + (f"; survived: {survived}" if survived else ""))
    return 1 if survived else 0
