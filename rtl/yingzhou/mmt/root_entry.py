# SPDX-License-Identifier: Apache-2.0
"""Root entries between the mount table and the root table in memory (docs/mmt-format.md, section 3)."""

from amaranth import *
from amaranth.hdl import ValueLike
from amaranth.lib import data

from yingzhou.geometry import LINE_BITS

from .config import ENTRIES_PER_LINE_LOG, GENERATION_BITS, LOW_BITS
from .recrypt import Jobs, Recrypt
from .signature import JobKind, Kind
from .tree_parts import TreeParts
from .walk import Walk

ENTRY = data.StructLayout(
    {
        "counter": LOW_BITS,
        "valid": 1,
        "locked": 1,
        "_": 6,
        "page": 32,
        "generation": GENERATION_BITS,
    }
)
ENTRY_BITS = 128


class RootEntry:
    """Fetches and stores root entries, always through the root tree.

    Give ``subtree`` with ``fetch``: ``entry`` is it, until the next fetch. Give ``tree`` with ``store``: the entry of
    this tree is written, and clean. ``done`` pulses with ``ok``, ``kind``; a failure has been reported.
    """

    def __init__(self, parts: TreeParts, walk: Walk, jobs: Jobs, recrypt: Recrypt):
        m, config, places, table, cache, port, report = parts
        self.fetch, self.store, self.done, self.ok = (
            Signal(name=f"entry_{n}") for n in ("fetch", "store", "done", "ok")
        )
        self.kind = Signal(Kind, name="entry_kind")
        self.subtree = Signal(config.subtree_bits, name="entry_subtree_in")
        self.tree = Signal(config.tree_bits, name="entry_tree_in")
        self.entry = Signal(ENTRY, name="entry")
        subtree, tree = Signal(config.subtree_bits, name="entry_subtree"), Signal(config.tree_bits, name="entry_tree")
        storing, virgin = Signal(name="entry_storing"), Signal(name="entry_virgin")
        root_tree = Const(config.root_tree, config.tree_bits)
        line = places.table_line(subtree)
        word = Cat(subtree, Const(0, ENTRIES_PER_LINE_LOG))[:ENTRIES_PER_LINE_LOG]
        child = places.line_child(line)
        counters, request = port.counters, jobs.port.request.payload
        state = table.at(tree)

        new = Signal(ENTRY, name="entry_new")
        for name in ("counter", "valid", "locked", "page", "generation"):
            m.d.comb += getattr(new, name).eq(getattr(state, name))
        content = Signal(LINE_BITS, name="entry_line")
        m.d.comb += content.eq(Mux(virgin, 0, jobs.port.data))

        def fail(kind: ValueLike) -> None:
            m.d.comb += [self.done.eq(1), self.kind.eq(kind)]
            m.next = "idle"

        with m.FSM(name="entry"):
            with m.State("idle"):
                m.d.sync += [subtree.eq(self.subtree), tree.eq(self.tree), storing.eq(self.store)]
                with m.If(self.store):
                    m.d.sync += subtree.eq(table.at(self.tree).subtree)
                with m.If(self.fetch | self.store):
                    m.next = "walk"
            with m.State("walk"):
                # countermeasure: MMT.ROOT_TREE
                m.d.comb += [walk.start.eq(1), walk.tree.eq(root_tree), walk.place.eq(places.leaf(line))]
                m.next = "walking"
            with m.State("walking"):
                with m.If(walk.done):
                    m.next = "read"
                    with m.If(~walk.ok):
                        fail(walk.kind)
            with m.State("read"):
                m.d.comb += [cache.read.eq(1), cache.read_way.eq(walk.way)]
                with m.If(cache.read_go):
                    m.next = "load"
            with m.State("load"):
                m.d.comb += port.load.eq(1)
                m.next = "pair"
            with m.State("pair"):
                port.select(m, 1, child)
                m.d.sync += virgin.eq(counters.low == 0)
                with m.If(storing & counters.exhausted):
                    memory_line = places.first_line(table.settings.root_page) + line
                    report.raise_(m, Kind.EXHAUSTED, memory_line, Const(0, 4), Const(1), root_tree)
                    fail(Kind.EXHAUSTED)
                with m.Elif(storing & counters.overflows):
                    m.d.comb += [recrypt.start.eq(1), recrypt.tree.eq(root_tree), recrypt.way.eq(walk.way)]
                    m.d.comb += recrypt.place.eq(places.leaf(line))
                    m.next = "recrypt"
                with m.Elif(counters.low != 0):
                    m.next = "job"
                with m.Elif(storing):
                    m.next = "step"
                with m.Else():
                    m.d.sync += self.entry.eq(0)
                    m.next = "fetched"
            with m.State("recrypt"):
                with m.If(recrypt.done):
                    m.next = "read"
                    with m.If(~recrypt.ok):
                        fail(recrypt.kind)
            with m.State("job"):
                port.select(m, 1, child)
                m.d.comb += request.old.low.eq(counters.low)
                with m.If(jobs.request(m, JobKind.READ, root_tree, line)):
                    m.next = "job read"
            with m.State("job read"):
                with m.If(jobs.port.done):
                    with m.If(storing):
                        # ``entry`` is left: its fetch may be what makes room in the mount table.
                        m.next = "step"
                    with m.Else():
                        m.d.sync += self.entry.eq(jobs.port.data.word_select(word, ENTRY_BITS))
                        m.next = "fetched"
                    with m.If(~jobs.port.ok):
                        fail(jobs.port.kind)
            with m.State("fetched"):
                m.d.comb += [self.done.eq(1), self.ok.eq(1)]
                m.next = "idle"
            with m.State("step"):
                port.select(m, 1, child)
                m.d.comb += [
                    cache.write.eq(1),
                    cache.write_way.eq(walk.way),
                    cache.write_data.eq(counters.next_node),
                    cache.mark_way.eq(walk.way),
                    cache.soil.eq(cache.write_go),
                ]
                with m.If(cache.write_go):
                    m.next = "write"
            with m.State("write"):
                # ``port.node`` is still the leaf as it was before the step.
                port.select(m, 1, child)
                m.d.comb += [
                    request.old.low.eq(counters.low),
                    request.new.low.eq(counters.next_low),
                    request.data.eq(content),
                    request.data.word_select(word, ENTRY_BITS).eq(new),
                ]
                with m.If(jobs.request(m, JobKind.WRITE, root_tree, line)):
                    # A lock that comes from now on makes it dirty again.
                    m.d.sync += state.dirty.eq(0)
                    m.next = "written"
            with m.State("written"):
                with m.If(jobs.port.done):
                    with m.If(jobs.port.ok):
                        m.next = "fetched"
                    with m.Else():
                        m.d.sync += state.dirty.eq(1)
                        fail(jobs.port.kind)
