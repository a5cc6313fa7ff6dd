# SPDX-License-Identifier: Apache-2.0
"""Reference model of the monitor, last part: enclave life on top of tables and metadata, from docs/monitor-abi.md.

The image of DRAM holds what an enclave sees of its pages, and what the host sees of all others. Contents of the
enclave-table pool are not modelled; tests walk those tables.
"""

from dataclasses import dataclass

import numpy as np

from yingzhou.soc.memory_map import DRAM_BASE, PAGE_BYTES

from .abi import ABI
from .elf32 import ElfError, Layout, layout
from .monitor_nodes import SUBTREE_PAGES, NodesMonitor
from .monitor_tables import ENCLAVE, HOST, PTES, SHARED, TABLE, R, W, X


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


class Monitor(NodesMonitor):
    """A monitor after boot on ``dram_pages`` pages of DRAM, all zero."""

    def __init__(self, dram_pages: int, engine: bool = True):
        super().__init__(dram_pages, engine)
        self.enclaves: dict[int, Enclave] = {}
        self.generation = [1] * ABI.YZ_MAX_ENCLAVES
        self.pool_free = 0

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
        error = self.check_claim(pages) or self.check_nodes(pages)
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
        error = self.check_claim(memory) or self.check_nodes(memory)
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
        if enclave.state != "lost":
            self._give_back(enclave)
        self.generation[enclave.slot] += 1
        return 0

    def break_subtree(self, number: int) -> None:
        """A check failed in a subtree: enclaves with memory there are lost, and all when it holds tables."""
        for enclave in list(self.enclaves.values()):
            tables = np.flatnonzero(self.owner == TABLE) // SUBTREE_PAGES == number
            if enclave.state != "lost" and (number in self.subtrees_of(enclave.memory) or tables.any()):
                self._give_back(enclave)
                enclave.state = "lost"
                enclave.memory = enclave.shared = range(0)
                enclave.tables = 0

    def _give_back(self, enclave: Enclave) -> None:
        """Everything an enclave holds is the host's again."""
        self.words.reshape(-1, PTES)[enclave.memory.start : enclave.memory.stop] = 0
        self.owner[enclave.memory.start : enclave.memory.stop] = HOST
        self.touched |= set(enclave.memory)
        lent = {p for e in self.enclaves.values() if e is not enclave for p in e.shared}
        for page in set(enclave.shared) - lent:
            self.owner[page] = HOST
        self.pool_free += enclave.tables
        self.release_nodes(enclave.memory)

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
        if enclave.state == "lost":
            return ABI.YZ_ERR_INTEGRITY
        if enclave.state not in moves:
            return ABI.YZ_ERR_STATE
        enclave.state = moves[enclave.state]
        return 0
