# SPDX-License-Identifier: Apache-2.0
"""Random operations and random tampers against the model: ``python -m tb.mmt.campaign --operations 1000000``.

Rounds of concurrent bursts, commands beside them, flips, replays, splices and resets. Every write to memory, every
answer and every refusal is compared with the model. A *missed* tamper is one whose bytes were used without a failure; a
*false alarm* is a failure without a tamper. Both end the run at once; the seed repeats it. Tests run it
(test_engine_random.py).
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tb.bus.bursts import Burst, draw, line_read, line_write
from yingzhou.mmt.config import MmtConfig

from .bench import DENIED, Bench, Op
from .geometries import ALL, numbers
from .library import FAST, ROUGH, Traffic

TAMPERED = ("LINE_MAC", "NODE_MAC")


@dataclass
class Campaign:
    """One run.

    Parameters
    ----------
    config : MmtConfig
    seed : int
    subtrees : int
        Subtrees in use, from the end of memory.
    hot : float
        Share of accesses that go to a few lines.
    """

    config: MmtConfig
    seed: int = 1
    subtrees: int = 6
    hot: float = 0.5
    traffic: Traffic | None = None
    operations: int = 0
    tampers: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.numbers = numbers(self.config, min(self.subtrees, self.config.subtrees // 2))
        self.bench = Bench(self.config, self.seed)
        self.lines = self.bench.model.shape.subtree_lines
        self.bench.alloc(self.numbers)

    # Operations

    def line(self) -> int:
        """Draw a line of an allocated subtree: edges, a few hot ones, any."""
        number, rng = self.rng.choice(self.numbers), self.rng
        if rng.random() < self.hot:
            return number * self.lines + rng.choice((0, 1, 2, 3, self.lines // 2, self.lines - 1)) % self.lines
        return number * self.lines + rng.randrange(self.lines)

    def burst(self) -> Burst:
        """Draw a burst that stays within the allocated subtrees."""
        rng, bench = self.rng, self.bench
        id, write = rng.randrange(2**self.config.id_width), rng.random() < 0.5
        line = self.line()
        if rng.random() < 0.7:
            strobe = 2**64 - 1 if rng.random() < 0.7 else rng.getrandbits(64)
            data = rng.randbytes(64) if write else b""
            return line_write(id, bench.addr(line), data, strobe) if write else line_read(id, bench.addr(line))
        return draw(rng, bench.addr(line), id, write)

    def round(self, count: int) -> None:
        """Queue bursts, sometimes with a command beside them, and wait for all answers."""
        bench, rng = self.bench, self.rng
        if rng.random() < 0.3:
            bench.engine.configure(self.traffic or rng.choice((FAST, ROUGH, Traffic(latency_min=40, latency_max=40))))
        for _ in range(count):
            bench.issue(self.burst())
        self.operations += count
        if rng.random() < 0.3:
            op = rng.choice((Op.FLUSH, Op.UNMOUNT, Op.MOUNT, Op.FLUSH_ALL, Op.STATUS))
            answer = bench.command(op, rng.choice(self.numbers))
            self.seen[f"{op.name} {answer.result}"] += 1
            allowed = {"OK", "NOT_MOUNTED", "ALREADY_MOUNTED"}
            assert answer.result in allowed, f"{op.name} beside traffic answered {answer}"
        bench.settle()
        assert not bench.board.irq, f"an alarm without a reason: {bench.failure()}"

    def recycle(self) -> None:
        """End a subtree's life and begin the next: it reads as zeros."""
        number = self.rng.choice(self.numbers)
        page = self.bench.model.entry(number).page
        self.bench.expect(Op.FREE, number)
        self.bench.expect(Op.ALLOC, number, page)
        assert not any(map(any, self.bench.read(number * self.lines).data))
        self.seen["recycle"] += 1

    def reset(self) -> None:
        """Reset at some beat of traffic: nothing of before is served, everything begins at zero."""
        bench, rng = self.bench, self.rng
        for _ in range(rng.randint(1, 12)):
            bench.issue(self.burst())
        if rng.random() < 0.5:
            bench.start_command(rng.choice((Op.FLUSH, Op.UNMOUNT, Op.FLUSH_ALL)), rng.choice(self.numbers))
        bench.run(cycles=5000, beats=rng.randint(1, 120))
        bench.reset()
        bench.start()
        line = self.line()
        assert not bench.read(line).ok, "a subtree of before the reset is served"
        bench.alloc(self.numbers)
        assert not any(map(any, bench.read(line).data))
        bench.record(DENIED)
        self.seen["reset"] += 1

    # Tampers

    def tamper(self) -> None:
        """Change something that the next access uses; that access, and no other subtree's, must fail."""
        bench, rng = self.bench, self.rng
        number = rng.choice(self.numbers)
        line = number * self.lines + rng.choice((0, 1, 2, self.lines - 1))
        if not bench.write(line, rng.randbytes(64)).ok:
            raise AssertionError("a write was refused")
        bench.expect(Op.FLUSH, number)
        old = bench.snapshot()
        assert bench.write(line, rng.randbytes(64)).ok
        bench.expect(Op.UNMOUNT, number)
        bench.undo()
        kind = self.change(number, line, old)
        self.tampers += 1
        bench.suspect.add(number)
        partial = rng.random() < 0.3
        overflows = bench.counts()["overflow"]
        if partial:  # If its counter overflows, the refusal comes when some of the leaf's lines are written again.
            bench.taint(number)
        result = bench.write(line, bytes(64), 1) if partial else bench.read(line)
        assert not result.ok, f"missed: {kind} of line {line:#x}"
        failure = bench.failure()
        assert failure is not None and failure.kind in TAMPERED, f"{kind}: recorded as {failure}"
        assert bench.tree_of(failure) == number, f"{kind}: {failure} is not about subtree {number}"
        self.seen[f"tamper {kind}: {failure.kind} {failure.level}"] += 1
        torn = partial and bench.counts()["overflow"] != overflows
        if partial and not torn:
            bench.model.tainted.discard(number)
        other = rng.choice([n for n in self.numbers if n != number])
        assert bench.read(other * self.lines).ok, "another subtree is refused"
        bench.undo()
        if not torn and rng.random() < 0.5:
            bench.command(Op.MOUNT, number)  # The other may have taken its place.
            bench.expect(Op.UNLOCK, number)
            bench.expect(Op.UNMOUNT, number)
            bench.suspect.discard(number)
            if partial:  # Its counter has moved: what memory has is out of date now, and a whole write mends it.
                assert bench.write(line, rng.randbytes(64)).ok
            assert bench.read(line).ok
        else:
            page = bench.model.entry(number).page
            bench.expect(Op.FREE, number)
            bench.expect(Op.ALLOC, number, page)
        bench.record(DENIED)

    def change(self, number: int, line: int, old: dict[int, bytes]) -> str:
        """Flip, replay or splice something on the path of a line; say what."""
        bench, rng = self.bench, self.rng
        mac_line, mac_bit = bench.mac_place(line)
        levels = bench.model.shape.levels
        match rng.choice(("flip line", "flip MAC", "flip node", "flip node", "replay", "replay", "splice", "noise")):
            case "flip line":
                bench.flip(line, rng.randrange(512))
                return "flip of a line"
            case "flip MAC":
                bench.flip(mac_line, mac_bit + rng.randrange(64))
                return "flip of a MAC"
            case "flip node":
                level = rng.randint(1, levels)
                bench.flip(bench.node_place(line, level), rng.randrange(512))
                return f"flip of a node of level {level}"
            case "replay":
                height = rng.randint(0, levels)
                places = [line, mac_line, *(bench.node_place(line, level) for level in range(1, height + 1))]
                bench.restore({place: old[place] for place in places})
                return f"replay up to level {height}"
            case "splice":
                other = line ^ 1
                bench.poke(line, bench.peek(other))
                return "splice of a line"
        level = rng.randint(0, levels)
        bench.poke(bench.node_place(line, level) if level else line, rng.randbytes(64))
        return f"noise at level {level}"

    def run(self, operations: int, tampers: int) -> None:
        """Do everything, evenly mixed, with a flush of everything now and then and at the end."""
        rng = self.rng
        while self.operations < operations:
            self.round(rng.choice((1, 4, 16, 48)))
            due = tampers * min(self.operations, operations) // operations
            while self.tampers < due:
                self.tamper()
            chance = rng.random()
            if chance < 0.02:
                self.recycle()
            elif chance < 0.03:
                self.reset()
            elif chance < 0.06:
                self.bench.flush_all()
        self.bench.flush_all()


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tb.mmt.campaign", description="Random operations and tampers.")
    parser.add_argument("--geometry", choices=sorted(ALL), default="small")
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--tampers", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    campaign, begin = Campaign(ALL[arguments.geometry], arguments.seed), time.monotonic()
    try:
        campaign.run(arguments.operations, arguments.tampers)
    finally:
        seconds = time.monotonic() - begin
        print(
            f"{arguments.geometry}, seed {arguments.seed}: {campaign.operations} operations, "
            f"{campaign.tampers} tampers, {campaign.bench.engine.cycle} cycles, {seconds:.0f} s"
        )
        for what, count in sorted(campaign.seen.items()):
            print(f"  {count:7} {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
