# SPDX-License-Identifier: Apache-2.0
"""Size and speed of the guard: what is read from the tools, and one real synthesis."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amaranth.sim import Simulator

from yingzhou.gpt.config import GptConfig
from yingzhou.gpt.ip import GptIp
from yingzhou_sim.cli import main
from yingzhou_sim.synth import Registered, Result, fmax

LOG = """
Info: Max frequency for clock '$glbnet$clk': 71.02 MHz (FAIL at 100.00 MHz)
Info: Max frequency for clock '$glbnet$clk': 63.41 MHz (FAIL at 100.00 MHz)
Info: Max delay <async> -> posedge $glbnet$clk: 1.20 ns
"""


def test_the_last_frequency_counts() -> None:
    assert fmax(LOG) == 63.41
    with pytest.raises(RuntimeError, match="no maximum frequency"):
        fmax("Info: Program finished normally.")


def test_registered_adds_one_cycle_in_and_one_out() -> None:
    """A refused read, out of reset: the denial comes two cycles after the request is at the outer ports."""
    dut = Registered(GptIp(GptConfig(areas=1)))
    seen: list[int] = []

    async def bench(ctx) -> None:
        ctx.set(dut.req_valid, 1)
        for _ in range(4):
            seen.append(ctx.get(dut.req_deny))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("lut4", "carry", "lut_rams", "speed"),
    [
        (83640, 0, 0, "not routed"),
        (83639, 1, 0, "does not fit"),
        (83636, 0, 1, "not routed"),
        (83637, 0, 1, "does not fit"),
    ],
)
def test_what_does_not_fit_is_told(lut4: int, carry: int, lut_rams: int, speed: str) -> None:
    sizes: dict[str, Any] = {"lut4": lut4, "carry": carry, "lut_rams": lut_rams, "flip_flops": 0, "block_rams": 0}
    result = Result(name="block", configuration={}, fmax_mhz=None, mapping="abc", **sizes)
    assert result.speed == speed
    assert replace(result, fmax_mhz=63.41).speed == "63 MHz"


def test_one_area_is_synthesised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["synth", "--mode", "sv32", "--areas", "1", "--no-route", "--out", str(tmp_path)])
    assert code == 0
    (result,) = json.loads((tmp_path / "results.json").read_text())
    assert (result["name"], result["fmax_mhz"], result["block_rams"]) == ("gpt_sv32_1", None, 0)
    assert result["configuration"]["areas"] == 1
    # One area entry holds 95 bits (docs/gpt.md); Sv32 with 34 address bits keeps two page numbers of 22 of them.
    assert result["flip_flops"] > 2 * 22 and result["lut4"] > 100
    assert "not routed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mode", "sv57"], "--mode is 'sv57'; accepted are sv32, sv39, sv48"),
        (["--preset", "big"], "--preset is 'big'; accepted are paper, vault, sgx, small"),
        (["--areas", "0"], "areas is 0; accepted are 1 to 64"),
    ],
)
def test_wrong_options_are_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", *arguments]) == 2
    assert message in capsys.readouterr().err
