# SPDX-License-Identifier: Apache-2.0
"""The last-level cache as a drop-in block: generated Verilog under the pyuvm environment, with functional coverage.

The coverage is written to ``build/coverage/llc.NAME.json``; plan.py says what must be hit.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tb.uvm.run import run_block
from yingzhou.llc.config import LlcConfig

from .probe import MODULE, verilog, verilog_file

CONFIG = LlcConfig(
    size_bytes=8 << 10,
    ways=4,
    mshrs=2,
    domains=3,
    addr_width=20,
    id_width=3,
    cacheable=((0x1_0000, 0x8_0000),),
)
"""32 sets of 4 ways, two of them for locks: a page may just be locked."""
SMALL = replace(CONFIG, size_bytes=1 << 10, mshrs=4, domains=2, replacement="random", parity=True, cacheable=None)
"""4 sets: a page is too large to be locked. Random victims, parity, everything cacheable."""
TESTS = ("tb.llc.uvm.cocotb_traffic",)


def run_bench(run_cocotb: Callable[..., None], folder: Path, config: LlcConfig, name: str, **limits: int) -> list[str]:
    """Run all tests on the block; return the points of the plan that have not been hit."""
    return run_block(
        run_cocotb,
        folder,
        module=MODULE,
        shell=verilog(config),
        verilog=verilog_file(config),
        tests=TESTS,
        config=config,
        name=f"llc.{name}",
        **limits,
    )


def test_bench(run_cocotb, build_dir: Path):
    """covers: LLC.LOCK_PINNED LLC.LOCK_QUOTA LLC.LOCK_MAINTAIN"""
    missing = run_bench(run_cocotb, build_dir, CONFIG, "quick", seed=1, length=1)
    assert len(missing) < 20, f"the traffic is not what it was; not hit: {', '.join(missing)}"


@pytest.mark.regress
@pytest.mark.parametrize("seed", range(2, 5))
@pytest.mark.parametrize("config", (CONFIG, SMALL), ids=("pages", "small"))
def test_bench_long(run_cocotb, build_dir: Path, config: LlcConfig, seed: int):
    """More random traffic, in which every point of the coverage plan is hit."""
    name = "pages" if config.page_fits else "small"
    missing = run_bench(run_cocotb, build_dir, config, f"{name}.{seed}", seed=seed, length=8)
    assert not missing, f"points of the coverage plan not hit: {', '.join(missing)}"
