# SPDX-License-Identifier: Apache-2.0
"""Each rule of the GPT guard, removed, is noticed. The long run removes and bends more: threat: D09

covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY GPT.LOCK
"""

import pytest

from tb.mutation.checks import RTL, assert_applies, each, each_other, each_quick, rules
from tb.mutation.gpt import MUTANTS, Mutant, try_mutant


def test_every_rule_has_a_quick_mutant():
    expected = {"GPT.HOST_AREA", "GPT.HOST_LEAF", "GPT.ENCLAVE_AREA", "GPT.RESET_DENY", "GPT.LOCK"}
    assert rules(mutant for mutant in MUTANTS if mutant.quick) == expected


@each(MUTANTS)
def test_mutant_still_applies(mutant: Mutant):
    """A mutant whose text is gone from the source would test nothing."""
    assert_applies(mutant, RTL)


@each_quick(MUTANTS)
def test_missing_rule_is_noticed(mutant: Mutant):
    assert try_mutant(mutant, proofs=False).killed


@pytest.mark.regress
@each_other(MUTANTS)
def test_mutant_is_noticed(mutant: Mutant):
    assert try_mutant(mutant).killed
