# SPDX-License-Identifier: Apache-2.0
"""Each rule of the memory engine, removed or bent, is noticed. threat: D09"""

import pytest

from tb.mutation.checks import RTL, assert_applies, each, each_other, each_quick, marked, rules
from tb.mutation.mmt import MUTANTS, TESTS, Mutant, try_mutant


def test_every_rule_has_a_mutant() -> None:
    """A countermeasure that nobody tried to remove is not known to be tested."""
    assert rules(MUTANTS) == marked(RTL.rglob("*.py"), "MMT") == set(TESTS)


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
    """The rest: most of them need an engine of their own to be built."""
    assert try_mutant(mutant).killed
