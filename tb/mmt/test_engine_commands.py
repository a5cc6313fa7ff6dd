# SPDX-License-Identifier: Apache-2.0
"""The table of commands in docs/mmt.md is what the engine does: each command in each situation that decides an answer.

covers: MMT.MOUNT_ONCE MMT.LOCK MMT.EXHAUSTED
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tb.models.mmt import GENERATION_MAX, RootEntry
from tb.models.mmt_layout import ROOT
from yingzhou.mmt.keys import Failure
from yingzhou.mmt.signature import Command, Kind
from yingzhou.mmt.signature import Result as Results
from yingzhou.regs import load
from yingzhou.regs.compile import registers_of
from yingzhou_sim.paths import ROOT as CHECKOUT

from .bench import OP, RESULTS, STATUS, Answer, Bench, Op
from .geometries import SMALL
from .test_engine_integrity import FIRST, A, B, C, push_out_root

ON_A_SUBTREE = [op for op in Op if op not in (Op.NOP, Op.FLUSH_ALL)]
FREE_PAGE = SMALL.size // 4096 // 2


def documented() -> dict[str, set[str]]:
    """Return what the page says of each command, by name or number: the answers other than OK."""
    text = (CHECKOUT / "docs" / "mmt.md").read_text()
    table = text.partition("| command | does | refused with |\n")[2].partition("\n\n")[0]
    rows = {}
    for row in table.splitlines()[1:]:
        _, names, _, answers, _ = row.split("|")
        rows[names.strip()] = set(re.findall(r"[A-Z_]{4,}", answers))
    found: dict[str, set[str]] = {op.name: set() for op in Op}
    for names, answers in rows.items():
        if names == "11 to 15":
            found.update({str(number): answers | rows["every command"] for number in range(11, 16)})
        everyone = {"every command": list(Op), "every command on a subtree": ON_A_SUBTREE}.get(names)
        for name in [op.name for op in everyone] if everyone else re.findall(r"[A-Z_]{3,}", names):
            found[name] |= answers
    return found


@dataclass
class Scene:
    """An engine, and the subtree and page that commands in it are about."""

    bench: Bench
    number: int = A
    page: int = FREE_PAGE

    def command(self, op: Op) -> Answer:
        return self.bench.command(op, self.number, self.page)


def not_enabled() -> Scene:
    bench = Bench(SMALL, start=False)
    bench.until(STATUS, 1, 1)
    return Scene(bench)


def never_allocated() -> Scene:
    return Scene(Bench(SMALL))


def mounted(*, written: bool = False) -> Scene:
    bench = Bench(SMALL)
    bench.alloc([A])
    if written:
        assert bench.write(FIRST, bench.rng.randbytes(64)).ok
    return Scene(bench)


def pinned() -> Scene:
    scene = mounted()
    scene.bench.expect(Op.PIN, A)
    return scene


def freed() -> Scene:
    scene = mounted()
    scene.bench.expect(Op.FREE, A)
    return scene


def not_mounted() -> Scene:
    scene = mounted(written=True)
    scene.bench.expect(Op.UNMOUNT, A)
    scene.bench.flush_all()
    return scene


def beyond() -> Scene:
    return Scene(Bench(SMALL), number=SMALL.subtrees)


def metadata_beyond() -> Scene:
    return Scene(Bench(SMALL), page=SMALL.size // 4096)


def metadata_in_the_meta_zone() -> Scene:
    bench = Bench(SMALL)
    return Scene(bench, page=bench.root_page)


def metadata_in_use() -> Scene:
    """The lines of A became metadata of another subtree while A was away."""
    scene = not_mounted()
    scene.bench.expect(Op.ALLOC, A - 3, A * SMALL.subtree_bytes // 4096)
    return scene


def full(*, allocated: bool) -> Scene:
    scene = not_mounted() if allocated else never_allocated()
    bench, others = scene.bench, range(100, 100 + SMALL.mount_entries)
    pages = count(FREE_PAGE + 200, SMALL.metadata_pages)
    for other in others:
        bench.expect(Op.ALLOC, other, next(pages))
        bench.expect(Op.PIN, other)
    return scene


def generations_used_up() -> Scene:
    scene = freed()
    bench = scene.bench
    bench.flush_all()
    push_out_root(bench)
    bench.age_entry(A, RootEntry(generation=GENERATION_MAX))
    return scene


def tainted(scene: Scene) -> Scene:
    """Have the scoreboard accept whatever comes of a change of memory."""
    scene.bench.everything = True
    for number in (ROOT, A, B, C):
        scene.bench.taint(number)
    return scene


def root_table_changed() -> Scene:
    scene = tainted(not_mounted())
    scene.bench.flip(scene.bench.entry_place(A), 5)
    return scene


def root_table_not_written() -> Scene:
    scene = tainted(mounted(written=True))
    scene.bench.engine.fault(scene.bench.raw(scene.bench.entry_place(A)), "writes")
    return scene


def nodes_not_written() -> Scene:
    scene = tainted(mounted(written=True))
    scene.bench.engine.fault(scene.bench.raw(scene.bench.node_place(FIRST, 1)), "writes")
    return scene


def root_locked(number: int) -> Scene:
    """A is not mounted, B is."""
    scene = not_mounted()
    bench = scene.bench
    bench.expect(Op.ALLOC, B - 100, FREE_PAGE + 100)
    tainted(scene)
    bench.flip(bench.entry_place(A), 5)
    assert bench.command(Op.STATUS, A).result == "INTEGRITY"
    return Scene(bench, number=number)


SCENES: dict[str, Callable[[], Scene]] = {
    "not enabled": not_enabled,
    "never allocated": never_allocated,
    "mounted": mounted,
    "pinned": pinned,
    "freed": freed,
    "not mounted": not_mounted,
    "no such subtree": beyond,
    "metadata beyond memory": metadata_beyond,
    "metadata in the meta zone": metadata_in_the_meta_zone,
    "metadata in use": metadata_in_use,
    "table full": lambda: full(allocated=True),
    "table full, not allocated": lambda: full(allocated=False),
    "root table changed": root_table_changed,
    "root table not written": root_table_not_written,
    "nodes not written": nodes_not_written,
    "root tree locked": lambda: root_locked(A),
    "root tree locked, mounted": lambda: root_locked(B - 100),
}


def test_every_answer_of_the_page_is_given_and_no_other():
    """Each command in each scene. What a scene answers to STATUS is the same after a refusal."""
    seen: dict[str, set[str]] = {op.name: set() for op in Op}
    for name, scene in SCENES.items():
        for op in Op:
            at = scene()
            answer = at.command(op).result
            if answer != "OK":
                seen[op.name].add(answer)
            if answer not in ("OK", "INTEGRITY", "NOT_READY"):
                fresh = scene().command(Op.STATUS)
                assert at.command(Op.STATUS) == fresh, f"{name}: {op.name} was refused and changed something"
    for number in range(11, 16):
        for scene in (never_allocated, not_enabled):
            bench = scene().bench
            bench.write_register(OP, number)
            seen.setdefault(str(number), set()).add(bench.end_command(Op.NOP).result)
    at = generations_used_up()
    seen["ALLOC"].add(at.command(Op.ALLOC).result)
    assert seen == documented()


def test_status_mounts_nothing():
    at = not_mounted()
    before = at.bench.counts()["mount"]
    answer = at.bench.expect(Op.STATUS, A)
    assert answer.valid and not answer.mounted
    assert at.bench.counts()["mount"] == before


def test_names_are_the_rtl_s():
    assert {op.name: op.value for op in Op} == {command.name: command.value for command in Command}
    assert [result.name for result in Results] == list(RESULTS)


def test_reasons_not_to_start_are_the_page_s():
    """Every reason for which there are no keys, with its number, and no other."""
    text = (CHECKOUT / "docs" / "mmt.md").read_text()
    table = text.partition("| `status.failed` | reason |")[2].partition("\n\n")[0]
    found = re.findall(r"^ *\| (\d+) ([A-Z_]+) \|", table, re.M)
    assert found == [(str(reason.value), reason.name) for reason in Failure if reason is not Failure.NONE]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("command.op.op", Command),
        ("answer.state.result", Results),
        ("failure.state.kind", Kind),
        ("denied.state.kind", Kind),
        ("status.failed", Failure),
    ],
)
def test_numbers_in_the_register_map_are_the_rtl_s(path: str, names: Any):
    registers = {name: node for name, _, node in registers_of(load("mmt"))}
    register, _, field = path.rpartition(".")
    text = {found.inst_name: found for found in registers[register].fields()}[field].get_property("desc") or ""
    known = [(str(name.value), name.name) for name in names]
    # Of records and failures 0 is said in words, or means nothing.
    assert re.findall(r"\b(\d+) ([A-Z][A-Z_]+)\b", text) == known[0 if "OK" in text or "NOP" in text else 1 :]


@pytest.mark.parametrize("name", ["FREE", "MOUNT", "UNMOUNT", "FLUSH", "FLUSH_ALL", "STATUS"])
def test_a_page_that_forgets_an_answer_is_noticed(name):
    """The page is read, not only compared with itself."""
    assert "LOCKED" in documented()[name] and "BAD_COMMAND" not in documented()[name]
