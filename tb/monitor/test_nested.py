# SPDX-License-Identifier: Apache-2.0
"""entry.S on the machine: an access fault of the monitor itself goes on at the fixup, any other stops the machine.

threat: F15
"""

import pytest

from yingzhou_sim import firmware
from yingzhou_sim.machine import Machine, Stop
from yingzhou_sim.paths import ROOT, SW

PROGRAM = ROOT / "tb" / "monitor" / "programs" / "nested.c"


@pytest.mark.parametrize(("defines", "code"), [((), 0), (("UNCOVERED",), 70)], ids=["covered", "uncovered"])
def test_a_fault_of_the_monitor(defines: tuple[str, ...], code: int) -> None:
    """Load and store faults return false with registers and modes right; a fault outside the table is fatal."""
    image = firmware.Image(sources=(), linker="monitor/monitor.ld", includes=("monitor",), defines=defines)
    elf = firmware._link_elf([PROGRAM, SW / "monitor" / "entry.S", SW / "lib" / "memory.c"], image, [])
    with Machine() as machine:
        machine.load_elf(elf)
        assert machine.run_to_end(200_000, lambda event: None) == Stop.EXIT
        assert machine.exit_code == code
