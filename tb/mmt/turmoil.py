# SPDX-License-Identifier: Apache-2.0
"""Random trouble beside random traffic: ``python -m tb.mmt.turmoil --rounds 1000``.

What :mod:`tb.mmt.campaign` does at rest happens here in the middle of things: memory answers errors, bits flip,
counters come to their ends, subtrees are freed, locked and opened while other accesses to them are under way. A subtree
in trouble may refuse; all others must go on as if nothing were, and its next life must be whole.
threat: M19 M20 M33 M43
"""

import argparse
import sys
import time

from tb.models.mmt_layout import ROOT

from .bench import DENIED, Op
from .campaign import Campaign
from .geometries import ALL

_FAILURES = ("LINE_MAC", "NODE_MAC", "MEMORY_ERROR", "EXHAUSTED")
_REFUSALS = {"OK", "NOT_MOUNTED", "ALREADY_MOUNTED", "INTEGRITY", "LOCKED"}


class Turmoil(Campaign):
    """One run; parameters as of :class:`Campaign`."""

    def places(self, number: int) -> list[int]:
        """Draw lines of memory that a subtree uses: of each kind, near each other."""
        rng, layout = self.rng, self.bench.model.tree(number).layout
        index = self.line() % self.lines
        levels = self.bench.model.shape.levels
        nodes = [
            layout.first_node[level] + index // self.bench.model.shape.span[level] for level in range(1, levels + 1)
        ]
        every = [layout.first_line + index, layout.first_meta + index // 8, *nodes]
        return rng.sample(every, rng.randint(1, min(3, len(every))))

    def queue(self, count: int) -> None:
        """Queue bursts."""
        for _ in range(count):
            self.bench.issue(self.burst())
        self.operations += count

    def age(self, number: int, ends: bool = False) -> bool:
        """Bring counters of a node that is in memory close to their end; with ``ends``, to the end of all."""
        bench, rng, shape = self.bench, self.rng, self.bench.model.shape
        bench.command(Op.FLUSH, number)
        bench.command(Op.UNMOUNT, number)
        tree = bench.model.tree(number)
        known = [(level, index) for level, index in tree.nodes if tree.counter(level, index).low]
        if not known or not (shape.split or ends):
            return False
        level, index = rng.choice(sorted(known))
        top = 2 ** shape.counter_bits[level] - 1
        node = tree.node(level, index)
        counters = [max(has, top - rng.randrange(4)) for has in node.counters]
        bench.age(number, level, index, counters, shape.major_max if ends and shape.split else node.major)
        return True

    def trouble(self) -> None:
        """Something happens to one subtree in the middle of traffic to all."""
        bench, rng = self.bench, self.rng
        number = rng.choice(self.numbers)
        # A subtree at the end of its counters keeps its mount entry, and others need one.
        ends = ("ends",) if self.config.mount_entries > 1 else ()
        kind = rng.choice(("reads", "writes", "both", "flip", *ends, "free", "unlock"))
        if kind == "ends" and not self.age(number, ends=True):
            return
        bench.taint(number)
        self.queue(rng.choice((1, 8, 30)))
        bench.run(cycles=rng.randint(0, 4000), beats=rng.randint(1, 100))
        faults = []
        if kind in ("reads", "writes", "both"):
            faults = self.places(number)
            for line in faults:
                bench.engine.fault(bench.raw(line), kind)
        elif kind in ("flip", "unlock"):
            for line in self.places(number):
                bench.flip(line, rng.randrange(512))
        self.queue(rng.choice((1, 8, 30)))
        if kind == "free":
            bench.ending.add(number)
            answer = bench.command(Op.FREE, number)
            assert answer.result == "OK", f"FREE beside traffic answered {answer}"
        elif kind == "unlock":
            for _ in range(rng.randint(1, 4)):
                answer = bench.command(Op.UNLOCK, number)
                assert answer.result in {"OK", "NOT_MOUNTED"}
        elif rng.random() < 0.6:
            op = rng.choice((Op.FLUSH, Op.UNMOUNT, Op.MOUNT, Op.FLUSH_ALL, Op.STATUS))
            whose = rng.choice((number, number, *self.numbers))
            answer = bench.command(op, whose)
            assert answer.result in _REFUSALS, f"{op.name} of {whose} beside trouble of {number} answered {answer}"
        bench.settle()
        for line in faults:
            bench.engine.fault(bench.raw(line), "none")
        self.after(number, kind)

    def after(self, number: int, kind: str) -> None:
        """The failure, if there was one, is about the subtree in trouble; then its life ends and the next is whole."""
        bench = self.bench
        failure = bench.failure()
        told = "nothing" if failure is None else failure.kind
        if failure is not None:
            assert failure.kind in _FAILURES and bench.tree_of(failure) in (number, None), f"{failure}, not of {number}"
        self.seen[f"trouble {kind}: {told}"] += 1
        for other in self.numbers:
            if other != number:
                assert bench.read(other * self.lines).ok, f"{other} is refused after trouble of {number}"
        page, first = self.pages[number], self.pages[number] * 64
        metadata = range(first, first + self.config.metadata_bytes // 64)
        if kind != "free":
            bench.expect(Op.FREE, number)
        bench.undo()
        again = bench.failure()  # as long as its nodes were on chip, more of it may have failed
        assert again is None or again.line in metadata, f"an alarm without a reason: {again}"
        bench.expect(Op.ALLOC, number, page)
        assert not any(map(any, bench.read(self.line() % self.lines + number * self.lines).data))
        bench.record(DENIED)

    def root_trouble(self) -> None:
        """Something happens to the root tree in the middle of traffic: nobody hangs, and a reset mends everything."""
        bench, rng = self.bench, self.rng
        bench.everything = True
        for number in (ROOT, *self.numbers):
            bench.taint(number)
        root = bench.model.shape.root
        self.queue(8)
        bench.run(cycles=rng.randint(0, 4000), beats=rng.randint(1, 60))
        kind = rng.choice(("reads", "writes", "both", "flip"))
        for line in range(root.first_line, root.end_meta):
            if rng.random() < 0.7:
                if kind == "flip":
                    bench.flip(line, rng.randrange(512))
                else:
                    bench.engine.fault(bench.raw(line), kind)
        self.queue(rng.choice((1, 20)))
        for _ in range(rng.randint(0, 3)):
            bench.command(rng.choice((Op.FLUSH, Op.UNMOUNT, Op.MOUNT, Op.FLUSH_ALL, Op.FREE)), rng.choice(self.numbers))
            self.queue(4)
        bench.settle()
        for line in range(root.first_line, root.end_meta):
            bench.engine.fault(bench.raw(line), "none")
        failure = bench.record(0x40)
        self.seen[f"root {kind}: {'nothing' if failure is None else failure.kind}"] += 1
        bench.reset()
        bench.start()
        bench.alloc(self.numbers)

    def refusals(self) -> None:
        """Commands that are refused, beside traffic, change nothing."""
        bench, rng, model = self.bench, self.rng, self.bench.model
        self.queue(4)
        number = rng.choice(self.numbers)
        page = model.entry(number).page
        beyond = model.shape.subtrees + rng.randrange(model.shape.subtrees)
        refused = [
            (Op.ALLOC, number, page, "ALREADY_ALLOCATED"),
            (Op.ALLOC, beyond, page, "BAD_ADDRESS"),
            (Op.ALLOC, number, self.config.size // 4096 - self.config.metadata_pages + 1, "BAD_ADDRESS"),
            (Op.FREE, self.free, 0, "NOT_ALLOCATED"),
            (Op.MOUNT, self.free, 0, "NOT_ALLOCATED"),
            (Op.MOUNT, beyond, 0, "BAD_ADDRESS"),
            (Op.UNMOUNT, self.free, 0, "NOT_MOUNTED"),
            (Op.FLUSH, self.free, 0, "NOT_MOUNTED"),
            *((Op.ALLOC, self.free, over, "OVERLAP") for over in self.pages_over(self.free)),
            (Op.ALLOC, self.free, bench.root_page, "OVERLAP"),
        ]
        # With one entry in the mount table a pinned subtree would shut out all others.
        if self.config.mount_entries > 1 and bench.command(Op.PIN, number).result == "OK":
            refused += [(Op.ALLOC, self.free, over, "OVERLAP") for over in self.pages_over(number)]
            refused.append((Op.UNMOUNT, number, 0, "PINNED"))
        op, subtree, where, result = rng.choice(refused)
        bench.expect(op, subtree, where, result)
        bench.write_register(0x20, number)
        bench.write_register(0x2C, rng.randint(11, 15))
        assert bench.end_command(Op.NOP).result == "BAD_COMMAND"
        bench.settle()
        bench.command(Op.UNPIN, number)
        self.seen[f"{op.name} {result}"] += 1

    def pages_over(self, number: int) -> list[int]:
        """Return a page from which metadata would meet a subtree's lines; several small subtrees may share a page."""
        first, metadata = number * self.lines, self.config.metadata_bytes // 64
        page = -(-first // 64)
        if page * 64 >= first + self.lines:
            page = first // 64
        return [page] if page * 64 + metadata > first else []

    @property
    def free(self) -> int:
        """A subtree that is never allocated."""
        return self.numbers[0] - 1

    def play(self, rounds: int) -> None:
        """Do everything, mixed, with a comparison of all of memory now and then and at the end."""
        rng = self.rng
        self.pages = {number: self.bench.model.entry(number).page for number in self.numbers}
        for number in range(rounds):
            self.round(rng.choice((1, 8, 24)))
            chance = rng.random()
            if chance < 0.35:
                self.trouble()
            elif chance < 0.5:
                self.age(rng.choice(self.numbers))
            elif chance < 0.6:
                self.refusals()
            elif chance < 0.65:
                self.recycle()
            elif chance < 0.7:
                self.root_trouble()
            elif chance < 0.75:
                self.reset()
            if number % 8 == 7:
                self.bench.flush_all()
        self.bench.flush_all()


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tb.mmt.turmoil", description="Random trouble beside traffic.")
    parser.add_argument("--geometry", choices=sorted(ALL), default="small")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    run, begin = Turmoil(ALL[arguments.geometry], arguments.seed), time.monotonic()
    try:
        run.play(arguments.rounds)
    finally:
        bench = run.bench
        seconds = time.monotonic() - begin
        print(
            f"{arguments.geometry}, seed {arguments.seed}: {run.operations} operations, {bench.engine.cycle} cycles, "
            f"{bench.engine.nonces} AES inputs since the last reset, {seconds:.0f} s"
        )
        for what, count in sorted(run.seen.items()):
            print(f"  {count:7} {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
