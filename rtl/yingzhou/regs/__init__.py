# SPDX-License-Identifier: Apache-2.0
"""Register blocks from SystemRDL: one source for RTL, C headers, documentation and tests.

``load`` compiles a description of ``rdl/``; ``RegisterBlock`` is the hardware; ``write_c_headers`` and ``write_docs``
make the rest. What part of SystemRDL is understood is listed in ``docs/registers/README.md`` and enforced by
``subset``.
"""

from .block import RegisterBlock
from .c_header import write_c_headers
from .compile import BLOCKS, load
from .docs import write_docs
from .field import Field

__all__ = ["BLOCKS", "Field", "RegisterBlock", "load", "write_c_headers", "write_docs"]
