# SPDX-License-Identifier: Apache-2.0
"""``yingzhou sim`` as a user calls it."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tb.sim.programs import build
from tb.sim.test_elf import make_elf
from yingzhou_sim.cli import main
from yingzhou_sim.paths import ROOT

ENV = {**os.environ, "PYTHONPATH": f"{ROOT / 'rtl'}{os.pathsep}{ROOT / 'sim'}"}


def call(arguments: list[str]) -> tuple[int, str, str]:
    """Run the command in a process of its own; return exit code, output and errors."""
    done = subprocess.run(
        [sys.executable, "-m", "yingzhou_sim", *arguments], env=ENV, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sim", "--checker", "foo"], "'foo'"),
        (["sim", "--dram-latency", "0"], "'0'"),
        (["sim", "--dram-latency", "20000"], "latency is 20000"),
        (["sim", "--max-cycles", "-5"], "-5"),
        (["sim", "--max-cycles", "many"], "'many'"),
        (["sim", "--dram-mib", "100"], str(100 << 20)),
        (["sim", "--run", "nothing"], "'nothing'"),
        (["sim", "--checker", "none"], "'none'"),
        (["sim", "--memory", "none"], "'none'"),
        (["sim", "--memory", "plain", "--run", "memory"], "'memory'"),
        (["sim", "--elf", "missing.elf"], "missing.elf"),
        (["sim", "--elf", "/etc/hostname"], "not an ELF"),
        (["sim", "--elf", "a", "--enclave", "b"], "not allowed"),
        (["sim", "--colour"], "--colour"),
        (["nonsense"], "'nonsense'"),
        ([], "COMMAND"),
    ],
)
def test_wrong_options(arguments, words, capsys):
    """Exit code 2 and one line that names the value."""
    try:
        code = main(arguments)
    except SystemExit as leave:
        code = leave.code
    errors = capsys.readouterr().err
    assert code == 2
    assert words in errors and errors.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (make_elf()[:60], "truncated"),
        (make_elf(machine=62), "machine 62"),
        (make_elf(bits=2), "64-bit"),
        (make_elf(address=0x1000_0000), "0x10000000"),
    ],
)
def test_wrong_elf(content, words, tmp_path):
    """A file that cannot run: exit code 2 and one line."""
    path = tmp_path / "bad.elf"
    path.write_bytes(content)
    code, _, errors = call(["sim", "--elf", str(path)])
    assert code == 2
    assert words in errors and str(path) in errors and errors.count("\n") == 1


def test_help_shows_an_example(capsys):
    """Every command explains itself with an example."""
    for command in ("sim", "build", "generate", "bench", "prove"):
        with pytest.raises(SystemExit) as leave:
            main([command, "--help"])
        assert leave.value.code == 0
        assert f"yingzhou {command}" in capsys.readouterr().out.split("example", 1)[1]


def test_max_cycles(tmp_path):
    """A program that does not end: exit code 1, and the line says why."""
    code, out, _ = call(["sim", "--elf", str(build("spin", tmp_path)), "--max-cycles", "30000"])
    assert code == 1
    assert "spinning" in out and "stopped at --max-cycles 30000" in out


def test_interrupt(tmp_path):
    """Ctrl-C ends a run cleanly, with what was reached so far."""
    process = subprocess.Popen(
        [sys.executable, "-m", "yingzhou_sim", "sim", "--elf", str(build("spin", tmp_path))],
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stderr
    assert "spinning" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "interrupted" in out and "instructions retired" in out
    assert "Traceback" not in errors


def test_interrupted_scenarios_leave_a_partial_report(tmp_path):
    """Ctrl-C during the scenarios: what ended is in the report, and what did not is not counted as failed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "yingzhou_sim", "sim", "--run", "walker", "--out", str(tmp_path)],
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stderr
    while " pass " not in (line := process.stdout.readline()):
        assert line, "ended before a scenario did"
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    report = json.loads((tmp_path / "report.json").read_text())
    assert process.returncode == 1 and "interrupted" in out and "Traceback" not in errors
    assert report["interrupted"] and report["passed"] == len(report["scenarios"]) >= 1
    assert (tmp_path / "report.html").stat().st_size > 1000
