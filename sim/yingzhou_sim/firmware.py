# SPDX-License-Identifier: Apache-2.0
"""Firmware build: C and assembly to RV32IMA ELF images with the clang inside ``ziglang``.

Every result is cached by the content of its sources, all headers and the flags: asking again costs milliseconds.
Images of the machine have names (``IMAGES``); programs of a user go through ``build_bare`` and ``build_enclave``.
"""

import argparse
import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile

from yingzhou.errors import ConfigError, require

from .cache import cached, digest
from .paths import BUILD, ROOT, SW

_TARGET: Final = ("-target", "riscv32-freestanding", "-mcpu=generic_rv32+m+a+zicsr+zifencei", "-mabi=ilp32")
_COMPILE: Final = (
    *_TARGET, "-fno-sanitize=all", "-O2", "-g", "-ffreestanding", "-std=c11", "-Wall", "-Wextra", "-Werror",
    "-fno-omit-frame-pointer", "-fno-stack-protector", "-ffunction-sections", "-fdata-sections", "-fno-pic",
    f"-ffile-prefix-map={ROOT}=.",
)  # fmt: skip
_LINK: Final = (
    *_TARGET,
    "-nostdlib",
    "-static",
    "-Wl,--gc-sections",
    "-Wl,--build-id=none",
    "-Wl,-z,max-page-size=4096",
)


@dataclass(frozen=True, kw_only=True)
class Image:
    """How one ELF image is made.

    Parameters
    ----------
    sources : tuple of str
        Globs below ``sw/``; every match is compiled. A glob that matches nothing is an error.
    linker : str
        Linker script, below ``sw/``.
    includes : tuple of str
        Include folders below ``sw/``, searched after ``sw/include`` and the generated headers.
    defines : tuple of str
        Preprocessor definitions, ``NAME`` or ``NAME=VALUE``.
    embeds : tuple of (str, str)
        ``(macro, image name)``: that image, flattened to its bytes in memory; the macro carries its file path.
    """

    sources: tuple[str, ...]
    linker: str
    includes: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    embeds: tuple[tuple[str, str], ...] = ()


def _enclave(*sources: str) -> Image:
    return Image(
        sources=("sdk/*.c", "sdk/*.S", "lib/*.c", *sources),
        linker="sdk/enclave.ld",
        includes=("sdk/include", "lib", "workloads"),
    )


def _bare(*sources: str) -> Image:
    return Image(
        sources=("bare/*.c", "bare/*.S", "lib/*.c", *sources),
        linker="bare/bare.ld",
        includes=("bare/include", "lib", "workloads"),
    )


ENCLAVE_EXAMPLES: Final = ("hello", "compute", "fault", "snoop")
BARE_EXAMPLES: Final = ("hello", "kernels")

IMAGES: Final[dict[str, Image]] = {
    "monitor": Image(
        sources=("monitor/*.c", "monitor/*.S", "lib/memory.c"),
        linker="monitor/monitor.ld",
    ),
    "host": Image(
        sources=("host/*.c", "host/*.S", "host/scenarios/*.c", "lib/*.c"),
        linker="host/host.ld",
        includes=("lib", "workloads"),
        embeds=(
            ("USER_IMAGE", "user"),
            ("ENCLAVE_HELLO", "enclave-hello"),
            ("ENCLAVE_COMPUTE", "enclave-compute"),
            ("ENCLAVE_FAULT", "enclave-fault"),
            ("ENCLAVE_SNOOP", "enclave-snoop"),
        ),
    ),
    "user": Image(
        sources=("user/*.c", "user/*.S", "workloads/*.c", "lib/*.c"),
        linker="user/user.ld",
        includes=("lib", "workloads"),
    ),
    **{f"enclave-{name}": _enclave(f"enclaves/{name}.c", "workloads/kernels.c") for name in ENCLAVE_EXAMPLES},
    **{f"bare-{name}": _bare(f"bare/examples/{name}.c", "workloads/kernels.c") for name in BARE_EXAMPLES},
    "bench-walks": _bare("bench/walks.c"),
    "leak": _bare("leak/*.c", "leak/*.S"),
    "leak-deep": dataclasses.replace(_bare("leak/*.c", "leak/*.S"), defines=("DEEP",)),
    "walker": _bare("attacks/*.c", "attacks/*.S"),
    "inside": Image(
        sources=("memory/inside/*.c", "memory/inside/*.S", "workloads/kernels.c", "lib/memory.c"),
        linker="memory/inside/inside.ld",
        includes=("lib", "workloads"),
    ),
    "memory": dataclasses.replace(
        _bare("memory/*.c", "memory/*.S", "attacks/probe.S", "workloads/kernels.c"), embeds=(("INSIDE", "inside"),)
    ),
}
"""Every named image. ``enclave-NAME``, ``bare-NAME``: the examples in ``sw/enclaves`` and ``sw/bare/examples``."""

_FLAT: Final = frozenset({"user", "inside"})
"""Embedded as bytes in memory; other embedded images stay ELF files."""


class CompileError(ConfigError):
    """The compiler or linker refused a source; the message is the compiler's own."""


def _zig(arguments: Sequence[str | Path]) -> None:
    folder = BUILD / "cache" / "zig"
    env = dict(os.environ, ZIG_GLOBAL_CACHE_DIR=str(folder / "global"), ZIG_LOCAL_CACHE_DIR=str(folder / "local"))
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", *map(str, arguments)],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CompileError(
            (done.stderr or done.stdout).strip() or f"the compiler failed with exit code {done.returncode}"
        )


def generate_headers() -> Path:
    """Return the folder of generated C headers: ``yz/memory_map.h``, and ``yz/NAME_regs.h`` of each register map."""
    rtl = ROOT / "rtl" / "yingzhou"
    key = digest([rtl / "regs", rtl / "soc" / "memory_map.py", version("peakrdl-cheader")])

    def make(folder: Path) -> None:
        from yingzhou.regs.c_header import write_c_headers  # costs half a second

        write_c_headers(folder)

    return cached("headers", key, make)


def _expand(globs: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for pattern in globs:
        matches = sorted(SW.glob(pattern))
        require(bool(matches), f"firmware source {pattern!r} matches nothing below {SW.relative_to(ROOT)}/")
        found += matches
    return found


def _link_elf(sources: Sequence[Path], image: Image, extra_flags: Sequence[str]) -> Path:
    """Compile ``sources`` as ``image`` says and return the linked ELF file in the cache."""
    generated = generate_headers()
    linker = SW / image.linker
    includes = [SW / "include", generated, *(SW / folder for folder in image.includes), *{s.parent for s in sources}]
    flags = [
        *_COMPILE,
        *(f"-I{folder}" for folder in dict.fromkeys(includes)),
        *(f"-D{d}" for d in image.defines),
        *extra_flags,
    ]
    headers = sorted(
        {h for folder in includes for h in folder.rglob("*.h")} | {h for s in sources for h in s.parent.glob("*.h")}
    )
    key = digest([*flags, *_LINK, linker, *headers, *(p for s in sources for p in (str(s), s)), _compiler_version()])

    def make(folder: Path) -> None:
        objects = [folder / f"{i}-{s.stem}.o" for i, s in enumerate(sources)]
        with ThreadPoolExecutor(2) as pool:  # two: the build shares the machine with simulations
            list(
                pool.map(
                    lambda job: _zig(["cc", *flags, "-c", job[0], "-o", job[1]]), zip(sources, objects, strict=True)
                )
            )
        link = ["cc", *_LINK, f"-Wl,-T,{linker}", *objects]
        _zig([*link, "-o", folder / "image.elf"])
        _zig([*link, "-Wl,--strip-all", "-o", folder / "stripped.elf"])
        for file in objects:
            file.unlink()

    return cached("firmware", key, make) / "image.elf"


def _compiler_version() -> str:
    return f"ziglang {version('ziglang')}"


def flatten(elf: Path) -> bytes:
    """Return the loadable segments of ``elf`` as one byte string, from the lowest address, gaps and .bss as zeros."""
    with elf.open("rb") as file:
        segments = [s for s in ELFFile(file).iter_segments() if s["p_type"] == "PT_LOAD" and s["p_memsz"]]
        base = min(s["p_vaddr"] for s in segments)
        image = bytearray(max(s["p_vaddr"] + s["p_memsz"] for s in segments) - base)
        for segment in segments:
            data = segment.data()
            at = segment["p_vaddr"] - base
            image[at : at + len(data)] = data
    return bytes(image)


def _embed(name: str) -> Path:
    """Return a file with what another image embeds of image ``name``: its bytes in memory, or a stripped ELF."""
    elf = build_image(name)

    def make(folder: Path) -> None:
        if name in _FLAT:
            (folder / "image").write_bytes(flatten(elf))
        else:
            shutil.copyfile(elf.with_name("stripped.elf"), folder / "image")

    return cached("firmware-embed", digest([name, elf]), make) / "image"


def build_image(name: str) -> Path:
    """Return the ELF file of a named image, built when its sources changed."""
    require(name in IMAGES, f"firmware image {name!r} is unknown; accepted are {', '.join(sorted(IMAGES))}")
    image = IMAGES[name]
    embeds = [(macro, _embed(inner)) for macro, inner in image.embeds]
    extra = [f'-D{macro}_FILE="{path}"' for macro, path in embeds]
    return _link_elf(_expand(image.sources), image, extra)


def _deliver(elf: Path, out: Path) -> Path:
    """Copy a result out of the cache to where the user wants it."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(elf, out)
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}") from None
    return out


def _build_program(sources: Sequence[Path], out: Path, kind: Callable[..., Image]) -> Path:
    for source in sources:
        require(
            source.is_file(), f"source file {str(source)!r} does not exist; give the C or assembly files of the program"
        )
        require(
            source.suffix in (".c", ".S"),
            f"source file {str(source)!r} has suffix {source.suffix!r}; accepted are .c and .S",
        )
    require(bool(sources), "no source file was given; give the C or assembly files of the program")
    image = kind()
    elf = _link_elf([*_expand(image.sources), *(s.resolve() for s in sources)], image, [])
    return _deliver(elf, out)


def build_bare(sources: Sequence[Path], out: Path) -> Path:
    """Build a program for machine mode without monitor, linked at the reset address, from C and assembly files."""
    return _build_program(sources, out, _bare)


def build_enclave(sources: Sequence[Path], out: Path) -> Path:
    """Build an enclave, a static ELF linked with the runtime in ``sw/sdk``, from C and assembly files."""
    return _build_program(sources, out, _enclave)


def _source_line(message: str) -> str:
    """Return the compiler's message with paths relative to where the user stands."""
    return message.replace(f"{Path.cwd()}{os.sep}", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``yingzhou build``."""
    parser.description = "Build a program for the machine, or a part of its firmware."
    parser.epilog = (
        "examples:  yingzhou build --bare main.c -o prog.elf     yingzhou build --enclave hello.c -o hello.elf"
    )
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--bare", nargs="+", type=Path, metavar="FILE", help="C or assembly files of a machine-mode program"
    )
    kind.add_argument("--enclave", nargs="+", type=Path, metavar="FILE", help="C or assembly files of an enclave")
    kind.add_argument("--image", metavar="NAME", help=f"a named image: {', '.join(sorted(IMAGES))}")
    parser.add_argument("-o", "--output", type=Path, metavar="ELF", help="where to write the ELF file (default: a.elf)")


def run(arguments: argparse.Namespace) -> int:
    """Run ``yingzhou build``; wrong input raises :class:`ConfigError`."""
    out = arguments.output or Path("a.elf")
    try:
        if arguments.bare:
            build_bare(arguments.bare, out)
        elif arguments.enclave:
            build_enclave(arguments.enclave, out)
        else:
            _deliver(build_image(arguments.image), out)
    except CompileError as error:
        raise CompileError(_source_line(str(error))) from None
    with out.open("rb") as file:
        elf_file = ELFFile(file)
        entry = elf_file["e_entry"]
        size = sum(s["p_memsz"] for s in elf_file.iter_segments() if s["p_type"] == "PT_LOAD")
    print(f"{out}: entry {entry:#010x}, {size} bytes in memory")
    return 0
