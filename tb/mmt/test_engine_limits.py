# SPDX-License-Identifier: Apache-2.0
"""Counters at their ends, full tables and answers of memory that come late: the joined engine where nothing is left.

covers: MMT.EXHAUSTED MMT.FRESH MMT.LOCK MMT.MOUNT_ONCE
"""

from dataclasses import replace

import pytest

from tb.bus.bursts import line_read, line_write
from tb.models.mmt import GENERATION_MAX, RootEntry
from tb.models.mmt_layout import ROOT
from tb.models.mmt_tree import ROOT_MAX

from .bench import DENIED, Bench, Op, Record
from .geometries import ALL, SMALL, numbers
from .test_engine_integrity import FIRST, LINES, A, B, filled, push_out_root

MINOR_MAX = 2**24 - 1
MAJOR_MAX = 2**SMALL.major_bits - 1
ARITY = 16


def test_a_leaf_overflows():
    """All lines of the leaf move, those never written become zeros; reads and writes under way see no difference."""
    bench = filled()
    bench.age(A, 1, 0, [MINOR_MAX] + [1] * (ARITY - 1))
    before = bench.read(FIRST + 1).data
    overflows = bench.counts()["overflow"]
    bursts = [line_write(i % 4, bench.addr(FIRST + i % 3), bench.rng.randbytes(64)) for i in range(12)]
    reads = [line_read(i % 4, bench.addr(FIRST + i)) for i in range(ARITY)]
    assert all(result.ok for result in bench.do([*bursts[:6], *reads, *bursts[6:]]))
    assert bench.counts()["overflow"] == overflows + 1
    assert bench.read(FIRST + 1).data != before
    assert not any(map(any, bench.read(FIRST + 9).data))
    bench.flush_all()
    bench.expect(Op.UNMOUNT, A)
    assert all(bench.read(FIRST + i).ok for i in range(ARITY))


@pytest.mark.parametrize("cached", (True, False), ids=("leaf cached", "leaf not cached"))
@pytest.mark.parametrize("stride", (1, ARITY), ids=("one leaf", "one top"))
def test_writes_under_one_node(stride: int, cached: bool):
    """Writes of different lines under one leaf, or under one top, at once: each moves its own counter by one.

    Two of each line, so that a counter that is read before its neighbour's move is stored shows. threat: M25
    """
    bench = filled()
    indices = [stride * turn for turn in range(8)]

    def lows() -> list[int]:
        return [bench.model.tree(A).counter(0, index).low for index in indices]

    if cached:
        assert bench.read(FIRST).ok
    for _ in range(3):
        before = lows()
        writes = [
            line_write(turn % 4, bench.addr(FIRST + index), bench.rng.randbytes(64))
            for turn, index in enumerate([*indices, *indices])
        ]
        assert all(result.ok for result in bench.do(writes))
        assert lows() == [low + 2 for low in before]
        if not cached:
            bench.expect(Op.UNMOUNT, A)
    bench.flush_all()
    assert all(bench.read(FIRST + index).ok for index in indices)


EDGES = [
    pytest.param(name, marks=() if name == "small" else pytest.mark.regress)
    for name in ("small", "one_level", "flat", "deep", "mixed")
]


@pytest.mark.parametrize("name", EDGES)
def test_every_edge_of_a_tree(name: str):
    """The first and the last line of a subtree, and of every node's first and last: each has the right nodes over it.

    In the last subtree of memory, of which nothing else is ever written; memory is compared with the model, and what it
    holds is read back after the subtree was away. Subtrees of one leaf, of many levels, with a narrow top. Sizes that
    are no power of two are refused (test_config.py); the root tree is the one that is not full. threat: M39
    """
    config = ALL[name]
    number = config.subtrees - 1
    first, spans = number * config.subtree_lines, [config.node_lines(level) for level in range(config.levels + 1)]
    ends = {(turn + 1) * span - 1 for span in spans for turn in (0, config.subtree_lines // span - 1)}
    edges = sorted({0, *ends, *(end + 1 for end in ends if end + 1 < config.subtree_lines)})
    bench = Bench(config)
    bench.alloc([number])
    contents = {index: bench.rng.randbytes(64) for index in edges}
    for index, data in contents.items():
        assert bench.write(first + index, data).ok
    bench.expect(Op.UNMOUNT, number)
    bench.flush_all()
    written = {place for place in bench.model.tree(number).nodes if bench.model.tree(number).counter(*place).low}
    assert written == {(level, index // spans[level]) for level in range(1, config.levels + 1) for index in edges}
    for index, data in contents.items():
        assert b"".join(bench.read(first + index).data) == data
    assert bench.failure() is None


def test_a_top_overflows():
    """All leaves get new MACs: those cached, those in memory and those that never were."""
    bench = filled()
    bench.age(A, 2, 0, [MINOR_MAX] * 3 + [5] * (ARITY - 3))
    for leaf in (0, 1, 2, 7):
        assert bench.write(FIRST + ARITY * leaf, bench.rng.randbytes(64)).ok
    bench.flush_all()
    bench.expect(Op.UNMOUNT, A)
    for leaf in range(ARITY):
        assert bench.read(FIRST + ARITY * leaf).ok
    assert bench.failure() is None


def test_a_leaf_of_the_root_tree_overflows():
    """Root entries are brought to new pairs when one of them is stored; those beyond the table do not exist."""
    bench = filled()
    push_out_root(bench)
    leaf = A // 4 // ARITY
    bench.age(ROOT, 1, leaf, [MINOR_MAX] * ARITY)
    push = [number for number in range(A - 24, A, 3)]
    bench.alloc(push)
    bench.flush_all()
    assert bench.read(FIRST).ok and bench.read(B * LINES).ok
    for number in push:
        assert not any(map(any, bench.read(number * LINES).data))
    assert bench.model.root.node(1, leaf).major == 1


@pytest.mark.parametrize("level", (1, 2))
def test_majors_end(level: int):
    """Where no major is left, a write (of a line, or of a leaf) is refused, recorded, and its subtree locked."""
    bench = filled()
    bench.age(A, level, 0, [MINOR_MAX] * ARITY, MAJOR_MAX)
    assert bench.read(FIRST).ok
    bench.taint(A)
    if level == 1:
        result = bench.write(FIRST, bench.rng.randbytes(64))
        assert not result.ok
        place = FIRST
    else:
        assert bench.write(FIRST, bench.rng.randbytes(64)).ok
        assert bench.command(Op.FLUSH, A).result == "INTEGRITY"
        place = bench.node_place(FIRST, 1)
    assert bench.failure() == Record("EXHAUSTED", 0 if level == 1 else 1, False, place)
    assert not bench.read(FIRST + 1).ok, "the subtree is not locked"
    assert bench.read(B * LINES).ok
    page = bench.model.entry(A).page
    bench.expect(Op.FREE, A)
    bench.expect(Op.ALLOC, A, page)
    assert not any(map(any, bench.read(FIRST).data))
    assert bench.write(FIRST, bench.rng.randbytes(64)).ok
    bench.flush_all()


def test_root_counters_end():
    """The top node cannot be written any more: the subtree stays mounted, locked, until it is freed."""
    bench = filled()
    push_out_root(bench)
    bench.age_entry(A, replace(bench.model.entry(A), counter=ROOT_MAX - 1))
    assert bench.write(FIRST, bench.rng.randbytes(64)).ok
    bench.expect(Op.UNMOUNT, A)
    assert bench.model.entry(A).counter == ROOT_MAX
    assert bench.read(FIRST).ok and bench.write(FIRST, bench.rng.randbytes(64)).ok
    bench.taint(A)
    assert bench.command(Op.UNMOUNT, A).result == "INTEGRITY"
    assert bench.failure() == Record("EXHAUSTED", 2, False, bench.node_place(FIRST, 2))
    assert bench.expect(Op.STATUS, A).locked
    bench.expect(Op.FREE, A)
    bench.flush_all()


def test_generations_end():
    """A subtree that was freed 2^24 - 1 times is never allocated again, also not after it was unmounted."""
    bench = filled()
    page = SMALL.size // 4096 // 2
    bench.expect(Op.FREE, A)
    bench.flush_all()
    push_out_root(bench, 41)
    bench.age_entry(A, RootEntry(generation=GENERATION_MAX - 1))
    bench.expect(Op.ALLOC, A, page)
    assert bench.write(FIRST, bench.rng.randbytes(64)).ok
    bench.expect(Op.FREE, A)
    assert bench.expect(Op.STATUS, A).generation == GENERATION_MAX
    bench.expect(Op.ALLOC, A, page, result="EXHAUSTED")
    bench.expect(Op.ALLOC, A, page, result="EXHAUSTED")
    bench.flush_all()


def test_generations_end_in_the_mount_table():
    """A FREE that memory does not store leaves the entry on chip, freed: there it is not allocated again either."""
    bench = filled()
    page = SMALL.size // 4096 // 2
    bench.expect(Op.FREE, A)
    bench.flush_all()
    push_out_root(bench, 41)
    bench.age_entry(A, RootEntry(generation=GENERATION_MAX - 1))
    bench.expect(Op.ALLOC, A, page)
    for number in (ROOT, A, B):
        bench.taint(number)
    bench.engine.fault(bench.raw(bench.entry_place(A)), "reads")
    assert bench.command(Op.FREE, A).result == "INTEGRITY"
    failure = bench.record(0x40)
    assert failure is not None and failure.kind == "MEMORY_ERROR" and failure.root
    state = bench.command(Op.STATUS, A)
    assert (state.mounted, state.valid, state.generation) == (True, False, GENERATION_MAX)
    assert bench.command(Op.ALLOC, A, page).result == "EXHAUSTED"


def test_the_table_is_full():
    """With every entry pinned an access elsewhere is refused, and served as soon as one is unpinned."""
    used = numbers(SMALL, SMALL.mount_entries + 1)
    bench = Bench(SMALL)
    bench.alloc(used)
    for number in used[1:]:
        bench.command(Op.MOUNT, number)
        bench.expect(Op.PIN, number)
    bench.refusing.add(used[0])
    assert not bench.read(used[0] * LINES).ok
    denied = bench.record(DENIED)
    assert denied is not None and denied.kind == "TABLE_FULL"
    bench.expect(Op.MOUNT, used[0], result="TABLE_FULL")
    bench.expect(Op.FREE, used[1], result="PINNED")
    bench.refusing.clear()
    bench.expect(Op.UNPIN, used[1])
    assert bench.read(used[0] * LINES).ok
    assert bench.failure() is None


def test_mounted_once():
    """No line of memory has two uses, whoever asks: ALLOC, MOUNT or an access."""
    bench = filled()
    free, page, pages = A - 3, bench.model.entry(A).page, SMALL.metadata_pages
    bench.expect(Op.MOUNT, A)
    bench.expect(Op.MOUNT, A, result="ALREADY_MOUNTED")
    spans = {
        "metadata of A": range(page - pages + 1, page + pages),
        "lines of A": (A * LINES // 64, A * LINES // 64 + 3),
        "its own lines": (free * LINES // 64, free * LINES // 64 + 3),
        "meta zone": (bench.root_page, bench.root_page + -(-SMALL.root_bytes // 4096) - 1),
    }
    for what, places in spans.items():
        for where in places:
            answer = bench.command(Op.ALLOC, free, where)
            assert answer.result == "OVERLAP", f"{what} {where:#x}: {answer}"
    bench.expect(Op.ALLOC, page * 64 // LINES, SMALL.size // 4096 // 2, result="OVERLAP")
    zone = bench.root_page * 64 // LINES
    bench.expect(Op.ALLOC, zone, SMALL.size // 4096 // 2, result="OVERLAP")
    # While A is away its lines are nobody's; who takes them keeps them as long as it is mounted.
    bench.expect(Op.UNMOUNT, A)
    bench.expect(Op.ALLOC, free, A * LINES // 64)
    bench.refusing.add(A)
    assert not bench.read(FIRST).ok
    bench.expect(Op.MOUNT, A, result="OVERLAP")
    bench.expect(Op.FREE, free)
    bench.refusing.clear()
    assert bench.read(FIRST + 1).ok


def test_lives():
    """A subtree that is freed and allocated again at the same place: every pair is new."""
    bench = filled()
    page, used = bench.model.entry(A).page, bench.engine.nonces
    for life in range(5):
        bench.expect(Op.FREE, A)
        bench.expect(Op.ALLOC, A, page)
        for line in (0, 1, 17):
            assert bench.write(FIRST + line, bytes([life]) * 64).ok
        bench.expect(Op.UNMOUNT, A)
        assert all(bench.read(FIRST + line).ok for line in (0, 1, 17))
    assert bench.engine.nonces >= used + 5 * (3 * 5 + 3)


@pytest.mark.parametrize("late", (0, 400))
@pytest.mark.parametrize("what", ("line", "MACs", "leaf", "top"))
def test_memory_refuses_a_write(what: str, late: int):
    """Whatever is written, and however late memory says so: its subtree is locked, the others live."""
    bench = filled()
    traffic = replace(bench.traffic, latency_min=late, latency_max=late)
    bench.engine.configure(traffic)
    level = {"leaf": 1, "top": 2}.get(what, 0)
    place = {"line": FIRST, "MACs": bench.mac_place(FIRST)[0]}.get(what) or bench.node_place(FIRST, level)
    bench.taint(A)
    bench.engine.fault(bench.raw(place), "writes")
    result = bench.write(FIRST, bench.rng.randbytes(64))
    assert result.ok == (what != "line")
    answer = bench.command(Op.FLUSH, A)
    assert answer.result in {"INTEGRITY", "OK" if what == "line" else ""}
    assert bench.failure() == Record("MEMORY_ERROR", level, False, place)
    assert not bench.read(FIRST).ok and bench.read(B * LINES).ok
    bench.engine.fault(bench.raw(place), "none")
    bench.expect(Op.FREE, A)
    bench.flush_all()


@pytest.mark.parametrize("what", ("table", "MACs", "leaf", "top"))
@pytest.mark.parametrize("kind", ("reads", "writes"))
def test_memory_fails_under_the_root_tree(what: str, kind: str):
    """The root tree is locked, mounted subtrees are served on, commands that need it are refused, nothing hangs."""
    bench = filled()
    assert bench.read(B * LINES).ok
    bench.expect(Op.PIN, B)
    push_out_root(bench)
    place = {
        "table": bench.entry_place(A),
        "MACs": bench.root_mac_place(A)[0],
        "leaf": bench.root_place(A, 1),
        "top": bench.root_place(A, 2),
    }[what]
    for number in (ROOT, A, B):
        bench.taint(number)
    bench.engine.fault(bench.raw(place), kind)
    if kind == "reads":
        assert not bench.read(FIRST).ok
    else:
        assert bench.write(FIRST, bench.rng.randbytes(64)).ok
        assert bench.command(Op.UNMOUNT, A).result in {"INTEGRITY", "OK"}
        assert bench.command(Op.FLUSH_ALL).result in {"INTEGRITY", "LOCKED"}
    failure = bench.record(0x40)
    about = bench.entry_place(A) if (what, kind) == ("MACs", "reads") else place
    assert failure is not None and failure.kind == "MEMORY_ERROR" and failure.root and failure.line == about
    assert bench.read(B * LINES).ok, "a mounted subtree does not live on"
    assert bench.command(Op.MOUNT, 7).result == "LOCKED"
    bench.expect(Op.UNPIN, B)
    assert bench.command(Op.UNMOUNT, B).result == "LOCKED"


def test_commands_that_do_not_exist():
    bench = Bench(SMALL)
    for op in range(11, 16):
        bench.write_register(0x2C, op)
        assert bench.end_command(Op.NOP).result == "BAD_COMMAND"
    bench.expect(Op.NOP)
