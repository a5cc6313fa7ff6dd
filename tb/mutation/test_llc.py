# SPDX-License-Identifier: Apache-2.0
"""Each rule of the last-level cache, removed or bent, is noticed. threat: D09"""

import os
import re

import pytest

from tb.mutation.llc import MUTANTS, SIMULATOR, TESTS, Mutant, try_mutant
from tb.mutation.mutants import OUT, PYTEST, fails
from yingzhou_sim.paths import ROOT

RTL = ROOT / "rtl" / "yingzhou"
MARKER = re.compile(r"countermeasure: (LLC\.\w+)")


def test_every_rule_has_a_mutant() -> None:
    """A countermeasure that nobody tried to remove is not known to be tested."""
    rules = {rule for file in RTL.rglob("*.py") for rule in MARKER.findall(file.read_text())}
    assert rules <= {mutant.rule for mutant in MUTANTS} == set(TESTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_still_applies(mutant: Mutant) -> None:
    """A mutant whose text is gone from the source would test nothing."""
    assert (RTL / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.old != mutant.new


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.quick], ids=lambda mutant: mutant.name)
def test_missing_rule_is_noticed(mutant: Mutant) -> None:
    """Samples, in every run."""
    assert try_mutant(mutant).killed


@pytest.mark.regress
@pytest.mark.parametrize("mutant", [m for m in MUTANTS if not m.quick], ids=lambda mutant: mutant.name)
def test_mutant_is_noticed(mutant: Mutant) -> None:
    """The rest."""
    assert try_mutant(mutant).killed


@pytest.mark.regress
def test_what_is_not_mutated_passes() -> None:
    """In the simulator that the mutants are tried in: what notices them is their fault."""
    OUT.mkdir(parents=True, exist_ok=True)
    paths = {"PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("rtl", "sim", "."))}
    tests = sorted({test for tests in TESTS.values() for test in tests})
    assert not fails([*PYTEST, "-n0", *tests], {**paths, **SIMULATOR}, OUT / "llc.log")
