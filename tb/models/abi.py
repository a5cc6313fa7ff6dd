# SPDX-License-Identifier: Apache-2.0
"""The numbers of ``sw/include/yz/abi.h`` as Python names, read from the header itself."""

import re
from types import SimpleNamespace

from yingzhou_sim.paths import SW

_DEFINE = re.compile(r"^#define\s+(\w+)\s+\(?(-?(?:0x[0-9A-Fa-f]+|\d+))u?\)?(?:\s|/|$)", re.M)
_ENUMERATOR = re.compile(r"^\s+(YZ_\w+) = (\d+),", re.M)


def load() -> SimpleNamespace:
    """Return every integer macro and enumerator of the header as an attribute."""
    text = (SW / "include" / "yz" / "abi.h").read_text()
    found = {name: int(value, 0) for name, value in _DEFINE.findall(text) + _ENUMERATOR.findall(text)}
    return SimpleNamespace(**found)


ABI = load()
ERROR_NAMES = {value: name for name, value in vars(ABI).items() if "_ERR_" in name} | {0: "SBI_SUCCESS"}
EXIT_NAMES = {value: name for name, value in vars(ABI).items() if name.startswith("YZ_EXIT_")}
