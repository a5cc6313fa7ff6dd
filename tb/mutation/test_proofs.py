# SPDX-License-Identifier: Apache-2.0
"""Every property of the memory engine that is proved has a mutant that its proof refutes: threat: D09"""

import pytest

from tb.formal.run import JOBS
from tb.mutation.proofs import MUTANTS, Mutant, refuted
from yingzhou_sim.paths import ROOT


def test_every_proof_of_the_engine_has_a_mutant():
    assert {mutant.proof for mutant in MUTANTS} == {job.name for job in JOBS if not job.name.startswith("gpt_")}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_still_applies(mutant: Mutant):
    """A mutant whose text is gone from the source would test nothing."""
    assert (ROOT / "rtl" / "yingzhou" / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.old != mutant.new


@pytest.mark.regress
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_proof_notices_its_mutant(mutant: Mutant):
    assert refuted(mutant)
