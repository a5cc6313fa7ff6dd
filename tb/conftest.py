# SPDX-License-Identifier: Apache-2.0
"""Fixtures that every test may use.

``build_dir``  an empty folder of this test's own under ``build/tb``.
``run_cocotb`` builds Verilog with the prepared Verilator (cached by content) and runs one cocotb module on it.

Hypothesis profiles, chosen with ``HYPOTHESIS_PROFILE``: ``default`` is quick and repeatable, ``regress`` searches
deeply with new seeds each time.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from yingzhou_sim.cache import cached, digest
from yingzhou_sim.paths import BUILD

_QUIET = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture]
hypothesis.settings.register_profile(
    "default", max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=_QUIET
)
hypothesis.settings.register_profile(
    "regress", max_examples=2000, deadline=None, print_blob=True, database=None, suppress_health_check=_QUIET
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def build_dir(request: pytest.FixtureRequest) -> Path:
    """Return an empty folder that belongs to this test alone."""
    folder = BUILD / "tb" / re.sub(r"[^\w.-]+", "_", request.node.nodeid.removeprefix("tb/"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def run_cocotb(build_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that runs a cocotb module on Verilog and fails the test when any cocotb test in it fails."""

    def run(
        *,
        sources: Sequence[Path],
        toplevel: str,
        module: str,
        seed: int = 1,
        parameters: Mapping[str, int] | None = None,
        build_args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        waves: bool = False,
        ports_only: bool = False,
    ) -> None:
        """Build ``sources`` with ``toplevel`` on top and run the cocotb tests of ``module``.

        sources     Verilog files.
        toplevel    name of the top module.
        module      dotted name from the checkout, such as ``tb.gpt.cocotb_ip``.
        seed        seed of ``random`` in the testbench.
        parameters  Verilog parameters.
        build_args  further arguments for Verilator.
        env         further environment of the testbench: how a test tells its module what to do.
        waves       write ``dump.vcd`` into the test's folder (also with ``WAVES=1``).
        ports_only  only signals that are marked ``verilator public`` can be reached: Verilator may optimise the others
                    away, which for a large block builds and runs several times faster.
        """
        from cocotb_tools.check_results import get_results
        from cocotb_tools.runner import get_runner

        from yingzhou_sim.toolchain import verilator_env

        # Through os.environ, because that wins over the runner's own extra_env.
        for name, value in {**verilator_env(), "OPT_FAST": "-O1", **(env or {})}.items():
            monkeypatch.setenv(name, value)
        waves = waves or os.environ.get("WAVES", "0") not in ("", "0")
        arguments = ["-Wno-fatal", "-Wno-WIDTHEXPAND", "-Wno-DECLFILENAME", *build_args]
        runner: Any = get_runner("verilator")
        if ports_only:
            commands = runner._build_command

            def without_internals() -> list[list[str]]:
                return [[word for word in command if word != "--public-flat-rw"] for command in commands()]

            runner._build_command = without_internals

        def build(folder: Path) -> None:
            runner.build(
                sources=list(sources),
                hdl_toplevel=toplevel,
                parameters=dict(parameters or {}),
                build_args=arguments,
                build_dir=folder,
                timescale=("1ns", "1ps"),
                waves=waves,
            )

        parts = [*sources, toplevel, repr(arguments), repr(parameters), str(waves), version("cocotb"), sys.prefix]
        key = digest([*parts, *(["ports only"] if ports_only else [])])
        folder = cached("cocotb", key, build)
        results = build_dir / "results.xml"
        runner.test(
            test_module=module,
            hdl_toplevel=toplevel,
            hdl_toplevel_lang="verilog",
            build_dir=folder,
            test_dir=build_dir,
            results_xml=str(results),
            seed=seed,
            waves=waves,
        )
        tests, failures = get_results(results)
        assert tests > 0, f"{module} has no cocotb test"
        assert failures == 0

    return run
