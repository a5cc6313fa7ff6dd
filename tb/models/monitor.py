# SPDX-License-Identifier: Apache-2.0
"""Reference model of the monitor: page ownership, host page tables and enclave life, written from docs/monitor-abi.md.

The model keeps an image of DRAM and one owner a page, and nothing that can be derived from them: how often a page is
mapped is found by looking at every table, where the monitor keeps counters. A call returns its error code and value and
changes the image only when it succeeds. Contents of the enclave-table pool are not modelled; tests walk those tables.
"""

from dataclasses import dataclass, field

import numpy as np

from yingzhou.soc.memory_map import DEVICES, DRAM_BASE, MONITOR_BYTES, PAGE_BYTES

from .abi import ABI
from .elf32 import ElfError, Layout, layout

PTES = 1024
CHUNK = 1024
MAX_TABLES = 4096
V, R, W, X, U, G, A, D = (1 << i for i in range(8))
LEGAL_RWX = {R, R | W, X, R | X, R | W | X}
FREE, HOST, ROOT, LEAF, MONITOR, TABLE, ENCLAVE, SHARED = range(8)


@dataclass
class Enclave:
    """A live enclave: its identifier, pages by index, and where it stands."""

    eid: int
    slot: int
    memory: range
    shared: range
    layout: Layout
    stack_pages: int
    tables: int
    state: str = "fresh"


@dataclass
class Monitor:
    """A monitor after boot on ``dram_pages`` pages of DRAM, all zero."""

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
        self.enclaves: dict[int, Enclave] = {}
        self.generation = [1] * ABI.YZ_MAX_ENCLAVES
        self.pool_free = 0

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

    # Calls about enclaves

    def memory_extend(self, pa: int, size: int) -> int:
        """YZ_HOST_MEMORY_EXTEND."""
        if self.stage != "ready":
            return ABI.YZ_ERR_STATE
        if size < PAGE_BYTES or size & (size - 1) or pa % size:
            return ABI.YZ_ERR_ALIGN
        error, pages = self.pages_of(pa, size)
        if error:
            return error
        if self.table_areas == 2:
            return ABI.YZ_ERR_NO_SLOT
        error = self.check_claim(pages)
        if error:
            return error
        self._claim(pages, TABLE)
        self.table_areas += 1
        self.pool_free += len(pages)
        return 0

    def _tables_of(self, image: Layout, stack: int, heap: int, shm: int) -> int:
        """Number of table pages for an enclave: the root, and one for each 4 MiB of addresses in use."""
        runs = [(s.pages.start, s.pages.stop) for s in image.segments]
        runs.append((ABI.YZ_ENCLAVE_STACK_TOP // PAGE_BYTES - stack, ABI.YZ_ENCLAVE_STACK_TOP // PAGE_BYTES))
        runs.append((image.end_va // PAGE_BYTES, image.end_va // PAGE_BYTES + heap))
        runs.append((ABI.YZ_ENCLAVE_SHM_VA // PAGE_BYTES, ABI.YZ_ENCLAVE_SHM_VA // PAGE_BYTES + shm))
        return 1 + len({page // PTES for first, end in runs for page in range(first, end)})

    def create(self, params_pa: int) -> tuple[int, int]:
        """YZ_HOST_CREATE_ENCLAVE: error and identifier."""
        if self.stage != "ready" or not self.satp >> 31:
            return ABI.YZ_ERR_STATE, 0
        if params_pa % 4:
            return ABI.YZ_ERR_ALIGN, 0
        error = self.host_buffer(params_pa, 32)
        if error:
            return error, 0
        if params_pa % PAGE_BYTES + 32 > PAGE_BYTES:
            return ABI.YZ_ERR_RANGE, 0
        params = [self.load(params_pa + 4 * i) for i in range(8)]
        if params[0] != ABI.YZ_ABI_VERSION:
            return ABI.SBI_ERR_INVALID_PARAM, 0
        return self._create(*params[1:])

    def _create(
        self, elf_pa: int, elf_size: int, mem_pa: int, mem_size: int, stack: int, shm_pa: int, shm_size: int
    ) -> tuple[int, int]:
        error, memory = self.pages_of(mem_pa, mem_size)
        if error:
            return error, 0
        if stack % PAGE_BYTES:
            return ABI.YZ_ERR_ALIGN, 0
        if not 0 < stack <= ABI.YZ_ENCLAVE_STACK_TOP - ABI.YZ_ENCLAVE_VA_LIMIT - PAGE_BYTES:
            return ABI.YZ_ERR_RANGE, 0
        error, shared = self.pages_of(shm_pa, shm_size) if shm_size else (0, range(0))
        if not error and shm_size > ABI.YZ_SHM_MAX:
            error = ABI.YZ_ERR_RANGE
        if not error and not all(self.owner[p] in (HOST, SHARED) for p in shared):
            error = ABI.YZ_ERR_OWNER
        error = error or self.host_buffer(elf_pa, elf_size)
        if error:
            return error, 0
        elf = range((elf_pa - DRAM_BASE) // PAGE_BYTES, (elf_pa + elf_size - 1 - DRAM_BASE) // PAGE_BYTES + 1)
        if set(memory) & (set(elf) | set(shared)):
            return ABI.YZ_ERR_RANGE, 0
        error = self.check_claim(memory)
        if error:
            return error, 0
        slots = [s for s in range(ABI.YZ_MAX_ENCLAVES) if s not in {e.slot for e in self.enclaves.values()}]
        slots = [s for s in slots if self.generation[s] <= 0x07FF_FFFF]
        if not slots:
            return ABI.YZ_ERR_NO_SLOT, 0
        if elf_pa % 4:
            return ABI.YZ_ERR_ELF, 0
        try:
            image = layout(self.bytes_at(elf_pa, elf_size))
        except ElfError:
            return ABI.YZ_ERR_ELF, 0
        heap = len(memory) - image.page_count - stack // PAGE_BYTES
        if heap < 0:
            return ABI.YZ_ERR_NO_MEMORY, 0
        if image.end_va + heap * PAGE_BYTES > ABI.YZ_ENCLAVE_VA_LIMIT:
            return ABI.YZ_ERR_RANGE, 0
        tables = self._tables_of(image, stack // PAGE_BYTES, heap, len(shared))
        if tables > self.pool_free:
            return ABI.YZ_ERR_NO_MEMORY, 0
        self.pool_free -= tables
        self._claim(memory, ENCLAVE)
        self._load(memory, image)
        self.owner[shared.start : shared.stop] = SHARED
        eid = self.generation[slots[0]] << 4 | slots[0]
        self.enclaves[eid] = Enclave(eid, slots[0], memory, shared, image, stack // PAGE_BYTES, tables)
        return 0, eid

    def _load(self, memory: range, image: Layout) -> None:
        page = memory.start
        for segment in image.segments:
            self.store_bytes(DRAM_BASE + page * PAGE_BYTES + segment.va % PAGE_BYTES, segment.data)
            page += len(segment.pages)

    def expected_map(self, enclave: Enclave) -> dict[int, tuple[int, int]]:
        """Virtual page number to (page index, permissions R/W/X) of an enclave, as abi.h lays it out."""
        mapping: dict[int, tuple[int, int]] = {}
        page = iter(enclave.memory)
        for s in enclave.layout.segments:
            rwx = (R if s.flags & 4 else 0) | (R | W if s.flags & 2 else 0) | (X if s.flags & 1 else 0)
            mapping |= {vpn: (next(page), rwx or R) for vpn in s.pages}
        top = ABI.YZ_ENCLAVE_STACK_TOP // PAGE_BYTES
        mapping |= {vpn: (next(page), R | W) for vpn in range(top - enclave.stack_pages, top)}
        heap = enclave.layout.end_va // PAGE_BYTES
        mapping |= {heap + i: (p, R | W) for i, p in enumerate(page)}
        shm = ABI.YZ_ENCLAVE_SHM_VA // PAGE_BYTES
        return mapping | {shm + i: (p, R | W) for i, p in enumerate(enclave.shared)}

    def destroy(self, eid: int) -> int:
        """YZ_HOST_DESTROY_ENCLAVE, and what an exit or a fault does."""
        enclave = self.enclaves.pop(eid, None)
        if enclave is None:
            return ABI.YZ_ERR_NO_ENCLAVE
        self.words.reshape(-1, PTES)[enclave.memory.start : enclave.memory.stop] = 0
        self.owner[enclave.memory.start : enclave.memory.stop] = HOST
        lent = {p for e in self.enclaves.values() for p in e.shared}
        for page in set(enclave.shared) - lent:
            self.owner[page] = HOST
        self.pool_free += enclave.tables
        self.generation[enclave.slot] += 1
        return 0

    def stop(self, eid: int) -> int:
        """YZ_HOST_STOP_ENCLAVE."""
        return self._move(eid, {"runnable": "stopped"})

    def run(self, eid: int) -> int:
        """YZ_HOST_RUN_ENCLAVE."""
        return self._move(eid, {"fresh": "running"})

    def resume(self, eid: int, reason: int) -> int:
        """YZ_HOST_RESUME_ENCLAVE."""
        moves = [{"runnable": "running"}, {"stopped": "runnable"}, {"ocalling": "running"}]
        if eid in self.enclaves and reason > 2:
            return ABI.SBI_ERR_INVALID_PARAM
        return self._move(eid, moves[min(reason, 2)])

    def _move(self, eid: int, moves: dict[str, str]) -> int:
        enclave = self.enclaves.get(eid)
        if enclave is None:
            return ABI.YZ_ERR_NO_ENCLAVE
        if enclave.state not in moves:
            return ABI.YZ_ERR_STATE
        enclave.state = moves[enclave.state]
        return 0
