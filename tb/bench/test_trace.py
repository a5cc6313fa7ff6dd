# SPDX-License-Identifier: Apache-2.0
"""Traces: caches against a reference, files, recordings of a small program, and what is said about wrong input."""

import shutil
import subprocess
from collections import OrderedDict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yingzhou.errors import ConfigError
from yingzhou_sim import trace_record
from yingzhou_sim.cli import main
from yingzhou_sim.paths import ROOT
from yingzhou_sim.trace_file import Trace, from_bytes, read_trace, to_bytes
from yingzhou_sim.trace_filter import CacheShape, Filter, Record, physical_pages

needs_valgrind = pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")

L1 = CacheShape(size=512, ways=2)
LLC = CacheShape(size=1024, ways=4)
PLRU = CacheShape(size=1024, ways=4, replacement="plru")


class ReferenceCache:
    """One cache. LRU keeps lines in order of use; tree-PLRU follows bits from the root to the side used longer ago."""

    def __init__(self, shape: CacheShape):
        self.ways, self.plru = shape.ways, shape.replacement == "plru"
        self.sets = shape.size // shape.ways // 64
        self.lru: list[OrderedDict[int, bool]] = [OrderedDict() for _ in range(self.sets)]
        self.slots: list[list[int | None]] = [[None] * shape.ways for _ in range(self.sets)]
        self.bits: list[dict[tuple[int, int], int]] = [{} for _ in range(self.sets)]

    def access(self, line: int, dirty: bool) -> tuple[bool, int | None]:
        index = line % self.sets
        held, victim = self.lru[index], None
        hit = line in held
        if not hit:
            slots = self.slots[index]
            if None in slots:
                way = slots.index(None)
            else:
                way = self._old_way(index) if self.plru else slots.index(next(iter(held)))
                old = slots[way]
                assert old is not None
                if held.pop(old):
                    victim = old
            slots[way] = line
            held[line] = False
        held[line] |= dirty
        held.move_to_end(line)
        self._touch(index, self.slots[index].index(line))
        return hit, victim

    def _old_way(self, index: int) -> int:
        low, high = 0, self.ways
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.bits[index].get((low, high)) else (low, middle)
        return low

    def _touch(self, index: int, way: int) -> None:
        low, high = 0, self.ways
        while high - low > 1:
            middle = (low + high) // 2
            self.bits[index][low, high] = int(way < middle)
            low, high = (low, middle) if way < middle else (middle, high)


def reference(
    accesses: list[tuple[str, int, int]], llc_shape: CacheShape, pages: list[int], skip: int, limit: int
) -> list[Record]:
    l1i, l1d, llc = ReferenceCache(L1), ReferenceCache(L1), ReferenceCache(llc_shape)
    placed: dict[int, int] = {}
    records: list[tuple[int, bool, int]] = []
    instructions = 0

    def below(line: int, write: bool) -> None:
        hit, victim = llc.access(line, write)
        if not hit and not write:
            records.append((instructions, False, line))
        if victim is not None:
            records.append((instructions, True, victim))

    for kind, address, size in accesses:
        if kind == "I":
            if instructions == skip + limit:
                break
            instructions += 1
        for virtual in range(address // 64, (address + size - 1) // 64 + 1):
            page = placed.setdefault(virtual // 64, len(placed))
            line = pages[page] * 64 + virtual % 64
            hit, victim = (l1i if kind == "I" else l1d).access(line, kind in "SM")
            if not hit:
                below(line, False)
            if victim is not None:
                below(victim, True)
    found, last = [], skip
    for at, write, line in records:
        if at > skip:
            found.append(Record(at - last, write, line))
            last = at
    return found


ACCESSES = st.lists(
    st.tuples(st.sampled_from("ILSM"), st.integers(0, 60).map(lambda n: n * 37), st.integers(1, 80)), max_size=200
)


@settings(deadline=None)
@given(ACCESSES, st.integers(0, 20), st.integers(1, 40), st.booleans())
def test_caches_equal_a_reference(accesses: list[tuple[str, int, int]], skip: int, limit: int, scattered: bool) -> None:
    pages = physical_pages("random" if scattered else "sequential", 1 << 20, 3)
    with Filter([LLC, PLRU], pages, skip=skip, limit=limit, l1=L1) as caches:
        for access in accesses:
            caches.access(*access)
        for number, shape in enumerate((LLC, PLRU)):
            assert caches.records(number) == reference(accesses, shape, pages, skip, limit)


@settings(deadline=None)
@given(ACCESSES, st.integers(0, 20))
def test_without_a_last_level_all_that_leaves_the_first_is_recorded(
    accesses: list[tuple[str, int, int]], skip: int
) -> None:
    """And it has no influence on a cache beside it. What comes before the first instruction is never recorded."""
    accesses = [("I", 0, 1), *accesses]
    pages = physical_pages("sequential", 1 << 20, 3)
    with Filter([None, LLC], pages, skip=skip, l1=L1) as caches:
        for access in accesses:
            caches.access(*access)
        found, counts = caches.records(0), caches.counts
        assert caches.records(1) == reference(accesses, LLC, pages, skip, 1 << 62)
        assert caches.llc_accesses(0) == caches.llc_accesses(1) >= len(found)
    if skip == 0:
        assert sum(r.write for r in found) == counts["l1d_writebacks"]
        assert sum(not r.write for r in found) == counts["l1i_misses"] + counts["l1d_misses"]


RECORDS = st.lists(st.builds(Record, st.integers(0, 1 << 32), st.booleans(), st.integers(0, 1 << 52)))


@given(RECORDS)
def test_files_hold_what_was_put_in(records: list[Record]) -> None:
    trace = Trace({"name": "x", "records": {"all": len(records)}, "arguments": ["ä"]}, records)
    again = from_bytes(to_bytes(trace))
    assert (again.manifest, again.records) == (trace.manifest, records)
    assert to_bytes(again) == to_bytes(trace)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"ELF" + data, "x is not a trace: it does not begin with 'yingzhou-trace 1'"),
        (lambda data: data[:-9], "x is a damaged trace: Compressed data ended"),
        (lambda data: data[:-40] + b"\0" + data[-39:], "x is a damaged trace: "),
        (lambda data: data.replace(b'"all": 2', b'"all": 3'), "x is a damaged trace: it has 2 records, its manifest"),
        (lambda data: data.replace(b'{"rec', b'["rec'), "x is a damaged trace: "),
    ],
)
def test_damaged_files_are_refused(change, message: str) -> None:
    data = to_bytes(Trace({"records": {"all": 2}}, [Record(1, False, 5), Record(2, True, 3)]))
    with pytest.raises(ConfigError) as refused:
        from_bytes(change(data), "x")
    assert str(refused.value).startswith(message)


PROGRAM = """
static volatile unsigned char area[65536 * 4];
int main(void) {
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 65536 * 4; i += 64) {
            area[i]++;
        }
    }
    return 3;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    (folder / "walk.c").write_text(PROGRAM)
    subprocess.run(["gcc", "-O1", "-o", "walk", "walk.c"], cwd=folder, check=True)
    return folder / "walk"


@needs_valgrind
@pytest.mark.parametrize("method", ["auto", "lackey"])
def test_a_program_of_known_accesses(program: Path, method: str) -> None:
    """4,096 lines written twice in order: each pass misses all of them in 64 KiB, only the first one in 1 MiB."""
    llcs = [CacheShape(size=64 << 10), CacheShape(size=1 << 20)]
    small, large = trace_record.record(trace_record.Recording(command=[str(program)], llcs=llcs, method=method))
    assert small.manifest["whole_run"]["exit_status"] == 3
    assert small.manifest["instructions"] == large.manifest["instructions"] >= 4 * 8192
    # Beside the loops there are only the loader and the C library: some thousand lines.
    assert 8192 <= small.reads <= 8192 + 4000
    assert 4096 <= large.reads <= 4096 + 4000
    written = {r.line for r in small.records if r.write}
    again = [r.line for r in small.records if not r.write and r.line in written]
    assert 4096 + 3000 <= len(again)
    assert len(large.records) - large.reads == 0
    # The loops read lines one after the other, in pages placed one after the other.
    steps = [b.line - a.line for a, b in zip(large.records, large.records[1:], strict=False)]
    assert steps.count(1) >= 4096 - 64


@needs_valgrind
def test_both_methods_see_the_same(program: Path) -> None:
    fast, lackey = (
        trace_record.record(
            trace_record.Recording(command=[str(program)], llcs=[CacheShape(size=1 << 20)], method=method)
        )[0].manifest["whole_run"]
        for method in ("auto", "lackey")
    )
    for what in ("instructions", "fetches", "stores", "l1i_misses", "l1d_misses", "l1d_writebacks", "pages"):
        assert fast[what] == pytest.approx(lackey[what], rel=0.02), what


@needs_valgrind
def test_windows_and_files_by_command(program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "w.yzt"
    options = ["--llc", "64K", "--llc", "1M", "--llc", "none", "--skip", "1k", "--accesses", "500"]
    options += ["--placement", "random"]
    assert main(["trace", "record", *options, "-o", str(out), "--", str(program)]) == 0
    for size, name in ((64 << 10, "64K"), (1 << 20, "1M"), (0, "L1")):
        trace = read_trace(tmp_path / f"w-{name}.yzt")
        assert (len(trace.records), trace.llc_bytes, trace.name) == (500, size, "walk")
        assert trace.manifest["instructions"] == trace.instructions
    assert main(["trace", "info", str(tmp_path / "w-64K.yzt")]) == 0
    assert "skipped_instructions" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["record", "--", "/no/such"], "program '/no/such' was not found"),
        (["record", "--", str(ROOT / "README.md")], "is not a program; accepted is an executable file"),
        (["record", "--llc", "1000", "--", "true"], "a cache of 1000 bytes; accepted are powers of two from 512 to"),
        (["record", "--llc", "big", "--", "true"], "'big' is not a size such as 65536, 64K or 1MiB"),
        (["record", "--skip", "-1", "--", "true"], "--skip"),
        (["record", "--replacement", "fifo", "--", "true"], "replacement is 'fifo'; accepted are lru, plru"),
        (["record", "--placement", "up", "--", "true"], "placement is 'up'; accepted are sequential, random"),
        (["record", "--memory-mib", "0", "--", "true"], "--memory-mib is 0; accepted are 1 to 16384"),
        (["record", "--limit", "0", "--", "true"], "--limit is 0; accepted are at least 1"),
        (["record", "--method", "guess", "--", "true"], "--method is 'guess'; accepted are auto, fast, lackey"),
        (["record", "-o", "/no/such/x.yzt", "--", "true"], "accepted are files in a folder that exists"),
        (["info", "/no/such.yzt"], "cannot use /no/such.yzt: No such file"),
    ],
)
def test_wrong_input_is_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["trace", *arguments])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert message in capsys.readouterr().err


@needs_valgrind
def test_a_program_too_short_or_too_large_is_named(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "record", "--skip", "1G", "--", str(program)]) == 2
    assert "instructions; accepted for --skip are fewer" in capfd.readouterr().err
    with pytest.raises(ConfigError, match="touches more than the 16 pages of physical memory"):
        trace_record.record(
            trace_record.Recording(command=[str(program)], llcs=[CacheShape(size=65536)], memory_bytes=16 << 12)
        )


def test_without_valgrind_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which
    monkeypatch.setattr(trace_record.shutil, "which", lambda name: None if name == "valgrind" else real(name))
    with pytest.raises(ConfigError, match="Valgrind is not installed: install it to record traces"):
        trace_record.record(trace_record.Recording(command=["true"], llcs=[CacheShape(size=65536)]))


@pytest.mark.parametrize("path", sorted((ROOT / "sim" / "traces").glob("*.yzt")), ids=lambda path: path.stem)
def test_shipped_traces_are_whole(path: Path) -> None:
    trace = read_trace(path)
    assert 1000 <= trace.reads and 0 < trace.instructions == trace.manifest["instructions"]
    assert path.stem.startswith(trace.name) and trace.llc_bytes in (64 << 10, 1 << 20)
    assert max(r.line for r in trace.records) < trace.manifest["placement"]["memory_bytes"] // 64
    home = str(Path.home())
    assert home not in str(trace.manifest) and "/work" not in str(trace.manifest)


def test_shipped_traces_are_small() -> None:
    files = list((ROOT / "sim" / "traces").glob("*.yzt"))
    assert len(files) >= 10 and sum(path.stat().st_size for path in files) < 3_000_000
