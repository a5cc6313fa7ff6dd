# SPDX-License-Identifier: Apache-2.0
"""Any sequence of calls leaves monitor and model in the same state (hypothesis, stateful).

threat: F04, F06, F07, F08, F10, F11, M37, M43, D08
"""

import hypothesis.strategies as st
from hypothesis import note, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tb.models.abi import ABI
from tb.models.monitor_tables import HOST, SHARED
from yingzhou.soc.memory_map import DEVICES, DRAM_BASE, PAGE_BYTES, PROTECTED_BASE

from .native import ELF, HPT, LEAF, MEMORY, NODE_PAGES, NODES, POOL, SCRATCH, SHM, pte
from .pair import Pair, tiny_elf

DRAM_PAGES = 4096
END = DRAM_BASE + DRAM_PAGES * PAGE_BYTES
SUPERPAGE = DRAM_BASE + 0xC0_0000

tables = st.sampled_from([HPT + i * PAGE_BYTES for i in range(8)])
slots = st.builds(lambda t, i: t + 4 * i, tables, st.integers(0, 6) | st.sampled_from([1022, 1023]))
odd_addresses = st.sampled_from([
    0, 4, DRAM_BASE, DRAM_BASE - 4, END - 4, END, 0xFFFF_FFFC, HPT - 4, HPT + 8 * PAGE_BYTES, POOL, MEMORY, SHM,
    HPT + 2,
    PROTECTED_BASE + (HPT - DRAM_BASE), DEVICES["uart"].base,
])  # fmt: skip
locations = slots | slots | slots | odd_addresses
frames = st.sampled_from([
    SCRATCH, MEMORY, MEMORY + PAGE_BYTES, SHM, ELF, SUPERPAGE, SUPERPAGE + PAGE_BYTES, HPT, LEAF, LEAF + PAGE_BYTES,
    LEAF + 2 * PAGE_BYTES, DRAM_BASE, POOL, END - PAGE_BYTES, END, 0, DEVICES["sim"].base, DEVICES["guard"].base,
    PROTECTED_BASE, PROTECTED_BASE + (MEMORY - DRAM_BASE), DRAM_BASE + 0x40_0000, 0x3_8000_0000,
])  # fmt: skip
flags = st.sampled_from([0xCF, 0xDF, 0xC7, 0xC3, 0x01, 0x41, 0x11, 0x21, 0x00, 0xCE, 0x05, 0x0D, 0x09, 0x3CB, 0x81])
entries = st.builds(pte, frames, flags) | st.builds(pte, frames, flags) | st.integers(0, (1 << 32) - 1)
sizes = st.sampled_from([0, 4, 8, 12, 64, 4096, 4100, 2, 8192, 0xFFFF_FFFC, 0xFFFF_FFFF])
orders = st.integers(0, 4) | st.sampled_from([31, 32, 0xFFFF_FFFF])


class MonitorMachine(RuleBasedStateMachine):
    """Host calls, host stores and enclave life in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair(DRAM_PAGES)

    def teardown(self) -> None:
        self.pair.close()

    @property
    def _eids(self) -> list[int]:
        return [*self.pair.model.enclaves, 0, 16, 0xFFFF_FFFF, 0x7FFF_FFFF]

    @initialize(ready=st.sampled_from([True, True, True, False]))
    def start(self, ready: bool) -> None:
        self.pair.write(ELF, tiny_elf())
        if ready:
            self.pair.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * PAGE_BYTES, 0, 0, 0)
            self.pair.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0)
            self.pair.host(ABI.YZ_HOST_SATP, 1 << 31 | HPT >> 12)
            self.pair.lend_nodes(NODES[0], MEMORY)
            self.pair.host(ABI.YZ_HOST_MEMORY_EXTEND, POOL, 16 * PAGE_BYTES)

    @precondition(lambda self: not self.pair.running)
    @rule(
        pa=st.sampled_from([HPT, HPT, SHM, 0, 0xFFFF_F000, DRAM_BASE]),
        size=st.sampled_from([0x8000, 0x1000, 0, 0x3000]),
    )
    def sm_init(self, pa: int, size: int) -> None:
        self.pair.host(ABI.YZ_HOST_SM_INIT, pa, size, 0, 0, 0)

    @precondition(lambda self: not self.pair.running)
    @rule(order=orders, leaf=st.sampled_from([0, 0, 0, 1]))
    def separate(self, order: int, leaf: int) -> None:
        self.pair.host(ABI.YZ_HOST_PT_AREA_SEPARATION, order, leaf)

    @precondition(lambda self: not self.pair.running)
    @rule(
        pa=st.sampled_from([END - 0x4000, SUPERPAGE, POOL, HPT, END, MEMORY]),
        pages=st.sampled_from([1, 4, 3]),
        level=st.integers(0, 2),
    )
    def hpt_extend(self, pa: int, pages: int, level: int) -> None:
        self.pair.host(ABI.YZ_HOST_HPT_EXTEND, pa, pages * PAGE_BYTES, level)

    @precondition(lambda self: not self.pair.running)
    @rule(pa=st.sampled_from([POOL + 0x1_0000, SUPERPAGE, POOL, HPT, MEMORY]), pages=st.sampled_from([1, 4, 16, 3]))
    def memory_extend(self, pa: int, pages: int) -> None:
        self.pair.host(ABI.YZ_HOST_MEMORY_EXTEND, pa, pages * PAGE_BYTES)

    @precondition(lambda self: not self.pair.running)
    @rule(
        pa=st.sampled_from([*NODES, NODES[0] + PAGE_BYTES, NODES[1], SUPERPAGE, MEMORY, HPT, END, DRAM_BASE]),
        pages=st.sampled_from([NODE_PAGES, NODE_PAGES, NODE_PAGES, NODE_PAGES - 1, 0, 1 << 20]),
        served=st.sampled_from([SUPERPAGE, SUPERPAGE, MEMORY, HPT, SCRATCH, END, 0, ELF + 4]),
    )
    def mmt_extend(self, pa: int, pages: int, served: int) -> None:
        self.pair.host(ABI.YZ_HOST_MMT_EXTEND, pa, pages * PAGE_BYTES & 0xFFFF_FFFF, served)

    @precondition(lambda self: not self.pair.running)
    @rule(pa=locations, value=entries)
    def set_one(self, pa: int, value: int) -> None:
        self.pair.host(ABI.YZ_HOST_SET_PTE, ABI.YZ_PTE_SET_ONE, pa, value, 0)

    @precondition(lambda self: not self.pair.running)
    @rule(pa=locations, value=st.sampled_from([0, 0, 0, 1]), size=sizes)
    def set_zero(self, pa: int, value: int, size: int) -> None:
        self.pair.host(ABI.YZ_HOST_SET_PTE, ABI.YZ_PTE_MEMSET, pa, value, size)

    @precondition(lambda self: not self.pair.running)
    @rule(to=locations, source=locations | st.just(SCRATCH), size=sizes, words=st.lists(entries, max_size=4))
    def copy(self, to: int, source: int, size: int, words: list[int]) -> None:
        self.pair.words(SCRATCH, *words, *[0] * (4 - len(words)))
        self.pair.host(ABI.YZ_HOST_SET_PTE, ABI.YZ_PTE_MEMCPY, to, source, size)

    @precondition(lambda self: not self.pair.running)
    @rule(
        array=st.sampled_from([SCRATCH, SCRATCH, SCRATCH, SHM, SCRATCH + 2, HPT, END - 8, MEMORY, 0xFFFF_FFF8]),
        updates=st.lists(st.tuples(locations, entries), min_size=1, max_size=6),
        count=st.none() | st.sampled_from([0, 1024, 1025, 0xFFFF_FFFF]),
    )
    def batch_set(self, array: int, updates: list[tuple[int, int]], count: int | None) -> None:
        self._array(array, updates)
        self.pair.host(ABI.YZ_HOST_SET_PTE, ABI.YZ_PTE_BATCH_SET, array, len(updates) if count is None else count, 0)

    @precondition(lambda self: not self.pair.running)
    @rule(array=st.just(SCRATCH), updates=st.lists(st.tuples(locations, sizes), min_size=1, max_size=4))
    def batch_zero(self, array: int, updates: list[tuple[int, int]]) -> None:
        self._array(array, updates)
        self.pair.host(ABI.YZ_HOST_SET_PTE, ABI.YZ_PTE_BATCH_ZERO, array, len(updates), 0)

    def _array(self, array: int, updates: list[tuple[int, int]]) -> None:
        if array % 4 == 0 and self.pair.model.owner_at(array) in (HOST, SHARED) and array < END - PAGE_BYTES:
            self.pair.words(array, *[word for update in updates for word in update])

    @precondition(lambda self: not self.pair.running)
    @rule(pa=slots | odd_addresses, table=tables | odd_addresses)
    def split(self, pa: int, table: int) -> None:
        self.pair.host(ABI.YZ_HOST_MAP_PTE, pa, table)

    @precondition(lambda self: not self.pair.running)
    @rule(slot=slots, table=st.integers(2, 7), flags=st.sampled_from([0xCF, 0xC3, 0xDB]))
    def superpage_then_split(self, slot: int, table: int, flags: int) -> None:
        self.pair.host(ABI.YZ_HOST_SET_PTE, ABI.YZ_PTE_SET_ONE, HPT + slot % PAGE_BYTES, pte(SUPERPAGE, flags), 0)
        self.pair.host(ABI.YZ_HOST_SET_PTE, ABI.YZ_PTE_MEMSET, HPT + table * PAGE_BYTES, 0, PAGE_BYTES)
        self.pair.host(ABI.YZ_HOST_MAP_PTE, HPT + slot % PAGE_BYTES, HPT + table * PAGE_BYTES)

    @precondition(lambda self: not self.pair.running)
    @rule(frame=frames, mode=st.sampled_from([1, 1, 1, 0]), asid=st.integers(0, 511))
    def satp(self, frame: int, mode: int, asid: int) -> None:
        self.pair.host(ABI.YZ_HOST_SATP, mode << 31 | asid << 22 | frame >> 12 & 0x3FFFFF)

    @precondition(lambda self: not self.pair.running)
    @rule(
        memory=st.sampled_from([MEMORY, MEMORY + 0x8000, SUPERPAGE, SHM, ELF, DRAM_BASE, END - PAGE_BYTES, HPT]),
        pages=st.sampled_from([8, 6, 4, 3, 0, 1 << 19]),
        stack=st.sampled_from([1, 2, 0]),
        shm=st.sampled_from([SHM, SHM, SHM + PAGE_BYTES, MEMORY, POOL, END]),
        shm_pages=st.sampled_from([1, 2, 0, 17]),
        elf=st.sampled_from([ELF, ELF, ELF, ELF + 4, ELF + 1, END - 64, HPT]),
        params=st.sampled_from([SCRATCH, SCRATCH, SCRATCH, SCRATCH + 0xFE4, SCRATCH + 2, HPT, MEMORY]),
        version=st.sampled_from([1, 1, 1, 2]),
    )
    def create(self, memory, pages, stack, shm, shm_pages, elf, params, version) -> None:
        words = [
            version,
            elf,
            len(tiny_elf()),
            memory,
            pages * PAGE_BYTES,
            stack * PAGE_BYTES,
            shm,
            shm_pages * PAGE_BYTES,
        ]
        if params in (SCRATCH, SCRATCH + 0xFE4):
            self.pair.words(params, *[w & 0xFFFF_FFFF for w in words])
        note(str(self.pair.create(params)))

    @precondition(lambda self: not self.pair.running)
    @rule(memory=st.sampled_from([MEMORY, MEMORY + 0x8000, SUPERPAGE]), shm=st.sampled_from([SHM, SHM + PAGE_BYTES]))
    def create_good(self, memory: int, shm: int) -> None:
        self.create(memory, 6, 1, shm, 1, ELF, SCRATCH, 1)

    @precondition(lambda self: not self.pair.running)
    @rule(data=st.data())
    def destroy(self, data: st.DataObject) -> None:
        self.pair.host(ABI.YZ_HOST_DESTROY_ENCLAVE, data.draw(st.sampled_from(self._eids)))

    @precondition(lambda self: not self.pair.running)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        self.pair.host(ABI.YZ_HOST_STOP_ENCLAVE, data.draw(st.sampled_from(self._eids)))

    @precondition(lambda self: not self.pair.running and self.pair.model.enclaves)
    @rule(data=st.data(), how=st.sampled_from(["timer", "yield", "ocall", "exit", "fault", "broken"]))
    def slice_of_life(self, data: st.DataObject, how: str) -> None:
        """Enter any live enclave in the way its state asks for, and come back."""
        eid = data.draw(st.sampled_from(list(self.pair.model.enclaves)))
        state = self.pair.model.enclaves[eid].state
        if state == "lost":
            self.pair.enter(ABI.YZ_HOST_RESUME_ENCLAVE, eid, 0)
            return
        if state == "stopped":
            self.pair.enter(ABI.YZ_HOST_RESUME_ENCLAVE, eid, ABI.YZ_RESUME_STOP)
        if state == "fresh":
            self.pair.enter(ABI.YZ_HOST_RUN_ENCLAVE, eid)
        else:
            self.pair.enter(ABI.YZ_HOST_RESUME_ENCLAVE, eid, 2 if state == "ocalling" else 0, 7)
        self.pair.leave(how, 13, 2, 3)

    @precondition(lambda self: not self.pair.running)
    @rule(data=st.data(), run=st.booleans(), reason=st.sampled_from([0, 0, 1, 2, 2, 3]))
    def enter(self, data: st.DataObject, run: bool, reason: int) -> None:
        function = ABI.YZ_HOST_RUN_ENCLAVE if run else ABI.YZ_HOST_RESUME_ENCLAVE
        self.pair.enter(function, data.draw(st.sampled_from(self._eids)), reason, 99)

    @precondition(lambda self: self.pair.running)
    @rule(
        how=st.sampled_from(["timer", "yield", "ocall", "ocall", "exit", "fault", "broken"]),
        number=st.integers(0, 15).filter(lambda n: n not in (8, 9)),
    )
    def leave(self, how: str, number: int) -> None:
        self.pair.leave(how, number, 2, 3)

    @invariant()
    def same_records(self) -> None:
        self.pair.check_records()


MonitorMachine.TestCase.settings = settings(stateful_step_count=40)
TestMonitor = MonitorMachine.TestCase
