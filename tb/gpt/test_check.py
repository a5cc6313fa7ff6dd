# SPDX-License-Identifier: Apache-2.0
"""The check on integers and in the Amaranth simulator, against the reference model; the model against plain sets."""

from random import Random
from typing import Any

import pytest
from amaranth.lib import data
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from tb.gpt.stimulus import (
    CONFIGS,
    Entry,
    Settings,
    draw_pte,
    draw_read,
    draw_settings,
    model_of,
    name,
)
from tb.models import gpt as model
from yingzhou.errors import ConfigError
from yingzhou.gpt.check import Area, Rule, State, check_answer, check_leaf, check_read
from yingzhou.gpt.config import GptConfig
from yingzhou.gpt.guard import Guard


def state_of(settings: Settings) -> State:
    """Return the check's own view of ``settings``."""
    areas = [Area(kind=e.kind, levels=e.levels, base=e.base, limit=e.limit) for e in settings.areas]
    return State(enable=settings.enable, world=settings.world, areas=areas)


def test_rule_numbers_are_those_of_the_model():
    assert {rule.name: rule.value for rule in Rule} == {rule.name: rule.value for rule in model.Rule}


@pytest.mark.parametrize("config", CONFIGS, ids=name)
@given(seed=st.integers(0, 2**32 - 1))
def test_integers_agree_with_the_model(config: GptConfig, seed: int):
    """covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY"""
    rng = Random(seed)
    settings = draw_settings(rng, config)
    state, reference = state_of(settings), model_of(config, settings)
    for _ in range(40):
        read = draw_read(rng, config, settings)
        assert check_read(config, state, read.page, read.level) == reference.read(read.page, read.level), read
        expected = reference.answer(read.page, read.level, read.pte)
        assert check_answer(config, state, read.page, read.level, read.pte) == expected, read


@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_random_draws_reach_every_verdict(config: GptConfig):
    """The random tests are only as good as their draws: each verdict is drawn often enough to matter."""
    rng = Random(1)
    seen = dict.fromkeys(model.Rule, 0)
    for _ in range(2000):
        settings = draw_settings(rng, config)
        read = draw_read(rng, config, settings)
        seen[model_of(config, settings).answer(read.page, read.level, read.pte)] += 1
    assert min(seen.values()) >= 25, seen


@given(seed=st.integers(0, 2**32 - 1))
def test_model_agrees_with_enumerated_pages(seed: int):
    """On a small machine every page can be listed: the model's ranges must mean the same as sets of pages."""
    rng = Random(seed)
    config = GptConfig(areas=3, pa_width=32, protection_bit=rng.choice([None, 13, 20, 24, 31]))
    window = 0 if config.protection_bit is None else 1 << config.protection_bit - 12
    settings = draw_settings(rng, config)
    small = []
    for entry in settings.areas:
        base = entry.base % (1 << 20)
        limit = max(0, min(base + rng.choice([0, 1, 5, 300, -2]), 1 << 20))
        small.append(Entry(entry.kind, entry.levels, base, limit))
    settings = Settings(enable=1, world=0, areas=tuple(small))
    reference = model_of(config, settings)
    for _ in range(10):
        pte, level = draw_pte(rng, config, settings), rng.randrange(2)
        if pte & 1 == 0 or pte & 0b1110 == 0:
            continue
        span = 1 if level == 0 else 1024
        first = (pte >> 10) - (pte >> 10) % span
        refused = False
        for page in range(first, first + span):
            aliases = {page, page | window}
            refused |= page >= 1 << 20 or bool(page & window)
            for entry in settings.areas:
                inside = any(entry.base <= alias < entry.limit for alias in aliases)
                refused |= inside and (entry.kind in (2, 3) or (entry.kind == 1 and pte & 4 != 0))
        assert (reference.target(pte, level) == model.Rule.HOST_LEAF) == refused, (hex(pte), level)


@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_rtl_agrees_with_the_model(config: GptConfig):
    """The same functions as logic. covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY"""
    dut = Guard(config)
    rng = Random(7)

    async def bench(ctx):
        for _ in range(40):
            settings = draw_settings(rng, config)
            reference = model_of(config, settings)
            areas = [{"kind": e.kind, "levels": e.levels, "base": e.base, "limit": e.limit} for e in settings.areas]
            layout = dut.settings.shape()
            assert isinstance(layout, data.StructLayout)
            value: dict[int | str, Any] = {"enable": settings.enable, "world": settings.world, "areas": areas}
            ctx.set(dut.settings, layout.const(value))
            for _ in range(25):
                read = draw_read(rng, config, settings)
                ctx.set(dut.req_valid, 1)
                ctx.set(dut.req_addr, read.address(config))
                ctx.set(dut.req_level, read.level)
                ctx.set(dut.rsp_valid, 1)
                ctx.set(dut.rsp_addr, read.address(config))
                ctx.set(dut.rsp_level, read.level)
                ctx.set(dut.rsp_data, read.pte)
                before = reference.read(read.page, read.level)
                after = reference.answer(read.page, read.level, read.pte)
                assert ctx.get(dut.req_rule) == before
                assert ctx.get(dut.req_deny) == (before != 0)
                assert ctx.get(dut.rsp_rule) == after
                assert ctx.get(dut.rsp_deny) == (after != 0)
                assert ctx.get(dut.rsp_pte) == (0 if after else read.pte)
                assert ctx.get(dut.allowed) == (after == 0)
                assert ctx.get(dut.refused) == ((1 << before | 1 << after) & ~1)
                ctx.set(dut.req_valid, 0)
                ctx.set(dut.rsp_valid, 0)
                for idle in (dut.req_deny, dut.req_rule, dut.rsp_deny, dut.rsp_rule, dut.rsp_pte, dut.refused):
                    assert ctx.get(idle) == 0

    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()


# One host machine for the hand-written lines: HPT root at page 0x81000, HPT leaf tables at 0x81001..0x8101F, an enclave
# area given in protected-window addresses (its raw alias is 0x90000..0x900FF), and one more without the bit.
MACHINE = GptConfig(areas=4)
AREAS = (
    Entry(kind=1, levels=0b10, base=0x81000, limit=0x81001),
    Entry(kind=1, levels=0b01, base=0x81001, limit=0x81020),
    Entry(kind=2, levels=0b11, base=0xD0000, limit=0xD0100),
    Entry(kind=2, levels=0b11, base=0x91000, limit=0x91001),
)
RW, RO, POINTER = 0xC7, 0xC3, 0x01
TABLE = [
    # name, enable, world, page, level, target page, flags, verdict before the read, verdict on the answer
    ("not enabled", 0, 0, 0x81000, 1, 0x82000, RO, "RESET_DENY", "RESET_DENY"),
    ("root in the root area", 1, 0, 0x81000, 1, 0x81001, POINTER, "ALLOW", "ALLOW"),
    ("root one page before", 1, 0, 0x80FFF, 1, 0x81001, POINTER, "HOST_AREA", "HOST_AREA"),
    ("W03 leaf table in the root area", 1, 0, 0x81000, 0, 0x82000, RO, "HOST_AREA", "HOST_AREA"),
    ("root in the leaf area", 1, 0, 0x81001, 1, 0x82000, POINTER, "HOST_AREA", "HOST_AREA"),
    ("last page of the leaf area", 1, 0, 0x8101F, 0, 0x82000, RW, "ALLOW", "ALLOW"),
    ("one page after", 1, 0, 0x81020, 0, 0x82000, RW, "HOST_AREA", "HOST_AREA"),
    ("outside of a walk", 1, 0, 0x81001, 2, 0x82000, RW, "HOST_AREA", "HOST_AREA"),
    ("the area through the other window", 1, 0, 0xC1001, 0, 0x82000, RW, "HOST_AREA", "HOST_AREA"),
    ("host table in the enclave area", 1, 0, 0xD0000, 1, 0x82000, POINTER, "HOST_AREA", "HOST_AREA"),
    ("enclave table in the host area", 1, 1, 0x81000, 1, 0x82000, POINTER, "ENCLAVE_AREA", "ENCLAVE_AREA"),
    ("enclave table", 1, 1, 0xD0000, 1, 0xD0001, POINTER, "ALLOW", "ALLOW"),
    ("enclave leaf to protected memory", 1, 1, 0xD0000, 0, 0xC5000, RW, "ALLOW", "ALLOW"),
    ("W06 leaf to protected memory", 1, 0, 0x81001, 0, 0xC5000, RO, "ALLOW", "HOST_LEAF"),
    ("leaf to the enclave area", 1, 0, 0x81001, 0, 0xD0000, RO, "ALLOW", "HOST_LEAF"),
    ("leaf to the area's raw alias", 1, 0, 0x81001, 0, 0x90000, RO, "ALLOW", "HOST_LEAF"),
    ("leaf to the alias's last page", 1, 0, 0x81001, 0, 0x900FF, RO, "ALLOW", "HOST_LEAF"),
    ("leaf one page after the alias", 1, 0, 0x81001, 0, 0x90100, RW, "ALLOW", "ALLOW"),
    ("leaf to the raw enclave area", 1, 0, 0x81001, 0, 0x91000, RO, "ALLOW", "HOST_LEAF"),
    ("W05 writable leaf to the HPT", 1, 0, 0x81001, 0, 0x81000, RW, "ALLOW", "HOST_LEAF"),
    ("readable leaf to the HPT", 1, 0, 0x81001, 0, 0x81000, RO, "ALLOW", "ALLOW"),
    ("W07 superpage over the HPT, writable", 1, 0, 0x81000, 1, 0x81000, RW, "ALLOW", "HOST_LEAF"),
    ("superpage over the HPT, readable", 1, 0, 0x81000, 1, 0x81000, RO, "ALLOW", "ALLOW"),
    ("W07 superpage over one enclave page", 1, 0, 0x81000, 1, 0x91000, RO, "ALLOW", "HOST_LEAF"),
    ("superpage beside it", 1, 0, 0x81000, 1, 0x91400, RW, "ALLOW", "ALLOW"),
    ("W24 W without R to the HPT", 1, 0, 0x81001, 0, 0x81000, 0x05, "ALLOW", "HOST_LEAF"),
    ("W17 X only to protected memory", 1, 0, 0x81001, 0, 0xC5000, 0x09, "ALLOW", "HOST_LEAF"),
    ("invalid PTE is the walker's business", 1, 0, 0x81001, 0, 0xC5000, 0xC6, "ALLOW", "ALLOW"),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case[0])
def test_truth_table(case):
    """covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY

    threat: W01 W03 W05 W06 W07 W17 W24
    """
    _, enable, world, page, level, target, flags, before, after = case
    settings = Settings(enable, world, AREAS)
    pte = target << 10 | flags
    assert check_read(MACHINE, state_of(settings), page, level) == Rule[before]
    assert check_answer(MACHINE, state_of(settings), page, level, pte) == Rule[after]
    assert model_of(MACHINE, settings).answer(page, level, pte) == model.Rule[after]


def test_page_numbers_beyond_implemented_memory_are_refused():
    """No truncation alias: with 40 address bits, bit 40 set must not come back as the page without it. threat: W11"""
    config = GptConfig(mode="sv39", areas=2, pa_width=40, protection_bit=None)
    areas = (Entry(1, 0b111, 0x81000, 0x82000), Entry(2, 0b111, 0x91000, 0x92000))
    far = 1 << 28 | 0x81000
    host, enclave = (state_of(Settings(1, world, areas)) for world in (0, 1))
    assert check_leaf(config, host, far << 10 | POINTER, 1) == Rule.HOST_AREA
    assert check_leaf(config, enclave, far << 10 | POINTER, 1) == Rule.ENCLAVE_AREA
    assert check_leaf(config, host, far << 10 | RO, 0) == Rule.HOST_LEAF
    assert check_leaf(config, host, (far ^ 1 << 28) << 10 | RO, 0) == Rule.ALLOW


@pytest.mark.parametrize(("first", "verdict"), [(0x9FFF0, "ALLOW"), (0xA0000, "HOST_LEAF"), (0xA0010, "ALLOW")])
def test_napot_leaf_is_judged_as_its_sixteen_pages(first: int, verdict: str):
    """One enclave page in the middle of 64 KiB. threat: W09"""
    config = GptConfig(mode="sv39", areas=1, pa_width=56, protection_bit=None)
    state = state_of(Settings(1, 0, (Entry(2, 0b111, 0xA0005, 0xA0006),)))
    leaf = 1 << 63 | (first | 0x8) << 10 | RO
    assert check_leaf(config, state, leaf, 0) == Rule[verdict]
    reserved = 1 << 63 | (first | 0x4) << 10 | RO
    same_table = first >> 9 == 0xA0005 >> 9
    assert (check_leaf(config, state, reserved, 0) == Rule.HOST_LEAF) == same_table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "sv57"}, r"mode is 'sv57'; accepted are sv32, sv39, sv48"),
        ({"areas": 0}, r"areas is 0; accepted are 1 to 64"),
        ({"areas": 65}, r"areas is 65; accepted are 1 to 64"),
        ({"pa_width": 35}, r"pa_width is 35; accepted with sv32 are 32 to 34"),
        ({"mode": "sv39", "pa_width": 57}, r"pa_width is 57; accepted with sv39 are 32 to 56"),
        ({"protection_bit": 34}, r"protection_bit is 34; accepted are 12 to 33, or none"),
        ({"device_region": (0xE000_0000, 0xE000_0800)}, r"device_region is 0xe0000000 to 0xe0000800"),
        ({"device_region": (0x1000_0000, 0x2000_0000)}, r"device_region is 0x10000000.*protection bit \(30\) set"),
        ({"device_region": (0xE000_0000, 0x2_0000_0000)}, r"device_region is 0xe0000000 to 0x200000000"),
        ({"protection_bit": 11}, r"protection_bit is 11; accepted are 12 to 33, or none"),
    ],
)
def test_wrong_configuration_names_the_value(change, message):
    with pytest.raises(ConfigError, match=message):
        GptConfig(**change)
