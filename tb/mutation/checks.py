# SPDX-License-Identifier: Apache-2.0
"""What the tests of a table of mutants have in common."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from yingzhou_sim.paths import ROOT

from .mutants import Change, Mutant

RTL: Final = ROOT / "rtl" / "yingzhou"


def each(mutants: Iterable[Change]) -> pytest.MarkDecorator:
    """Run a test with each of the mutants, under the mutant's name."""
    return pytest.mark.parametrize("mutant", list(mutants), ids=lambda mutant: mutant.name)


def each_quick(mutants: Iterable[Mutant]) -> pytest.MarkDecorator:
    """Run a test with the mutants that are tried in every run."""
    return each(mutant for mutant in mutants if mutant.quick)


def each_other(mutants: Iterable[Mutant]) -> pytest.MarkDecorator:
    """Run a test with the mutants that only the long run tries."""
    return each(mutant for mutant in mutants if not mutant.quick)


def marked(files: Iterable[Path], part: str) -> set[str]:
    """Return the countermeasures of a part, such as ``LLC``, whose markers are in the files."""
    marker = re.compile(rf"countermeasure: ({part}\.\w+)")
    return {rule for file in files for rule in marker.findall(file.read_text())}


def rules(mutants: Iterable[Mutant]) -> set[str]:
    """Return what the mutants break."""
    return {mutant.rule for mutant in mutants}


def assert_applies(mutant: Change, folder: Path) -> None:
    """A mutant whose text is gone from the source would test nothing."""
    count = (folder / mutant.file).read_text().count(mutant.old)
    assert count == 1, f"{mutant.old!r} is {count} times in {mutant.file}, not once"
    assert mutant.old != mutant.new, f"{mutant.name} changes nothing"
