# SPDX-License-Identifier: Apache-2.0
"""C headers of the register maps and of the memory map, for freestanding C11."""

import re
import tempfile
from pathlib import Path

from peakrdl_cheader.c_standards import CStandard
from peakrdl_cheader.exporter import CHeaderExporter

from ..soc import memory_map
from .compile import BLOCKS, load


def register_header(name: str) -> str:
    """Return the C header of map ``name`` with its default parameters: field macros and a struct of its registers.

    PeakRDL's header is changed in two ways. ``assert.h`` is no freestanding header, so the keyword behind its macro is
    used. And the structs lose ``packed``: it tells the compiler that nothing is aligned, which turns one register
    access into four byte accesses on a hart without unaligned access, while the layout needs no packing (the size
    assertions still check it).
    """
    top = load(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"yz_{name}_regs.h"
        CHeaderExporter().export(top, str(path), std=CStandard.gnu11)
        text = path.read_text()
    text = text.replace("#include <assert.h>\n", "")
    text = re.sub(r"^static_assert\(", "_Static_assert(", text, flags=re.M)
    text = text.replace("struct __attribute__ ((__packed__)) {", "struct {")
    licence = "/* SPDX-License-Identifier: Apache-2.0 */"
    origin = f"/* Generated from rtl/yingzhou/regs/rdl/{name}.rdl; do not edit. */"
    return f"{licence}\n{origin}\n{text.rstrip()}\n"


def write_c_headers(folder: Path) -> list[Path]:
    """Write ``yz/memory_map.h`` and ``yz/NAME_regs.h`` of every map below ``folder``; return their paths.

    Include as ``#include "yz/gpt_regs.h"``. Offsets are ``offsetof(gpt_t, control)`` with ``stddef.h``.
    """
    target = folder / "yz"
    target.mkdir(parents=True, exist_ok=True)
    texts = {"memory_map.h": memory_map.c_header(), **{f"{name}_regs.h": register_header(name) for name in BLOCKS}}
    for name, text in texts.items():
        (target / name).write_text(text)
    return [target / name for name in texts]
