# SPDX-License-Identifier: Apache-2.0
"""Two copies of a core: the attacker does the same in both, the victim uses other locked lines. All that the attacker
can see is equal in every cycle.

The victim asks in the same cycles in both; which of its locked lines it reads or writes, and what, is the secret.
covers: LLC.LOCK_SILENT LLC.LOCK_MAINTAIN
"""

from random import Random

import pytest

from tb.models.llc_operations import Op, Scope
from yingzhou.llc.config import LlcConfig

from .bench import FAST, ROUGH, Access, Bench, Pace
from .geometries import ALL, QUICK, in_set
from .library import new_core
from .test_core import bench_of
from .traffic import Traffic

UNSEEN = {"user0__answer_data", "user0__answer_write", "seen"}
"""What the attacker does not see: answers to the victim, and the trace that no hardware has."""
WRITE = "memory__write__payload"


class Twin(Bench):
    """A bench with a second core that gets the same inputs, but for the victim's secret."""

    def __post_init__(self) -> None:
        self.other = new_core(self.config, self.seed)
        self.locked: list[int] = []
        self.victim_lines: set[int] = set()
        self.hidden = Random(-self.seed)
        """Source of the other secret."""
        self.other_payload = 0
        self.reads_only = False
        self.same_writes = self.different = 0
        super().__post_init__()

    def _packed(self, access: Access) -> int:
        packed = super()._packed(access)
        if access.port == 0:
            self.other_payload = packed
            if self.locked:
                self.other_payload = super()._packed(self.victim_access(self.hidden, access.tag))
                self.different += packed != self.other_payload
        return packed

    def victim_access(self, rng: Random, tag: int = -1) -> Access:
        """Return a use of a locked line."""
        line = rng.choice(self.locked)
        if self.reads_only or rng.random() < 0.5:
            return Access(line, tag=tag)
        return Access(line, rng.randbytes(64), rng.getrandbits(64), tag=tag)

    def tick(self) -> None:
        """A cycle of both, and what the attacker sees of it."""
        super().tick()
        core, other = self.core, self.other
        other.copy_inputs(core)
        other.set("user0__request__payload", self.other_payload)
        other.cycle()
        if core.same_outputs(other):
            return
        for name in core.outputs:
            one, two = core.get(name), other.get(name)
            if one == two or name in UNSEEN or name == WRITE and not core.get("memory__write__valid"):
                continue
            assert name == WRITE, f"cycle {self.cycle}: {name} differs"
            (line, _), (same, _) = self.unpack_write(one), self.unpack_write(two)
            assert line == same and line in self.secret_lines, f"cycle {self.cycle}: write-back of {line:#x}, {same:#x}"
            self.same_writes += 1

    @property
    def secret_lines(self) -> set[int]:
        """Lines whose content is the secret, now or when they are written back."""
        return set() if self.reads_only else self.victim_lines


def attack(twin: Twin, seed: int, steps: int, victim: bool) -> None:
    """Let the attacker do anything for domains 0 and 2, and the victim use its locked lines when ``victim``."""
    traffic, rng = Traffic(twin.config, seed, operations=0.5), Random(seed)
    for _ in range(steps):
        for _ in range(rng.choice((0, 1, 4))):
            access = traffic.access()
            access.port = 1
            if access.line in twin.victim_lines:
                if not twin.reads_only:
                    continue
                access.data = None
            twin.queues[1].append(access)
        if victim:
            twin.queues[0].extend(twin.victim_access(rng) for _ in range(rng.choice((0, 1, 5))))
        op, domain, line, scope = traffic.operation()
        if rng.random() < 0.4 and len(twin.commands) < 2 and (victim or line not in twin.victim_lines):
            twin.start(op, 2 if domain else 0, line, scope)
        twin.idle(rng.choice((1, 4, 20)))
    twin.settle()


def run(config: LlcConfig, seed: int, pace: Pace, reads_only: bool, steps: int) -> Twin:
    """Lock, use in secret beside attacks, unlock beside attacks, attack."""
    made = bench_of(config, pace, seed)
    twin = Twin(config, seed, pace, made.memory)
    twin.reads_only = reads_only
    victim = [*in_set(config, 0, config.ways - 2), *in_set(config, 1, config.ways - 3)]
    attack(twin, seed, steps // 4, victim=False)
    twin.lock(1, *victim)
    twin.victim_lines = set(victim)
    twin.set_quota(*[config.lines] * config.domains)
    twin.locked = victim
    attack(twin, seed + 1, steps, victim=True)
    twin.locked = []
    twin.start(Op.UNLOCK, 1, scope=Scope.ALL)
    attack(twin, seed + 2, steps // 2, victim=False)
    assert twin.different > steps / 4, "there was no secret"
    return twin


@pytest.mark.parametrize("reads_only", (False, True), ids=("writes", "reads"))
@pytest.mark.parametrize("config", QUICK.values(), ids=QUICK)
def test_two_secrets_look_the_same(config: LlcConfig, reads_only: bool):
    """threat: C04 C07"""
    for seed in range(3):
        twin = run(config, seed, (FAST, ROUGH)[seed % 2], reads_only, 60)
        assert reads_only or twin.same_writes


@pytest.mark.regress
@pytest.mark.parametrize("name", [name for name, config in ALL.items() if config.ways > 2 and config.domains > 1])
def test_many_secrets_look_the_same(name: str):
    """threat: C04 C07"""
    for seed in range(100):
        run(ALL[name], seed, (FAST, ROUGH)[seed % 2], bool(seed & 2), 200)


def test_the_comparison_sees_a_secret():
    """The same with a line that is not locked is noticed: the bench is not blind."""
    config = QUICK["small"]
    twin = Twin(config, 1, FAST, bench_of(config).memory)
    twin.do(Access(line) for line in in_set(config, 0, 4))
    twin.locked = in_set(config, 0, 4)
    twin.reads_only = True
    twin.do(twin.victim_access(Random(1)) for _ in range(5))
    twin.locked = []
    with pytest.raises(AssertionError, match="differs"):
        for line in (*in_set(config, 0, 1, 4), *in_set(config, 0, 4)):
            twin.do([Access(line, port=1)])
