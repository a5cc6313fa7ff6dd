# SPDX-License-Identifier: Apache-2.0
"""What may stand on the page-table walker's Wishbone port: the common signature, no checker, and the GPT guard.

The third one, ``BitmapChecker`` for comparison, has a file of its own.
"""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.bus import register_bus, wishbone
from yingzhou.errors import require

from .config import PAGE_LOG, GptConfig
from .guard import Guard
from .registers import ADDR_WIDTH, GptRegisters

WORD_ADDR_WIDTH = 32
"""Width of the Wishbone word addresses: 34-bit byte addresses of Sv32 (Privileged ISA 12.3)."""


class WalkCheckerSignature(wiring.Signature):
    """Ports that every walk checker has; a checker is a component with this signature.

    Ports
    -----
    hart       : Wishbone slave of the walker's master. A refusal is ``err`` with ``dat_r`` 0.
    mem        : Wishbone master towards memory. Never writes.
    walk_start : pulse before the first read of a walk, at least one cycle ahead of its ``stb``. Idle: 0.
    regs       : register bus of the checker, ``ADDR_WIDTH`` bits of byte address.
    world      : 0 host, 1 enclave; 0 where a checker has no worlds.
    fault      : level, a fault is recorded and not yet cleared. Idle: 0.
    """

    def __init__(self):
        super().__init__(
            {
                "hart": In(wishbone.Signature(WORD_ADDR_WIDTH)),
                "mem": Out(wishbone.Signature(WORD_ADDR_WIDTH)),
                "walk_start": In(1),
                "regs": In(register_bus.Signature(ADDR_WIDTH)),
                "world": Out(1),
                "fault": Out(1),
            }
        )


class NoneChecker(wiring.Component):
    """Passes everything, so that a machine without a guard can be compared. It has no registers: an access is an error.

    Ports: see :class:`WalkCheckerSignature`. ``world`` and ``fault`` are 0.
    """

    def __init__(self):
        super().__init__(dict(WalkCheckerSignature().members))

    def elaborate(self, platform):
        m = Module()
        wiring.connect(m, wiring.flipped(self.hart), wiring.flipped(self.mem))
        m.d.comb += self.regs.err.eq(self.regs.r_stb | self.regs.w_stb)
        return m


class GptChecker(wiring.Component):
    """The GPT guard on a 32-bit Wishbone port, for Sv32 (docs/gpt.md).

    1. A refused read never reaches ``mem``: ``err`` in the cycle of ``stb``.
    2. An allowed read reaches ``mem`` in the same cycle and its answer reaches ``hart`` in the same cycle: the guard adds
       no cycle and no access.
    3. An answer is judged by the configuration at the time of the answer; a refused one is ``err`` with ``dat_r`` 0.
    4. The level starts at the root with ``walk_start`` and goes down with each pointer that passes. A leaf, an invalid PTE,
       a refusal, a bus error, or a transfer given up ends the walk; reads outside a walk are refused by the area rule.
    5. A transfer that is still under way at ``walk_start`` belongs to an older walk: its answer is refused.
    6. Writes are refused by the area rule.

    Parameters
    ----------
    config : GptConfig
        Mode must be ``sv32``: PTEs of 64 bits do not fit the port.

    Ports: see :class:`WalkCheckerSignature`.
    """

    def __init__(self, config: GptConfig):
        require(config.mode == "sv32", f"mode is {config.mode!r}; the 32-bit walker port accepts sv32")
        self.config = config
        super().__init__(dict(WalkCheckerSignature().members))

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.registers = registers = GptRegisters(config)
        m.submodules.guard = guard = Guard(config)
        wiring.connect(m, wiring.flipped(self.regs), registers.bus)
        registers.attach(m, guard)
        m.d.comb += [self.world.eq(registers.settings.world), self.fault.eq(registers.fault_recorded)]

        root = config.levels - 1
        level = Signal(config.level_bits, init=config.no_level)
        pending = Signal()  # the transfer has been on ``mem`` since an earlier cycle: it is carried to its end
        orphan = Signal()  # ... and a newer walk has begun meanwhile

        request = Signal()
        address = Signal(config.pa_width)
        judged_level = Signal.like(level)
        byte_address = Cat(C(0, 2), self.hart.adr)
        m.d.comb += [
            request.eq(self.hart.cyc & self.hart.stb),
            address.eq(byte_address),
            judged_level.eq(level),
        ]
        with m.If(orphan | self.hart.we | byte_address[config.pa_width :].any()):
            m.d.comb += judged_level.eq(config.no_level)

        forward = Signal()
        m.d.comb += [
            guard.req_valid.eq(request & ~pending),
            guard.req_addr.eq(address),
            guard.req_level.eq(judged_level),
            forward.eq(request & ~guard.req_deny),
            self.mem.cyc.eq(forward),
            self.mem.stb.eq(forward),
            self.mem.adr.eq(self.hart.adr),
            self.mem.sel.eq(self.hart.sel),
        ]

        ended = Signal()
        m.d.comb += [
            guard.rsp_valid.eq(forward & self.mem.ack & ~self.mem.err),
            guard.rsp_addr.eq(address),
            guard.rsp_level.eq(judged_level),
            guard.rsp_data.eq(self.mem.dat_r),
            self.hart.ack.eq(guard.rsp_valid & ~guard.rsp_deny),
            self.hart.err.eq(guard.req_deny | (forward & self.mem.err) | guard.rsp_deny),
            self.hart.dat_r.eq(guard.rsp_pte),
            ended.eq(self.hart.ack | self.hart.err),
        ]

        pointer = guard.rsp_pte[:4] == 0b0001  # V without R, W and X
        m.d.sync += pending.eq(request & ~ended)
        with m.If(self.walk_start):
            m.d.sync += [level.eq(root), orphan.eq(request & ~ended)]
        with m.Elif(ended):
            # A pointer at level 0 takes the walk nowhere; the walker faults.
            m.d.sync += level.eq(Mux(pointer & (level != 0) & ~orphan, level - 1, Mux(orphan, level, config.no_level)))
            m.d.sync += orphan.eq(0)
        with m.Elif(pending & ~request):
            m.d.sync += level.eq(Mux(orphan, level, config.no_level))
            m.d.sync += orphan.eq(0)
        return m
