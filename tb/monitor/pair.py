# SPDX-License-Identifier: Apache-2.0
"""Monitor and model side by side: every call goes to both, and both must agree on the answer and on all of DRAM."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tb.models.abi import ABI, ERROR_NAMES
from tb.models.elf32 import PF_R, PF_W, PF_X, Segment, write
from tb.models.monitor import Monitor
from tb.models.monitor_nodes import SUBTREE_PAGES
from tb.models.monitor_tables import ENCLAVE, HOST, LEAF, NODE, ROOT, SHARED, TABLE, A, D, U, V
from yingzhou.soc.memory_map import DRAM_BASE, PAGE_BYTES, PROTECTED_BASE

from .native import ECALL_U, INTERRUPT_STI, LOAD_ACCESS, MPP_U, NODE_PAGES, Native, Outcome, protected

LEAF_FLAGS = V | U | A | D


def tiny_elf() -> bytes:
    """Return an enclave image of two segments: code at 0x10000, data with a zero tail at 0x20ff0."""
    code, data = bytes(range(256)) * 2, b"enclave data"
    return write(0x10004, [Segment(0x10000, 512, code, PF_R | PF_X), Segment(0x20FF0, 0x30, data, PF_R | PF_W)])


class Pair:
    """A native monitor and its model.

    Parameters
    ----------
    dram_pages : int
        Size of DRAM in pages.
    engine : bool
        The machine has a memory engine.
    executable : Path or None
        Another build of the monitor.
    """

    def __init__(self, dram_pages: int = 4096, engine: bool = True, executable: Path | None = None):
        self.native = Native(dram_pages, engine=int(engine), executable=executable)
        self.model = Monitor(dram_pages, engine)
        self.running = 0

    def close(self) -> None:
        """End the native monitor."""
        self.native.close()

    def write(self, pa: int, data: bytes) -> None:
        """Store as the host: only where the model says it may."""
        pages = range((pa - DRAM_BASE) // PAGE_BYTES, (pa + len(data) - 1 - DRAM_BASE) // PAGE_BYTES + 1)
        assert all(self.model.owner[p] in (HOST, SHARED) for p in pages)
        self.native.write(pa, data)
        self.model.store_bytes(pa, data)

    def words(self, pa: int, *words: int) -> None:
        """Store words as the host."""
        self.write(pa, struct.pack(f"<{len(words)}I", *words))

    def host(self, function: int, *arguments: int) -> int:
        """Call a host function that returns no value; both must give the same error."""
        expected = self._model_call(function, list(arguments))
        error, value = self.native.host(function, *arguments)
        names = ERROR_NAMES.get(error, error), ERROR_NAMES[expected]
        assert error == expected, f"call {function}{tuple(map(hex, arguments))}: monitor {names[0]}, model {names[1]}"
        assert value == 0
        self.check_memory(error)
        return error

    def _model_call(self, function: int, a: Sequence[int]) -> int:
        model = self.model
        calls = {
            ABI.YZ_HOST_SM_INIT: model.sm_init,
            ABI.YZ_HOST_PT_AREA_SEPARATION: model.separate,
            ABI.YZ_HOST_HPT_EXTEND: model.hpt_extend,
            ABI.YZ_HOST_SET_PTE: model.set_pte,
            ABI.YZ_HOST_MAP_PTE: model.split,
            ABI.YZ_HOST_SATP: model.set_satp,
            ABI.YZ_HOST_MEMORY_EXTEND: model.memory_extend,
            ABI.YZ_HOST_DESTROY_ENCLAVE: model.destroy,
            ABI.YZ_HOST_STOP_ENCLAVE: model.stop,
            ABI.YZ_HOST_MMT_EXTEND: model.mmt_extend,
        }
        return calls[function](*a)

    def lend_nodes(self, nodes: int, served: int) -> None:
        """Lend metadata at ``nodes`` for the subtree that holds ``served``."""
        assert self.host(ABI.YZ_HOST_MMT_EXTEND, nodes, NODE_PAGES * PAGE_BYTES, served) == 0

    def create(self, params_pa: int) -> tuple[int, int]:
        """Call CREATE_ENCLAVE."""
        expected = self.model.create(params_pa)
        got = self.native.host(ABI.YZ_HOST_CREATE_ENCLAVE, params_pa)
        assert got == expected, (
            f"create: monitor {ERROR_NAMES.get(got[0])} {got[1]:#x}, model {ERROR_NAMES[expected[0]]}"
        )
        self.check_memory(got[0])
        return got

    def enter(self, function: int, eid: int, reason: int = 0, value: int = 0) -> Outcome:
        """RUN or RESUME; when it succeeds the outcome holds the enclave's registers."""
        if function == ABI.YZ_HOST_RUN_ENCLAVE:
            expected = self.model.run(eid)
        else:
            expected = self.model.resume(eid, reason)
        outcome = self.native.call(ABI.YZ_EXT_HOST, function, eid, reason, value)
        enclave = self.model.enclaves.get(eid)
        if expected == 0 and enclave is not None and enclave.state == "running":
            assert self.native.csr("satp") >> 31 and outcome.mstatus & 3 << 11 == MPP_U
            self.running = eid
            self.check_enclave_map(eid)
        else:
            assert outcome.error == expected and outcome.x[10] >> 31 == (expected < 0)
            assert self.native.csr("satp") == self.model.satp
        return outcome

    def leave(self, how: str, *arguments: int) -> Outcome:
        """Let the running enclave ``timer``, ``yield``, ``ocall``, ``exit`` or ``fault``; check the host's view.

        ``broken``: it loads a word that somebody has changed in DRAM.
        """
        enclave = self.model.enclaves[self.running]
        x = list(self.native.last.x)
        a0, a1, a2 = (*arguments, 0, 0, 0)[:3]
        if how == "broken":
            pa = DRAM_BASE + enclave.memory[a0 % len(enclave.memory)] * PAGE_BYTES
            self.native.tamper(pa)
            assert not self.native.visit(protected(pa))
            outcome = self.native.trap(LOAD_ACCESS, tval=0x1234, mpp=MPP_U, x=x)
            self.model.break_subtree(enclave.memory.start // SUBTREE_PAGES)
        elif how in ("timer", "fault"):
            outcome = self.native.trap(INTERRUPT_STI if how == "timer" else a0, tval=0x1234, mpp=MPP_U, x=x)
        else:
            number = {"yield": ABI.YZ_ENCLAVE_YIELD, "ocall": ABI.YZ_ENCLAVE_OCALL, "exit": ABI.YZ_ENCLAVE_EXIT}[how]
            x[10:13], x[16:18] = [a0, a1, a2], [number, ABI.YZ_EXT_ENCLAVE]
            outcome = self.native.trap(ECALL_U, mpp=MPP_U, x=x)
        reasons = {
            "timer": (ABI.YZ_EXIT_TIMER, 0, 0, 0),
            "yield": (ABI.YZ_EXIT_YIELD, 0, 0, 0),
            "ocall": (ABI.YZ_EXIT_OCALL, a0, a1, a2),
            "exit": (ABI.YZ_EXIT_DONE, a0, 0, 0),
            "fault": (ABI.YZ_EXIT_FAULT, a0, 0, 0),
            "broken": (ABI.YZ_EXIT_INTEGRITY, 1, 0, 0),
        }
        assert outcome.x[10:15] == (0, *reasons[how])
        assert self.native.csr("satp") == self.model.satp
        if how in ("exit", "fault", "broken"):
            self.model.destroy(self.running)
        else:
            enclave.state = "ocalling" if how == "ocall" else "runnable"
        self.running = 0
        self.check_memory(0)
        return outcome

    def check_memory(self, error: int) -> None:
        """DRAM is what the model says; a failed call has written nothing at all."""
        dirty = set(self.native.dirty())
        assert not (error and dirty), f"a call that failed wrote pages {dirty}"
        assert not (error and self.model.touched)
        for page in sorted(dirty | self.model.touched):
            owner, pa = self.model.owner[page], DRAM_BASE + page * PAGE_BYTES
            if owner in (TABLE, NODE):
                continue
            got = self.native.read(protected(pa) if owner == ENCLAVE and self.model.engine else pa, PAGE_BYTES)
            assert got == self.model.bytes_at(pa, PAGE_BYTES), f"page {page:#x} differs"
        self.model.touched.clear()

    def check_records(self) -> None:
        """Owners, tags, mapping counts and chunks are exactly what the model derives from its tables."""
        records, chunks = self.native.records()
        packed = np.array(records, np.int64)
        assert (packed & 15 == self.model.owner).all(), "owners differ"
        assert (packed >> 9 == self.model.mappings()).all(), "mapping counts differ"
        supers = self.model.superpages()
        assert [c[1] for c in chunks[: len(supers)]] == supers.tolist(), "superpage counts differ"
        foreign = (~np.isin(self.model.owner, (HOST, SHARED))).reshape(-1, 1024).sum(axis=1)
        assert [c[0] for c in chunks[: len(foreign)]] == foreign.tolist(), "foreign counts differ"
        for page in np.flatnonzero(self.model.owner == SHARED):
            users = sum(page in e.shared for e in self.model.enclaves.values())
            assert records[page] >> 4 & 31 == users
        for enclave in self.model.enclaves.values():
            assert all(records[p] >> 4 & 31 == enclave.slot + 1 for p in enclave.memory)
        subtrees = self.native.subtrees()
        for number, subtree in enumerate(subtrees):
            owners = self.model.owner[number * SUBTREE_PAGES : (number + 1) * SUBTREE_PAGES]
            if self.model.engine:
                lent = self.model.metadata.get(number, range(0))
                assert subtree.metadata == lent.start and subtree.valid == bool(lent) and not subtree.locked
                assert not lent or subtree.page == (DRAM_BASE >> 12) + lent.start
                assert subtree.secure_pages == np.isin(owners, (ENCLAVE, TABLE)).sum()
                assert subtree.node_pages == (owners == NODE).sum()
                assert not (lent and subtree.node_pages) and not (subtree.secure_pages and not lent)
        used = sum((int(r) & 15) == TABLE and (r >> 4 & 31) != 0 for r in records)
        assert used == sum(e.tables for e in self.model.enclaves.values())

    def check_host_walks(self) -> None:
        """No walk from any root table, in the memory of the native machine, ends outside the host's pages."""
        owner = self.model.owner
        view = {
            p: self.native.read_words(DRAM_BASE + p * PAGE_BYTES, 1024)
            for p in np.flatnonzero(np.isin(owner, (ROOT, LEAF))).tolist()
        }
        for page, entries in view.items():
            for entry in entries:
                if not entry & V:
                    continue
                target = (entry >> 10) - (DRAM_BASE >> 12)
                if owner[page] == ROOT and not entry & 0xE:
                    assert owner[target] == LEAF
                elif owner[page] == ROOT:
                    assert np.isin(owner[target : target + 1024], (HOST, SHARED)).all()
                elif 0 <= target < len(owner):
                    assert owner[target] in (HOST, SHARED) or (owner[target] in (ROOT, LEAF) and entry & 0xE == 2)

    def _table(self, pa: int) -> int:
        """Where tests find a table: without an engine there is one window only."""
        return pa if self.model.engine else pa - PROTECTED_BASE + DRAM_BASE

    def check_enclave_map(self, eid: int) -> None:
        """The tables behind satp map what abi.h says, and nothing else."""
        enclave = self.model.enclaves[eid]
        root = (self.native.csr("satp") & 0x3FFFFF) << 12
        assert root >= PROTECTED_BASE
        found: dict[int, tuple[int, int]] = {}
        raw = ~(PROTECTED_BASE ^ DRAM_BASE)
        for i, pointer in enumerate(self.native.read_words(self._table(root), 1024)):
            if not pointer & V:
                assert pointer == 0
                continue
            table = pointer >> 10 << 12
            assert pointer & 0x3FF == V and table >= PROTECTED_BASE
            assert self.model.owner[(table & raw) - DRAM_BASE >> 12] == TABLE
            for j, entry in enumerate(self.native.read_words(self._table(table), 1024)):
                if entry & V:
                    assert entry & 0x3F1 == LEAF_FLAGS
                    found[i << 10 | j] = entry >> 10, entry & 0xE
        expected = {}
        for vpn, (page, rwx) in self.model.expected_map(enclave).items():
            base = PROTECTED_BASE if self.model.owner[page] == ENCLAVE else DRAM_BASE
            expected[vpn] = (base >> 12) + page, rwx
        assert found == expected
