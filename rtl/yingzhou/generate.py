# SPDX-License-Identifier: Apache-2.0
"""``yingzhou generate``: blocks and the machine as Verilog."""

import argparse
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from .errors import ConfigError, require
from .generate_verilog import generate, with_header, write_block
from .gpt.config import MODES, GptConfig
from .gpt.ip import GptIp
from .llc.config import REPLACEMENTS, LlcConfig
from .llc.ip import LlcIp
from .mmt.config import AES_KINDS, PRESETS, MmtConfig, preset
from .mmt.ip import MmtIp
from .regs import load
from .soc.config import CACHES, CHECKERS, SocConfig
from .soc.memory_map import DEVICES, DRAM_MAX_BYTES

OUT: Final = Path("build") / "verilog"
GPT_DEFAULTS: Final = {"sv32": (34, 30), "sv39": (40, 39), "sv48": (40, 39)}
"""Mode: address width and protection bit when none are given (the default machine; 512 GiB below the bit)."""
_HART_LINT_OFF: Final = ("ALWNEVER", "ASCRANGE", "CMPCONST", "UNDRIVEN", "UNSIGNED")
"""Further warnings of the hart's own Verilog: wires of no bits, bits that keep their initial value, comparisons that a
configuration decides."""


def generate_gpt(config: GptConfig, name: str, outdir: Path) -> Path:
    """Write the guard as a block of its own; return the path of its manifest."""
    registers = {"gpt": load("gpt", AREAS=config.areas)}
    return generate(lambda: GptIp(config), name, outdir, configuration=config, registers=registers)


def generate_mmt(config: MmtConfig, name: str, outdir: Path) -> Path:
    """Write the memory engine as a block of its own; return the path of its manifest."""
    return generate(lambda: MmtIp(config), name, outdir, configuration=config, registers={"mmt": load("mmt")})


def generate_llc(config: LlcConfig, name: str, outdir: Path) -> Path:
    """Write the last-level cache as a block of its own; return the path of its manifest."""
    registers = {"llc": load("llc", DOMAINS=config.domains)}
    return generate(lambda: LlcIp(config), name, outdir, configuration=config, registers=registers)


def generate_soc(config: SocConfig, outdir: Path) -> Path:
    """Write the machine, its hart in a file of its own; return the path of its manifest.

    The elaborated files are kept in ``build/cache``: the hart takes a minute the first time.
    """
    from yingzhou_sim.build import hart_verilog, soc_verilog

    from .hart.ports import MODULE as HART
    from .soc.emit import MODULE
    from .soc.soc import Soc

    texts = {
        f"{MODULE}.v": with_header(soc_verilog(config).read_text()),
        f"{HART}.v": with_header(hart_verilog(config.hart).read_text(), _HART_LINT_OFF),
    }
    machine = Soc(config)
    machine._MustUse__used = True  # only its ports are read here; Amaranth warns about a component not elaborated
    maps = {"uart": "uart", "sim": "sim", "sysinfo": "sysinfo"}
    if config.checker != "none":
        maps["guard"] = config.checker
    if config.cache == "llc":
        maps["llc"] = "llc"
    parameters = {"gpt": {"AREAS": config.gpt.areas}, "llc": {"DOMAINS": config.last_level.domains}}
    return write_block(
        name=MODULE,
        outdir=outdir,
        component=machine,
        texts=texts,
        configuration=config,
        registers={device: load(source, **parameters.get(source, {})) for device, source in maps.items()},
        bases={device: DEVICES[device].base for device in maps},
        tools=("coreblocks", "transactron"),
    )


def _protection_bit(text: str) -> int | None:
    try:
        return None if text == "none" else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor none") from None


def _device_region(text: str) -> tuple[int, int]:
    low, _, high = text.partition(":")
    try:
        return int(low, 0), int(high, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not LOW:HIGH, such as 0xe0000000:0x100000000") from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``yingzhou generate`` to ``parser``."""
    parser.epilog = (
        "Without BLOCK everything is written to build/verilog: the guard for each paging mode,\n"
        "the memory engine in each preset, the last-level cache, and the machine.\n\n"
        "example: yingzhou generate gpt --mode sv39 --areas 16"
    )
    blocks = parser.add_subparsers(dest="block", metavar="BLOCK")
    raw = argparse.RawDescriptionHelpFormatter

    summary = "the GPT guard: verdict ports beside a page-table walker, registers on AXI4-Lite"
    gpt = blocks.add_parser(
        "gpt",
        help=summary,
        description=summary,
        formatter_class=raw,
        epilog="example: yingzhou generate gpt --mode sv39 --areas 16 --pa-width 40 --protection-bit 39 -o ip/gpt.v",
    )
    gpt.add_argument("--mode", default="sv32", help=f"paging mode of the walker: {', '.join(MODES)} (default sv32)")
    gpt.add_argument("--areas", type=int, default=8, help="area entries, 1 to 64 (default 8)")
    gpt.add_argument("--pa-width", type=int, help="bits of a physical address (default 34 for sv32, else 40)")
    gpt.add_argument(
        "--protection-bit",
        type=_protection_bit,
        default=argparse.SUPPRESS,
        help="bit of a physical address that selects protected memory, or none (default 30 for sv32, else 39)",
    )
    gpt.add_argument(
        "--device-region",
        type=_device_region,
        metavar="LOW:HIGH",
        help="byte addresses of device registers, where the protection bit is an ordinary bit (default none)",
    )
    gpt.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="Verilog file, named like the module (default build/verilog/)"
    )

    summary = "the MMT memory engine: AXI4 slave and master of 128 bits, registers on AXI4-Lite"
    mmt = blocks.add_parser(
        "mmt",
        help=summary,
        description=summary,
        formatter_class=raw,
        epilog="example: yingzhou generate mmt --preset paper --addr-width 39 -o ip/mmt.v",
    )
    _add_mmt(mmt)

    summary = "the last-level cache with line locks: AXI4 slave and master of 128 bits, registers on AXI4-Lite"
    llc = blocks.add_parser(
        "llc",
        help=summary,
        description=summary,
        formatter_class=raw,
        epilog="example: yingzhou generate llc --size-bytes 0x40000 --ways 16 --addr-width 40 -o ip/llc.v",
    )
    _add_llc(llc)

    summary = "the whole machine: AXI4 master to DRAM, hart in a file of its own"
    soc = blocks.add_parser(
        "soc",
        help=summary,
        description=summary,
        formatter_class=raw,
        epilog="example: yingzhou generate soc --checker none --dram-mib 64 -o build/plain",
    )
    soc.add_argument("--cache", default="llc", help=f"what stands behind the hart: {', '.join(CACHES)} (default llc)")
    soc.add_argument("--checker", default="gpt", help=f"what judges page walks: {', '.join(CHECKERS)} (default gpt)")
    soc.add_argument(
        "--dram-mib", type=int, default=256, help=f"DRAM in MiB, 16 to {DRAM_MAX_BYTES >> 20} (default 256)"
    )
    soc.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="folder (default build/verilog)")


_MMT_NUMBERS: Final = {
    "addr_width": "bits of a physical address (default 39, vault: 38)",
    "major_bits": "bits of a major counter that are used (default 40)",
    "mount_entries": "subtrees whose roots are on chip",
    "node_cache_lines": "nodes held on chip",
    "mac_cache_lines": "MAC lines held on chip",
    "slots": "line operations under way at once",
    "aes_cores": "AES cores",
    "id_width": "bits of an AXI identifier (default 4)",
}
"""Options of ``generate mmt`` that are one number: field of the configuration and help."""


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 39 or 0x80000000") from None


def _arities(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("/"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list such as 32/32/64") from None


def _add_mmt(parser: argparse.ArgumentParser) -> None:
    suppress = argparse.SUPPRESS
    parser.add_argument("--preset", default="paper", help=f"what the rest starts from: {', '.join(PRESETS)}")
    for name, text in _MMT_NUMBERS.items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=_number, dest=f"mmt_{name}", default=suppress, metavar="N", help=text)
    parser.add_argument(
        "--protection-bit",
        type=_protection_bit,
        dest="mmt_protection_bit",
        default=suppress,
        metavar="BIT",
        help="address bit that selects protected memory; none: all addresses are protected (default none)",
    )
    parser.add_argument(
        "--memory-base", type=_number, dest="mmt_memory_base", default=suppress, metavar="ADDRESS", help="default 0"
    )
    parser.add_argument(
        "--memory-bytes",
        type=_number,
        dest="mmt_memory_bytes",
        default=suppress,
        metavar="BYTES",
        help="size of memory, a power of two (default: all that the address reaches)",
    )
    parser.add_argument(
        "--arities",
        type=_arities,
        dest="mmt_arities",
        default=suppress,
        metavar="N/N/..",
        help="children of a node, top level first, such as 32/32/64",
    )
    parser.add_argument("--aes", dest="mmt_aes", default=suppress, metavar="KIND", help=", ".join(AES_KINDS))
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="Verilog file, named like the module (default build/verilog/)"
    )


_LLC_NUMBERS: Final = {
    "size_bytes": "bytes of data, a power of two (default 131072)",
    "ways": "ways of a set: 4, 8 or 16, or 2, of which none can be locked (default 8)",
    "mshrs": "misses under way at once: 2, 4, 8 or 16 (default 4); reads at AXI: twice as many, at least 8",
    "addr_width": "bits of a physical address (default 32)",
    "id_width": "bits of an AXI identifier (default 4)",
    "domains": "domains that may own locked lines, 1 to 15 (default 8)",
}
"""Options of ``generate llc`` that are one number: field of the configuration and help."""


def _add_llc(parser: argparse.ArgumentParser) -> None:
    suppress = argparse.SUPPRESS
    for name, text in _LLC_NUMBERS.items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=_number, dest=f"llc_{name}", default=suppress, metavar="N", help=text)
    parser.add_argument(
        "--replacement",
        dest="llc_replacement",
        default=suppress,
        metavar="KIND",
        help=f"who is replaced: {', '.join(REPLACEMENTS)} (default plru)",
    )
    parser.add_argument(
        "--parity", dest="llc_parity", action="store_true", default=suppress, help="a parity bit in each tag entry"
    )
    parser.add_argument(
        "--cacheable",
        type=_device_region,
        dest="llc_cacheable",
        action="append",
        default=suppress,
        metavar="LOW:HIGH",
        help="byte addresses that are memory, multiples of 4 KiB; may be given again (default: all addresses)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="Verilog file, named like the module (default build/verilog/)"
    )


@contextmanager
def _names_as_typed() -> Iterator[None]:
    """Have errors name parameters as the command line does: ``--addr-width`` for ``addr_width``, ``--ways is 3``."""
    try:
        yield
    except ConfigError as error:
        name = r"^[a-z]+(?= is )|(?<!['\w])[a-z]+(?:_[a-z]+)+\b"
        typed = re.sub(name, lambda found: "--" + found[0].replace("_", "-"), str(error))
        raise ConfigError(typed) from None


def _llc_config(arguments: argparse.Namespace) -> LlcConfig:
    given = {name.removeprefix("llc_"): value for name, value in vars(arguments).items() if name.startswith("llc_")}
    if "cacheable" in given:
        given["cacheable"] = tuple(given["cacheable"])
    with _names_as_typed():
        return LlcConfig(**given)


def _mmt_config(arguments: argparse.Namespace) -> MmtConfig:
    given = {name.removeprefix("mmt_"): value for name, value in vars(arguments).items() if name.startswith("mmt_")}
    with _names_as_typed():
        return preset(arguments.preset, **given)


def _gpt_config(arguments: argparse.Namespace) -> GptConfig:
    pa_width, protection_bit = GPT_DEFAULTS.get(arguments.mode, GPT_DEFAULTS["sv32"])
    with _names_as_typed():
        return GptConfig(
            mode=arguments.mode,
            areas=arguments.areas,
            pa_width=pa_width if arguments.pa_width is None else arguments.pa_width,
            protection_bit=getattr(arguments, "protection_bit", protection_bit),
            device_region=arguments.device_region,
        )


def _verilog_file(file: Path) -> Path:
    """Return ``file`` when it can be written, before minutes are spent on what goes into it."""
    require(file.suffix == ".v", f"output file is {str(file)!r}; accepted are names that end in .v")
    for path in (file, file.with_suffix(".json")):
        there = not path.exists() or (path.is_file() and os.access(path, os.W_OK))
        require(there, f"output file is {str(path)!r}, which is there and cannot be written")
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    require(
        folder.is_dir() and os.access(folder, os.W_OK | os.X_OK),
        f"output file is {str(file)!r}; {folder} is no folder that can be written to",
    )
    return file


def run(arguments: argparse.Namespace) -> int:
    """Run ``yingzhou generate``; return the exit code."""
    written: list[Path] = []
    if arguments.block in ("gpt", None):
        configs = [GptConfig(mode=mode, pa_width=w, protection_bit=b) for mode, (w, b) in GPT_DEFAULTS.items()]
        if arguments.block == "gpt":
            configs = [_gpt_config(arguments)]
        for config in configs:
            file = _verilog_file(getattr(arguments, "output", None) or OUT / f"gpt_{config.mode}.v")
            written.append(generate_gpt(config, file.stem, file.parent))
    if arguments.block in ("mmt", None):
        chosen = {f"mmt_{name}": preset(name) for name in PRESETS}
        if arguments.block == "mmt":
            chosen = {"mmt": _mmt_config(arguments)}
        for name, config in chosen.items():
            file = _verilog_file(getattr(arguments, "output", None) or OUT / f"{name}.v")
            written.append(generate_mmt(config, file.stem, file.parent))
    if arguments.block in ("llc", None):
        config = _llc_config(arguments)
        file = _verilog_file(getattr(arguments, "output", None) or OUT / "llc.v")
        written.append(generate_llc(config, file.stem, file.parent))
    if arguments.block in ("soc", None):
        config = SocConfig()
        if arguments.block == "soc":
            config = SocConfig(cache=arguments.cache, checker=arguments.checker, dram_bytes=arguments.dram_mib << 20)
        written.append(generate_soc(config, getattr(arguments, "output", None) or OUT))
    for path in written:
        print(path)
    return 0
