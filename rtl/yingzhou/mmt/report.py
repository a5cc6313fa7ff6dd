# SPDX-License-Identifier: Apache-2.0
"""Failures that the slow path finds: to the record, and a lock for the tree."""

from typing import Any

from amaranth import *
from amaranth.hdl import ValueLike

from .config import MmtConfig
from .mount_table import MountTable
from .signature import failure


class Report:
    """Joins the failures of the slow path, which come one at a time, with those of node writes, which come late.

    Drive ``valid`` for a cycle with ``failure``; ``late_valid`` with ``late``. Both lock their tree in that cycle. A
    late one is shown when no other is. Idle: 0.

    Attributes
    ----------
    seen : a failure of the slow path has been reported since ``forget`` was 1.
    """

    def __init__(self, m: Module, config: MmtConfig, table: MountTable, out: Any):
        layout = failure(config)
        self.valid, self.late_valid = Signal(name="report_valid"), Signal(name="report_late_valid")
        self.failure, self.late = Signal(layout, name="report"), Signal(layout, name="report_late")
        self.seen, self.forget = Signal(name="report_seen"), Signal(name="report_forget")
        waiting, held = Signal(name="report_waiting"), Signal(layout, name="report_held")
        shown = Signal(name="report_shown")  # in the cycle before: the record takes one every other cycle
        m.d.comb += out.valid.eq(self.valid | (waiting & ~shown))
        m.d.comb += out.failure.eq(Mux(self.valid, self.failure, held))
        m.d.sync += shown.eq(out.valid)
        with m.If(~self.valid & ~shown):
            m.d.sync += waiting.eq(0)
        with m.If(self.late_valid & ~waiting):
            m.d.sync += [waiting.eq(1), held.eq(self.late)]
        with m.If(self.valid | self.late_valid):
            m.d.sync += self.seen.eq(1)
        with m.Elif(self.forget):
            m.d.sync += self.seen.eq(0)
        table.locks += [(self.valid, self.failure.tree), (self.late_valid, self.late.tree)]

    def raise_(self, m: Module, kind: ValueLike, line: Value, level: Value, root: Value, tree: Value) -> None:
        """Add to a state: report a failure in this cycle."""
        m.d.comb += [
            self.valid.eq(1),
            self.failure.kind.eq(kind),
            self.failure.line.eq(line),
            self.failure.level.eq(level),
            self.failure.root.eq(root),
            self.failure.tree.eq(tree),
        ]
