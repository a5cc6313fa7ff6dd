# SPDX-License-Identifier: Apache-2.0
"""The MMIO side of the machine: decoder, register blocks and CLINT."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from coreblocks.peripherals.wishbone import WishboneParameters
from coreblocks.socks.clint import ClintPeriph
from transactron.utils import DependencyContext, DependencyManager

from yingzhou.bus import register_bus, wishbone
from yingzhou.bus.decode import WishboneDecode
from yingzhou.bus.wishbone_regs import WishboneRegisters

from .devices import SimulationDevice, SystemInformation, Uart
from .memory_map import DEVICES


class Clint(wiring.Component):
    """coreblocks' CLINT for one hart behind our Wishbone port.

    Ports
    -----
    bus   : Wishbone slave, full byte addresses.
    mtip, msip : machine timer and software interrupt, level.
    mtime : cycles since reset, unless software wrote it.
    """

    def __init__(self, addr_width: int):
        self._addr_width = addr_width
        with DependencyContext(DependencyManager()):
            self._clint = ClintPeriph(
                DEVICES["clint"].base, wb_params=WishboneParameters(data_width=32, addr_width=addr_width)
            )
        super().__init__({"bus": In(wishbone.Signature(addr_width)), "mtip": Out(1), "msip": Out(1), "mtime": Out(64)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.clint = clint = self._clint
        m.d.comb += wishbone.forward(self.bus, clint.bus)
        m.d.comb += [self.mtip.eq(clint.mtip), self.msip.eq(clint.msip), self.mtime.eq(clint.mtime)]
        return m


class Peripherals(wiring.Component):
    """All devices on one Wishbone slave.

    Parameters
    ----------
    addr_width : int
        Width of word addresses in bits.
    uart, simulation, information : components
        The devices; the caller connects their other ports.
    guard_addr_width, llc_addr_width, mmt_addr_width : int
        Width of the guard's, the cache's and the memory engine's register bus in bits.

    Ports
    -----
    bus   : Wishbone slave, full byte addresses. Addresses of no device answer ``err``.
    guard : register bus to the walk checker.
    llc   : register bus to the cache.
    mmt   : register bus to the memory engine.
    """

    def __init__(
        self,
        *,
        addr_width: int,
        uart: Uart,
        simulation: SimulationDevice,
        information: SystemInformation,
        clint: Clint,
        guard_addr_width: int,
        llc_addr_width: int,
        mmt_addr_width: int,
    ):
        self._addr_width = addr_width
        self._blocks = {"uart": uart.bus, "sim": simulation.bus, "sysinfo": information.bus}
        self._clint = clint
        super().__init__(
            {
                "bus": In(wishbone.Signature(addr_width)),
                "guard": Out(register_bus.Signature(guard_addr_width)),
                "llc": Out(register_bus.Signature(llc_addr_width)),
                "mmt": Out(register_bus.Signature(mmt_addr_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        ranges = {name: [(device.base, device.base + device.size)] for name, device in DEVICES.items()}
        m.submodules.decode = decode = WishboneDecode(self._addr_width, ranges)
        connect(m, flipped(self.bus), decode.master)
        connect(m, decode.clint, self._clint.bus)
        outside = {name: flipped(getattr(self, name)) for name in ("guard", "llc", "mmt")}
        for name, registers in {**self._blocks, **outside}.items():
            width = registers.signature.addr_width
            adapter = WishboneRegisters(self._addr_width, width)
            m.submodules[f"{name}_registers"] = adapter
            connect(m, getattr(decode, name), adapter.bus)
            connect(m, adapter.regs, registers)
        return m
