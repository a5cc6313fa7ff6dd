# SPDX-License-Identifier: Apache-2.0
"""Mutation run of the memory engine: ``python -m tb.mutation.mmt [NAME ...]``.

Each mutant of ``mmt.toml`` is put into a copy of the RTL; then the tests of its rule run on the copy, those of the
joined engine on an engine built from it. Results: ``build/mutation/mmt.json``.
threat: D09
"""

import shutil
import sys
import time
from typing import Final

from . import mutants
from .mutants import PYTEST, Mutant, Outcome

_INTEGRITY = "tb/mmt/test_engine_integrity.py"
_LIMITS = "tb/mmt/test_engine_limits.py"
TESTS: Final = {
    "MMT.CONFIG_LOCK": ("tb/mmt/test_registers.py",),
    "MMT.FATAL": ("tb/mmt/test_registers.py",),
    "MMT.META_CLOSED": ("tb/bus/test_axi_split.py",),
    "MMT.NODE_MAC": (
        f"{_INTEGRITY}::test_replay",
        f"{_INTEGRITY}::test_every_bit_of_a_node",
        f"{_INTEGRITY}::test_unlock_checks_again",
    ),
    "MMT.FRESH": (f"{_LIMITS}::test_a_leaf_overflows", _LIMITS),
    "MMT.VIRGIN": (f"{_INTEGRITY}::test_read_before_write",),
    "MMT.EXHAUSTED": (_LIMITS,),
    "MMT.LOCK": (
        f"{_INTEGRITY}::test_locked_subtree",
        f"{_INTEGRITY}::test_lock_survives_unmount",
        f"{_INTEGRITY}::test_a_memory_error_concerns_one_line",
    ),
    "MMT.MOUNT_ONCE": (f"{_LIMITS}::test_mounted_once", "tb/mmt/test_tree.py"),
    "MMT.ROOT_TREE": (f"{_INTEGRITY}::test_replay", f"{_INTEGRITY}::test_a_root_entry_changed_while_mounted"),
    "MMT.LINE_MAC": (f"{_INTEGRITY}::test_splice_a_line", f"{_INTEGRITY}::test_every_bit_of_a_mac"),
    "MMT.LINE_ORDER": ("tb/mmt/test_engine_random.py::test_operations_and_tampers",),
    "MMT.VERDICT_FIRST": (
        # Lines and Front each make zeros of what failed: alone, each is seen beside its neighbour only.
        "tb/mmt/test_lines.py::test_what_was_changed_in_memory",
        "tb/line/test_front.py::test_errors_stay_with_their_chunk",
        f"{_INTEGRITY}::test_every_bit_of_a_line",
    ),
    "MMT.KEYS": ("tb/mmt/test_crypto.py", "tb/mmt/test_engine_keys.py"),
    "MMT.SELF_TEST": ("tb/mmt/test_crypto.py", "tb/mmt/test_engine_self_test.py"),
}
"""By rule, what must notice its absence."""
MUTANTS: Final = mutants.mutants(__file__)


def try_mutant(mutant: Mutant) -> Outcome:
    """Return what notices ``mutant``."""
    begin = time.monotonic()
    copy = mutants.rtl_with(mutant)
    killed_by = ""
    for test in TESTS[mutant.rule]:
        # The compiler's time is most of a mutant's, and the tests are short.
        if mutants.fails_on_rtl([*PYTEST, "-n0", test], copy, {"YZ_MMT_OPTIMIZE": "-O0"}):
            killed_by = test.rpartition("/")[2]
            break
    shutil.rmtree(copy.parent)
    return Outcome(mutant.name, mutant.rule, mutant.file, killed_by, round(time.monotonic() - begin, 1))


if __name__ == "__main__":
    sys.exit(mutants.main("mmt", MUTANTS, try_mutant))
