# SPDX-License-Identifier: Apache-2.0
"""What traces of an attack on a table cipher tell: the guesses they single out, and how much they say (docs/leak.md).

In the first round the cipher reads entry ``plaintext[i] ^ key[i]`` of table ``i mod 4``; 16 entries share a line. So
the high half of ``plaintext[i] ^ guess`` predicts, for each of 16 guesses, which line of the table is used. A guess
stands out when what was seen depends on what it predicts: the score of a guess is the mutual information of both.
Nothing here knows the key but the last step, which counts.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 16
TABLES: Final = 4
LINES: Final = 16
"""Lines of a table, and guesses for the high half of a byte of the key."""
EVICTED: Final = 0
"""The line, of table 0, that evict and time drives out."""
SHUFFLES: Final = 199
_BINS: Final = 16


class Handed(enum.IntFlag):
    """What a program hands over (``enum yz_leak`` in ``sw/include/yz/abi.h``)."""

    KEY = 1
    PROBE = 2
    TIME = 3
    LIMIT = 4
    LOCKED = 16


type Floats = NDArray[np.float64]
type Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Traces:
    """What an attacker saw.

    ``blocks``: plaintexts, a row a trace. ``times``: cycles, a row a trace and a column a line of the tables that was
    probed; one column when encryptions were timed instead.
    """

    blocks: NDArray[np.uint8]
    times: NDArray[np.uint32]

    @property
    def probed(self) -> bool:
        """Whether lines were probed, table after table from the first; not encryptions timed."""
        return self.times.shape[1] > 1

    @property
    def bytes_of_key(self) -> tuple[int, ...]:
        """Bytes of the key that the traces are about: whose table was watched."""
        tables = self.times.shape[1] // LINES if self.probed else 1
        return tuple(n for n in range(BLOCK) if n % TABLES < tables)


def parse(data: bytes, tables: int) -> Traces:
    """Read traces: the block, then half words of cycles for the lines of ``tables`` tables, or with 0 one word."""
    rows = np.frombuffer(data, np.uint8).reshape(-1, BLOCK + (2 * LINES * tables or 4))
    times = np.ascontiguousarray(rows[:, BLOCK:]).view("<u2" if tables else "<u4")
    return Traces(rows[:, :BLOCK], times.astype(np.uint32))


def _binned(times: NDArray[np.uint32]) -> Numbers:
    """Return times as small numbers: the rank of the value in its column, neighbours joined when there are many."""
    out = np.zeros(times.shape, np.intp)
    for column in range(times.shape[1]):
        values = np.unique(times[:, column])
        if len(values) > _BINS:
            values = np.unique(np.quantile(times[:, column], np.linspace(0, 1, _BINS, endpoint=False)))
        out[:, column] = np.searchsorted(values, times[:, column], side="right") - 1
    return out


def _entropy(counts: Numbers) -> Floats:
    """Return the entropy in bits of the values that were counted along the last axis."""
    share = counts / counts.sum(axis=-1, keepdims=True)
    return -(share * np.log2(share, where=share > 0, out=np.zeros(share.shape))).sum(axis=-1)


def _scores(blocks: NDArray[np.uint8], traces: Traces, binned: Numbers) -> Floats:
    """Return the mutual information in bits, a row a byte and a column a guess, of "the first round uses this line for
    this byte", as the guess has it, and the time that was seen for the line. From counts: biased upwards."""
    scores = np.zeros((len(traces.bytes_of_key), LINES))
    every_trace = np.arange(len(binned))[:, None]
    guesses = np.arange(LINES)
    for row, byte in enumerate(traces.bytes_of_key):
        line = blocks[:, byte, None] >> 4 ^ guesses
        if traces.probed:
            seen = binned[:, LINES * (byte % TABLES) :][:, :LINES]
            total = np.bincount(seen.ravel(), minlength=_BINS)
            places = seen[every_trace, line] + _BINS * guesses
        else:
            total = np.bincount(binned[:, 0], minlength=_BINS)
            places = (binned + _BINS * guesses)[line == EVICTED]
        used = np.bincount(places.ravel(), minlength=LINES * _BINS).reshape(LINES, _BINS)
        joint = np.concatenate([used, total - used], axis=1)
        classes = np.stack([used.sum(axis=1), total.sum() - used.sum(axis=1)], axis=1)
        scores[row] = _entropy(total) + _entropy(classes) - _entropy(joint)
    return scores


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What an attack came to.

    Parameters
    ----------
    name : str
        Of the experiment.
    locked : bool
        The tables were locked, so that nothing may be found.
    traces : int
        How many.
    measure : str
        What a score is.
    scores : list of lists of float
        A row a byte of the key that was attacked, a column a guess of its high half.
    right : tuple of int
        The right guess of each of these bytes.
    limits : list of float
        For each byte, what a guess must exceed to stand out.
    information : float
        Mutual information of what the right guesses predict and the times, in bits, the mean over the bytes, less what
        it is in ``SHUFFLES`` shuffles of the blocks against the times: its bias.
    chance : float
        Share of the shuffles, the traces as they are counted as one, in which it is not smaller.
    alike : bool
        Every time is the same in all traces.
    """

    name: str
    locked: bool
    traces: int
    measure: str
    scores: list[list[float]]
    right: tuple[int, ...]
    limits: list[float]
    information: float
    chance: float
    alike: bool

    @property
    def claimed(self) -> int:
        """Bytes for which a guess stands out."""
        return sum(max(row) > limit for row, limit in zip(self.scores, self.limits, strict=True))

    @property
    def recovered(self) -> int:
        """Bytes for which the guess that stands out most is the right one."""
        rows = zip(self.scores, self.limits, self.right, strict=True)
        return sum(
            max(row) > limit and row[right] == max(row) and row.count(row[right]) == 1 for row, limit, right in rows
        )

    @property
    def silent(self) -> bool:
        """Whether the traces tell nothing: no guess stands out, and the right ones are not better than chance."""
        return self.claimed == 0 and self.chance > 0.01

    @property
    def expected(self) -> bool:
        """Whether the attack came to nothing with the lock, and to all of the key that it is about without."""
        return self.silent if self.locked else self.recovered == len(self.right)

    def text(self) -> str:
        """Return what was found, for people."""
        alike = ", which are alike to the cycle" if self.alike else ""
        return (
            f"{self.recovered} of {len(self.right)} half bytes of the key recovered from {self.traces} traces{alike}; "
            f"mutual information {self.information:.4f} bit (p {self.chance:.3g})"
        )


def judge(name: str, handed: Mapping[int, bytes]) -> Finding:
    """Return what a program's traces tell, as it handed them over."""
    key = handed[Handed.KEY]
    (kind,) = (kind for kind in handed if kind not in (Handed.KEY, Handed.LIMIT))
    locked = bool(kind & Handed.LOCKED)
    if kind & ~Handed.LOCKED == Handed.PROBE:
        return analyse(name, parse(handed[kind], TABLES), key, locked=locked)
    missed, accept, count = map(int, np.frombuffer(handed[Handed.LIMIT], "<u4"))
    traces = parse(handed[kind], 0)
    return eliminate(name, traces, key, locked=locked, missed=missed, accept=accept, count=count)


def analyse(name: str, traces: Traces, key: bytes, *, locked: bool, shuffles: int = SHUFFLES, seed: int = 1) -> Finding:
    """Return what ``traces`` tell about ``key``.

    A guess stands out when its score is above those of all guesses in all shuffles. The same seed, the same finding.
    """
    rng = np.random.default_rng(seed)
    binned = _binned(traces.times)
    right = tuple(key[byte] >> 4 for byte in traces.bytes_of_key)
    rows = np.arange(len(right))
    found = _scores(traces.blocks, traces, binned)
    alike = bool((traces.times == traces.times[0]).all())
    mixed = [
        found if alike else _scores(traces.blocks[rng.permutation(len(binned))], traces, binned)
        for _ in range(shuffles)
    ]
    information = float(found[rows, right].mean())
    by_chance = [float(scores[rows, right].mean()) for scores in mixed]
    # Nothing to be seen in times that are alike; what is left are errors of rounding.
    nothing = 1e-9
    return Finding(
        name=name,
        locked=locked,
        traces=len(binned),
        measure="bit",
        scores=found.tolist(),
        right=right,
        limits=[max(nothing, *(float(scores.max()) for scores in mixed))] * len(right),
        information=information - float(np.mean(by_chance)),
        chance=(1 + sum(value >= information - nothing for value in by_chance)) / (1 + shuffles),
        alike=alike,
    )


def eliminate(name: str, traces: Traces, key: bytes, *, locked: bool, missed: int, accept: int, count: int) -> Finding:
    """Return what timed encryptions tell about ``count`` bytes of the key; their blocks were chosen to try guesses.

    An encryption of fewer than ``missed`` cycles did not use the line that was driven out, so a guess that has its
    first round use it is wrong. A guess stands out when ``accept`` encryptions fit and none contradicts it.
    """
    whole = analyse(name, traces, key, locked=locked)
    scores = []
    for byte in traces.bytes_of_key[:count]:
        used = (traces.blocks[:, byte] >> 4 ^ EVICTED)[:, None] == np.arange(LINES)
        fits, contradicts = (used & long for long in (traces.times >= missed, traces.times < missed))
        scores.append(np.where(contradicts.any(0), 0, fits.sum(0)).astype(float).tolist())
    return replace(
        whole,
        measure="encryptions that fit",
        scores=scores,
        right=whole.right[:count],
        limits=[accept - 0.5] * count,
    )
