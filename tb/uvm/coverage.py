# SPDX-License-Identifier: Apache-2.0
"""Functional coverage by the names of a plan: what was hit, and the report of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cocotb_coverage.coverage import CoverPoint, coverage_db


class Coverage:
    """Counts points in the coverage database of cocotb-coverage; a name outside the plan is an error.

    ``name`` is that of the plan in the database. ``more``: entries of the report beside the counts.
    """

    def __init__(self, name: str, points: Sequence[str], **more: Any):
        self.name, self.points, self._more = name, points, more
        known = set(points)

        @CoverPoint(name, xf=lambda point: point, bins=points, at_least=1)
        def sample(point: str) -> None:
            if point not in known:
                raise AssertionError(f"observed point {point!r} is not in the plan")

        self.sample = sample

    def stalls(self, port: str, counts: Mapping[str, int]) -> None:
        """Sample the channels of a port that had to wait in some cycles."""
        for channel, count in counts.items():
            if count:
                self.sample(f"stall/{port}/{channel}")

    def write(self, path: Path) -> list[str]:
        """Write the report as JSON; return the points that were not hit."""
        hits: dict[str, int] = dict(coverage_db[self.name].detailed_coverage)
        missing = [point for point in self.points if hits[point] == 0]
        path.parent.mkdir(parents=True, exist_ok=True)
        report = {"points": len(hits), "hit": len(hits) - len(missing), "missing": missing, "hits": hits, **self._more}
        path.write_text(json.dumps(report, indent=1) + "\n")
        return missing


__all__ = ["Coverage"]
