# SPDX-License-Identifier: Apache-2.0
"""cocotb tests of the walk checkers; run by ``test_walk_port.py``."""

import os
from random import Random

import cocotb
from cocotb.triggers import ClockCycles

from tb.models import gpt as model
from tb.models import gpt_registers as registers

from .walk_bench import CACHE_WORDS, CHECKERS, CONFIG, Bench, Side, Start, Transfer, Walker, walk

HPT, ENCLAVE_TABLES, OUTSIDE, DATA = 0x81000, 0xD0000, 0x85000, 0x82000
SECRET = 0xC5000
BITMAP, FIRST, COUNT = 0x84000, 0x80000, 0x10000
RO, RW, POINTER = 0xC3, 0xC7, 0x01
AREAS = [(1, 0b10, HPT, HPT + 1), (1, 0b01, HPT + 1, HPT + 8), (2, 0b11, ENCLAVE_TABLES, ENCLAVE_TABLES + 4)]
SEED = int(os.environ.get("COCOTB_RANDOM_SEED", "1"))


def tables(rng: Random) -> dict[int, int]:
    """Return host tables that obey the rules: root 0x81000, leaf tables after it, superpages, holes."""
    memory: dict[int, int] = {}
    for index in range(16):
        kind = rng.choice(["table", "table", "table", "superpage", "hole"])
        if kind == "table":
            memory[HPT * 4096 + 4 * index] = HPT + 1 + rng.randrange(7) << 10 | POINTER
        elif kind == "superpage":
            memory[HPT * 4096 + 4 * index] = 0x86000 + 0x400 * rng.randrange(8) << 10 | RW
    for table in range(1, 8):
        for index in range(16):
            if rng.random() < 0.8:
                memory[(HPT + table) * 4096 + 4 * index] = DATA + rng.randrange(64) << 10 | rng.choice([RO, RW])
    return memory


def address(rng: Random) -> int:
    """Return a virtual address that ``tables`` know something about."""
    return rng.randrange(16) << 22 | rng.randrange(16) << 12


async def open_bench(dut, memory: dict[int, int], seed: int, wait_max: int) -> Bench:
    """Return the bench after reset, with equal walkers and memories on all three checkers."""
    bench = Bench(dut)
    await bench.reset()
    for name in CHECKERS:
        waits, gaps = Random(seed), Random(seed + 1)
        bench.sides.append(
            Side(
                name,
                dut,
                memory,
                wait=lambda _, rng=waits: rng.randint(0, wait_max),
                gap=lambda rng=gaps: rng.randint(0, 4),
            )
        )
    return bench


async def configure(bench: Bench, enable: int = 1, world: int = 0) -> registers.Registers:
    """Write the areas into the guard and the bitmap's place into the bitmap checker; return the guard's model."""
    state = registers.Registers(CONFIG.mode, CONFIG.areas, CONFIG.pa_width, CONFIG.protection_bit)
    for index, (kind, levels, base, limit) in enumerate(AREAS):
        here = registers.AREAS + index * registers.AREA_BYTES
        for offset, value in ((4, base), (0xC, limit), (0, levels << 4 | kind)):
            assert await bench.write("gpt", here + offset, value) == state.write(here + offset, value)
    for offset, value in ((0x24, BITMAP), (0x28, FIRST), (0x2C, COUNT)):
        assert await bench.write("bitmap", offset, value)
    for name in ("gpt", "bitmap"):
        await bench.write(name, registers.WORLD, world)
        await bench.write(name, registers.CONTROL, enable)
    state.write(registers.WORLD, world)
    state.write(registers.CONTROL, enable)
    return state


@cocotb.test()
@cocotb.parametrize(wait_max=[0, 1, 7])
async def guard_costs_nothing(dut, wait_max):
    """Allowed walks take exactly as many cycles and accesses with the guard as without; cost contract of the GPT."""
    rng = Random(SEED)
    memory = tables(rng)
    bench = await open_bench(dut, memory, SEED, wait_max)
    await configure(bench)
    addresses = [address(rng) for _ in range(300)]
    for side in bench.sides[:2]:
        side.queue = [walk(HPT, where) for where in addresses]
    none, guard = bench.sides[:2]
    bench.sides = [none, guard]
    await bench.run()
    assert none.results == guard.results, "same answers in the same cycles"
    assert none.accesses == guard.accesses, "same accesses in the same cycles"
    answers = [answer for _, answer in guard.results]
    assert len(answers) == 300 and "page fault" in answers and sum(isinstance(answer, int) for answer in answers) > 100
    assert await bench.read("gpt", 0x30) == len(guard.accesses), "every read is counted as allowed"
    assert await bench.read("gpt", registers.FAULT_STATUS) == 0


def wild_walk(port: model.Port, memory: dict[int, int], rng: Random, log: list) -> Walker:
    """Act as a walker that may do anything, and check each answer against the model.

    It follows pointers or not, starts at odd places, reads without starting, writes, starts twice, and gives up.
    """
    starts = rng.choice([0, 1, 1, 1, 1, 1, 2])
    for _ in range(starts):
        yield Start()
        port.start()
    page = rng.choice([HPT, HPT, HPT + 1, ENCLAVE_TABLES, OUTSIDE, HPT | 1 << 18])
    for _ in range(rng.randint(1, 4)):
        where = page * 4096 + 4 * rng.randrange(16)
        write = rng.random() < 0.05
        give_up = rng.choice([None] * 9 + [0])
        expected = port.guard.read(page, port.guard.paging.levels if write or port.level is None else port.level)
        answer = yield Transfer(where, write, give_up)
        assert answer is not None
        if not expected and not answer.ack and not answer.err:
            port.request(where, write)
            port.give_up()
            log.append("given up")
            yield None
            return
        rule = port.request(where, write)
        assert rule == expected
        if rule:
            assert answer.err and answer.data == 0, (hex(where), rule)
            log.append(f"refused read {rule.name}")
            return
        if where % 64 == 60:
            assert answer.err and answer.data == 0, "a bus error stays one"
            port.give_up()
            log.append("bus error")
            return
        word = memory.get(where, 0)
        rule = port.respond(where, word)
        assert (answer.err, answer.ack, answer.data) == (bool(rule), not rule, 0 if rule else word), (hex(where), rule)
        log.append(f"refused answer {rule.name}" if rule else "allowed")
        if rule:
            return
        page = word >> 10 if rng.random() < 0.8 else rng.choice([HPT, HPT + 1, OUTSIDE])


@cocotb.test()
@cocotb.parametrize(wait_max=[0, 3])
async def guard_follows_the_model(dut, wait_max):
    """Hostile tables and a walker that may do anything, against the model.

    covers: GPT.HOST_AREA GPT.HOST_LEAF GPT.ENCLAVE_AREA GPT.RESET_DENY

    threat: W01 W02 W03 W05 W06 W07 W25
    """
    rng = Random(SEED + 7)
    memory: dict[int, int] = {}
    targets = [HPT, HPT + 1, HPT + 2, ENCLAVE_TABLES, ENCLAVE_TABLES ^ 1 << 18, OUTSIDE, SECRET, DATA, 0x90400, 0x88000]
    for table in (*range(HPT, HPT + 8), *range(ENCLAVE_TABLES, ENCLAVE_TABLES + 4), OUTSIDE, HPT | 1 << 18):
        for index in range(16):
            memory[table * 4096 + 4 * index] = rng.choice(targets) << 10 | rng.choice([POINTER, POINTER, RO, RW, 0])
    bench = await open_bench(dut, memory, SEED, wait_max)
    guard = bench.sides[1]
    bench.sides = [guard]
    guard.fails = lambda where: where % 64 == 60
    state = await configure(bench, enable=0)
    port = model.Port(state.guard, state.record)
    log: list[str] = []
    for number in range(60):
        for where, value in ((registers.CONTROL, int(number >= 3)), (registers.WORLD, int(number % 3 == 2))):
            assert await bench.write("gpt", where, value)
            state.write(where, value)
        if number % 5 == 4:
            await bench.write("gpt", registers.FAULT_STATUS, 1)
            state.write(registers.FAULT_STATUS, 1)
        # One at a time: a walker's model is ahead of the hardware by as much as it has queued.
        for _ in range(10):
            guard.queue = [wild_walk(port, memory, rng, log)]
            await bench.run()
        for where in (0x30, *registers.COUNTERS):
            assert await bench.read("gpt", where) == state.read(where), hex(where)
        words = {where: await bench.read("gpt", where) or 0 for where in (0x10, 0x14, 0x18, 0x1C, 0x20)}
        assert state.fault(words) == state.record.fault
        assert str(dut.gpt__fault.value) == str(int(state.record.fault is not None))
    wanted = {f"refused read {rule}" for rule in ("HOST_AREA", "ENCLAVE_AREA", "RESET_DENY")}
    wanted |= {"refused answer HOST_LEAF", "bus error", "allowed"} | ({"given up"} if wait_max else set())
    assert wanted <= set(log), wanted - set(log)


@cocotb.test()
async def refused_read_is_answered_at_once(dut):
    """``err`` in the cycle of ``stb``, and memory sees nothing. threat: W01 W25"""
    bench = await open_bench(dut, {}, SEED, 0)
    guard = bench.sides[1]
    bench.sides = [guard]
    await configure(bench)
    begin = bench.cycle
    guard.queue = [walk(OUTSIDE, 0)]
    await bench.run()
    assert guard.results == [(begin + 1, "access fault")] and guard.accesses == []


@cocotb.test()
@cocotb.parametrize(change=["enclave to host", "host to enclave", "disable", "new walk"])
async def answer_to_an_older_configuration_is_not_used(dut, change):
    """What changes while memory is working counts: world, enable, or a new walk. threat: W31"""
    world = 1 if change == "enclave to host" else 0
    root = ENCLAVE_TABLES if world else HPT
    memory = {root * 4096: DATA << 10 | RO}
    bench = await open_bench(dut, memory, SEED, 0)
    guard = bench.sides[1]
    guard.wait = lambda _: 6
    bench.sides = [guard]
    await configure(bench, world=world)
    guard.queue = [walk(root, 0)]
    for _ in range(4):
        await bench.step()
    assert guard.accesses, "the read is under way"
    if change == "new walk":
        dut.gpt__walk_start.value = 1
        guard.drive = lambda cycle: None
        await bench.step()
        dut.gpt__walk_start.value = 0
    elif change == "disable":
        await bench.write("gpt", registers.CONTROL, 0)
    else:
        await bench.write("gpt", registers.WORLD, 1 - world)
    await bench.run()
    assert guard.results[0][1] == "access fault"
    await ClockCycles(dut.clk, 2)
    rule = {"enclave to host": 1, "host to enclave": 3, "disable": 4, "new walk": 1}[change]
    status = await bench.read("gpt", registers.FAULT_STATUS)
    assert status is not None and status >> 8 == rule and status >> 2 & 1


@cocotb.test()
async def no_checker_has_no_registers(dut):
    """An access to the registers of ``none`` is an error; nothing is refused."""
    bench = await open_bench(dut, {OUTSIDE * 4096: SECRET << 10 | RW}, SEED, 1)
    assert await bench.read("none", 0) is None
    assert not await bench.write("none", registers.CONTROL, 1)
    none = bench.sides[0]
    bench.sides = [none]
    none.queue = [walk(OUTSIDE, 0)]
    await bench.run()
    assert none.results[0][1] == SECRET << 10 | RW


def secure_bits(secure: set[int]) -> dict[int, int]:
    """Return the bitmap's words by byte address."""
    words: dict[int, int] = {}
    for page in secure:
        where = BITMAP * 4096 + (page - FIRST) // 32 * 4
        words[where] = words.get(where, 0) | 1 << page % 32
    return words


@cocotb.test()
@cocotb.parametrize(wait_max=[0, 3])
async def bitmap_checker_looks_up_every_page(dut, wait_max):
    """Leaves to secure pages are refused, superpages by all their words; cache, flush, counters and world."""
    rng = Random(SEED + 3)
    pages = tables(rng)
    secure = {rng.randrange(DATA, DATA + 64) for _ in range(12)} | {0x86000 + 0x400 * 2 + 999, 0x86000 + 0x400 * 5}
    memory = pages | secure_bits(secure)
    bench = await open_bench(dut, memory, SEED, wait_max)
    side = bench.sides[2]
    bench.sides = [side]

    def expected(where: int) -> int | str:
        pte = memory.get(HPT * 4096 + 4 * (where >> 22), 0)
        size = 1024
        if pte & 0b1111 == POINTER:
            pte, size = memory.get((pte >> 10) * 4096 + 4 * (where >> 12 & 0x3FF), 0), 1
        if not pte & 1:
            return "page fault"
        refused = secure & set(range(pte >> 10, (pte >> 10) + size))
        return "access fault" if refused else pte

    side.queue = [walk(HPT, 0)]
    await bench.run()
    assert side.results.pop()[1] == "access fault" and not side.accesses, "refused until enabled"
    await configure(bench)
    addresses = [address(rng) for _ in range(300)]
    side.queue = [walk(HPT, where) for where in addresses]
    await bench.run()
    assert [answer for _, answer in side.results] == [expected(where) for where in addresses]
    lookups, hits = [await bench.read("bitmap", where) or 0 for where in (0x38, 0x3C)]
    read = [where for _, where in side.accesses if BITMAP * 4096 <= where < BITMAP * 4096 + COUNT // 8]
    assert len(read) == lookups - hits and hits > 0
    assert len(read) >= CACHE_WORDS

    # The protected window's page has the same bit; flush makes a change of the bitmap seen.
    page = next(page for page in range(DATA, DATA + 64) if page not in secure)
    memory[HPT * 4096] = HPT + 1 << 10 | POINTER
    memory[(HPT + 1) * 4096] = (page | 1 << 18) << 10 | RO
    for change, flush, answer in ((False, True, memory[(HPT + 1) * 4096]), (True, True, "access fault")):
        if change:
            memory.update(secure_bits(secure | {page}))
        if flush:
            await bench.write("bitmap", 0x20, 1)
            await ClockCycles(dut.clk, 2)
        side.queue, side.results = [walk(HPT, 0)], []
        await bench.run()
        assert side.results[0][1] == answer
    status = await bench.read("bitmap", registers.FAULT_STATUS)
    assert status == 1, "the first refusal by the bitmap is recorded"
    await bench.write("bitmap", registers.WORLD, 1)
    side.queue, side.results, side.accesses = [walk(HPT, 0)], [], []
    await bench.run()
    assert side.results[0][1] == memory[(HPT + 1) * 4096] and len(side.accesses) == 2, (
        "an enclave's leaf is not looked up"
    )
    await bench.write("bitmap", registers.CONTROL, 3)
    for where in (registers.CONTROL, 0x24, 0x28, 0x2C):
        assert not await bench.write("bitmap", where, 0), "locked"


@cocotb.test()
async def bitmap_bus_error_refuses(dut):
    """When the bitmap cannot be read the leaf is refused."""
    memory = {HPT * 4096: DATA << 10 | RO}
    bench = await open_bench(dut, memory, SEED, 1)
    side = bench.sides[2]
    side.fails = lambda where: where >= BITMAP * 4096
    bench.sides = [side]
    await configure(bench)
    side.queue = [walk(HPT, 0)]
    await bench.run()
    assert side.results[0][1] == "access fault"
