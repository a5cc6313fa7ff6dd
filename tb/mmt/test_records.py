# SPDX-License-Identifier: Apache-2.0
"""What reaches the failure records: nothing is lost when two units fail at once, each refusal is seen with its line."""

from random import Random

import pytest
from amaranth.sim import Simulator

from yingzhou.mmt.config import preset
from yingzhou.mmt.records import Denials, FailureMerge
from yingzhou.mmt.signature import INTEGRITY_KINDS, Kind, Verdict

CONFIG = preset("paper", addr_width=32)


def simulate(dut, bench) -> None:
    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()


def test_two_failures_in_one_cycle_both_arrive():
    """Random pulses, ``second`` never in two cycles running: what goes in comes out, in order for each source."""
    dut = FailureMerge(CONFIG)
    rng = Random(1)

    async def bench(ctx):
        sent: dict[str, list[int]] = {"first": [], "second": []}
        seen: list[int] = []
        idle = True
        for line in range(600):
            idle = not idle
            for name, port in (("first", dut.first), ("second", dut.second)):
                # Every other cycle is free, so that a held one gets out before the next.
                valid = rng.random() < 0.5 and idle
                kind = rng.choice(list(Kind))
                ctx.set(port.valid, valid)
                ctx.set(port.failure, {"kind": kind, "line": 2 * line + (name == "second"), "level": 0, "root": 0})
                if valid and kind in INTEGRITY_KINDS:
                    sent[name].append(2 * line + (name == "second"))
            if ctx.get(dut.out.valid):
                seen.append(ctx.get(dut.out.failure.line))
            await ctx.tick()
        ctx.set(dut.first.valid, 0)
        ctx.set(dut.second.valid, 0)
        if ctx.get(dut.out.valid):
            seen.append(ctx.get(dut.out.failure.line))
        assert [line for line in seen if line % 2 == 0] == sent["first"]
        assert [line for line in seen if line % 2 == 1] == sent["second"]
        assert len(sent["first"]) > 50 and len(sent["second"]) > 50

    simulate(dut, bench)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in INTEGRITY_KINDS])
def test_refusals_are_no_failures(kind):
    dut = FailureMerge(CONFIG)

    async def bench(ctx):
        for port in (dut.first, dut.second):
            ctx.set(port.valid, 1)
            ctx.set(port.failure, {"kind": kind, "line": 1})
        assert not ctx.get(dut.out.valid)

    simulate(dut, bench)


def test_a_denied_lookup_is_reported_with_its_line():
    dut = Denials(CONFIG)

    async def bench(ctx):
        ctx.set(dut.active, 1)
        ctx.set(dut.lookup_line, 77)
        ctx.set(dut.lookup_valid, 1)
        await ctx.tick()
        ctx.set(dut.lookup_valid, 0)
        ctx.set(dut.lookup_line, 78)
        await ctx.tick()
        ctx.set(dut.lookup_done, 1)
        for verdict in Verdict:
            ctx.set(dut.lookup_answer, {"verdict": verdict, "kind": Kind.LOCKED})
            assert ctx.get(dut.out.valid) == (verdict == Verdict.DENIED)
        ctx.set(dut.lookup_answer, {"verdict": Verdict.DENIED, "kind": Kind.LOCKED})
        assert (ctx.get(dut.out.failure.kind), ctx.get(dut.out.failure.line)) == (Kind.LOCKED, 77)

    simulate(dut, bench)


def test_a_failed_service_is_reported_unless_a_check_failed():
    dut = Denials(CONFIG)

    async def bench(ctx):
        ctx.set(dut.service_line, 5)
        ctx.set(dut.service_valid, 1)
        await ctx.tick()
        ctx.set(dut.service_valid, 0)
        ctx.set(dut.service_line, 6)
        ctx.set(dut.service_failed, 1)
        for kind in Kind:
            ctx.set(dut.service_kind, kind)
            assert ctx.get(dut.out.valid) == (kind not in INTEGRITY_KINDS)
        ctx.set(dut.service_kind, Kind.NOT_ALLOCATED)
        assert (ctx.get(dut.out.failure.kind), ctx.get(dut.out.failure.line)) == (Kind.NOT_ALLOCATED, 5)

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("active", "outside", "kind"),
    [(1, 0, None), (1, 1, Kind.OUTSIDE), (0, 0, Kind.NOT_READY), (0, 1, Kind.NOT_READY)],
)
def test_operations_that_reach_no_tree(active, outside, kind):
    dut = Denials(CONFIG)

    async def bench(ctx):
        ctx.set(dut.active, active)
        ctx.set(dut.op_outside, outside)
        ctx.set(dut.op_line, 9)
        assert not ctx.get(dut.out.valid)
        ctx.set(dut.op_valid, 1)
        assert ctx.get(dut.out.valid) == (kind is not None)
        if kind is not None:
            assert (ctx.get(dut.out.failure.kind), ctx.get(dut.out.failure.line)) == (kind, 9)

    simulate(dut, bench)
