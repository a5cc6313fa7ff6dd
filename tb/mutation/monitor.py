# SPDX-License-Identifier: Apache-2.0
"""Mutation run of the monitor: ``python -m tb.mutation.monitor [NAME ...]``.

Each mutant of ``monitor.toml`` is put into a copy of ``sw/monitor``; then the native tests that say they cover its rule
run on the copy. A mutant that they let live is a hole in the tests. Results: ``build/mutation/monitor.json``.
threat: D09
"""

import ast
import re
import shutil
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Final

from yingzhou.errors import ConfigError
from yingzhou_sim.paths import ROOT, SW

from . import mutants
from .mutants import OUT, PYTEST, Mutant, Outcome

TESTS: Final = ROOT / "tb" / "monitor"
MUTANTS: Final = mutants.mutants(__file__)


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
        mutant.put_into(copy)
        killed = _tests_fail(mutant, copy)
    killed_by = "its tests" if killed else ""
    return Outcome(mutant.name, mutant.rule, mutant.file, killed_by, round(time.monotonic() - begin, 1))


def _tests_fail(mutant: Mutant, copy: Path) -> bool:
    tests = tests_of(mutant.rule)
    if not tests:
        raise ConfigError(f"mutant {mutant.name}: no test says 'covers: {mutant.rule}'")
    environment = {"YZ_MONITOR_SOURCES": str(copy)}
    broken = ["native build of the monitor failed"]
    return mutants.fails([*PYTEST, *tests], environment, copy.parent / "log.txt", broken)


if __name__ == "__main__":
    sys.exit(mutants.main("monitor", MUTANTS, try_mutant))
