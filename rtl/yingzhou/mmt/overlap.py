# SPDX-License-Identifier: Apache-2.0
"""Whether a subtree may be mounted where its metadata lies: no line of memory may have two uses."""

from amaranth import *

from yingzhou.geometry import LINE_LOG

from .config import MmtConfig
from .mount_table import MountTable
from .place import Places


class Overlap:
    """Compares the lines and the metadata of a subtree with memory, with the meta zone, and with one mounted subtree.

    Combinational. All ranges are counted in lines, exactly: a page may hold the end of one range and the start of
    another.

    Attributes
    ----------
    subtree, page : the subtree, and the page of its metadata, one bit wider than needed.
    other         : number of the mount table entry to compare with.
    beyond        : the metadata does not end within memory.
    fixed         : the metadata meets the subtree's own lines or the meta zone, or the lines meet the meta zone.
    mounted       : the metadata meets lines or metadata of ``other``, or the lines meet its metadata. 0 when ``other``
                    is not in use or is the subtree itself.
    """

    def __init__(self, m: Module, config: MmtConfig, places: Places, table: MountTable):
        self.subtree = Signal(config.subtree_bits, name="overlap_subtree")
        self.page = Signal(config.page_bits + 1, name="overlap_page")
        self.other = Signal(config.tree_bits, name="overlap_other")
        self.beyond, self.fixed, self.mounted = (Signal(name=f"overlap_{n}") for n in ("beyond", "fixed", "mounted"))
        bits = config.line_bits + 1
        metadata_lines = config.metadata_bytes >> LINE_LOG

        def signal(name: str, value: Value) -> Signal:
            made = Signal(bits, name=f"overlap_{name}")
            m.d.comb += made.eq(value)
            return made

        def meet(first: Value, first_lines: int, second: Value, second_lines: int) -> Value:
            return (first < second + second_lines) & (second < first + first_lines)

        def lines_of(subtree: Value) -> Value:
            return (subtree << config.subtree_line_bits)[: config.line_bits]

        other = table.at(self.other)
        lines, metadata = signal("lines", lines_of(self.subtree)), signal("metadata", places.first_line(self.page))
        zone = signal("zone", places.first_line(table.settings.root_page))
        other_lines = signal("other_lines", lines_of(other.subtree))
        other_metadata = signal("other_metadata", places.first_line(other.page))
        own, root_lines = config.subtree_lines, config.root_bytes >> LINE_LOG
        m.d.comb += [
            self.beyond.eq(metadata + metadata_lines > config.size >> LINE_LOG),
            self.fixed.eq(
                meet(metadata, metadata_lines, lines, own)
                | meet(metadata, metadata_lines, zone, root_lines)
                | meet(lines, own, zone, root_lines)
            ),
            self.mounted.eq(
                other.mounted
                & other.valid
                & (other.subtree != self.subtree)
                & (
                    meet(metadata, metadata_lines, other_lines, own)
                    | meet(metadata, metadata_lines, other_metadata, metadata_lines)
                    | meet(lines, own, other_metadata, metadata_lines)
                )
            ),
        ]
