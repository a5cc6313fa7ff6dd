# SPDX-License-Identifier: Apache-2.0
"""Plot of what attacks on a table cipher found."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .leak import TABLES, Finding

WRONG, RIGHT, LIMIT = "#b9c0ca", "#c0392b", "#1f77b4"


def _attack(finding: Finding) -> str:
    return finding.name.split(", tables ")[0]


def _draw(axes: Axes, finding: Finding) -> None:
    """A column a byte of the key: the scores of its 16 guesses."""
    step = 1 if len(finding.right) > TABLES else TABLES
    for column, (scores, right) in enumerate(zip(finding.scores, finding.right, strict=True)):
        wrong = [score for guess, score in enumerate(scores) if guess != right]
        first = column == 0
        axes.plot([step * column] * len(wrong), wrong, ".", color=WRONG, label="wrong guesses" if first else None)
        axes.plot(step * column, scores[right], "D", ms=4, color=RIGHT, label="right guess" if first else None)
    axes.hlines(
        finding.limits,
        [step * (n - 0.4) for n in range(len(finding.right))],
        [step * (n + 0.4) for n in range(len(finding.right))],
        color=LIMIT,
        linewidth=1,
        label="what must be exceeded to stand out",
    )
    axes.set_title(
        f"{finding.name}\n{finding.recovered} of {len(finding.right)} from {finding.traces} traces", fontsize=9
    )
    axes.set_xlim(-0.6, step * (len(finding.right) - 1) + 0.6)
    axes.set_xticks([step * n for n in range(len(finding.right))])
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def leak_figure(findings: Sequence[Finding]) -> Figure | None:
    """Return the scores of all guesses: a line an attack, without and with the lock on one scale."""
    attacks = list(dict.fromkeys(_attack(finding) for finding in findings))
    if not attacks:
        return None
    figure = Figure(figsize=(11, 2.6 * len(attacks)), layout="constrained")
    grid = figure.subplots(len(attacks), 2, squeeze=False, sharey="row")
    for row, attack in enumerate(attacks):
        for column, locked in enumerate((False, True)):
            axes = grid[row, column]
            found = [f for f in findings if _attack(f) == attack and f.locked == locked]
            if not found:
                axes.set_axis_off()
                continue
            _draw(axes, found[-1])
            if column == 0:
                axes.set_ylabel(found[-1].measure, fontsize=8)
            if row == len(attacks) - 1:
                axes.set_xlabel("byte of the key", fontsize=8)
    grid[0, 0].legend(frameon=False, fontsize=7)
    return figure
