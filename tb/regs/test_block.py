# SPDX-License-Identifier: Apache-2.0
"""RegisterBlock against the hand-written model, cycle by cycle. covers: every property of the accepted subset."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Const, Fragment
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from yingzhou.errors import ConfigError
from yingzhou.regs import BLOCKS, RegisterBlock, load

from .model import Cycle, RegisterModel, every_property

RDL = Path(__file__).parent / "every_property.rdl"
SPECS = every_property()
OFFSETS = sorted({spec.offset for spec in SPECS.values()})


def hardware_inputs() -> st.SearchStrategy[dict[str, dict[str, int]]]:
    """Draw every field's hardware inputs of one cycle."""
    inputs = {}
    for name, spec in SPECS.items():
        value = st.integers(0, spec.ones)
        match spec.hw:
            case "live":
                inputs[name] = st.fixed_dictionaries({"next": value})
            case "we":
                inputs[name] = st.fixed_dictionaries({"next": value, "we": st.integers(0, 1)})
            case "incr" | "incrsaturate":
                inputs[name] = st.fixed_dictionaries({"incr": st.integers(0, 1)})
    return st.fixed_dictionaries(inputs)


CYCLES = st.lists(
    st.builds(
        Cycle,
        op=st.sampled_from(["idle", "read", "write", "write"]),
        addr=st.sampled_from([*OFFSETS, *OFFSETS, 0x0C, 0x44, 0x7C]),
        data=st.integers(0, 2**32 - 1) | st.sampled_from([0, 2**32 - 1, 1 << 16]),
        mask=st.integers(0, 15) | st.just(15),
        hardware=hardware_inputs(),
    ),
    min_size=1,
    max_size=60,
)


TOP = load(RDL)


def make_block(addr_width: int | None = None) -> RegisterBlock:
    block = RegisterBlock(TOP, addr_width=addr_width)
    block.lock("entry[0]", block.field("entry[0].ctrl.lock").value)
    return block


def compare(cycles: list[Cycle]) -> None:
    """Drive the cycles into the block and the model and compare everything visible in each of them."""
    block, model = make_block(), RegisterModel()

    async def drive(ctx):
        bus: Any = block.bus
        for cycle in cycles:
            ctx.set(bus.addr, cycle.addr)
            ctx.set(bus.r_stb, cycle.op == "read")
            ctx.set(bus.w_stb, cycle.op == "write")
            ctx.set(bus.w_data, cycle.data)
            ctx.set(bus.w_mask, cycle.mask)
            for name, inputs in cycle.hardware.items():
                for signal, value in inputs.items():
                    ctx.set(getattr(block.field(name), signal), value)
            seen = model.step(cycle)
            assert ctx.get(bus.r_data) == seen.r_data, cycle
            assert ctx.get(bus.err) == seen.err, cycle
            for name, value in seen.values.items():
                signal = block.field(name).value
                if not isinstance(signal, Const):
                    assert ctx.get(signal) == value, (name, cycle)
            for name, value in seen.pulses.items():
                field, _, signal = name.rpartition(".")
                assert ctx.get(getattr(block.field(field), signal)) == value, (name, cycle)
            await ctx.tick()

    sim = Simulator(block)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()


@given(CYCLES)
def test_block_follows_model(cycles):
    """Random reads, writes with any byte lanes, hardware writes and counts, also in the same cycle."""
    compare(cycles)


def quiet() -> dict[str, dict[str, int]]:
    """Return the hardware inputs of a cycle in which hardware does nothing."""
    idle = {"live": {"next": 0}, "we": {"next": 0, "we": 0}, "incr": {"incr": 0}, "incrsaturate": {"incr": 0}}
    return {name: idle[spec.hw] for name, spec in SPECS.items() if spec.hw in idle}


def test_every_lane_of_every_register():
    """Each byte lane alone, with ones and with zeros, on each register, then the register read back."""
    cycles = []
    for addr in OFFSETS:
        for data in (0, 2**32 - 1, 0xA5C3_3CA5):
            for lane in range(4):
                cycles += [
                    Cycle("write", addr, data, 1 << lane, quiet()),
                    Cycle("read", addr, hardware=quiet()),
                ]
    compare(cycles)


def run(block: RegisterBlock, drive) -> None:
    sim = Simulator(block)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()


async def write(ctx, block: RegisterBlock, addr: int, data: int, mask: int = 15) -> int:
    """Write a register; return ``err``."""
    bus: Any = block.bus
    ctx.set(bus.addr, addr)
    ctx.set(bus.w_stb, 1)
    ctx.set(bus.w_data, data)
    ctx.set(bus.w_mask, mask)
    refused = ctx.get(bus.err)
    await ctx.tick()
    ctx.set(bus.w_stb, 0)
    return refused


def test_lock_bit_refuses_register_and_changes_nothing():
    """covers: GPT.LOCK (register side): swwel refuses the whole write, and only one that touches the locked field."""
    block = make_block()

    async def drive(ctx):
        guarded, go = block.field("locked.guarded"), block.field("locked.go")
        assert await write(ctx, block, 0x14, 0x0001_4321) == 0
        assert ctx.get(guarded.value) == 0x4321
        assert await write(ctx, block, 0x14, 0x0100_FFFF) == 1
        assert ctx.get(guarded.value) == 0x4321
        assert ctx.get(go.value) == 0 and ctx.get(go.swmod) == 0, "an unlocked field of a refused write changed"
        assert await write(ctx, block, 0x14, 0x0100_0000, mask=0b1000) == 0
        assert ctx.get(go.value) == 1

    run(block, drive)


def test_lock_from_outside_covers_exactly_its_entry():
    """covers: GPT.LOCK (register side): a locked entry refuses every write, its neighbour takes them."""
    block = make_block()

    async def drive(ctx):
        assert await write(ctx, block, 0x40, 0x1111) == 0
        assert await write(ctx, block, 0x48, 1) == 0
        assert await write(ctx, block, 0x40, 0x2222) == 1
        assert await write(ctx, block, 0x48, 0) == 1
        assert await write(ctx, block, 0x50, 0x3333) == 0
        assert ctx.get(block.field("entry[0].data.value").value) == 0x1111
        assert ctx.get(block.field("entry[1].data.value").value) == 0x3333

    run(block, drive)


def test_locks_of_constructor_and_prefix():
    """A lock given at construction works, and "entry[1]" does not cover entry[10], whose name begins almost like it."""
    top = load(RDL, ENTRIES=12)
    block = RegisterBlock(top, addr_width=12, locks={"entry[1]": Const(1)})

    async def drive(ctx):
        assert await write(ctx, block, 0x50, 1) == 1
        assert await write(ctx, block, 0xE0, 1) == 0
        assert await write(ctx, block, 0x800, 1) == 1, "an address outside the map was taken"

    run(block, drive)


@pytest.mark.parametrize("name", BLOCKS)
def test_project_maps_elaborate(name):
    """Every map of the project is inside the subset and answers each of its registers without error."""
    block = RegisterBlock(load(name))
    offsets = {field.node.parent.absolute_address for field in block.fields.values()}

    async def drive(ctx):
        bus: Any = block.bus
        ctx.set(bus.r_stb, 1)
        for addr in range(0, 1 << block.addr_width, 4):
            ctx.set(bus.addr, addr)
            assert ctx.get(bus.err) == (addr not in offsets), hex(addr)

    run(block, drive)


def used(block: RegisterBlock) -> RegisterBlock:
    """Elaborate a block of which only the Python side is tested: Amaranth warns about blocks that are not."""
    Fragment.get(block, None)
    return block


def test_parameter_changes_the_map():
    top = load("gpt", AREAS=2)
    block = used(RegisterBlock(top))
    assert "area[1].attr.kind" in block.fields
    with pytest.raises(ConfigError, match=r"field 'area\[2\]\.attr\.kind' does not exist in register map gpt"):
        block.field("area[2].attr.kind")


def test_missing_signal_says_why():
    with pytest.raises(AttributeError, match=r"field plain\.low has no signal 'incr' \(sw=rw, hw=r"):
        _ = used(make_block()).field("plain.low").incr


def test_wrong_lock_and_width_are_refused():
    with pytest.raises(ConfigError, match="lock 'entry' covers no register"):
        used(make_block()).lock("entry", Const(1))
    with pytest.raises(ConfigError, match="addr_width 4 is too small for register map every_property; accepted: 7"):
        make_block(addr_width=4)
