# SPDX-License-Identifier: Apache-2.0
"""Mutation run of the monitor: ``python -m tb.mutation.monitor [NAME ...]``.

Each mutant of ``monitor.toml`` is put into a copy of ``sw/monitor``; then the native tests that say they cover its rule
run on the copy. A mutant that they let live is a hole in the tests. Results: ``build/mutation/monitor.json``.
threat: D09
"""

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final

from yingzhou.errors import ConfigError
from yingzhou_sim.paths import BUILD, ROOT, SW

OUT: Final = BUILD / "mutation"
TESTS: Final = ROOT / "tb" / "monitor"


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change: in ``file`` (below sw/monitor), ``old`` becomes ``new``; ``rule`` is what it breaks."""

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
    """Whether the tests of the rule noticed a mutant."""

    name: str
    rule: str
    killed: bool
    seconds: float


@cache
def tests_of(rule: str) -> tuple[str, ...]:
    """Return the tests whose docstring says that they cover ``rule``, as pytest names."""
    found = []
    for file in sorted(TESTS.glob("test_*.py")):
        for node in ast.parse(file.read_text()).body:
            covers = rf"covers:[^\n]*{re.escape(rule)}\b"
            if isinstance(node, ast.FunctionDef) and re.search(covers, ast.get_docstring(node) or ""):
                found.append(f"{file.relative_to(ROOT)}::{node.name}")
    return tuple(found)


def try_mutant(mutant: Mutant) -> Outcome:
    """Build the monitor with ``mutant`` in it and run the tests of its rule."""
    begin = time.monotonic()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT, prefix=f"{mutant.name}.") as scratch:
        copy = Path(scratch) / "monitor"
        shutil.copytree(SW / "monitor", copy)
        text = (copy / mutant.file).read_text()
        count = text.count(mutant.old)
        if count != 1:
            raise ConfigError(f"mutant {mutant.name}: {mutant.old!r} is {count} times in {mutant.file}, not once")
        (copy / mutant.file).write_text(text.replace(mutant.old, mutant.new))
        killed = _tests_fail(mutant, copy)
    return Outcome(mutant.name, mutant.rule, killed, round(time.monotonic() - begin, 1))


def _tests_fail(mutant: Mutant, copy: Path) -> bool:
    tests = tests_of(mutant.rule)
    if not tests:
        raise ConfigError(f"mutant {mutant.name}: no test says 'covers: {mutant.rule}'")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]
    environment = {**os.environ, "YZ_MONITOR_SOURCES": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or "native build of the monitor failed" in done.stdout:
        output = done.stdout[-3000:] + done.stderr[-1000:]
        raise RuntimeError(f"mutant {mutant.name} broke the run instead of failing it:\n{output}")
    return done.returncode == 1


def main() -> int:
    """Try the named mutants, or all; return 1 when one lives."""
    parser = argparse.ArgumentParser(description="Remove each check of the monitor and see which tests notice.")
    parser.epilog = "example:  python -m tb.mutation.monitor satp-root-removed"
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants to try (default: all)")
    names = parser.parse_args().names
    unknown = set(names) - {m.name for m in MUTANTS}
    if unknown:
        parser.error(f"unknown mutants {', '.join(sorted(unknown))}; accepted are {', '.join(m.name for m in MUTANTS)}")
    outcomes = []
    for mutant in MUTANTS:
        if not names or mutant.name in names:
            outcomes.append(try_mutant(mutant))
            state = "killed" if outcomes[-1].killed else "LIVES"
            print(f"{state:7} {outcomes[-1].seconds:5.1f} s  {mutant.rule:24} {mutant.name}", flush=True)
    (OUT / "monitor.json").write_text(json.dumps([asdict(o) for o in outcomes], indent=1))
    alive = [o.name for o in outcomes if not o.killed]
    print(f"{len(outcomes) - len(alive)} of {len(outcomes)} mutants killed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
