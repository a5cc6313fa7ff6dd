# SPDX-License-Identifier: Apache-2.0
"""C interfaces of the native libraries (docs/decisions/native-calls.md)."""

from functools import cache
from pathlib import Path

import cffi


@cache
def declarations(header: Path) -> cffi.FFI:
    """Return the C declarations of a header: all that stands between its marks ``cffi: begin`` and ``cffi: end``."""
    ffi = cffi.FFI()
    ffi.cdef(header.read_text().split("/* cffi: begin */")[1].split("/* cffi: end */")[0])
    return ffi
