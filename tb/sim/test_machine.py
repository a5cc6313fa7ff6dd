# SPDX-License-Identifier: Apache-2.0
"""The default machine behind its Python front end."""

import pytest

from tb.sim.programs import build
from yingzhou.errors import ConfigError
from yingzhou.llc.config import LlcConfig
from yingzhou.soc.config import SocConfig, machine_cache
from yingzhou.soc.memory_map import DRAM_BASE
from yingzhou_sim import firmware
from yingzhou_sim.machine import DramTiming, Event, Machine, Stop
from yingzhou_sim.runs import Observer, Outcome, Run, execute


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Return a function that compiles a program of this folder once."""
    folder, made = tmp_path_factory.mktemp("programs"), {}

    def get(name: str):
        if name not in made:
            made[name] = build(name, folder)
        return made[name]

    return get


def measured(outcome: Outcome) -> dict[str, int]:
    """Return a run's measurements by metric."""
    return {m.metric: m.value for m in outcome.measurements}


def test_latency_is_what_was_asked_for(programs):
    """Each of 64 dependent line misses costs the additional latency; at most one speculative fetch adds its own."""
    found = {}
    for latency in (10, 40, 100):
        run = Run(name="stride", images=(programs("stride"),), dram=DramTiming(latency=latency))
        found[latency] = measured(execute(run, Observer()))
    assert found[10]["fills"] == found[40]["fills"] == found[100]["fills"] >= 64
    for slow, fast in ((40, 10), (100, 40)):
        more = found[slow]["cycles"] - found[fast]["cycles"] - 64 * (slow - fast)
        assert 0 <= more <= slow


def test_same_run_same_cycles(programs):
    """Two runs of one program take the same cycles, instruction for instruction."""
    first, second = (execute(Run(name="stride", images=(programs("stride"),)), Observer()) for _ in range(2))
    assert (first.cycles, first.retired) == (second.cycles, second.retired)
    assert first.retired > 1000


def test_console(programs):
    """Bytes go in and out, and the exit code comes through."""
    with Machine() as machine:
        machine.load_elf(programs("echo"))
        machine.type(b"hello, q")
        assert machine.run(200_000) is Stop.EXIT
        assert machine.exit_code == 7
        assert machine.console() == "hello, "


def test_holes(programs):
    """Loads and stores where nothing is trap precisely, and the machine goes on. threat: W25"""
    outcome = execute(Run(name="holes", images=(programs("holes"),), max_cycles=200_000), Observer())
    assert outcome.stop is Stop.EXIT and outcome.exit_code == 0


def test_out_of_cycles(programs):
    """A program that does not end is stopped, and that is not a success."""
    outcome = execute(Run(name="spin", images=(programs("spin"),), max_cycles=30_000), Observer())
    assert outcome.stop is Stop.CYCLES and not outcome.ok
    assert 30_000 <= outcome.cycles < 30_010


def test_dram_behind_the_back():
    """What is poked is peeked, across pages; addresses outside DRAM are refused by name."""
    with Machine() as machine:
        data = bytes(range(256)) * 40
        machine.poke(DRAM_BASE + 0x1F00, data)
        assert machine.peek(DRAM_BASE + 0x1F00, len(data)) == data
        assert machine.peek(DRAM_BASE + 0x100000, 8) == bytes(8)
        end = DRAM_BASE + machine.config.dram_bytes
        for address in (0, DRAM_BASE - 1, end - 7, end):
            with pytest.raises(ConfigError, match=f"{address:#x}"):
                machine.peek(address, 8)


def test_memory_as_the_chip_reads_it(programs):
    """What a program has stored is in its cache, not in DRAM; the harness can look at both."""
    with Machine() as machine:
        image = machine.load_elf(programs("stored"))
        assert machine.run(200_000) is Stop.EXIT and machine.exit_code == 0
        place = image.segments[0].address + (1 << 20)
        assert machine.read(place, 8) == b"in cache" and machine.peek(place, 8) == bytes(8)
        assert machine.read(place + 60, 72)[4:12] == b"in DRAM!" == machine.peek(place + 64, 8)
        assert machine.read(place - 4096, 16) == bytes(16)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"checker": "gtp"}, "'gtp'.*none, gpt, bitmap"),
        ({"dram_bytes": 100 << 20}, str(100 << 20)),
        ({"dram_bytes": 8 << 20}, "16 MiB"),
        ({"data_lines": 3}, "data_lines is 3"),
        ({"cache": "l2"}, "'l2'.*lines, llc"),
        ({"llc": LlcConfig(addr_width=34)}, "llc.addr_width is 34; this machine needs 32"),
        ({"llc": machine_cache(64 << 20)}, "llc.cacheable"),
    ],
)
def test_impossible_machine(settings, words):
    """A wrong value is named together with what is accepted."""
    with pytest.raises(ConfigError, match=words):
        SocConfig(**settings)


@pytest.mark.parametrize("settings", [{"latency": 0}, {"beat": 0}, {"banks": 65}, {"bank_busy": -1}])
def test_impossible_dram(settings):
    """A wrong timing is named together with what is accepted."""
    name, value = next(iter(settings.items()))
    with pytest.raises(ConfigError, match=f"{name} is {value}; accepted are"):
        DramTiming(**settings)


@pytest.mark.parametrize("latency", (10, 100))
def test_engine_clock_that_stops(latency: int):
    """With the engine's clock stopped while it is idle, all happens in the same cycles and DRAM holds the same."""
    found = []
    for always in (True, False):
        with Machine(dram=DramTiming(latency=latency), engine_always=always) as machine:
            machine.load_elf(firmware.build_image("memory"))
            events: list[Event] = []
            while machine.total_cycles < 300_000:
                if machine.run(300_000 - machine.total_cycles) is Stop.EVENT:
                    events.append(machine.event)
            image = {page: machine.peek(page, 4096) for page in machine.pages()}
            assert (
                (machine.engine_cycles >= machine.total_cycles)
                if always
                else (machine.engine_cycles < 0.9 * machine.total_cycles)
            )
            assert machine.dram_counts[1] > 100, "protected memory was written"
            found.append((events, machine.retired, machine.dram_counts, image))
    assert found[0] == found[1]
    assert len(found[0][0]) >= 2
