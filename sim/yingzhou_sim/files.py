# SPDX-License-Identifier: Apache-2.0
"""Files that appear whole or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> Path:
    """Write ``text`` to ``path`` through a file beside it, so that a reader never sees half of it; return ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text)
    os.replace(scratch, path)
    return path
