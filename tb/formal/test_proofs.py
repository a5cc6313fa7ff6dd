# SPDX-License-Identifier: Apache-2.0
"""The proofs hold and are not vacuous.

covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY GPT.LOCK

threat: W01 W02 W03 W05 W06 W07 W09 W11 W17 W25 W29 W31 W32
"""

import json
from pathlib import Path

import pytest

from tb.formal.run import ENGINE, JOBS, MODES, Job, prove_all
from yingzhou.errors import ConfigError


@pytest.mark.regress
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_proof(job: Job, build_dir: Path):
    results = prove_all(build_dir, [job.name])
    assert [(result.mode, result.status) for result in results] == [(mode, "pass") for mode in MODES]
    assert all(result.properties > 10 for result in results)
    written = json.loads((build_dir / "results.json").read_text())
    assert [(entry["name"], entry["engine"], entry["mode"]) for entry in written] == [
        (job.name, ENGINE, mode) for mode in MODES
    ]


def test_unknown_proof_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="proof 'gpt' does not exist; accepted are gpt_checker_sv32, "):
        prove_all(tmp_path, ["gpt"])


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_design_under_proof_is_generated(job: Job):
    """The proof runs on the Verilog that the generator writes, with probes as further outputs."""
    text = job.verilog()
    assert f"module {job.top}(" in text and "probe_settings" in text
