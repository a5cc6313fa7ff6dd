# SPDX-License-Identifier: Apache-2.0
"""The entropy port: random words for the keys."""

from random import Random
from typing import Any

from cocotb.triggers import RisingEdge
from pyuvm import ConfigDB, uvm_agent, uvm_analysis_port, uvm_driver, uvm_monitor, uvm_sequence_item, uvm_sequencer


class EntropyItem(uvm_sequence_item):
    """A random word, offered after some cycles."""

    def __init__(self, word: int, wait: int = 0):
        super().__init__("word")
        self.word, self.wait = word, wait


class EntropyDriver(uvm_driver):
    """Offers words until they are taken. A reset does not take a word back."""

    def build_phase(self):
        self.dut: Any = ConfigDB().get(self, "", "DUT")
        self.rng: Random = ConfigDB().get(self, "", "RNG")

    async def run_phase(self):
        dut = self.dut
        dut.entropy_valid.value = 0
        while True:
            item = await self.seq_item_port.get_next_item()
            for _ in range(item.wait):
                dut.entropy_data.value = self.rng.getrandbits(32)
                await RisingEdge(dut.clk)
            dut.entropy_valid.value = 1
            dut.entropy_data.value = item.word
            while True:
                await RisingEdge(dut.clk)
                if int(dut.entropy_ready.value) and not int(dut.rst.value):
                    break
            dut.entropy_valid.value = 0
            self.seq_item_port.item_done()


class EntropyMonitor(uvm_monitor):
    """Publishes the words that were taken. None may be taken once the keys are there."""

    def build_phase(self):
        self.ap = uvm_analysis_port("ap", self)
        self.dut: Any = ConfigDB().get(self, "", "DUT")

    async def run_phase(self):
        dut = self.dut
        while True:
            if not int(dut.entropy_ready.value):
                await RisingEdge(dut.entropy_ready)
            while True:
                await RisingEdge(dut.clk)
                if int(dut.entropy_valid.value) and int(dut.entropy_ready.value) and not int(dut.rst.value):
                    self.ap.write(int(dut.entropy_data.value))
                if not int(dut.entropy_ready.value):
                    break


class EntropyAgent(uvm_agent):
    """Sequencer, driver and monitor of the entropy port."""

    def build_phase(self):
        self.sequencer = uvm_sequencer("sequencer", self)
        self.driver = EntropyDriver("driver", self)
        self.monitor = EntropyMonitor("monitor", self)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)


__all__ = ["EntropyAgent", "EntropyItem"]
