# SPDX-License-Identifier: Apache-2.0
"""The enclave runtime believes nothing that the host answers. Threat F32."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yingzhou_sim.paths import ROOT, SW

from .native import build_native, run_native

WRITE, READ = 3, 4
EHOST, EREFUSED, EINVAL = -1, -2, -3
INT_MAX = (1 << 31) - 1


@dataclass(frozen=True)
class Result:
    """What the runtime returned, the ocalls it made as (number, offset, asked), bytes it showed, bytes it got."""

    value: int
    ocalls: tuple[tuple[int, int, int], ...]
    shown: bytes
    data: bytes


def run(kind: str, count: int, shared: int, *answers: int | tuple[int, int]) -> Result:
    """Run the native program; an answer is the host's result, or (the monitor's error, result)."""
    sources = [SW / "sdk" / "io.c", SW / "lib" / "format.c", ROOT / "tb" / "host" / "native_programs" / "enclave_io.c"]
    program = build_native(sources, [SW / "lib", SW / "sdk", SW / "sdk" / "include"])
    words = [f"{a[0]}:{a[1]}" if isinstance(a, tuple) else f"0:{a}" for a in answers]
    lines = [line.split() for line in run_native(program, kind, str(count), str(shared), *words).splitlines()]
    ocalls = tuple(tuple(map(int, words[1].split(":"))) for words in lines if words[0] == "ocall")
    shown = "".join(words[2] for words in lines if words[0] == "ocall" and len(words) > 2)
    value = next(int(words[1]) for words in lines if words[0] == "result")
    data = next((words[1] for words in lines if words[0] == "data" and len(words) > 1), "")
    return Result(value, ocalls, bytes.fromhex(shown), bytes.fromhex(data))  # type: ignore[arg-type]


@pytest.mark.covers("F32")
@pytest.mark.parametrize("lie", [11, 4096, INT_MAX, -1, -(1 << 31), 0x0001_0000, 0x7000_0000])
def test_impossible_answer_is_an_error(lie: int) -> None:
    """More than asked, negative, a pointer into the enclave or to the buffer. threat: F32"""
    assert run("w", 10, 64, lie).value == EHOST
    got = run("r", 10, 64, lie)
    assert got.value == EHOST
    assert got.data == bytes(range(10)), "bytes of a refused answer were copied in"


@pytest.mark.covers("F32")
def test_lie_after_a_good_part_keeps_the_good_part() -> None:
    """threat: F32"""
    result = run("w", 20, 8, 8, 9)
    assert result.value == 8 and result.ocalls == ((WRITE, 0, 8), (WRITE, 0, 8))


def test_long_text_goes_in_parts() -> None:
    result = run("w", 20, 8, 8, 8, 4)
    assert result.value == 20
    assert result.ocalls == ((WRITE, 0, 8), (WRITE, 0, 8), (WRITE, 0, 4))
    assert result.shown == bytes(range(20))


def test_host_that_takes_part_is_asked_again() -> None:
    result = run("w", 10, 64, 3, 7)
    assert result.value == 10 and result.shown == bytes(range(10)) + bytes(range(3, 10))


def test_host_that_takes_nothing_is_not_asked_for_ever() -> None:
    result = run("w", 10, 64, 4, 0)
    assert result.value == 4 and len(result.ocalls) == 2


def test_refusal_is_an_error() -> None:
    assert run("w", 10, 64, (-4, 10)).value == EREFUSED
    assert run("r", 10, 64, (-4, 10)).value == EREFUSED


def test_without_buffer_nothing_is_asked() -> None:
    assert run("w", 10, 0) == Result(EREFUSED, (), b"", b"")
    assert run("r", 10, 0).value == EREFUSED
    assert run("w", 0, 0).value == 0 and run("r", 0, 0).value == 0


def test_own_length_that_does_not_fit_an_int_is_refused() -> None:
    assert run("w", 1 << 31, 64) == Result(EINVAL, (), b"", b"")
    assert run("r", (1 << 32) - 1, 64).value == EINVAL


def test_read_is_limited_to_the_buffer() -> None:
    result = run("r", 100, 16, 16)
    assert result.ocalls == ((READ, 0, 16),) and result.value == 16
    assert result.data == bytes(range(0x40, 0x50)) + bytes(range(16, 100))


@pytest.mark.covers("F32")
@given(
    kind=st.sampled_from("wr"),
    count=st.integers(0, 40),
    shared=st.integers(0, 16),
    answers=st.lists(st.tuples(st.sampled_from([0, 0, 0, -4]), st.integers(-(1 << 31), INT_MAX) | st.integers(-2, 20))),
)
def test_no_answer_breaks_the_runtime(kind: str, count: int, shared: int, answers: list[tuple[int, int]]) -> None:
    """Whatever the host says: never more than asked is claimed, and no byte outside the data is touched. threat: F32"""
    result = run(kind, count, shared, *answers[:8])
    assert EREFUSED <= result.value <= count
    assert all(offset == 0 and asked <= min(count, shared) for _, offset, asked in result.ocalls)
    if kind == "r":
        got = max(result.value, 0)
        assert result.data[got:] == bytes(range(got, count))
