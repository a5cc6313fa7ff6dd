# SPDX-License-Identifier: Apache-2.0
"""The monitor's own sources, built for this computer with address and undefined-behaviour sanitizers, as a process.

``sw/monitor/native/serve.c`` is the other end of the pipe. A sanitizer report or an access that the HAL's contract
forbids ends the process; the next command then raises :class:`NativeCrash` with what it said.
"""

import os
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tb.models.abi import ABI
from yingzhou.soc.memory_map import BOOT_ARGS, DRAM_BASE, PAGE_BYTES, PROTECTED_BASE
from yingzhou_sim.cache import cached, digest
from yingzhou_sim.firmware import generate_headers
from yingzhou_sim.paths import SW

MONITOR: Final = SW / "monitor"
_FLAGS: Final = (
    "-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
    "-DYZ_NATIVE",
)  # fmt: skip
ECALL_S, ECALL_U, ILLEGAL, LOAD_ACCESS, LOAD_PAGE = 9, 8, 2, 5, 13
INTERRUPT_STI: Final = 1 << 31 | 5
INTERRUPT_MEI: Final = 1 << 31 | 11
MPP_U, MPP_S = 0, 1 << 11
CSR: Final = {
    "sstatus": 0x100, "sie": 0x104, "stvec": 0x105, "scounteren": 0x106, "senvcfg": 0x10A, "sscratch": 0x140,
    "sepc": 0x141, "scause": 0x142, "stval": 0x143, "stimecmp": 0x14D, "stimecmph": 0x15D, "satp": 0x180,
    "mstatus": 0x300, "medeleg": 0x302, "mideleg": 0x303, "mie": 0x304, "mcounteren": 0x306, "menvcfgh": 0x31A,
    "pmpcfg0": 0x3A0, "pmpaddr0": 0x3B0, "mvendorid": 0xF11, "marchid": 0xF12, "mimpid": 0xF13,
}  # fmt: skip
LOAD, STORE, CSR_WRITE, DEVICE_WRITE, TLB_FLUSH, INSTRUCTION_FENCE = range(1, 7)


def build(folder: Path = MONITOR) -> Path:
    """Return the executable of the monitor sources in ``folder`` (a mutation gives its own copy)."""
    sources = [*sorted(folder.glob("*.c")), *sorted((folder / "native").glob("*.c"))]
    headers = [*sorted(folder.rglob("*.h")), *sorted((SW / "include" / "yz").glob("*.h"))]
    generated = generate_headers()
    key = digest([*_FLAGS, generated, *sources, *headers])

    def make(out: Path) -> None:
        includes = [f"-I{path}" for path in (SW / "include", generated, folder, folder / "native")]
        lenient = [] if folder == MONITOR else ["-Wno-error"]  # a mutation may leave a variable unused
        command = ["gcc", *_FLAGS, *lenient, *includes, *map(str, sources), "-o", str(out / "monitor")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"native build of the monitor failed:\n{done.stderr}")

    return cached("native-monitor", key, make) / "monitor"


class NativeCrash(AssertionError):
    """The native monitor ended: a sanitizer report, or a broken contract of hal.h."""


@dataclass(frozen=True)
class Outcome:
    """Registers after a trap: ``x[0]`` is the program counter; ``stop`` the exit code of a stopped machine."""

    x: tuple[int, ...]
    mstatus: int
    stop: int | None

    @property
    def error(self) -> int:
        """a0 as a signed number."""
        return self.x[10] - (1 << 32 if self.x[10] >> 31 else 0)

    @property
    def value(self) -> int:
        """a1."""
        return self.x[11]

    @property
    def result(self) -> tuple[int, int]:
        """Error and value."""
        return self.error, self.value


@dataclass(frozen=True)
class Subtree:
    """A subtree of the memory engine: first metadata page by index and counts of pages as the monitor keeps them, then
    what the engine holds (``page`` is a physical page number)."""

    metadata: int
    secure_pages: int
    node_pages: int
    valid: int
    locked: int
    page: int
    generation: int


class Native:
    """One monitor on one machine.

    Parameters
    ----------
    dram_pages : int
        Size of DRAM in 4 KiB pages.
    checker : int
        Walk checker that the machine has: 0 none, 1 gpt, 2 bitmap.
    areas : int
        Area entries of the guard.
    engine : int
        Memory engine: 0 none, 1 there, 2 never starts, 3 fails its self-test.
    executable : Path or None
        Another build than the one of ``sw/monitor``.
    """

    def __init__(
        self, dram_pages: int = 4096, checker: int = 1, areas: int = 8, engine: int = 1, executable: Path | None = None
    ):
        self._process = subprocess.Popen(
            [executable or build()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"},
        )  # fmt: skip
        self.reset(dram_pages, checker, areas, engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _ask(self, name: str, *words: int, data: bytes = b"", answer: int = 0) -> bytes:
        assert self._process.stdin and self._process.stdout and self._process.stderr
        try:
            self._process.stdin.write(name.encode() + struct.pack(f"<{len(words)}I", *words) + data)
            self._process.stdin.flush()
            got = self._process.stdout.read(answer)
        except BrokenPipeError:
            got = b""
        if len(got) != answer or self._process.poll() is not None:
            raise NativeCrash(self._process.stderr.read().decode(errors="replace") or "the native monitor ended")
        return got

    def _words(self, name: str, *words: int, count: int, data: bytes = b"") -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self._ask(name, *words, data=data, answer=4 * count))

    def _outcome(self, words: Sequence[int]) -> Outcome:
        self.last = Outcome(tuple(words[:32]), words[32], words[34] if words[33] else None)
        return self.last

    def reset(self, dram_pages: int = 4096, checker: int = 1, areas: int = 8, engine: int = 1) -> Outcome:
        """Power on: DRAM all zero, the monitor booted; returns the host's first registers."""
        self.dram_pages, self.engine = dram_pages, engine
        return self._outcome(self._words("R", dram_pages, checker, areas, engine, count=35))

    def trap(self, cause: int, *, tval: int = 0, mpp: int = MPP_S, x: Sequence[int] | None = None) -> Outcome:
        """Take a trap from mode ``mpp`` with registers ``x`` (default: those after the last one)."""
        return self._outcome(self._words("T", *(x or self.last.x), cause, tval, mpp, count=35))

    def call(self, extension: int, function: int, *arguments: int, mpp: int = MPP_S) -> Outcome:
        """Make an ecall, from S-mode unless ``mpp`` says U; registers that carry nothing hold marks."""
        x = [0x5000_0000 + 0x0101_0101 * i & 0xFFFF_FFFF for i in range(32)]
        x[0] = 0x8040_0000
        x[10 : 10 + len(arguments)] = [a & 0xFFFF_FFFF for a in arguments]
        x[16:18] = function, extension
        return self.trap(ECALL_S if mpp == MPP_S else ECALL_U, mpp=mpp, x=x)

    def host(self, function: int, *arguments: int) -> tuple[int, int]:
        """Call the monitor's host extension; returns error and value. Arguments not given are 0."""
        return self.call(ABI.YZ_EXT_HOST, function, *arguments, *[0] * (5 - len(arguments))).result

    def read(self, pa: int, size: int) -> bytes:
        """Read DRAM behind the monitor's back, or through the protected window as an enclave would."""
        return self._ask("p" if pa >= PROTECTED_BASE else "r", pa, size, answer=size)

    def write(self, pa: int, data: bytes) -> None:
        """Write DRAM behind the monitor's back, or through the protected window as an enclave would."""
        self._ask("q" if pa >= PROTECTED_BASE else "w", pa, len(data), data=data)

    def tamper(self, pa: int) -> None:
        """Flip a bit of DRAM behind everybody's back."""
        self.write(pa, bytes([self.read(pa, 1)[0] ^ 1]))

    def visit(self, pa: int) -> bool:
        """Load a word at ``pa`` of the protected window as an enclave does; False when the engine refuses."""
        return self._words("V", pa, count=1) == (1,)

    def refuse_store(self) -> None:
        """Let memory refuse a store of whoever runs."""
        self._ask("W")

    def break_root_tree(self) -> None:
        """Let the engine find its root tree broken."""
        self._ask("K")

    def set_subtree_generation(self, subtree: int, generation: int) -> None:
        """Pretend that a subtree was freed ``generation`` times."""
        self._ask("g", subtree, generation)

    def refuse_cleaning(self, count: int) -> None:
        """Let the next ``count`` CLEANs of the cache find a line that memory refuses."""
        self._ask("k", count)

    def fail_cache(self, kind: int) -> None:
        """Let the cache record a failure of this kind (llc.rdl)."""
        self._ask("j", kind)

    def lose_stores(self, first: int, length: int = 1) -> None:
        """Let stores among the accesses from number ``first`` on be acknowledged and then refused by memory."""
        self._ask("l", first, length)

    def subtrees(self) -> list[Subtree]:
        """Return what monitor and engine know about each subtree of DRAM."""
        raw = self._words("S", count=128 * 3 + 128 * 4)
        ours, theirs = raw[: 128 * 3], raw[128 * 3 :]
        count = -(-self.dram_pages // 1024)
        return [Subtree(*ours[3 * i : 3 * i + 3], *theirs[4 * i : 4 * i + 4]) for i in range(count)]

    def read_words(self, pa: int, count: int) -> tuple[int, ...]:
        """Read ``count`` words of DRAM."""
        return struct.unpack(f"<{count}I", self.read(pa, 4 * count))

    def write_words(self, pa: int, *words: int) -> None:
        """Write words of DRAM."""
        self.write(pa, struct.pack(f"<{len(words)}I", *words))

    def csr(self, name: str | int) -> int:
        """Read a CSR by name or number."""
        return self._words("C", CSR[name] if isinstance(name, str) else name, count=1)[0]

    def set_csr(self, name: str | int, value: int) -> None:
        """Write a CSR as the host or hardware would."""
        self._ask("c", CSR[name] if isinstance(name, str) else name, value)

    def dirty(self) -> list[int]:
        """Pages the monitor has written since the last time this was asked."""
        (count,) = self._words("D", count=1)
        return list(struct.unpack(f"<{count}I", self._take(4 * count)))

    def _take(self, size: int) -> bytes:
        assert self._process.stdout
        return self._process.stdout.read(size)

    def fault(self, at: int, length: int = 1) -> None:
        """Let memory accesses ``at`` to ``at + length - 1`` of each later trap end in an access fault."""
        self._ask("F", at, length)

    def no_fault(self) -> None:
        """Let every access succeed again."""
        self.fault(0xFFFF_FFFF, 0)

    def accesses(self) -> int:
        """Memory accesses of the last trap."""
        return self._words("N", count=1)[0]

    def race(self, pa: int, value: int) -> None:
        """Let the word at ``pa`` become ``value`` right after the monitor has loaded it once."""
        self._ask("X", pa, value)

    def records(self) -> tuple[list[int], list[tuple[int, int]]]:
        """Return the page records and the chunks (foreign, supers)."""
        raw = self._words("P", count=self.dram_pages + 2 * 128)
        chunks = raw[self.dram_pages :]
        return list(raw[: self.dram_pages]), list(zip(chunks[::2], chunks[1::2], strict=True))

    def set_generation(self, slot: int, generation: int) -> None:
        """Pretend that enclave ``slot`` has lived ``generation - 1`` times."""
        self._ask("E", slot, generation)

    def guard(self) -> tuple[int, ...]:
        """Return the guard's registers by word offset."""
        return self._words("G", count=0x400)

    def bitmap(self) -> list[bool]:
        """Return the bits of the ownership bitmap, one a page."""
        raw = int.from_bytes(self._ask("B", answer=self.dram_pages // 8), "little")
        return [bool(raw >> i & 1) for i in range(self.dram_pages)]

    def log(self) -> list[tuple[int, int, int]]:
        """What the last trap did, in order: (operation, address, value); at most 65536 entries."""
        _, count = self._words("L", count=2)
        raw = struct.unpack(f"<{3 * count}I", self._take(12 * count))
        return list(zip(raw[::3], raw[1::3], raw[2::3], strict=True))

    def console(self) -> bytes:
        """Take what was sent to the UART."""
        (count,) = self._words("O", count=1)
        return self._take(count)

    def type(self, data: bytes, *, busy: bool = False) -> None:
        """Give the UART input; ``busy`` keeps its transmitter from taking anything."""
        self._ask("I", len(data) | busy << 31, data=data)


HPT: Final = DRAM_BASE + 0x60_0000
"""Page tables of :func:`ready`: 2 root pages, then 6 leaf pages."""
LEAF: Final = HPT + 2 * PAGE_BYTES
SCRATCH: Final = BOOT_ARGS
"""A host page that tests put arguments in."""
POOL: Final = DRAM_BASE + 0xA0_0000
"""Enclave tables of :func:`ready`, in the subtree of MEMORY: so that it keeps its metadata."""
ELF: Final = DRAM_BASE + 0x78_0000
MEMORY: Final = DRAM_BASE + 0x80_0000
SHM: Final = DRAM_BASE + 0x90_0000
NODE_PAGES: Final = 145
NODES: Final = (DRAM_BASE + 0x21_0000, DRAM_BASE + 0x2B_0000)
"""Places for metadata; the first is what :func:`ready` lends for the subtree of MEMORY and POOL."""


def ready(native: Native, *, paged: bool = False, pool_pages: int = 0) -> Native:
    """Bring a monitor past SM_INIT and PT_AREA_SEPARATION, with metadata for the subtree of MEMORY, and on request to a
    paged host and a pool for enclaves."""
    assert native.host(ABI.YZ_HOST_SM_INIT, HPT, 8 * PAGE_BYTES) == (0, 0)
    assert native.host(ABI.YZ_HOST_PT_AREA_SEPARATION, 1, 0) == (0, 0)
    if native.engine:
        lend_nodes(native, NODES[0], MEMORY)
    if paged:
        assert native.host(ABI.YZ_HOST_SATP, 1 << 31 | HPT >> 12) == (0, 0)
    if pool_pages:
        assert native.host(ABI.YZ_HOST_MEMORY_EXTEND, POOL, pool_pages * PAGE_BYTES) == (0, 0)
    native.dirty()
    return native


def lend_nodes(native: Native, nodes: int, served: int) -> None:
    """Lend metadata at ``nodes`` for the subtree that holds ``served``."""
    assert native.host(ABI.YZ_HOST_MMT_EXTEND, nodes, NODE_PAGES * PAGE_BYTES, served) == (0, 0)


def protected(pa: int) -> int:
    """Return the address of the same byte in the protected window."""
    return pa + PROTECTED_BASE - DRAM_BASE


def pte(pa: int, flags: int) -> int:
    """Return the entry that points to the page at ``pa``."""
    return pa >> 12 << 10 | flags
