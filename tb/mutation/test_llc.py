# SPDX-License-Identifier: Apache-2.0
"""Each rule of the last-level cache, removed or bent, is noticed. threat: D09"""

import os

import pytest

from tb.mutation.checks import RTL, assert_applies, each, each_other, each_quick, marked, rules
from tb.mutation.llc import MUTANTS, SIMULATOR, TESTS, Mutant, try_mutant
from tb.mutation.mutants import OUT, PYTEST, fails
from yingzhou_sim.paths import ROOT


def test_every_rule_has_a_mutant() -> None:
    """A countermeasure that nobody tried to remove is not known to be tested."""
    assert marked(RTL.rglob("*.py"), "LLC") <= rules(MUTANTS) == set(TESTS)


@each(MUTANTS)
def test_mutant_still_applies(mutant: Mutant) -> None:
    """A mutant whose text is gone from the source would test nothing."""
    assert_applies(mutant, RTL)


@each_quick(MUTANTS)
def test_missing_rule_is_noticed(mutant: Mutant) -> None:
    """Samples, in every run."""
    assert try_mutant(mutant).killed


@pytest.mark.regress
@each_other(MUTANTS)
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
