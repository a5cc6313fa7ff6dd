# SPDX-License-Identifier: Apache-2.0
"""Each check of the monitor, removed, is noticed by a test that covers it. threat: D09"""

import pytest

from tb.mutation.checks import assert_applies, each, each_other, each_quick, marked, rules
from tb.mutation.monitor import MUTANTS, Mutant, try_mutant
from yingzhou_sim.paths import SW

SOURCES = SW / "monitor"


def test_every_rule_has_a_mutant() -> None:
    """A countermeasure that nobody tried to remove is not known to be tested."""
    assert rules(MUTANTS) == marked(SOURCES.glob("*.[ch]"), "MON")


@each(MUTANTS)
def test_mutant_still_applies(mutant: Mutant) -> None:
    """A mutant whose text is gone from the source would test nothing."""
    assert_applies(mutant, SOURCES)


@each_quick(MUTANTS)
def test_missing_check_is_noticed(mutant: Mutant) -> None:
    """The checks that hold everything up, in every run."""
    assert try_mutant(mutant).killed


@pytest.mark.regress
@each_other(MUTANTS)
def test_mutant_is_noticed(mutant: Mutant) -> None:
    """The rest, and checks bent rather than removed."""
    assert try_mutant(mutant).killed
