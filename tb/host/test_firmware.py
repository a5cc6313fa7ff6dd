# SPDX-License-Identifier: Apache-2.0
"""Firmware build: what the images are made of, and what a user reads when something is wrong."""

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from yingzhou.errors import ConfigError
from yingzhou.soc.memory_map import DRAM_BASE, HOST_BASE
from yingzhou_sim import cli, firmware
from yingzhou_sim.paths import SW

RVC = 1
"""Bit of ``e_flags``: the file holds compressed instructions (RISC-V ELF psABI, 8.1)."""
X, W = 1, 2


def segments(elf: Path) -> list:
    with elf.open("rb") as file:
        return [s.header for s in ELFFile(file).iter_segments() if s["p_type"] == "PT_LOAD" and s["p_memsz"]]


@pytest.mark.parametrize("name", sorted(firmware.IMAGES))
def test_image_is_rv32_without_compressed_instructions(name: str) -> None:
    with firmware.build_image(name).open("rb") as file:
        elf = ELFFile(file)
        assert (elf["e_machine"], elf["e_type"], elf.elfclass) == ("EM_RISCV", "ET_EXEC", 32)
        assert elf["e_flags"] & RVC == 0


@pytest.mark.parametrize(("name", "entry"), [("bare-hello", DRAM_BASE), ("monitor", DRAM_BASE), ("host", HOST_BASE)])
def test_image_starts_where_the_machine_enters_it(name: str, entry: int) -> None:
    elf = firmware.build_image(name)
    with elf.open("rb") as file:
        assert ELFFile(file)["e_entry"] == entry
    assert min(s.p_vaddr for s in segments(elf)) == entry


@pytest.mark.parametrize("name", firmware.ENCLAVE_EXAMPLES)
def test_enclave_segments_are_what_the_monitor_asks_for(name: str) -> None:
    """No page has two sets of permissions, none is writable and executable, all lie in the enclave's range."""
    pages: dict[int, int] = {}
    for s in segments(firmware.build_image(f"enclave-{name}")):
        assert s.p_flags & (W | X) != (W | X)
        assert s.p_vaddr >= 4096 and s.p_vaddr + s.p_memsz <= 0x5000_0000
        assert (s.p_vaddr - s.p_offset) % 4 == 0
        for page in range(s.p_vaddr >> 12, (s.p_vaddr + s.p_memsz + 4095) >> 12):
            assert pages.setdefault(page, s.p_flags) == s.p_flags
    assert pages


def test_user_image_is_flat_and_starts_with_its_header() -> None:
    image = firmware.flatten(firmware.build_image("user"))
    magic, entry, data, end = (int.from_bytes(image[i : i + 4], "little") for i in range(0, 16, 4))
    assert magic.to_bytes(4, "little") == b"YUSR"
    assert 0x10000 < entry < data < end == 0x10000 + len(image)
    assert data % 4096 == 0 and end % 4096 == 0


def test_same_sources_are_built_once() -> None:
    first = firmware.build_image("bare-hello")
    stamp = first.stat().st_mtime_ns
    assert firmware.build_image("bare-hello") == first and first.stat().st_mtime_ns == stamp


def test_changed_source_is_built_again(build_dir: Path) -> None:
    source, out = build_dir / "main.c", build_dir / "prog.elf"
    source.write_text("int main(void) { return 1; }\n")
    one = firmware.flatten(firmware.build_bare([source], out))
    source.write_text("int main(void) { return 2; }\n")
    assert firmware.flatten(firmware.build_bare([source], out)) != one


def test_changed_header_is_seen(build_dir: Path) -> None:
    """A header beside the source belongs to the program."""
    source, header, out = build_dir / "main.c", build_dir / "value.h", build_dir / "prog.elf"
    source.write_text('#include "value.h"\nint main(void) { return VALUE; }\n')
    header.write_text("#define VALUE 1\n")
    one = firmware.flatten(firmware.build_bare([source], out))
    header.write_text("#define VALUE 2\n")
    assert firmware.flatten(firmware.build_bare([source], out)) != one


def test_program_of_several_files(build_dir: Path) -> None:
    (build_dir / "main.c").write_text("int answer(void);\nint main(void) { return answer(); }\n")
    (build_dir / "more.c").write_text("int answer(void);\nint answer(void) { return 42; }\n")
    out = firmware.build_bare([build_dir / "main.c", build_dir / "more.c"], build_dir / "prog.elf")
    assert out.is_file()


def test_unknown_image_names_the_accepted_ones() -> None:
    with pytest.raises(ConfigError, match=r"image 'kernel' is unknown; accepted are .*host.*monitor"):
        firmware.build_image("kernel")


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    code = cli.main(["build", *map(str, arguments)])
    return code, capsys.readouterr().err


def test_compile_error_is_the_compilers(build_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.chdir(build_dir)
    (build_dir / "main.c").write_text("int main(void)\n{\n    return undeclared_name;\n}\n")
    code, text = run_cli(capsys, "--bare", "main.c", "-o", "prog.elf")
    assert code == 2
    assert "main.c:3" in text and "undeclared_name" in text
    assert not (build_dir / "prog.elf").exists()


def test_warning_is_an_error(build_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build_dir / "main.c"
    source.write_text("int main(void) { int unused; return 0; }\n")
    code, text = run_cli(capsys, "--bare", source, "-o", build_dir / "prog.elf")
    assert code == 2 and "unused" in text


def test_missing_main_is_the_linkers(build_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build_dir / "empty.c"
    source.write_text("int nothing;\n")
    code, text = run_cli(capsys, "--enclave", source, "-o", build_dir / "e.elf")
    assert code == 2 and "enclave_main" in text


@pytest.mark.parametrize(("name", "says"), [("gone.c", "does not exist"), ("text.txt", "accepted are .c and .S")])
def test_wrong_source_is_named(build_dir: Path, capsys: pytest.CaptureFixture[str], name: str, says: str) -> None:
    (build_dir / "text.txt").write_text("no program\n")
    code, text = run_cli(capsys, "--bare", build_dir / name, "-o", build_dir / "prog.elf")
    assert code == 2 and name in text and says in text


def test_output_that_cannot_be_written_is_named(build_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build_dir / "file").write_text("in the way\n")
    code, text = run_cli(capsys, "--bare", SW / "bare" / "examples" / "hello.c", "-o", build_dir / "file" / "p.elf")
    assert code == 2 and "p.elf" in text
