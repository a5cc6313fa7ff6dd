# SPDX-License-Identifier: Apache-2.0
"""Each rule of the memory engine, removed or bent, is noticed. threat: D09"""

import re

import pytest

from tb.mutation.mmt import MUTANTS, TESTS, Mutant, try_mutant
from yingzhou_sim.paths import ROOT

RTL = ROOT / "rtl" / "yingzhou"
MARKER = re.compile(r"countermeasure: (MMT\.\w+)")


def test_every_rule_has_a_mutant() -> None:
    """A countermeasure that nobody tried to remove is not known to be tested."""
    rules = {rule for file in RTL.rglob("*.py") for rule in MARKER.findall(file.read_text())}
    assert {mutant.rule for mutant in MUTANTS} == rules == set(TESTS)


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
    """The rest: most of them need an engine of their own to be built."""
    assert try_mutant(mutant).killed
