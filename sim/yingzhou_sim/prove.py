# SPDX-License-Identifier: Apache-2.0
"""``yingzhou prove``: the proofs live with the tests, in ``tb/formal``; this makes them a command."""

import argparse
import importlib
import sys
from types import ModuleType

from .paths import ROOT


def _proofs() -> ModuleType:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module("tb.formal.run")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``yingzhou prove``."""
    _proofs().add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prove and return the exit code: 0 when every property holds and every cover is reached, else 1."""
    return _proofs().run(arguments)
