# SPDX-License-Identifier: Apache-2.0
"""Physical memory map of the default machine, written once.

RTL decodes from it, the harness loads by it, and the firmware gets it as the generated header ``yz/memory_map.h``.
"""

from dataclasses import dataclass
from typing import Final

PAGE_BYTES: Final = 4096

DRAM_BASE: Final = 0x8000_0000
"""First byte of the raw window of DRAM."""
DRAM_MAX_BYTES: Final = 512 << 20
"""Largest DRAM whose protected window still ends below MMIO."""
PROTECTION_BIT: Final = 30
"""Bit of a physical address that selects the protected window."""
PROTECTED_BASE: Final = DRAM_BASE | 1 << PROTECTION_BIT
"""First byte of the protected window: the same DRAM, through the memory engine."""

MONITOR_BASE: Final = DRAM_BASE
MONITOR_BYTES: Final = 2 << 20
"""The monitor's image, stack and page ownership records. Closed to S and U by PMP."""
BOOT_ARGS: Final = DRAM_BASE + MONITOR_BYTES
"""One page the harness fills with ``struct yz_boot_args``; handed to the host in a1."""
HOST_BASE: Final = DRAM_BASE + (4 << 20)
"""Load address and entry of the host kernel."""
INITRD_BASE: Final = DRAM_BASE + (8 << 20)
"""Where the harness puts the file given to the host (an enclave ELF)."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """A register block on the peripheral bus: first byte and size in bytes (a power of two, naturally aligned)."""

    base: int
    size: int = PAGE_BYTES


MMIO_BASE: Final = 0xE000_0000
DEVICES: Final = {
    "uart": Device(base=0xE000_0000),
    "sim": Device(base=0xE000_1000),
    "guard": Device(base=0xE000_2000),
    "sysinfo": Device(base=0xE000_3000),
    "llc": Device(base=0xE000_4000),
    "mmt": Device(base=0xE000_5000),
    "clint": Device(base=0xE100_0000, size=0x1_0000),
}


def c_header() -> str:
    """Return ``yz/memory_map.h``: the constants above as C macros."""
    lines = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/* Generated from rtl/yingzhou/soc/memory_map.py; do not edit. */",
        "#ifndef YZ_MEMORY_MAP_H",
        "#define YZ_MEMORY_MAP_H",
    ]
    values = {
        "PAGE_BYTES": PAGE_BYTES,
        "DRAM_BASE": DRAM_BASE,
        "DRAM_MAX_BYTES": DRAM_MAX_BYTES,
        "PROTECTION_BIT": PROTECTION_BIT,
        "PROTECTED_BASE": PROTECTED_BASE,
        "MONITOR_BASE": MONITOR_BASE,
        "MONITOR_BYTES": MONITOR_BYTES,
        "BOOT_ARGS": BOOT_ARGS,
        "HOST_BASE": HOST_BASE,
        "INITRD_BASE": INITRD_BASE,
        "MMIO_BASE": MMIO_BASE,
    }
    lines += [f"#define YZ_{name} 0x{value:08X}u" for name, value in values.items()]
    for name, device in DEVICES.items():
        lines.append(f"#define YZ_{name.upper()}_BASE 0x{device.base:08X}u")
        lines.append(f"#define YZ_{name.upper()}_BYTES 0x{device.size:08X}u")
    return "\n".join([*lines, "#endif", ""])
