# SPDX-License-Identifier: Apache-2.0
"""MAC lines on chip: set-associative, written back when they must go."""

from typing import Final

from amaranth import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from yingzhou.geometry import BEAT_BITS, BEATS
from yingzhou.parts.queue import Picker, Queue

from .config import MAC_BITS, MmtConfig
from .line_memory import read_request, write_request
from .signature import JobKind

WAYS_MAX: Final = 4


def entry_bits(config: MmtConfig) -> int:
    """Width of an entry number in bits; set and way."""
    return exact_log2(config.mac_cache_lines)


def mac_want(config: MmtConfig) -> data.StructLayout:
    """``slot`` wants the MAC line ``line`` of ``tree``. ``early``: it will, but has no counter and holds none yet."""
    return data.StructLayout({"slot": config.slot_bits, "tree": config.tree_bits, "line": config.line_bits, "early": 1})


def sweep(config: MmtConfig) -> data.StructLayout:
    """FLUSH, RELEASE or DROP of the MAC lines of ``tree``."""
    return data.StructLayout({"kind": JobKind, "tree": config.tree_bits})


class MacCache(wiring.Component):
    """Finds, fetches and writes back MAC lines, one at a time; fetched lines may come later, several on the way.

    A MAC needs no check of its own: a line that does not fit its MAC is refused, whoever changed which of the two.

    Ports
    -----
    want         : stream of :func:`mac_want`. Always ready for one of each slot, and one that is early. Early ones
                   are fetched if there is a place, and not heard of again.
    found        : pulse: the line that ``found_slot`` wants is ``found_entry``, which stays while ``held`` says so.
                   ``found_ready``: its MACs can be read from the next cycle on; otherwise it is on the way.
                   ``found_failed``: DRAM failed in this very cycle.
    filled       : pulse: ``filled_entry`` came from DRAM. ``failed``: DRAM failed.
    held         : for each slot: it needs an entry, ``entries``; such an entry is never a victim.
    read_entry, read_word : which MAC to read; ``mac`` has it one cycle later.
    store        : stream: write a MAC into a held entry. Waits at most for beats to the same place.
    fill         : stream of lines to fetch.
    beat, beat_entry, beat_index, beat_data, beat_error : what comes; ``beat_error`` counts with index 3.
    write, written, write_error : lines to write, and pulse when one is done.
    sweep        : stream of FLUSH, RELEASE or DROP of a tree; ``swept`` pulse at its end with ``sweep_failed``.
                   Entries that are held or on the way are waited for before they leave.
    hit, miss    : pulse: a wanted line was here or on the way; a line is fetched.
    """

    def __init__(self, config: MmtConfig):
        self._config = config
        slot, entry = config.slot_bits, entry_bits(config)
        store = data.StructLayout({"entry": entry, "word": 3, "mac": MAC_BITS})
        super().__init__(
            {
                "want": In(stream.Signature(mac_want(config))),
                "found": Out(1),
                "found_slot": Out(slot),
                "found_entry": Out(entry),
                "found_ready": Out(1),
                "found_failed": Out(1),
                "filled": Out(1),
                "filled_entry": Out(entry),
                "failed": Out(1),
                "held": In(config.slots),
                "entries": In(data.ArrayLayout(entry, config.slots)),
                "read_entry": In(entry),
                "read_word": In(3),
                "mac": Out(MAC_BITS),
                "store": In(stream.Signature(store)),
                "fill": Out(stream.Signature(read_request(config, entry))),
                "beat": In(1),
                "beat_entry": In(entry),
                "beat_index": In(2),
                "beat_data": In(BEAT_BITS),
                "beat_error": In(1),
                "write": Out(stream.Signature(write_request(config))),
                "written": In(1),
                "write_error": In(1),
                "sweep": In(stream.Signature(sweep(config))),
                "swept": Out(1),
                "sweep_failed": Out(1),
                "hit": Out(1),
                "miss": Out(1),
            }
        )
        self.ways = min(WAYS_MAX, config.mac_cache_lines)
        self.sets = config.mac_cache_lines // self.ways
        self.tag = data.StructLayout({"tree": config.tree_bits, "line": config.line_bits})

    def _set_of(self, line: Value) -> Value:
        """Fold the page into the set, so that lines at the same place of several pages lie apart."""
        bits = exact_log2(self.sets)
        return line[:bits] ^ line[bits : 2 * bits] if bits else C(0, 1)

    def elaborate(self, platform):
        m = Module()
        self._macs(m)
        self._control(m)
        return m

    def _macs(self, m: Module) -> None:
        """The MACs: a bank for each beat, read for a slot and, apart from that, for what is written back."""
        evict_entry, evict_read = Signal(entry_bits(self._config)), Signal()
        """Left at the ports of the banks until the next eviction."""
        self._evict_entry, self._evict_read = evict_entry, evict_read
        word, store = Signal(3), self.store
        m.d.sync += word.eq(self.read_word)
        found_words = []
        for number in range(BEATS):
            m.submodules[f"bank{number}"] = bank = memory.Memory(
                shape=BEAT_BITS, depth=self._config.mac_cache_lines, init=[]
            )
            write, read, evict = bank.write_port(granularity=MAC_BITS), bank.read_port(), bank.read_port()
            with m.If(self.beat & (self.beat_index == number)):
                m.d.comb += [write.addr.eq(self.beat_entry), write.data.eq(self.beat_data), write.en.eq(~0)]
            with m.Elif(store.valid & (store.p.word[1:] == number)):
                m.d.comb += [
                    write.addr.eq(store.p.entry),
                    write.data.eq(store.p.mac.replicate(2)),
                    write.en.eq(Cat(~store.p.word[0], store.p.word[0])),
                    store.ready.eq(1),
                ]
            m.d.comb += [
                read.addr.eq(self.read_entry),
                evict.addr.eq(evict_entry),
                evict.en.eq(evict_read),
                self.write.p.data.word_select(number, BEAT_BITS).eq(evict.data),
            ]
            found_words.append(read.data)
        m.d.comb += self.mac.eq(Cat(*found_words).word_select(word, MAC_BITS))

    def _control(self, m: Module) -> None:
        config, ways, sets = self._config, self.ways, self.sets
        valid, dirty, loading = (Signal(config.mac_cache_lines, name=name) for name in ("valid", "dirty", "loading"))

        m.submodules.queue = queue = Queue(mac_want(config), 2 * config.slots)
        wiring.connect(m, wiring.flipped(self.want), queue.i)
        want = queue.o.p
        # A want that comes to an empty queue is looked up while it enters.
        next_line = Mux(queue.o.valid, want.line, self.want.p.line)
        now, sweeping = Signal(sweep(config)), Signal()
        unwritten = Signal(range(2 * config.slots + 1))
        """Writes that DRAM has not answered."""

        early = Signal(range(2 * config.slots + 1))
        """Queued wants that are early."""
        m.d.sync += early.eq(
            early
            + (self.want.valid & self.want.ready & self.want.p.early)
            - (queue.o.valid & queue.o.ready & want.early)
        )

        # The set that is looked at: the wanted line's, or the sweep's.
        sweep_set, index = Signal(range(max(2, sets))), Signal(range(max(2, sets)))
        m.d.comb += index.eq(Mux(sweeping, sweep_set, self._set_of(next_line)))
        tags, tag_write = [], []
        for way in range(ways):
            m.submodules[f"tags{way}"] = bank = memory.Memory(shape=self.tag, depth=max(2, sets), init=[])
            write, read = bank.write_port(), bank.read_port()
            m.d.comb += [write.addr.eq(index), write.data.tree.eq(want.tree), write.data.line.eq(want.line)]
            m.d.comb += read.addr.eq(index)
            tags.append(read.data)
            tag_write.append(write.en)

        def of_set(vector: Value) -> Value:
            return vector.word_select(index, ways) if sets > 1 else vector

        def entry(way: Value) -> Value:
            return Cat(way, index)[: entry_bits(config)] if sets > 1 else way

        way_bits = exact_log2(ways)
        in_set = [Cat(C(way, way_bits), index)[: entry_bits(config)] for way in range(ways)]
        pinned = Cat(
            Cat(self.held[slot] & (self.entries[slot] == in_set[way]) for slot in range(config.slots)).any()
            for way in range(ways)
        )
        fixed = Signal(ways)
        m.d.comb += fixed.eq(pinned | of_set(loading))

        matches, hit_way = Signal(ways), Signal(way_bits)
        m.d.comb += matches.eq(of_set(valid) & Cat((tag.line == want.line) & (tag.tree == want.tree) for tag in tags))
        for way in range(ways):
            with m.If(matches[way]):
                m.d.comb += hit_way.eq(way)
        empty = ~of_set(valid) & ~fixed
        m.submodules.victims = victims = Picker(ways)
        m.d.comb += victims.requests.eq(Mux(empty.any(), empty, ~fixed))
        chosen = Signal(way_bits)
        chosen_entry = Signal(entry_bits(config))
        m.d.comb += chosen_entry.eq(entry(chosen))

        # What a sweep finds in its set.
        mine = of_set(valid) & Cat(tag.tree == now.tree for tag in tags)
        keep = now.kind == JobKind.FLUSH_MACS
        work = Signal(ways)
        m.d.comb += work.eq(mine & Mux(keep, of_set(dirty), ~0))
        work_way = Signal(way_bits)
        for way in reversed(range(ways)):
            with m.If(work[way]):
                m.d.comb += work_way.eq(way)
        tag_of = Array(tags)
        evicted = Signal(self.tag)
        failed = Signal()

        # Fills and stores change what the control below reads; it comes later, and wins where both speak of an entry.
        m.d.comb += [
            self.filled.eq(self.beat & (self.beat_index == BEATS - 1)),
            self.filled_entry.eq(self.beat_entry),
            self.failed.eq(self.filled & self.beat_error),
        ]
        with m.If(self.filled):
            m.d.sync += loading.bit_select(self.beat_entry, 1).eq(0)
            with m.If(self.beat_error):
                m.d.sync += valid.bit_select(self.beat_entry, 1).eq(0)
        with m.If(self._evict_read):
            m.d.sync += dirty.bit_select(chosen_entry, 1).eq(0)
        with m.If(self.store.valid & self.store.ready):
            # Also in the cycle in which the line is read to be flushed: then this MAC is not in it.
            m.d.sync += dirty.bit_select(self.store.p.entry, 1).eq(1)
        just_filled = self.filled & (self.beat_entry == self.found_entry)
        m.d.comb += [
            self.found_slot.eq(want.slot),
            self.found_ready.eq(self.hit & (~loading.bit_select(self.found_entry, 1) | just_filled)),
            self.found_failed.eq(self.failed & just_filled),
            self._evict_entry.eq(chosen_entry),
            self.sweep_failed.eq(failed),
        ]
        m.d.sync += unwritten.eq(unwritten + (self.write.valid & self.write.ready) - self.written)
        with m.If(self.written & self.write_error):
            m.d.sync += failed.eq(1)

        with m.FSM():
            with m.State("IDLE"):
                # What is wanted early is fetched before: afterwards the tree may be gone.
                m.d.comb += self.sweep.ready.eq(early == 0)
                with m.If(self.sweep.valid & self.sweep.ready):
                    m.d.sync += [now.eq(self.sweep.p), sweeping.eq(1), sweep_set.eq(0), failed.eq(0)]
                    m.next = "SWEEP"
                with m.Elif(queue.o.valid | self.want.valid):
                    m.next = "COMPARE"
            with m.State("COMPARE"):
                with m.If(matches.any()):
                    m.d.comb += [
                        self.found.eq(~want.early),
                        self.found_entry.eq(entry(hit_way)),
                        self.hit.eq(~want.early),
                        queue.o.ready.eq(1),
                    ]
                    m.next = "IDLE"
                with m.Elif(victims.any):
                    m.d.comb += victims.taken.eq(1)
                    m.d.sync += [chosen.eq(victims.index), evicted.eq(tag_of[victims.index])]
                    m.next = "FILL"
                    with m.If((of_set(valid) & of_set(dirty)).bit_select(victims.index, 1)):
                        m.next = "EVICT"
                with m.Elif(want.early):
                    m.d.comb += queue.o.ready.eq(1)
                    m.next = "IDLE"
            with m.State("EVICT"):
                m.d.comb += self._evict_read.eq(1)
                m.next = "WRITE"
            with m.State("WRITE"):
                m.d.comb += self.write.valid.eq(unwritten != 2 * config.slots)
                with m.If(self.write.valid & self.write.ready):
                    m.next = "FILL"
                    with m.If(sweeping):
                        m.next = "SWEEP"
            with m.State("FILL"):
                m.d.comb += [self.fill.valid.eq(1), self.found_entry.eq(chosen_entry)]
                with m.If(self.fill.ready):
                    m.d.comb += [
                        self.found.eq(~want.early),
                        self.miss.eq(1),
                        Array(tag_write)[chosen].eq(1),
                        queue.o.ready.eq(1),
                    ]
                    m.d.sync += [
                        valid.bit_select(chosen_entry, 1).eq(1),
                        dirty.bit_select(chosen_entry, 1).eq(0),
                        loading.bit_select(chosen_entry, 1).eq(1),
                    ]
                    m.next = "IDLE"
            with m.State("SWEEP"):
                m.next = "SWEEP_SET"
            with m.State("SWEEP_SET"):
                m.d.sync += [chosen.eq(work_way), evicted.eq(tag_of[work_way])]
                with m.If(~work.any()):
                    m.next = "SWEEP"
                    m.d.sync += sweep_set.eq(sweep_set + 1)
                    with m.If(sweep_set == sets - 1):
                        m.next = "SWEPT"
                with m.Elif(keep | ~fixed.bit_select(work_way, 1)):
                    with m.If((now.kind != JobKind.DROP_MACS) & of_set(dirty).bit_select(work_way, 1)):
                        m.next = "EVICT"
                    with m.Else():
                        m.d.sync += valid.bit_select(entry(work_way), 1).eq(0)
            with m.State("SWEPT"):
                with m.If(unwritten == 0):
                    m.d.comb += self.swept.eq(1)
                    m.d.sync += sweeping.eq(0)
                    m.next = "IDLE"
        m.d.comb += [
            self.fill.p.owner.eq(chosen_entry),
            self.fill.p.line.eq(want.line),
            self.write.p.about.tree.eq(evicted.tree),
            self.write.p.about.root.eq(evicted.tree == config.root_tree),
            self.write.p.about.line.eq(evicted.line),
        ]
