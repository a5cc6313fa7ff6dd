# SPDX-License-Identifier: Apache-2.0
"""What every unit of Tree works on."""

from typing import NamedTuple

from amaranth import *

from .config import MmtConfig
from .mount_table import MountTable
from .node_cache import NodeCache
from .node_port import NodePort
from .place import Places
from .report import Report


class TreeParts(NamedTuple):
    """The module that Tree's units share, and what they all read and drive in it."""

    m: Module
    config: MmtConfig
    places: Places
    table: MountTable
    cache: NodeCache
    port: NodePort
    report: Report
