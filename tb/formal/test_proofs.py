# SPDX-License-Identifier: Apache-2.0
"""The proofs hold and are not vacuous. ``tb/mutation/test_proofs.py`` says that they can fail.

covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY GPT.LOCK MMT.MOUNT_ONCE MMT.VERDICT_FIRST
covers: LLC.LOCK_SILENT LLC.LOCK_PINNED LLC.LOCK_QUOTA LLC.LOCK_MAINTAIN

threat: W01 W02 W03 W05 W06 W07 W09 W11 W17 W25 W29 W31 W32
"""

import json
from pathlib import Path

import pytest

from tb.formal.job import BMC, MODES, Job
from tb.formal.run import JOBS, prove_all
from yingzhou.errors import ConfigError

QUICK = ("axi_memory_port_alone",)
"""Proved in every test run, since it takes seconds."""


def check(names: list[str], outdir: Path) -> None:
    """Run proofs and their cover runs; the results are written as well."""
    results = prove_all(outdir, names)
    assert [(result.mode, result.status) for result in results] == [(mode, "pass") for mode in MODES] * len(names)
    assert all(result.properties > 0 for result in results)
    written = json.loads((outdir / "results.json").read_text())
    assert [(entry["name"], entry["mode"]) for entry in written] == [(name, mode) for name in names for mode in MODES]
    assert all(f"| {result.name} | {result.unit} |" in (outdir / "results.md").read_text() for result in results)


@pytest.mark.parametrize("name", QUICK)
def test_quick_proof(name: str, build_dir: Path):
    check([name], build_dir)


@pytest.mark.regress
@pytest.mark.parametrize("job", [job for job in JOBS if job.name not in QUICK], ids=lambda job: job.name)
def test_proof(job: Job, build_dir: Path):
    check([job.name], build_dir)


def test_unknown_proof_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="proof 'gpt' does not exist; accepted are gpt_checker_sv32, "):
        prove_all(tmp_path, ["gpt"])


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_design_under_proof_is_generated(job: Job):
    """The proof runs on the Verilog that the generator writes."""
    text = job.verilog()
    assert f"module {job.top}(" in text
    assert "probe_settings" in text if job.name.startswith("gpt_") else f"module {job.top}_proof " in text


def test_bounded_proofs_say_why():
    assert all((job.engine == BMC) == bool(job.bound) for job in JOBS)
