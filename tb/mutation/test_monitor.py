# SPDX-License-Identifier: Apache-2.0
"""Each check of the monitor, removed, is noticed by a test that covers it. threat: D09"""

import re

import pytest

from tb.mutation.monitor import MUTANTS, Mutant, try_mutant
from yingzhou_sim.paths import SW

MARKER = re.compile(r"countermeasure: (MON\.\w+)")


def test_every_rule_has_a_mutant() -> None:
    """A countermeasure that nobody tried to remove is not known to be tested."""
    rules = {rule for file in (SW / "monitor").glob("*.[ch]") for rule in MARKER.findall(file.read_text())}
    assert {mutant.rule for mutant in MUTANTS} == rules


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_still_applies(mutant: Mutant) -> None:
    """A mutant whose text is gone from the source would test nothing."""
    assert (SW / "monitor" / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.old != mutant.new


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.quick], ids=lambda mutant: mutant.name)
def test_missing_check_is_noticed(mutant: Mutant) -> None:
    """The checks that hold everything up, in every run."""
    assert try_mutant(mutant).killed


@pytest.mark.regress
@pytest.mark.parametrize("mutant", [m for m in MUTANTS if not m.quick], ids=lambda mutant: mutant.name)
def test_mutant_is_noticed(mutant: Mutant) -> None:
    """The rest, and checks bent rather than removed."""
    assert try_mutant(mutant).killed
