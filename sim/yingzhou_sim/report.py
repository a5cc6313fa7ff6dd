# SPDX-License-Identifier: Apache-2.0
"""Report of a simulation: ``report.json`` for tools and a self-contained ``report.html`` for people.

``report.json``, schema 1, stable: ``schema``, ``cycles``, ``seconds``, ``khz``, ``scenarios`` (each with ``name``,
``kind`` "function" or "attack", ``threat`` or null, ``pass``, ``cycles``, ``detail``), ``passed``, ``failed``. Beside
them, free to grow: ``threats`` of a scenario as a list, ``config``, ``dram``, ``coverage_map``, ``interrupted``.
"""

import dataclasses
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup, escape

from yingzhou.errors import require

from .files import write_whole
from .paths import ROOT

SCHEMA: Final = 1
KINDS: Final = ("function", "attack")
COVERAGE: Final = ROOT / "docs" / "threat-coverage.md"
THREAT: Final = re.compile(r"[A-Z]\d\d\b")


@dataclass(frozen=True, kw_only=True)
class ScenarioResult:
    """One line of the report. ``threats`` are ids of docs/threat-coverage.md, ``cycles`` what the scenario took."""

    name: str
    kind: str
    threats: tuple[str, ...]
    passed: bool
    cycles: int
    detail: str

    def as_json(self) -> dict[str, Any]:
        """Return the scenario as schema 1 has it; several threats are joined by commas in ``threat``."""
        return {
            "name": self.name,
            "kind": self.kind,
            "threat": ",".join(self.threats) or None,
            "threats": list(self.threats),
            "pass": self.passed,
            "cycles": self.cycles,
            "detail": self.detail,
        }


@dataclass(frozen=True)
class Coverage:
    """The table of docs/threat-coverage.md: column titles, and rows whose first cell is a threat id."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def read_coverage(path: Path = COVERAGE) -> Coverage:
    """Read all tables of threats in a Markdown page; they share their columns. Empty when the page does not exist."""
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    above: tuple[str, ...] = ()
    for line in path.read_text().splitlines() if path.exists() else ():
        cells = tuple(cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1])
        if not line.startswith("|"):
            cells = ()
        if cells and set("".join(cells)) <= set("-: "):
            columns = columns or above
        elif cells and THREAT.fullmatch(cells[0].strip("`")):
            rows.append((cells[0].strip("`"), *cells[1:]))
        above = cells
    return Coverage(columns, tuple(rows))


def plain(value: Any) -> Any:
    """Return a configuration (nested dataclasses, tuples, enums) as what JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted name, text) pairs."""
    if isinstance(value, dict):
        return [pair for k, v in value.items() for pair in flat(v, f"{prefix}.{k}" if prefix else str(k))]
    return [(prefix, json.dumps(value) if not isinstance(value, str) else value)]


@dataclass
class SimReport:
    """Collects scenarios as they end and writes both reports; a report may be written again and again.

    Parameters
    ----------
    config
        The machine: a (nested) dataclass or mapping.
    dram
        Timing of the DRAM model, in cycles: a dataclass or mapping.
    cycles : int
        Simulated cycles, all runs together.
    seconds : float
        Wall time of the simulation, without builds. With several runs at once, their sum: ``khz`` is the speed of one.
    interrupted : bool
        The user stopped the run; scenarios may be missing.
    coverage_map
        For each threat id the tests and proofs that cover it outside this run; optional.
    figures
        Plots of the page: title, a sentence, SVG element.
    """

    config: Any = field(default_factory=dict)
    dram: Any = field(default_factory=dict)
    cycles: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    coverage_map: Mapping[str, Sequence[str]] = field(default_factory=dict)
    figures: list[tuple[str, str, Markup]] = field(default_factory=list)
    scenarios: list[ScenarioResult] = field(default_factory=list)

    def add(
        self, *, name: str, kind: str, threat: str | Sequence[str] | None, passed: bool, cycles: int, detail: str = ""
    ) -> None:
        """Record one scenario. ``threat`` is an id, several (a sequence, or one string with commas), or None."""
        require(kind in KINDS, f"scenario {name!r} is of kind {kind!r}; accepted are {', '.join(KINDS)}")
        ids = (threat.split(",") if isinstance(threat, str) else threat) or ()
        threats = tuple(t.strip() for t in ids if t.strip())
        for t in threats:
            require(THREAT.fullmatch(t) is not None, f"scenario {name!r} names threat {t!r}; ids look like W01")
        self.scenarios.append(
            ScenarioResult(name=name, kind=kind, threats=threats, passed=passed, cycles=cycles, detail=detail)
        )

    @property
    def passed(self) -> int:
        """Scenarios that passed."""
        return sum(s.passed for s in self.scenarios)

    @property
    def failed(self) -> int:
        """Scenarios that failed."""
        return len(self.scenarios) - self.passed

    @property
    def khz(self) -> float:
        """Simulated kilocycles a second of wall time."""
        return round(self.cycles / self.seconds / 1000, 1) if self.seconds > 0 else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the contents of ``report.json``."""
        return {
            "schema": SCHEMA,
            "cycles": self.cycles,
            "seconds": round(self.seconds, 3),
            "khz": self.khz,
            "scenarios": [s.as_json() for s in self.scenarios],
            "passed": self.passed,
            "failed": self.failed,
            "interrupted": self.interrupted,
            "config": plain(self.config),
            "dram": plain(self.dram),
            "coverage_map": {k: list(v) for k, v in self.coverage_map.items()},
        }

    def _failures_first(self, kind: str) -> list[ScenarioResult]:
        return sorted((s for s in self.scenarios if s.kind == kind), key=lambda s: s.passed)

    def write(self, outdir: Path, coverage: Coverage | None = None) -> Path:
        """Write ``report.json`` and ``report.html`` into ``outdir`` and return the latter's path."""
        write_whole(outdir / "report.json", json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n")
        verdicts: dict[str, list[ScenarioResult]] = {}
        for s in self.scenarios:
            for t in s.threats:
                verdicts.setdefault(t, []).append(s)
        page = templates().get_template("sim_report.html.j2")
        text = page.render(
            report=self,
            groups=[(kind, self._failures_first(kind)) for kind in reversed(KINDS)],
            settings=[("Machine", flat(plain(self.config))), ("DRAM model, in cycles", flat(plain(self.dram)))],
            coverage=coverage or read_coverage(),
            verdicts=verdicts,
            written=time.strftime("%Y-%m-%d %H:%M"),
        )
        return write_whole(outdir / "report.html", text)


def templates() -> jinja2.Environment:
    """Return the environment of the report pages; everything put into a page is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["code"] = _code
    return environment


def _code(text: str) -> Markup:
    """Return text from a Markdown table with its backquoted parts as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))
