# SPDX-License-Identifier: Apache-2.0
"""Build steps cached by the hash of what goes into them."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from .paths import BUILD


def digest(parts: Iterable[str | bytes | Path]) -> str:
    """Return a short hash of strings, bytes and the contents (and names) of files and folders."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            files = sorted(p for p in part.rglob("*") if p.is_file()) if part.is_dir() else [part]
            for file in files:
                if "__pycache__" in file.parts:
                    continue
                h.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        else:
            h.update(part.encode() if isinstance(part, str) else part)
            h.update(b"\0")
    return h.hexdigest()[:16]


def cached(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder ``build/cache/kind/key``, made by ``make(folder)`` when it does not exist yet.

    The folder appears whole or not at all, and only once when several processes ask for it together.
    """
    parent = BUILD / "cache" / kind
    parent.mkdir(parents=True, exist_ok=True)
    target = parent / key
    if target.is_dir():
        return target
    with open(parent / f"{key}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            scratch = Path(tempfile.mkdtemp(dir=parent, prefix=f"{key}."))
            try:
                make(scratch)
                os.replace(scratch, target)
            except BaseException:
                shutil.rmtree(scratch, ignore_errors=True)
                raise
    return target
