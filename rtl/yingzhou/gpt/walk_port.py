# SPDX-License-Identifier: Apache-2.0
"""What may stand on the page-table walker's Wishbone port: the common signature, no checker, and the GPT guard.

The third one, :class:`yingzhou.gpt.bitmap.BitmapChecker`, has a file of its own.
"""

from amaranth import *
from amaranth.lib import wiring

from yingzhou.errors import require

from .bitmap import BitmapChecker
from .check import is_pointer
from .config import GptConfig
from .guard import Guard
from .registers import GptRegisters
from .signature import WalkCheckerSignature
from .walk_level import WalkLevel

__all__ = ["BitmapChecker", "GptChecker", "NoneChecker", "WalkCheckerSignature"]


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
    2. An allowed read reaches ``mem`` in the same cycle and its answer reaches ``hart`` in the same cycle: the guard
       adds no cycle and no access.
    3. An answer is judged by the configuration at the time of the answer; a refused one is ``err`` with ``dat_r`` 0.
    4. The level starts at the root with ``walk_start`` and goes down with each pointer that passes. A leaf, an invalid
       PTE, a refusal, a bus error, or a transfer given up ends the walk; reads outside a walk are refused by the area
       rule.
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
        self.registers, self.walk_level = GptRegisters(config), WalkLevel(config)
        super().__init__(dict(WalkCheckerSignature().members))

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.registers = registers = self.registers
        m.submodules.guard = guard = Guard(config)
        wiring.connect(m, wiring.flipped(self.regs), registers.bus)
        registers.attach(m, guard)
        m.d.comb += [self.world.eq(registers.settings.world), self.fault.eq(registers.recorded)]

        m.submodules.walk_level = walk_level = self.walk_level

        byte_address = Cat(C(0, 2), self.hart.adr)
        level = Signal(config.level_bits)
        m.d.comb += level.eq(walk_level.level)
        with m.If(self.hart.we | byte_address[config.pa_width :].any()):
            m.d.comb += level.eq(config.no_level)

        request, forward = Signal(), Signal()
        m.d.comb += [
            request.eq(self.hart.cyc & self.hart.stb),
            # A transfer that memory has already seen is carried to its end, whatever the verdict is meanwhile.
            guard.req_valid.eq(request & ~walk_level.pending),
            guard.req_addr.eq(byte_address),
            guard.req_level.eq(level),
            forward.eq(request & ~guard.req_deny),
            self.mem.cyc.eq(forward),
            self.mem.stb.eq(forward),
            self.mem.adr.eq(self.hart.adr),
            self.mem.sel.eq(self.hart.sel),
            guard.rsp_valid.eq(forward & self.mem.ack & ~self.mem.err),
            guard.rsp_addr.eq(byte_address),
            guard.rsp_level.eq(level),
            guard.rsp_data.eq(self.mem.dat_r),
            self.hart.ack.eq(guard.allowed),
            self.hart.err.eq(guard.req_deny | guard.rsp_deny | (forward & self.mem.err)),
            self.hart.dat_r.eq(guard.rsp_pte),
            walk_level.walk_start.eq(self.walk_start),
            walk_level.request.eq(request),
            walk_level.ended.eq(self.hart.ack | self.hart.err),
            walk_level.pointer.eq(self.hart.ack & is_pointer(guard.rsp_pte)),
        ]
        return m
