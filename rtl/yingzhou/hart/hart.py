# SPDX-License-Identifier: Apache-2.0
"""coreblocks RV32IMA as a plain Amaranth component with three Wishbone ports."""

from amaranth import *
from amaranth.back import verilog
from amaranth.lib import wiring
from coreblocks.core import Core
from coreblocks.params.configurations import small_linux
from coreblocks.params.core_configuration import CoreConfiguration
from coreblocks.params.genparams import GenParams
from coreblocks.params.vmem_params import TLBCacheConfiguration
from coreblocks.peripherals.bus_adapter import WishboneMasterAdapter
from coreblocks.peripherals.wishbone import WishboneMaster
from coreblocks.socks.clint import ClintMtimeKey
from transactron import TransactronContextComponent
from transactron.utils import DependencyContext, DependencyManager

from yingzhou.bus import wishbone

from .config import HartConfig
from .order import fixed_order
from .ports import ADDR_WIDTH, MODULE, members

MSI, MTI, MEI = 3, 7, 11
"""Interrupt causes that reach the hart from outside (Privileged ISA, table 3.6)."""


def _core_configuration(config: HartConfig) -> CoreConfiguration:
    return small_linux.replace(
        debug_signals=False,
        extra_verification=False,
        pmp_register_count=16,
        start_pc=config.reset_pc,
        icache_sets_bits=config.icache_sets_log,
        icache_ways=config.icache_ways,
        tlb_config=TLBCacheConfiguration(
            itlb_entries=config.itlb_entries,
            dtlb_entries=config.dtlb_entries,
            l2tlb_entries=config.l2tlb_entries,
            l2tlb_ways=config.l2tlb_ways,
        ),
    )


class Hart(wiring.Component):
    """One coreblocks hart, M/S/U, Sv32, 16 PMP entries, Sstc, Svade.

    coreblocks lets walker and load-store unit share one bus inside the core. Here the walker gets its own Wishbone
    master, so that a checker can stand on that port as ordinary RTL; the interconnect joins both again
    (docs/decisions).

    Ports
    -----
    instr, data, walk : Wishbone masters of fetch, loads and stores, and page-table walker. One transfer at a time each.
    walk_start   : 1 for the cycle in which a page walk begins; its first read is of the root table. Idle: 0.
    walk_done    : 1 for the cycle in which a page walk's result is taken. Idle: 0.
    software_interrupt, timer_interrupt, external_interrupt : machine interrupts MSI, MTI and MEI, level. Idle: 0.
    mtime        : platform time, in cycles.
    retired      : instructions retired since reset (counter behind ``minstret``; firmware that writes it changes it).
    """

    def __init__(self, config: HartConfig):
        self.config = config
        super().__init__(members())
        gen_params = GenParams(_core_configuration(config))
        assert gen_params.wb_params.addr_width == ADDR_WIDTH
        DependencyContext.get().add_dependency(ClintMtimeKey(), self.mtime)
        self._core = Core(gen_params=gen_params)
        self._walk_master = WishboneMaster(gen_params.wb_params, "walk")
        self._walk_adapter = WishboneMasterAdapter(self._walk_master)
        assert self._core.ptw is not None
        self._core.ptw.bus = self._walk_adapter.ports[0]

    def elaborate(self, platform):
        m = Module()
        core = self._core
        m.submodules.core = core
        m.submodules.walk_master = self._walk_master
        m.submodules.walk_adapter = self._walk_adapter
        for ours, theirs in (
            (self.instr, core.wb_instr),
            (self.data, core.wb_data),
            (self.walk, self._walk_master.wb_master),
        ):
            m.d.comb += wishbone.forward(theirs, ours)
            m.d.comb += [theirs.stall.eq(0), theirs.rty.eq(0)]
        m.d.comb += [
            core.interrupts.eq(
                self.software_interrupt << MSI | self.timer_interrupt << MTI | self.external_interrupt << MEI
            ),
            self.walk_start.eq(core.ptw.request.run),
            self.walk_done.eq(core.ptw.accept.run),
            self.retired.eq(core.retirement.instret_csr.value),
        ]
        return m


def emit_hart(config: HartConfig) -> str:
    """Return the hart as Verilog, module ``yz_hart``.

    Takes about a minute: callers keep the result by the hash of the configuration. Always the same for a configuration,
    with a fixed hash seed.
    """
    with fixed_order(), DependencyContext(DependencyManager()):
        top = TransactronContextComponent(Hart(config), dependency_manager=DependencyContext.get())
        return verilog.convert(top, name=MODULE, emit_src=False, strip_internal_attrs=True)
