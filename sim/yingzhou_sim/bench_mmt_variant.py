# SPDX-License-Identifier: Apache-2.0
"""What stands between the last-level cache and DRAM: nothing, or a memory engine of one of the presets."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from yingzhou.geometry import PAGE_LOG
from yingzhou.mmt.config import MmtConfig, preset

from .bench_mmt_build import engine_library, unprotected_library
from .bench_mmt_engine import EngineBench

SPAN: Final = 256 << 20
"""Bytes that the benches and traces use, from address 0."""
_CONTROL, _STATUS, _ROOT_PAGE, _COMMAND, _OP, _ANSWER = 0x10, 0x14, 0x18, 0x20, 0x2C, 0x30
_COUNTS: Final = 0x80
_COUNT_NAMES: Final = "leaf_hit leaf_miss mac_hit mac_miss node_read node_write mount unmount overflow".split()


class Op(IntEnum):
    """Commands that the benches use (rtl/yingzhou/regs/rdl/mmt.rdl)."""

    ALLOC = 1
    FREE = 2
    MOUNT = 3
    UNMOUNT = 4
    FLUSH_ALL = 6
    STATUS = 8


@dataclass(frozen=True)
class Variant:
    """One way from the cache to DRAM. ``config`` None: wires. ``built``: the library, when it is there already."""

    name: str
    config: MmtConfig | None
    built: Path | None = None

    @property
    def memory_bytes(self) -> int:
        """Size of DRAM, sparse."""
        return self.config.size if self.config else 1 << 39

    def library(self) -> Path:
        """Return the library of this variant, built when needed."""
        return self.built or (engine_library(self.config) if self.config else unprotected_library())

    def open(self, lines: Iterable[int] | None = None, *, skip_pauses: bool = True) -> "VariantBench":
        """Return a fresh bench. The subtrees over ``lines`` (None: those of :data:`SPAN`) are allocated."""
        return VariantBench(self, lines, skip_pauses)


def engine(name: str, chosen: str, **overrides: int) -> Variant:
    """Return the variant with the preset ``chosen``."""
    return Variant(name, preset(chosen, **overrides))


VARIANTS: Final[dict[str, Variant]] = {
    variant.name: variant
    for variant in (
        Variant("unprotected", None),
        engine("mmt", "paper"),
        # A root tree of this geometry covers at most 256 GiB.
        engine("vault", "vault", addr_width=38),
        engine("sgx", "sgx"),
    )
}


class VariantBench(EngineBench):
    """A bench that is ready for accesses: keys loaded, engine enabled, subtrees allocated.

    The meta zone begins in the middle of memory, and behind it lie the metadata of the subtrees, in order.
    """

    def __init__(self, variant: Variant, lines: Iterable[int] | None = None, skip_pauses: bool = True):
        super().__init__(variant.library(), variant.memory_bytes, skip_pauses=skip_pauses)
        self.config = config = variant.config
        if config is None:
            return
        self.root_page = config.size >> PAGE_LOG + 1
        self.first_page = self.root_page + -(-config.root_bytes >> PAGE_LOG)
        self.await_register(_STATUS, 1, 1)
        self._write_page(_ROOT_PAGE, self.root_page)
        self.write_register(_CONTROL, 1)
        self.await_register(_STATUS, 2, 2)
        wanted = range(0, SPAN // 64, config.subtree_lines) if lines is None else lines
        for subtree in sorted({line // config.subtree_lines for line in wanted}):
            self.command(Op.ALLOC, subtree)

    def page_of(self, subtree: int) -> int:
        """Return the page where a subtree's metadata begins."""
        assert self.config is not None
        return self.first_page + subtree * self.config.metadata_pages

    def clear(self, subtree: int) -> bool:
        """Return whether no metadata lies in a subtree's own lines."""
        config = self.config
        assert config is not None
        first, last = self.root_page, self.page_of(config.subtrees) - 1
        pages = config.subtree_bytes >> PAGE_LOG
        return (subtree + 1) * pages <= first or subtree * pages > last

    def _write_page(self, offset: int, page: int) -> None:
        self.write_register(offset, page & 0xFFFF_FFFF)
        self.write_register(offset + 4, page >> 32)

    def mounted(self, subtree: int) -> bool:
        """Return whether a subtree is mounted."""
        self.command(Op.STATUS, subtree)
        return bool(self.read_register(_ANSWER) >> 8 & 1)

    def command(self, op: Op, subtree: int = 0) -> int:
        """Have a command carried out; return cycles from the write of its register to the poll that sees its end."""
        assert self.config is not None
        self.write_register(_COMMAND, subtree)
        if op is Op.ALLOC:
            self._write_page(_COMMAND + 4, self.page_of(subtree))
        begin = self.totals.cycles
        self.write_register(_OP, op)
        answer = self.await_register(_ANSWER, 1, 0)
        cycles = self.totals.cycles - begin
        if answer >> 4 & 15:
            raise RuntimeError(f"{op.name} of subtree {subtree} answers {answer >> 4 & 15}, not OK")
        return cycles

    def counts(self) -> dict[str, int]:
        """Return the engine's counters."""
        return {name: self.read_register(_COUNTS + 4 * i) for i, name in enumerate(_COUNT_NAMES)}
