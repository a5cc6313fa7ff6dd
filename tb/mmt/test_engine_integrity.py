# SPDX-License-Identifier: Apache-2.0
"""Whatever is changed in memory is noticed before it is used: the engine against an attacker who owns the DRAM.

covers: MMT.LINE_MAC MMT.NODE_MAC MMT.ROOT_TREE MMT.LOCK MMT.VIRGIN MMT.VERDICT_FIRST
"""

from collections.abc import Iterable

import pytest

from tb.bus.bursts import line_read, line_write
from tb.models.mmt_layout import ROOT

from .bench import DENIED, Bench, Op, Record
from .geometries import SMALL, numbers

A, B, C = numbers(SMALL, 3)
LINES = 256
FIRST = A * LINES
"""A line of subtree A."""
REGRESS = pytest.mark.regress
BITS = [pytest.param(range(5, 512, 37), id="some"), pytest.param(range(512), id="every", marks=REGRESS)]


def filled(seed: int = 1, subtrees: Iterable[int] = (A, B)) -> Bench:
    """Return an engine with a few lines written in each subtree, everything flushed and unmounted."""
    bench = Bench(SMALL, seed)
    bench.alloc(subtrees)
    for number in subtrees:
        for line in (0, 1, 2, 17, LINES - 1):
            assert bench.write(number * LINES + line, bench.rng.randbytes(64)).ok
    for number in subtrees:
        bench.expect(Op.UNMOUNT, number)
    bench.flush_all()
    return bench


def push_out_root(bench: Bench, number: int = 40) -> None:
    """Read from other subtrees until the root tree's nodes and MACs over A and B are in no cache."""
    others = [number, number + 70, number + 140]
    bench.alloc(other for other in others if not bench.model.entry(other).valid)
    for other in others:
        for leaf in range(16):
            bench.write(other * LINES + 16 * leaf, bench.rng.randbytes(64))
    bench.flush_all()
    for line in range(0, LINES, 16):
        for other in others:
            assert bench.read(other * LINES + line).ok


def refused(bench: Bench, line: int, *, write: bool = False, times: set[int] | None = None) -> Record:
    """Access a line that was tampered with: an error, zeros, a record, the interrupt, and a lock. Return the record.

    The cycles of the refusal are added to ``times``.
    """
    number = line // LINES
    bench.suspect.add(number)
    before = bench.snapshot()
    result = bench.write(line, bytes(64), 0x00FF) if write else bench.read(line)
    assert not result.ok, f"line {line:#x} was served after it was tampered with"
    if times is not None:
        times.add(result.cycles)
    assert bench.board.irq
    failure = bench.failure()
    assert failure is not None
    if write:
        after = bench.snapshot()
        place = bench.raw(line) // 64 - bench.raw(0) // 64
        assert after.get(place) == before.get(place), "a refused write reached memory"
    again = bench.read(line)
    assert not again.ok, "the subtree is not locked"
    return failure


def recover(bench: Bench, number: int, image: dict[int, bytes]) -> None:
    """Undo the attack and open the subtree again: everything is served as before."""
    bench.restore(image)
    bench.suspect.discard(number)
    bench.record(DENIED)
    bench.expect(Op.UNLOCK, number)
    bench.expect(Op.UNMOUNT, number)
    bench.suspect.discard(number)


@pytest.mark.parametrize("bits", BITS)
def test_every_bit_of_a_line(bits: range):
    """A data line, and what the answer's time tells. threat: M01 M19"""
    bench = filled()
    times = set()
    for bit in bits:
        assert bench.read(FIRST + 1).ok
        image = bench.snapshot([FIRST])
        bench.flip(FIRST, bit)
        bench.suspect.add(A)
        result = bench.read(FIRST)
        assert not result.ok
        times.add(result.cycles)
        assert bench.failure() == Record("LINE_MAC", 0, False, FIRST)
        recover(bench, A, image)
        assert bench.read(FIRST).ok
    assert len(times) == 1, f"the time of the refusal depends on the bit: {sorted(times)}"


def test_every_bit_of_a_mac():
    """threat: M02 M19"""
    bench = filled()
    line, first = bench.mac_place(FIRST)
    times: set[int] = set()
    for bit in range(first, first + 64):
        assert bench.read(FIRST).ok
        bench.expect(Op.UNMOUNT, A)
        image = bench.snapshot([line])
        bench.flip(line, bit)
        assert refused(bench, FIRST, times=times) == Record("LINE_MAC", 0, False, FIRST)
        recover(bench, A, image)
    assert len(times) == 1, f"the time of the refusal depends on the bit: {sorted(times)}"


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("level", (1, 2))
def test_every_bit_of_a_node(level: int, bits: range):
    """The bit by which a child would have no counter yet is answered sooner: it needs no mask. threat: M03 M19"""
    bench = filled()
    place = bench.node_place(FIRST, level)
    times: dict[bool, set[int]] = {False: set(), True: set()}
    for bit in bits:
        assert bench.read(FIRST).ok
        bench.expect(Op.UNMOUNT, A)
        image = bench.snapshot([place])
        bench.flip(place, bit)
        node = bench.model.tree(A).decode(level, bench.peek(place)[:56])
        childless = level > 1 and (node.major, node.counters[0]) == (0, 0)
        assert refused(bench, FIRST, times=times[childless]) == Record("NODE_MAC", level, False, place)
        recover(bench, A, image)
    assert bench.read(FIRST).ok
    assert all(len(alike) <= 1 for alike in times.values()), f"the time of the refusal depends on the bit: {times}"
    assert len(times[True]) == (level > 1 and len(bits) == 512)


@pytest.mark.parametrize("bits", BITS)
def test_every_bit_of_a_root_entry_unmounted(bits: range):
    """A change of the root table is found at the mount; the root tree is locked then, mounted subtrees live on.

    threat: M04 M43
    """
    bench = filled(subtrees=(A, B - 100))
    other = B - 100
    for bit in bits:
        bench.read(other * LINES)
        bench.flip(bench.entry_place(A), bit)
        bench.suspect.add(ROOT)
        assert not bench.read(FIRST).ok
        assert bench.failure() == Record("LINE_MAC", 0, True, bench.entry_place(A))
        assert bench.read(other * LINES).ok, "a mounted subtree does not live on"
        assert bench.command(Op.MOUNT, A).result == "LOCKED"
        bench.reset()
        bench.start()
        bench.alloc((A, other))
        for line in (FIRST, other * LINES):
            assert bench.write(line, bench.rng.randbytes(64)).ok
        bench.expect(Op.UNMOUNT, A)
        bench.flush_all()


@pytest.mark.parametrize("bits", BITS)
def test_a_root_entry_changed_while_mounted(bits: range):
    """The entry on chip is used; when it is to be stored, the line that it belongs to is checked first. threat: M04"""
    bench = filled()
    for bit in bits:
        assert bench.read(FIRST).ok
        bench.flip(bench.entry_place(A), bit)
        assert bench.read(FIRST + 1).ok
        assert bench.write(FIRST, bench.rng.randbytes(64)).ok
        bench.suspect.add(ROOT)
        assert bench.command(Op.UNMOUNT, A).result == "INTEGRITY"
        assert bench.failure() == Record("LINE_MAC", 0, True, bench.entry_place(A))
        bench.reset()
        bench.start()
        bench.alloc((A,))
        for line in (FIRST, FIRST + 1):
            assert bench.write(line, bench.rng.randbytes(64)).ok
        bench.expect(Op.UNMOUNT, A)
        bench.flush_all()


@pytest.mark.parametrize("what", ("mac", "leaf", "top"))
def test_the_root_tree(what: str):
    """MACs and nodes over the root table. threat: M03 M04"""
    bench = filled()
    push_out_root(bench)
    places = {"mac": bench.root_mac_place(A)[0], "leaf": bench.root_place(A, 1), "top": bench.root_place(A, 2)}
    bench.flip(places[what], bench.root_mac_place(A)[1] + 3 if what == "mac" else 77)
    bench.suspect.add(ROOT)
    result = bench.read(FIRST)
    if what == "top" and result.ok:
        pytest.fail("the root tree's top was not read again: use more subtrees to push it out")
    assert not result.ok
    failure = bench.failure()
    assert failure is not None and failure.root
    expected = {"mac": ("LINE_MAC", 0), "leaf": ("NODE_MAC", 1), "top": ("NODE_MAC", 2)}
    assert (failure.kind, failure.level) == expected[what]


def replayable(bench: Bench) -> list[tuple[str, list[int], Record]]:
    """Return, from the line upwards, what an attacker puts back, and the record that he earns with all up to there."""
    mac, _ = bench.mac_place(FIRST)
    root_mac, _ = bench.root_mac_place(A)
    leaf, top, entry = bench.node_place(FIRST, 1), bench.node_place(FIRST, 2), bench.entry_place(A)
    root_leaf, root_top = bench.root_place(A, 1), bench.root_place(A, 2)
    return [
        ("line and MAC", [FIRST, mac], Record("LINE_MAC", 0, False, FIRST)),
        ("leaf", [leaf], Record("NODE_MAC", 1, False, leaf)),
        ("top", [top], Record("NODE_MAC", 2, False, top)),
        ("root entry", [entry, root_mac], Record("LINE_MAC", 0, True, entry)),
        ("root leaf", [root_leaf], Record("NODE_MAC", 1, True, root_leaf)),
        ("root top", [root_top], Record("NODE_MAC", 2, True, root_top)),
    ]


@pytest.mark.parametrize("height", range(7))
def test_replay(height: int):
    """A consistent older state is put back, one level more each time, up to the whole image. threat: M05 M06 M35"""
    bench = filled()
    push_out_root(bench)
    old = bench.snapshot()
    assert bench.write(FIRST, bench.rng.randbytes(64)).ok
    bench.expect(Op.UNMOUNT, A)
    push_out_root(bench)
    push_out_root(bench, 41)
    if height == 6:
        bench.restore(old)
        bench.suspect |= {ROOT, *(number for number in bench.model.subtrees)}
        assert not bench.read(FIRST).ok
        assert bench.failure() is not None
        return
    expected = None
    for _, places, record in replayable(bench)[: height + 1]:
        bench.restore({place: old[place] for place in places})
        expected = record
    bench.suspect |= {A, ROOT}
    assert not bench.read(FIRST).ok
    assert bench.failure() == expected


@pytest.mark.parametrize("equal", (True, False), ids=("equal counters", "other counters"))
@pytest.mark.parametrize("other", (FIRST + 1, FIRST + 17, B * LINES))
def test_splice_a_line(other: int, equal: bool):
    """Line and MAC of one address put at another: same leaf, other leaf, other subtree. threat: M08"""
    bench = filled()
    if not equal:
        assert bench.write(other, bench.rng.randbytes(64)).ok
        bench.expect(Op.UNMOUNT, other // LINES)
    source, first = bench.mac_place(other)
    mac = bench.peek(source)[first // 8 : first // 8 + 8]
    line, first = bench.mac_place(FIRST)
    held = bytearray(bench.peek(line))
    held[first // 8 : first // 8 + 8] = mac
    bench.poke(line, bytes(held))
    bench.poke(FIRST, bench.peek(other))
    assert refused(bench, FIRST) == Record("LINE_MAC", 0, False, FIRST)


def test_splice_a_subtree():
    """Data, MACs and nodes of one subtree put into the places of another. threat: M09"""
    bench = filled()
    for number in (A, B):
        assert bench.write(number * LINES, b"same" * 16).ok
        bench.expect(Op.UNMOUNT, number)
    a, b = bench.model.tree(A).layout, bench.model.tree(B).layout
    pairs = [(a.first_line + i, b.first_line + i) for i in range(LINES)]
    pairs += [(a.first_meta + i, b.first_meta + i) for i in range(a.end_meta - a.first_meta)]
    for to, source in pairs:
        bench.poke(to, bench.peek(source))
    assert refused(bench, FIRST) == Record("NODE_MAC", 2, False, a.first_node[2])


@pytest.mark.parametrize("filling", ("random", "zeros"))
@pytest.mark.parametrize("what", ("line", "line and MAC", "all but the root table"))
def test_spoof(what: str, filling: str):
    """Invented contents; a virgin image of memory is no valid one. threat: M10"""
    bench = filled()
    layout = bench.model.tree(A).layout
    places = {
        "line": [FIRST],
        "line and MAC": [FIRST, layout.first_meta],
        "all but the root table": [*range(FIRST, FIRST + LINES), *range(layout.first_meta, layout.end_meta)],
    }[what]
    for place in places:
        bench.poke(place, bench.rng.randbytes(64) if filling == "random" else bytes(64))
    assert refused(bench, FIRST).kind == ("NODE_MAC" if what.startswith("all") else "LINE_MAC")


def test_a_zeroed_memory():
    """Everything zero, root table and root tree with it. threat: M10"""
    bench = filled()
    push_out_root(bench)
    bench.restore(dict.fromkeys(bench.snapshot(), bytes(64)))
    bench.suspect |= {ROOT, *bench.model.subtrees}
    assert not bench.read(FIRST).ok
    assert bench.failure() is not None


def test_read_before_write():
    """An attacker's bytes in lines, MACs and nodes that were never written are zeros to whoever reads. threat: M11"""
    bench = Bench(SMALL)
    bench.alloc([A])
    layout = bench.model.tree(A).layout
    for place in (*range(FIRST, FIRST + LINES), *range(layout.first_meta, layout.end_meta)):
        bench.poke(place, bench.rng.randbytes(64))
    for line in (0, 1, 100, LINES - 1):
        result = bench.read(FIRST + line)
        assert result.ok and not any(map(any, result.data))
    assert bench.write(FIRST + 100, b"x" * 64, 0xFF).ok
    assert bench.read(FIRST + 100).data[0] == b"x" * 8 + bytes(8)
    assert not any(map(any, bench.read(FIRST + 101).data))
    bench.expect(Op.UNMOUNT, A)
    assert not any(map(any, bench.read(FIRST + 1).data)), "a virgin leaf under a top that is fetched"
    assert not any(map(any, bench.read(FIRST + 101).data))
    assert bench.failure() is None


def test_a_write_is_checked_first():
    """Part of a line whose content, or whose leaf, does not verify: an error, and nothing is written. threat: M20"""
    bench = filled()
    image = bench.snapshot()
    bench.flip(FIRST, 9)
    assert refused(bench, FIRST, write=True) == Record("LINE_MAC", 0, False, FIRST)
    recover(bench, A, image)
    place = bench.node_place(FIRST, 1)
    bench.flip(place, 500)
    bench.suspect.add(A)
    assert not bench.do([line_write(0, bench.addr(FIRST), bytes(64))])[0].ok
    assert bench.failure() == Record("NODE_MAC", 1, False, place)
    assert bench.peek(FIRST) == image[FIRST]


def test_locked_subtree():
    """After a failure the subtree answers errors, also for lines that are whole; others live. threat: M43"""
    bench = filled()
    image = bench.snapshot()
    bench.flip(FIRST, 0)
    refused(bench, FIRST)
    for line in (FIRST + 1, FIRST + 2, FIRST + 17, FIRST + 100):
        assert not bench.read(line).ok
        assert not bench.write(line, bytes(64)).ok
        assert bench.read(B * LINES + 1).ok
        assert bench.write(B * LINES + 2, bench.rng.randbytes(64)).ok
    denied = bench.record(DENIED)
    assert denied is not None and denied.kind == "LOCKED"
    assert bench.expect(Op.STATUS, A).locked
    bench.restore(image)
    assert not bench.read(FIRST).ok, "unlocked without a command"
    recover(bench, A, image)
    assert bench.read(FIRST).ok and bench.read(FIRST + 17).ok


@pytest.mark.parametrize("level", (0, 1, 2), ids=("line", "leaf", "top"))
def test_unlock_checks_again(level: int):
    """What failed once is not kept: a line, or a node, that is as before fails again, and mended it is served.

    threat: M43
    """
    bench = filled()
    place = bench.node_place(FIRST, level) if level else FIRST
    image = bench.snapshot([place])
    bench.flip(place, 100)
    expected = Record("NODE_MAC" if level else "LINE_MAC", level, False, place)
    for _ in range(2):
        assert refused(bench, FIRST) == expected
        bench.expect(Op.UNLOCK, A)
    bench.restore(image)
    bench.suspect.discard(A)
    bench.record(DENIED)
    assert bench.read(FIRST).ok and bench.read(FIRST + 17).ok


def test_lock_survives_unmount():
    """threat: M43"""
    bench = filled()
    image = bench.snapshot()
    bench.flip(FIRST, 0)
    refused(bench, FIRST)
    bench.restore({FIRST: image[FIRST]})
    bench.expect(Op.UNMOUNT, A)
    bench.expect(Op.MOUNT, A)
    assert not bench.read(FIRST).ok
    bench.expect(Op.UNLOCK, A)
    bench.suspect.discard(A)
    assert bench.read(FIRST).ok


def test_memory_errors():
    """An error of memory is a failure, not a hang, wherever it strikes. threat: M19 M20"""
    for place in ("line", "mac", "leaf", "top", "write"):
        bench = filled()
        where = {
            "line": FIRST,
            "mac": bench.mac_place(FIRST)[0],
            "leaf": bench.node_place(FIRST, 1),
            "top": bench.node_place(FIRST, 2),
            "write": FIRST,
        }[place]
        bench.suspect.add(A)
        bench.engine.fault(bench.raw(where), "writes" if place == "write" else "reads")
        burst = line_write(0, bench.addr(FIRST), bytes(64)) if place == "write" else line_read(0, bench.addr(FIRST))
        assert not bench.do([burst])[0].ok, place
        failure = bench.failure()
        assert failure is not None and failure.kind == "MEMORY_ERROR", place
        assert bench.read(B * LINES).ok


def test_a_memory_error_concerns_one_line():
    """An access beside a line of MACs that memory fails to deliver is served, whenever it comes. threat: M19 M20"""
    bench = filled()
    bench.engine.fault(bench.raw(bench.mac_place(FIRST)[0]), "reads")
    for wait in range(100):
        assert bench.read(B * LINES).ok
        bench.suspect.add(A)
        failing = bench.issue(line_read(0, bench.addr(FIRST)))
        bench.run(cycles=wait + 1)
        beside = bench.issue(line_read(1, bench.addr(B * LINES)))
        bench.run()
        results = dict(bench.board.results)
        bench.settle()
        assert not results[failing].ok and results[beside].ok, f"{wait} cycles later"
        failure = bench.failure()
        assert failure is not None and (failure.kind, bench.tree_of(failure)) == ("MEMORY_ERROR", A)
        bench.expect(Op.UNLOCK, A)


def test_same_data_differs():
    """The same plaintext is another ciphertext at each write and at each place. threat: M15"""
    bench = Bench(SMALL)
    bench.alloc([A])
    seen = set()
    for _ in range(64):
        assert bench.write(FIRST, b"same" * 16).ok
        seen.add(bench.peek(FIRST))
    assert bench.write(FIRST + 1, b"same" * 16).ok
    seen.add(bench.peek(FIRST + 1))
    assert len(seen) == 65
    blocks = {data[16 * i : 16 * i + 16] for data in seen for i in range(4)}
    assert len(blocks) == 65 * 4
