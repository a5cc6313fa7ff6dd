# SPDX-License-Identifier: Apache-2.0
"""Benches behind the last-level cache: goals at their limits, a trace through the command, values of plain memory."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tb.models.mmt_crypto import Keys
from tb.models.mmt_verify import Tampered, verify
from yingzhou.mmt.config import preset
from yingzhou_sim import bench_mmt, bench_mmt_access, bench_mmt_space
from yingzhou_sim.bench_goals import Row
from yingzhou_sim.bench_mmt import replay
from yingzhou_sim.bench_mmt_access import HIT, missing, read_each, write_all
from yingzhou_sim.bench_mmt_build import engine_library
from yingzhou_sim.bench_mmt_engine import EngineBench
from yingzhou_sim.bench_mmt_goals import goals, slowdowns
from yingzhou_sim.bench_mmt_subtrees import ALLOC, MOUNT, MOUNT_CHANGED
from yingzhou_sim.bench_mmt_subtrees import BENCH as SUBTREE
from yingzhou_sim.bench_mmt_variant import VARIANTS, Op, Variant
from yingzhou_sim.cli import main
from yingzhou_sim.trace_file import Trace, to_bytes
from yingzhou_sim.trace_filter import Record

CACHES = ("LLC 64 KiB", "LLC 1024 KiB")
GOOD = {"stream": 0.75, "hit": 10, "leaf": 2.0, "mount": 300, "alloc": 300, "small": (1.08,), "large": (1.04,)}
GOOD |= {"bits": 1050, "mounts": 2000, "evicting": 300}


def rows(**changes: Any) -> list[Row]:
    """Return rows as an engine would have that is just good enough, but for ``changes``."""
    value = {**GOOD, **changes}
    found = [
        Row("memory", "unprotected", "streaming read", 16, "bytes/cycle"),
        Row("memory", "mmt", "streaming read", 16 * value["stream"], "bytes/cycle"),
        Row("memory", "unprotected", HIT, 44, "cycles"),
        Row("memory", "mmt", HIT, 44 + value["hit"], "cycles"),
        Row("memory", "mmt", missing(1), 44 * value["leaf"], "cycles"),
        Row(SUBTREE, "mmt", MOUNT, value["mount"], "cycles"),
        Row(SUBTREE, "mmt", MOUNT_CHANGED, value["evicting"], "cycles"),
        Row(SUBTREE, "mmt", ALLOC, value["alloc"], "cycles"),
        Row("large memory", "mmt", "mounts", value["mounts"], "mounts"),
        Row("state on chip", "mmt", "524288 MiB of memory, registers", 2000, "bits"),
        Row("state on chip", "mmt", "524288 MiB of memory, total", value["bits"], "bits"),
        Row("state on chip", "mmt", "256 MiB of memory, total", 1000, "bits"),
    ]
    for cache, slow in zip(CACHES, (value["small"], value["large"]), strict=True):
        for i, one in enumerate(slow):
            found.append(Row(f"trace {i}", "unprotected", cache, 1000, "cycles"))
            found.append(Row(f"trace {i}", "mmt", cache, 1000 * one, "cycles"))
    return found


def test_nothing_measured_is_not_a_pass() -> None:
    alone = [row for row in rows() if row.variant == "unprotected"]
    assert {goal.verdict for goal in goals([])} == {goal.verdict for goal in goals(alone)} == {"not measured"}


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, []),
        ({"stream": 0.749}, [0]),
        ({"hit": 11}, [1]),
        ({"leaf": 89 / 44}, [2]),
        ({"mount": 301}, [3]),
        ({"evicting": 301}, [3]),
        ({"alloc": 301}, [4]),
        ({"small": (1.081, 1.081)}, [5]),
        ({"large": (1.041,)}, [6]),
        ({"small": (1.151, 1.0)}, [7]),
        ({"bits": 1051}, [8]),
        ({"mounts": 1999}, [9]),
    ],
)
def test_goals_at_and_just_over_their_limits(changes: dict[str, Any], missed: list[int]) -> None:
    assert [i for i, goal in enumerate(goals(rows(**changes))) if goal.verdict != "PASS"] == missed


def test_the_mean_is_geometric_and_the_worst_is_named() -> None:
    found = goals(rows(small=(1.0, 1.44), large=(1.0,)))
    assert found[5].reached == 1.2
    assert (found[7].reached, found[7].worst) == (1.44, "trace 1, LLC 64 KiB")
    assert slowdowns(rows(small=(1.5,), large=()))["trace 0", "LLC 64 KiB"] == 1.5


@pytest.mark.parametrize(
    ("changes", "number", "why"),
    [
        ({"evicting": 351}, 3, f"{MOUNT_CHANGED}: a full table has to send a subtree away first"),
        ({"small": (1.2,)}, 5, "a hit costs 10 cycles"),
        ({"large": (1.1,)}, 6, "a hit costs 10 cycles"),
        ({"small": (1.43,)}, 7, "trace 0, LLC 64 KiB: a hit costs 10 cycles"),
    ],
)
def test_a_missed_goal_says_why(changes: dict[str, Any], number: int, why: str) -> None:
    assert goals(rows())[number].missed == ""
    assert goals(rows(**changes))[number].missed.startswith(why)


@pytest.fixture(scope="module")
def little() -> Variant:
    """Return an engine that is built soon: 16 subtrees of 1 MiB, two of them mounted, little on chip."""
    config = preset(
        "small",
        addr_width=30,
        memory_bytes=16 << 20,
        arities=(16, 16, 64),
        mount_entries=2,
        mac_cache_lines=4,
    )
    return Variant("little", config, engine_library(config, "-O0"))


def test_an_engine_is_measured_and_its_lines_are_what_was_written(little: Variant) -> None:
    with little.open(range(0, 3 << 14, 1 << 14)) as bench:
        found = {row.metric: row.value for row in bench_mmt_access.depths("little", bench)}
        hit = read_each(bench, [0, 0])[1]
        # What is further away takes longer, and the first level beyond the leaf hides behind it.
        assert 44 < hit < found[missing(1)] <= found[missing(2)] <= found[missing(3)]
        assert found[missing(3)] < found["one read, not mounted, root entry's path cached"]
        write_all(bench, [1 << 14, 2 << 14])
        before = bench.counts()["unmount"]
        write_all(bench, [1 << 14, 2 << 14])
        assert not bench.mounted(0) and bench.mounted(2)
        # Both places in the mount table were already theirs.
        assert bench.counts()["unmount"] == before
        bench.require_sound("little")


def test_replay_through_an_engine_is_slower_than_without(little: Variant) -> None:
    trace = Trace(
        {"name": "hand", "llc": {"size": 65536}},
        [Record(5, i % 5 == 0, (i * 37) % 3000) for i in range(300)],
    )
    [mine], [base] = replay(little, trace), replay(VARIANTS["unprotected"], trace)
    assert mine.value > base.value and (mine.bench, mine.metric) == (base.bench, base.metric)


def test_pauses_that_are_skipped_change_no_cycle(little: Variant) -> None:
    records = [Record(120 + i % 90, i % 4 == 0, (i * 1237) % 9000) for i in range(120)]
    lines = sorted({record.line for record in records})
    taken, skipped = [], []
    for skip in (True, False):
        with little.open(lines, skip_pauses=skip) as bench:
            write_all(bench, lines)
            taken.append(bench.replay(records))
            skipped.append(bench.totals.skipped)
            bench.require_sound("little")
    assert taken[0] == taken[1] and skipped[0] > 0 == skipped[1]


def test_a_tour_of_all_memory_reads_with_nothing_but_the_keys(little: Variant) -> None:
    """What is in DRAM at the end is what the format says, read by somebody else."""
    done, mounts = tour_is_read_back(little, 6)
    assert done.freed and done.mount_commands and mounts > 12


@pytest.mark.regress
def test_a_tour_of_512_gb_reads_with_nothing_but_the_keys() -> None:
    """The same of the delivered geometry: subtrees from the first to the last, mounted thousands of times."""
    done, mounts = tour_is_read_back(VARIANTS["mmt"], 1000)
    assert done.highest >= 1 << 39 - 6 - 1 and mounts > 2000


def tour_is_read_back(variant: Variant, count: int) -> tuple[bench_mmt_space.Tour, int]:
    """Use subtrees all over memory, and read DRAM with the keys and the root counter alone; return also the mounts."""
    config = variant.config
    assert config is not None
    with variant.open(()) as bench:
        done = bench_mmt_space.tour(bench, count)
        bench.command(Op.FLUSH_ALL)
        bench.require_sound(variant.name)
        image = Image(bench)
        for counter in range(1, 100 * count):
            with suppress(Tampered):
                contents = verify(config, keys(1), bench.root_page, image, counter)
                break
        else:
            pytest.fail("the root tree does not verify under any counter")
        assert {n for n, entry in contents.entries.items() if entry["valid"]} == set(done.subtrees)
        assert sorted(contents.lines) == done.lines
        # The same bytes come through the engine.
        assert all(contents.lines[line] != bytes(64) for line in done.lines)
        return done, bench.counts()["mount"]


class Image(Mapping[int, bytes]):
    """Lines of a bench's DRAM."""

    def __init__(self, bench: EngineBench):
        self._bench = bench

    def __getitem__(self, line: int) -> bytes:
        return self._bench.peek(64 * line, 64)

    def __iter__(self) -> Iterator[int]:
        raise NotImplementedError

    def __len__(self) -> int:
        return self._bench.size // 64


def keys(seed: int) -> Keys:
    """Return the keys that the bench's entropy makes (sim/native/engine)."""

    def word(i: int) -> bytes:
        z = (seed + i * 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return ((z ^ z >> 31) % 2**32).to_bytes(4, "little")

    material = b"".join(word(i) for i in range(12))
    return Keys(material[:16], material[16:32], material[32:])


def test_a_trace_through_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [Record(10, False, line) for line in range(50)] + [Record(0, True, 3)]
    manifest = {"name": "hand", "llc": {"size": 65536}, "records": {"all": len(records)}}
    file = tmp_path / "hand.yzt"
    file.write_bytes(to_bytes(Trace(manifest, records)))
    # The engines take minutes to build.
    monkeypatch.setattr(bench_mmt, "VARIANTS", {"unprotected": VARIANTS["unprotected"]})
    assert main(["bench", "--trace", str(file), "--out", str(tmp_path)]) == 0
    with open(tmp_path / "results.csv") as results:
        found = {(r["bench"], r["variant"], r["metric"]): float(r["value"]) for r in csv.DictReader(results)}
    assert found == {("trace hand", "unprotected", "LLC 64 KiB"): 50 * (15 + 44)}
    assert "Slowdown" not in (tmp_path / "report.html").read_text()


def test_plain_memory_reaches_what_its_model_allows() -> None:
    found = {row.metric: row.value for row in bench_mmt_access.measure(VARIANTS["unprotected"])}
    assert found[HIT] == found["one read, next line"] == found["one read, anywhere in 32 MiB"] == 44
    for pattern in ("streaming read", "streaming write", "mixed in 256 MiB, two reads a write"):
        assert 15.5 < found[pattern] <= 16, pattern
    with VARIANTS["unprotected"].open() as bench:
        bench.poke(0, b"\1" * 64)
        bench.pattern([(0, False)], 1)
        with pytest.raises(RuntimeError, match="1 lines read differently than written, the first at line 0x0"):
            bench.require_sound("unprotected")


def test_wrong_input_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--trace", "/no/such.yzt"]) == 2
    assert "cannot use /no/such.yzt: No such file" in capsys.readouterr().err
    assert main(["bench", "--trace", "x.yzt", "--only", "mmt"]) == 2
    assert "--trace and --only are both given; accepted is one of them" in capsys.readouterr().err
