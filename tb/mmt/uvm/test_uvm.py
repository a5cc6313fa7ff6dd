# SPDX-License-Identifier: Apache-2.0
"""The memory engine as a drop-in block: generated Verilog under the pyuvm environment, with functional coverage.

The coverage is written to ``build/coverage/mmt.NAME.json``; plan.py says what must be hit.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tb.mmt.library import verilog_file
from tb.uvm.run import run_block
from yingzhou.mmt.config import MmtConfig

from .harness import MODULE, verilog

CONFIG = MmtConfig(
    addr_width=25,
    protection_bit=24,
    arities=(16, 16, 64),
    major_bits=2,
    mount_entries=3,
    node_cache_lines=8,
    mac_cache_lines=8,
    slots=4,
    aes="iterative",
)
"""16 subtrees of 1 MiB, three levels, leaves of 6-bit minors: a line's 64th write overflows."""
TESTS = (
    "tb.mmt.uvm.cocotb_control",
    "tb.mmt.uvm.cocotb_paths",
    "tb.mmt.uvm.cocotb_failures",
    "tb.mmt.uvm.cocotb_traffic",
)


def run_bench(run_cocotb: Callable[..., None], folder: Path, length: int, seed: int) -> None:
    """Run all tests on the block; every point of the plan must have been hit."""
    missing = run_block(
        run_cocotb,
        folder,
        module=MODULE,
        shell=verilog(CONFIG),
        verilog=verilog_file(CONFIG),
        tests=TESTS,
        config=CONFIG,
        name=f"mmt.{seed}",
        seed=seed,
        length=length,
    )
    assert not missing, f"points of the coverage plan not hit: {', '.join(missing)}"


def test_bench(run_cocotb, build_dir: Path):
    """covers: MMT.CONFIG_LOCK MMT.FATAL MMT.META_CLOSED MMT.NODE_MAC MMT.FRESH MMT.VIRGIN MMT.EXHAUSTED MMT.LOCK

    covers: MMT.MOUNT_ONCE MMT.ROOT_TREE MMT.LINE_MAC MMT.LINE_ORDER MMT.VERDICT_FIRST MMT.KEYS
    """
    run_bench(run_cocotb, build_dir, length=1, seed=1)


@pytest.mark.regress
@pytest.mark.parametrize("seed", range(2, 6))
def test_bench_long(run_cocotb, build_dir: Path, seed: int):
    """The same with other numbers, and ten times the random traffic and resets. threat: M42"""
    run_bench(run_cocotb, build_dir, length=10, seed=seed)
