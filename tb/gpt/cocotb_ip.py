# SPDX-License-Identifier: Apache-2.0
"""cocotb tests of the guard as a drop-in block; run by ``test_ip.py``, which says what is built."""

import json
import os
from pathlib import Path
from random import Random

import cocotb
import pyuvm
from pyuvm import ConfigDB, uvm_test

from yingzhou.gpt.config import GptConfig

from .directed import Action, Check, Walk, actions
from .stimulus import draw_read, draw_settings
from .uvm_bench import ActionSequence, Bfm
from .uvm_scoreboard import Coverage, GptEnv


def random_actions(config: GptConfig, rng: Random, rounds: int) -> list[Action]:
    """Return walks under ``rounds`` random settings, some of which change under the walk."""
    result: list[Action] = []
    previous = draw_settings(rng, config)
    for _ in range(rounds):
        settings = draw_settings(rng, config)
        for number in range(20):
            then = previous if number == 19 else None
            result.append(Walk(settings, draw_read(rng, config, settings), then))
        previous = settings
    return [*result, Check()]


@pyuvm.test()
class GuardTest(uvm_test):
    """Directed, then random stimulus; every point of the plan must be hit.

    covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY GPT.LOCK

    threat: W01 W02 W03 W05 W06 W07 W09 W11 W17 W24 W29 W31 W32
    """

    def build_phase(self):
        self.config = GptConfig(**json.loads(os.environ["GPT_CONFIG"]))
        self.coverage = Coverage(self.config)
        ConfigDB().set(None, "*", "BFM", Bfm(cocotb.top, self.config))
        ConfigDB().set(None, "*", "COVERAGE", self.coverage)
        self.env = GptEnv("env", self)

    async def run_phase(self):
        self.raise_objection()
        rng = Random(int(os.environ["GPT_SEED"]))
        stimulus = [*actions(self.config), *random_actions(self.config, rng, int(os.environ["GPT_ROUNDS"]))]
        await ActionSequence("actions", stimulus).start(ConfigDB().get(None, "", "SEQUENCER"))
        self.drop_objection()

    def report_phase(self):
        missing = self.coverage.write(Path(os.environ["GPT_COVERAGE"]))
        assert not missing, f"points of the coverage plan not hit: {', '.join(missing)}"
