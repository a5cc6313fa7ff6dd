# SPDX-License-Identifier: Apache-2.0
"""The slow path's own order of things: one service or command after the other, and tidying in between.

A service and the commands that need a mounted subtree share their way: judge, fetch the root entry, compare with what
is mounted, make room in the mount table, install. Refusals are judged in this order (docs/mmt.md has a table by
command), and until ``install`` nothing has changed but what the caches hold and which subtree gave up its entry:

1. NOT_READY, BAD_COMMAND, BAD_ADDRESS (subtree; page of ALLOC)
2. what is known from the mount table: ALREADY_MOUNTED, NOT_MOUNTED, PINNED, and of a mounted subtree 4.
3. LOCKED (root tree)
4. ALREADY_ALLOCATED, NOT_ALLOCATED, EXHAUSTED, LOCKED (services only)
5. OVERLAP (a service: OUTSIDE), TABLE_FULL
"""

from typing import Any

from amaranth import *
from amaranth.hdl import ValueLike
from amaranth.lib import enum

from .config import MmtConfig
from .evict import Evict
from .lookup import Lookup, in_meta_zone
from .mount_table import Match, MountTable
from .node_cache import NodeCache
from .overlap import Overlap
from .recrypt import Recrypt
from .root_entry import RootEntry
from .signature import Command, Kind, Result
from .sweep import Sweep, SweepKind
from .tree_parts import TreeParts
from .unmount import Unmount
from .walk import Walk


class Source(enum.Enum, shape=2):
    """Where what is known of the subtree is: nowhere, in the mount table, or fetched only."""

    NOWHERE = 0
    TABLE = 1
    FETCHED = 2


class Commands:
    """Runs services and commands. Parameters are the parts of Tree that it uses, and its two ports.

    Attributes
    ----------
    mounted, unmounted : pulses, to be counted.
    quiet : no service is asked for and nothing runs.
    """

    def __init__(
        self,
        parts: TreeParts,
        lookup: Lookup,
        evict: Evict,
        walk: Walk,
        recrypt: Recrypt,
        entry: RootEntry,
        sweep: Sweep,
        unmount: Unmount,
        services: Any,
        commands: Any,
    ):
        m, config, places, table, cache, port, report = parts
        self.quiet = Signal(name="commands_quiet")
        self.mounted, self.unmounted = Signal(name="mounted_pulse"), Signal(name="unmounted_pulse")
        settings, fetched = table.settings, entry.entry
        is_service, turn = Signal(name="is_service"), Signal(name="turn_of_commands")
        op = Signal(Command, name="command_op")
        line, write = Signal(config.line_bits, name="service_line"), Signal(name="service_write")
        wide, page = (
            Signal(config.subtree_bits + 1, name="command_subtree"),
            Signal(config.page_bits + 1, name="command_page"),
        )
        subtree = wide[: config.subtree_bits]
        tree, source = Signal(config.tree_bits, name="command_tree"), Signal(Source, name="command_source")
        kind, result = Signal(Kind, name="service_kind"), Signal(Result, name="command_result")
        failed = Signal(name="command_failed")
        found = Match(m, table, "command_mount", subtree)
        overlap = Overlap(m, config, places, table)
        other = Signal(config.tree_bits, name="command_other")
        state, mount_page = table.at(tree), Signal(config.page_bits + 1, name="command_mount_page")
        is_alloc = ~is_service & (op == Command.ALLOC)
        is_free = ~is_service & (op == Command.FREE)
        m.d.comb += [
            mount_page.eq(Mux(is_alloc, page, fetched.page)),
            overlap.subtree.eq(subtree),
            overlap.page.eq(mount_page),
            overlap.other.eq(other),
            entry.subtree.eq(subtree),
        ]
        # The leaf that a service brings.
        line_in_tree = places.line_in_tree(line)
        place = places.leaf(line_in_tree)
        self._status(m, config, table, cache, commands, source, tree, fetched)

        def refuse(service: ValueLike, command: ValueLike) -> None:
            m.d.sync += [kind.eq(service), result.eq(command)]
            m.next = "answer"

        def succeed() -> None:
            m.d.sync += [kind.eq(Kind.NONE), result.eq(Result.OK)]
            m.next = "answer"

        with m.FSM(name="commands"):
            with m.State("idle"):
                m.d.sync += [source.eq(Source.NOWHERE), failed.eq(0), other.eq(0)]
                m.d.comb += [report.forget.eq(1), self.quiet.eq(~services.request.valid)]
                with m.If(services.request.valid & ~(commands.request.valid & turn)):
                    m.d.comb += services.request.ready.eq(1)
                    m.d.sync += [
                        is_service.eq(1),
                        turn.eq(1),
                        line.eq(services.request.payload.line),
                        write.eq(services.request.payload.write),
                        wide.eq(places.subtree(services.request.payload.line)),
                    ]
                    m.next = "judge"
                with m.Elif(commands.request.valid):
                    m.d.comb += commands.request.ready.eq(1)
                    m.d.sync += [
                        is_service.eq(0),
                        turn.eq(0),
                        op.eq(commands.request.payload.op),
                        wide.eq(commands.request.payload.subtree),
                        page.eq(commands.request.payload.page),
                    ]
                    m.next = "judge"
                with m.Elif((cache.free_count < config.levels) & cache.victim_any):
                    # Room for the next walk is made before it is needed.
                    m.d.comb += [evict.start.eq(1), evict.way.eq(cache.victim), evict.drop.eq(1), cache.forget.eq(1)]
                    m.next = "tidy"
            with m.State("tidy"):
                with m.If(evict.done):
                    m.next = "idle"

            with m.State("judge"):
                m.d.sync += [tree.eq(found.tree), source.eq(Mux(found.hit, Source.TABLE, Source.NOWHERE))]
                with m.If(~settings.active):
                    m.d.sync += source.eq(Source.NOWHERE)
                    refuse(Kind.NOT_READY, Result.NOT_READY)
                with m.Elif(is_service):
                    with m.If(in_meta_zone(config, places, settings.root_page, line)):
                        refuse(Kind.OUTSIDE, Result.OK)
                    with m.Elif(found.hit):
                        m.d.comb += [walk.start.eq(1), walk.tree.eq(found.tree), walk.place.eq(place)]
                        m.next = "walk"
                        with m.If(~found.state.valid):
                            m.d.comb += walk.start.eq(0)
                            refuse(Kind.NOT_ALLOCATED, Result.OK)
                        with m.Elif(found.state.locked):
                            m.d.comb += walk.start.eq(0)
                            refuse(Kind.LOCKED, Result.OK)
                    with m.Else():
                        m.next = "fetch"
                with m.Elif(op.as_value() > Command.UNPIN.value):
                    m.d.sync += source.eq(Source.NOWHERE)
                    refuse(Kind.NONE, Result.BAD_COMMAND)
                with m.Elif(op == Command.NOP):
                    m.d.sync += source.eq(Source.NOWHERE)
                    succeed()
                with m.Elif(op == Command.FLUSH_ALL):
                    m.d.sync += [source.eq(Source.NOWHERE), tree.eq(0)]
                    m.next = "flush all"
                with m.Elif((wide >= config.subtrees) | (is_alloc & overlap.beyond)):
                    m.d.sync += source.eq(Source.NOWHERE)
                    refuse(Kind.NONE, Result.BAD_ADDRESS)
                with m.Elif(found.hit):
                    m.next = "mounted"
                with m.Else():
                    with m.Switch(op):
                        with m.Case(Command.ALLOC, Command.FREE, Command.MOUNT, Command.STATUS):
                            m.next = "fetch"
                        with m.Default():
                            refuse(Kind.NONE, Result.NOT_MOUNTED)

            # A command on a subtree that is mounted.
            with m.State("mounted"):
                with m.Switch(op):
                    with m.Case(Command.ALLOC):
                        with m.If(state.valid):
                            refuse(Kind.NONE, Result.ALREADY_ALLOCATED)
                        with m.Elif(state.generation.all()):
                            refuse(Kind.NONE, Result.EXHAUSTED)
                        with m.Else():
                            m.next = "compare"
                    with m.Case(Command.MOUNT):
                        refuse(Kind.NONE, Result.ALREADY_MOUNTED)
                    with m.Case(Command.UNMOUNT, Command.FREE):
                        with m.If(state.pinned):
                            refuse(Kind.NONE, Result.PINNED)
                        with m.Elif(table.root.locked):
                            refuse(Kind.NONE, Result.LOCKED)
                        with m.Elif(is_free & ~state.valid):
                            refuse(Kind.NONE, Result.NOT_ALLOCATED)
                        with m.Else():
                            m.next = "unmount"
                    with m.Case(Command.FLUSH):
                        m.next = "flush"
                        with m.If(table.root.locked):
                            refuse(Kind.NONE, Result.LOCKED)
                    with m.Case(Command.UNLOCK):
                        with m.If(state.locked):
                            m.d.sync += [state.locked.eq(0), state.dirty.eq(1)]
                        succeed()
                    with m.Case(Command.PIN, Command.UNPIN):
                        m.d.sync += state.pinned.eq(op == Command.PIN)
                        succeed()
                    with m.Default():
                        succeed()

            # A subtree that is not.
            with m.State("fetch"):
                m.d.comb += entry.fetch.eq(~table.root.locked)
                m.next = "fetching"
                with m.If(table.root.locked):
                    refuse(Kind.LOCKED, Result.LOCKED)
            with m.State("fetching"):
                with m.If(entry.done):
                    m.next = "fetched"
                    with m.If(~entry.ok):
                        refuse(entry.kind, Result.INTEGRITY)
            with m.State("fetched"):
                m.d.sync += source.eq(Source.FETCHED)
                m.next = "compare"
                with m.If(is_alloc):
                    with m.If(fetched.valid):
                        refuse(Kind.NONE, Result.ALREADY_ALLOCATED)
                    with m.Elif(fetched.generation.all()):
                        # countermeasure: MMT.EXHAUSTED
                        # As everywhere where a counter is all ones: it is refused, never wrapped (evict.py, node.py).
                        refuse(Kind.NONE, Result.EXHAUSTED)
                with m.Elif(~is_service & (op == Command.STATUS)):
                    succeed()
                with m.Elif(~fetched.valid):
                    refuse(Kind.NOT_ALLOCATED, Result.NOT_ALLOCATED)
                with m.Elif(is_free):
                    # Nothing of it will be looked at.
                    m.next = "room"
                with m.Elif(is_service & fetched.locked):
                    refuse(Kind.LOCKED, Result.OK)
            with m.State("compare"):
                m.d.sync += other.eq(other + 1)
                with m.If(overlap.beyond | overlap.fixed | overlap.mounted):
                    refuse(Kind.OUTSIDE, Result.OVERLAP)
                with m.Elif(other == config.mount_entries - 1):
                    m.next = "room"
                    with m.If(source == Source.TABLE):
                        m.next = "install"
            with m.State("room"):
                m.d.sync += tree.eq(table.free.index)
                with m.If(table.free.any):
                    m.next = "install"
                with m.Elif(table.root.locked):
                    refuse(Kind.LOCKED, Result.INTEGRITY)
                with m.Elif(table.victim_any):
                    m.d.comb += [unmount.start.eq(1), unmount.tree.eq(table.victim), table.forget.eq(1)]
                    m.next = "make room"
                with m.Else():
                    refuse(Kind.TABLE_FULL, Result.TABLE_FULL)
            with m.State("make room"):
                with m.If(unmount.done):
                    m.d.comb += self.unmounted.eq(unmount.ok)
                    m.next = "room"
            with m.State("install"):
                m.d.sync += [
                    state.mounted.eq(1),
                    state.hidden.eq(is_free),
                    state.stuck.eq(0),
                    state.subtree.eq(subtree),
                    state.page.eq(mount_page),
                    source.eq(Source.TABLE),
                ]
                with m.If(is_alloc):
                    m.d.sync += [state.valid.eq(1), state.locked.eq(0), state.dirty.eq(1), state.counter.eq(0)]
                with m.Else():
                    m.d.sync += [state.valid.eq(1), state.locked.eq(fetched.locked), state.dirty.eq(0)]
                    m.d.sync += state.counter.eq(fetched.counter)
                with m.If(source == Source.FETCHED):
                    m.d.sync += [state.generation.eq(fetched.generation), state.pinned.eq(0)]
                m.d.comb += [self.mounted.eq(1), table.use.eq(1), table.use_tree.eq(tree)]
                with m.If(is_service):
                    m.next = "start walk"
                with m.Elif(is_free):
                    m.next = "unmount"
                with m.Else():
                    succeed()

            # Services.
            with m.State("start walk"):
                m.d.comb += [walk.start.eq(1), walk.tree.eq(tree), walk.place.eq(place)]
                m.next = "walk"
            with m.State("walk"):
                with m.If(walk.done):
                    m.next = "check"
                    with m.If(~walk.ok):
                        refuse(walk.kind, Result.OK)
                    with m.Elif(write):
                        m.next = "read"
                    with m.Elif(~state.locked):
                        # A read needs nothing more.
                        m.d.comb += [lookup.only_serviced.eq(1), services.done.eq(1), services.ok.eq(1)]
                        m.next = "hold"
            with m.State("read"):
                # From here on only the lookup of this service is taken, so that its counter stays what is seen here.
                m.d.comb += [lookup.only_serviced.eq(1), cache.read.eq(1), cache.read_way.eq(walk.way)]
                with m.If(cache.read_go):
                    m.next = "load"
            with m.State("load"):
                m.d.comb += [lookup.only_serviced.eq(1), port.load.eq(1)]
                m.next = "see"
            with m.State("see"):
                m.d.comb += lookup.only_serviced.eq(1)
                port.select(m, 1, places.line_child(line_in_tree))
                m.d.comb += [recrypt.tree.eq(tree), recrypt.way.eq(walk.way), recrypt.place.eq(place)]
                m.next = "check"
                with m.If(port.counters.exhausted):
                    report.raise_(m, Kind.EXHAUSTED, line, Const(0, 4), Const(0), tree)
                    refuse(Kind.EXHAUSTED, Result.OK)
                with m.Elif(port.counters.overflows):
                    m.d.comb += recrypt.start.eq(1)
                    m.next = "recrypt"
            with m.State("recrypt"):
                with m.If(recrypt.done):
                    m.next = "read"
                    with m.If(~recrypt.ok):
                        refuse(recrypt.kind, Result.OK)
            with m.State("check"):
                m.d.comb += lookup.only_serviced.eq(1)
                with m.If(state.locked):
                    refuse(Kind.LOCKED, Result.OK)
                with m.Else():
                    m.d.comb += [services.done.eq(1), services.ok.eq(1)]
                    m.next = "hold"
            with m.State("hold"):
                m.d.comb += lookup.only_serviced.eq(1)
                with m.If(lookup.answered):
                    m.next = "idle"

            # Commands.
            with m.State("unmount"):
                m.d.comb += [unmount.start.eq(1), unmount.tree.eq(tree), unmount.discard.eq(is_free)]
                m.next = "unmounting"
            with m.State("unmounting"):
                with m.If(unmount.done):
                    m.d.comb += self.unmounted.eq(unmount.ok)
                    m.d.sync += failed.eq(~unmount.ok)
                    m.next = "sum up"
            with m.State("flush all"):
                with m.If(table.root.locked):
                    refuse(Kind.NONE, Mux(failed | report.seen, Result.INTEGRITY, Result.LOCKED))
                with m.Elif(state.mounted):
                    m.next = "flush"
                with m.Else():
                    m.d.sync += tree.eq(tree + 1)
            with m.State("flush"):
                m.d.comb += [sweep.start.eq(1), sweep.tree.eq(tree), sweep.what.eq(SweepKind.FLUSH)]
                m.next = "flushing"
            with m.State("flushing"):
                with m.If(sweep.done):
                    m.d.sync += failed.eq(failed | ~sweep.ok)
                    m.next = "store"
            with m.State("store"):
                m.d.comb += entry.tree.eq(tree)
                with m.If(table.is_root(tree)):
                    m.next = "sum up"
                with m.Elif(state.dirty):
                    m.d.comb += entry.store.eq(1)
                    m.next = "storing"
                with m.Else():
                    m.next = "stored"
            with m.State("storing"):
                with m.If(entry.done):
                    m.d.sync += failed.eq(failed | ~entry.ok)
                    m.next = "stored"
            with m.State("stored"):
                m.next = "sum up"
                with m.If(op == Command.FLUSH_ALL):
                    m.d.sync += tree.eq(tree + 1)
                    m.next = "flush all"
            with m.State("sum up"):
                with m.If(failed | report.seen):
                    refuse(Kind.NONE, Result.INTEGRITY)
                with m.Else():
                    succeed()
            with m.State("answer"):
                with m.If(is_service):
                    m.d.comb += [services.done.eq(1), services.kind.eq(kind)]
                with m.Else():
                    m.d.comb += [commands.done.eq(1), commands.result.eq(result)]
                m.next = "idle"

    @staticmethod
    def _status(
        m: Module,
        config: MmtConfig,
        table: MountTable,
        cache: NodeCache,
        port: Any,
        source: Any,
        tree: Value,
        fetched: Any,
    ) -> None:
        """Show what is known of a command's subtree."""
        state = table.at(tree)
        dirty_node = Cat(way.present & way.dirty & (way.name.tree == tree) for way in cache.ways).any()
        with m.If(source == Source.TABLE):
            m.d.comb += [
                port.status.mounted.eq(state.mounted),
                port.status.valid.eq(state.valid),
                port.status.locked.eq(state.locked),
                port.status.dirty.eq(state.mounted & (state.dirty | dirty_node)),
                port.status.pinned.eq(state.mounted & state.pinned),
                port.status.generation.eq(state.generation),
                port.page.eq(state.page),
            ]
        with m.Elif(source == Source.FETCHED):
            m.d.comb += [
                port.status.valid.eq(fetched.valid),
                port.status.locked.eq(fetched.locked),
                port.status.generation.eq(fetched.generation),
                port.page.eq(fetched.page),
            ]
