# SPDX-License-Identifier: Apache-2.0
"""C headers and reference pages that come from the register maps."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from yingzhou.regs import BLOCKS, load
from yingzhou.regs.c_header import write_c_headers
from yingzhou.regs.compile import registers_of
from yingzhou.regs.docs import write_docs

DOCS = Path(__file__).parents[2] / "docs" / "registers"


def test_pages_are_up_to_date(tmp_path):
    """docs/registers says what the maps say."""
    for page in write_docs(tmp_path):
        checked_in = DOCS / page.name
        assert checked_in.is_file(), f"docs/registers/{page.name} is missing: run make docs"
        assert checked_in.read_text() == page.read_text(), f"docs/registers/{page.name} is out of date: run make docs"


@pytest.mark.parametrize("name", BLOCKS)
def test_pages_show_where_registers_are(name):
    """An offset in a heading counts from the start of the map, inside of groups and arrays too."""
    text = (DOCS / f"{name}.md").read_text()
    shown: dict[str, tuple[int, int]] = {}
    for offset, step, path in re.findall(
        r"^#+ 0x([0-9A-F]+)(?: \+ 0x([0-9A-F]+) i, i < \d+)? `([\w.\[\]]+)`", text, re.M
    ):
        shown[path] = int(offset, 16), int(step or "0", 16)
    for path, offset, _ in registers_of(load(name)):
        index = re.search(r"\[(\d+)\]", path)
        first, step = shown[re.sub(r"\[\d+\]", "[i]", path)]
        assert first + step * int(index[1] if index else 0) == offset, path


def test_overview_names_every_map():
    overview = (DOCS / "README.md").read_text()
    assert [name for name in BLOCKS if f"[{name}.md]({name}.md)" not in overview] == []


def compile_c(folder: Path, text: str) -> Path:
    """Compile freestanding C for the hart with the headers in ``folder``; return the object."""
    source, output = folder / "t.c", folder / "t.o"
    source.write_text(text)
    target = "-target riscv32-freestanding -mcpu=generic_rv32+m+a+zicsr+zifencei -mabi=ilp32 -ffreestanding"
    flags = "-std=c11 -pedantic -Wall -Wextra -Werror -O2 -fomit-frame-pointer"
    command = [sys.executable, "-m", "ziglang", "cc", *target.split(), *flags.split()]
    done = subprocess.run(
        [*command, f"-I{folder}", "-c", "-o", str(output), str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return output


def test_c_of_the_engine_s_page_compiles(tmp_path):
    """What docs/mmt.md shows of bring-up is C that the generated header makes sense of."""
    block = re.search(r"^ *```c\n(.*?)^ *```$", (DOCS.parent / "mmt.md").read_text(), re.M | re.S)
    assert block is not None
    write_c_headers(tmp_path)
    compile_c(tmp_path, f"#include <stdbool.h>\n#include <stdint.h>\n{textwrap.dedent(block[1])}")


@pytest.mark.parametrize("name", BLOCKS)
def test_c_offsets_match_the_map(name, tmp_path):
    """The struct places every register where the hardware has it, with freestanding headers only."""
    write_c_headers(tmp_path)
    checks = [
        f'_Static_assert(offsetof({name}_t, {path}) == {offset}u, "{path}");'
        for path, offset, _ in registers_of(load(name))
    ]
    compile_c(tmp_path, "\n".join([f'#include "yz/{name}_regs.h"', "#include <stddef.h>", *checks, ""]))


def test_c_register_access_is_one_word(tmp_path):
    """A register access compiles to one 32-bit store, not to bytes: a byte write to a register is another thing."""
    write_c_headers(tmp_path)
    code = """#include "yz/gpt_regs.h"
    #include "yz/memory_map.h"
    void set(int i, uint32_t v);
    void set(int i, uint32_t v) { ((volatile gpt_t *)YZ_GUARD_BASE)->area[i].attr = v | GPT__AREA_T__ATTR_T__LOCK_bm; }
    """
    from elftools.elf.elffile import ELFFile

    with compile_c(tmp_path, code).open("rb") as file:
        text = ELFFile(file).get_section_by_name(".text.set") or ELFFile(file).get_section_by_name(".text")
        assert text is not None
        words = [int.from_bytes(text.data()[i : i + 4], "little") for i in range(0, text.data_size, 4)]
    stores = [word >> 12 & 7 for word in words if word & 0x7F == 0x23]
    assert stores == [2], f"widths of stores: {stores} (2 is sw)"
