# SPDX-License-Identifier: Apache-2.0
"""The seams between a block and the two ends of a path of lines.

Conventions. ``stream.Signature`` where there is back-pressure. A *pulse* is a port that is 1 for one cycle, its
companions valid in that cycle only. Idle: 0. A line number counts from the start of memory
(:class:`yingzhou.geometry.LineSpace`).
"""

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import BEAT_BITS, LINE_BITS, LINE_BYTES, LineSpace

# Memory port. Addresses are line numbers from the start of memory (config.line_bits).


class MemoryClient(wiring.Signature):
    """A user of the memory port. Whole lines only.

    ``read``       : stream, line number to read.
    ``beat``       : pulse, one beat of the oldest read not yet complete: ``beat_index`` 0 to 3, ``beat_data``,
                     ``beat_error`` (RRESP was not OKAY). Always taken.
    ``write``      : stream, line number and 512 bits.
    ``write_done`` : pulse, the oldest write not yet answered is done; ``write_error``: BRESP was not OKAY.

    A read accepted after a write to the same line was accepted (from any client) returns what was written.
    """

    def __init__(self, config: LineSpace):
        super().__init__(
            {
                "read": Out(stream.Signature(config.line_bits)),
                "beat": In(1),
                "beat_index": In(2),
                "beat_data": In(BEAT_BITS),
                "beat_error": In(1),
                "write": Out(stream.Signature(data.StructLayout({"line": config.line_bits, "data": LINE_BITS}))),
                "write_done": In(1),
                "write_error": In(1),
            }
        )


# Front to Lines.

TAG_BITS_FOR_READ = 6 + 6 + 3 + 2 + 1
"""Offset of the first byte in the line, beats less one, size, burst type, last chunk of its burst."""


def line_op(config: LineSpace, tag_bits: int) -> data.StructLayout:
    """One operation on a line.

    ``id``      : AXI identifier; reads of one identifier are answered in order.
    ``write``   : 1 write, 0 read.
    ``outside`` : the address is not in memory: answer with an error, touch nothing.
    ``line``    : line number.
    ``data``, ``strobe`` : for a write, 512 bits and a bit a byte. A write of no bytes still answers.
    ``tag``     : comes back with the answer.
    """
    return data.StructLayout(
        {
            "id": config.id_width,
            "write": 1,
            "outside": 1,
            "line": config.line_bits,
            "data": LINE_BITS,
            "strobe": LINE_BYTES,
            "tag": tag_bits,
        }
    )


def read_answer(config: LineSpace, tag_bits: int) -> data.StructLayout:
    """A line that was read: plaintext, or zeros with ``error``."""
    return data.StructLayout({"id": config.id_width, "tag": tag_bits, "error": 1, "data": LINE_BITS})


class LineOps(wiring.Signature):
    """Front's side of Lines.

    ``op``         : stream of :func:`line_op`.
    ``read``       : stream of :func:`read_answer` back.
    ``write_done`` : pulse, a write is complete, in any order; ``write_tag``, ``write_error``.
    """

    def __init__(self, config: LineSpace, tag_bits: int):
        super().__init__(
            {
                "op": Out(stream.Signature(line_op(config, tag_bits))),
                "read": In(stream.Signature(read_answer(config, tag_bits))),
                "write_done": In(1),
                "write_tag": In(tag_bits),
                "write_error": In(1),
            }
        )
