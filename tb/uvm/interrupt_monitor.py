# SPDX-License-Identifier: Apache-2.0
"""The interrupt, which nobody drives but the block."""

from typing import Any

from pyuvm import ConfigDB, uvm_analysis_port, uvm_monitor


class InterruptMonitor(uvm_monitor):
    """Publishes each change of the interrupt."""

    def build_phase(self):
        self.ap = uvm_analysis_port("ap", self)
        self.dut: Any = ConfigDB().get(self, "", "DUT")

    async def run_phase(self):
        dut = self.dut
        self.ap.write(int(dut.irq.value))
        while True:
            await dut.irq.value_change
            self.ap.write(int(dut.irq.value))


__all__ = ["InterruptMonitor"]
