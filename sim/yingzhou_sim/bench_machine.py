# SPDX-License-Identifier: Apache-2.0
"""What cache and memory engine make of a program on the whole machine, and what simulating them costs.

The kernels of ``sw/workloads`` as a bare program on the machine as it is, on one with line buffers in place of the
cache, and on one without memory engine too, for each DRAM latency.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from yingzhou.soc.config import SocConfig

from .bench_goals import Goal, Row
from .firmware import build_image
from .machine import DramTiming
from .runs import Outcome, Run

BENCH: Final = "machine"
WHOLE: Final = "cache and engine"
MACHINES: Final = {
    WHOLE: SocConfig(),
    "line buffers and engine": SocConfig(cache="lines"),
    "line buffers, no engine": SocConfig(cache="lines", memory="plain"),
}


def runs(latencies: Sequence[int]) -> dict[str, Run]:
    """Return the runs by variant."""
    image = build_image("bare-kernels")
    return {
        variant: Run(name=f"{BENCH}, {variant}", images=(image,), config=config, dram=DramTiming(latency=latency))
        for machine, config in MACHINES.items()
        for latency in latencies
        for variant in (f"{machine}, DRAM {latency}",)
    }


def rows(measured: Mapping[str, Outcome]) -> list[Row]:
    """Return what came of the runs, by variant."""
    made = []
    for variant, outcome in measured.items():
        for metric, value, unit in (
            ("cycles", outcome.cycles, "cycles"),
            ("instructions", outcome.retired, "instructions"),
            ("cycles per instruction", round(outcome.cycles / max(1, outcome.retired), 3), "cycles"),
            ("lines read from DRAM", outcome.dram_reads, "lines"),
            ("lines written to DRAM", outcome.dram_writes, "lines"),
            ("simulated, processor time", round(outcome.cpu_khz, 1), "kHz"),
        ):
            made.append(Row(BENCH, variant, metric, value, unit))
    return made


def goals(found: Sequence[Row]) -> list[Goal]:
    """Judge the speed of the simulation with everything on: the slowest of its runs counts."""
    speeds = {r.variant: r.value for r in found if r.bench == BENCH and r.unit == "kHz" and r.variant.startswith(WHOLE)}
    slowest = min(speeds, key=lambda variant: speeds[variant], default="")
    return [
        Goal(
            text="simulation of the whole machine: at least 80 kHz of processor time",
            limit=80,
            unit="kHz",
            reached=speeds.get(slowest),
            at_least=True,
            worst=slowest,
            reason="the hart is evaluated in every cycle, at work or not, and the engine whenever it is not idle",
        )
    ]
