# SPDX-License-Identifier: Apache-2.0
"""Every property of the memory engine that is proved has a mutant that its proof refutes: threat: D09"""

import pytest

from tb.formal.run import JOBS
from tb.mutation.checks import RTL, assert_applies, each
from tb.mutation.proofs import MUTANTS, Mutant, try_mutant


def test_every_proof_of_the_engine_has_a_mutant() -> None:
    assert {mutant.proof for mutant in MUTANTS} == {job.name for job in JOBS if not job.name.startswith("gpt_")}


@each(MUTANTS)
def test_mutant_still_applies(mutant: Mutant) -> None:
    """A mutant whose text is gone from the source would test nothing."""
    assert_applies(mutant, RTL)


@pytest.mark.regress
@each(MUTANTS)
def test_proof_notices_its_mutant(mutant: Mutant) -> None:
    """Each refutes a property that the proof shows of the real thing."""
    assert try_mutant(mutant).killed
