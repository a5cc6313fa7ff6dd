# SPDX-License-Identifier: Apache-2.0
"""Parts of the host kernel, built natively: page allocator, address spaces, formatted text."""

from pathlib import Path

import pytest

from yingzhou_sim.paths import ROOT, SW

from .native import build_native, run_native

PROGRAMS = ROOT / "tb" / "host" / "native_programs"
HOST = SW / "host"
FIXED_ADDRESSES = ("-no-pie", "-fno-pie")
"""The kernel's data must have 32-bit addresses, and physical memory lies where AddressSanitizer keeps its shadow."""


@pytest.mark.parametrize(("seed", "pages"), [(1, 7), (2, 64), (3, 1024)])
def test_pool_counts_references(seed: int, pages: int) -> None:
    program = build_native([PROGRAMS / "pool_check.c", HOST / "pool.c"], [HOST, SW / "lib"])
    assert run_native(program, str(seed), "20000", str(pages)) == "good\n"


def spaces() -> Path:
    sources = [PROGRAMS / "spaces.c", *(HOST / f"{name}.c" for name in ("space", "kernel_space", "tables", "pool"))]
    return build_native(sources, [HOST, SW / "lib"], ("YZ_NATIVE",), sanitize="undefined", flags=FIXED_ADDRESSES)


@pytest.mark.parametrize("seed", range(6))
def test_spaces_keep_their_promises(seed: int) -> None:
    """Random mmap, munmap, fork, touches and ends, through a monitor that refuses nothing a good host would ask."""
    lines = run_native(spaces(), str(seed), "15000", "g").split()
    calls = dict(zip(lines[::2], map(int, lines[1::2]), strict=True))
    assert all(calls[kind] > 20 for kind in ("one", "zero", "copy", "batch")), calls


def test_spaces_without_the_monitor() -> None:
    """The unguarded backend makes no call at all."""
    lines = run_native(spaces(), "9", "6000", "u").split()
    assert [int(n) for n in lines[1::2]] == [0, 0, 0, 0]


def test_format_is_the_c_librarys() -> None:
    program = build_native([PROGRAMS / "format_check.c", SW / "lib" / "format.c"], [SW / "lib"])
    assert int(run_native(program)) > 1000
