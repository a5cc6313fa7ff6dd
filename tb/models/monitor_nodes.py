# SPDX-License-Identifier: Apache-2.0
"""Reference model of the monitor: metadata of the memory engine, written from docs/monitor-abi.md.

Geometry of the default machine: subtrees of 4 MiB with 145 pages of metadata, the meta zone in the monitor's memory.
"""

import numpy as np

from yingzhou.soc.memory_map import PAGE_BYTES

from .abi import ABI
from .monitor_tables import ENCLAVE, HOST, NODE, TABLE, TableMonitor

METADATA_PAGES = 145
SUBTREE_PAGES = 1024


class NodesMonitor(TableMonitor):
    """Tables, and which subtrees have metadata.

    Parameters
    ----------
    dram_pages : int
        Size of DRAM in pages.
    engine : bool
        The machine has a memory engine.
    """

    def __init__(self, dram_pages: int, engine: bool = True):
        super().__init__(dram_pages)
        self.engine = engine
        self.metadata: dict[int, range] = {}
        """Subtree number to the pages of its metadata."""

    @staticmethod
    def subtrees_of(pages: range) -> range:
        """Return the numbers of the subtrees that a range of pages touches."""
        return range(pages.start // SUBTREE_PAGES, (pages.stop - 1) // SUBTREE_PAGES + 1) if pages else range(0)

    def mmt_info(self, what: int) -> tuple[int, int]:
        """YZ_HOST_MMT_INFO: error and value."""
        values = {ABI.YZ_MMT_PAGES: METADATA_PAGES, ABI.YZ_MMT_SUBTREE_LOG: 22}
        if what not in values:
            return ABI.SBI_ERR_INVALID_PARAM, 0
        return 0, values[what] if self.engine else 0

    def mmt_extend(self, pa: int, size: int, served_pa: int) -> int:
        """YZ_HOST_MMT_EXTEND."""
        if not self.engine:
            return ABI.SBI_ERR_NOT_SUPPORTED
        if self.stage != "ready":
            return ABI.YZ_ERR_STATE
        error, pages = self.pages_of(pa, size)
        if error:
            return error
        error, served = self.pages_of(served_pa, PAGE_BYTES)
        if error:
            return error
        number = served.start // SUBTREE_PAGES
        if len(pages) != METADATA_PAGES or number == 0:
            return ABI.YZ_ERR_RANGE
        if number in self.metadata:
            return ABI.YZ_ERR_BUSY
        if any(s == number or s in self.metadata for s in self.subtrees_of(pages)):
            return ABI.YZ_ERR_RANGE
        if (self.owner[number * SUBTREE_PAGES : (number + 1) * SUBTREE_PAGES] == NODE).any():
            return ABI.YZ_ERR_BUSY
        error = self.check_claim(pages)
        if error:
            return error
        kept = self.words.reshape(-1, 1024)[pages.start : pages.stop].copy()
        self._claim(pages, NODE)
        self.words.reshape(-1, 1024)[pages.start : pages.stop] = kept  # metadata is not zeroed
        self.metadata[number] = pages
        return 0

    def check_nodes(self, pages: range) -> int:
        """Error for making ``pages`` secure."""
        missing = self.engine and any(s not in self.metadata for s in self.subtrees_of(pages))
        return ABI.YZ_ERR_NO_NODES if missing else 0

    def release_nodes(self, pages: range) -> None:
        """Give back the metadata of subtrees around ``pages`` that hold nothing secure any more."""
        for number in self.subtrees_of(pages):
            owners = self.owner[number * SUBTREE_PAGES : (number + 1) * SUBTREE_PAGES]
            if number in self.metadata and not np.isin(owners, (ENCLAVE, TABLE)).any():
                lent = self.metadata.pop(number)
                self.owner[lent.start : lent.stop] = HOST
