# SPDX-License-Identifier: Apache-2.0
"""The guard as a drop-in block: generated Verilog under the pyuvm bench, with functional coverage.

The coverage of each configuration is written to ``build/coverage/gpt.NAME.json``.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from amaranth.back import verilog

from tb.gpt.stimulus import name
from yingzhou.gpt.config import GptConfig
from yingzhou.gpt.ip import GptIp
from yingzhou_sim.paths import BUILD

CONFIGS = (
    GptConfig(areas=4, device_region=(0xE000_0000, 0xF000_0000)),
    GptConfig(mode="sv39", areas=3, pa_width=40, protection_bit=38),
    GptConfig(mode="sv48", areas=2, pa_width=56, protection_bit=55),
)


def run_bench(run_cocotb: Callable[..., None], folder: Path, config: GptConfig, rounds: int, seed: int) -> None:
    """Build the block and run the bench on it."""
    source = folder / "gpt_ip.v"
    source.write_text(verilog.convert(GptIp(config), name="gpt_ip", emit_src=False, strip_internal_attrs=True))
    run_cocotb(
        sources=[source],
        toplevel="gpt_ip",
        module="tb.gpt.cocotb_ip",
        seed=seed,
        env={
            "GPT_CONFIG": json.dumps(asdict(config)),
            "GPT_SEED": str(seed),
            "GPT_ROUNDS": str(rounds),
            "GPT_COVERAGE": str(BUILD / "coverage" / f"gpt.{name(config)}.json"),
        },
    )


@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_bench(run_cocotb, build_dir: Path, config: GptConfig):
    """covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY GPT.LOCK"""
    run_bench(run_cocotb, build_dir, config, rounds=25, seed=1)


@pytest.mark.regress
@pytest.mark.parametrize("seed", range(2, 6))
@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_bench_long(run_cocotb, build_dir: Path, config: GptConfig, seed: int):
    """covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY GPT.LOCK"""
    run_bench(run_cocotb, build_dir, config, rounds=300, seed=seed)
