# SPDX-License-Identifier: Apache-2.0
"""Each rule of the GPT guard, removed, is noticed. The long run removes and bends more: threat: D09

covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY GPT.LOCK
"""

import pytest

from tb.mutation.gpt import MUTANTS, Mutant, try_mutant
from yingzhou_sim.paths import ROOT

QUICK = [mutant for mutant in MUTANTS if mutant.quick]
REST = [mutant for mutant in MUTANTS if not mutant.quick]


def test_every_rule_has_a_quick_mutant():
    rules = {"GPT.HOST_AREA", "GPT.HOST_LEAF", "GPT.ENCLAVE_AREA", "GPT.RESET_DENY", "GPT.LOCK"}
    assert {mutant.rule for mutant in QUICK} == rules


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_still_applies(mutant: Mutant):
    """A mutant whose text is gone from the source would test nothing."""
    assert (ROOT / "rtl" / "yingzhou" / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.old != mutant.new


@pytest.mark.parametrize("mutant", QUICK, ids=lambda mutant: mutant.name)
def test_missing_rule_is_noticed(mutant: Mutant):
    assert try_mutant(mutant, proofs=False).killed


@pytest.mark.regress
@pytest.mark.parametrize("mutant", REST, ids=lambda mutant: mutant.name)
def test_mutant_is_noticed(mutant: Mutant):
    assert try_mutant(mutant).killed
