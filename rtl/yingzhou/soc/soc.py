# SPDX-License-Identifier: Apache-2.0
"""The machine: hart, walk checker, interconnect, devices, last-level cache and memory engine."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from yingzhou.bus import axi4, wishbone
from yingzhou.bus.decode import WishboneDecode
from yingzhou.bus.join import WishboneJoin
from yingzhou.bus.line_buffer import BYTE_ADDR_WIDTH
from yingzhou.geometry import BEAT_BITS
from yingzhou.hart.ports import ADDR_WIDTH, MODULE, members

from .cache_edge import LLC_ADDR_WIDTH, make_cache
from .checkers import make_checker
from .config import SocConfig
from .devices import EVENT_ARGS, SimulationDevice, SystemInformation, Uart
from .engine_clock import EngineClock
from .memory_edge import DRAM_ID_WIDTH, MMT_ADDR_WIDTH, make_memory
from .memory_map import DRAM_BASE, MMIO_BASE, PROTECTED_BASE
from .peripherals import Clint, Peripherals

AXI_SIGNATURE = axi4.Signature(BYTE_ADDR_WIDTH, BEAT_BITS, DRAM_ID_WIDTH)


class HartInstance(wiring.Component):
    """The hart as a black box: same ports as :class:`yingzhou.hart.hart.Hart`, body in a Verilog file of its own."""

    def __init__(self):
        super().__init__(members())

    def elaborate(self, platform):
        m = Module()
        ports = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        for path, member, value in self.signature.flatten(self):
            ports[f"{'o' if member.flow == Out else 'i'}_{'__'.join(map(str, path))}"] = value
        m.submodules.hart = Instance(MODULE, **ports)
        return m


class Soc(wiring.Component):
    """The default machine. Port names are flat, as Verilog tools infer them.

    Parameters
    ----------
    config : SocConfig
        What to build.

    Ports
    -----
    m_axi_*     : AXI4 master to DRAM, 128-bit, 32-bit addresses of the raw window; bursts stay inside a 64-byte line.
    entropy_valid, entropy_ready, entropy_data : stream of 32-bit random words; the memory engine takes 12 after reset.
    uart_*      : console, see :class:`yingzhou.soc.devices.Uart`.
    exit_*, event_* : simulation device, see :class:`yingzhou.soc.devices.SimulationDevice`.
    engine_clk  : clock of the memory engine: ``clk``, of which edges may be left out while ``engine_run`` is 0.
    engine_run  : the engine must see the next edge; settled before it. Idle: 0. See
                  :class:`yingzhou.soc.engine_clock.EngineClock`.
    cycle       : cycles since reset.
    retired     : instructions retired since reset.
    """

    def __init__(self, config: SocConfig):
        self.config = config
        super().__init__(
            {
                **{f"m_axi_{name}": member for name, member in AXI_SIGNATURE.members.items()},
                "entropy_valid": In(1),
                "entropy_ready": Out(1),
                "entropy_data": In(32),
                "engine_clk": In(1),
                "engine_run": Out(1),
                "uart_tx_valid": Out(1),
                "uart_tx_data": Out(8),
                "uart_rx_valid": In(1),
                "uart_rx_data": In(8),
                "uart_rx_take": Out(1),
                "exit_valid": Out(1),
                "exit_code": Out(32),
                "event_valid": Out(1),
                "event_code": Out(32),
                **{f"event_arg{i}": Out(32) for i in range(EVENT_ARGS)},
                "cycle": Out(64),
                "retired": Out(64),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.hart = hart = HartInstance()
        m.submodules.checker = checker = make_checker(config)
        m.submodules.uart = uart = Uart()
        m.submodules.simulation = simulation = SimulationDevice()
        m.submodules.information = information = SystemInformation(config)
        m.submodules.clint = clint = Clint(ADDR_WIDTH)
        m.submodules.peripherals = peripherals = Peripherals(
            addr_width=ADDR_WIDTH,
            uart=uart,
            simulation=simulation,
            information=information,
            clint=clint,
            guard_addr_width=checker.regs.signature.addr_width,
            llc_addr_width=LLC_ADDR_WIDTH,
            mmt_addr_width=MMT_ADDR_WIDTH,
        )
        m.submodules.cache = cache = make_cache(config)
        memory = make_memory(config)
        self._engine_clock(m, memory)
        connect(m, peripherals.guard, checker.regs)
        connect(m, peripherals.llc, cache.bus)
        connect(m, peripherals.mmt, memory.bus)
        m.d.comb += [
            hart.software_interrupt.eq(clint.msip),
            hart.external_interrupt.eq(memory.irq | cache.irq | information.write_error_recorded),
            hart.timer_interrupt.eq(clint.mtip),
            hart.mtime.eq(clint.mtime),
        ]
        self._memory_path(m, hart, checker, peripherals, cache, memory)
        self._counters(m, hart, cache, information)
        self._outside(m, uart, simulation, hart)
        return m

    def _engine_clock(self, m: Module, memory) -> None:
        """Put the memory engine on a clock of its own, which may stop while it has nothing to do."""
        m.domains.engine = ClockDomain(local=True)
        m.submodules.memory = DomainRenamer("engine")(memory)
        m.submodules.engine_clock = clock = EngineClock()
        channels = [getattr(port, f"{name}valid") for port in (memory.cpu, memory.dram) for name in axi4.CHANNELS]
        m.d.comb += [
            ClockSignal("engine").eq(self.engine_clk),
            ResetSignal("engine").eq(ResetSignal()),
            clock.busy.eq(memory.busy),
            clock.said.eq(
                Cat(channels, memory.bus.r_stb, memory.bus.w_stb, memory.entropy.valid & memory.entropy.ready).any()
            ),
            self.engine_run.eq(clock.run),
        ]

    def _memory_path(self, m: Module, hart: HartInstance, checker, peripherals: Peripherals, cache, memory) -> None:
        """Connect walker -> checker -> join <- loads and stores, fetch, cache, memory engine, DRAM."""
        config = self.config
        dram = [(base, base + config.dram_bytes) for base in (DRAM_BASE, PROTECTED_BASE)]
        m.submodules.data_decode = data_decode = WishboneDecode(
            ADDR_WIDTH, {"dram": dram, "mmio": [(MMIO_BASE, 1 << 32)]}
        )
        m.submodules.walk_decode = walk_decode = WishboneDecode(ADDR_WIDTH, {"dram": dram})
        m.submodules.instr_decode = instr_decode = WishboneDecode(ADDR_WIDTH, {"dram": dram})
        m.submodules.join = join = WishboneJoin(ADDR_WIDTH)
        connect(m, hart.walk, checker.hart)
        m.d.comb += checker.walk_start.eq(hart.walk_start)
        connect(m, checker.mem, walk_decode.master)
        connect(m, hart.data, data_decode.master)
        connect(m, hart.instr, instr_decode.master)
        # A device access waits until memory has answered all that is on its way there: registers of the guard, the
        # memory engine and the simulation device take effect after what the program wrote, and failures are recorded.
        # What the write-back cache keeps stays there: who needs it in DRAM has it cleaned first.
        mmio = data_decode.mmio
        m.d.comb += wishbone.forward(mmio, peripherals.bus)
        m.d.comb += [
            cache.drain.eq(mmio.cyc & mmio.stb),
            peripherals.bus.stb.eq(mmio.stb & cache.drained),
        ]
        connect(m, walk_decode.dram, join.first)
        connect(m, data_decode.dram, join.second)
        # Decoded to DRAM, so the address fits the 32 bits of the memory path.
        for wide, narrow in ((join.out, cache.data), (instr_decode.dram, cache.instr)):
            m.d.comb += wishbone.forward(wide, narrow)
        connect(m, cache.mem, memory.cpu)
        for name, member in AXI_SIGNATURE.members.items():
            inside, outside = getattr(memory.dram, name), getattr(self, f"m_axi_{name}")
            m.d.comb += outside.eq(inside) if member.flow == Out else inside.eq(outside)

        m.d.comb += [
            memory.entropy.valid.eq(self.entropy_valid),
            memory.entropy.payload.eq(self.entropy_data),
            self.entropy_ready.eq(memory.entropy.ready),
        ]
        self._walk_read = walk_decode.dram.ack
        self._data_ack = data_decode.dram.ack
        self._data_write = data_decode.dram.we
        self._instr_ack = instr_decode.dram.ack

    def _counters(self, m: Module, hart: HartInstance, cache, information: SystemInformation) -> None:
        walking = Signal()
        m.d.sync += walking.eq((walking | hart.walk_start) & ~hart.walk_done)
        m.d.comb += [
            information.walks.eq(hart.walk_done),
            information.walk_cycles.eq(walking),
            information.walk_reads.eq(self._walk_read),
            information.data_reads.eq(self._data_ack & ~self._data_write),
            information.data_writes.eq(self._data_ack & self._data_write),
            information.instr_reads.eq(self._instr_ack),
            information.line_fills.eq(cache.line_fill),
            information.dram_writes.eq(cache.line_write),
            information.write_error.eq(cache.write_error),
            information.write_error_line.eq(cache.write_error_line),
        ]

    def _outside(self, m: Module, uart: Uart, simulation: SimulationDevice, hart: HartInstance) -> None:
        m.d.sync += self.cycle.eq(self.cycle + 1)
        m.d.comb += [
            self.retired.eq(hart.retired),
            simulation.cycle.eq(self.cycle),
            simulation.retired.eq(hart.retired),
            self.uart_tx_valid.eq(uart.tx_valid),
            self.uart_tx_data.eq(uart.tx_data),
            uart.rx_valid.eq(self.uart_rx_valid),
            uart.rx_data.eq(self.uart_rx_data),
            self.uart_rx_take.eq(uart.rx_take),
            self.exit_valid.eq(simulation.exit_valid),
            self.exit_code.eq(simulation.exit_code),
            self.event_valid.eq(simulation.event_valid),
            self.event_code.eq(simulation.event_code),
        ]
        for i in range(EVENT_ARGS):
            m.d.comb += getattr(self, f"event_arg{i}").eq(getattr(simulation, f"event_arg{i}"))
