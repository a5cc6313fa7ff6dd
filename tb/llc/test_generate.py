# SPDX-License-Identifier: Apache-2.0
"""``yingzhou generate llc``: Verilog that lints clean, is always the same, and says what it is."""

import json
import re
from pathlib import Path

import pytest

from tb.generate.test_generate import digest_of, generate_in_a_process, lint, ports_in, run_cli
from yingzhou import generate
from yingzhou.errors import ConfigError
from yingzhou.llc.config import LlcConfig

ARGUMENTS = ("llc", "--size-bytes", "2048", "--ways", "4", "--domains", "3", "--parity", "--replacement", "random")
ARGUMENTS += ("--cacheable", "0x80000000:0x90000000", "--cacheable", "0xc0000000:0xd0000000")
LINTED = {
    "llc_default": LlcConfig(),
    "llc_least": LlcConfig(size_bytes=256, ways=2, mshrs=2, domains=1, addr_width=16, id_width=1),
    "llc_most": LlcConfig(ways=16, mshrs=16, domains=15, addr_width=64, id_width=16, parity=True, replacement="random"),
}
"""Caches at the ends of what can be chosen."""


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """Return a folder with a small cache."""
    return generate_in_a_process(tmp_path_factory.mktemp("llc"), "1", "llc_small.v", *ARGUMENTS)


def test_lints_clean(small):
    """No complaint under -Wall without any waiver on the user's side."""
    assert lint("llc_small", small / "llc_small.v") == []


@pytest.mark.regress
@pytest.mark.parametrize("name", LINTED)
def test_every_cache_lints_clean(name, tmp_path):
    generate.generate_llc(LINTED[name], name, tmp_path)
    assert lint(name, tmp_path / f"{name}.v") == []


def test_same_input_same_bytes(small, tmp_path):
    """Another process with another hash seed writes the same bytes, and nothing in them names this machine."""
    again = generate_in_a_process(tmp_path, "77", "llc_small.v", *ARGUMENTS)
    assert digest_of(again, "llc_small.v") == digest_of(small, "llc_small.v")


def test_manifest(small):
    """Ports as in the file, with meanings; configuration and registers as chosen."""
    manifest = json.loads((small / "llc_small.json").read_text())
    ports = ports_in((small / "llc_small.v").read_text(), "llc_small")
    assert {port["name"]: (port["direction"], port["width"]) for port in manifest["ports"]} == ports
    assert all(len(port["meaning"]) >= 10 for port in manifest["ports"])
    assert {"s_axi_awid", "s_axi_wdata", "m_axi_arid", "m_axi_bresp", "s_axil_awaddr", "irq"} <= set(ports)
    chosen = manifest["configuration"]
    assert (chosen["size_bytes"], chosen["ways"], chosen["parity"], chosen["replacement"]) == (2048, 4, True, "random")
    assert chosen["cacheable"] == [[0x8000_0000, 0x9000_0000], [0xC000_0000, 0xD000_0000]]
    registers = {register["name"]: register["offset"] for register in manifest["registers"]["llc"]["map"]}
    assert registers["domain[3].quota"] == 0x118 and "domain[4].quota" not in registers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ways", "5"], "ways is 5; accepted are 2, 4, 8, 16"),
        (["--size-bytes", "3000"], "--size-bytes is 3000; accepted with 8 ways are powers of two from 1024"),
        (["--replacement", "fifo"], "replacement is 'fifo'; accepted are plru, random"),
        (["--domains", "0"], "domains is 0; accepted are 1 to 15"),
        (["--cacheable", "0:0x800"], "cacheable range is 0x0 to 0x800; accepted are multiples of 0x1000"),
        (["-o", "cache.sv"], "output file is 'cache.sv'; accepted are names that end in .v"),
    ],
)
def test_wrong_values(arguments, message, tmp_path, monkeypatch):
    """Each wrong value gets one sentence that names it and what is accepted, and no file is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=re.escape(message)):
        run_cli("llc", *arguments)
    assert list(tmp_path.iterdir()) == []
