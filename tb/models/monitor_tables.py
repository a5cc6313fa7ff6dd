# SPDX-License-Identifier: Apache-2.0
"""Reference model of the monitor, first half: page ownership and host page tables, written from docs/monitor-abi.md.

The model keeps an image of DRAM and one owner a page, and nothing that can be derived from them: how often a page is
mapped is found by looking at every table, where the monitor keeps counters. A call returns its error code and value and
changes the image only when it succeeds.
"""

from dataclasses import dataclass, field

import numpy as np

from yingzhou.soc.memory_map import DEVICES, DRAM_BASE, MONITOR_BYTES, PAGE_BYTES

from .abi import ABI

PTES = 1024
CHUNK = 1024
MAX_TABLES = 4096
V, R, W, X, U, G, A, D = (1 << i for i in range(8))
LEGAL_RWX = {R, R | W, X, R | X, R | W | X}
FREE, HOST, ROOT, LEAF, MONITOR, TABLE, ENCLAVE, SHARED, NODE = range(9)


@dataclass
class TableMonitor:
    """The calls about tables of a monitor after boot on ``dram_pages`` pages of DRAM, all zero."""

    dram_pages: int
    words: np.ndarray = field(init=False)
    owner: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.words = np.zeros(self.dram_pages * PTES, np.uint32)
        self.owner = np.full(self.dram_pages, HOST, np.uint8)
        self.owner[: MONITOR_BYTES // PAGE_BYTES] = MONITOR
        self.stage = "boot"
        self.satp = 0
        self.area = range(0)
        self.hpt_areas = self.table_areas = 0
        self.touched: set[int] = set()
        """Pages that calls have changed; whoever compares memory empties it."""

    # Addresses and ranges

    def page(self, pa: int) -> int | None:
        """Index of the DRAM page that holds ``pa``, or None outside the raw window."""
        index = (pa - DRAM_BASE) // PAGE_BYTES
        return index if 0 <= index < self.dram_pages else None

    def owner_at(self, pa: int) -> int:
        """Owner of the page that holds ``pa``; FREE outside DRAM."""
        index = self.page(pa)
        return FREE if index is None else int(self.owner[index])

    def pages_of(self, pa: int, size: int) -> tuple[int, range]:
        """Turn page-aligned ``(pa, size)`` into page indices; the error is 0 when they are pages of DRAM."""
        if pa % PAGE_BYTES or size % PAGE_BYTES:
            return ABI.YZ_ERR_ALIGN, range(0)
        if size == 0 or pa < DRAM_BASE or pa + size > DRAM_BASE + self.dram_pages * PAGE_BYTES:
            return ABI.YZ_ERR_RANGE, range(0)
        first = (pa - DRAM_BASE) // PAGE_BYTES
        return 0, range(first, first + size // PAGE_BYTES)

    def host_buffer(self, pa: int, size: int) -> int:
        """Error for bytes that the host offers: in DRAM, and every page HOST or SHARED."""
        if size == 0 or pa < DRAM_BASE or pa + size > DRAM_BASE + self.dram_pages * PAGE_BYTES:
            return ABI.YZ_ERR_RANGE
        pages = range((pa - DRAM_BASE) // PAGE_BYTES, (pa + size - 1 - DRAM_BASE) // PAGE_BYTES + 1)
        return 0 if all(self.owner[p] in (HOST, SHARED) for p in pages) else ABI.YZ_ERR_OWNER

    def load(self, pa: int) -> int:
        """Return the word at ``pa`` of the raw window."""
        return int(self.words[(pa - DRAM_BASE) // 4])

    def bytes_at(self, pa: int, size: int) -> bytes:
        """Return ``size`` bytes at ``pa`` of the raw window."""
        return self.words.view(np.uint8)[pa - DRAM_BASE : pa - DRAM_BASE + size].tobytes()

    def store_bytes(self, pa: int, data: bytes) -> None:
        """Write ``data`` at ``pa`` of the raw window, as the host would."""
        self.words.view(np.uint8)[pa - DRAM_BASE : pa - DRAM_BASE + len(data)] = np.frombuffer(data, np.uint8)

    # What tables say

    def _entries(self, kind: int) -> np.ndarray:
        return self.words.reshape(-1, PTES)[self.owner == kind]

    def mappings(self) -> np.ndarray:
        """How many valid entries of leaf tables point to each page."""
        entries = self._entries(LEAF).ravel()
        index = (entries[entries & V != 0] >> 10).astype(np.int64) - (DRAM_BASE >> 12)
        return np.bincount(index[(index >= 0) & (index < self.dram_pages)], minlength=self.dram_pages)

    def superpages(self) -> np.ndarray:
        """How many superpages of root tables point to each chunk."""
        entries = self._entries(ROOT).ravel()
        leaves = entries[(entries & V != 0) & (entries & (R | W | X) != 0)]
        chunk = ((leaves >> 10).astype(np.int64) - (DRAM_BASE >> 12)) // CHUNK
        return np.bincount(chunk, minlength=-(-self.dram_pages // CHUNK))

    def _chunk_is_host(self, ppn: int) -> bool:
        first = ppn - (DRAM_BASE >> 12)
        if not 0 <= first <= self.dram_pages - CHUNK:
            return False
        return bool(np.isin(self.owner[first : first + CHUNK], (HOST, SHARED)).all())

    def check_entry(self, pa: int, value: int) -> int:
        """Error for writing ``value`` to the table entry at ``pa``."""
        if pa % 4:
            return ABI.YZ_ERR_ALIGN
        table = self.owner_at(pa)
        if table not in (ROOT, LEAF):
            return ABI.YZ_ERR_PTE_LOCATION
        if not value & V:
            return 0
        rwx, ppn = value & (R | W | X), value >> 10
        target = self.owner_at(ppn << 12)
        if table == ROOT and rwx == 0:
            if value & (A | D | U):
                return ABI.YZ_ERR_PTE_FORMAT
            return 0 if target == LEAF else ABI.YZ_ERR_PTE_TARGET
        if rwx not in LEGAL_RWX or (table == ROOT and ppn % CHUNK):
            return ABI.YZ_ERR_PTE_FORMAT
        if table == ROOT:
            good = self._chunk_is_host(ppn)
        elif ppn == DEVICES["sim"].base >> 12:
            good = rwx in (R, R | W)
        else:
            good = target in (HOST, SHARED) or (target in (ROOT, LEAF) and rwx == R)
        return 0 if good else ABI.YZ_ERR_PTE_TARGET

    # Calls about tables

    def _new_area(self, pa: int, size: int) -> tuple[int, range]:
        if size < PAGE_BYTES or size & (size - 1) or pa % size:
            return ABI.YZ_ERR_ALIGN, range(0)
        error, pages = self.pages_of(pa, size)
        if error:
            return error, pages
        tables = int(np.isin(self.owner, (ROOT, LEAF)).sum())
        if len(pages) > MAX_TABLES - tables:
            return ABI.YZ_ERR_RANGE, pages
        return (ABI.YZ_ERR_NO_SLOT if self.hpt_areas == 4 else 0), pages

    def check_claim(self, pages: range) -> int:
        """Error for taking ``pages`` from the host."""
        if not all(self.owner[p] == HOST for p in pages):
            return ABI.YZ_ERR_OWNER
        supers = self.superpages()
        return ABI.YZ_ERR_MAPPED if any(supers[p // CHUNK] for p in pages) else 0

    def _claim(self, pages: range, owner: int) -> None:
        """Remove every mapping of ``pages``, zero them, give them to ``owner``."""
        tables = np.flatnonzero(self.owner == LEAF)
        view = self.words.reshape(-1, PTES)
        ppn = (view[tables] >> 10).astype(np.int64) - (DRAM_BASE >> 12)
        hit = (view[tables] & V != 0) & (ppn >= pages.start) & (ppn < pages.stop)
        view[tables] = np.where(hit, 0, view[tables])
        self.touched |= {int(t) for t in tables[hit.any(axis=1)]} | set(pages)
        view[pages.start : pages.stop] = 0
        self.owner[pages.start : pages.stop] = owner

    def sm_init(self, pa: int, size: int, *zeros: int) -> int:
        """YZ_HOST_SM_INIT."""
        if any(zeros):
            return ABI.SBI_ERR_INVALID_PARAM
        if self.stage != "boot" or self.satp >> 31:
            return ABI.YZ_ERR_STATE
        error, pages = self._new_area(pa, size)
        if not error and len(pages) < 2:
            error = ABI.YZ_ERR_RANGE
        error = error or self.check_claim(pages)
        if error:
            return error
        self._claim(pages, LEAF)
        self.area, self.stage, self.hpt_areas = pages, "area", 1
        return 0

    def separate(self, root_order: int, leaf_order: int) -> int:
        """YZ_HOST_PT_AREA_SEPARATION."""
        if self.stage != "area":
            return ABI.YZ_ERR_STATE
        if leaf_order:
            return ABI.SBI_ERR_INVALID_PARAM
        if 2**root_order >= len(self.area):
            return ABI.YZ_ERR_RANGE
        self.owner[self.area.start : self.area.start + 2**root_order] = ROOT
        self.stage = "ready"
        return 0

    def hpt_extend(self, pa: int, size: int, level: int) -> int:
        """YZ_HOST_HPT_EXTEND."""
        if self.stage != "ready":
            return ABI.YZ_ERR_STATE
        if level > 1:
            return ABI.SBI_ERR_INVALID_PARAM
        error, pages = self._new_area(pa, size)
        error = error or self.check_claim(pages)
        if error:
            return error
        self._claim(pages, ROOT if level else LEAF)
        self.hpt_areas += 1
        return 0

    def _zeros(self, pa: int, size: int, room: int) -> tuple[int, list[tuple[int, int]]]:
        error = self._span(pa, size, room)
        return error, [(pa + i, 0) for i in range(0, 0 if error else size, 4)]

    @staticmethod
    def _span(pa: int, size: int, room: int) -> int:
        if size == 0:
            return ABI.YZ_ERR_RANGE
        if pa % 4 or size % 4:
            return ABI.YZ_ERR_ALIGN
        if size // 4 > room:
            return ABI.YZ_ERR_COUNT
        return ABI.YZ_ERR_RANGE if pa + size > 1 << 32 else 0

    def _updates(self, op: int, a1: int, a2: int, a3: int) -> tuple[int, list[tuple[int, int]]]:
        """Expand a request into (address, value) pairs; the pairs before an error are those judged before it."""
        limit = ABI.YZ_BATCH_MAX
        if op == ABI.YZ_PTE_SET_ONE:
            return 0, [(a1, a2)]
        if op == ABI.YZ_PTE_MEMSET:
            return (ABI.SBI_ERR_INVALID_PARAM, []) if a2 else self._zeros(a1, a3, limit)
        if op == ABI.YZ_PTE_MEMCPY:
            error = self._span(a1, a3, limit) or self._span(a2, a3, limit)
            if error:
                return error, []
            pages = {self.owner_at(a2 + i) for i in range(0, a3, 4)}
            if not pages <= {HOST, SHARED, ROOT, LEAF}:
                return ABI.YZ_ERR_OWNER, []
            return 0, [(a1 + i, self.load(a2 + i)) for i in range(0, a3, 4)]
        if op not in (ABI.YZ_PTE_BATCH_SET, ABI.YZ_PTE_BATCH_ZERO):
            return ABI.SBI_ERR_INVALID_PARAM, []
        if not 0 < a2 <= limit:
            return (ABI.YZ_ERR_COUNT if a2 else ABI.YZ_ERR_RANGE), []
        error = ABI.YZ_ERR_ALIGN if a1 % 4 else self.host_buffer(a1, 8 * a2)
        if error:
            return error, []
        array = [(self.load(a1 + 8 * i), self.load(a1 + 8 * i + 4)) for i in range(a2)]
        if op == ABI.YZ_PTE_BATCH_SET:
            return 0, array
        pairs: list[tuple[int, int]] = []
        for pa, size in array:
            error, zeros = self._zeros(pa, size, limit - len(pairs))
            if error:
                return error, pairs
            pairs += zeros
        return 0, pairs

    def set_pte(self, op: int, a1: int, a2: int, a3: int) -> int:
        """YZ_HOST_SET_PTE."""
        if self.stage != "ready":
            return ABI.YZ_ERR_STATE
        error, pairs = self._updates(op, a1, a2, a3)
        for pa, value in pairs:
            refused = self.check_entry(pa, value)
            if refused:
                return refused
        if error:
            return error
        for pa, value in pairs:
            self.words[(pa - DRAM_BASE) // 4] = value
            self.touched.add((pa - DRAM_BASE) // PAGE_BYTES)
        return 0

    def split(self, pte_pa: int, table_pa: int) -> int:
        """YZ_HOST_MAP_PTE."""
        if self.stage != "ready":
            return ABI.YZ_ERR_STATE
        if pte_pa % 4 or table_pa % PAGE_BYTES:
            return ABI.YZ_ERR_ALIGN
        if self.owner_at(pte_pa) != ROOT or self.owner_at(table_pa) != LEAF:
            return ABI.YZ_ERR_PTE_LOCATION
        entry = self.load(pte_pa)
        if not entry & V or not entry & (R | W | X):
            return ABI.YZ_ERR_PTE_FORMAT
        table = self.words.reshape(-1, PTES)[self.page(table_pa)]
        if table.any():
            return ABI.YZ_ERR_BUSY
        table[:] = [entry + (i << 10) for i in range(PTES)]
        self.words[(pte_pa - DRAM_BASE) // 4] = table_pa >> 12 << 10 | V
        self.touched |= {(pa - DRAM_BASE) // PAGE_BYTES for pa in (pte_pa, table_pa)}
        return 0

    def set_satp(self, value: int) -> int:
        """YZ_HOST_SATP, and the policy of an emulated csrw."""
        if self.stage != "ready":
            return ABI.YZ_ERR_STATE
        if not value >> 31:
            return ABI.SBI_ERR_INVALID_PARAM
        if self.owner_at((value & 0x3FFFFF) << 12) != ROOT:
            return ABI.YZ_ERR_PTE_LOCATION
        self.satp = value
        return 0
