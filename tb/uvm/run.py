# SPDX-License-Identifier: Apache-2.0
"""Runs the simulated tests of a block: the half of :mod:`tb.uvm.base` that is outside the simulator."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from yingzhou_sim.paths import BUILD


def run_block(
    run_cocotb: Callable[..., None],
    folder: Path,
    *,
    module: str,
    shell: str,
    verilog: Path,
    tests: Sequence[str],
    config: Any,
    name: str,
    seed: int,
    length: int,
) -> list[str]:
    """Build a block and run all tests on it; return the points of its plan that have not been hit.

    module, shell  name and text of the module round the block; it is written into ``folder``.
    verilog        the block.
    tests          modules, such as ``tb.llc.uvm.cocotb_traffic``.
    config         of the block, a dataclass; the tests get it as JSON.
    name           of the report: ``build/coverage/NAME.json``.
    length         how much random traffic; what it counts is the tests'.
    """
    top = folder / f"{module}.v"
    top.write_text(shell)
    report = BUILD / "coverage" / f"{name}.json"
    report.unlink(missing_ok=True)
    run_cocotb(
        sources=[top, verilog],
        toplevel=module,
        module=",".join(tests),
        seed=seed,
        env={
            "UVM_CONFIG": json.dumps(asdict(config)),
            "UVM_SEED": str(seed),
            "UVM_LENGTH": str(length),
            "UVM_COVERAGE": str(report),
            # Asserts that say their values, in the tests alone: to rewrite all that is imported takes seconds.
            "COCOTB_REWRITE_ASSERTION_FILES": "cocotb_*.py",
        },
        build_args=["-Wno-lint", "-Wno-style", "--output-split", "30000"],
        ports_only=True,
    )
    return json.loads(report.read_text())["missing"]


__all__ = ["run_block"]
