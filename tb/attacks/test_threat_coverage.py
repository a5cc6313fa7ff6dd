# SPDX-License-Identifier: Apache-2.0
"""docs/threat-coverage.md says where each attack is made, and it is made there."""

import re
from pathlib import Path

import pytest

from yingzhou_sim.paths import ROOT

PAGE = ROOT / "docs" / "threat-coverage.md"
PROGRAMS = {
    "walker": ["sw/attacks"],
    "hostile": ["sw/host/scenarios/attack.c"],
    "memory": ["sw/memory"],
    "tamper": ["sw/host/scenarios/tamper.c"],
    "leak": ["sw/leak"],
}
ROW = re.compile(r"^\| ([A-Z]\d\d) \|.*\| ([^|]+) \|$", re.M)
SCENARIO = re.compile(r'\{\s*"[^"]+",\s*"([A-Z0-9,]*)"')


def rows() -> dict[str, str]:
    """Return id to evidence."""
    found = ROW.findall(PAGE.read_text())
    assert len(found) == len({threat for threat, _ in found}), "an id has two rows"
    return dict(found)


def made_by(program: str) -> set[str]:
    """Return the ids in the scenario tables of a program."""
    sources = set()
    for place in PROGRAMS[program]:
        path = ROOT / place
        sources |= set(path.glob("*.c")) if path.is_dir() else {path}
    tables = [ids for source in sources for ids in SCENARIO.findall(source.read_text())]
    return {threat for ids in tables for threat in ids.split(",") if threat}


@pytest.mark.parametrize("program", PROGRAMS)
def test_page_and_program_agree(program):
    """Every id that a program reports has a row that names the program, and the other way round."""
    named = {threat for threat, evidence in rows().items() if f"`{program}`" in evidence}
    assert named
    prefixes = {threat[0] for threat in rows()}
    assert {threat for threat in made_by(program) if threat[0] in prefixes} == named


def test_named_tests_exist_and_name_the_threat():
    """Every path is a file that names the id."""
    for threat, evidence in rows().items():
        for path in re.findall(r"`((?:tb|sw)/[^`]+)`", evidence):
            assert (ROOT / path).is_file(), f"{threat}: {path} does not exist"
            assert re.search(rf"\b{threat}\b", (ROOT / path).read_text()), f"{threat} is not named in {path}"


def is_run(path: Path, run_by_name: str) -> bool:
    """Return whether pytest collects tests of this file, or a simulation that a test starts by its name does."""
    text = path.read_text()
    if path.name.startswith("test_"):
        return re.search(r"^ *(?:async )?def test_|^Test\w+ = |^class Test", text, re.M) is not None
    simulated = re.search(r"^@(?:cocotb\.|pyuvm\.)?(?:test|cocotb_test)\(|@parametrize\(", text, re.M)
    return simulated is not None and re.search(rf"\b{path.stem}\b", run_by_name) is not None


def test_evidence_is_tests_that_are_run():
    """A library of tests is no evidence, whatever its text says."""
    run_by_name = "\n".join(path.read_text() for path in (ROOT / "tb").rglob("test_*.py"))
    for threat, evidence in rows().items():
        for name in re.findall(r"`(tb/[^`]+\.py)`", evidence):
            assert is_run(ROOT / name, run_by_name), f"{threat}: nobody runs {name}"
    assert not is_run(ROOT / "tb/mmt/campaign.py", run_by_name), "a library passes for a test"


def test_no_row_without_evidence_or_reason():
    for threat, evidence in rows().items():
        reason = re.fullmatch(r"not expressible: .{10,}", evidence)
        assert reason or "`" in evidence, f"{threat} has neither evidence nor a reason"


def test_scenarios_say_their_threat_in_the_code():
    """A scenario's function carries the same ids in its comment as its table entry reports."""
    for source in (*(ROOT / "sw" / "attacks").glob("*.c"), *(ROOT / "sw" / "memory").glob("*.c")):
        text = source.read_text()
        for ids, function in re.findall(r'\{\s*"[^"]+",\s*"([A-Z0-9,]+)",\s*(\w+)\}', text):
            comment = re.search(rf"/\*((?:(?!\*/).)*)\*/\nstatic bool {function}\(", text, re.S)
            assert comment, f"{source.name}: {function} has no comment"
            for threat in ids.split(","):
                assert threat in comment[1], f"{source.name}: {function} does not name {threat}"
