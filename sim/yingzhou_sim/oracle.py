# SPDX-License-Identifier: Apache-2.0
"""An outside view of the monitor's work: host page tables and ownership records, read from memory and compared.

The simulator sees all of memory, so it can check after every scenario what neither host nor monitor need be trusted to
report. The rules are those of docs/monitor-abi.md, written again from the document, on whole arrays.
"""

from pathlib import Path
from typing import Final

import numpy as np
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from yingzhou.errors import ConfigError
from yingzhou.soc.memory_map import DEVICES, DRAM_BASE, PAGE_BYTES

from .machine import Machine

HOST, HPT_ROOT, HPT_LEAF, SHARED = 1, 2, 3, 7
"""Owners that host tables may lead to (``enum yz_owner`` in sw/include/yz/abi.h)."""
_OWNER: Final = 0xF
_MAPPINGS_SHIFT: Final = 9
_ENTRIES: Final = 1024
_DRAM_PPN: Final = DRAM_BASE // PAGE_BYTES
_SIM_PPN: Final = DEVICES["sim"].base // PAGE_BYTES


def _symbol(elf: ELFFile, name: str) -> int:
    table = elf.get_section_by_name(".symtab")
    found = table.get_symbol_by_name(name) if isinstance(table, SymbolTableSection) else None
    if not found:
        raise ConfigError(f"the monitor image has no symbol {name!r}")
    return found[0]["st_value"]


class OwnershipOracle:
    """Compares host page tables with ownership records.

    Parameters
    ----------
    machine : Machine
        A machine that runs the monitor.
    monitor : Path
        The monitor's ELF image, for the address of its records.
    """

    def __init__(self, machine: Machine, monitor: Path):
        with open(monitor, "rb") as stream:
            self._records = _symbol(ELFFile(stream), "page_records")
        self._machine = machine
        self._pages = machine.config.dram_bytes // PAGE_BYTES

    def violations(self) -> list[str]:
        """Return one sentence for each rule that does not hold now; the records must not be in the middle of a change.

        Posted writes must have reached DRAM: let the machine run some cycles after the event that calls for this.
        """
        records = np.frombuffer(self._machine.read(self._records, 4 * self._pages), dtype="<u4")
        owner = records & _OWNER
        found = []
        mapped = np.zeros(self._pages, dtype=np.int64)
        for table in np.flatnonzero((owner == HPT_ROOT) | (owner == HPT_LEAF)):
            address = DRAM_BASE + int(table) * PAGE_BYTES
            entries = np.frombuffer(self._machine.read(address, PAGE_BYTES), dtype="<u4")
            entries = entries[entries & 1 == 1]
            if entries.size:
                root = owner[table] == HPT_ROOT
                found += self._root(address, entries, owner) if root else self._leaf(address, entries, owner, mapped)
        counted = records >> _MAPPINGS_SHIFT
        for page in np.flatnonzero(counted != mapped)[:4]:
            found.append(
                f"page {DRAM_BASE + int(page) * PAGE_BYTES:#x} has {mapped[page]} host mappings, "
                f"its record counts {counted[page]}"
            )
        return found

    def _owners(self, ppn: np.ndarray, owner: np.ndarray) -> np.ndarray:
        """Return the owner of each physical page, 0 outside DRAM."""
        index = ppn.astype(np.int64) - _DRAM_PPN
        inside = (index >= 0) & (index < self._pages)
        return np.where(inside, owner[np.where(inside, index, 0)], 0)

    def _leaf(self, address: int, entries: np.ndarray, owner: np.ndarray, mapped: np.ndarray) -> list[str]:
        ppn = entries >> 10
        target = self._owners(ppn, owner)
        written = entries >> 2 & 1 == 1
        executed = entries >> 3 & 1 == 1
        good = (target == HOST) | (target == SHARED)
        good |= ((target == HPT_ROOT) | (target == HPT_LEAF)) & ~written & ~executed
        good |= (ppn == _SIM_PPN) & ~executed
        good &= entries >> 1 & 0b111 != 0
        index = ppn.astype(np.int64) - _DRAM_PPN
        np.add.at(mapped, index[(index >= 0) & (index < self._pages)], 1)
        return [f"leaf table {address:#x} holds {int(e):#x}, which the host may not map" for e in entries[~good][:4]]

    def _root(self, address: int, entries: np.ndarray, owner: np.ndarray) -> list[str]:
        found = []
        for entry in entries:
            first = np.asarray([entry >> 10])
            if entry >> 1 & 0b111 == 0:
                good = self._owners(first, owner)[0] == HPT_LEAF
            else:
                chunk = self._owners(first + np.arange(_ENTRIES), owner)
                good = bool(np.all((chunk == HOST) | (chunk == SHARED)))
            if not good:
                found.append(f"root table {address:#x} holds {int(entry):#x}, which the host may not map")
        return found[:4]
