# SPDX-License-Identifier: Apache-2.0
"""The GPT guard as a block for somebody else's system: verdict ports beside the walker, registers on AXI4-Lite."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out, connect

from yingzhou.bus import axi4
from yingzhou.bus.axi4lite_regs import Axi4LiteRegisters

from .config import GptConfig
from .guard import Guard
from .registers import GptRegisters
from .signature import ADDR_WIDTH

AXI_SIGNATURE = axi4.LiteSignature(ADDR_WIDTH)

VERDICT_INPUTS = ("req_valid", "req_addr", "req_level", "rsp_valid", "rsp_addr", "rsp_level", "rsp_data")
VERDICT_OUTPUTS = ("req_deny", "req_rule", "rsp_deny", "rsp_rule", "rsp_pte")


class GptIp(wiring.Component):
    """The guard with its registers; ports are flat and named as Verilog tools infer them (docs/gpt.md, Integration).

    The walker shows each PTE read on ``req_*`` and must not make it when ``req_deny`` is 1. When the PTE is back it
    shows it on ``rsp_*``, with the address and level of its request, and uses ``rsp_pte`` instead; ``rsp_deny`` ends
    the walk with an access fault of the original access's kind. Every verdict comes in the same cycle, from logic
    without state: no cycle and no memory access is added, and any number of walks may be under way.

    An answer may be judged by a newer configuration than its request; both must pass. Refusals of one rule by the
    request and the answer port in one cycle count once.

    Parameters
    ----------
    config : GptConfig
        Paging mode, number of areas, address width, protection bit.

    Ports
    -----
    s_axi_*   : AXI4-Lite slave, 32-bit data, 4 KiB of address (rdl/gpt.rdl). Keep it closed to all but the monitor.
    req_valid : a walker is about to read a PTE. 1 for each cycle of the attempt; a refused one is counted each cycle.
                Idle: 0.
    req_addr  : physical byte address of the PTE, ``pa_width`` bits. Valid with ``req_valid``.
    req_level : level of its table: ``levels - 1`` root to 0 last; ``levels``: not in a walk, refused. Valid with
                ``req_valid``.
    req_deny  : same cycle. 1: do not read. Idle: 0.
    req_rule  : same cycle. 1 HOST_AREA, 3 ENCLAVE_AREA, 4 RESET_DENY. Idle or allowed: 0.
    rsp_valid : the PTE of an allowed read is back, one cycle a PTE. Idle: 0.
    rsp_addr, rsp_level : the request that this is the answer to. Valid with ``rsp_valid``.
    rsp_data  : the PTE as read, ``8 * pte_bytes`` bits. Valid with ``rsp_valid``.
    rsp_deny  : same cycle. 1: the walk ends with an access fault. Idle: 0.
    rsp_rule  : same cycle. As ``req_rule``, and 2 HOST_LEAF. Idle or allowed: 0.
    rsp_pte   : same cycle. The PTE for the walker: ``rsp_data`` when allowed, 0 (invalid) when idle or refused.
    world     : 0 host, 1 enclave, from a register.
    irq       : level, a fault is recorded and not yet cleared, from a register. Idle: 0.
    """

    def __init__(self, config: GptConfig):
        self.config = config
        self._guard = Guard(config)
        self.registers = GptRegisters(config)
        verdict = self._guard.signature.members
        super().__init__(
            {
                **{f"s_axi_{name}": member.flip() for name, member in AXI_SIGNATURE.members.items()},
                **{name: verdict[name] for name in (*VERDICT_INPUTS, *VERDICT_OUTPUTS)},
                "world": Out(1),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.guard = guard = self._guard
        m.submodules.registers = registers = self.registers
        m.submodules.axi = axi = Axi4LiteRegisters(ADDR_WIDTH)
        connect(m, axi.regs, registers.bus)
        registers.attach(m, guard)
        for name, member in AXI_SIGNATURE.members.items():
            ours, theirs = getattr(self, f"s_axi_{name}"), getattr(axi.s_axi, name)
            m.d.comb += theirs.eq(ours) if member.flow == Out else ours.eq(theirs)
        m.d.comb += [getattr(guard, name).eq(getattr(self, name)) for name in VERDICT_INPUTS]
        m.d.comb += [getattr(self, name).eq(getattr(guard, name)) for name in VERDICT_OUTPUTS]
        m.d.comb += [self.world.eq(registers.settings.world), self.irq.eq(registers.recorded)]
        return m
