# SPDX-License-Identifier: Apache-2.0
"""The register bus behind AXI4-Lite (generated Verilog, cocotb) and behind Wishbone (Amaranth's simulator)."""

from typing import Any

from amaranth import *
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from yingzhou.bus.wishbone_regs import WishboneRegisters
from yingzhou.generate_verilog import generate

from .axi_registers import AxiRegisters, Configuration
from .model import Cycle, RegisterModel
from .test_block import OFFSETS, make_block, quiet


def test_axi4lite(build_dir, run_cocotb):
    """The adapter as a user gets it: Verilog with tool-inferable names, under cocotbext-axi."""
    generate(AxiRegisters, "axi_registers", build_dir, configuration=Configuration())
    run_cocotb(sources=[build_dir / "axi_registers.v"], toplevel="axi_registers", module="tb.regs.cocotb_axi")


TRANSFERS = st.lists(
    st.tuples(
        st.sampled_from(["read", "write"]),
        st.sampled_from([*OFFSETS, 0x0C, 0x44]),
        st.integers(0, 2**32 - 1),
        st.integers(0, 15),
        st.integers(0, 2),
    ),
    max_size=40,
)


@given(TRANSFERS)
def test_wishbone(transfers):
    """Random transfers with idle cycles between: one access each, never ``ack`` with ``err``, no data with ``err``."""
    block = make_block()
    adapter = WishboneRegisters(30, block.addr_width)
    model = RegisterModel()
    m = Module()
    m.submodules.block, m.submodules.adapter = block, adapter
    connect(m, adapter.regs, block.bus)

    async def drive(ctx):
        bus: Any = adapter.bus
        for op, addr, data, sel, gap in transfers:
            for _ in range(gap):
                assert ctx.get(bus.ack) == 0 and ctx.get(bus.err) == 0
                await ctx.tick()
                model.step(Cycle(hardware=quiet()))
            ctx.set(bus.adr, 0xE000_0000 >> 2 | addr >> 2)
            for name, value in {"dat_w": data, "sel": sel, "we": op == "write", "cyc": 1, "stb": 1}.items():
                ctx.set(getattr(bus, name), value)
            seen = model.step(Cycle(op, addr, data, sel, quiet()))
            assert ctx.get(bus.ack) == 0 and ctx.get(bus.err) == 0
            await ctx.tick()
            assert (ctx.get(bus.ack), ctx.get(bus.err)) == (1 - seen.err, seen.err)
            assert ctx.get(bus.dat_r) == seen.r_data
            for name, spec in model.fields.items():
                if "w" in spec.sw:
                    assert ctx.get(block.field(name).value) == spec.value, name
            await ctx.tick()
            model.step(Cycle(hardware=quiet()))
            ctx.set(bus.cyc, 0)
            ctx.set(bus.stb, 0)

    sim = Simulator(m)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
