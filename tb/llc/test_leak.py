# SPDX-License-Identifier: Apache-2.0
"""What attackers learn about a table cipher through the core of the default cache, its tables locked and not.

Without the lock each attack has to find the key: otherwise that it finds nothing with the lock would say nothing.
covers: LLC.LOCK_SILENT LLC.LOCK_PINNED
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tb.mutation.mutants import OUT, Mutant, rtl_with
from yingzhou_sim.leak import Finding, Traces, analyse, eliminate
from yingzhou_sim.leak_native import FIRST_ROUND, KEY, WHOLE, Scene
from yingzhou_sim.paths import ROOT

ATTACKS: dict[str, tuple[int, Callable[[Scene, int], Traces]]] = {
    "prime and probe": (24, lambda scene, traces: scene.probe(traces, loads=FIRST_ROUND)),
    "prime and probe, whole encryptions": (300, lambda scene, traces: scene.probe(traces, loads=WHOLE)),
    "order of replacement": (150, lambda scene, traces: scene.probe(traces, loads=FIRST_ROUND, replacement=True)),
    "evict and time": (6000, lambda scene, traces: scene.time(traces)),
}
"""How many traces the attack needs without a lock, and the attack."""


def made(name: str, locked: bool, times: int = 1) -> Finding:
    traces, attack = ATTACKS[name]
    return analyse(name, attack(Scene(locked), times * traces), KEY, locked=locked, shuffles=99)


@pytest.mark.parametrize("name", ATTACKS)
def test_unlocked_tables_give_the_key_away(name: str):
    """threat: C05"""
    finding = made(name, locked=False)
    assert finding.recovered == finding.claimed == len(finding.right), finding.text()
    assert finding.information > 0.004 and finding.expected


@pytest.mark.parametrize("name", ATTACKS)
def test_locked_tables_tell_nothing(name: str):
    """threat: C05 C04. Not only nothing significant: no time differs between two traces."""
    finding = made(name, locked=True)
    assert finding.silent and finding.expected and finding.alike, finding.text()


def test_the_attacker_keeps_what_is_not_locked():
    """It fills the ways that are left: the attack on locked tables is not weaker than it could be."""
    assert (Scene(False).fits, Scene(True).fits) == (8, 7)


def test_the_victim_encrypts():
    """It is AES (FIPS 197)."""
    reference = Cipher(algorithms.AES(KEY), modes.ECB()).encryptor()
    for block in (bytes(16), bytes(range(16)), KEY):
        assert Scene(False).encrypt(KEY, block) == reference.update(block)


@pytest.mark.regress
@pytest.mark.parametrize("name", ATTACKS)
def test_a_hundred_thousand_traces_tell_nothing(name: str):
    """In one go: before each attack the attacker tries how many lines it keeps, which moves its own. threat: C05"""
    _, attack = ATTACKS[name]
    times = attack(Scene(True), 100_000).times
    assert len(times) == 100_000 and (times == times[0]).all()


MUTANTS = {
    "locked-hit-touches": Mutant(
        name="locked-hit-touches",
        rule="LLC.LOCK_SILENT",
        file="llc/decide.py",
        old="self.touch.eq(~found.entry.locked)",
        new="self.touch.eq(1)",
    ),
    "locked-is-victim": Mutant(
        name="locked-is-victim",
        rule="LLC.LOCK_PINNED",
        file="llc/lookup.py",
        old="Cat(entry.valid & ~entry.locked for entry in entries)",
        new="Cat(entry.valid for entry in entries)",
    ),
}


@pytest.mark.regress
@pytest.mark.parametrize(
    ("name", "attack"), [("locked-hit-touches", "order of replacement"), ("locked-is-victim", "prime and probe")]
)
def test_a_broken_lock_is_found_out(name: str, attack: str):
    """threat: D09. With a lock that is not silent, or holds nothing, the attack reads the key out of locked tables."""
    copy = rtl_with(MUTANTS[name])
    script = (
        "from tb.llc.test_leak import made\n"
        f"finding = made({attack!r}, locked=True, times=2)\n"
        "print(finding.recovered, len(finding.right), finding.silent)"
    )
    path = os.pathsep.join([str(copy), str(ROOT / "sim"), str(ROOT), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=OUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["16", "16", "False"], done.stdout + done.stderr
    shutil.rmtree(copy.parent)


# The analysis itself, on times that are made up.


def made_up(traces: int, leak: float, seed: int = 1) -> Traces:
    """Return times of noise, in which lines that the first round uses take ``leak`` times the noise longer."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (traces, 16), dtype=np.uint8)
    times = rng.normal(1000, 10, (traces, 64))
    for byte in range(16):
        line = (blocks[:, byte] ^ KEY[byte]) >> 4
        times[np.arange(traces), 16 * (byte % 4) + line] += 10 * leak
    return Traces(blocks, times.astype(np.uint32))


def test_a_leak_in_noise_is_found():
    finding = analyse("made up", made_up(400, 1.0), KEY, locked=True, shuffles=99)
    assert finding.recovered == 16 and finding.chance == 0.01 and not finding.expected


def test_noise_is_no_leak():
    """No guess stands out, and what is estimated is without bias: about as often below as above 0."""
    found = [analyse("made up", made_up(100, 0, seed), KEY, locked=True, shuffles=99) for seed in range(12)]
    assert sum(f.claimed for f in found) <= 1 and sum(f.silent for f in found) >= 11
    assert 2 <= sum(f.information > 0 for f in found) <= 10
    assert all(abs(f.information) < 0.005 for f in found)


def test_a_guess_is_taken_when_enough_fits_and_nothing_contradicts():
    blocks = np.zeros((120, 16), np.uint8)
    blocks[:, 0] = np.repeat([2, 3, 7], 40) << 4
    times = np.full((120, 1), 100, np.uint32)
    times[5] = times[100] = 50

    def finding(accept: int) -> Finding:
        return eliminate("", Traces(blocks, times), KEY, locked=False, missed=80, accept=accept, count=1)

    assert KEY[0] >> 4 == 3
    assert finding(40).recovered == 1 and finding(40).expected
    assert finding(41).claimed == 0 and not finding(41).expected
