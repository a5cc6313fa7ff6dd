# SPDX-License-Identifier: Apache-2.0
"""Bare-metal programs of these tests, compiled once a session."""

from pathlib import Path

from yingzhou_sim import firmware

FOLDER = Path(__file__).parent / "programs"


def build(name: str, folder: Path) -> Path:
    """Compile ``programs/NAME.c`` into ``folder``."""
    out = folder / f"{name}.elf"
    firmware.build_bare([FOLDER / f"{name}.c"], out)
    return out
