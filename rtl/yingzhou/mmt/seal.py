# SPDX-License-Identifier: Apache-2.0
"""Nodes given a MAC and written."""

from typing import Any

from amaranth import *

from yingzhou.geometry import BEAT_BITS, BEATS

from .config import LOW_BITS, MAC_BITS
from .node import MAC_FROM, node_seed
from .place import node_name
from .signature import AesKey, Kind
from .tree_parts import TreeParts


class Seal:
    """Gives the node in ``port.node`` a MAC under a new pair and writes it.

    Give ``tree``, ``level``, ``place`` and ``low``, the pair, with ``start``. ``done`` pulses when memory has taken the
    write. A write that memory answers with an error is reported and locks its tree. ``quiet``: no write is under way.
    """

    def __init__(self, parts: TreeParts, memory: Any, aes: Any):
        m, config, places, table, _, port, report = parts
        self.start, self.done, self.quiet = (Signal(name=f"seal_{n}") for n in ("start", "done", "quiet"))
        self.name = Signal(node_name(config), name="seal_name_in")
        self.low = Signal(LOW_BITS, name="seal_low_in")
        name, mac, block = Signal(node_name(config), name="seal_name"), Signal(MAC_BITS, name="seal_mac"), Signal(128)
        line, root = Signal(config.line_bits, name="seal_line"), Signal(name="seal_root")
        hashed, masked, beat = Signal(name="seal_hashed"), Signal(name="seal_masked"), Signal(range(BEATS + 1))
        asked = Signal(name="seal_asked")
        is_root, page = table.is_root(self.name.tree), table.page(self.name.tree)
        state = table.at(self.name.tree)
        number = places.node_number(is_root, state.subtree, self.name.place, self.name.level)

        depth_log = 2
        late = Array(Signal.like(report.late, name=f"written_{n}") for n in range(1 << depth_log))
        head, tail = Signal(depth_log, name="written_head"), Signal(depth_log, name="written_tail")
        count = Signal(range((1 << depth_log) + 1), name="written_count")
        written = Signal(name="seal_written")
        m.d.comb += self.quiet.eq(count == 0)
        m.d.sync += count.eq(count + written - memory.write_done)
        with m.If(memory.write_done):
            m.d.sync += head.eq(head + 1)
            m.d.comb += [report.late_valid.eq(memory.write_error), report.late.eq(late[head])]

        hash_unit = port.hash
        with m.FSM(name="seal"):
            with m.State("idle"):
                with m.If(self.start):
                    m.d.sync += [
                        name.eq(self.name),
                        root.eq(is_root),
                        line.eq(places.node_line(is_root, page, self.name.place, self.name.level)),
                        block.eq(node_seed(self.low, state.generation, number, is_root, self.name.level)),
                        *(s.eq(0) for s in (mac, hashed, masked, beat, asked)),
                    ]
                    m.next = "mac"
            with m.State("mac"):
                m.d.comb += [
                    aes.request.valid.eq(~asked),
                    aes.request.payload.key.eq(AesKey.MAC),
                    aes.request.payload.block.eq(block),
                    aes.request.payload.tag.eq(1),
                    hash_unit.valid.eq(beat != BEATS),
                    hash_unit.index.eq(beat),
                    hash_unit.data.eq(port.node.word_select(beat[:2], BEAT_BITS)),
                ]
                with m.If(aes.request.ready):
                    m.d.sync += asked.eq(1)
                with m.If(beat != BEATS):
                    m.d.sync += beat.eq(beat + 1)
                terms = Mux(hash_unit.done, hash_unit.value, 0) ^ Mux(aes.done, aes.result[:MAC_BITS], 0)
                m.d.sync += [
                    mac.eq(mac ^ terms),
                    hashed.eq(hashed | hash_unit.done),
                    masked.eq(masked | aes.done),
                ]
                with m.If(hashed & masked):
                    m.next = "write"
            with m.State("write"):
                m.d.comb += [
                    memory.write.valid.eq(count != 1 << depth_log),
                    memory.write.payload.line.eq(line),
                    memory.write.payload.data.eq(Cat(port.node[:MAC_FROM], mac)),
                ]
                with m.If(memory.write.valid & memory.write.ready):
                    m.d.comb += [written.eq(1), self.done.eq(1)]
                    m.d.sync += [
                        tail.eq(tail + 1),
                        late[tail].kind.eq(Kind.MEMORY_ERROR),
                        late[tail].line.eq(line),
                        late[tail].level.eq(name.level),
                        late[tail].root.eq(root),
                        late[tail].tree.eq(name.tree),
                    ]
                    m.next = "idle"
