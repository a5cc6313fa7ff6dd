# SPDX-License-Identifier: Apache-2.0
"""Whether an operation is refused as a whole (docs/llc.md, rule 21)."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import LINE_LOG, PAGE_LOG

from .config import LlcConfig
from .signature import Command, Op, Result, Scope


def cacheable(config: LlcConfig, line: Value) -> Value:
    """Return whether a line is in one of the cacheable ranges."""
    inside = []
    for first, end in config.ranges:
        low, high = first >> LINE_LOG, end >> LINE_LOG
        conditions = [line >= low] if low else []
        conditions += [line < high] if high < 1 << config.line_bits else []
        inside.append(Cat(conditions).all() if conditions else Const(1))
    return Cat(inside).any()


class Check(wiring.Component):
    """Combinational.

    Ports
    -----
    command : what is asked.
    result  : why it is refused, the lowest that applies; DONE: it is not.
    """

    def __init__(self, config: LlcConfig):
        self._config = config
        super().__init__({"command": In(Command), "result": Out(Result)})

    def elaborate(self, platform):
        m = Module()
        config, command = self._config, self.command
        line = command.address[LINE_LOG : config.addr_width]
        known, nobody, aligned = Signal(), Signal(), Signal()
        is_all, is_page, is_lock = (
            command.scope == Scope.ALL.value,
            command.scope == Scope.PAGE.value,
            command.op == Op.LOCK.value,
        )
        with m.Switch(command.op):
            with m.Case(Op.LOCK.value):
                m.d.comb += known.eq(command.scope <= Scope.PAGE.value)
            with m.Case(*(op.value for op in (Op.UNLOCK, Op.CLEAN, Op.FLUSH, Op.DISCARD))):
                m.d.comb += known.eq(command.scope <= Scope.ALL.value)
            with m.Case(Op.STATUS.value):
                m.d.comb += known.eq(command.scope == Scope.LINE.value)
        m.d.comb += [
            nobody.eq(command.op >= Op.CLEAN.value),
            aligned.eq(~command.address[:LINE_LOG].any() & ~(is_page & command.address[LINE_LOG:PAGE_LOG].any())),
        ]
        outside = command.address[config.addr_width :].any() | ~cacheable(config, line)
        # Ranges are multiples of a page: all of an aligned page lies in the same.
        with m.If(~known):
            m.d.comb += self.result.eq(Result.BAD_COMMAND)
        with m.Elif((command.domain > config.domains) | ((command.domain == 0) & ~nobody)):
            m.d.comb += self.result.eq(Result.BAD_DOMAIN)
        with m.Elif(~is_all & (~aligned | outside)):
            m.d.comb += self.result.eq(Result.BAD_ADDRESS)
        if not config.page_fits:
            with m.Elif(is_lock & is_page):
                m.d.comb += self.result.eq(Result.TOO_LARGE)
        return m
