# SPDX-License-Identifier: Apache-2.0
"""Programs on the simulated machine: exit codes and output as docs/sdk.md promises them."""

from pathlib import Path

import pytest

from yingzhou_sim import firmware
from yingzhou_sim.machine import Stop
from yingzhou_sim.runs import BootMode, Observer, Outcome, Run, execute

ENCLAVE = """
#include <yz_enclave.h>
static int twelve = 12;
static char cleared[5000];
int enclave_main(void)
{
    unsigned char byte;
    uint32_t bytes;
    char *heap = enclave_heap(&bytes);
    for (uint32_t i = 0; i < sizeof cleared; i += 100)
        if (cleared[i])
            return 1;
    if (enclave_read(&byte, 1) != 0 || bytes < 4096 || heap[bytes - 1])
        return 2;
    heap[bytes - 1] = 1;
    enclave_printf("%s %d\\n", "twelve is", twelve);
    return twelve + heap[bytes - 1];
}
"""


class Console(Observer):
    """Keeps what was printed."""

    def __init__(self) -> None:
        self.text = ""

    def console(self, text: str) -> None:
        self.text += text


def run_bare(elf: Path) -> tuple[Outcome, str]:
    console = Console()
    return execute(Run(name="bare", images=(elf,), max_cycles=3_000_000), console), console.text


def run_enclave(file: Path) -> tuple[Outcome, str]:
    console = Console()
    images = (firmware.build_image("monitor"), firmware.build_image("host"))
    run = Run(name="enclave", images=images, mode=BootMode.ENCLAVE, initrd=file, max_cycles=6_000_000)
    return execute(run, console), console.text


def test_bare_kernels_have_their_answers() -> None:
    outcome, text = run_bare(firmware.build_image("bare-kernels"))
    assert (outcome.stop, outcome.exit_code) == (Stop.EXIT, 0), text
    assert text.count("right") == 7 and "WRONG" not in text
    assert {m.bench for m in outcome.measurements} >= {"list", "matrix", "state", "crc", "sort", "sieve", "mix"}


@pytest.mark.parametrize(
    ("body", "cause"),
    [("*(volatile int *)0x80000001", 4), ("*(volatile int *)0x40000000", 5), ('__asm__("unimp")', 2)],
)
def test_bare_trap_says_its_cause(build_dir: Path, body: str, cause: int) -> None:
    source = build_dir / "main.c"
    source.write_text(f"#include <yz_bare.h>\nint main(void) {{ {body}; return 0; }}\n")
    outcome, text = run_bare(firmware.build_bare([source], build_dir / "prog.elf"))
    assert outcome.exit_code == 99 and f"trap: cause {cause} at pc 0x8000" in text


def test_enclave_from_source_to_exit_code(build_dir: Path) -> None:
    source = build_dir / "twelve.c"
    source.write_text(ENCLAVE)
    outcome, text = run_enclave(firmware.build_enclave([source], build_dir / "twelve.elf"))
    assert (outcome.stop, outcome.exit_code) == (Stop.EXIT, 13), text
    assert "[enclave] twelve is 12\n" in text


def test_enclave_fault_is_told(build_dir: Path) -> None:
    """The stack is 8 KiB and the page below it is not mapped."""
    source = build_dir / "deep.c"
    source.write_text(
        "#include <yz_enclave.h>\n"
        "int enclave_main(void)\n{\n    volatile char big[9000];\n"
        "    for (int i = 8999; i >= 0; i -= 100)\n        big[i] = 1;\n    return big[0];\n}\n"
    )
    outcome, text = run_enclave(firmware.build_enclave([source], build_dir / "deep.elf"))
    assert outcome.exit_code == 125 and "ended by a fault, cause 15" in text


def test_file_that_is_no_enclave_is_refused(build_dir: Path) -> None:
    file = build_dir / "text.elf"
    file.write_bytes(b"\x7fELF is how it begins, but then it goes on differently" * 4)
    outcome, text = run_enclave(file)
    assert outcome.exit_code == 124 and "refused the enclave: elf" in text


@pytest.mark.regress
@pytest.mark.parametrize("mode", [BootMode.DEMO, BootMode.ATTACK], ids=["demo", "attack"])
def test_every_scenario_passes(mode: BootMode) -> None:
    images = (firmware.build_image("monitor"), firmware.build_image("host"))
    outcome = execute(Run(name=mode.name, images=images, mode=mode, max_cycles=12_000_000), Observer())
    assert outcome.stop is Stop.EXIT and outcome.exit_code == 0
    assert [s.name for s in outcome.scenarios if not s.passed] == []
    assert len(outcome.scenarios) >= 15
