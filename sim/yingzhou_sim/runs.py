# SPDX-License-Identifier: Apache-2.0
"""What the simulator runs: images and boot arguments in, scenarios and measurements out."""

import enum
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from yingzhou.errors import ConfigError, require
from yingzhou.soc.config import SocConfig
from yingzhou.soc.memory_map import BOOT_ARGS, DRAM_BASE, INITRD_BASE

from . import leak
from .attacker import Attacker
from .machine import DramTiming, Event, Machine, Stop
from .oracle import OwnershipOracle

BOOT_MAGIC: Final = 0x41425A59
ABI_VERSION: Final = 1


class EventCode(enum.IntEnum):
    """Codes of the simulation device's events (``sw/include/yz/abi.h``)."""

    SCENARIO_BEGIN = 1
    SCENARIO_END = 2
    BENCH = 3
    MARK = 4
    ATTACK = 5
    DATA = 6


class BootMode(enum.IntEnum):
    """What the host kernel does (``enum yz_boot_mode``)."""

    DEMO = 0
    ATTACK = 1
    BENCH = 2
    ENCLAVE = 3
    TAMPER = 4


UNGUARDED: Final = 1
"""Boot flag: the host never initialises the guard and writes its page tables directly."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One program on one machine.

    Parameters
    ----------
    name : str
        For people and reports.
    images : tuple of Path
        ELF files to load.
    mode : BootMode or None
        Boot argument of the host kernel; None for a bare-metal program, which gets none.
    flags, scenario, seed : int
        Further boot arguments.
    initrd : Path or None
        File given to the host kernel.
    config : SocConfig
        The machine.
    dram : DramTiming
        Timing of the memory outside the chip.
    entropy_seed : int
        Seed of the words at the entropy port.
    max_cycles : int
        A run that has not ended by then has failed.
    waves : Path or None
        Waves file.
    """

    name: str
    images: tuple[Path, ...]
    mode: BootMode | None = None
    flags: int = 0
    scenario: int = 0
    seed: int = 1
    initrd: Path | None = None
    config: SocConfig = field(default_factory=SocConfig)
    dram: DramTiming = field(default_factory=DramTiming)
    entropy_seed: int = 1
    max_cycles: int = 50_000_000
    waves: Path | None = None


@dataclass(frozen=True)
class Scenario:
    """One scenario as its program reported it; ``threats`` are ids of the threat list."""

    run: str
    name: str
    kind: str
    threats: tuple[str, ...]
    passed: bool
    cycles: int
    detail: str


@dataclass(frozen=True)
class Measurement:
    """One value that a program measured."""

    bench: str
    metric: str
    value: int
    unit: str


@dataclass
class Outcome:
    """What came of a run. ``stop`` is None while it runs or when it was interrupted."""

    name: str
    scenarios: list[Scenario] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    findings: list[leak.Finding] = field(default_factory=list)
    stop: Stop | None = None
    exit_code: int = 0
    cycles: int = 0
    retired: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the processor, and so without what it did for others."""
    dram_reads: int = 0
    """Requests that DRAM saw since the last reset; so are ``dram_writes``."""
    dram_writes: int = 0

    @property
    def khz(self) -> float:
        """Speed of the simulation in thousand cycles a second."""
        return self.cycles / self.seconds / 1000 if self.seconds else 0.0

    @property
    def cpu_khz(self) -> float:
        """Speed of the simulation in thousand cycles a second of processor time."""
        return self.cycles / self.cpu_seconds / 1000 if self.cpu_seconds else 0.0

    @property
    def ok(self) -> bool:
        """The program ended by itself with 0, and every scenario it began passed."""
        return self.stop is Stop.EXIT and self.exit_code == 0 and all(s.passed for s in self.scenarios)


class Observer:
    """Receives what happens during a run. Override what is of interest."""

    def console(self, text: str) -> None:
        """The program printed ``text``."""

    def scenario(self, scenario: Scenario) -> None:
        """A scenario ended."""

    def progress(self, outcome: Outcome) -> None:
        """A few thousand cycles have passed."""


class _Session:
    """Turns the events of a running program into scenarios and measurements."""

    def __init__(
        self,
        machine: Machine,
        outcome: Outcome,
        observer: Observer,
        attacker: Attacker,
        oracle: OwnershipOracle | None,
    ):
        self.machine, self.outcome, self.observer = machine, outcome, observer
        self.attacker, self.oracle = attacker, oracle
        self.open: tuple[str, str, tuple[str, ...], int] | None = None
        self.seen: dict[int, bytes] = {}
        """What the open scenario handed over, by ``enum yz_leak``."""

    def handle(self, event: Event) -> None:
        self.observer.console(self.machine.console())
        text = self.machine.string
        a = event.args
        match event.code:
            case EventCode.SCENARIO_BEGIN:
                self.abandon("the next scenario began before this one ended")
                threats = tuple(t.strip() for t in text(a[2]).split(",") if t.strip())
                self.open = (text(a[0]), "attack" if a[1] else "function", threats, self.machine.total_cycles)
            case EventCode.SCENARIO_END if self.open:
                self._end(bool(a[0]), text(a[1]))
            case EventCode.ATTACK:
                self.attacker.handle(event)
            case EventCode.DATA if self.open:
                self.seen[a[0]] = self.seen.get(a[0], b"") + self.machine.read(a[1], a[2])
            case EventCode.BENCH:
                self.outcome.measurements.append(Measurement(text(a[0]), text(a[1]), a[2], text(a[3])))
            case EventCode.MARK:
                pass
            case _:
                self._report("unexpected event", "function", (), False, 0, f"code {event.code} with arguments {a}")

    def _end(self, passed: bool, detail: str) -> None:
        """Close the scenario with the program's verdict, unless what is seen in DRAM disagrees.

        The event is a device access, so memory has answered every store before it.
        """
        assert self.open
        if self.seen and passed:
            finding = leak.judge(self.open[0], self.seen)
            self.outcome.findings.append(finding)
            passed, detail = finding.expected, finding.text()
        wrong = [*self.attacker.findings, *(self.oracle.violations() if self.oracle else ())]
        self.attacker.findings.clear()
        if wrong:
            passed, detail = False, f"{detail}; seen from outside: {'; '.join(wrong)}"
        self._close(passed, detail)

    def abandon(self, why: str) -> None:
        """Fail the scenario that is open, if any."""
        if self.open:
            self._close(False, why)

    def _close(self, passed: bool, detail: str) -> None:
        assert self.open
        name, kind, threats, begun = self.open
        self.open = None
        self.seen.clear()
        self._report(name, kind, threats, passed, self.machine.total_cycles - begun, detail)

    def _report(self, name: str, kind: str, threats: tuple[str, ...], passed: bool, cycles: int, detail: str) -> None:
        scenario = Scenario(self.outcome.name, name, kind, threats, passed, cycles, detail)
        self.outcome.scenarios.append(scenario)
        self.observer.scenario(scenario)


def load(machine: Machine, run: Run) -> None:
    """Put a run's images, initrd and boot arguments into the machine's DRAM."""
    for image in run.images:
        # The first image holds the reset vector.
        machine.load_elf(image, entry=run.config.hart.reset_pc if image == run.images[0] else None)
    initrd = b""
    if run.initrd:
        try:
            initrd = run.initrd.read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot read {run.initrd}: {error.strerror}") from None
        limit = min(DRAM_BASE + run.config.dram_bytes - INITRD_BASE, 4 << 20)
        require(
            len(initrd) <= limit, f"{run.initrd} has {len(initrd)} bytes; at most {limit} fit beside the host kernel"
        )
        machine.poke(INITRD_BASE, initrd)
    if run.mode is not None:
        arguments = struct.pack(
            "<16I",
            BOOT_MAGIC,
            ABI_VERSION,
            run.mode,
            run.flags,
            run.config.dram_bytes,
            INITRD_BASE if initrd else 0,
            len(initrd),
            run.seed,
            run.scenario,
            *[0] * 7,
        )
        machine.poke(BOOT_ARGS, arguments)


def execute(run: Run, observer: Observer, should_stop: Callable[[], bool] = lambda: False) -> Outcome:
    """Run to exit, to ``max_cycles`` or until ``should_stop()``; never raises for what the program does."""
    outcome = Outcome(run.name)
    with Machine(run.config, dram=run.dram, entropy_seed=run.entropy_seed, waves=run.waves) as machine:
        load(machine, run)
        oracle = OwnershipOracle(machine, run.images[0]) if run.mode is not None else None
        attacker = Attacker(machine, lambda: load(machine, run))
        session = _Session(machine, outcome, observer, attacker, oracle)
        begun, cpu_begun = time.perf_counter(), time.process_time()

        def update() -> None:
            outcome.cycles, outcome.retired = machine.total_cycles, machine.total_retired
            outcome.seconds, outcome.cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu_begun
            outcome.dram_reads, outcome.dram_writes = machine.dram_counts
            observer.console(machine.console())
            observer.progress(outcome)

        while not should_stop():
            stop = machine.run(max(0, min(20_000, run.max_cycles - machine.total_cycles)))
            if stop is Stop.EVENT:
                session.handle(machine.event)
                continue
            update()
            if stop is Stop.EXIT:
                outcome.stop, outcome.exit_code = stop, machine.exit_code
                session.abandon("the program ended before this scenario did")
                break
            if machine.total_cycles >= run.max_cycles:
                outcome.stop = Stop.CYCLES
                session.abandon(f"not ended after {run.max_cycles} cycles")
                break
        update()
    return outcome
