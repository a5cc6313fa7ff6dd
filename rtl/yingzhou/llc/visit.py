# SPDX-License-Identifier: Apache-2.0
"""What an operation does at a line (docs/llc.md, the table of operations)."""

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from .config import DOMAINS_MAX, LlcConfig
from .signature import Op, Result, Scope, Status
from .tags import tag_entry


class Action(enum.Enum, shape=3):
    """What comes of a visit."""

    NOTHING = 0
    REFUSE = 1
    """For ``result``."""
    FETCH = 2
    """The line must be fetched and the visit made again."""
    LOCK = 3
    WRITE = 4
    """The line is to be written back; what becomes of it is decided when memory has answered."""
    DROP = 5
    """The line becomes invalid and unlocked at once."""
    AGAIN = 6
    """Nothing could be done yet."""


class Visit(wiring.Component):
    """Decides without a cycle, and without a look at anything but the line's own entry, its set and counts.

    Ports
    -----
    op, scope, domain : the operation and whom it is made for.
    undo     : 1: what this LOCK had locked is unlocked again.
    present  : the line is in the cache, with ``entry``.
    locked   : locked ways of its set.
    may_lock : the domain's quota is not used up.
    action   : what to do, as if everything needed were free.
    result   : REFUSE: why.
    status   : STATUS: what to tell; else 0.
    """

    def __init__(self, config: LlcConfig):
        self._config = config
        super().__init__(
            {
                "op": In(Op),
                "scope": In(Scope),
                "domain": In(config.domain_bits),
                "undo": In(1),
                "present": In(1),
                "entry": In(tag_entry(config)),
                "locked": In(range(config.ways + 1)),
                "may_lock": In(1),
                "action": Out(Action),
                "result": Out(Result),
                "status": Out(Status),
            }
        )

    def elaborate(self, platform):
        m = Module()
        entry = self.entry
        mine, others, loose = Signal(), Signal(), Signal()
        owned = self.present & entry.locked
        lockable = self._config.lockable_ways
        full = self.locked >= lockable if lockable else Const(1)
        m.d.comb += [
            mine.eq(owned & (entry.owner == self.domain)),
            others.eq(owned & (entry.owner != self.domain)),
            loose.eq(self.present & ~entry.locked),
        ]
        with m.Switch(Mux(self.undo, Op.UNLOCK, self.op)):
            with m.Case(Op.LOCK):
                with m.If(others):
                    self._refuse(m, Result.OTHER_OWNER)
                with m.Elif(~mine):
                    # countermeasure: LLC.LOCK_QUOTA
                    with m.If(~self.may_lock):
                        self._refuse(m, Result.QUOTA)
                    with m.Elif(full):
                        self._refuse(m, Result.SET_FULL)
                    with m.Else():
                        m.d.comb += self.action.eq(Mux(self.present, Action.LOCK, Action.FETCH))
            with m.Case(Op.UNLOCK):
                with m.If(mine):
                    m.d.comb += self.action.eq(Action.WRITE)
                with m.Elif(others & (self.scope != Scope.ALL)):
                    self._refuse(m, Result.OTHER_OWNER)
            # countermeasure: LLC.LOCK_MAINTAIN
            # Another's locked line is neither mine nor loose: nothing is done, as where there is no line.
            with m.Case(Op.CLEAN):
                with m.If((mine | loose) & entry.dirty):
                    m.d.comb += self.action.eq(Action.WRITE)
            with m.Case(Op.FLUSH):
                with m.If(mine | loose):
                    m.d.comb += self.action.eq(Mux(entry.dirty, Action.WRITE, Action.DROP))
            with m.Case(Op.DISCARD):
                with m.If(mine | loose):
                    m.d.comb += self.action.eq(Action.DROP)
            with m.Case(Op.STATUS):
                m.d.comb += [
                    self.status.present.eq(self.present),
                    self.status.locked.eq(owned),
                    self.status.owner.eq(Mux(owned, entry.owner, 0)[: DOMAINS_MAX.bit_length()]),
                ]
        return m

    def _refuse(self, m: Module, result: Result) -> None:
        m.d.comb += [self.action.eq(Action.REFUSE), self.result.eq(result)]
