# SPDX-License-Identifier: Apache-2.0
"""The machine as Verilog, without the hart's body."""

from amaranth.back import verilog

from .config import SocConfig
from .soc import Soc

MODULE = "yz_soc"
"""Verilog module name of the machine."""


def emit_soc(config: SocConfig) -> str:
    """Return the machine as Verilog; the hart in it is an instance of module ``yz_hart``."""
    return verilog.convert(Soc(config), name=MODULE, emit_src=False, strip_internal_attrs=True)
