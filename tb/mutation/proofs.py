# SPDX-License-Identifier: Apache-2.0
"""Proofs that must fail: ``python -m tb.mutation.proofs [NAME ...]``.

Each mutant of ``proofs.toml`` is put into a copy of the RTL, and its proof is run on the Verilog of the copy. A proof
that still holds says nothing.
"""

import sys
import time
from dataclasses import dataclass
from typing import Final

from . import mutants
from .mutants import Change, Outcome

OUT: Final = mutants.OUT / "proofs"


@dataclass(frozen=True, kw_only=True)
class Mutant(Change):
    """A change that ``proof`` notices.

    ``cycles`` : when the failure is in so many cycles after reset, but too deep for the proof's own engine to find.
    """

    proof: str
    cycles: int | None = None


MUTANTS: Final = mutants.changes(__file__, Mutant)


def try_mutant(mutant: Mutant) -> Outcome:
    """Return whether the proof fails on a copy of the RTL with the mutant. One that does not run is an error."""
    begin = time.monotonic()
    copy = mutants.rtl_with(mutant, OUT)
    command = ["-m", "yingzhou_sim", "prove", mutant.proof, "--mode", "prove", "--no-trace", "--out", str(copy.parent)]
    if mutant.cycles is not None:
        command += ["--cycles", str(mutant.cycles)]
    noticed = mutants.fails_on_rtl(command, copy)
    log = (copy.parent / "log.txt").read_text()
    if f"{mutant.proof} " not in log:
        raise RuntimeError(f"mutant {mutant.name} broke the proof instead of refuting it:\n{log[-3000:]}")
    seconds = round(time.monotonic() - begin, 1)
    return Outcome(mutant.name, mutant.proof, mutant.file, mutant.proof if noticed else "", seconds)


if __name__ == "__main__":
    sys.exit(mutants.main("proofs", MUTANTS, try_mutant))
