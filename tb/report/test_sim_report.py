# SPDX-License-Identifier: Apache-2.0
"""The simulation's report: the stable JSON, and a page that shows what happened and nothing else."""

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from yingzhou.errors import ConfigError
from yingzhou_sim.report import Coverage, SimReport, read_coverage


@dataclass(frozen=True)
class Timing:
    latency: int = 40
    banks: int = 8


def example() -> SimReport:
    report = SimReport(config={"checker": "gpt", "hart": {"pmp": 16}}, dram=Timing(), cycles=250_000, seconds=2.5)
    report.add(name="boot", kind="function", threat=None, passed=True, cycles=1200, detail="banner seen")
    report.add(
        name="satp outside", kind="attack", threat="W01,W02", passed=True, cycles=900, detail="cause 5 <&> level 1"
    )
    report.add(name="alias", kind="attack", threat=["W05"], passed=False, cycles=10, detail="store went through")
    return report


class Text(HTMLParser):
    """Collects text and every attribute that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.loads: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [f"{tag} {name}={value}" for name, value in attrs if name in ("src", "href", "srcset")]
        if tag in ("script", "link", "iframe"):
            self.loads.append(tag)


def test_json_is_schema_1(tmp_path: Path) -> None:
    example().write(tmp_path)
    found = json.loads((tmp_path / "report.json").read_text())
    assert (found["schema"], found["cycles"], found["seconds"], found["khz"]) == (1, 250_000, 2.5, 100.0)
    assert (found["passed"], found["failed"], found["interrupted"]) == (2, 1, False)
    assert [(s["name"], s["kind"], s["threat"], s["pass"], s["cycles"], s["detail"]) for s in found["scenarios"]] == [
        ("boot", "function", None, True, 1200, "banner seen"),
        ("satp outside", "attack", "W01,W02", True, 900, "cause 5 <&> level 1"),
        ("alias", "attack", "W05", False, 10, "store went through"),
    ]
    assert found["dram"] == {"latency": 40, "banks": 8}
    assert found["config"]["hart"] == {"pmp": 16}


def test_page_shows_everything_and_loads_nothing(tmp_path: Path) -> None:
    coverage = Coverage(
        ("id", "threat", "note"), (("W01", "satp elsewhere", "`<b>` in code"), ("W36", "vectors", "no vector unit"))
    )
    page = example().write(tmp_path, coverage)
    parser = Text()
    parser.feed(page.read_text())
    for text in (
        "boot",
        "satp outside",
        "cause 5 <&> level 1",
        "W01 W02",
        "2 / 3",
        "100.0 kHz",
        "hart.pmp",
        "latency",
        "40",
    ):
        assert text in parser.text, text
    assert parser.text.count("FAIL") == 1
    assert parser.text.index("alias") < parser.text.index("satp outside")  # failures first
    assert "<code>&lt;b&gt;</code>" in page.read_text()
    assert "no vector unit" in parser.text and "not in this run" in parser.text
    assert parser.loads == []


def test_interrupted_and_empty(tmp_path: Path) -> None:
    report = SimReport(interrupted=True)
    text = report.write(tmp_path, Coverage((), ())).read_text()
    assert "Interrupted" in text and "No scenario ended." in text
    assert json.loads((tmp_path / "report.json").read_text())["khz"] == 0.0


def test_writing_again_replaces_and_leaves_no_scratch(tmp_path: Path) -> None:
    report = example()
    report.write(tmp_path)
    report.add(name="late", kind="function", threat=None, passed=True, cycles=1)
    report.write(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.json"]
    assert len(json.loads((tmp_path / "report.json").read_text())["scenarios"]) == 4


@pytest.mark.parametrize(
    ("kind", "threat", "message"),
    [
        ("proof", None, "scenario 'x' is of kind 'proof'; accepted are function, attack"),
        ("attack", "W1", "scenario 'x' names threat 'W1'; ids look like W01"),
        ("attack", ["W01", "nonsense"], "names threat 'nonsense'"),
    ],
)
def test_bad_scenarios_are_refused(kind: str, threat: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SimReport().add(name="x", kind=kind, threat=threat, passed=True, cycles=0)


def test_coverage_reads_every_table_of_threats(tmp_path: Path) -> None:
    page = tmp_path / "threats.md"
    page.write_text(
        "# T\n\n| id | threat | why |\n|---|:--|---|\n| `W01` | a \\| b | c |\n\ntext | W09 |\n\n"
        "| id | threat | why |\n|---|---|---|\n| M01 | flip | later |\n\n| key | value |\n|---|---|\n| x | y |\n"
    )
    assert read_coverage(page) == Coverage(("id", "threat", "why"), (("W01", "a | b", "c"), ("M01", "flip", "later")))
    assert read_coverage(tmp_path / "missing.md") == Coverage((), ())
