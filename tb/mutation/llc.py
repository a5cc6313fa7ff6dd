# SPDX-License-Identifier: Apache-2.0
"""Mutation run of the last-level cache: ``python -m tb.mutation.llc [NAME ...]``.

Each mutant of ``llc.toml`` is put into a copy of the RTL; then the tests of its rule run on the copy, in Amaranth's own
simulator, which needs no build. Results: ``build/mutation/llc.json``.
threat: D09
"""

import re
import shutil
import sys
import time
from typing import Final

from . import mutants
from .mutants import PYTEST, Mutant, Outcome

_AXI = "tb/llc/test_ip.py"
_CORE = "tb/llc/test_core.py"
_DECISIONS = "tb/llc/test_decisions.py"
_LOCKS = "tb/llc/test_locks.py"
_PARITY = "tb/llc/test_parity.py"
_REGISTERS = "tb/llc/test_registers.py"
_REPLACEMENT = "tb/llc/test_replacement.py"
TESTS: Final = {
    "LLC.LOCK_PINNED": (f"{_DECISIONS}::test_hits_and_victims_of_random_sets", f"{_LOCKS}::test_evict_and_reload"),
    "LLC.LOCK_SILENT": (f"{_LOCKS}::test_which_locked_line_is_used_moves_no_victim[small]",),
    "LLC.LOCK_QUOTA": (
        f"{_DECISIONS}::test_a_lock_needs_its_quota_and_two_ways_left",
        f"{_LOCKS}::test_a_quota_below_the_count_takes_nothing_away",
        f"{_LOCKS}::test_a_refused_lock_changes_nothing",
        f"{_LOCKS}::test_maintenance_by_the_owner[fast-3-True]",
        f"{_LOCKS}::test_maintenance_by_the_owner[fast-2-False]",
        f"{_LOCKS}::test_a_way_of_the_next_domain_holds_nothing_old[5-small]",
    ),
    "LLC.LOCK_MAINTAIN": (f"{_DECISIONS}::test_the_table_of_operations",),
    "rule 2": (
        f"{_CORE}::test_a_whole_line_is_not_fetched",
        f"{_CORE}::test_a_write_of_nothing",
        f"{_CORE}::test_outside_of_memory",
    ),
    "rule 3": (
        f"{_CORE}::test_a_whole_line_is_not_fetched",
        f"{_CORE}::test_a_line_is_not_fetched_before_its_write_back_is_answered",
        f"{_LOCKS}::test_whole_cache_maintenance_takes_unlocked_lines_only",
    ),
    "rule 4": (f"{_CORE}::test_requests_to_one_line_keep_their_order", f"{_CORE}::test_crowded_sets[fast-small]"),
    "rule 5": (f"{_CORE}::test_a_failed_fetch_is_answered_and_forgotten",),
    "rule 6": (
        f"{_REGISTERS}::test_the_first_failure_is_recorded",
        f"{_CORE}::test_a_victim_that_memory_refuses_is_recorded",
        f"{_LOCKS}::test_a_refused_write_back_leaves_the_line_as_it_was",
    ),
    "rule 7": (f"{_CORE}::test_a_line_is_not_fetched_before_its_write_back_is_answered",),
    "rule 8": (f"{_DECISIONS}::test_tags_are_swept_then_kept",),
    "rule 9": (
        f"{_DECISIONS}::test_hits_and_victims_of_random_sets",
        f"{_LOCKS}::test_unlock_waits_for_memory",
        f"{_CORE}::test_crowded_sets[fast-small]",
        f"{_CORE}::test_crowded_sets[rough-small]",
        f"{_LOCKS}::test_requests_to_the_set_of_a_line_that_is_written_back",
    ),
    "rule 10": (
        f"{_REPLACEMENT}::test_a_touch_points_away",
        f"{_LOCKS}::test_a_line_that_is_fetched_for_a_lock_was_used",
        f"{_CORE}::test_victims_one_by_one[small]",
    ),
    "rule 11": (
        f"{_REPLACEMENT}::test_a_drawn_victim_is_the_first_candidate_around",
        f"{_REPLACEMENT}::test_the_draw_takes_every_value_but_zero",
    ),
    "rule 13": (
        f"{_LOCKS}::test_maintenance_by_the_owner[fast-3-True]",
        f"{_LOCKS}::test_a_refused_write_back_leaves_the_line_as_it_was",
    ),
    "rule 19": (
        f"{_LOCKS}::test_an_older_write_back_of_a_line_is_waited_for",
        f"{_LOCKS}::test_unlock_waits_for_memory",
        f"{_LOCKS}::test_requests_of_another_port_to_a_locked_line",
    ),
    "rule 20": (
        f"{_LOCKS}::test_a_page_that_is_refused_in_its_middle[5]",
        f"{_LOCKS}::test_the_way_back_meets_a_memory_error",
    ),
    "rule 21": (f"{_DECISIONS}::test_commands_that_are_refused_as_a_whole",),
    "rule 22": (
        f"{_LOCKS}::test_lines_that_are_not_owned_or_not_locked",
        f"{_LOCKS}::test_a_refused_write_back_leaves_the_line_as_it_was",
    ),
    "order at AXI": (
        f"{_AXI}::test_reads_of_one_identifier_stay_in_order",
        f"{_AXI}::test_every_line_has_its_turn",
    ),
    "parity": (_PARITY,),
    "registers": (_REGISTERS,),
}
"""By rule, a countermeasure or a rule of docs/llc.md, what must notice its absence."""
SIMULATOR: Final = {"YZ_LLC_SIMULATOR": "amaranth"}
MUTANTS: Final = mutants.mutants(__file__)


def try_mutant(mutant: Mutant) -> Outcome:
    """Return what notices ``mutant``."""
    begin = time.monotonic()
    copy = mutants.rtl_with(mutant)
    killed_by = ""
    if mutants.fails_on_rtl([*PYTEST, "-n0", *TESTS[mutant.rule]], copy, SIMULATOR):
        failed = re.search(r"^FAILED \S+::(\S+)", (copy.parent / "log.txt").read_text(), re.M)
        assert failed is not None, "pytest failed, and no test"
        killed_by = failed[1]
    shutil.rmtree(copy.parent)
    return Outcome(mutant.name, mutant.rule, mutant.file, killed_by, round(time.monotonic() - begin, 1))


if __name__ == "__main__":
    sys.exit(mutants.main("llc", MUTANTS, try_mutant))
