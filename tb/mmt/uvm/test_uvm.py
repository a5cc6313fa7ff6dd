# SPDX-License-Identifier: Apache-2.0
"""The memory engine as a drop-in block: generated Verilog under the pyuvm environment, with functional coverage.

The coverage is written to ``build/coverage/mmt.NAME.json``; plan.py says what must be hit.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from tb.mmt.library import verilog_file
from yingzhou.mmt.config import MmtConfig
from yingzhou_sim.paths import BUILD

from .harness import MODULE, verilog

CONFIG = MmtConfig(
    addr_width=25,
    protection_bit=24,
    arities=(16, 16, 64),
    major_bits=2,
    mount_entries=3,
    node_cache_lines=8,
    mac_cache_lines=4,
    slots=4,
    aes="iterative",
)
"""16 subtrees of 1 MiB, three levels, leaves of 6-bit minors: a line's 64th write overflows."""


def run_bench(run_cocotb: Callable[..., None], folder: Path, module: str, length: int, seed: int) -> dict:
    """Build the block and run the tests of a module on it; return the coverage."""
    shell = folder / f"{MODULE}.v"
    shell.write_text(verilog(CONFIG, "mmt"))
    report = BUILD / "coverage" / f"mmt.{module}.{seed}.json"
    report.unlink(missing_ok=True)
    run_cocotb(
        sources=[shell, verilog_file(CONFIG)],
        toplevel=MODULE,
        module=f"tb.mmt.uvm.cocotb_{module}",
        seed=seed,
        env={
            "MMT_CONFIG": json.dumps(asdict(CONFIG)),
            "MMT_SEED": str(seed),
            "MMT_LENGTH": str(length),
            "MMT_COVERAGE": str(report),
        },
        build_args=["-Wno-lint", "-Wno-style", "--output-split", "30000"],
        ports_only=True,
    )
    return json.loads(report.read_text())


@pytest.mark.regress
def test_placeholder():
    pass
