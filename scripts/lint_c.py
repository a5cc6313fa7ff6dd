# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over the firmware (freestanding RV32, each file with its image's include folders) and the DRAM model.

The firmware's compiler already runs with -Wall -Wextra -Werror at every build; this looks for what needs flow analysis.
"""

import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from yingzhou.errors import ConfigError
from yingzhou_sim.firmware import IMAGES, Image, generate_headers
from yingzhou_sim.paths import NATIVE, ROOT, SW
from yingzhou_sim.tools import program

TARGET = ("--target=riscv32", "-march=rv32ima_zicsr_zifencei", "-mabi=ilp32", "-ffreestanding", "-std=c11")


def zig_headers() -> Path:
    """Return the folder of the freestanding headers (stdint.h and so on) of the compiler that builds the firmware."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise SystemExit("lint: the package 'ziglang' is not installed: run 'make setup'")
    return Path(spec.origin).parent / "lib" / "include"


def firmware_commands() -> dict[Path, list[str]]:
    """Return compiler arguments for each C file of the firmware; a file of several images is looked at once."""
    common = [
        *TARGET,
        "-Wall",
        "-Wextra",
        "-isystem",
        str(zig_headers()),
        f"-I{SW / 'include'}",
        f"-I{generate_headers()}",
    ]

    def arguments(image: Image, sources: list[Path]) -> list[str]:
        folders = dict.fromkeys([*(SW / folder for folder in image.includes), *(s.parent for s in sources)])
        return [*common, *(f"-I{folder}" for folder in folders), *(f"-D{d}" for d in image.defines)]

    commands: dict[Path, list[str]] = {}
    for image in IMAGES.values():
        sources = [source for pattern in image.sources for source in sorted(SW.glob(pattern))]
        commands |= dict.fromkeys((s for s in sources if s.suffix == ".c"), arguments(image, sources))
    return commands


def main() -> int:
    tidy = program("clang-tidy")
    commands = {**firmware_commands(), NATIVE / "dram.h": ["-xc++", "-std=gnu++20", "-Wall", "-Wextra"]}

    def check(item: tuple[Path, list[str]]) -> subprocess.CompletedProcess[str]:
        file, arguments = item
        command = [tidy, "--quiet", str(file), "--", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(check, sorted(commands.items())))
    findings = dict.fromkeys(
        line for r in results for line in r.stdout.splitlines() if ": error:" in line or ": warning:" in line
    )
    for line in findings:
        print(line.replace(f"{ROOT}/", ""))
    # A file that cannot be parsed fails without a finding of ours.
    failed = sum(r.returncode != 0 for r in results)
    print(f"clang-tidy: {len(results)} files, {len(findings)} findings, {failed} files failed")
    if failed and not findings:
        sys.stdout.write(next(r.stderr for r in results if r.returncode != 0))
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ConfigError as error:
        sys.exit(f"lint: {error}")
