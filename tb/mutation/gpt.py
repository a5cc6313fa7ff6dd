# SPDX-License-Identifier: Apache-2.0
"""Mutation run of the GPT guard: ``python -m tb.mutation.gpt [NAME ...]``.

Each mutant of ``gpt.toml`` is put into a copy of the RTL; then tests, and when those see nothing the proofs, run on
the copy until one fails. A mutant that survives all of them is a hole in the tests. Results:
``build/mutation/gpt.json``.
threat: D09
"""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from . import mutants
from .mutants import PYTEST, Mutant, Outcome

_TESTS: Final = {
    "test_check": (*PYTEST, "tb/gpt/test_check.py"),
    "test_registers": (*PYTEST, "tb/gpt/test_registers.py"),
}
_PROOFS: Final = {
    name: ("-m", "yingzhou_sim", "prove", name, "--mode", "prove") for name in ("gpt_checker_sv32", "gpt_ip_sv39")
}
_FIRST: Final = {"gpt/registers.py": "test_registers", "regs/rdl/gpt.rdl": "test_registers"}
"""The test that is tried first for a file, when it is not ``test_check``."""
MUTANTS: Final = mutants.mutants(__file__)


def _fails(command: Sequence[str], copy: Path) -> bool:
    """Return whether a test command fails on the copy."""
    if "pytest" not in command:
        command = [*command, "--out", str(copy.parent / "prove")]
    return mutants.fails_on_rtl(command, copy)


def try_mutant(mutant: Mutant, proofs: bool = True) -> Outcome:
    """Return what notices ``mutant``; without ``proofs``, tests only."""
    begin = time.monotonic()
    copy = mutants.rtl_with(mutant)
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


if __name__ == "__main__":
    sys.exit(mutants.main("gpt", MUTANTS, try_mutant))
