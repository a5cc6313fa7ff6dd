# SPDX-License-Identifier: Apache-2.0
"""Where things are in a checkout."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""The checkout."""
BUILD: Final = ROOT / "build"
"""Everything that is made; removed by ``make clean``."""
SW: Final = ROOT / "sw"
"""Firmware sources."""
NATIVE: Final = ROOT / "sim" / "native"
"""C++ sources of the simulation library."""
