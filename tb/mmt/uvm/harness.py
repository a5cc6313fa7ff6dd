# SPDX-License-Identifier: Apache-2.0
"""The shell round the engine, with the AES inputs as probes (:mod:`tb.mmt.probe`)."""

from functools import cache
from typing import Final

from tb.uvm.harness import PROBE_BIT, Widths, shell, widths_of
from yingzhou.mmt.config import MmtConfig
from yingzhou.mmt.ip import MmtIp

from ..probe import PROBES

MODULE: Final = "mmt_harness"
_PROBE_VALIDS: Final = tuple(name for name in PROBES if name.endswith("_valid"))
PROBED: Final = (1 << len(_PROBE_VALIDS)) - 1 << PROBE_BIT
"""Bits of the handshakes of ``m_axi``: some probe is valid."""


@cache
def widths(config: MmtConfig) -> Widths:
    """Return the ports of the engine."""
    block = MmtIp(config)
    for part in (block, block.engine):
        part._MustUse__used = True  # Amaranth warns about a component that is not elaborated
    return widths_of(block)


def verilog(config: MmtConfig) -> str:
    """Return the shell."""
    return shell(MODULE, widths(config), "mmt", PROBES, _PROBE_VALIDS)


__all__ = ["MODULE", "PROBED", "verilog", "widths"]
