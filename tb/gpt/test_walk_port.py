# SPDX-License-Identifier: Apache-2.0
# amaranth: UnusedElaboratable=no
"""The three walk checkers on the walker's Wishbone port: generated Verilog under cocotb.

covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY
"""

from pathlib import Path

import pytest
from amaranth.back import verilog
from amaranth.hdl import Value
from amaranth.lib import wiring

from tb.gpt.walk_bench import WalkPorts
from yingzhou.errors import ConfigError
from yingzhou.gpt.config import GptConfig
from yingzhou.gpt.signature import WalkCheckerSignature
from yingzhou.gpt.walk_port import BitmapChecker, GptChecker, NoneChecker


def run_checkers(run_cocotb, folder: Path, seed: int) -> None:
    """Build the three checkers side by side and run all cocotb tests on them."""
    source = folder / "walk_ports.v"
    source.write_text(verilog.convert(WalkPorts(), name="walk_ports", emit_src=False, strip_internal_attrs=True))
    run_cocotb(sources=[source], toplevel="walk_ports", module="tb.gpt.cocotb_walk_port", seed=seed)


def test_walk_checkers(run_cocotb, build_dir: Path):
    run_checkers(run_cocotb, build_dir, seed=1)


@pytest.mark.regress
@pytest.mark.parametrize("seed", range(2, 12))
def test_walk_checkers_long(run_cocotb, build_dir: Path, seed: int):
    run_checkers(run_cocotb, build_dir, seed)


@pytest.mark.parametrize("checker", [NoneChecker(), GptChecker(GptConfig()), BitmapChecker(GptConfig(), 2)])
def test_all_checkers_have_one_signature(checker: wiring.Component):
    def ports(signature: wiring.Signature) -> list[tuple]:
        flat = signature.flatten(signature.create())
        return [(path, member.flow, len(Value.cast(value))) for path, member, value in flat]

    assert ports(checker.signature) == ports(WalkCheckerSignature())


@pytest.mark.parametrize("words", [0, 3, 128])
def test_cache_words_are_checked(words: int):
    with pytest.raises(ConfigError, match=f"cache_words is {words}; accepted are powers of two from 1 to 64"):
        BitmapChecker(GptConfig(), words)


@pytest.mark.parametrize("checker", [GptChecker, BitmapChecker])
def test_only_sv32_fits_the_port(checker):
    with pytest.raises(ConfigError, match="mode is 'sv39'; the 32-bit walker port accepts sv32"):
        checker(GptConfig(mode="sv39", pa_width=40))
