# SPDX-License-Identifier: Apache-2.0
"""Native builds of firmware sources with AddressSanitizer and UndefinedBehaviorSanitizer."""

import subprocess
from pathlib import Path

from yingzhou_sim.cache import cached, digest
from yingzhou_sim.firmware import generate_headers
from yingzhou_sim.paths import ROOT, SW

FLAGS = (
    "-std=c11",
    "-g",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
)


def build_native(sources: list[Path], includes: list[Path], defines: tuple[str, ...] = ()) -> Path:
    """Return a native executable of ``sources``, built when they or a header changed."""
    folders = [SW / "include", generate_headers(), *includes]
    headers = sorted(h for folder in folders for h in folder.rglob("*.h"))
    flags = [*FLAGS, *(f"-I{folder}" for folder in folders), *(f"-D{define}" for define in defines)]

    def make(folder: Path) -> None:
        command = ["gcc", *flags, *map(str, sources), "-o", str(folder / "program")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr

    return cached("native", digest([*flags, *sources, *headers]), make) / "program"


def run_native(program: Path, *arguments: str) -> str:
    """Run a native program and return what it printed; fail with its messages when it does not exit with 0."""
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout
