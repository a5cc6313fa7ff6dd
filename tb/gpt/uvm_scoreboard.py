# SPDX-License-Identifier: Apache-2.0
"""Scoreboard, coverage and environment of the guard's pyuvm bench."""

import json
from pathlib import Path

from cocotb_coverage.coverage import CoverPoint, coverage_db
from pyuvm import ConfigDB, uvm_env, uvm_sequencer, uvm_subscriber

from tb.models import gpt_registers
from tb.models.gpt import Fault, Pte, Rule
from yingzhou.gpt.config import GptConfig

from . import plan
from .stimulus import Read, device_pages
from .uvm_bench import Cycle, GptDriver, GptMonitor, RegisterRead, RegisterWrite, WasReset

_FAULT_REGISTERS = (0x10, 0x14, 0x18, 0x1C, 0x20)


class Coverage:
    """Functional coverage by the names of the plan, kept in the coverage database of cocotb-coverage."""

    def __init__(self, config: GptConfig):
        self._points = plan.points(config)
        known = set(self._points)

        @CoverPoint("gpt.plan", xf=lambda point: point, bins=self._points, at_least=1)
        def sample(point: str) -> None:
            if point not in known:
                raise AssertionError(f"observed point {point!r} is not in the plan")

        self.sample = sample

    def hits(self) -> dict[str, int]:
        """Return the number of hits of each point."""
        return dict(coverage_db["gpt.plan"].detailed_coverage)

    def write(self, path: Path) -> list[str]:
        """Write the report as JSON; return the points that were not hit."""
        hits = self.hits()
        missing = [point for point in self._points if hits[point] == 0]
        path.parent.mkdir(parents=True, exist_ok=True)
        report = {"points": len(hits), "hit": len(hits) - len(missing), "missing": missing, "hits": hits}
        path.write_text(json.dumps(report, indent=1) + "\n")
        return missing


class GptScoreboard(uvm_subscriber):
    """Compares what the monitor saw with the reference model, and says which points of the plan that was."""

    def build_phase(self):
        config: GptConfig = ConfigDB().get(self, "", "BFM").config
        self.config = config
        self.coverage: Coverage = ConfigDB().get(self, "", "COVERAGE")
        self.state = gpt_registers.Registers(
            config.mode, config.areas, config.pa_width, config.protection_bit, device_pages(config)
        )
        self.seen = dict.fromkeys((RegisterWrite, RegisterRead, Cycle), 0)
        self._requested = None
        self._fault_words: dict[int, int] = {}
        self._cleared = False

    def write(self, event):
        match event:
            case WasReset():
                if self.state.read(gpt_registers.CONTROL) & 2:
                    self.coverage.sample("lock/reset-releases")
                self.state.reset()
                return
            case RegisterWrite():
                self._register_write(event)
            case RegisterRead():
                self._register_read(event)
            case Cycle():
                self._cycle(event)
        self.seen[type(event)] += 1

    def check_phase(self):
        assert min(self.seen.values()) > 100, f"the monitor saw too little: {self.seen}"

    def _register_write(self, event: RegisterWrite) -> None:
        for point in plan.observe_write(self.state, event.address, event.accepted):
            self.coverage.sample(point)
        had_fault = self.state.record.fault is not None
        expected = self.state.write(event.address, event.value)
        assert event.accepted == expected, f"write {event} should have been {'accepted' if expected else 'refused'}"
        if event.address == gpt_registers.FAULT_STATUS and had_fault and self.state.record.fault is None:
            self._cleared = True
            self.coverage.sample("record/cleared")

    def _register_read(self, event: RegisterRead) -> None:
        assert event.accepted == self.state.exists(event.address), event
        if event.address not in _FAULT_REGISTERS:
            expected = self.state.read(event.address)
            assert event.value == expected, f"register {event.address:#x} reads {event.value:#x}, not {expected:#x}"
            return
        self._fault_words[event.address] = event.value
        if event.address == _FAULT_REGISTERS[-1]:
            fault = self.state.fault(self._fault_words)
            assert fault == self.state.record.fault

    def _cycle(self, event: Cycle) -> None:
        guard, record = self.state.guard, self.state.record
        assert event.irq == (record.fault is not None)
        snapshot = (guard.enable, guard.world, tuple(guard.areas))
        before = after = Rule.ALLOW
        if event.request is not None:
            address, level = event.request
            before = guard.read(address // 4096, level)
            read = Read(address // 4096, 0, level, 0)
            for point in plan.observe_request(guard, read, before):
                self.coverage.sample(point)
            self._requested = snapshot
        if event.answer is not None:
            address, level, pte = event.answer
            after = guard.answer(address // 4096, level, pte)
            read = Read(address // 4096, 0, level, pte)
            for point in plan.observe_answer(guard, read, after, snapshot != self._requested):
                self.coverage.sample(point)
        assert event.request_rule == before, f"request {event.request}: rule {event.request_rule}, not {before!r}"
        assert event.answer_rule == after, f"answer {event.answer}: rule {event.answer_rule}, not {after!r}"
        assert event.pte == (event.answer[2] if event.answer is not None and not after else 0), event
        if event.answer is not None and not after:
            record.pass_one()
        self._note(event, before, after)

    def _note(self, event: Cycle, before: Rule, after: Rule) -> None:
        guard, record = self.state.guard, self.state.record
        if not before and not after:
            return
        if before and after:
            self.coverage.sample("record/answer-before-request")
        self.coverage_of_record()
        faults = []
        if after and event.answer is not None:
            address, level, pte = event.answer
            page = Pte.decode(guard.paging, pte).ppn if after == Rule.HOST_LEAF else 0
            faults.append(Fault(guard.world, True, level, after, address, page))
        if before and event.request is not None:
            address, level = event.request
            faults.append(Fault(guard.world, False, level, before, address, 0))
        first = record.fault or faults[0]
        for fault in faults if before != after else faults[:1]:
            record.note(fault)
        record.fault = first

    def coverage_of_record(self) -> None:
        """Sample what a refusal does to the record."""
        if self.state.record.fault is not None:
            self.coverage.sample("record/first-kept")
        elif self._cleared:
            self.coverage.sample("record/again-after-clear")


class GptEnv(uvm_env):
    """Sequencer, driver, monitor and scoreboard, connected."""

    def build_phase(self):
        self.sequencer = uvm_sequencer("sequencer", self)
        ConfigDB().set(None, "*", "SEQUENCER", self.sequencer)
        self.driver = GptDriver.create("driver", self)
        self.monitor = GptMonitor.create("monitor", self)
        self.scoreboard = GptScoreboard.create("scoreboard", self)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        self.monitor.ap.connect(self.scoreboard.analysis_export)
