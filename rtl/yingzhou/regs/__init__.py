# SPDX-License-Identifier: Apache-2.0
"""Register blocks from SystemRDL: one source for RTL, C headers, documentation and tests.

``load`` compiles a description of ``rdl/``; ``RegisterBlock`` is the hardware; ``c_header.write_c_headers`` and
``docs.write_docs`` make the rest. What part of SystemRDL is understood is listed in ``docs/registers/README.md`` and
enforced by ``subset``.
"""

from .block import RegisterBlock
from .compile import BLOCKS, load
from .field import Field

__all__ = ["BLOCKS", "Field", "RegisterBlock", "load"]
