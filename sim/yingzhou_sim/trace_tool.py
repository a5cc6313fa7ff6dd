# SPDX-License-Identifier: Apache-2.0
"""A Valgrind tool of our own, built against the libraries it comes with: tens of times faster than Lackey."""

import platform
import subprocess
from pathlib import Path
from typing import Final

from .cache import cached, digest
from .paths import NATIVE

NAME: Final = "yzaccess"
_SOURCE: Final = NATIVE / "trace" / "valgrind_tool.c"
_PLATFORMS: Final = {"x86_64": "amd64", "aarch64": "arm64"}
"""Machine: Valgrind's word for it."""
_FLAGS: Final = (
    "-O2 -std=gnu11 -Wall -fno-builtin -fomit-frame-pointer -fno-stack-protector -fno-strict-aliasing -fno-pie -no-pie "
    "-static -nodefaultlibs -nostartfiles -u _start -Wl,--build-id=none -Wl,-Ttext-segment=0x58000000"
).split()
"""As Valgrind links its own tools: a static program at an address where no other program lies."""


def _first(root: Path, patterns: tuple[str, ...]) -> Path | None:
    return next((path for pattern in patterns for path in sorted(root.glob(pattern))), None)


def folder(valgrind: str) -> Path | None:
    """Return a folder for ``VALGRIND_LIB`` that has the tool beside Valgrind's own, or None when it cannot be built.

    Debian's package carries the headers and libraries; other distributions may keep them in a package of their own.
    """
    arch = _PLATFORMS.get(platform.machine())
    root = Path(valgrind).resolve().parents[1]
    core = _first(root, (f"lib*/valgrind/libcoregrind-{arch}-linux.a", f"lib*/*/valgrind/libcoregrind-{arch}-linux.a"))
    own = _first(
        root,
        tuple(f"{lib}/valgrind/lackey-{arch}-linux" for lib in ("libexec", "lib*", "lib*/*")),
    )
    headers = root / "include" / "valgrind"
    if arch is None or core is None or own is None or not (headers / "pub_tool_tooliface.h").is_file():
        return None

    def make(target: Path) -> None:
        for file in own.parent.iterdir():
            (target / file.name).symlink_to(file)
        defines = [f"-DVGA_{arch}=1", "-DVGO_linux=1", f"-DVGP_{arch}_linux=1", f"-DVGPV_{arch}_linux_vanilla=1"]
        libraries = [core, *(core.with_name(f"lib{name}-{arch}-linux.a") for name in ("vex", "gcc-sup"))]
        out = target / f"{NAME}-{arch}-linux"
        command = ["gcc", *_FLAGS, *defines, f"-I{headers}", "-o", str(out), str(_SOURCE)]
        command += [str(library) for library in libraries if library.is_file()]
        subprocess.run([*command, "-lgcc"], capture_output=True, check=True)

    try:
        return cached("trace-tool", digest([_SOURCE, *_FLAGS, str(core), core, str(own)]), make)
    except (OSError, subprocess.CalledProcessError):
        return None
