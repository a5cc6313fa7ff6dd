# SPDX-License-Identifier: Apache-2.0
"""Write the generated parts of ``docs/``: register pages, tables of the memory map, list of decisions."""

import re
import sys
from pathlib import Path

from yingzhou.regs.docs import write_docs
from yingzhou.soc import memory_map as mm

ROOT = Path(__file__).resolve().parents[1]
REGISTER_PAGES = {"uart": "uart", "sim": "sim", "guard": "gpt", "sysinfo": "sysinfo", "llc": "llc", "mmt": "mmt"}
"""Device and the register map whose page describes it."""
DEVICE_TEXT = {
    "uart": "console",
    "sim": "simulation device: exit, events, counters",
    "guard": "walk checker: guard, or bitmap checker",
    "sysinfo": "configuration and performance counters",
    "llc": "last-level cache, in a machine that has one",
    "mmt": "memory engine, in a machine that has one",
    "clint": "timer and software interrupt of the hart (CLINT layout)",
}


def address(value: int) -> str:
    """Return an address in the form 0x8000_0000."""
    return f"0x{value >> 16:04X}_{value & 0xFFFF:04X}"


def size(value: int) -> str:
    """Return a size with the largest unit that divides it."""
    for shift, unit in ((20, "MiB"), (10, "KiB")):
        if value and value % (1 << shift) == 0:
            return f"{value >> shift} {unit}"
    return f"{value} B"


def ranges() -> str:
    """Return the table of physical address ranges."""
    rows = [
        (mm.DRAM_BASE, mm.DRAM_MAX_BYTES, "DRAM, raw window (as much as is configured, at most this)"),
        (mm.PROTECTED_BASE, mm.DRAM_MAX_BYTES, "the same DRAM, protected window"),
    ]
    for name, device in mm.DEVICES.items():
        page = f" ([registers](registers/{REGISTER_PAGES[name]}.md))" if name in REGISTER_PAGES else ""
        rows.append((device.base, device.size, f"`{name}`: {DEVICE_TEXT[name]}{page}"))
    lines = ["| first | last | size | what |", "|---|---|---|---|"]
    lines += [f"| {address(b)} | {address(b + n - 1)} | {size(n)} | {text} |" for b, n, text in rows]
    return "\n".join(lines)


def firmware() -> str:
    """Return the table of what the harness and the firmware put where."""
    rows = [
        (
            mm.MONITOR_BASE,
            f"monitor: image, stack, page ownership records ({size(mm.MONITOR_BYTES)}, closed to S and U)",
        ),
        (mm.BOOT_ARGS, "boot arguments of the host, one page, written by the harness"),
        (mm.HOST_BASE, "host kernel, load address and entry"),
        (mm.INITRD_BASE, "file given to the host (an enclave's ELF)"),
    ]
    lines = ["| address | what |", "|---|---|"]
    lines += [f"| {address(a)} | {text} |" for a, text in rows]
    return "\n".join(lines)


def decisions() -> str:
    """Return the list of decision pages with their titles."""
    pages = sorted(p for p in (ROOT / "docs" / "decisions").glob("*.md") if p.name != "README.md")
    lines = ["| page | title |", "|---|---|"]
    for page in pages:
        title = re.search(r"^# (.+)$", page.read_text(), re.M)
        lines.append(f"| [{page.name}]({page.name}) | {title[1] if title else page.stem} |")
    return "\n".join(lines)


PARTS = {
    "docs/memory-map.md": {"ranges": ranges, "firmware": firmware},
    "docs/decisions/README.md": {"decisions": decisions},
}
"""Pages with generated parts, which lie between two comments in them."""


def with_parts(name: str, text: str) -> str:
    """Return page ``name``, whose text is ``text``, with its generated parts filled in."""
    for part, make in PARTS[name].items():
        pattern = rf"(<!-- begin generated: {part} -->\n).*?(<!-- end generated -->)"
        table = make()
        text, count = re.subn(pattern, lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.S)
        if count != 1:
            raise SystemExit(f"{name} has {count} parts named {part!r}, expected 1")
    return text


def main() -> int:
    write_docs(ROOT / "docs" / "registers")
    for name in PARTS:
        page = ROOT / name
        page.write_text(with_parts(name, page.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
