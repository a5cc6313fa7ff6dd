# SPDX-License-Identifier: Apache-2.0
"""What a person sees during a simulation: console lines, scenarios as they end, cycles and speed."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .parallel import RunObserver
from .runs import Outcome, Scenario

_QUIET_SECONDS: Final = 20.0
"""Without a terminal a progress line is printed this often."""


class Display(RunObserver):
    """Prints console and scenarios; on a terminal with a live line a run, else with a line now and then."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._outcomes: dict[str, Outcome] = {}
        self._partial: dict[str, str] = {}
        self._live = (
            Live(console=self._console, refresh_per_second=4, transient=True) if self._console.is_terminal else None
        )
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for run, rest in self._partial.items():
            if rest:
                self._line(run, rest)
        if self._live:
            self._live.stop()

    def console(self, run: str, text: str) -> None:
        """Print whole lines of a program, marked with the run's name."""
        *lines, rest = (self._partial.get(run, "") + text).split("\n")
        for line in lines:
            self._line(run, line)
        self._partial[run] = rest

    def _line(self, run: str, line: str) -> None:
        self._console.print(Text.assemble((f"{run:>8} | ", "dim"), line.rstrip("\r")))

    def scenario(self, scenario: Scenario) -> None:
        """Print one line for a scenario that ended."""
        mark = ("pass", "green") if scenario.passed else ("FAIL", "bold red")
        threats = f" [{','.join(scenario.threats)}]" if scenario.threats else ""
        self._console.print(
            Text.assemble((f"{scenario.run:>8} ", "dim"), mark, f" {scenario.name}{threats}: {scenario.detail}")
        )

    def progress(self, outcome: Outcome) -> None:
        """Refresh the live lines, or say now and then how far the runs are."""
        self._outcomes[outcome.name] = outcome
        if self._live:
            self._live.update(self._table())
        elif time.monotonic() - self._said > _QUIET_SECONDS:
            self._said = time.monotonic()
            running = [o for o in self._outcomes.values() if o.stop is None]
            self._console.print(
                "; ".join(f"{o.name}: {o.cycles / 1e6:.1f} M cycles at {o.khz:.0f} kHz" for o in running)
            )

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for o in self._outcomes.values():
            state = "running" if o.stop is None else "ended"
            failed = sum(not s.passed for s in o.scenarios)
            table.add_row(
                o.name,
                state,
                f"{o.cycles:,} cycles",
                f"{o.khz:.0f} kHz",
                f"{len(o.scenarios)} scenarios, {failed} failed",
            )
        return table
