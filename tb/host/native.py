# SPDX-License-Identifier: Apache-2.0
"""Native builds of firmware sources with sanitizers. The C library takes the place of sw/lib/memory.c."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from yingzhou_sim.cache import cached, digest
from yingzhou_sim.firmware import generate_headers
from yingzhou_sim.paths import ROOT, SW

FLAGS = ("-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-sanitize-recover=all")


def build_native(
    sources: Sequence[Path],
    includes: Sequence[Path],
    defines: Sequence[str] = (),
    *,
    sanitize: str = "address,undefined",
    flags: Sequence[str] = (),
) -> Path:
    """Return a native executable of ``sources``, built when they or a header changed."""
    folders = [SW / "include", generate_headers(), *includes]
    headers = sorted(h for folder in folders for h in folder.rglob("*.h"))
    options = [
        *FLAGS,
        f"-fsanitize={sanitize}",
        *flags,
        *(f"-I{folder}" for folder in folders),
        *(f"-D{d}" for d in defines),
    ]

    def make(folder: Path) -> None:
        command = ["gcc", *options, *map(str, sources), "-o", str(folder / "program")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr

    return cached("native", digest([*options, *sources, *headers]), make) / "program"


def run_native(program: Path, *arguments: str) -> str:
    """Run a native program and return what it printed; fail with its messages when it does not exit with 0."""
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout
